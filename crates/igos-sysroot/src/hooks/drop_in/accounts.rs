//! Making the accounts of `sysusers.d` files, with the numbers that `systemd-sysusers` would choose.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use igos_root::{FollowedLinks, RootDir, RootError};

use super::files::{DropIn, Files};
use super::report::{Place, Report, Unmade};
use super::rights::Author;
use super::specifiers::Specifiers;
use super::sysusers::{Account, Id, NOBODYS, Primary, User, parse};
use crate::LockedSysroot;
use crate::hooks::accounts::{Accounts, Made, NO_HOME, NO_LOGIN, Tables, UserRow};

/// Groups whose members become root, read what only root should, or write to disks and memory.
const GIVING: [&str; 18] = [
    "adm",
    "admin",
    "bin",
    "daemon",
    "disk",
    "docker",
    "incus-admin",
    "kmem",
    "libvirt",
    "lxd",
    "mem",
    "root",
    "shadow",
    "staff",
    "sudo",
    "sys",
    "systemd-journal",
    "wheel",
];

/// Everything that the files of a root say.
#[derive(Debug, Default)]
struct Wanted {
    /// By name, in the order of the lines; `None` for those that a member line alone speaks of.
    users: Vec<(String, Option<User>, Place)>,
    groups: Vec<(String, Id, Place)>,
    members: Vec<(String, String, Place)>,
    ranges: Vec<(u32, u32)>,
}

/// Makes what the files of these names say and the root lacks.
pub(super) fn carry_out(
    sysroot: &LockedSysroot,
    names: &BTreeSet<&str>,
) -> Result<Report, RootError> {
    let root = &sysroot.root;
    let mutations = sysroot.options.mutations.as_ref();
    let links = FollowedLinks::read(root)?;
    let is_administrators = |place: &Place| {
        // Whose a file is that cannot be looked up is nobody's word.
        matches!(
            Author::of(sysroot, &links, &place.file),
            Ok(Author::Administrator)
        )
    };
    let mut report = Report::default();
    let wanted = read(root, names, &mut report)?;
    let mut making = Making {
        tables: Tables { root, mutations },
        accounts: Accounts::read(root)?,
        ranges: &wanted.ranges,
        groups: wanted
            .groups
            .iter()
            .map(|(name, id, _)| (name.as_str(), id))
            .collect(),
    };
    for (name, id, place) in &wanted.groups {
        if let Err(why) = making.group(name, id, None) {
            report.add(place, &why);
        }
    }
    for (name, user, place) in &wanted.users {
        if let Err(why) = making.user(name, user.as_ref(), is_administrators(place)) {
            report.add(place, &why);
        }
    }
    for (user, group, place) in &wanted.members {
        let made = match is_administrators(place) {
            true => Ok(()),
            false => making.refuse_giving(user, group),
        };
        let made = made.and_then(|()| making.tables.add_member(group, user).map_err(failed));
        if let Err(why) = made {
            report.add(place, &why);
        }
    }
    Ok(report)
}

