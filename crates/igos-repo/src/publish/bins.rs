//! The list of archives and sources in parts, once it is too long for other clients of TUF.
//!
//! Each part has the files whose path has a SHA-256 that begins in one of four ways, whatever else is published: so
//! a package more changes one part. Our own client reads none of them.

use std::collections::BTreeMap;

use igos_format::Sha256;
use igos_format::trust::{Authority, Delegation, Delegations, RoleKeys, Scope, TargetFile};

use super::state::ARCHIVES;

/// How many parts there are. A role that a snapshot names has to be in every later one, so this never changes.
///
/// Every client reads the snapshot, in which each part has 160 bytes; and a part of 100 000 archives has 260 KB.
const COUNT: u8 = 64;
/// The first two digits of a digest are shared out among the parts evenly.
const PREFIXES_OF_EACH: u8 = (256 / COUNT as u16) as u8;
/// Largest list that is not divided, in bytes: half of what python-tuf reads (5 000 000).
const WHOLE_MAX_BYTES: usize = 2_500_000;
/// What metadata has for a file beside its path, in bytes: digest, length and marks.
const FILE_BYTES: usize = 64 + 60;

/// Files by their paths.
pub(super) type Files = BTreeMap<String, TargetFile>;

/// Tells whether these files are too many for one list.
pub(super) fn are_needed(files: &Files) -> bool {
    let size_bytes: usize = files.keys().map(|path| path.len() + FILE_BYTES).sum();
    size_bytes > WHOLE_MAX_BYTES
}

/// Returns the names of all parts, in their order.
pub(super) fn names() -> impl Iterator<Item = String> {
    (0..COUNT).map(name)
}

fn name(bin: u8) -> String {
    format!("{ARCHIVES}-{bin:02x}")
}

/// Tells whether a role is such a part.
pub(super) fn is_name(role: &str) -> bool {
    let number = role
        .strip_prefix(ARCHIVES)
        .and_then(|rest| rest.strip_prefix('-'));
    let number = number.and_then(|digits| u8::from_str_radix(digits, 16).ok());
    number.is_some_and(|bin| bin < COUNT && name(bin) == role)
}

/// Returns the part that a path belongs to, by its place among all.
pub(super) fn of(path: &str) -> usize {
    usize::from(Sha256::of(path.as_bytes()).as_bytes()[0] / PREFIXES_OF_EACH)
}

/// Returns the files of each part, in their order.
pub(super) fn split(files: Files) -> Vec<(String, Files)> {
    let mut bins: Vec<(String, Files)> = names().map(|name| (name, Files::new())).collect();
    for (path, file) in files {
        bins[of(&path)].1.insert(path, file);
    }
    bins
}

/// Returns the delegations to all parts, by the keys that sign the list itself.
pub(super) fn delegations(authority: &Authority) -> Delegations {
    let keys = RoleKeys::new(authority.keys.keys().copied(), authority.threshold);
    let role = |bin: u8| {
        let first = bin * PREFIXES_OF_EACH;
        let prefixes = (first..=first + (PREFIXES_OF_EACH - 1)).map(|byte| format!("{byte:02x}"));
        Delegation {
            name: name(bin),
            keys: keys.clone(),
            is_terminating: true,
            scope: Scope::HashPrefixes(prefixes.collect()),
        }
    };
    Delegations {
        keys: authority.keys.clone(),
        roles: (0..COUNT).map(role).collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use igos_format::trust::{Authority, Scope, TargetFile};

    use super::{Files, are_needed, delegations, is_name, names, of, split};
    use crate::trust::SecretKey;

    fn files(count: usize) -> Files {
        let file = |number| {
            (
                format!("archives/p{number}-1.0-1.x86_64.igos.tar.zst"),
                TargetFile::of(b"x"),
            )
        };
        (0..count).map(file).collect()
    }

    #[test]
    fn every_path_is_in_the_one_part_that_is_delegated_to_for_it() {
        let key = SecretKey::from_seed([1; 32]);
        let delegations = delegations(&Authority {
            keys: [(key.id(), key.public())].into(),
            threshold: 1,
        });
        let mut prefixes = BTreeSet::new();
        for role in &delegations.roles {
            let Scope::HashPrefixes(some) = &role.scope else {
                panic!("{role:?}")
            };
            prefixes.extend(some.clone());
        }
        assert_eq!((delegations.roles.len(), prefixes.len()), (64, 256));
        let all = files(3000);
        let bins = split(all.clone());
        assert_eq!(
            bins.iter()
                .map(|(name, _)| name.clone())
                .collect::<Vec<_>>(),
            names().collect::<Vec<_>>()
        );
        assert_eq!(
            bins.iter().map(|(_, files)| files.len()).sum::<usize>(),
            all.len()
        );
        for (at, (name, files)) in bins.iter().enumerate() {
            assert!(files.len() < 100, "{name} has {}", files.len());
            for path in files.keys() {
                let role = delegations.roles.iter().find(|role| role.covers(path));
                assert_eq!(role.map(|role| &role.name), Some(name));
                assert_eq!(of(path), at);
            }
        }
    }

    #[test]
    fn list_is_divided_before_it_is_half_as_long_as_others_read() {
        assert!(!are_needed(&files(1000)));
        assert!(are_needed(&files(20_000)));
    }

    #[test]
    fn only_names_of_parts_are_names_of_parts() {
        assert!(names().all(|name| is_name(&name)));
        for name in [
            "archives",
            "archives-",
            "archives-40",
            "archives-0",
            "archives-+1",
            "archives-0A",
            "packages-00",
        ] {
            assert!(!is_name(name), "{name}");
        }
    }
}
