//! Which paths of a package give privileges: bits of modes, owners, capabilities, and extended attributes.

use igos_format::{EntryKind, FileEntry, RelPath};

/// Extended attributes of this kind mean something to their writers alone.
const HARMLESS: &str = "user.";

/// The access control lists of POSIX: of a path, and of what is made in a directory.
const ACCESS: &str = "system.posix_acl_access";
/// See [`ACCESS`].
const DEFAULT: &str = "system.posix_acl_default";

/// A path that gives privileges to whoever runs or writes it, shown before anything is confirmed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct PrivilegedPath {
    /// The path.
    pub path: RelPath,
    /// What it gives.
    pub privileges: Vec<Privilege>,
}

/// What a path gives.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind", content = "value")]
pub enum Privilege {
    /// It runs as its owner; on a directory the bit means nothing to Linux.
    Setuid,
    /// It runs as its group.
    Setgid,
    /// What is made in the directory gets its group.
    SetgidDirectory,
    /// It runs with file capabilities.
    Capabilities(String),
    /// Anybody may write it.
    WorldWritable,
    /// It does not belong to root.
    Owner(String),
    /// An access control list gives somebody more than owner and mode say, in words.
    AccessControl(String),
    /// It carries an extended attribute, of this name, that means something to the kernel.
    Attribute(String),
}

/// Returns the paths that give privileges, to be shown before anything is confirmed (threats note, P13).
pub(super) fn privileged(entries: &[FileEntry]) -> Vec<PrivilegedPath> {
    entries
        .iter()
        .filter_map(|entry| {
            let privileges = of(entry);
            (!privileges.is_empty()).then(|| PrivilegedPath {
                path: entry.path.clone(),
                privileges,
            })
        })
        .collect()
}

fn of(entry: &FileEntry) -> Vec<Privilege> {
    let mut privileges = Vec::new();
    let is_directory = matches!(entry.kind, EntryKind::Directory);
    let is_symlink = matches!(entry.kind, EntryKind::Symlink { .. });
    if !is_symlink && entry.mode & 0o4000 != 0 {
        privileges.push(Privilege::Setuid);
    }
    if !is_symlink && entry.mode & 0o2000 != 0 {
        privileges.push(match is_directory {
            true => Privilege::SetgidDirectory,
            false => Privilege::Setgid,
        });
    }
    if let Some(capabilities) = entry.capabilities {
        privileges.push(Privilege::Capabilities(capabilities.to_string()));
    }
    // A sticky directory such as /tmp is meant to be so.
    let is_sticky_directory = is_directory && entry.mode & 0o1000 != 0;
    if !is_symlink && entry.mode & 0o002 != 0 && !is_sticky_directory {
        privileges.push(Privilege::WorldWritable);
    }
    if !entry.owner.is_root() {
        privileges.push(Privilege::Owner(format!(
            "{}:{}",
            entry.owner.user, entry.owner.group
        )));
    }
    for (name, value) in &entry.xattrs {
        privileges.extend(match name.as_str() {
            ACCESS => access_control(value, Some(entry.mode), is_directory),
            DEFAULT => access_control(value, None, is_directory),
            name if name.starts_with(HARMLESS) => None,
            name => Some(Privilege::Attribute(name.to_owned())),
        });
    }
    privileges
}

/// Tells in words what an access control list gives besides what a mode says; without a mode, of what is made in a
/// directory, everything that it gives to others than owner and group.
fn access_control(value: &[u8], mode: Option<u16>, is_directory: bool) -> Option<Privilege> {
    let words = match entries(value) {
        None => vec!["what nobody can read".to_owned()],
        Some(entries) => {
            let mask = entries
                .iter()
                .find(|entry| entry.tag == Tag::Mask)
                .map_or(0o7, |entry| entry.rights);
            let mode = mode.unwrap_or(0o770);
            entries
                .iter()
                .filter_map(|entry| entry.in_words(mask, mode, is_directory))
                .collect()
        }
    };
    (!words.is_empty()).then(|| Privilege::AccessControl(words.join(", ")))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tag {
    Owner,
    User,
    OwnGroup,
    Group,
    Mask,
    Others,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    tag: Tag,
    rights: u16,
    id: u32,
}

/// Reads a list as acl(5) has it in an attribute: version 2, then entries of eight bytes, all little-endian.
fn entries(value: &[u8]) -> Option<Vec<Entry>> {
    let entries = value.strip_prefix(&[2, 0, 0, 0])?;
    if entries.len() % 8 != 0 {
        return None;
    }
    let entry = |bytes: &[u8]| {
        let number = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
        Some(Entry {
            tag: match number(0) {
                0x01 => Tag::Owner,
                0x02 => Tag::User,
                0x04 => Tag::OwnGroup,
                0x08 => Tag::Group,
                0x10 => Tag::Mask,
                0x20 => Tag::Others,
                _ => return None,
            },
            rights: number(2),
            id: u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]),
        })
    };
    entries.chunks_exact(8).map(entry).collect()
}

