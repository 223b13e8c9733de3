//! Whether owners, capabilities and special mode bits are applied or only recorded.

use std::borrow::Cow;

use igos_format::{FileEntry, Xattrs};

/// What happens to the owners, capabilities and setuid, setgid and sticky bits that a manifest declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Ownership {
    /// They are set on disk: the caller is root.
    Applied,
    /// They stand in the record alone: the caller is an ordinary user, to whom everything belongs.
    Recorded,
}

impl Ownership {
    /// Returns what the calling process can do.
    #[must_use]
    pub fn of_caller() -> Self {
        if rustix::process::geteuid().is_root() {
            Ownership::Applied
        } else {
            Ownership::Recorded
        }
    }

    /// Returns the word of records: `applied` or `recorded`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Ownership::Applied => "applied",
            Ownership::Recorded => "recorded",
        }
    }

    /// Returns the extended attributes that `entry` has on disk: an ordinary user may set those of `user.` alone.
    #[must_use]
    pub fn xattrs_on_disk(self, entry: &FileEntry) -> Cow<'_, Xattrs> {
        match self {
            Ownership::Applied => Cow::Borrowed(&entry.xattrs),
            Ownership::Recorded => Cow::Owned(
                entry
                    .xattrs
                    .iter()
                    .filter(|(name, _)| name.starts_with("user."))
                    .map(|(name, value)| (name.clone(), value.clone()))
                    .collect(),
            ),
        }
    }

    /// Returns the mode that `entry` has on disk.
    ///
    /// An ordinary user keeps read, write and search permission on directories, without which later transactions
    /// could not work in them, and gets no special bits.
    #[must_use]
    pub fn mode_on_disk(self, entry: &FileEntry) -> u16 {
        match (self, &entry.kind) {
            (Ownership::Applied, _) => entry.mode,
            (Ownership::Recorded, igos_format::EntryKind::Directory) => entry.mode & 0o777 | 0o700,
            (Ownership::Recorded, _) => entry.mode & 0o777,
        }
    }
}

/// Who owns everything of a build layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LayerOwner {
    /// Whoever runs the program.
    Caller,
    /// These numbers; needs root.
    Numbers {
        /// The user's number.
        uid: u32,
        /// The group's number.
        gid: u32,
    },
}
