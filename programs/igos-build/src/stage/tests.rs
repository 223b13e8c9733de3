//! From a directory on disk to archives, without a sandbox: the programs that staging would run are counted here.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use igos_format::archive::{ArchiveReader, Compression};
use igos_format::manifest::Origin;
use igos_format::{Arch, Sha256};
use igos_recipe::{FileList, Leniency, LockAbsent, PackageYml, Recipe, parse_package_yml};
use igos_report::{Explain, Quiet, Subject, Task};

use super::{
    StageError, StageInput, StagedPackage, Strip, ToolError, Tools, UndeclaredPolicy, Visibility,
    VisiblePackage, stage,
};

const RECIPE: &str = "format: 1
name: sample
version: '1.2'
release: 1
tier: base
description: a sample
license: MIT
homepage: https://example.org
build_style: make
source: []
dependencies: {build: [], host: [], runtime: []}
";

/// Counts what it is asked to run, and runs nothing.
#[derive(Default)]
struct Counted(Vec<Vec<OsString>>);

impl Tools for Counted {
    fn run(&mut self, argv: Vec<OsString>) -> Result<(), ToolError> {
        self.0.push(argv);
        Ok(())
    }
}

fn recipe(more: &str) -> Recipe {
    let text = format!("{RECIPE}{more}");
    let parsed = parse_package_yml(&PackageYml {
        file: "package.yml",
        text: text.as_bytes(),
        script: None,
        files: &FileList::new(),
        lock: &|_| Err(LockAbsent::Missing),
        leniency: Leniency::Strict,
    });
    assert!(!parsed.has_errors(), "{:#?}", parsed.diagnostics);
    parsed.recipe.expect("a recipe without errors")
}

fn write(root: &Path, path: &str, content: &[u8], mode: u32) {
    let file = root.join(path);
    fs_err::create_dir_all(file.parent().expect("it lies in a directory")).expect("made");
    fs_err::write(&file, content).expect("written");
    fs_err::set_permissions(&file, PermissionsExt::from_mode(mode)).expect("set");
}

/// Stages `destination` where the build could see nothing.
fn staged(
    recipe: &Recipe,
    destination: &Path,
    tools: &mut Counted,
) -> Result<Vec<StagedPackage>, StageError> {
    staged_beside(recipe, destination, tools, &[])
}

/// Stages `destination` and puts the archives into `archives` beside it.
fn staged_beside(
    recipe: &Recipe,
    destination: &Path,
    tools: &mut Counted,
    visible: &[VisiblePackage<'_>],
) -> Result<Vec<StagedPackage>, StageError> {
    let output = destination.with_file_name("archives");
    fs_err::create_dir_all(&output).expect("made");
    let task = Task::start(&Quiet, None, Subject::Build("sample".into()));
    stage(
        &StageInput {
            recipe,
            arch: Arch::X86_64,
            build_key: Sha256::of(b"key"),
            source_date_epoch: 1_700_000_000,
            origin: Origin::Built,
            destination: destination.to_owned(),
            output,
            visible,
            undeclared: UndeclaredPolicy::Refuse,
            strip: Strip::Remove,
            provenance: b"{}",
            compression: Compression::default(),
            threads: NonZeroUsize::MIN,
            task: &task,
        },
        tools,
    )
}

fn refused(recipe: &Recipe, destination: &Path) -> Vec<String> {
    let error =
        staged(recipe, destination, &mut Counted::default()).expect_err("it must be refused");
    assert_eq!(error.exit_code(), 1);
    error
        .diagnostics()
        .into_iter()
        .map(|diagnostic| diagnostic.code)
        .collect()
}

/// Returns a temporary directory and, in it, an empty destination directory.
fn world() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let destination = directory.path().join("dest");
    fs_err::create_dir(&destination).expect("made");
    (directory, destination)
}

