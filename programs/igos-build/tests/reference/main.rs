//! `igos-build reference`, started as a program: the site it writes, read as a browser would.
#![expect(
    clippy::disallowed_methods,
    reason = "these tests start the program under test"
)]

#[path = "../publish/archives.rs"]
mod archives;
mod markup;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use igos_build::cache::{Cache, CachedOutput, Receipt};
use igos_format::archive::Head;
use igos_format::declaration::{Feature, FeatureKind};
use igos_format::{EntryKind, FileEntry, Owner, Sha256};
use markup::Page;
use serde_json::Value;

/// What must never be an element, in every text that a recipe or an archive can have.
const HOSTILE: &str = "</p></td></script><hostile onload='x'>\\\" & &lt; \\u202E";

/// A tree with a recipe that is hostile wherever its grammar lets it, one that needs it, and one without anything.
fn world() -> tempfile::TempDir {
    let world = tempfile::tempdir().expect("a temporary directory");
    let hostile = format!(
        "format: 2\nname: evil\nversion: \"1\"\nrelease: 1\ntier: core\ndescription: \"{HOSTILE}\"\n\
         license: \"MIT OR {HOSTILE}\"\nhomepage: \"javascript:alert(1)//{HOSTILE}\"\nbuild_style: custom\n\
         source:\n- url: \"https://example.org/{HOSTILE}\"\n  \
         sha256: eb872b4f0e1f0ebe59c9f7bd8c506c4204893ba6a8492de31df416f0d5170fd0\n  \
         alternatives:\n  - url: \"https://example.org/a\"\n    \
         sha256: eb872b4f0e1f0ebe59c9f7bd8c506c4204893ba6a8492de31df416f0d5170fd0\n    repack: \"{HOSTILE}\"\n\
         dependencies: {{build: [], host: [plain], runtime: [absent]}}\n\
         tests: {{enabled: false, reason: \"{HOSTILE}\"}}\n\
         outputs:\n- name: evil-doc\n  description: \"{HOSTILE}\"\n  paths: [usr/share/doc/**]\n\
         users: [{{name: evil, description: \"{HOSTILE}\"}}]\nservices: [{{name: evild}}]\n\
         hooks:\n- {{moment: post-install, run: [/usr/bin/evil, \"{HOSTILE}\"]}}\n"
    );
    let recipe = |name: &str, needs: &str| {
        format!(
            "format: 1\nname: {name}\nversion: \"2\"\nrelease: 1\ntier: base\ndescription: A {name} thing\n\
             license: MIT\nbuild_style: custom\nsource: []\n\
             dependencies: {{build: [], host: [], runtime: [{needs}]}}\n"
        )
    };
    let root = world.path();
    write(root, "tree/core/evil/package.yml", &hostile);
    write(root, "tree/base/plain/package.yml", &recipe("plain", ""));
    write(
        root,
        "tree/base/user/package.yml",
        &recipe("user", "plain, evil"),
    );
    for name in ["core/evil", "base/plain", "base/user"] {
        let script = "do_install() { mkdir -p \"$DESTDIR/usr\"; }\n";
        write(root, &format!("tree/{name}/build.sh"), script);
    }
    put_build(root);
    world
}

fn write(root: &Path, name: &str, text: &str) {
    let path = root.join(name);
    fs_err::create_dir_all(path.parent().expect("a file has a parent")).expect("a directory");
    fs_err::write(path, text).expect("a file can be written");
}

