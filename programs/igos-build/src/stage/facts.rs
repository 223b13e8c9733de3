//! Reads every collected file once: digest, size, and what it needs and offers.

use std::collections::BTreeMap;
use std::io::Read;

use igos_format::{EntryKind, FileEntry, Hasher, Owner, RelPath};
use igos_report::Diagnostic;
use igos_root::RootDir;
use rayon::prelude::{IntoParallelRefIterator, ParallelIterator};

use super::collect::{CollectError, Item, ItemKind};
use super::debug::is_debug_file;
use super::elf::{ElfKind, read_elf};
use super::scan::{Facts, SHEBANG_MAX_BYTES, elf_facts, pkg_config_facts, script_facts};
use super::strip::open;

/// Bytes read at a time.
const BUFFER_BYTES: usize = 256 * 1024;

/// One path as it will stand in the manifest, and what reading it found.
#[derive(Debug, Clone)]
pub(crate) struct ReadEntry {
    /// The path with content digest; owner and mode still as the build left them.
    pub(crate) entry: FileEntry,
    /// What it needs and offers.
    pub(crate) facts: Facts,
    /// Whether it is machine code that a loader would run.
    pub(crate) is_machine_code: bool,
    /// What is wrong with it.
    pub(crate) problems: Vec<Diagnostic>,
}

/// Reads all items, in parallel, keeping their order.
pub(crate) fn read_items(root: &RootDir, items: &[Item]) -> Result<Vec<ReadEntry>, CollectError> {
    let mut groups: BTreeMap<u64, u32> = BTreeMap::new();
    for item in items {
        if let ItemKind::File { inode } = item.kind {
            let next = groups.len() as u32;
            groups.entry(inode).or_insert(next);
        }
    }
    items
        .par_iter()
        .map(|item| read_item(root, item, &groups))
        .collect()
}

fn read_item(
    root: &RootDir,
    item: &Item,
    groups: &BTreeMap<u64, u32>,
) -> Result<ReadEntry, CollectError> {
    let mut read = ReadEntry {
        entry: FileEntry {
            path: item.path.clone(),
            kind: EntryKind::Directory,
            mode: item.mode,
            owner: Owner::root(),
            is_configuration: false,
            capabilities: None,
            xattrs: BTreeMap::new(),
        },
        facts: Facts::default(),
        is_machine_code: false,
        problems: Vec::new(),
    };
    match &item.kind {
        ItemKind::Directory => {}
        ItemKind::Symlink { target } => {
            read.entry.kind = EntryKind::Symlink {
                target: target.clone(),
            };
            read.entry.mode = 0o777;
        }
        ItemKind::File { inode } => read_content(root, &item.path, groups[inode], &mut read)?,
    }
    Ok(read)
}

fn read_content(
    root: &RootDir,
    path: &RelPath,
    group: u32,
    read: &mut ReadEntry,
) -> Result<(), CollectError> {
    let mut file = open(root, path)?;
    let mut hasher = Hasher::new();
    let mut start = Vec::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let count = file
            .read(&mut buffer)
            .map_err(|source| CollectError::new(format!("/{path}"), source))?;
        if count == 0 {
            break;
        }
        if start.len() < SHEBANG_MAX_BYTES {
            start.extend_from_slice(&buffer[..count.min(SHEBANG_MAX_BYTES)]);
        }
        hasher.update(&buffer[..count]);
    }
    read.entry.kind = EntryKind::File {
        sha256: hasher.sha256(),
        size: hasher.length(),
        link_group: Some(group),
    };
    start.truncate(SHEBANG_MAX_BYTES);
    if is_debug_file(path) {
        // Its tables describe another file.
        return Ok(());
    }
    let is_executable = read.entry.mode & 0o111 != 0;
    match read_elf(file) {
        Ok(Some(elf)) => {
            read.is_machine_code = elf.kind == ElfKind::Loadable;
            read.facts = elf_facts(path, &elf);
        }
        Ok(None) if is_executable => read.facts = script_facts(&start),
        Ok(None) => read.facts = pkg_config_facts(path),
        // Test data of compilers and the like may be broken on purpose; what nothing runs harms nobody.
        Err(error) if is_executable => read.problems.push(
            Diagnostic::error("broken-elf", format!("/{path} is executable but {error}"))
                .because(
                    std::error::Error::source(&error).map_or_else(String::new, ToString::to_string),
                )
                .hint("a build step cut it off or overwrote it; look in the build log"),
        ),
        Err(_) => {}
    }
    for element in &read.facts.bad_search_path {
        read.problems.push(
            Diagnostic::error(
                "bad-search-path",
                format!("/{path} looks for libraries in {element:?}"),
            )
            .at(format!("/{path}"))
            .because("whoever can write there could put code into this program")
            .hint("configure without RPATH, or remove it with `patchelf` or `chrpath`"),
        );
    }
    Ok(())
}
