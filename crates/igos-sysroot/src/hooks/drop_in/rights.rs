//! What a line of a package's drop-in file may do: nothing that its manifest does not say and another package would mind.
//!
//! A plan is made of manifests and shows them; what drop-in files say is known only when their archives are here. So
//! they give no privilege beyond the manifest. What the administrator wrote, in files that no package has, may do
//! everything.

use std::collections::{BTreeMap, BTreeSet};

use igos_format::{PackageName, RelPath};
use igos_root::{FollowedLinks, Kind, Metadata};

use super::report::Unmade;
use crate::owners::Owners;
use crate::places::place_of;
use crate::{DatabaseError, Ownership, Sysroot};

/// Bits of a mode that give rights to more than its owner and group: setuid, setgid, writing by everybody.
const GIVING: u16 = 0o6002;

/// Directories in which every package makes what it needs at run time.
const COMMON: [&str; 13] = [
    "run",
    "run/lock",
    "srv",
    "tmp",
    "var",
    "var/cache",
    "var/lib",
    "var/local",
    "var/log",
    "var/mail",
    "var/opt",
    "var/spool",
    "var/tmp",
];

/// Directories below common ones whose files programs of root obey, whoever has them.
const OBEYED: [&str; 13] = [
    "run/modprobe.d",
    "run/sysctl.d",
    "run/systemd/generator",
    "run/systemd/system",
    "run/systemd/system.control",
    "run/systemd/transient",
    "run/sysusers.d",
    "run/tmpfiles.d",
    "run/udev/rules.d",
    "var/lib/polkit-1",
    "var/spool/anacron",
    "var/spool/at",
    "var/spool/cron",
];

/// A mode, and the numbers of owner and group.
pub(super) type Look = (u16, (u32, u32));

/// Whose lines they are.
#[derive(Debug, Clone)]
pub(super) enum Author {
    /// The administrator's: no package has the file.
    Administrator,
    /// A package's, with how its manifest says that its paths are, by place.
    Package(PackageName, BTreeMap<RelPath, Look>),
}

impl Author {
    /// Finds out whose a file is.
    pub(super) fn of(
        sysroot: &Sysroot,
        links: &FollowedLinks,
        file: &RelPath,
    ) -> Result<Self, String> {
        let failed = |error: &dyn std::error::Error| format!("{file}: {error}");
        let row = sysroot
            .database
            .owner(file)
            .map_err(|error| failed(&error))?;
        let Some(package) = row.map(|row| row.package) else {
            return Ok(Author::Administrator);
        };
        let owners = Owners::read(&sysroot.root).map_err(|error| failed(&error))?;
        let record = sysroot.record(&package).map_err(|error| failed(&error))?;
        let declared = record
            .entries()
            .map(|entry| {
                let look = (entry.mode, owners.numbers(&entry.owner));
                (place_of(&record.manifest, entry, links), look)
            })
            .collect();
        Ok(Author::Package(package, declared))
    }
}

/// Looks up whose paths are.
#[derive(Debug)]
pub(super) struct Rights<'a> {
    pub(super) sysroot: &'a Sysroot,
    pub(super) ownership: Ownership,
}

/// What a line would make or change.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deed {
    pub(super) kind: Kind,
    /// How it would be then.
    pub(super) after: Look,
    /// Whether what is there gets another content, or leads elsewhere.
    pub(super) replaces: bool,
}