/// Puts a build of `evil` into the cache, with paths and features that would like to be markup.
fn put_build(root: &Path) {
    let provenance = format!(
        "{{\"recipe\":{{\"files\":{{}}}},\"sources\":[],\"dependencies\":{{}},\"toolchain\":null,\
         \"sandbox\":{{\"confinement\":\"<hostile>\",\"root\":\"packages\"}},\"source_date_epoch\":1,\
         \"weakened\":[\"{}\"]}}",
        HOSTILE.replace("\\u202E", "")
    );
    let done = root.join("done");
    fs_err::create_dir_all(&done).expect("a directory");
    let file = archives::archive(&done, "evil 1", &provenance, |manifest| {
        manifest
            .features_provided
            .extend([Feature::new(FeatureKind::Soname, "lib<hostile>.so.1").expect("a name")]);
        let link = EntryKind::Symlink {
            target: b"<hostile>\xff".to_vec(),
        };
        for (path, kind, is_configuration) in [
            ("etc", EntryKind::Directory, false),
            ("etc/<hostile>&\"'.conf", link.clone(), true),
            ("usr", EntryKind::Directory, false),
            ("usr/bin", EntryKind::Directory, false),
            ("usr/bin/findme<hostile>", link, false),
        ] {
            manifest.entries.push(FileEntry {
                path: path.parse().expect("a path"),
                mode: if kind == EntryKind::Directory {
                    0o755
                } else {
                    0o777
                },
                kind,
                owner: Owner::root(),
                is_configuration,
                capabilities: None,
                xattrs: BTreeMap::new(),
            });
        }
    });
    let bytes = fs_err::read(&file).expect("it was written");
    let head = Head::read(bytes.as_slice()).expect("it is an archive");
    let document = "igos build key 1\n";
    let cache =
        Cache::open(&root.join("cache"), igos_sandbox::build_identity()).expect("it is ours");
    let name: igos_format::PackageName = "evil".parse().expect("a name");
    let key = Sha256::of(document.as_bytes());
    let mut receipt = Receipt::new(name.clone(), "1-1".into(), key);
    let file_name = file.file_name().expect("it has a name");
    receipt.outputs.push(CachedOutput {
        name: name.clone(),
        archive: file_name.to_string_lossy().into_owned(),
        seal: head.seal_digest(),
        contents: head.manifest().contents_digest(),
        sha256: Sha256::of(&bytes),
        size_bytes: bytes.len() as u64,
    });
    cache.add_build(receipt, &done).expect("the cache is ours");
    cache
        .keep_key_document(&name, document)
        .expect("the cache is ours");
}

/// Runs the command; returns the exit code and the JSON value.
fn run(world: &Path, arguments: &[&str]) -> (Option<i32>, Value) {
    let output = Command::new(env!("CARGO_BIN_EXE_igos-build"))
        .current_dir(world)
        .env_clear()
        .args([
            "--json",
            "--offline",
            "--cache",
            "cache",
            "--recipes",
            "tree",
        ])
        .arg("reference")
        .args(arguments)
        .output()
        .expect("the program starts");
    let value = serde_json::from_slice(&output.stdout).expect("standard output is one JSON value");
    (output.status.code(), value)
}

/// Returns every file below a directory by its path.
fn files(top: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![PathBuf::new()];
    while let Some(below) = open.pop() {
        for entry in fs_err::read_dir(top.join(&below)).expect("it is there") {
            let entry = entry.expect("it can be read");
            let path = below.join(entry.file_name());
            if entry.file_type().expect("it has a type").is_dir() {
                open.push(path);
            } else {
                let bytes = fs_err::read(top.join(&path)).expect("it can be read");
                found.insert(path.display().to_string(), bytes);
            }
        }
    }
    found
}

/// Returns the pages of a site.
fn pages(site: &BTreeMap<String, Vec<u8>>) -> BTreeMap<&str, Page> {
    let pages = site.iter().filter(|(path, _)| path.ends_with(".html"));
    pages
        .map(|(path, bytes)| {
            let text = std::str::from_utf8(bytes).expect("pages are UTF-8");
            let page = Page::parse(text).unwrap_or_else(|error| panic!("{path}: {error}"));
            (path.as_str(), page)
        })
        .collect()
}

#[test]
fn no_text_of_a_recipe_or_an_archive_becomes_markup() {
    let world = world();
    assert_eq!(run(world.path(), &["--out", "site"]).0, Some(0));
    let site = files(&world.path().join("site"));
    let pages = pages(&site);
    let mut told = 0;
    for (path, page) in &pages {
        assert!(!page.elements.contains("hostile"), "{path}");
        assert!(
            page.scripts
                .iter()
                .all(|one| one == "packages.js" || one == "search.js")
        );
        for link in &page.links {
            let is_ours = !link.contains(':') && !link.starts_with('/');
            assert!(
                is_ours || link.starts_with("https://example.org/"),
                "{path}: {link}"
            );
        }
        told += page.text.matches("<hostile").count();
        assert!(!page.text.contains('\u{202e}'), "{path}");
    }
    // Licence and description in three tables, all texts of the page, two paths and two targets in two lists, …
    assert!(told >= 20, "only {told} of the texts are told at all");
    let text = String::from_utf8_lossy(&site["packages.js"]).into_owned();
    assert!(text.contains("findme"), "{text}");
    assert!(!text.contains('<'), "{text}");
}

