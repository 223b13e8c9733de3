//! Which files lose their debugging symbols, by the rules of KISS.
//!
//! Stripping runs `strip` of the toolchain, a program that parses hostile bytes, so the caller runs it in the
//! sandbox; here is only decided what is stripped and how.

use std::io::Read;

use igos_format::RelPath;
use igos_root::RootDir;

use super::collect::{CollectError, Item, ItemKind};
use super::elf::{ElfKind, read_elf};

/// What is taken out of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum StripMode {
    /// Debugging symbols: object files and static libraries keep the rest, or nothing could be linked with them.
    Debug,
    /// All symbols that the loader does not need.
    All,
}

impl StripMode {
    /// Returns the arguments of `strip` of GNU binutils and LLVM; `-D` keeps archives deterministic.
    #[must_use]
    pub(crate) fn arguments(self) -> [&'static str; 6] {
        let symbols = match self {
            StripMode::Debug => "-g",
            StripMode::All => "-s",
        };
        ["-D", symbols, "-R", ".comment", "-R", ".note"]
    }
}

/// A file to strip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StripJob {
    /// The file, below the destination directory.
    pub(crate) path: RelPath,
    /// What is taken out.
    pub(crate) mode: StripMode,
}

/// Begins a static library (`ar(5)`).
const ARCHIVE_MAGIC: &[u8] = b"!<arch>\n";

/// Returns what to strip among `items`: files below a `bin`, `sbin`, `lib` or `lib??` to `lib????` directory.
/// Of hard links the first name is enough.
pub(crate) fn plan_strip(root: &RootDir, items: &[Item]) -> Result<Vec<StripJob>, CollectError> {
    let mut jobs = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for Item { path, kind, .. } in items {
        let ItemKind::File { inode } = kind else {
            continue;
        };
        if !below_code_directory(path) || !seen.insert(*inode) {
            continue;
        }
        if let Some(mode) = strip_mode(root, path)? {
            jobs.push(StripJob {
                path: path.clone(),
                mode,
            });
        }
    }
    Ok(jobs)
}

fn below_code_directory(path: &RelPath) -> bool {
    path.components().rev().skip(1).any(|component| {
        component == b"bin"
            || component == b"sbin"
            || (component.starts_with(b"lib") && matches!(component.len(), 3 | 5..=7))
    })
}

fn strip_mode(root: &RootDir, path: &RelPath) -> Result<Option<StripMode>, CollectError> {
    let mut file = open(root, path)?;
    let mut magic = Vec::with_capacity(ARCHIVE_MAGIC.len());
    file.by_ref()
        .take(ARCHIVE_MAGIC.len() as u64)
        .read_to_end(&mut magic)
        .map_err(|source| CollectError::new(format!("/{path}"), source))?;
    if magic == ARCHIVE_MAGIC {
        return Ok(Some(StripMode::Debug));
    }
    // What does not parse is left as it is here; reading its needs later says what is wrong with it.
    Ok(match read_elf(file) {
        Ok(Some(elf)) => match elf.kind {
            ElfKind::Relocatable => Some(StripMode::Debug),
            ElfKind::Loadable => Some(StripMode::All),
            ElfKind::Other => None,
        },
        Ok(None) | Err(_) => None,
    })
}

/// Opens a file that was collected before.
pub(crate) fn open(root: &RootDir, path: &RelPath) -> Result<std::fs::File, CollectError> {
    let shown = || format!("/{path}");
    match root.open_file(path) {
        Ok(Some(file)) => Ok(file),
        Ok(None) => Err(CollectError::new(
            shown(),
            std::io::ErrorKind::NotFound.into(),
        )),
        Err(error) => Err(CollectError::new(shown(), error.into_io())),
    }
}

#[cfg(test)]
mod tests {
    use super::{StripMode, below_code_directory, plan_strip};
    use crate::stage::collect::collect;

    #[test]
    fn only_files_below_code_directories_count() {
        for (path, expected) in [
            ("usr/bin/a", true),
            ("usr/lib/a/b.so", true),
            ("usr/lib64/a", true),
            ("usr/libexec/a", true),
            ("usr/library/a", true),
            ("usr/libraries/a", false),
            ("usr/share/bin", false),
            ("bin", false),
        ] {
            assert_eq!(
                below_code_directory(&path.parse().expect("a path")),
                expected,
                "{path}"
            );
        }
    }

    #[test]
    fn programs_and_static_libraries_are_stripped_and_scripts_are_not() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let bin = directory.path().join("usr/bin");
        fs_err::create_dir_all(&bin).expect("made");
        let program = std::env::current_exe().expect("a test has a path");
        fs_err::copy(program, bin.join("program")).expect("copied");
        fs_err::hard_link(bin.join("program"), bin.join("second")).expect("linked");
        fs_err::write(bin.join("script"), "#!/bin/sh\n").expect("written");
        fs_err::write(bin.join("lib.a"), "!<arch>\n").expect("written");
        let root = igos_root::RootDir::open(directory.path()).expect("it exists");
        let items = collect(&root).expect("it can be read").items;
        let jobs = plan_strip(&root, &items).expect("it can be read");
        let found: Vec<_> = jobs
            .iter()
            .map(|job| (job.path.to_string(), job.mode))
            .collect();
        assert_eq!(
            found,
            [
                ("usr/bin/lib.a".to_owned(), StripMode::Debug),
                ("usr/bin/program".to_owned(), StripMode::All)
            ]
        );
    }
}
