//! Users and groups that packages declare: choosing their numbers, and adding them to the tables of a root.
//!
//! Nothing here deletes or changes an account that is there. The tables are read and written below the root's
//! descriptor (threats note, P16), under the lock that `lckpwdf(3)` takes, and replaced by renaming.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::os::fd::AsFd;

use igos_format::{PackageName, RelPath};
use igos_root::{Directory, RootDir, RootError, set_mode, set_owner, try_lock_record};

use super::job::{NewGroup, NewUser};

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

    pub(super) fn uid(&self, name: &PackageName) -> Option<u32> {
        self.users.get(name.as_str()).copied()
    }

    pub(super) fn gid(&self, name: &PackageName) -> Option<u32> {
        self.groups.get(name.as_str()).copied()
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
    pub(super) fn add_user(&mut self, name: &PackageName, uid: u32) {
        self.users.insert(name.to_string(), uid);
    }

    /// See [`Accounts::add_user`].
    pub(super) fn add_group(&mut self, name: &PackageName, gid: u32) {
        self.groups.insert(name.to_string(), gid);
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

/// Makes a group, unless there is one of this name.
pub(super) fn make_group(root: &RootDir, group: &NewGroup) -> io::Result<Made> {
    let etc = etc_of(root)?;
    let _lock = lock(&etc)?;
    let accounts = Accounts::read(root).map_err(RootError::into_io)?;
    if let Some(number) = accounts.gid(&group.name) {
        return Ok(kept(number, group.gid));
    }
    if let Some(by) = accounts.group_with(group.gid) {
        return Ok(Made::Taken { by: by.to_owned() });
    }
    let line = format!("{}:x:{}:\n", group.name, group.gid);
    append(&etc, b"group", Some(0o644), &line)?;
    append(&etc, b"gshadow", None, &format!("{}:!*::\n", group.name))?;
    Ok(Made::Yes)
}

/// Makes a user, unless there is one of this name.
pub(super) fn make_user(root: &RootDir, user: &NewUser) -> io::Result<Made> {
    let etc = etc_of(root)?;
    let _lock = lock(&etc)?;
    let accounts = Accounts::read(root).map_err(RootError::into_io)?;
    if let Some(number) = accounts.uid(&user.name) {
        return Ok(kept(number, user.uid));
    }
    if let Some(by) = accounts.user_with(user.uid) {
        return Ok(Made::Taken { by: by.to_owned() });
    }
    // `shadow` first: a user whose password is said to be there and is not would be one without a password to some.
    append(&etc, b"shadow", None, &format!("{}:!*:::::::\n", user.name))?;
    let password = if etc.metadata_if_present(b"shadow")?.is_some() {
        "x"
    } else {
        "!"
    };
    let line = format!(
        "{}:{password}:{}:{}:{}:{}:{}\n",
        user.name, user.uid, user.gid, user.description, user.home, user.shell
    );
    append(&etc, b"passwd", Some(0o644), &line)?;
    Ok(Made::Yes)
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

/// Replaces a table by one with one line more; one that is absent is made with `mode`, or stays absent without it.
fn append(etc: &Directory, name: &[u8], mode: Option<u16>, line: &str) -> io::Result<()> {
    let found = etc.metadata_if_present(name)?;
    let mut text = match (&found, mode) {
        (Some(_), _) => read_all(etc, name)?,
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
    if etc.metadata_if_present(TABLE_NEW)?.is_some() {
        etc.delete(TABLE_NEW)?;
    }
    let mut file = etc.create_file(TABLE_NEW)?;
    file.write_all(&text)?;
    if let Some(old) = found.filter(|_| rustix::process::geteuid().is_root()) {
        set_owner(file.as_fd(), old.uid, old.gid)?;
    }
    let mode = found.map_or(mode.unwrap_or(0o600), |found| found.mode & 0o777);
    set_mode(file.as_fd(), mode)?;
    file.sync_all()?;
    etc.rename(TABLE_NEW, etc, name)?;
    etc.sync()
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
