//! Which users and groups a transaction makes, and with which numbers.

use std::collections::{BTreeMap, BTreeSet};

use igos_format::PackageName;
use igos_format::declaration::UserDeclaration;
use igos_format::manifest::Manifest;
use igos_root::RootDir;

use super::accounts::{Accounts, NO_HOME, NO_LOGIN};
use super::error::HookPlanError;
use super::job::{Job, NewGroup, NewUser};

/// Numbers that are nobody's: `(uid_t) -1` as 16 and 32 bits.
const NOBODYS: [u32; 2] = [65_535, u32::MAX];

/// Which packages ask for what, the first that does being the one that counts.
#[derive(Debug, Default)]
struct Wanted<'a> {
    users: BTreeMap<&'a PackageName, (&'a PackageName, &'a UserDeclaration)>,
    groups: BTreeMap<&'a PackageName, (&'a PackageName, Option<u32>)>,
}

/// Returns the jobs that make what the arriving packages declare and the root lacks: groups, then users, by name.
pub(super) fn plan(root: &RootDir, arriving: &[&Manifest]) -> Result<Vec<Job>, HookPlanError> {
    let wanted = Wanted::of(arriving);
    if wanted.users.is_empty() && wanted.groups.is_empty() {
        return Ok(Vec::new());
    }
    let mut accounts = Accounts::read(root).map_err(|source| HookPlanError::Read { source })?;
    // What packages insist on is not chosen for others.
    let taken: BTreeSet<u32> = wanted
        .users
        .values()
        .filter_map(|(_, user)| user.uid)
        .chain(wanted.groups.values().filter_map(|(_, gid)| *gid))
        .collect();
    let mut groups = Vec::new();
    let mut users = Vec::new();
    for (name, (package, gid)) in &wanted.groups {
        if accounts.gid(name.as_str()).is_some() {
            continue;
        }
        let own_user = wanted.users.get(name).map(|(_, user)| user.uid);
        let gid = match gid.or(own_user.flatten()).or(accounts.uid(name.as_str())) {
            Some(gid) if accounts.group_with(gid).is_none() || wanted_exactly(&wanted, name) => gid,
            _ => accounts
                .free(&taken)
                .ok_or_else(|| HookPlanError::NoNumber {
                    package: (*package).clone(),
                    name: (*name).clone(),
                })?,
        };
        check(package, "group", name, gid, accounts.group_with(gid))?;
        accounts.add_group(name.as_str(), gid);
        groups.push(Job::Group(NewGroup {
            name: (*name).clone(),
            gid,
        }));
    }
    for (name, (package, user)) in &wanted.users {
        if accounts.uid(name.as_str()).is_some() {
            continue;
        }
        let gid = accounts
            .gid(user.group.as_ref().unwrap_or(name).as_str())
            .expect("every primary group is there or was just added");
        let same = accounts
            .gid(name.as_str())
            .filter(|gid| accounts.user_with(*gid).is_none());
        let uid = match user.uid.or(same).or_else(|| accounts.free(&taken)) {
            Some(uid) => uid,
            None => {
                return Err(HookPlanError::NoNumber {
                    package: (*package).clone(),
                    name: (*name).clone(),
                });
            }
        };
        check(package, "user", name, uid, accounts.user_with(uid))?;
        accounts.add_user(name.as_str(), uid);
        users.push(Job::User(new_user(package, user, uid, gid)?));
    }
    groups.extend(users);
    Ok(groups)
}

impl<'a> Wanted<'a> {
    fn of(arriving: &[&'a Manifest]) -> Self {
        let mut wanted = Wanted::default();
        for manifest in arriving {
            let package = &manifest.package.name;
            for group in &manifest.groups {
                let known = wanted
                    .groups
                    .entry(&group.name)
                    .or_insert((package, group.gid));
                known.1 = known.1.or(group.gid);
            }
            for user in &manifest.users {
                wanted.users.entry(&user.name).or_insert((package, user));
            }
        }
        for (package, user) in wanted.users.values() {
            let primary = user.group.as_ref().unwrap_or(&user.name);
            wanted.groups.entry(primary).or_insert((package, None));
        }
        wanted
    }
}

/// Tells whether a group's number is insisted on.
fn wanted_exactly(wanted: &Wanted<'_>, name: &PackageName) -> bool {
    wanted
        .groups
        .get(name)
        .is_some_and(|(_, gid)| gid.is_some())
}

fn check(
    package: &PackageName,
    what: &'static str,
    name: &PackageName,
    number: u32,
    by: Option<&str>,
) -> Result<(), HookPlanError> {
    // Whatever an archive says, nobody but root is 0.
    if (number == 0 && name.as_str() != "root") || NOBODYS.contains(&number) {
        return Err(HookPlanError::NumberReserved {
            package: package.clone(),
            what,
            name: name.clone(),
            number,
        });
    }
    match by {
        None => Ok(()),
        Some(by) => Err(HookPlanError::NumberTaken {
            package: package.clone(),
            what,
            name: name.clone(),
            number,
            by: by.to_owned(),
        }),
    }
}

fn new_user(
    package: &PackageName,
    user: &UserDeclaration,
    uid: u32,
    gid: u32,
) -> Result<NewUser, HookPlanError> {
    let text = |text: &Option<String>, otherwise: &str| match text {
        Some(text) if text.contains(':') => Err(HookPlanError::AccountText {
            package: package.clone(),
            name: user.name.clone(),
        }),
        Some(text) => Ok(text.clone()),
        None => Ok(otherwise.to_owned()),
    };
    Ok(NewUser {
        name: user.name.clone(),
        uid,
        gid,
        home: text(&user.home, NO_HOME)?,
        shell: text(&user.shell, NO_LOGIN)?,
        description: text(&user.description, "")?,
    })
}
