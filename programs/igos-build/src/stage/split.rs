//! Which output of a recipe takes which path.

use std::collections::BTreeSet;

use igos_format::{EntryKind, RelPath};
use igos_recipe::Output;

use super::facts::ReadEntry;

/// Distributes the entries: outputs after the main one take what their patterns match, earlier ones first, the
/// main one takes the rest. Every output also gets the directories that lead to what it took.
pub(crate) fn split(entries: Vec<ReadEntry>, outputs: &[Output]) -> Vec<Vec<ReadEntry>> {
    let has_contents: BTreeSet<RelPath> = entries
        .iter()
        .filter_map(|read| read.entry.path.parent())
        .collect();
    let mut needed: Vec<BTreeSet<RelPath>> = vec![BTreeSet::new(); outputs.len()];
    let is_inner = |read: &ReadEntry| {
        read.entry.kind == EntryKind::Directory && has_contents.contains(&read.entry.path)
    };
    for read in entries.iter().filter(|read| !is_inner(read)) {
        let taker = taker_of(&read.entry.path, outputs);
        let mut above = Some(read.entry.path.clone());
        while let Some(path) = above {
            above = path.parent();
            needed[taker].insert(path);
        }
    }
    let mut parts: Vec<Vec<ReadEntry>> = vec![Vec::new(); outputs.len()];
    for read in entries {
        for (part, needed) in parts.iter_mut().zip(&needed) {
            if needed.contains(&read.entry.path) {
                part.push(read.clone());
            }
        }
    }
    parts
}

fn taker_of(path: &RelPath, outputs: &[Output]) -> usize {
    let others = outputs.iter().enumerate().skip(1);
    others
        .filter(|(_, output)| output.paths.iter().any(|pattern| pattern.is_match(path)))
        .map(|(index, _)| index)
        .next()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use igos_format::{EntryKind, FileEntry, Owner, Sha256};
    use igos_recipe::Output;

    use super::split;
    use crate::stage::facts::ReadEntry;
    use crate::stage::scan::Facts;

    fn output(name: &str, patterns: &[&str]) -> Output {
        Output {
            name: name.parse().expect("a name"),
            description: String::new(),
            paths: patterns
                .iter()
                .map(|pattern| pattern.parse().expect("a pattern"))
                .collect(),
            dependencies: Vec::new(),
            provides: Vec::new(),
            conflicts: Vec::new(),
            supersedes: Vec::new(),
            is_essential: false,
        }
    }

    fn read(path: &str) -> ReadEntry {
        let kind = match path.strip_suffix('/') {
            Some(_) => EntryKind::Directory,
            None => EntryKind::File {
                sha256: Sha256::of(b""),
                size: 0,
                link_group: None,
            },
        };
        ReadEntry {
            entry: FileEntry {
                path: path.trim_end_matches('/').parse().expect("a path"),
                kind,
                mode: 0o755,
                owner: Owner::root(),
                is_configuration: false,
                capabilities: None,
                xattrs: BTreeMap::new(),
            },
            facts: Facts::default(),
            is_machine_code: false,
            problems: Vec::new(),
        }
    }

    #[test]
    fn outputs_take_their_paths_and_the_directories_above() {
        let entries = [
            "usr/",
            "usr/bin/",
            "usr/bin/a",
            "usr/include/",
            "usr/include/a.h",
            "usr/share/",
            "usr/share/empty/",
        ];
        let outputs = [
            output("a", &[]),
            output("a-dev", &["usr/include/**"]),
            output("a-late", &["usr/include/**"]),
        ];
        let parts = split(entries.into_iter().map(read).collect(), &outputs);
        let paths: Vec<Vec<String>> = parts
            .iter()
            .map(|part| {
                part.iter()
                    .map(|read| read.entry.path.to_string())
                    .collect()
            })
            .collect();
        assert_eq!(
            paths[0],
            [
                "usr",
                "usr/bin",
                "usr/bin/a",
                "usr/share",
                "usr/share/empty"
            ]
        );
        assert_eq!(paths[1], ["usr", "usr/include", "usr/include/a.h"]);
        assert!(paths[2].is_empty());
    }
}
