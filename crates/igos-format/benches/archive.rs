//! Packs and reads a tree and compares with `tar` and `zstd` in the same run, so that ratios mean something on a
//! busy machine: `cargo bench -p igos-format --bench archive -- DIRECTORY`.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::num::NonZeroUsize;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use igos_format::archive::{ArchiveReader, ArchiveSummary, Compression, write_archive};
use igos_format::manifest::{Manifest, Origin, normalise};
use igos_format::{Arch, EntryKind, FileEntry, Owner, PackageId, RelPath, Sha256, Xattrs};

const ROUNDS: usize = 3;

#[expect(
    clippy::disallowed_methods,
    reason = "the tree is named on the command line"
)]
#[expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
fn main() {
    // Test runners start benchmarks too, with options but without a tree.
    let Some(tree) = std::env::args_os()
        .skip(1)
        .find(|word| !word.as_bytes().starts_with(b"-"))
    else {
        println!("skipped: give a directory to pack");
        return;
    };
    let tree = fs_err::canonicalize(PathBuf::from(tree)).expect("the directory exists");
    let directory = tempfile::tempdir().expect("there is room for temporary files");
    let manifest = collect(&tree);
    let bytes: u64 = manifest.entries.iter().map(size).sum();
    println!(
        "{}: {} paths, {:.1} MiB; best of {ROUNDS} rounds",
        tree.display(),
        manifest.entries.len(),
        mebibytes(bytes)
    );
    let paths = Paths {
        ours: directory.path().join("ours.igos.tar.zst"),
        plain: directory.path().join("plain.tar.zst"),
        extracted: directory.path().join("extracted"),
    };
    let mut best: BTreeMap<&str, Duration> = BTreeMap::new();
    let mut summary = None;
    for _ in 0..ROUNDS {
        time(&mut best, "pack/ours, 1 thread", || {
            summary = Some(pack(&tree, &manifest, &paths.ours, 1));
        });
        time(&mut best, "pack/ours, 2 threads", || {
            summary = Some(pack(&tree, &manifest, &paths.ours, 2));
        });
        let plain = paths.plain.display();
        time(&mut best, "pack/tar | zstd -9 -T1", || {
            shell(
                &tree,
                &format!("tar -cf - . | zstd -q -f -9 -T1 -o {plain}"),
            );
        });
        time(&mut best, "read/ours, every digest verified", || {
            read(&paths.ours)
        });
        time(&mut best, "read/zstd -d", || {
            shell(&tree, &format!("zstd -q -d -c {plain} > /dev/null"));
        });
        fs_err::create_dir(&paths.extracted).expect("it is gone");
        time(&mut best, "read/tar -x to files", || {
            shell(&paths.extracted, &format!("tar -xf {plain}"));
        });
        fs_err::remove_dir_all(&paths.extracted).expect("it was extracted");
    }
    for (kind, base) in [("pack", "pack/tar | zstd -9 -T1"), ("read", "read/zstd -d")] {
        for (name, duration) in best.iter().filter(|(name, _)| name.starts_with(kind)) {
            println!(
                "{name:36} {:8.2} s  {:5.2} of {base}",
                duration.as_secs_f64(),
                duration.as_secs_f64() / best[base].as_secs_f64()
            );
        }
    }
    let plain = fs_err::metadata(&paths.plain)
        .expect("it was written")
        .len();
    let ours = summary.expect("there is a round");
    println!(
        "size: ours {:.2} MiB in {} frames, tar | zstd {:.2} MiB ({:.3})",
        mebibytes(ours.size),
        ours.frames,
        mebibytes(plain),
        ours.size as f64 / plain as f64
    );
}

struct Paths {
    ours: PathBuf,
    plain: PathBuf,
    extracted: PathBuf,
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / (1024.0 * 1024.0)
}

fn size(entry: &FileEntry) -> u64 {
    match entry.kind {
        EntryKind::File { size, .. } => size,
        _ => 0,
    }
}

fn time<'n>(best: &mut BTreeMap<&'n str, Duration>, name: &'n str, work: impl FnOnce()) {
    let start = Instant::now();
    work();
    let duration = start.elapsed();
    let slot = best.entry(name).or_insert(duration);
    *slot = duration.min(*slot);
}

#[expect(
    clippy::disallowed_methods,
    reason = "what we compare with is a pipeline"
)]
fn shell(directory: &Path, line: &str) {
    let status = std::process::Command::new("sh")
        .args(["-c", line])
        .current_dir(directory)
        .status()
        .expect("there is a shell");
    assert!(status.success(), "{line}");
}

fn pack(tree: &Path, manifest: &Manifest, to: &Path, threads: usize) -> ArchiveSummary {
    let open = |entry: &FileEntry| -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(fs_err::File::open(
            tree.join(entry.path.as_path()),
        )?))
    };
    let mut out = fs_err::File::create(to).expect("there is space");
    write_archive(
        manifest,
        b"{}",
        &open,
        Compression::default(),
        NonZeroUsize::new(threads).expect("a benchmark uses threads"),
        &mut tempfile::tempfile().expect("there is space"),
        &mut out,
    )
    .expect("the tree can be packed")
}

fn read(archive: &Path) {
    let file = fs_err::File::open(archive).expect("it was written");
    let reader = ArchiveReader::open(file).expect("it is an archive");
    reader.finish().expect("it is an archive");
}

/// Returns a manifest of a tree; what archives cannot hold is left out.
fn collect(tree: &Path) -> Manifest {
    let name = |text: &str| text.parse().expect("it is a name");
    let mut manifest = Manifest {
        recipe: name("tree"),
        source_date_epoch: 1_700_000_000,
        ..Manifest::new(
            PackageId {
                name: name("tree"),
                epoch: 0,
                version: "1".parse().expect("it is a version"),
                release: "1".parse().expect("it is a release"),
                arch: Arch::Any,
            },
            Origin::Built,
            Sha256::of(b""),
        )
    };
    let mut due = vec![PathBuf::new()];
    while let Some(below) = due.pop() {
        for item in fs_err::read_dir(tree.join(&below)).expect("the tree can be read") {
            let path = below.join(item.expect("the tree can be read").file_name());
            let full = tree.join(&path);
            let metadata = fs_err::symlink_metadata(&full).expect("the tree can be read");
            let kind = if metadata.is_symlink() {
                let target = fs_err::read_link(&full).expect("the tree can be read");
                EntryKind::Symlink {
                    target: target.as_os_str().as_bytes().to_vec(),
                }
            } else if metadata.is_dir() {
                due.push(path.clone());
                EntryKind::Directory
            } else if metadata.is_file() {
                let content = fs_err::read(&full).expect("the tree can be read");
                EntryKind::File {
                    sha256: Sha256::of(&content),
                    size: content.len() as u64,
                    link_group: None,
                }
            } else {
                continue;
            };
            let Ok(path) = RelPath::from_bytes(path.as_os_str().as_bytes()) else {
                continue;
            };
            manifest.entries.push(FileEntry {
                path,
                mode: if metadata.is_symlink() {
                    0o777
                } else {
                    (metadata.mode() & 0o7777) as u16
                },
                kind,
                owner: Owner::root(),
                is_configuration: false,
                capabilities: None,
                xattrs: Xattrs::new(),
            });
        }
    }
    normalise(&mut manifest);
    manifest
}