#[test]
fn tree_becomes_archives_of_all_outputs() {
    let (_directory, root) = world();
    write(&root, "usr/lib/libsample.la", b"left out", 0o644);
    write(&root, "usr/include/sample.h", b"header", 0o644);
    write(&root, "etc/sample.conf", b"setting", 0o640);
    write(&root, "usr/lib/pkgconfig/sample.pc", b"Name: sample", 0o644);
    symlink("libsample.so", root.join("usr/lib/libsample.so.1")).expect("linked");
    let recipe = recipe(
        "outputs:\n  - {name: sample-dev, description: headers, paths: ['usr/include/**']}\n",
    );
    let mut tools = Counted::default();
    let packages = staged(&recipe, &root, &mut tools).expect("it can be staged");
    assert!(
        tools.0.is_empty(),
        "nothing in it can be stripped: {:?}",
        tools.0
    );
    let names: Vec<_> = packages
        .iter()
        .map(|package| package.manifest.package.name.to_string())
        .collect();
    assert_eq!(names, ["sample", "sample-dev"]);
    let main = &packages[0].manifest;
    let lines: Vec<_> = main
        .entries
        .iter()
        .map(|entry| {
            format!(
                "{:04o} {} {}",
                entry.mode,
                entry.path,
                u8::from(entry.is_configuration)
            )
        })
        .collect();
    assert_eq!(
        lines,
        [
            "0755 etc 0",
            "0640 etc/sample.conf 1",
            "0755 usr 0",
            "0755 usr/lib 0",
            "0777 usr/lib/libsample.so.1 0",
            "0755 usr/lib/pkgconfig 0",
            "0644 usr/lib/pkgconfig/sample.pc 0",
        ]
    );
    assert_eq!(
        main.features_provided
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>(),
        ["pkgconfig:sample"]
    );
    let file = fs_err::File::open(&packages[1].archive).expect("it was written");
    let reader = ArchiveReader::open(file).expect("it can be read");
    assert_eq!(reader.manifest(), &packages[1].manifest);
    assert_eq!(
        packages[1]
            .archive
            .file_name()
            .and_then(|name| name.to_str()),
        Some("sample-dev-1.2-1.x86_64.igos.tar.zst")
    );
}

#[test]
fn equal_trees_give_equal_archives_whatever_their_times_and_places() {
    let digests: Vec<Sha256> = (0..2)
        .map(|_| {
            let (_directory, root) = world();
            write(&root, "usr/share/a", b"a", 0o644);
            write(&root, "usr/share/b", b"b", 0o755);
            fs_err::hard_link(root.join("usr/share/a"), root.join("usr/share/c")).expect("linked");
            let packages =
                staged(&recipe(""), &root, &mut Counted::default()).expect("it can be staged");
            packages[0].summary.sha256
        })
        .collect();
    assert_eq!(digests[0], digests[1]);
}

#[test]
fn program_whose_needs_nothing_declared_meets_is_refused_and_stripped_before() {
    let (_directory, root) = world();
    fs_err::create_dir_all(root.join("usr/bin")).expect("made");
    fs_err::copy(
        std::env::current_exe().expect("a path"),
        root.join("usr/bin/x"),
    )
    .expect("copied");
    let mut tools = Counted::default();
    let error = staged(&recipe(""), &root, &mut tools).expect_err("libc is not declared");
    let argv: Vec<_> = tools.0[0]
        .iter()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    assert_eq!(
        argv,
        [
            "strip",
            "-D",
            "-s",
            "-R",
            ".comment",
            "-R",
            ".note",
            "--",
            "/dest/usr/bin/x"
        ]
    );
    let codes: Vec<_> = error
        .diagnostics()
        .into_iter()
        .map(|diagnostic| diagnostic.code)
        .collect();
    assert!(
        codes
            .iter()
            .all(|code| code == "undeclared-dependency" || code == "output-refused"),
        "{codes:?}"
    );
    assert!(
        codes.len() > 2,
        "interpreter and C library at least: {codes:?}"
    );
}

