//! One path as recorded and as observed.

use igos_format::{EntryKind, FileEntry, escape};
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

/// Returns everything in which `observed` is not as expected; of something of another kind, only that.
#[must_use]
pub fn compare(expected: &Expected<'_>, observed: &Observed) -> Vec<Mismatch> {
    let mut found = Vec::new();
    let mut differ = |what, expected: String, observed: String| {
        found.push(Mismatch {
            what,
            expected,
            observed,
        });
    };
    let entry = expected.entry;
    let kind = kind_of(entry);
    if observed.metadata.kind != kind {
        let observed = observed.metadata.kind.to_string();
        differ(Difference::Type, kind.to_string(), observed);
        return found;
    }
    if let EntryKind::Symlink { target } = &entry.kind
        && observed.target.as_ref() != Some(target)
    {
        let there = observed.target.as_deref().unwrap_or_default();
        differ(
            Difference::Target,
            escape::escape(target),
            escape::escape(there),
        );
    }
    if let EntryKind::File { sha256, size, .. } = &entry.kind
        && observed.sha256 != Some(*sha256)
    {
        let there = observed
            .sha256
            .map_or_else(|| "unknown".to_owned(), |digest| digest.to_string());
        differ(
            Difference::Content,
            format!("{sha256} ({size} bytes)"),
            format!("{there} ({} bytes)", observed.metadata.size),
        );
    }
    let mode = expected.ownership.mode_on_disk(entry);
    if kind != Kind::Symlink && observed.metadata.mode != mode {
        let there = observed.metadata.mode;
        differ(
            Difference::Mode,
            format!("{mode:04o}"),
            format!("{there:04o}"),
        );
    }
    let (uid, gid) = (observed.metadata.uid, observed.metadata.gid);
    if expected.ownership == Ownership::Applied && (uid, gid) != expected.numbers {
        let (user, group) = expected.numbers;
        let owner = &entry.owner;
        differ(
            Difference::Owner,
            format!("{user}:{group} ({}:{})", owner.user, owner.group),
            format!("{uid}:{gid}"),
        );
    }
    for (name, value) in expected.ownership.xattrs_on_disk(entry).iter() {
        let there = observed.xattrs.get(name);
        if there != Some(value) {
            differ(
                Difference::Xattr,
                format!("{name}={}", escape::escape(value)),
                there.map_or_else(
                    || format!("{name} absent"),
                    |there| format!("{name}={}", escape::escape(there)),
                ),
            );
        }
    }
    let declared = match expected.ownership {
        Ownership::Applied => entry.capabilities,
        Ownership::Recorded => None,
    };
    let declared = declared.map(|capabilities| capabilities.to_xattr().to_vec());
    if kind == Kind::File && observed.capabilities != declared {
        let shown = |bytes: &Option<Vec<u8>>| {
            bytes.as_ref().map_or_else(
                || "none".to_owned(),
                |bytes| {
                    igos_format::Capabilities::from_xattr(bytes)
                        .map_or_else(|| escape::escape(bytes), |found| found.to_string())
                },
            )
        };
        differ(
            Difference::Capabilities,
            shown(&declared),
            shown(&observed.capabilities),
        );
    }
    found
}

/// Returns what kind of thing an entry is.
pub(super) fn kind_of(entry: &FileEntry) -> Kind {
    match entry.kind {
        EntryKind::Directory => Kind::Directory,
        EntryKind::File { .. } => Kind::File,
        EntryKind::Symlink { .. } => Kind::Symlink,
    }
}