impl Rights<'_> {
    /// Refuses what the author of a line may not do at a place; `found` is what is there.
    pub(super) fn check(
        &self,
        author: &Author,
        place: &RelPath,
        found: Option<&Metadata>,
        deed: Deed,
    ) -> Result<(), Unmade> {
        let Author::Package(package, declared) = author else {
            return Ok(());
        };
        let before = found.map(|found| (found.mode, (found.uid, found.gid)));
        if before == Some(deed.after) && !deed.replaces {
            return Ok(());
        }
        let refused = |why: String| Err(Unmade::Refused(format!("/{place}: {why}")));
        let as_declared = declared.get(place).filter(|look| **look == deed.after);
        if as_declared.is_some() && !deed.replaces {
            return Ok(());
        }
        if let Some(gives) = gives(deed.kind, before.map_or(0, |(mode, _)| mode), deed.after.0) {
            return refused(format!(
                "it would {gives}, which {package} does not declare; give it this mode and owner in `files`"
            ));
        }
        let failed = |error: DatabaseError| Unmade::Failed(format!("/{place}: {error}"));
        let owners = self.owners(place).map_err(failed)?;
        if let Some(other) = owners.iter().find(|owner| *owner != package) {
            return refused(format!(
                "{other} has it; what {package} needs there it has to declare in `files`"
            ));
        }
        if is_one_of(&COMMON, place) && !self.is_harmless(deed) && deed.after != (0o1777, (0, 0)) {
            return refused("every package needs it as it is".to_owned());
        }
        let is_new_and_harmless = found.is_none() && self.is_harmless(deed);
        if !owners.is_empty() || is_new_and_harmless {
            return Ok(());
        }
        match self.place_for(package, place).map_err(failed)? {
            None => Ok(()),
            Some(others) => refused(format!(
                "it is not in a directory that {package} alone has, but {others}; \
                 give {package} the path, or a directory around it, in `files`"
            )),
        }
    }

    /// Tells whether an author could have made something at a place.
    pub(super) fn may_make(&self, author: &Author, place: &RelPath) -> bool {
        match author {
            Author::Administrator => true,
            // What cannot be looked up is not explained.
            Author::Package(package, _) => {
                matches!(self.place_for(package, place), Ok(None))
            }
        }
    }

    /// Returns the packages that have a path.
    pub(super) fn owners(&self, place: &RelPath) -> Result<BTreeSet<PackageName>, DatabaseError> {
        let mut owners = self.sysroot.database.directory_owners(place)?;
        let file = self.sysroot.database.owner(place)?;
        owners.extend(file.map(|row| row.package));
        Ok(owners)
    }

    /// A directory of root's into which nobody else may write can be anywhere.
    fn is_harmless(&self, deed: Deed) -> bool {
        let is_roots = self.ownership == Ownership::Recorded || deed.after.1 == (0, 0);
        deed.kind == Kind::Directory && is_roots && deed.after.0 & 0o7022 == 0
    }

    /// Returns who stands against a package making something at a place that nobody has: the nearest directory that
    /// any package has has to be a common one, or its own.
    fn place_for(
        &self,
        package: &PackageName,
        place: &RelPath,
    ) -> Result<Option<String>, DatabaseError> {
        for above in std::iter::successors(place.parent(), RelPath::parent) {
            if is_one_of(&COMMON, &above) {
                return Ok(None);
            }
            let owners = self.owners(&above)?;
            if let Some(other) = owners.iter().find(|owner| *owner != package) {
                return Ok(Some(format!("in /{above} of {other}")));
            }
            if !owners.is_empty() {
                return Ok(None);
            }
            if is_one_of(&OBEYED, &above) {
                return Ok(Some(format!("in /{above}, which programs of root obey")));
            }
        }
        Ok(Some("in one of nobody".to_owned()))
    }
}

fn is_one_of(list: &[&str], place: &RelPath) -> bool {
    list.iter().any(|one| one.as_bytes() == place.as_bytes())
}

/// Says what a change of mode gives, if it gives something to others.
pub(super) fn gives(kind: Kind, before: u16, after: u16) -> Option<&'static str> {
    let added = after & !before & GIVING;
    let is_directory = kind == Kind::Directory;
    match added {
        _ if kind == Kind::Symlink => None,
        _ if added & 0o4000 != 0 => Some("be setuid"),
        // What is made in such a directory gets its group: nobody runs as it.
        _ if added & 0o2000 != 0 && !is_directory => Some("be setgid"),
        // A sticky directory such as /tmp is meant to be so.
        _ if added & 0o002 != 0 && !(is_directory && after & 0o1000 != 0) => {
            Some("be writable by everybody")
        }
        _ => None,
    }
}

/// Tells whether a mode has bits that another has not and that give something to others, sticky directories or not.
pub(super) fn adds_giving_bits(before: u16, after: u16) -> bool {
    after & !before & GIVING != 0
}

#[cfg(test)]
mod tests {
    use igos_root::Kind;

    use super::gives;

    #[test]
    fn bits_that_give_something_to_others_are_seen_where_they_are_added() {
        for (kind, before, after, expected) in [
            (Kind::File, 0o755, 0o4755, Some("be setuid")),
            (Kind::File, 0o755, 0o2755, Some("be setgid")),
            (Kind::File, 0o644, 0o666, Some("be writable by everybody")),
            (Kind::File, 0o644, 0o1666, Some("be writable by everybody")),
            (Kind::File, 0o4755, 0o4711, None),
            (Kind::File, 0o600, 0o664, None),
            (Kind::Directory, 0o755, 0o2775, None),
            (Kind::Directory, 0o755, 0o1777, None),
            (
                Kind::Directory,
                0o755,
                0o777,
                Some("be writable by everybody"),
            ),
            (Kind::Directory, 0o755, 0o4755, Some("be setuid")),
            (Kind::Symlink, 0o777, 0o777, None),
        ] {
            assert_eq!(gives(kind, before, after), expected, "{before:o} {after:o}");
        }
    }
}
