//! One path of a package: what it is, whose it is, what is in it.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::str::FromStr;

use crate::{PackageName, RelPath, Sha256};

/// Extended attributes by name; `security.capability` is never here, see [`Capabilities`].
pub type Xattrs = BTreeMap<String, Vec<u8>>;

/// Who owns a path: names, because numbers differ between machines, with the numbers beside them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct Owner {
    /// The user's name.
    pub user: PackageName,
    /// The user's number where the package was made.
    pub uid: u32,
    /// The group's name.
    pub group: PackageName,
    /// The group's number where the package was made.
    pub gid: u32,
}

impl Owner {
    /// Returns `root:root`.
    ///
    /// # Panics
    ///
    /// Never: `root` is a name.
    #[must_use]
    pub fn root() -> Self {
        let root: PackageName = "root".parse().expect("root is a name");
        Owner {
            user: root.clone(),
            uid: 0,
            group: root,
            gid: 0,
        }
    }

    /// Tells whether both numbers are 0.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.uid == 0 && self.gid == 0
    }
}

/// File capabilities as the kernel stores them in `security.capability` (revision 2, capabilities(7)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Capabilities {
    /// Permitted set, one bit per capability number.
    pub permitted: u64,
    /// Inheritable set.
    pub inheritable: u64,
    /// Whether the permitted set becomes effective at once.
    pub effective: bool,
}

const VFS_CAP_REVISION_2: u32 = 0x0200_0000;
const VFS_CAP_FLAGS_EFFECTIVE: u32 = 1;

impl Capabilities {
    /// The extended attribute that holds them.
    pub const XATTR: &str = "security.capability";

    /// Returns the 20 bytes of the extended attribute.
    #[must_use]
    pub fn to_xattr(self) -> [u8; 20] {
        let magic = VFS_CAP_REVISION_2
            | if self.effective {
                VFS_CAP_FLAGS_EFFECTIVE
            } else {
                0
            };
        let low = |set: u64| (set & 0xffff_ffff) as u32;
        let high = |set: u64| (set >> 32) as u32;
        let words = [
            magic,
            low(self.permitted),
            low(self.inheritable),
            high(self.permitted),
            high(self.inheritable),
        ];
        let mut bytes = [0; 20];
        for (slot, word) in bytes.chunks_exact_mut(4).zip(words) {
            slot.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    /// Returns the capabilities that the bytes of the extended attribute hold, `None` for other revisions.
    #[must_use]
    pub fn from_xattr(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; 20] = bytes.try_into().ok()?;
        let word = |at: usize| {
            u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        let magic = word(0);
        if magic & !VFS_CAP_FLAGS_EFFECTIVE != VFS_CAP_REVISION_2 {
            return None;
        }
        Some(Capabilities {
            permitted: u64::from(word(4)) | u64::from(word(12)) << 32,
            inheritable: u64::from(word(8)) | u64::from(word(16)) << 32,
            effective: magic & VFS_CAP_FLAGS_EFFECTIVE != 0,
        })
    }
}

/// A text does not name capabilities.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} does not name capabilities such as `cap_net_raw,cap_net_admin=ep`")]
pub struct CapabilitiesError {
    text: String,
}

/// Names by number, of Linux 5.9 and later (include/uapi/linux/capability.h).
const NAMES: [&str; 41] = [
    "cap_chown",
    "cap_dac_override",
    "cap_dac_read_search",
    "cap_fowner",
    "cap_fsetid",
    "cap_kill",
    "cap_setgid",
    "cap_setuid",
    "cap_setpcap",
    "cap_linux_immutable",
    "cap_net_bind_service",
    "cap_net_broadcast",
    "cap_net_admin",
    "cap_net_raw",
    "cap_ipc_lock",
    "cap_ipc_owner",
    "cap_sys_module",
    "cap_sys_rawio",
    "cap_sys_chroot",
    "cap_sys_ptrace",
    "cap_sys_pacct",
    "cap_sys_admin",
    "cap_sys_boot",
    "cap_sys_nice",
    "cap_sys_resource",
    "cap_sys_time",
    "cap_sys_tty_config",
    "cap_mknod",
    "cap_lease",
    "cap_audit_write",
    "cap_audit_control",
    "cap_setfcap",
    "cap_mac_override",
    "cap_mac_admin",
    "cap_syslog",
    "cap_wake_alarm",
    "cap_block_suspend",
    "cap_audit_read",
    "cap_perfmon",
    "cap_bpf",
    "cap_checkpoint_restore",
];

impl FromStr for Capabilities {
    type Err = CapabilitiesError;

    /// Reads `names=flags`, where flags are of `e`, `i` and `p`, as setcap(8) writes them.
    fn from_str(text: &str) -> Result<Self, CapabilitiesError> {
        let error = || CapabilitiesError {
            text: text.to_owned(),
        };
        let (names, flags) = text.split_once('=').ok_or_else(error)?;
        let mut set = 0_u64;
        for name in names.split(',') {
            let number = NAMES
                .iter()
                .position(|known| *known == name)
                .ok_or_else(error)?;
            set |= 1 << number;
        }
        if flags.is_empty() || flags.chars().any(|flag| !"eip".contains(flag)) {
            return Err(error());
        }
        let when = |flag| if flags.contains(flag) { set } else { 0 };
        Ok(Capabilities {
            permitted: when('p'),
            inheritable: when('i'),
            effective: flags.contains('e'),
        })
    }
}

impl fmt::Display for Capabilities {
    /// Writes the numbers in hexadecimal, exact for sets this program has no names for.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:x}:{:x}:{}",
            self.permitted,
            self.inheritable,
            u8::from(self.effective)
        )
    }
}

