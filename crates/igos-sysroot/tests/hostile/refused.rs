//! Every change of the table, planned and applied.

use std::fmt::Write as _;
use std::io::{self, Cursor};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use igos_format::archive::CompressionFormat;
use igos_report::{Explain, Quiet};
use igos_sysroot::{ArchiveSource, Candidate, Change, Reason, Request, Vouch};

use crate::cases::{all, honest};
use crate::roots::{NOW, TestArchive, TestRoot};
use crate::support::read_all;

/// Lists a directory with everything that a careless extractor could change, times and inodes included.
///
/// What helps the database while it is open, and the lock, are left out: opening touches them.
pub(crate) fn snapshot(root: &TestRoot) -> String {
    let mut text = String::new();
    let top = root.directory.path();
    let mut pending = vec![top.to_owned()];
    while let Some(directory) = pending.pop() {
        for entry in fs_err::read_dir(&directory).expect("it is there") {
            let path = entry.expect("it can be read").path();
            let found = path.symlink_metadata().expect("it is there");
            let below = path.strip_prefix(top).expect("it is below");
            if is_touched_by_opening(below) {
                continue;
            }
            let content = match found.file_type() {
                kind if kind.is_symlink() => format!("{:?}", fs_err::read_link(&path)),
                kind if kind.is_file() => {
                    igos_format::Sha256::of(&fs_err::read(&path).expect("it can be read"))
                        .to_string()
                }
                _ => String::new(),
            };
            let time = if found.is_file() {
                found.mtime_nsec()
            } else {
                0
            };
            writeln!(
                text,
                "{} {:o} {}:{} {} {time} {content}",
                below.display(),
                found.mode(),
                found.uid(),
                found.gid(),
                found.ino()
            )
            .expect("writing to a string cannot fail");
            if found.is_dir() {
                pending.push(path);
            }
        }
    }
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines.join("\n")
}

fn is_touched_by_opening(below: &Path) -> bool {
    let name = below.file_name().unwrap_or_default().to_string_lossy();
    below.starts_with("var/lib/igos") && (name.starts_with("pkm.db-") || name == "lock")
}

/// Tries to install an archive; returns the code of what stopped it.
fn install(root: &TestRoot, archive: &[u8]) -> Result<(), &'static str> {
    let candidate = Candidate::read(archive, Vouch::unsigned()).map_err(|error| error.code())?;
    let request = Request {
        install: [(candidate.seal(), Reason::Explicit)].into(),
        ..root.request(&[])
    };
    let plan = root
        .read()
        .plan(&[candidate], &request)
        .map_err(|error| error.code())?;
    let open = |_: &Change| -> io::Result<ArchiveSource> {
        Ok(ArchiveSource::Whole(Box::new(Cursor::new(
            archive.to_vec(),
        ))))
    };
    let mut sysroot = root.change();
    sysroot
        .apply(&plan, plan.digest(), &open, NOW, &Quiet)
        .map(drop)
        .map_err(|error| error.code())
}

#[test]
#[expect(clippy::print_stdout, reason = "the count is part of the answer")]
fn hostile_archives_change_nothing_in_a_root_and_nothing_beside_it() {
    let root = TestRoot::in_memory();
    let beside = TestRoot::in_memory();
    beside.put("etc/shadow", "secret");
    let before_us = TestArchive::new("honest", "1")
        .file("usr/share/honest", b"honest")
        .configuration("etc/honest.conf", b"configuration");
    root.install(&[&before_us]);
    root.put("etc/mine", "mine");
    let forges = CompressionFormat::ALL.map(honest);
    let state = [snapshot(&root), snapshot(&beside)];
    let (mut archives, mut applied) = (0, 0);
    for (_, cases) in all() {
        for case in cases {
            for forge in forges
                .iter()
                .filter(|forge| case.formats.contains(&forge.format))
            {
                let archive = (case.build)(forge);
                let expected = read_all(&archive)
                    .expect_err("the reader refuses it")
                    .code();
                let name = format!("{}: {}", forge.format, case.name);
                applied +=
                    u32::from(Candidate::read(archive.as_slice(), Vouch::unsigned()).is_ok());
                assert_eq!(install(&root, &archive), Err(expected), "{name}");
                archives += 1;
                if archives % 8 == 0 {
                    assert_eq!([snapshot(&root), snapshot(&beside)], state, "up to {name}");
                }
            }
        }
    }
    assert_eq!([snapshot(&root), snapshot(&beside)], state);
    assert_eq!(root.findings(), Vec::<String>::new());
    println!("{archives} hostile archives, {applied} of them with a head that could be planned");
    assert!(applied >= 100);
    // The honest archive goes in: what stopped the others was the one change.
    for forge in &forges[..1] {
        assert_eq!(install(&root, &forge.build()), Ok(()));
    }
    assert_eq!(root.content("bin/d"), "other");
    assert_ne!(snapshot(&root), state[0]);
}
