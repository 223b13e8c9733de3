//! One process: which replaced files it uses, and whose child it is.

use std::collections::BTreeSet;
use std::io;

use igos_format::{RelPath, escape};
use igos_root::{RootDir, RootError};
use serde::Serialize;

/// Longest list of mappings read, in bytes: a browser has some hundred KiB.
const MAPS_MAX_BYTES: u64 = 64 * 1024 * 1024;

/// Longest of the other files read, in bytes.
const SMALL_MAX_BYTES: u64 = 64 * 1024;

/// Directories that packages have files in; a process that maps a deleted file elsewhere made it itself.
const OF_PACKAGES: [&str; 7] = [
    "/bin/", "/lib/", "/lib32/", "/lib64/", "/opt/", "/sbin/", "/usr/",
];

/// Where replaced files are until they are deleted, and kept for undoing.
const OURS: [&str; 2] = ["/var/lib/igos/", "/.igos-"];

/// What the kernel writes behind the path of a file without a name.
const DELETED: &str = " (deleted)";

/// A process that uses files that are not there any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StaleProcess {
    /// Its number.
    pub pid: u32,
    /// Its name.
    pub name: String,
    /// The files, as the kernel calls them; for those that a transaction replaced, where the old one was kept.
    pub files: Vec<String>,
}

/// What is known of one process.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) parent: u32,
    pub(super) cgroup: String,
    pub(super) stale: StaleProcess,
}

/// What looking at a process came to.
#[derive(Debug)]
pub(super) enum Look {
    /// This is known of it.
    Known(Process),
    /// It is another user's, and closed to the caller.
    Closed,
    /// It ended meanwhile.
    Gone,
}

/// Looks at a process.
pub(super) fn look_at(proc: &RootDir, pid: u32) -> Look {
    let maps: RelPath = format!("{pid}/maps")
        .parse()
        .expect("a number and a word are a path");
    match proc
        .read_file(&maps, MAPS_MAX_BYTES)
        .map_err(RootError::into_io)
    {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Look::Closed,
        Err(_) | Ok(None) => Look::Gone,
        Ok(Some(maps)) => know(proc, pid, &maps).map_or(Look::Gone, Look::Known),
    }
}

fn know(proc: &RootDir, pid: u32, maps: &[u8]) -> Option<Process> {
    let read = |name: &str, limit| {
        let path: RelPath = format!("{pid}/{name}").parse().ok()?;
        // A process may end between two looks.
        proc.read_file(&path, limit).ok().flatten()
    };
    let stat = read("stat", SMALL_MAX_BYTES)?;
    let exe: RelPath = format!("{pid}/exe").parse().ok()?;
    let exe = proc.read_link(&exe).ok().flatten().unwrap_or_default();
    let mut files = BTreeSet::new();
    let mapped = maps.split(|byte| *byte == b'\n').filter_map(mapped_path);
    for path in mapped.chain([exe.as_slice()]) {
        let shown = String::from_utf8_lossy(path);
        if is_stale(&shown) {
            let name = shown.strip_suffix(DELETED).unwrap_or(&shown);
            files.insert(escape::escape(name.as_bytes()));
        }
    }
    let cgroup = read("cgroup", SMALL_MAX_BYTES).unwrap_or_default();
    Some(Process {
        parent: parent_of(&stat)?,
        cgroup: String::from_utf8_lossy(&cgroup).into_owned(),
        stale: StaleProcess {
            pid,
            name: name_of(&stat),
            files: files.into_iter().collect(),
        },
    })
}

/// Returns the path of a line of `/proc/PID/maps`, if it has one: the sixth field and all after it.
fn mapped_path(line: &[u8]) -> Option<&[u8]> {
    let start = line.iter().position(|byte| *byte == b'/')?;
    // Fields before it are numbers, letters and colons.
    Some(&line[start..])
}

fn is_stale(path: &str) -> bool {
    let is_of_packages = OF_PACKAGES
        .iter()
        .any(|directory| path.starts_with(directory));
    let is_ours = path.starts_with(OURS[0]) || path.contains(OURS[1]);
    is_ours || (is_of_packages && path.ends_with(DELETED))
}

/// Returns the name between parentheses, which may itself have some.
fn name_of(stat: &[u8]) -> String {
    let start = stat.iter().position(|byte| *byte == b'(');
    let end = stat.iter().rposition(|byte| *byte == b')');
    match (start, end) {
        (Some(start), Some(end)) if start < end => escape::escape(&stat[start + 1..end]),
        _ => String::new(),
    }
}

/// Returns the parent's number: the second field after the name, see proc_pid_stat(5).
fn parent_of(stat: &[u8]) -> Option<u32> {
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    let rest = std::str::from_utf8(&stat[end + 1..]).ok()?;
    rest.split_ascii_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{is_stale, mapped_path, name_of, parent_of};

    #[test]
    fn replaced_files_of_packages_are_told_from_what_processes_make_themselves() {
        for (path, expected) in [
            ("/usr/lib/libz.so.1 (deleted)", true),
            ("/usr/lib/libz.so.1", false),
            ("/var/lib/igos/staging/7 (deleted)", true),
            ("/var/lib/igos/undo/00000003/7", true),
            ("/boot/.igos-staging/2 (deleted)", true),
            ("/memfd:wayland (deleted)", false),
            ("/tmp/scratch (deleted)", false),
            ("/dev/shm/x (deleted)", false),
            ("/SYSV00000000 (deleted)", false),
        ] {
            assert_eq!(is_stale(path), expected, "{path}");
        }
    }

    #[test]
    fn lines_of_the_kernel_are_read_whatever_names_processes_have() {
        let line = b"7f00-7f01 r-xp 00000000 08:01 42   /usr/lib/a b.so (deleted)";
        assert_eq!(mapped_path(line), Some(&b"/usr/lib/a b.so (deleted)"[..]));
        assert_eq!(mapped_path(b"7f00-7f01 rw-p 00000000 00:00 0 [heap]"), None);
        let stat = b"77 (a) R 1 (b) S 42 77 77 0 -1";
        assert_eq!(
            (name_of(stat).as_str(), parent_of(stat)),
            ("a)\\x20R\\x201\\x20(b", Some(42))
        );
        assert_eq!((name_of(b"").as_str(), parent_of(b"")), ("", None));
    }
}