#[test]
fn everything_wrong_is_told_at_once() {
    let (_directory, root) = world();
    write(&root, "usr/bin/su", b"x", 0o4755);
    write(&root, "lib/x", b"x", 0o644);
    let recipe = recipe("verify_paths: [/usr/bin/missing]\nfiles: {usr/none: {mode: '0600'}}\n");
    let mut codes = refused(&recipe, &root);
    codes.sort();
    assert_eq!(
        codes,
        [
            "not-usr-merged",
            "not-usr-merged",
            "output-refused",
            "promised-path-missing",
            "rule-without-path",
            "undeclared-setuid",
        ]
    );
}

#[test]
fn declared_rights_are_recorded() {
    let (_directory, root) = world();
    write(&root, "usr/bin/ping", b"x", 0o755);
    write(&root, "usr/bin/su", b"x", 0o755);
    let recipe = recipe(
        "files:\n  usr/bin/ping: {capabilities: 'cap_net_raw=ep'}\n  usr/bin/su: {mode: '4755'}\n",
    );
    let packages = staged(&recipe, &root, &mut Counted::default()).expect("both are declared");
    let entries = &packages[0].manifest.entries;
    let find = |path: &str| {
        entries
            .iter()
            .find(|entry| entry.path.to_string() == path)
            .expect("it was installed")
    };
    assert_eq!(find("usr/bin/su").mode, 0o4755);
    assert_eq!(
        find("usr/bin/ping").capabilities.map(|set| set.permitted),
        Some(1 << 13)
    );
}

#[test]
fn further_output_depends_on_what_its_own_files_need() {
    let (_directory, root) = world();
    write(&root, "usr/bin/main", b"#!/bin/tool\n", 0o755);
    write(&root, "usr/libexec/extra", b"#!/bin/tool\n", 0o755);
    write(&root, "usr/share/data", b"no program", 0o644);
    let (_other, tool) = world();
    write(&tool, "usr/bin/tool", b"x", 0o755);
    let provider = staged(&recipe(""), &tool, &mut Counted::default()).expect("it can be staged");
    let mut provider = provider[0].manifest.clone();
    provider.package.name = "tool".parse().expect("a name");
    let recipe = recipe(
        "outputs:\n  - {name: sample-extra, description: x, paths: ['usr/libexec/**']}\n  \
         - {name: sample-data, description: x, paths: ['usr/share/**']}\n",
    );
    let visible = [VisiblePackage {
        manifest: &provider,
        visibility: Visibility::Run,
    }];
    let packages = staged_beside(&recipe, &root, &mut Counted::default(), &visible)
        .expect("all needs are met");
    let depends: Vec<Vec<String>> = packages
        .iter()
        .map(|package| {
            package
                .manifest
                .depends
                .iter()
                .map(ToString::to_string)
                .collect()
        })
        .collect();
    assert_eq!(depends, [vec![], vec!["tool".to_owned()], vec![]]);
}

#[test]
fn what_is_compiled_here_cannot_run_on_what_is_not() {
    let (_directory, root) = world();
    write(&root, "usr/bin/main", b"#!/bin/tool\n", 0o755);
    let (_other, tool) = world();
    write(&tool, "usr/bin/tool", b"x", 0o755);
    let provider = staged(&recipe(""), &tool, &mut Counted::default()).expect("it can be staged");
    let mut provider = provider[0].manifest.clone();
    provider.package.name = "tool".parse().expect("a name");
    for (origin, is_refused) in [(Origin::Built, false), (Origin::Imported, true)] {
        provider.origin = origin;
        let visible = [VisiblePackage {
            manifest: &provider,
            visibility: Visibility::Build,
        }];
        let packages = staged_beside(&recipe(""), &root, &mut Counted::default(), &visible);
        let codes: Vec<String> = match packages {
            Ok(_) => Vec::new(),
            Err(error) => error
                .diagnostics()
                .into_iter()
                .map(|one| one.code)
                .collect(),
        };
        assert_eq!(
            codes.contains(&"undeclared-dependency".to_owned()),
            is_refused,
            "{codes:?}"
        );
    }
}
