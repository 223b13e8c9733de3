use std::path::Path;

use igos_format::archive::ArchiveReader;
use igos_format::manifest::{Manifest, Origin};
use igos_format::{Arch, Sha256};
use igos_repo::debian::BinaryPackage;

use super::{Item, list, tar};
use crate::toolchain::convert::{Converted, convert};
use crate::toolchain::deb::read_tar;
use crate::toolchain::document::{ARCHIVES, DOCUMENT, Document};
use crate::toolchain::files::write_document;
use crate::toolchain::import::write;
use crate::toolchain::links::make_links;
use crate::toolchain::{ImportError, LoadToolchainError, Toolchain};

fn package(name: &str) -> BinaryPackage {
    BinaryPackage {
        name: name.parse().expect("it is a name"),
        version: "1:1.0-2+deb12u1".into(),
        arch: "amd64".into(),
        source: name.into(),
        path: format!("pool/{name}.deb"),
        sha256: Sha256::of(name.as_bytes()),
        size: 1,
        depends: ["libc6".to_owned()].into(),
    }
}

fn converted(name: &str, items: &[(&str, u32, Item<'_>)]) -> Converted {
    let files = read_tar(tar(items).as_slice(), &list()).expect("it is honest");
    convert(files, &package(name), Arch::X86_64).expect("it has a version")
}

fn tool() -> Converted {
    let script = b"#!/bin/sh\n";
    let items = [
        ("bin/", 0o755, Item::Directory),
        ("bin/tool", 0o4755, Item::File(script)),
    ];
    converted("tool", &items)
}

#[test]
fn archive_says_where_it_comes_from_and_what_was_changed() {
    let directory = tempfile::tempdir().expect("there is room");
    let archive = write(&tool(), None, directory.path()).expect("it can be written");
    let again = write(&tool(), None, directory.path()).expect("it can be written");
    assert_eq!(archive, again, "equal inputs give equal bytes");

    let file = fs_err::File::open(directory.path().join(archive.file_name())).expect("it is there");
    let reader = ArchiveReader::open(file).expect("it is an archive");
    assert_eq!(reader.seal_digest(), archive.seal);
    let manifest = reader.manifest();
    assert_eq!(manifest.origin, Origin::Imported);
    assert_eq!(manifest.package.full_version(), "1:1.0-2+deb12u1");
    assert_eq!(manifest.source_date_epoch, 1_000_000);
    assert!(
        manifest
            .depends
            .iter()
            .any(|needed| needed.name.as_str() == "libc6")
    );
    let required: Vec<_> = manifest
        .features_required
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(required, ["path:/usr/bin/sh"]);
    let provenance: serde_json::Value =
        serde_json::from_slice(reader.provenance()).expect("provenance is JSON");
    assert_eq!(provenance["from"]["version"], "1:1.0-2+deb12u1");
    assert_eq!(
        provenance["from"]["sha256"],
        Sha256::of(b"tool").to_string()
    );
    assert_eq!(
        provenance["changed"]["modes"],
        serde_json::json!([{ "path": "usr/bin/tool", "mode": "4755" }])
    );
}

#[test]
fn links_of_the_list_and_of_the_merge_make_one_more_archive() {
    let links =
        make_links(&list(), &[tool().manifest], Arch::X86_64).expect("all of them lead somewhere");
    let found: Vec<_> = links
        .manifest
        .entries
        .iter()
        .filter_map(|entry| match &entry.kind {
            igos_format::EntryKind::Symlink { target } => Some(format!(
                "{} {}",
                entry.path,
                String::from_utf8_lossy(target)
            )),
            _ => None,
        })
        .collect();
    assert_eq!(
        found,
        [
            "bin usr/bin",
            "lib usr/lib",
            "lib64 usr/lib64",
            "usr/bin/cc tool"
        ]
    );
    assert_eq!(links.manifest.package.arch, Arch::Any);
}

#[test]
fn link_that_leads_nowhere_and_path_of_two_packages_are_told() {
    let other = converted("other", &[("usr/bin/x", 0o755, Item::File(b"x"))]);
    let error = make_links(&list(), &[other.manifest], Arch::X86_64).expect_err("there is no tool");
    let ImportError::Dangling { links } = &error else {
        panic!("{error}");
    };
    assert_eq!(links.len(), 1);

    let manifests: Vec<Manifest> = ["one", "two"]
        .iter()
        .map(|name| converted(name, &[("bin/tool", 0o755, Item::File(b""))]).manifest)
        .collect();
    let error = make_links(&list(), &manifests, Arch::X86_64).expect_err("both have the tool");
    let told = igos_report::Explain::diagnostics(&error);
    assert_eq!(told[0].because, ["/usr/bin/tool is in one and in two"]);
}

/// Writes a toolchain of one archive.
fn toolchain(directory: &Path) -> Document {
    let archives = directory.join(ARCHIVES);
    fs_err::create_dir(&archives).expect("it can be made");
    let archive = write(&tool(), None, &archives).expect("it can be written");
    let document = Document::new(
        "test".parse().expect("it is a name"),
        Arch::X86_64,
        Sha256::of(b"inputs"),
        vec![archive],
    );
    write_document(directory, &document).expect("it can be written");
    document
}

#[test]
fn toolchain_is_loaded_as_it_was_written() {
    let directory = tempfile::tempdir().expect("there is room");
    let document = toolchain(directory.path());
    let loaded = Toolchain::load(directory.path()).expect("it was just written");
    assert_eq!(loaded.archives(), document.archives);
    let contents = document.archives[0].contents;
    let text = format!("igos toolchain 2\narch x86_64\ntool {contents}\n");
    assert_eq!(loaded.digest(), Sha256::of(text.as_bytes()));
    assert_eq!(loaded.name().as_str(), "test");
}

#[test]
fn toolchain_that_was_changed_is_not_loaded() {
    let directory = tempfile::tempdir().expect("there is room");
    let path = directory.path();
    assert!(matches!(
        Toolchain::load(path),
        Err(LoadToolchainError::Absent { .. })
    ));
    let document = toolchain(path);
    let text = document.to_text();
    let contents = document.archives[0].contents.to_string();
    let other = Sha256::of(b"other").to_string();
    for (from, to) in [
        (contents.as_str(), other.as_str()),
        ("\"schema\": 2", "\"schema\": 1"),
        ("\"x86_64\"", "\"aarch64\""),
        ("\"schema\"", "\"colour\": 1, \"schema\""),
        ("{", "["),
    ] {
        fs_err::write(path.join(DOCUMENT), text.replacen(from, to, 1)).expect("it can be written");
        let error = Toolchain::load(path).expect_err(from);
        assert!(
            matches!(error, LoadToolchainError::Document { .. }),
            "{from}: {error}"
        );
    }
    fs_err::write(path.join(DOCUMENT), &text).expect("it can be written");
    let file = path.join(ARCHIVES).join(document.archives[0].file_name());
    let whole = fs_err::read(&file).expect("it is there");
    let mut flipped = whole.clone();
    flipped[40] ^= 1;
    for content in [&whole[..100], &flipped] {
        fs_err::write(&file, content).expect("it can be written");
        let error = Toolchain::load(path).expect_err("the archive is another");
        assert!(
            matches!(error, LoadToolchainError::Archive { .. }),
            "{error}"
        );
    }
}
