//! Names of users and groups to numbers, by the root's own tables.

use std::collections::HashMap;

use igos_format::{Owner, RelPath};
use igos_root::{RootDir, RootError};

use crate::HookPlan;

/// Longest table read, in bytes; the largest real ones have some thousand lines.
const TABLE_MAX_BYTES: u64 = 16 * 1024 * 1024;

/// What `etc/passwd` and `etc/group` of a root say.
#[derive(Debug, Default)]
pub(crate) struct Owners {
    users: HashMap<String, u32>,
    groups: HashMap<String, u32>,
}

impl Owners {
    /// Reads the tables of a root; one that is absent says nothing.
    pub(crate) fn read(root: &RootDir) -> Result<Self, RootError> {
        Ok(Owners {
            users: table(root, "etc/passwd")?,
            groups: table(root, "etc/group")?,
        })
    }

    /// Takes up the accounts that a transaction makes after its files.
    pub(crate) fn add_new(&mut self, hooks: &HookPlan) {
        for user in hooks.users() {
            self.users.entry(user.name.to_string()).or_insert(user.uid);
        }
        for group in hooks.groups() {
            self.groups
                .entry(group.name.to_string())
                .or_insert(group.gid);
        }
    }

    /// Returns the numbers for `owner`: those of its names here, else those it brings.
    pub(crate) fn numbers(&self, owner: &Owner) -> (u32, u32) {
        let find = |table: &HashMap<String, u32>, name: &str, number| match name {
            // Whatever a table says, root is 0.
            "root" => 0,
            name => table.get(name).copied().unwrap_or(number),
        };
        (
            find(&self.users, owner.user.as_str(), owner.uid),
            find(&self.groups, owner.group.as_str(), owner.gid),
        )
    }
}

fn table(root: &RootDir, path: &str) -> Result<HashMap<String, u32>, RootError> {
    let path: RelPath = path.parse().expect("the names of the tables are paths");
    let bytes = match root.read_file(&path, TABLE_MAX_BYTES) {
        Ok(bytes) => bytes.unwrap_or_default(),
        // A link in the way is not followed; the numbers of the packages then count.
        Err(error) if error.is_way_blocked() => Vec::new(),
        Err(error) => return Err(error),
    };
    Ok(parse(&String::from_utf8_lossy(&bytes)))
}

/// Reads `NAME:PASSWORD:NUMBER:…` lines; others are somebody else's business.
fn parse(text: &str) -> HashMap<String, u32> {
    text.lines()
        .filter_map(|line| {
            let mut fields = line.split(':');
            let (name, _, number) = (fields.next()?, fields.next()?, fields.next()?);
            Some((name.to_owned(), number.parse().ok()?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use igos_format::Owner;

    use super::{Owners, parse};

    #[test]
    fn names_of_the_root_win_over_numbers_of_the_package() {
        let owners = Owners {
            users: parse("root:x:7:0::/:\nmail:x:12:12::/:\nbroken\n"),
            groups: parse("mail:x:13:\n"),
        };
        let owner = |name: &str, number| Owner {
            user: name.parse().expect("a name"),
            uid: number,
            group: name.parse().expect("a name"),
            gid: number,
        };
        assert_eq!(owners.numbers(&owner("mail", 99)), (12, 13));
        assert_eq!(owners.numbers(&owner("other", 99)), (99, 99));
        assert_eq!(owners.numbers(&owner("root", 99)), (0, 0));
    }
}