impl Entry {
    /// Says whom it gives what, if the mode does not say so already.
    fn in_words(&self, mask: u16, mode: u16, is_directory: bool) -> Option<String> {
        let (who, rights, known) = match self.tag {
            Tag::Mask => return None,
            Tag::Owner => ("its owner".to_owned(), self.rights, mode >> 6),
            Tag::OwnGroup => ("its group".to_owned(), self.rights & mask, mode >> 3),
            Tag::Others => ("anybody".to_owned(), self.rights, mode),
            Tag::User => (format!("user {}", self.id), self.rights & mask, mode & 0o5),
            Tag::Group => (format!("group {}", self.id), self.rights & mask, mode & 0o5),
        };
        if rights & 0o7 & !known == 0 {
            return None;
        }
        let run = if is_directory { "enter" } else { "run" };
        let words: Vec<&str> = [(0o4, "read"), (0o2, "write"), (0o1, run)]
            .into_iter()
            .filter(|(right, _)| rights & right != 0)
            .map(|(_, word)| word)
            .collect();
        Some(format!("{who} may {} it", words.join(" and ")))
    }
}

#[cfg(test)]
mod tests {
    use super::{Privilege, access_control};

    /// One entry: tag, rights, number.
    fn list(entries: &[(u16, u16, u32)]) -> Vec<u8> {
        let mut bytes = vec![2, 0, 0, 0];
        for (tag, rights, id) in entries {
            bytes.extend(tag.to_le_bytes());
            bytes.extend(rights.to_le_bytes());
            bytes.extend(id.to_le_bytes());
        }
        bytes
    }

    const NOBODY: u32 = u32::MAX;

    fn said(entries: &[(u16, u16, u32)], mode: Option<u16>) -> Option<String> {
        access_control(&list(entries), mode, false).map(|privilege| match privilege {
            Privilege::AccessControl(words) => words,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn access_control_lists_are_told_where_they_give_more_than_the_mode() {
        let same = [(1, 7, NOBODY), (4, 5, NOBODY), (32, 5, NOBODY)];
        assert_eq!(said(&same, Some(0o755)), None);
        let more = [
            (1, 7, NOBODY),
            (2, 7, 1000),
            (2, 5, 1001),
            (4, 5, NOBODY),
            (8, 6, 100),
            (16, 7, NOBODY),
            (32, 7, NOBODY),
        ];
        assert_eq!(
            said(&more, Some(0o755)).as_deref(),
            Some(
                "user 1000 may read and write and run it, group 100 may read and write it, anybody may read and write and run it"
            )
        );
        let masked = [
            (1, 6, NOBODY),
            (2, 7, 1000),
            (4, 0, NOBODY),
            (16, 4, NOBODY),
            (32, 0, NOBODY),
        ];
        assert_eq!(said(&masked, Some(0o644)), None);
        assert_eq!(
            said(&masked, Some(0o600)).as_deref(),
            Some("user 1000 may read it")
        );
        assert_eq!(
            said(&masked, None).as_deref(),
            Some("user 1000 may read it")
        );
    }

    #[test]
    fn access_control_list_that_cannot_be_read_is_told() {
        for bytes in [
            &b""[..],
            b"\x01\0\0\0",
            b"\x02\0\0\0\x01",
            b"\x02\0\0\0\x40\0\0\0\0\0\0\0",
        ] {
            let told = Privilege::AccessControl("what nobody can read".to_owned());
            assert_eq!(
                access_control(bytes, Some(0o755), false),
                Some(told),
                "{bytes:?}"
            );
        }
    }
}
