//! One path as recorded and as observed.

use igos_format::{Capabilities, EntryKind, FileEntry, escape};
use igos_root::Kind;

use super::{Difference, Observed};
use crate::Ownership;

/// What should be at a path.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The row of the manifest.
    pub entry: &'a FileEntry,
    /// Whether owners and special bits were applied.
    pub ownership: Ownership,
    /// The numbers of user and group in this root.
    pub numbers: (u32, u32),
}

/// One difference, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// What differs.
    pub what: Difference,
    /// What the record says.
    pub expected: String,
    /// What the disk has.
    pub observed: String,
}

impl Mismatch {
    fn new(what: Difference, expected: impl ToString, observed: impl ToString) -> Self {
        Mismatch {
            what,
            expected: expected.to_string(),
            observed: observed.to_string(),
        }
    }
}

/// Returns everything in which `observed` is not as expected; of something of another kind, only that.
#[must_use]
pub fn compare(expected: &Expected<'_>, observed: &Observed) -> Vec<Mismatch> {
    let kind = kind_of(expected.entry);
    let there = observed.metadata.kind;
    if there != kind {
        return vec![Mismatch::new(Difference::Type, kind, there)];
    }
    content(expected.entry, observed)
        .into_iter()
        .chain(mode(expected, observed))
        .chain(owner(expected, observed))
        .chain(xattrs(expected, observed))
        .chain(capabilities(expected, observed))
        .collect()
}

/// Compares what a file holds, or where a symbolic link points.
fn content(entry: &FileEntry, observed: &Observed) -> Option<Mismatch> {
    match &entry.kind {
        EntryKind::Symlink { target } if observed.target.as_ref() != Some(target) => {
            let there = observed.target.as_deref().unwrap_or_default();
            let (target, there) = (escape::escape(target), escape::escape(there));
            Some(Mismatch::new(Difference::Target, target, there))
        }
        EntryKind::File { sha256, size, .. } if observed.sha256 != Some(*sha256) => {
            let digest = observed.sha256.map(|digest| digest.to_string());
            let digest = digest.unwrap_or_else(|| "unknown".to_owned());
            let there = format!("{digest} ({} bytes)", observed.metadata.size);
            let expected = format!("{sha256} ({size} bytes)");
            Some(Mismatch::new(Difference::Content, expected, there))
        }
        _ => None,
    }
}

fn mode(expected: &Expected<'_>, observed: &Observed) -> Option<Mismatch> {
    let mode = expected.ownership.mode_on_disk(expected.entry);
    let there = observed.metadata.mode;
    (observed.metadata.kind != Kind::Symlink && there != mode).then(|| {
        let (mode, there) = (format!("{mode:04o}"), format!("{there:04o}"));
        Mismatch::new(Difference::Mode, mode, there)
    })
}

fn owner(expected: &Expected<'_>, observed: &Observed) -> Option<Mismatch> {
    let (uid, gid) = (observed.metadata.uid, observed.metadata.gid);
    let is_other = (uid, gid) != expected.numbers;
    (expected.ownership == Ownership::Applied && is_other).then(|| {
        let (user, group) = expected.numbers;
        let owner = &expected.entry.owner;
        let declared = format!("{user}:{group} ({}:{})", owner.user, owner.group);
        Mismatch::new(Difference::Owner, declared, format!("{uid}:{gid}"))
    })
}

fn xattrs(expected: &Expected<'_>, observed: &Observed) -> Vec<Mismatch> {
    let declared = expected.ownership.xattrs_on_disk(expected.entry);
    let differs = declared.iter().filter_map(|(name, value)| {
        let there = observed.xattrs.get(name);
        (there != Some(value)).then(|| {
            let there = there.map_or_else(
                || format!("{name} absent"),
                |there| format!("{name}={}", escape::escape(there)),
            );
            let value = format!("{name}={}", escape::escape(value));
            Mismatch::new(Difference::Xattr, value, there)
        })
    });
    differs.collect()
}

fn capabilities(expected: &Expected<'_>, observed: &Observed) -> Option<Mismatch> {
    let declared = match expected.ownership {
        Ownership::Applied => expected.entry.capabilities,
        Ownership::Recorded => None,
    };
    let declared = declared.map(|capabilities| capabilities.to_xattr().to_vec());
    let there = &observed.capabilities;
    let is_file = observed.metadata.kind == Kind::File;
    (is_file && *there != declared).then(|| {
        let (declared, there) = (shown(declared.as_deref()), shown(there.as_deref()));
        Mismatch::new(Difference::Capabilities, declared, there)
    })
}

/// Returns file capabilities in words, or as they are where they have none.
fn shown(xattr: Option<&[u8]>) -> String {
    let Some(bytes) = xattr else {
        return "none".to_owned();
    };
    Capabilities::from_xattr(bytes).map_or_else(|| escape::escape(bytes), |found| found.to_string())
}

/// Returns what kind of thing an entry is.
pub(super) fn kind_of(entry: &FileEntry) -> Kind {
    match entry.kind {
        EntryKind::Directory => Kind::Directory,
        EntryKind::File { .. } => Kind::File,
        EntryKind::Symlink { .. } => Kind::Symlink,
    }
}
