//! Users and groups that packages declare: choosing their numbers, and adding them to the tables of a root.
//!
//! Nothing here deletes or changes an account that is there. The tables are read and written below the root's
//! descriptor (threats note, P16), under the lock that `lckpwdf(3)` takes, and replaced by renaming.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::AsFd;

use igos_format::RelPath;
use igos_root::{Directory, Metadata, RootDir, RootError, try_lock_record};

use crate::Mutations;

/// Longest table, in bytes; the largest real ones have some thousand lines.
const TABLE_MAX_BYTES: u64 = 16 * 1024 * 1024;

/// Numbers for system accounts are chosen below this one, downwards, as systemd-sysusers does (`SYS_UID_MAX` of
/// login.defs).
const SYSTEM_MAX: u32 = 999;

/// The lowest number that is chosen; those below are given out by distributions (`SYS_UID_MIN`).
const SYSTEM_MIN: u32 = 101;

/// Login shell of users without one: nobody logs in.
pub(super) const NO_LOGIN: &str = "/usr/sbin/nologin";

/// Home directory of users without one.
pub(super) const NO_HOME: &str = "/";

/// Name of a table while it is written, in `etc`; packages cannot bring it.
const TABLE_NEW: &[u8] = b".pkm-table";

/// The names and numbers of a root's tables.
#[derive(Debug, Default)]
pub(super) struct Accounts {
    users: BTreeMap<String, u32>,
    groups: BTreeMap<String, u32>,
}

impl Accounts {
    /// Reads the tables; one that is absent is empty.
    pub(super) fn read(root: &RootDir) -> Result<Self, RootError> {
        Ok(Accounts {
            users: numbers(&table(root, "etc/passwd")?),
            groups: numbers(&table(root, "etc/group")?),
        })
    }

    pub(super) fn uid(&self, name: &str) -> Option<u32> {
        self.users.get(name).copied()
    }

    pub(super) fn gid(&self, name: &str) -> Option<u32> {
        self.groups.get(name).copied()
    }

    /// Returns the name of whoever has a user number.
    pub(super) fn user_with(&self, uid: u32) -> Option<&str> {
        name_with(&self.users, uid)
    }

    /// Returns the name of the group with a number.
    pub(super) fn group_with(&self, gid: u32) -> Option<&str> {
        name_with(&self.groups, gid)
    }

    /// Takes up an account that will be made.
    pub(super) fn add_user(&mut self, name: &str, uid: u32) {
        self.users.insert(name.to_owned(), uid);
    }

    /// See [`Accounts::add_user`].
    pub(super) fn add_group(&mut self, name: &str, gid: u32) {
        self.groups.insert(name.to_owned(), gid);
    }

    /// Returns the highest number for system accounts that neither a user nor a group has, nor is in `taken`: the
    /// same for equal tables.
    pub(super) fn free(&self, taken: &BTreeSet<u32>) -> Option<u32> {
        let used: BTreeSet<u32> = self
            .users
            .values()
            .chain(self.groups.values())
            .chain(taken)
            .copied()
            .collect();
        (SYSTEM_MIN..=SYSTEM_MAX)
            .rev()
            .find(|number| !used.contains(number))
    }

    /// Returns the highest number in one of the ranges that nobody has; in that of system accounts where there are
    /// none.
    pub(super) fn free_in(&self, ranges: &[(u32, u32)]) -> Option<u32> {
        if ranges.is_empty() {
            return self.free(&BTreeSet::new());
        }
        let used: BTreeSet<u32> = self
            .users
            .values()
            .chain(self.groups.values())
            .copied()
            .collect();
        let highest = |(from, to): &(u32, u32)| {
            (*from..=*to)
                .rev()
                .find(|number| !used.contains(number) && *number != 65_535)
        };
        ranges.iter().filter_map(highest).max()
    }
}

