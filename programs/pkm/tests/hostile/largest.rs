//! Archives that are as large as the format allows, which is no reason to refuse them.

use std::io::{Cursor, Read};
use std::num::NonZeroUsize;

use igos_format::archive::{Compression, CompressionFormat, write_archive};
use igos_format::manifest::{self, Manifest, Origin};
use igos_format::{Arch, EntryKind, FileEntry, Owner, PackageId, Sha256, Xattrs};

use crate::given::World;

/// As many rows as a manifest can have, with paths as long as its text then has room for.
fn rows() -> Vec<FileEntry> {
    let row = |number| FileEntry {
        path: format!("{number:0width$}", width = PATH_BYTES)
            .parse()
            .expect("it is a path"),
        kind: EntryKind::Directory,
        mode: 0o755,
        owner: Owner::root(),
        is_configuration: false,
        capabilities: None,
        xattrs: Xattrs::new(),
    };
    (0..manifest::MAX_ENTRIES).map(row).collect()
}

/// Length of each path, in bytes: a row has 31 besides it.
const PATH_BYTES: usize = manifest::MAX_BYTES / manifest::MAX_ENTRIES - 32;

fn largest() -> Vec<u8> {
    let name: igos_format::PackageName = "largest".parse().expect("a name");
    let mut manifest = Manifest {
        recipe: name.clone(),
        license: "MIT".to_owned(),
        entries: rows(),
        ..Manifest::new(
            PackageId {
                name,
                epoch: 0,
                version: "1".parse().expect("a version"),
                release: "1".parse().expect("a release"),
                arch: Arch::Any,
            },
            Origin::Built,
            Sha256::of(b"key"),
        )
    };
    manifest::normalise(&mut manifest);
    let open = |_: &FileEntry| -> std::io::Result<Box<dyn Read + Send>> {
        panic!("directories have no content")
    };
    let mut bytes = Vec::new();
    write_archive(
        &manifest,
        b"{}",
        &open,
        Compression::new(CompressionFormat::Zstd, 1).expect("a level"),
        NonZeroUsize::MIN,
        &mut Cursor::new(Vec::new()),
        &mut bytes,
    )
    .expect("the archive can be written");
    bytes
}

#[test]
fn largest_manifest_is_planned_with_within_256_mib() {
    let world = World::new();
    let bytes = largest();
    fs_err::write(world.path("given"), bytes).expect("it is ours");
    let output = world.pkm(&[
        "install",
        "--archive",
        "given",
        "--allow-unsigned",
        "--dry-run",
    ]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
}
