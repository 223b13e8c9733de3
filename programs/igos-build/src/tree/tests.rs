//! Trees on disk: what is found, what hides what, and what is refused.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use igos_recipe::{Dialect, Leniency, SourceKind};
use igos_report::{Diagnostic, Place};

use super::{Digests, LoadTreeError, Tree, TreeSettings, checksum, lint, load};

/// A directory of recipes that goes away with the test.
struct World(tempfile::TempDir);

impl World {
    fn new() -> Self {
        World(tempfile::tempdir().expect("a temporary directory can be made"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn file(&self, name: &str, text: &str) {
        let path = self.path(name);
        let parent = path.parent().expect("a file has a parent");
        fs_err::create_dir_all(parent).expect("a directory can be made");
        fs_err::write(&path, text).expect("a file can be written");
        let is_program = name.ends_with("/build") || name.ends_with("/post-install");
        let mode = if is_program { 0o755 } else { 0o644 };
        fs_err::set_permissions(&path, std::fs::Permissions::from_mode(mode))
            .expect("a mode can be set");
    }

    fn yml(&self, directory: &str, name: &str, more: &str) {
        let text = format!(
            "name: {name}\nversion: 1.0\nrelease: 1\nbuild_style: make\nsource: []\n{more}"
        );
        self.file(&format!("{directory}/package.yml"), &text);
    }

    fn kiss(&self, directory: &str) {
        self.file(&format!("{directory}/build"), "#!/bin/sh -e\n");
        self.file(&format!("{directory}/version"), "1 1\n");
    }

    fn settings(&self, path: &[&str]) -> TreeSettings {
        TreeSettings {
            path: path.iter().map(|name| self.path(name)).collect(),
            dialect: None,
            leniency: Leniency::Strict,
        }
    }

    fn load(&self, path: &[&str]) -> Tree {
        load(&self.settings(path)).expect("the directories are there")
    }

    /// Returns diagnostics as `place code`, places below the world.
    fn codes(&self, diagnostics: &[Diagnostic]) -> Vec<String> {
        let base = format!("{}/", self.0.path().display());
        diagnostics
            .iter()
            .map(|one| {
                let place = match &one.place {
                    Some(Place::Source { file, span, .. }) => format!("{file}:{}", span.line),
                    Some(Place::Named { name }) => name.clone(),
                    None => String::new(),
                };
                format!("{} {}", place.replace(&base, ""), one.code)
            })
            .collect()
    }
}

fn names(tree: &Tree) -> Vec<&str> {
    tree.entries
        .iter()
        .map(|entry| entry.recipe.name.as_str())
        .collect()
}

const SHA256: &str = "9a93b2b7dfdac77ceba5a558a580e74667dd6fede4585b91eefb60f03b72df23";
const BLAKE3: &str = "3e69fd475e7852e17594985528b5232afeba7d3d56cfebe2e89071768b2ab36a85";

#[test]
fn recipes_come_in_search_order_then_tiers_then_names() {
    let world = World::new();
    world.yml("ours/desktop/a", "a", "tier: desktop\n");
    world.yml("ours/core/z", "z", "tier: core\n");
    world.yml("ours/core/b", "b", "tier: core\n");
    world.yml("flat/y", "y", "");
    world.kiss("kiss/x");
    world.kiss("kiss/b");
    world.file("kiss/README", "not a recipe\n");
    world.file("kiss/.git/version", "1 1\n");
    let tree = world.load(&["ours", "kiss", "flat"]);
    assert_eq!(names(&tree), ["b", "z", "a", "x", "y"]);
    assert_eq!(world.codes(&tree.diagnostics), Vec::<String>::new());
    let repositories: Vec<_> = tree
        .repositories
        .iter()
        .map(|one| (one.name.as_str(), one.dialect))
        .collect();
    assert_eq!(
        repositories,
        [
            ("ours", Dialect::PackageYml),
            ("kiss", Dialect::KissCommunity),
            ("flat", Dialect::PackageYml)
        ]
    );
    assert_eq!(tree.shadowed.len(), 1);
    assert_eq!(tree.shadowed[0].directory, world.path("kiss/b"));
    assert_eq!(tree.shadowed[0].by, world.path("ours/core/b"));
    let b = tree
        .find(&"b".parse().expect("a name"))
        .expect("it is there");
    assert_eq!(
        (b.repository.as_str(), b.directory.as_path()),
        ("ours", world.path("ours/core/b").as_path())
    );
}

#[test]
fn dialect_of_a_repository_is_told_by_its_digests_its_overlay_or_the_caller() {
    let world = World::new();
    for (repository, digest) in [("old", SHA256), ("new", BLAKE3), ("both", SHA256)] {
        world.kiss(&format!("{repository}/a"));
        world.file(
            &format!("{repository}/a/sources"),
            "https://h/a-VERSION.tar\n",
        );
        world.file(&format!("{repository}/a/checksums"), &format!("{digest}\n"));
    }
    world.kiss("both/b");
    world.file("both/b/sources", "https://h/b\n");
    world.file("both/b/checksums", &format!("{BLAKE3}\n"));
    world.kiss("said/a");
    world.file(
        "said/igos-overlay.yml",
        "format: 1\ndialect: kiss-ng\npackages: {nobody: {license: MIT}}\n",
    );
    let dialect = |path: &str, given| {
        let settings = TreeSettings {
            dialect: given,
            ..world.settings(&[path])
        };
        let tree = load(&settings).expect("the directory is there");
        (
            tree.repositories[0].dialect,
            tree.entries[0]
                .recipe
                .sources
                .first()
                .map(|one| one.location.clone()),
        )
    };
    assert_eq!(
        dialect("old", None),
        (Dialect::KissClassic, Some("https://h/a-1.tar".to_owned()))
    );
    assert_eq!(
        dialect("new", None),
        (
            Dialect::KissCommunity,
            Some("https://h/a-VERSION.tar".to_owned())
        )
    );
    assert_eq!(dialect("both", None).0, Dialect::KissCommunity);
    assert_eq!(dialect("said", None).0, Dialect::KissNg);
    assert_eq!(
        dialect("said", Some(Dialect::KissClassic)).0,
        Dialect::KissClassic
    );
    assert_eq!(
        world.codes(&world.load(&["said"]).diagnostics),
        ["said/igos-overlay.yml overlay-package-unknown"]
    );
}

#[test]
fn links_are_followed_inside_the_search_path_and_refused_elsewhere() {
    let world = World::new();
    world.kiss("one/foot");
    world.file("one/foot/sources", "https://h/foot.tar\n");
    world.file("one/foot/checksums", &format!("{BLAKE3}\n"));
    world.file("outside/secret", "2 1\n");
    world.file("two/foot-pgo/build", "#!/bin/sh\n");
    let link = |target: &Path, name: &str| {
        let path = world.path(name);
        fs_err::create_dir_all(path.parent().expect("a parent")).expect("a directory can be made");
        symlink(target, path).expect("a link can be made");
    };
    for name in ["version", "sources", "checksums"] {
        link(
            Path::new(&format!("../../one/foot/{name}")),
            &format!("two/foot-pgo/{name}"),
        );
    }
    link(&world.path("one/foot"), "two/foot-again");
    link(&world.path("outside"), "two/away");
    link(Path::new("nowhere"), "two/dangling");
    world.file("two/bad/build", "#!/bin/sh\n");
    link(&world.path("outside/secret"), "two/bad/version");
    let tree = world.load(&["one", "two"]);
    assert_eq!(names(&tree), ["foot", "foot-again", "foot-pgo"]);
    assert_eq!(
        tree.entries[2].recipe.sources,
        tree.entries[0].recipe.sources
    );
    assert_eq!(
        world.codes(&tree.diagnostics),
        [
            "two/away recipe-file-outside",
            "two/bad/version recipe-file-outside",
            "two/bad kiss-version-missing",
        ]
    );
}

#[test]
fn pipes_and_files_that_are_too_large_are_refused_and_not_read() {
    let world = World::new();
    world.kiss("k/a");
    let pipe = world.path("k/a/sources");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        0o644.into(),
        0,
    )
    .expect("a pipe can be made");
    world.yml("y/big", "big", "");
    let file = fs_err::File::create(world.path("y/big/package.yml")).expect("a file can be made");
    file.set_len(igos_recipe::RECIPE_MAX_BYTES + 1)
        .expect("a file can be made longer");
    let tree = world.load(&["k", "y"]);
    assert_eq!(
        world.codes(&tree.diagnostics),
        [
            "k/a/sources recipe-file-irregular",
            "y/big/package.yml recipe-too-large"
        ]
    );
    assert!(tree.entries.iter().all(|entry| entry.has_errors));
}

#[test]
fn all_errors_of_a_tree_are_reported_at_once() {
    let world = World::new();
    world.yml("t/core/a", "a", "lisence: MIT\n");
    world.yml("t/core/b", "b", "format: 1\ntier: base\n");
    world.yml("t/core/c", "other", "format: 1\n");
    world.yml("t/base/a", "a", "");
    world.file("t/core/d/package.yml", "a: [\n");
    let tree = world.load(&["t"]);
    assert_eq!(
        world.codes(&tree.diagnostics),
        [
            "t/base/a recipe-tier-differs",
            "t/core/a/package.yml:6 recipe-key-unknown",
            "t/core/b recipe-tier-differs",
            "t/core/c recipe-name-differs",
            "t/core/d/package.yml:1 recipe-not-yaml",
            "t/core/a recipe-name-twice",
        ]
    );
    assert_eq!(tree.shadowed, [], "two of one repository are an error");
    assert!(tree.has_errors());
    let settings = TreeSettings {
        leniency: Leniency::Lenient,
        ..world.settings(&["t"])
    };
    let lenient = load(&settings).expect("the directory is there");
    let a = lenient
        .entries
        .iter()
        .filter(|entry| entry.directory == world.path("t/core/a"));
    assert!(a.into_iter().all(|entry| !entry.has_errors));
}

#[test]
fn directories_that_cannot_be_read_are_all_named() {
    let world = World::new();
    world.kiss("k/a");
    let error = load(&world.settings(&["gone", "k", "lost"])).expect_err("two are missing");
    let LoadTreeError::Directories(all) = &error else {
        panic!("{error:?}")
    };
    let texts: Vec<String> = all.iter().map(ToString::to_string).collect();
    let expected = ["gone", "lost"]
        .map(|name| format!("cannot read the recipes in {}", world.path(name).display()));
    assert_eq!(texts, expected);
    assert!(matches!(
        load(&TreeSettings::default()),
        Err(LoadTreeError::Nowhere)
    ));
}

#[test]
fn lint_knows_tiers_and_names_of_the_whole_tree() {
    let world = World::new();
    let more = |text: &str| {
        format!("format: 1\ndescription: d\nlicense: MIT\nverify_paths: [/usr/bin/x]\n{text}")
    };
    world.yml(
        "t/core/low",
        "low",
        &more("tier: core\nsupersedes: [gone]\ndependencies: {build: [high, none, tool]}\n"),
    );
    world.yml(
        "t/desktop/high",
        "high",
        &more("tier: desktop\nprovides: [tool]\n"),
    );
    let tree = world.load(&["t"]);
    assert_eq!(world.codes(&tree.diagnostics), Vec::<String>::new());
    assert_eq!(
        world.codes(&lint(&tree, tree.entries.iter())),
        [
            "t/core/low/package.yml lint-tier-later",
            "t/core/low/package.yml lint-dependency-missing",
            "t/core/low/package.yml lint-tier-later",
            "t/core/low/package.yml lint-supersedes-unknown",
        ]
    );
}

#[test]
fn digests_of_local_and_provided_files_are_written() {
    let world = World::new();
    world.kiss("k/a");
    world.file("k/a/local.patch", "patch\n");
    world.file(
        "k/a/sources",
        "local.patch\nhttps://h/known.tar\ngit+https://h/r\n",
    );
    world.kiss("k/b");
    world.file("k/b/sources", "https://h/unknown.tar\n");
    let tree = world.load(&["k"]);
    let known = Digests::read(&b"known"[..]).expect("bytes can be read");
    let mut provide = |_: &super::TreeEntry, source: &igos_recipe::Source| {
        assert_eq!(source.kind, SourceKind::Http);
        Ok::<_, super::ChecksumError>((source.cache_name == "known.tar").then_some(known))
    };
    let a = checksum(&tree.entries[0], &mut provide).expect("it can be read");
    let patch = igos_format::Blake3::of(b"patch\n");
    assert_eq!(a.text, Some(format!("{patch}\n{}\n", known.blake3)));
    assert_eq!(
        (a.file, a.unknown),
        (world.path("k/a/checksums"), Vec::new())
    );
    let b = checksum(&tree.entries[1], &mut provide).expect("it can be read");
    assert_eq!(
        (b.text, b.unknown),
        (None, vec!["https://h/unknown.tar".to_owned()])
    );
}

#[test]
fn imported_recipes_are_for_building_alone() {
    let world = World::new();
    let imported = "tier: toolchain\nformat: 3\nimported: nobody can compile it\n";
    world.yml("t/toolchain/seed", "seed", imported);
    let other = format!("{imported}dependencies: {{host: [seed], runtime: [seed]}}\n");
    world.yml("t/toolchain/other-seed", "other-seed", &other);
    for (name, needs) in [
        ("builds", "build: [seed]"),
        ("links", "host: [seed]"),
        ("runs", "runtime: [seed]"),
    ] {
        let more = format!("tier: core\nformat: 1\ndependencies: {{{needs}}}\n");
        world.yml(&format!("t/core/{name}"), name, &more);
    }
    let tree = world.load(&["t"]);
    assert_eq!(world.codes(&tree.diagnostics), Vec::<String>::new());
    let mut found = lint(&tree, tree.entries.iter());
    found.retain(|one| one.severity == igos_report::Severity::Error);
    assert_eq!(
        world.codes(&found),
        [
            "t/core/links/package.yml lint-imported-needed",
            "t/core/runs/package.yml lint-imported-needed",
        ]
    );
}

#[test]
fn recipe_apart_from_its_workspace_can_be_listed() {
    let world = World::new();
    let own = "format: 3\ntier: core\nname: own\nversion: 1.0\nrelease: 1\nbuild_style: make\nsource:\n- crates: ../../../Cargo.lock\n";
    world.file("t/core/own/package.yml", own);
    let tree = world.load(&["t"]);
    assert_eq!(
        world.codes(&tree.diagnostics),
        ["t/core/own/package.yml:8 recipe-lock-missing"]
    );
    assert!(!tree.has_errors(), "other recipes can be built");
    world.file("Cargo.lock", "version = 4\n");
    let tree = world.load(&["t"]);
    assert_eq!(world.codes(&tree.diagnostics), Vec::<String>::new());
    assert_eq!(tree.entries[0].recipe.sources, []);
}