fn name_with(names: &BTreeMap<String, u32>, number: u32) -> Option<&str> {
    names
        .iter()
        .find(|(_, found)| **found == number)
        .map(|(name, _)| name.as_str())
}

fn table(root: &RootDir, path: &str) -> Result<String, RootError> {
    let path: RelPath = path.parse().expect("the names of the tables are paths");
    let bytes = root.read_file(&path, TABLE_MAX_BYTES)?.unwrap_or_default();
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Reads `NAME:PASSWORD:NUMBER:…` lines; others are somebody else's business.
fn numbers(text: &str) -> BTreeMap<String, u32> {
    text.lines()
        .filter_map(|line| {
            let mut fields = line.split(':');
            let (name, _, number) = (fields.next()?, fields.next()?, fields.next()?);
            Some((name.to_owned(), number.parse().ok()?))
        })
        .collect()
}

/// What came of making an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Made {
    /// It is there now, or was already.
    Yes,
    /// It is there already with another number, which stays.
    Kept {
        /// The number it has.
        number: u32,
    },
    /// Its number belongs to another account.
    Taken {
        /// Whose it is.
        by: String,
    },
}

/// A user as `etc/passwd` has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UserRow<'a> {
    pub(super) name: &'a str,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) description: &'a str,
    pub(super) home: &'a str,
    pub(super) shell: &'a str,
}

/// The tables of a root, to be changed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tables<'a> {
    pub(super) root: &'a RootDir,
    pub(super) mutations: &'a dyn Mutations,
}

impl Tables<'_> {
    /// Makes a group, unless there is one of this name.
    pub(super) fn make_group(&self, name: &str, gid: u32) -> io::Result<Made> {
        let etc = etc_of(self.root)?;
        let _lock = lock(&etc)?;
        let accounts = Accounts::read(self.root).map_err(RootError::into_io)?;
        if let Some(number) = accounts.gid(name) {
            return Ok(kept(number, gid));
        }
        if let Some(by) = accounts.group_with(gid) {
            return Ok(Made::Taken { by: by.to_owned() });
        }
        self.append(&etc, b"gshadow", None, &format!("{name}:!*::\n"))?;
        self.append(&etc, b"group", Some(0o644), &format!("{name}:x:{gid}:\n"))?;
        Ok(Made::Yes)
    }

    /// Makes a user, unless there is one of this name.
    pub(super) fn make_user(&self, user: &UserRow<'_>) -> io::Result<Made> {
        let etc = etc_of(self.root)?;
        let _lock = lock(&etc)?;
        let accounts = Accounts::read(self.root).map_err(RootError::into_io)?;
        if let Some(number) = accounts.uid(user.name) {
            return Ok(kept(number, user.uid));
        }
        if let Some(by) = accounts.user_with(user.uid) {
            return Ok(Made::Taken { by: by.to_owned() });
        }
        // `shadow` first: a user whose password is said to be there and is not would be one without a password to
        // some.
        let shadow = format!("{}:!*:::::::\n", user.name);
        self.append(&etc, b"shadow", None, &shadow)?;
        let password = if etc.metadata_if_present(b"shadow")?.is_some() {
            "x"
        } else {
            "!"
        };
        let line = format!(
            "{}:{password}:{}:{}:{}:{}:{}\n",
            user.name, user.uid, user.gid, user.description, user.home, user.shell
        );
        self.append(&etc, b"passwd", Some(0o644), &line)?;
        Ok(Made::Yes)
    }

    /// Makes a user a member of a group, unless it is one.
    pub(super) fn add_member(&self, group: &str, user: &str) -> io::Result<()> {
        let etc = etc_of(self.root)?;
        let _lock = lock(&etc)?;
        for table in [b"gshadow".as_slice(), b"group"] {
            let Some(found) = etc.metadata_if_present(table)? else {
                continue;
            };
            let text = read_all(&etc, table)?;
            if let Some(changed) = with_member(&text, group, user) {
                self.replace(&etc, table, &changed, Some(found), 0o644)?;
            }
        }
        Ok(())
    }

    /// Adds a line to a table unless it has one of this name; a table that is absent is made with `mode`, or stays
    /// absent without it.
    fn append(
        &self,
        etc: &Directory,
        table: &[u8],
        mode: Option<u16>,
        line: &str,
    ) -> io::Result<()> {
        let found = etc.metadata_if_present(table)?;
        let mut text = match (&found, mode) {
            (Some(_), _) => read_all(etc, table)?,
            (None, Some(_)) => Vec::new(),
            (None, None) => return Ok(()),
        };
        let account = &line.as_bytes()[..=line.find(':').unwrap_or_default()];
        if text
            .split(|byte| *byte == b'\n')
            .any(|old| old.starts_with(account))
        {
            return Ok(());
        }
        if text.last().is_some_and(|last| *last != b'\n') {
            text.push(b'\n');
        }
        text.extend_from_slice(line.as_bytes());
        self.replace(etc, table, &text, found, mode.unwrap_or(0o600))
    }

    /// Replaces a table by renaming; what was there gives owner and mode.
    fn replace(
        &self,
        etc: &Directory,
        table: &[u8],
        text: &[u8],
        old: Option<Metadata>,
        mode: u16,
    ) -> io::Result<()> {
        if etc.metadata_if_present(TABLE_NEW)?.is_some() {
            self.mutations.delete(etc, TABLE_NEW)?;
        }
        let mut file = self.mutations.create_file(etc, TABLE_NEW)?;
        self.mutations.write(&mut file, text)?;
        if let Some(old) = old.filter(|_| rustix::process::geteuid().is_root()) {
            self.mutations.set_owner(file.as_fd(), old.uid, old.gid)?;
        }
        let mode = old.map_or(mode, |old| old.mode & 0o777);
        self.mutations.set_mode(file.as_fd(), mode)?;
        file.sync_all()?;
        self.mutations.rename(etc, TABLE_NEW, etc, table)?;
        self.mutations.sync(etc)
    }
}