/// Reads all files, for ranges and for names that stand twice, and keeps what those of `names` say.
fn read(root: &RootDir, names: &BTreeSet<&str>, report: &mut Report) -> Result<Wanted, RootError> {
    let files = Files::read(root, DropIn::Sysusers)?;
    for (name, place, why) in &files.unread {
        if names.contains(name.as_str()) {
            report.add(place, why);
        }
    }
    let specifiers = Specifiers::read(root);
    let mut wanted = Wanted::default();
    let mut seen: BTreeMap<(char, String), Account> = BTreeMap::new();
    for file in &files.files {
        let is_named = names.contains(file.name.as_str());
        for line in file.lines() {
            let read = line.and_then(|line| {
                parse(&line.text, &specifiers)
                    .map(|account| (account, line.place.clone()))
                    .map_err(|why| (line.place, why))
            });
            let (account, place) = match read {
                Ok(read) => read,
                Err((place, why)) => {
                    if is_named {
                        report.add(&place, &why);
                    }
                    continue;
                }
            };
            let key = match &account {
                Account::User(user) => ('u', user.name.clone()),
                Account::Group { name, .. } => ('g', name.clone()),
                Account::Range { from, to } => {
                    wanted.ranges.push((*from, *to));
                    continue;
                }
                Account::Member { user, group } => {
                    if is_named {
                        wanted.members.push((user.clone(), group.clone(), place));
                    }
                    continue;
                }
            };
            match seen.get(&key) {
                None => {
                    seen.insert(key, account.clone());
                    if is_named {
                        wanted.add(account, place);
                    }
                }
                Some(before) if is_named && *before != account => {
                    let why = format!("another line says something else of {}", key.1);
                    report.add(&place, &Unmade::Left(why));
                }
                Some(_) => {}
            }
        }
    }
    wanted.add_members();
    Ok(wanted)
}

impl Wanted {
    fn add(&mut self, account: Account, place: Place) {
        match account {
            Account::User(user) => self.users.push((user.name.clone(), Some(user), place)),
            Account::Group { name, id } => self.groups.push((name, id, place)),
            Account::Member { .. } | Account::Range { .. } => {}
        }
    }

    /// Takes up the users and groups that lines about members alone speak of.
    fn add_members(&mut self) {
        for (user, group, place) in self.members.clone() {
            if !self.users.iter().any(|(name, ..)| *name == user) {
                self.users.push((user, None, place.clone()));
            }
            let has_group = self.groups.iter().any(|(name, ..)| *name == group)
                || self.users.iter().any(|(name, ..)| *name == group);
            if !has_group {
                self.groups.push((group, Id::Any, place));
            }
        }
    }
}

struct Making<'a> {
    tables: Tables<'a>,
    accounts: Accounts,
    ranges: &'a [(u32, u32)],
    /// The groups that lines of their own ask for.
    groups: BTreeMap<&'a str, &'a Id>,
}

fn failed(error: io::Error) -> Unmade {
    Unmade::Failed(error.to_string())
}

