//! The rules that a manifest's values obey, whoever made them.

use std::collections::HashMap;

use super::{MAX_ENTRIES, Manifest, ManifestRule, ManifestRuleError};
use crate::{Capabilities, EntryKind, FileEntry, RelPath};

/// The last second that eleven octal digits of a tar header hold.
const EPOCH_MAX: u64 = 0o777_7777_7777;

/// Longest target of a symbolic link, in bytes (`PATH_MAX` of Linux without its end mark).
const TARGET_MAX_BYTES: usize = 4095;

/// Longest name of an extended attribute, in bytes (`XATTR_NAME_MAX` of Linux).
const XATTR_NAME_MAX_BYTES: usize = 255;

/// Most extended attributes of one path.
const XATTRS_MAX: usize = 64;

/// Names and values of one path's extended attributes together, in bytes: what keeps an entry's extended tar
/// header below 64 KiB (threats note, X7).
const XATTRS_MAX_BYTES: usize = 48 * 1024;

/// Directories that hold the package manager's own state, and its settings with the repositories and keys that it
/// trusts; nothing at or below them is ever in a package.
const OUR_OWN: [&str; 3] = ["etc/igos", "var/cache/igos", "var/lib/igos"];

/// What the package manager's temporary names and the archive's own members begin with, in any directory.
const RESERVED_PREFIXES: [&[u8]; 2] = [b".igos", b".pkm-"];

/// Tells whether a path is the package manager's own, so that no package may bring it.
#[must_use]
pub fn is_reserved(path: &RelPath) -> bool {
    let bytes = path.as_bytes();
    let below = |directory: &&str| {
        bytes
            .strip_prefix(directory.as_bytes())
            .is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
    };
    OUR_OWN.iter().any(below)
        || path.components().any(|component| {
            RESERVED_PREFIXES
                .iter()
                .any(|prefix| component.starts_with(prefix))
        })
}

/// Sorts the entries, numbers link groups 1, 2, 3 by their first members and dissolves groups of one.
///
/// Callers that collect a tree can number groups by inode and call this before [`validate`].
pub fn normalise(manifest: &mut Manifest) {
    manifest.entries.sort_by(|a, b| a.path.cmp(&b.path));
    let mut members: HashMap<u32, u32> = HashMap::new();
    for group in manifest.entries.iter().filter_map(link_group) {
        *members.entry(group).or_default() += 1;
    }
    let mut numbers: HashMap<u32, u32> = HashMap::new();
    for entry in &mut manifest.entries {
        if let EntryKind::File { link_group, .. } = &mut entry.kind {
            *link_group = link_group.filter(|group| members[group] > 1).map(|group| {
                let next = numbers.len() as u32 + 1;
                *numbers.entry(group).or_insert(next)
            });
        }
    }
}

fn link_group(entry: &FileEntry) -> Option<u32> {
    match entry.kind {
        EntryKind::File { link_group, .. } => link_group,
        _ => None,
    }
}

/// Tests every rule that the types alone do not enforce.
///
/// # Errors
///
/// Returns the first rule that is broken and the entry that breaks it.
pub fn validate(manifest: &Manifest) -> Result<(), ManifestRuleError> {
    validate_declarations(manifest).map_err(|rule| ManifestRuleError { entry: None, rule })?;
    validate_entries(&manifest.entries).map_err(|(entry, rule)| ManifestRuleError {
        entry: Some(entry),
        rule,
    })
}

fn validate_declarations(manifest: &Manifest) -> Result<(), ManifestRule> {
    let epoch = manifest.source_date_epoch;
    if epoch > EPOCH_MAX {
        return Err(ManifestRule::Epoch { epoch });
    }
    if manifest.entries.len() > MAX_ENTRIES {
        return Err(ManifestRule::TooManyEntries {
            count: manifest.entries.len(),
            limit: MAX_ENTRIES,
        });
    }
    let text = |key, text: &str| {
        if text.chars().any(char::is_control) {
            Err(ManifestRule::Control { key })
        } else {
            Ok(())
        }
    };
    text("description", &manifest.description)?;
    text("license", &manifest.license)?;
    text("homepage", &manifest.homepage)?;
    for user in &manifest.users {
        for words in [&user.home, &user.shell, &user.description]
            .into_iter()
            .flatten()
        {
            text("user", words)?;
        }
    }
    for trigger in &manifest.triggers {
        for words in trigger.paths.iter().chain(&trigger.run) {
            text("trigger", words)?;
        }
    }
    for hook in &manifest.hooks {
        for words in &hook.run {
            text("hook", words)?;
        }
        if !hook.run.first().is_some_and(|program| is_program(program)) {
            return Err(ManifestRule::HookProgram {
                moment: hook.moment,
            });
        }
    }
    Ok(())
}

/// Tells whether a text names a program: absolute, and a path that manifests could have.
fn is_program(text: &str) -> bool {
    text.strip_prefix('/')
        .is_some_and(|path| RelPath::from_bytes(path.as_bytes()).is_ok())
}

