//! Installs, verifies, upgrades and removes a package of many small files, and extracts the same archive with `tar` in
//! the same run: `cargo bench -p igos-sysroot --bench install -- [FILES]`.
//!
//! `tar` waits for no disk; beside it stands the same followed by `sync -f`, which is what an installation promises.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::{Duration, Instant};

use igos_format::archive::{Compression, CompressionFormat, write_archive};
use igos_format::manifest::{Manifest, Origin, normalise};
use igos_format::{Arch, EntryKind, FileEntry, Owner, PackageId, RelPath, Sha256, Xattrs};
use igos_report::Quiet;
use igos_root::RootDir;
use igos_sysroot::{
    ArchiveSource, Candidate, ChangeOptions, LockedSysroot, Plan, Policy, Reason, Request,
    RunningKernel, Sysroot, Unmanaged, Unsigned, VerifyRequest, Vouch,
};

const ROUNDS: usize = 3;

/// Bytes of one file, as in a tree of headers or locales.
const FILE_BYTES: usize = 2048;

#[expect(clippy::disallowed_methods, reason = "FILES is on the command line")]
#[expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
fn main() {
    // Test runners start benchmarks too, without a number.
    let Some(files) = std::env::args().skip(1).find_map(|word| word.parse().ok()) else {
        println!("skipped: give a number of files, as 10000");
        return;
    };
    let archives = [1, 2].map(|version| archive(version, files));
    let mut best: BTreeMap<&str, Duration> = BTreeMap::new();
    for _ in 0..ROUNDS {
        let directory = tempfile::tempdir().expect("there is room for temporary files");
        let [plain, synced, root] = ["plain", "synced", "root"].map(|name| {
            let path = directory.path().join(name);
            fs_err::create_dir(&path).expect("the directory is ours");
            path
        });
        let file = directory.path().join("archive.tar.zst");
        fs_err::write(&file, &archives[0]).expect("the directory is ours");
        let file = file.display();
        time(&mut best, "tar -x", || {
            shell(&plain, &format!("tar -xf {file}"));
        });
        time(&mut best, "tar -x, sync -f", || {
            shell(&synced, &format!("tar -xf {file} && sync -f ."));
        });
        time(&mut best, "install", || change(&root, &archives[0]));
        time(&mut best, "verify", || verify(&root));
        time(&mut best, "upgrade, every tenth file", || {
            change(&root, &archives[1]);
        });
        time(&mut best, "remove", || remove(&root));
    }
    println!("{files} files of {FILE_BYTES} bytes; best of {ROUNDS} rounds");
    let base = best["tar -x"].as_secs_f64();
    let synced = best["tar -x, sync -f"].as_secs_f64();
    for (name, duration) in &best {
        let seconds = duration.as_secs_f64();
        println!(
            "{name:28} {seconds:8.3} s  {:6.2} of tar -x  {:6.2} of tar -x, sync -f",
            seconds / base,
            seconds / synced
        );
    }
}

fn time(best: &mut BTreeMap<&'static str, Duration>, name: &'static str, work: impl FnOnce()) {
    let began = Instant::now();
    work();
    let spent = began.elapsed();
    let entry = best.entry(name).or_insert(spent);
    *entry = spent.min(*entry);
}

/// Returns the content of a file in a version; every tenth differs between versions.
fn content(number: usize, version: usize) -> Vec<u8> {
    let version = if number.is_multiple_of(10) {
        version
    } else {
        0
    };
    let line = format!("file {number} as of version {version}\n");
    line.bytes().cycle().take(FILE_BYTES).collect()
}

fn archive(version: usize, files: usize) -> Vec<u8> {
    let package = PackageId {
        name: "many".parse().expect("a name"),
        epoch: 0,
        version: version.to_string().parse().expect("a version"),
        release: "1".parse().expect("a release"),
        arch: Arch::Any,
    };
    let mut manifest = Manifest {
        source_date_epoch: 1_700_000_000,
        ..Manifest::new(package, Origin::Built, Sha256::of(b"benchmark"))
    };
    let mut contents: BTreeMap<RelPath, Vec<u8>> = BTreeMap::new();
    for number in 0..files {
        let path: RelPath = format!("usr/share/many/{}/{number}", number / 100)
            .parse()
            .expect("a path");
        let bytes = content(number, version);
        manifest.entries.push(FileEntry {
            path: path.clone(),
            kind: EntryKind::File {
                sha256: Sha256::of(&bytes),
                size: bytes.len() as u64,
                link_group: None,
            },
            mode: 0o644,
            owner: Owner::root(),
            is_configuration: false,
            capabilities: None,
            xattrs: Xattrs::new(),
        });
        contents.insert(path, bytes);
    }
    normalise(&mut manifest);
    let open = |entry: &FileEntry| {
        Ok(Box::new(Cursor::new(contents[&entry.path].clone())) as Box<dyn Read + Send>)
    };
    let mut archive = Vec::new();
    write_archive(
        &manifest,
        b"{}",
        &open,
        Compression::new(CompressionFormat::Zstd, 9).expect("zstd has level 9"),
        NonZeroUsize::MIN,
        &mut Cursor::new(Vec::new()),
        &mut archive,
    )
    .expect("the package is valid");
    archive
}

fn policy() -> Policy {
    Policy {
        unsigned: Unsigned::Allow,
        ..Policy::strict(RunningKernel::Ignore)
    }
}

fn change(root: &Path, archive: &[u8]) {
    let candidate = Candidate::read(archive, Vouch::unsigned()).expect("it is an archive");
    let request = Request {
        install: vec![(candidate.seal(), Reason::Explicit)],
        ..Request::new(policy())
    };
    let plan = Sysroot::open(open(root), Unmanaged::Empty)
        .expect("the root can be read")
        .plan(&[candidate], &request);
    apply(root, &plan.expect("there is a plan"), archive);
}

fn remove(root: &Path) {
    let request = Request {
        remove: ["many".parse().expect("a name")].into(),
        ..Request::new(policy())
    };
    let sysroot = Sysroot::open(open(root), Unmanaged::Refuse).expect("the root can be read");
    let plan = sysroot.plan(&[], &request).expect("there is a plan");
    apply(root, &plan, &[]);
}

fn apply(root: &Path, plan: &Plan, archive: &[u8]) {
    let mut sysroot = LockedSysroot::create_or_open(open(root), ChangeOptions::default())
        .expect("the root can be changed");
    let source = |_: &_| {
        Ok(ArchiveSource::Whole(Box::new(Cursor::new(
            archive.to_vec(),
        ))))
    };
    sysroot
        .apply(plan, plan.digest(), &source, 1_750_000_000, &Quiet)
        .expect("the plan can be carried out");
}

fn verify(root: &Path) {
    let sysroot = Sysroot::open(open(root), Unmanaged::Refuse).expect("the root can be read");
    let report = sysroot
        .verify(&VerifyRequest::all(), &Quiet)
        .expect("the root can be verified");
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}

fn open(root: &Path) -> RootDir {
    RootDir::open(root).expect("the directory is ours")
}

#[expect(clippy::disallowed_methods, reason = "the peer of the benchmark")]
fn shell(directory: &Path, line: &str) {
    let status = std::process::Command::new("/bin/sh")
        .args(["-e", "-c", line])
        .current_dir(directory)
        .status()
        .expect("there is a shell");
    assert!(status.success(), "{line}");
}