#[test]
fn every_link_leads_to_a_page_and_a_place_that_are_there() {
    let world = world();
    run(world.path(), &["--out", "site"]);
    let site = files(&world.path().join("site"));
    let pages = pages(&site);
    let mut count = 0;
    for (path, page) in &pages {
        let below = Path::new(path).parent().expect("files are in directories");
        for link in page.links.iter().filter(|link| !link.contains("://")) {
            let (file, place) = link.split_once('#').unwrap_or((link, ""));
            let target = match (file.strip_prefix("../"), file) {
                (_, "") => (*path).to_owned(),
                (Some(rest), _) => rest.to_owned(),
                (None, file) => below.join(file).display().to_string(),
            };
            assert!(site.contains_key(&target), "{path}: {link}");
            if !place.is_empty() {
                assert!(pages[target.as_str()].ids.contains(place), "{path}: {link}");
            }
            count += 1;
        }
    }
    assert!(count > 60, "{count}");
    let names: BTreeSet<&str> = pages.keys().copied().collect();
    let expected = [
        "configuration.html",
        "files/evil.html",
        "index.html",
        "licences.html",
        "packages/evil.html",
        "packages/plain.html",
        "packages/user.html",
        "tiers/base.html",
        "tiers/core.html",
    ];
    assert_eq!(names, BTreeSet::from(expected));
}

#[test]
fn search_has_a_line_for_every_package_of_the_list() {
    let world = world();
    run(world.path(), &["--out", "site"]);
    let site = files(&world.path().join("site"));
    let front = String::from_utf8_lossy(&site["index.html"]).into_owned();
    let rows: Vec<&str> = front
        .split("<th scope=\"row\">")
        .skip(1)
        .filter_map(|row| row.split("packages/").nth(1)?.split(".html").next())
        .collect();
    assert_eq!(rows, ["evil", "plain", "user"]);
    let script = String::from_utf8_lossy(&site["packages.js"]).into_owned();
    let lines: Vec<Vec<String>> = script
        .lines()
        .filter_map(|line| serde_json::from_str(line.strip_suffix(',')?).ok())
        .collect();
    assert_eq!(
        lines,
        [
            vec![
                "/etc/<hostile>&\"'.conf".to_owned(),
                "evil-doc".into(),
                "evild".into(),
                "findme<hostile>".into(),
                "lib<hostile>.so.1".into()
            ],
            vec![],
            vec![]
        ]
    );
}

#[test]
fn same_recipes_and_archives_give_the_same_bytes() {
    let world = world();
    run(world.path(), &["--out", "one"]);
    run(world.path(), &["--out", "below/other"]);
    let one = files(&world.path().join("one"));
    assert_eq!(one, files(&world.path().join("below/other")));
    // Nothing of this machine is in it.
    let place = world.path().display().to_string();
    for (path, bytes) in one {
        assert!(!String::from_utf8_lossy(&bytes).contains(&place), "{path}");
    }
}

#[test]
fn only_a_site_of_our_own_is_replaced() {
    let world = world();
    let root = world.path();
    let told = |value: &Value| value["error"]["diagnostics"][0]["message"].to_string();
    write(root, "site/mine.txt", "mine");
    let (code, value) = run(root, &["--out", "site"]);
    assert_eq!(code, Some(1), "{value:#}");
    assert!(
        told(&value).contains("it has no igos-reference.txt"),
        "{value:#}"
    );
    assert_eq!(files(&root.join("site")).len(), 1);

    fs_err::remove_file(root.join("site/mine.txt")).expect("it is ours");
    let (code, value) = run(root, &["--out", "site", "--dry-run"]);
    assert_eq!((code, &value["is_dry_run"]), (Some(0), &Value::Bool(true)));
    assert!(files(&root.join("site")).is_empty());
    let (code, value) = run(root, &["--out", "site"]);
    assert_eq!(
        (code, &value["is_replaced"]),
        (Some(0), &Value::Bool(false))
    );

    // A page of a recipe that is gone is gone, too.
    fs_err::remove_dir_all(root.join("tree/base/user")).expect("it is ours");
    let (code, value) = run(root, &["--out", "site"]);
    assert_eq!((code, &value["is_replaced"]), (Some(0), &Value::Bool(true)));
    let site = files(&root.join("site"));
    assert!(!site.contains_key("packages/user.html"));
    let beside: BTreeSet<String> = fs_err::read_dir(root)
        .expect("it is there")
        .map(|entry| {
            entry
                .expect("it can be read")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    assert!(
        !beside.iter().any(|name| name.contains("partial")),
        "{beside:?}"
    );

    for foreign in ["site/packages/mine.txt", "site/mine/empty"] {
        write(root, foreign, "mine");
        let (code, value) = run(root, &["--out", "site"]);
        assert_eq!(code, Some(1), "{value:#}");
        assert_eq!(files(&root.join("site")).len(), site.len() + 1);
        fs_err::remove_file(root.join(foreign)).expect("it is ours");
    }
    let (code, value) = run(root, &["--out", "site"]);
    assert_eq!(
        code,
        Some(1),
        "an empty directory of somebody else's: {value:#}"
    );
}