/// Returns a table in which `user` is the last member of `group`; `None` if it is one, or there is no such group.
fn with_member(text: &[u8], group: &str, user: &str) -> Option<Vec<u8>> {
    let mut lines: Vec<Vec<u8>> = text
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::to_vec)
        .collect();
    let start = format!("{group}:");
    let line = lines
        .iter_mut()
        .find(|line| line.starts_with(start.as_bytes()))?;
    // The members are the last field of both tables.
    let members = &line[line.iter().rposition(|byte| *byte == b':')? + 1..];
    let is_member = members
        .split(|byte| *byte == b',')
        .any(|member| member == user.as_bytes());
    if is_member {
        return None;
    }
    if !members.is_empty() {
        line.push(b',');
    }
    line.extend_from_slice(user.as_bytes());
    Some(lines.join(&b'\n'))
}

fn kept(found: u32, wanted: u32) -> Made {
    if found == wanted {
        Made::Yes
    } else {
        Made::Kept { number: found }
    }
}

fn etc_of(root: &RootDir) -> io::Result<Directory> {
    let etc: RelPath = "etc".parse().expect("it is a path");
    root.create_directories(&etc, 0o755)
        .map_err(RootError::into_io)
}

/// Takes the lock of `lckpwdf(3)`: whoever else changes the tables now is not waited for, the job can be repeated.
fn lock(etc: &Directory) -> io::Result<std::fs::File> {
    let file = etc.open_or_create_file(b".pwd.lock")?;
    try_lock_record(&file)?;
    Ok(file)
}

fn read_all(etc: &Directory, name: &[u8]) -> io::Result<Vec<u8>> {
    let file = etc.open_file(name)?;
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(file, TABLE_MAX_BYTES + 1), &mut bytes)?;
    if bytes.len() as u64 > TABLE_MAX_BYTES {
        return Err(io::Error::other("the table is too long"));
    }
    Ok(bytes)
}