/// What a path is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    /// A directory.
    Directory,
    /// A regular file.
    File {
        /// Digest of its content.
        sha256: Sha256,
        /// Length in bytes.
        size: u64,
        /// Files of one package with the same number are hard links of one another.
        link_group: Option<u32>,
    },
    /// A symbolic link; any bytes but NUL, at most 4095, never empty.
    Symlink {
        /// What it points at.
        target: Vec<u8>,
    },
}

/// One path of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEntry {
    /// The path below the root.
    pub path: RelPath,
    /// What it is.
    pub kind: EntryKind,
    /// Permission bits and setuid, setgid and sticky bits: 0 to 0o7777; always 0o777 for a symbolic link.
    pub mode: u16,
    /// Whose it is.
    pub owner: Owner,
    /// A configuration file, whose local edits are kept.
    pub is_configuration: bool,
    /// File capabilities.
    pub capabilities: Option<Capabilities>,
    /// Extended attributes.
    pub xattrs: Xattrs,
}

/// Returns the bytes that files take, hard links once.
#[must_use]
pub fn installed_bytes<'a>(entries: impl IntoIterator<Item = &'a FileEntry>) -> u64 {
    let mut groups = HashSet::new();
    entries
        .into_iter()
        .filter_map(|entry| match entry.kind {
            EntryKind::File {
                size, link_group, ..
            } => link_group
                .is_none_or(|group| groups.insert(group))
                .then_some(size),
            _ => None,
        })
        .fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::Capabilities;

    #[test]
    fn capabilities_survive_their_extended_attribute() {
        let capabilities: Capabilities = "cap_net_raw,cap_checkpoint_restore=ep"
            .parse()
            .expect("both are known");
        assert_eq!(capabilities.to_string(), "10000002000:0:1");
        assert_eq!(
            Capabilities::from_xattr(&capabilities.to_xattr()),
            Some(capabilities)
        );
        assert_eq!(Capabilities::from_xattr(&[0; 19]), None);
        assert_eq!(Capabilities::from_xattr(&[0xff; 20]), None);
    }

    #[test]
    fn unknown_capabilities_and_flags_are_refused() {
        for text in [
            "",
            "cap_net_raw",
            "cap_net_raw=",
            "cap_nothing=ep",
            "cap_net_raw=x",
            "cap_net_raw,=p",
        ] {
            assert!(text.parse::<Capabilities>().is_err(), "{text}");
        }
    }
}