impl Making<'_> {
    /// Makes a group unless there is one, and returns its number; `own` is the number that its user wants.
    fn group(&mut self, name: &str, id: &Id, own: Option<u32>) -> Result<u32, Unmade> {
        if let Some(gid) = self.accounts.gid(name) {
            return Ok(gid);
        }
        let is_free = |gid: &u32| self.accounts.group_with(*gid).is_none();
        let is_free_or_own = |gid: &u32| {
            is_free(gid)
                && self
                    .accounts
                    .user_with(*gid)
                    .is_none_or(|user| user == name)
        };
        let wanted = match id {
            Id::Number(gid) => Some(*gid).filter(is_free),
            Id::Any | Id::OwnerOf(_) => None,
        };
        let gid = wanted
            .or_else(|| own.filter(is_free_or_own))
            .or_else(|| self.number_of(id, |found| found.gid).filter(is_free_or_own))
            .or_else(|| self.accounts.free_in(self.ranges))
            .ok_or_else(|| no_number(name))?;
        refuse_reserved(name, gid)?;
        let made = self.tables.make_group(name, gid).map_err(failed)?;
        refuse_taken(made)?;
        self.accounts.add_group(name, gid);
        Ok(gid)
    }

    /// Makes a user, and the group of the same name if it has no other.
    fn user(
        &mut self,
        name: &str,
        user: Option<&User>,
        is_administrators: bool,
    ) -> Result<(), Unmade> {
        let (id, primary) = match user {
            Some(user) => (&user.id, user.group.as_ref()),
            None => (&Id::Any, None),
        };
        let wanted = match id {
            Id::Number(uid) => Some(*uid),
            Id::Any | Id::OwnerOf(_) => None,
        };
        let gid = match primary {
            Some(Primary::Number(gid)) => {
                if self.accounts.group_with(*gid).is_none() {
                    return Err(Unmade::Failed(format!("there is no group {gid}")));
                }
                *gid
            }
            Some(Primary::Name(group)) => self
                .accounts
                .gid(group)
                .ok_or_else(|| Unmade::Failed(format!("there is no group {group}")))?,
            // A line of its own decides about the number of the group.
            None => match self.groups.get(name).copied() {
                Some(id) => self.group(name, id, None)?,
                None if wanted.is_some() => self.group(name, &Id::Any, wanted)?,
                None => self.group(name, id, None)?,
            },
        };
        if self.accounts.uid(name).is_some() {
            return Ok(());
        }
        if let Some(group) = self.accounts.group_with(gid).filter(|_| !is_administrators) {
            self.refuse_giving(name, group)?;
        }
        let is_free = |uid: &u32| self.accounts.user_with(*uid).is_none();
        let is_free_or_own = |uid: &u32| {
            is_free(uid)
                && self
                    .accounts
                    .group_with(*uid)
                    .is_none_or(|group| group == name)
        };
        let strictly = primary.is_some() || self.groups.contains_key(name);
        let uid = wanted
            .filter(|uid| {
                if strictly {
                    is_free(uid)
                } else {
                    is_free_or_own(uid)
                }
            })
            .or_else(|| self.number_of(id, |found| found.uid).filter(is_free_or_own))
            .or_else(|| {
                Some(gid)
                    .filter(|_| primary.is_none())
                    .filter(is_free_or_own)
            })
            .or_else(|| self.accounts.free_in(self.ranges))
            .ok_or_else(|| no_number(name))?;
        refuse_reserved(name, uid)?;
        let shell = user.and_then(|user| user.shell.as_deref());
        let home = user.and_then(|user| user.home.as_deref());
        let row = UserRow {
            name,
            uid,
            gid,
            description: user.map_or("", |user| &user.description),
            home: home.unwrap_or(if uid == 0 { "/root" } else { NO_HOME }),
            shell: shell.unwrap_or(if uid == 0 { "/bin/sh" } else { NO_LOGIN }),
        };
        refuse_taken(self.tables.make_user(&row).map_err(failed)?)?;
        self.accounts.add_user(name, uid);
        Ok(())
    }

    /// Refuses to put a user into a group that gives the machine away, or a part of it; a user's own group is its own.
    fn refuse_giving(&self, user: &str, group: &str) -> Result<(), Unmade> {
        let is_giving = GIVING.contains(&group) || self.accounts.gid(group) == Some(0);
        if !is_giving || user == group {
            return Ok(());
        }
        Err(Unmade::Refused(format!(
            "group {group} gives {user} more than a package's drop-in file may; the administrator adds members: \
             `usermod -aG {group} {user}`"
        )))
    }

    /// Returns a number of the file that an id names; root's are nobody else's.
    fn number_of(&self, id: &Id, number: impl Fn(&igos_root::Metadata) -> u32) -> Option<u32> {
        let Id::OwnerOf(path) = id else {
            return None;
        };
        // A file that cannot be looked at gives no number, and another is chosen.
        let found = self.tables.root.metadata(path).ok().flatten()?;
        Some(number(&found)).filter(|number| *number != 0)
    }
}

fn no_number(name: &str) -> Unmade {
    Unmade::Failed(format!("no number is free for {name}"))
}

/// Refuses numbers that mean more than an account of a package may.
fn refuse_reserved(name: &str, number: u32) -> Result<(), Unmade> {
    if (number == 0 && name != "root") || NOBODYS.contains(&number) {
        let why = format!("{name} cannot have number {number}");
        return Err(Unmade::Failed(why));
    }
    Ok(())
}

fn refuse_taken(made: Made) -> Result<(), Unmade> {
    match made {
        Made::Yes | Made::Kept { .. } => Ok(()),
        Made::Taken { by } => Err(Unmade::Failed(format!("{by} has its number"))),
    }
}