fn validate_entries(entries: &[FileEntry]) -> Result<(), (usize, ManifestRule)> {
    let mut links = LinkGroups::default();
    // In the order of components, all that lies below a path follows it directly.
    let mut last_other: Option<&RelPath> = None;
    for (index, entry) in entries.iter().enumerate() {
        let refuse = |rule| (index, rule);
        let path = &entry.path;
        if let Some(before) = index.checked_sub(1).map(|before| &entries[before].path)
            && before >= path
        {
            return Err(refuse(ManifestRule::Order {
                path: path.clone(),
                before: before.clone(),
            }));
        }
        if let Some(parent) = last_other.filter(|other| path.starts_with(other)) {
            return Err(refuse(ManifestRule::BelowFile {
                path: path.clone(),
                parent: parent.clone(),
            }));
        }
        if entry.kind != EntryKind::Directory {
            last_other = Some(path);
        }
        validate_entry(entry).map_err(refuse)?;
        links.add(index, entry).map_err(refuse)?;
    }
    links.finish()
}

fn validate_entry(entry: &FileEntry) -> Result<(), ManifestRule> {
    let path = || entry.path.clone();
    if is_reserved(&entry.path) {
        return Err(ManifestRule::ReservedPath { path: path() });
    }
    let is_symlink = matches!(entry.kind, EntryKind::Symlink { .. });
    if entry.mode > 0o7777 || (is_symlink && entry.mode != 0o777) {
        return Err(ManifestRule::Mode {
            path: path(),
            mode: entry.mode,
        });
    }
    if let EntryKind::Symlink { target } = &entry.kind
        && (target.is_empty()
            || target.len() > TARGET_MAX_BYTES
            || target.iter().any(u8::is_ascii_control))
    {
        return Err(ManifestRule::Target { path: path() });
    }
    let refuse_flag = |flag| Err(ManifestRule::Flag { path: path(), flag });
    if entry.is_configuration && entry.kind == EntryKind::Directory {
        return refuse_flag("config");
    }
    if entry.capabilities.is_some() && !matches!(entry.kind, EntryKind::File { .. }) {
        return refuse_flag("caps");
    }
    if is_symlink && !entry.xattrs.is_empty() {
        return refuse_flag("xattr");
    }
    if let Some(problem) = xattr_problem(entry) {
        return Err(ManifestRule::Xattr {
            path: path(),
            problem,
        });
    }
    Ok(())
}

fn xattr_problem(entry: &FileEntry) -> Option<&'static str> {
    let xattrs = &entry.xattrs;
    // `=` would end the name, and GNU tar gives `%` a meaning.
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'=' | b'%' | b'\\');
    let has_namespace = |name: &str| {
        ["security.", "system.", "trusted.", "user."]
            .iter()
            .any(|namespace| {
                name.strip_prefix(namespace)
                    .is_some_and(|rest| !rest.is_empty())
            })
    };
    if xattrs.contains_key(Capabilities::XATTR) {
        return Some("capabilities have a flag of their own");
    }
    if !xattrs.keys().all(|name| {
        name.len() <= XATTR_NAME_MAX_BYTES && name.bytes().all(is_plain) && has_namespace(name)
    }) {
        return Some(
            "a name is not of printable ASCII without `=`, `%` and `\\` in a known namespace",
        );
    }
    let total: usize = xattrs
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if xattrs.len() > XATTRS_MAX || total > XATTRS_MAX_BYTES {
        return Some("more than 64 of them or more than 48 KiB");
    }
    None
}

/// Link groups seen so far: the index of the first member of each, and how many members it has.
#[derive(Default)]
struct LinkGroups<'a>(Vec<(usize, &'a FileEntry, u32)>);

impl<'a> LinkGroups<'a> {
    fn add(&mut self, index: usize, entry: &'a FileEntry) -> Result<(), ManifestRule> {
        let Some(group) = link_group(entry) else {
            return Ok(());
        };
        let next = self.0.len() as u32 + 1;
        if group == 0 || group > next {
            return Err(ManifestRule::LinkNumber {
                path: entry.path.clone(),
                found: group,
                expected: next,
            });
        }
        if group == next {
            self.0.push((index, entry, 1));
            return Ok(());
        }
        let (_, first, members) = &mut self.0[group as usize - 1];
        *members += 1;
        if is_same_inode(first, entry) {
            Ok(())
        } else {
            Err(ManifestRule::LinkDiffers {
                path: entry.path.clone(),
                group,
                first: first.path.clone(),
            })
        }
    }

    fn finish(self) -> Result<(), (usize, ManifestRule)> {
        match (1..).zip(self.0).find(|(_, (_, _, members))| *members < 2) {
            Some((group, (index, entry, _))) => Err((
                index,
                ManifestRule::LinkAlone {
                    path: entry.path.clone(),
                    group,
                },
            )),
            None => Ok(()),
        }
    }
}

/// Tells whether two paths could be names of one inode: all but the path and the configuration flag are equal.
pub(crate) fn is_same_inode(a: &FileEntry, b: &FileEntry) -> bool {
    a.kind == b.kind
        && a.mode == b.mode
        && a.owner == b.owner
        && a.capabilities == b.capabilities
        && a.xattrs == b.xattrs
}
