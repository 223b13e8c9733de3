//! What GNU tar and bsdtar (libarchive) list in an archive that we accept: what its manifest says, and nothing else.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

use igos_format::archive::{Head, Place};
use igos_format::{EntryKind, FileEntry};

/// Names of our own members at the beginning, and the one at the end.
const HEAD: usize = 4;
const SIGNATURES: &[u8] = b".igos/signatures";

/// A member as other programs list it.
#[derive(Debug, PartialEq, Eq)]
struct Listed {
    kind: u8,
    mode: String,
    size: u64,
    path: Vec<u8>,
    target: Vec<u8>,
}

/// Lists an accepted archive with both programs and compares each with the manifest; returns how many compared.
pub(crate) fn compare_listings(archive: &[u8]) -> usize {
    let head = Head::read(archive).expect("the archive was accepted");
    let expected: Vec<Listed> = (0..)
        .zip(&head.manifest().entries)
        .map(|(index, entry)| expected(&head, index, entry))
        .collect();
    let mut compared = 0;
    let tar = ["--numeric-owner", "--quoting-style=escape", "-tvf", "-"];
    for (program, arguments) in [("tar", &tar[..]), ("bsdtar", &["-tvf", "-"])] {
        let decompress = match head.compression() {
            igos_format::archive::CompressionFormat::Zstd => "--zstd",
            igos_format::archive::CompressionFormat::Gzip => "-z",
            igos_format::archive::CompressionFormat::Xz => "-J",
        };
        let arguments = [&[decompress], arguments].concat();
        let Some(listing) = list(program, &arguments, archive) else {
            continue;
        };
        let mut found: Vec<Listed> = listing
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| read(program, line))
            .collect();
        if found.last().is_some_and(|last| last.path == SIGNATURES) {
            found.pop();
        }
        assert!(found.len() >= HEAD, "{program}: {found:?}");
        let payload = found.split_off(HEAD);
        assert_eq!(payload, expected, "{program}");
        compared += 1;
    }
    compared
}

fn expected(head: &Head, index: usize, entry: &FileEntry) -> Listed {
    let mut path = entry.path.as_bytes().to_vec();
    let (kind, size, target) = match (&entry.kind, head.place(index)) {
        (EntryKind::Directory, _) => {
            path.push(b'/');
            (b'd', 0, Vec::new())
        }
        (EntryKind::Symlink { target }, _) => (b'l', 0, target.clone()),
        (EntryKind::File { .. }, Place::HardLink(first) | Place::SameAs(first)) => {
            let first = &head.manifest().entries[first];
            (b'h', 0, first.path.as_bytes().to_vec())
        }
        (EntryKind::File { size, .. }, _) => (b'-', *size, Vec::new()),
    };
    Listed {
        kind,
        mode: shown(entry.mode),
        size,
        path,
        target,
    }
}

/// Returns a mode as `ls` shows it, without the type.
fn shown(mode: u16) -> String {
    let mut text = String::new();
    for (shift, special, set, unset) in [
        (6, 0o4000, 's', 'S'),
        (3, 0o2000, 's', 'S'),
        (0, 0o1000, 't', 'T'),
    ] {
        let bits = mode >> shift;
        text.push(if bits & 4 != 0 { 'r' } else { '-' });
        text.push(if bits & 2 != 0 { 'w' } else { '-' });
        text.push(match (mode & special != 0, bits & 1 != 0) {
            (true, true) => set,
            (true, false) => unset,
            (false, true) => 'x',
            (false, false) => '-',
        });
    }
    text
}

/// Runs a program on the archive; `None` if it is not installed.
fn list(program: &str, arguments: &[&str], archive: &[u8]) -> Option<Vec<u8>> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the programs are what our archives are compared with"
    )]
    let started = Command::new(program)
        .args(arguments)
        .env_remove("TAR_OPTIONS")
        .env("LC_ALL", "C.UTF-8")
        .env("TZ", "UTC")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match started {
        Ok(child) => child,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        Err(error) => panic!("{program}: {error}"),
    };
    let mut input = child.stdin.take().expect("it is a pipe");
    let output = std::thread::scope(|scope| {
        scope.spawn(move || input.write_all(archive).expect("it reads to the end"));
        child.wait_with_output().expect("it ends")
    });
    let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
    // bsdtar says so where the locale cannot show a path of a record, and goes on (docs/formats/archive.md).
    let is_known = |line: &str| {
        line.contains("can't be converted from UTF-8 to current locale")
            || line.ends_with("Error exit delayed from previous errors.")
    };
    let is_all_known = complaints.lines().all(is_known);
    assert!(
        is_all_known && (output.status.success() || !complaints.is_empty()),
        "{program}: {complaints}"
    );
    Some(output.stdout)
}

/// Reads a line such as `-rw-r--r-- 0/0 6 2023-11-14 22:13 bin/tiny`.
fn read(program: &str, line: &[u8]) -> Listed {
    // bsdtar: mode, links, user, group, size, month, day, year or time; GNU tar: mode, owner, size, date, time.
    let before = if program == "tar" { 5 } else { 8 };
    let mut rest = line;
    let mut fields = Vec::new();
    while fields.len() < before {
        let start = rest
            .iter()
            .position(|byte| *byte != b' ')
            .unwrap_or(rest.len());
        rest = &rest[start..];
        let end = rest
            .iter()
            .position(|byte| *byte == b' ')
            .unwrap_or(rest.len());
        fields.push(String::from_utf8_lossy(&rest[..end]).into_owned());
        rest = &rest[end..];
    }
    let size = if program == "tar" {
        &fields[2]
    } else {
        &fields[4]
    };
    // One space ends the last field.
    let name = unescape(&rest[1..]);
    let kind = fields[0].as_bytes()[0];
    let mark: &[u8] = if kind == b'l' { b" -> " } else { b" link to " };
    let at = name.windows(mark.len()).position(|window| window == mark);
    let (path, target) = match (kind, at) {
        (b'l' | b'h', Some(at)) => (name[..at].to_vec(), name[at + mark.len()..].to_vec()),
        _ => (name, Vec::new()),
    };
    Listed {
        // bsdtar shows hard links as what they link to.
        kind: if !target.is_empty() && kind == b'-' {
            b'h'
        } else {
            kind
        },
        mode: fields[0][1..10].to_owned(),
        size: size.parse().unwrap_or(u64::MAX),
        path,
        target,
    }
}

/// Undoes `\ooo`, `\\` and the like.
fn unescape(text: &[u8]) -> Vec<u8> {
    let plain: BTreeMap<u8, u8> =
        [(b'\\', b'\\'), (b'n', b'\n'), (b't', b'\t'), (b' ', b' ')].into();
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        match (first, after) {
            (
                b'\\',
                [
                    a @ b'0'..=b'3',
                    b @ b'0'..=b'7',
                    c @ b'0'..=b'7',
                    after @ ..,
                ],
            ) => {
                bytes.push((a - b'0') * 64 + (b - b'0') * 8 + (c - b'0'));
                rest = after;
            }
            (b'\\', [letter, after @ ..]) if plain.contains_key(letter) => {
                bytes.push(plain[letter]);
                rest = after;
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    bytes
}
