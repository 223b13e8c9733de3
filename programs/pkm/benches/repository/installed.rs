//! What is installed: packages that need one another, and the archives of what is newer.

use std::collections::BTreeSet;
use std::io::Cursor;
use std::path::Path;

use fs_err as fs;
use igos_format::Sha256;
use igos_format::archive::Head;
use igos_format::index::{ArchiveLocation, IndexEntry};
use igos_repo::trust::SecretKey;

use super::generated;
use super::world::{TestPackage, World};

/// How many packages are installed.
const INSTALLED: u64 = 2000;

/// One of so many is old: all.
pub(crate) const OLD_IN_ALL: u64 = 1;

/// One of so many is old: those that a week brings.
pub(crate) const OLD_IN_FEW: u64 = 40;

/// How many of the packages before it each one needs at most.
const NEEDS_MAX: u64 = 12;

/// What is installed if it is old, and what is offered.
const VERSIONS: [&str; 2] = ["1", "2"];

/// Returns the numbers of the packages that are installed.
pub(crate) fn numbers(count: u64) -> BTreeSet<u64> {
    let step = (count / INSTALLED).max(1);
    (0..INSTALLED).map(|number| number * step).collect()
}

/// Returns the package that is the `at`th of those installed: libraries are every third, and needed by others.
fn package(at: u64, step: u64, version: &str) -> TestPackage {
    let name = generated::name(at * step);
    let mut package = TestPackage::new(name.as_str(), version);
    for file in 0..10 {
        let path = format!("usr/share/doc/{name}/{file}");
        let content = format!("{name} {file} {}", if file == 0 { version } else { "" });
        package = package.file(&path, &content, 0o644);
    }
    if at.is_multiple_of(3) {
        let soname = generated::soname(at * step);
        package = package.with(|manifest| {
            manifest.features_provided.insert(soname);
        });
    }
    // Some are needed by many, and most by few.
    for number in 0..(at * 7 % NEEDS_MAX).min(at) {
        let other = (at * (number + 3) * 31 % at).min(at * (number + 1) * 17 % at);
        if other.is_multiple_of(3) {
            let soname = generated::soname(other * step);
            package = package.with(|manifest| {
                manifest.features_required.insert(soname);
            });
        } else {
            package = package.depends(generated::name(other * step).as_str());
        }
    }
    package
}

/// Installs them; one of `old` in a version that is not offered any more, the others as they are offered.
pub(crate) fn install(world: &World, root: &str, count: u64, old: u64) {
    let step = (count / INSTALLED).max(1);
    let files: Vec<String> = (0..INSTALLED)
        .map(|at| world.archive(&package(at, step, VERSIONS[usize::from(at % old != 0)])))
        .collect();
    let mut arguments = vec!["install", "--allow-unsigned", "--yes", "--quiet"];
    arguments.extend(files.iter().map(String::as_str));
    let ended = world.pkm_on(root, &arguments);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
}

/// Writes the archives that are offered, and returns their entries of the index.
pub(crate) fn published(count: u64, archives: &Path, key: &SecretKey) -> Vec<IndexEntry> {
    let step = (count / INSTALLED).max(1);
    let entry = |at| {
        let archive = package(at, step, VERSIONS[1]).to_archive();
        let head = Head::read(Cursor::new(&archive)).expect("it is an archive");
        let file_name = format!("{}.igos.tar.zst", head.manifest().package.file_stem());
        let sha256 = Sha256::of(&archive);
        fs::write(archives.join(format!("{sha256}.{file_name}")), &archive).expect("there is room");
        let mut entry = IndexEntry::of(
            &head,
            ArchiveLocation {
                file_name: file_name.parse().expect("it is a file name"),
                sha256,
                size_bytes: archive.len() as u64,
                head_sha256: Sha256::of(&archive[..head.length() as usize]),
                head_bytes: head.length(),
            },
        );
        entry.signature = Some(key.sign_seal(&head.seal().to_bytes()));
        entry
    };
    (0..INSTALLED).map(entry).collect()
}
