//! A power cut in the model: what of the effects before it is on the disk.
//!
//! Durable is what somebody waited for: `syncfs` brings everything to the disk, `fsync` of a file its content and
//! attributes, `fsync` of a directory the names in it (of a rename then both), `fdatasync` content alone. Everything
//! else is there or not by chance: a rename entirely or not at all, a content not at all, to a part, or as zeros or
//! garbage of its length. A directory goes only after everything that was in it.

use std::collections::{BTreeMap, BTreeSet};

use super::effect::{Change, Effect, Effects, Inode, Key, Kind};
use crate::random::Random;
use crate::trace::{Object, SyncWhat};

/// How much of what nobody waited for is on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Luck {
    /// Everything.
    All,
    /// By chance.
    Some {
        /// Of a hundred.
        percent: u64,
        order: Order,
    },
}

/// Whether changes of one name reach the disk in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// They do: a change is on the disk only with all that went before of the same names.
    OfNames,
    /// They do not.
    None,
}

/// What is on a disk.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Disk {
    pub(super) names: BTreeMap<Key, Object>,
    pub(super) inodes: BTreeMap<Object, Inode>,
}

/// Returns the disk after a cut before the effect `at`.
pub(super) fn disk(effects: &Effects, at: usize, luck: Luck, random: &mut Random) -> Disk {
    let mut disk = Disk {
        names: effects.names.clone(),
        inodes: effects.inodes.clone(),
    };
    let before = &effects.effects[..at];
    let durable = durable(before);
    // Names of which an earlier change was lost.
    let mut lost: BTreeSet<&Key> = BTreeSet::new();
    for (effect, is_durable) in before.iter().zip(durable) {
        match effect {
            Effect::Names(changes)
                if is_durable
                    || luck.keeps(changes.iter().any(|(key, _)| lost.contains(key)), random) =>
            {
                for (key, object) in changes {
                    match object {
                        Some(object) => disk.names.insert(key.clone(), *object),
                        None => disk.names.remove(key),
                    };
                }
            }
            Effect::Names(changes) => lost.extend(changes.iter().map(|(key, _)| key)),
            // No file system forgets a directory before what was in it.
            Effect::RemoveDirectory(key, directory)
                if is_durable
                    || (luck.keeps(lost.contains(key), random) && disk.is_empty(*directory)) =>
            {
                disk.names.remove(key);
            }
            Effect::RemoveDirectory(key, _) => drop(lost.insert(key)),
            Effect::Inode(object, change) => {
                if let Some(inode) = disk.inodes.get_mut(object) {
                    match luck {
                        Luck::Some { percent, .. } if !is_durable => {
                            apply_some(inode, change, percent, random);
                        }
                        _ => inode.apply(change),
                    }
                }
            }
            Effect::Sync(..) | Effect::Begun | Effect::Told => {}
        }
    }
    disk
}

impl Luck {
    /// Tells whether a change of names that nobody waited for is on the disk; `follows` one of the same names that is not.
    fn keeps(self, follows: bool, random: &mut Random) -> bool {
        match self {
            Luck::All => true,
            Luck::Some { percent, order } => {
                random.happens(percent) && !(order == Order::OfNames && follows)
            }
        }
    }
}

impl Disk {
    fn is_empty(&self, directory: Object) -> bool {
        let first = (directory, Vec::new());
        let found = self.names.range(first..).next();
        found.is_none_or(|((above, _), _)| *above != directory)
    }
}

/// Tells of each effect whether somebody waited for it.
fn durable(effects: &[Effect]) -> Vec<bool> {
    let mut everything = false;
    let mut whole: BTreeSet<Object> = BTreeSet::new();
    let mut content: BTreeSet<Object> = BTreeSet::new();
    let mut found = vec![false; effects.len()];
    for (effect, found) in effects.iter().zip(&mut found).rev() {
        *found = everything
            || match effect {
                Effect::Names(changes) => changes.iter().any(|(key, _)| whole.contains(&key.0)),
                Effect::RemoveDirectory((above, _), _) => whole.contains(above),
                Effect::Inode(object, Change::Write { .. } | Change::Truncate(_)) => {
                    whole.contains(object) || content.contains(object)
                }
                Effect::Inode(object, _) => whole.contains(object),
                Effect::Sync(..) | Effect::Begun | Effect::Told => false,
            };
        if let (Effect::RemoveDirectory(_, directory), true) = (effect, *found) {
            whole.insert(*directory);
        }
        if let Effect::Sync(object, what) = effect {
            match what {
                SyncWhat::Filesystem => everything = true,
                SyncWhat::File => drop(whole.insert(*object)),
                SyncWhat::Data => drop(content.insert(*object)),
                SyncWhat::Range => {}
            }
        }
    }
    found
}

/// Changes an inode as a disk does that nobody waited for.
fn apply_some(inode: &mut Inode, change: &Change, percent: u64, random: &mut Random) {
    let Change::Write { offset, bytes } = change else {
        if random.happens(percent) {
            inode.apply(change);
        }
        return;
    };
    if random.happens(percent) {
        return inode.apply(change);
    }
    let Kind::File(content) = &mut inode.kind else {
        return;
    };
    match random.below(4) {
        0 => {}
        1 => {
            let part = random.below(bytes.len() as u64) as usize;
            super::effect::put(content, *offset, &bytes[..part]);
        }
        2 => super::effect::put(content, *offset, &vec![0; bytes.len()]),
        _ => super::effect::put(content, *offset, &random.bytes(bytes.len())),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::{Luck, Order, disk};
    use crate::model::effect::{Change, Effect, Effects, Inode, Kind};
    use crate::random::Random;
    use crate::trace::{Object, SyncWhat};

    const TOP: Object = Object(0);
    const FILE: Object = Object(1);
    const INNER: Object = Object(2);

    fn inode(kind: Kind) -> Inode {
        Inode {
            kind,
            mode: 0o644,
            uid: None,
            gid: None,
            attributes: BTreeMap::new(),
        }
    }

    /// A directory with an empty directory in it, and a file that gets a name and a content.
    fn effects(after: &[Effect]) -> Effects {
        let content = Change::Write {
            offset: 0,
            bytes: b"content".to_vec(),
        };
        let mut effects = vec![
            Effect::Names(vec![((TOP, b"file".to_vec()), Some(FILE))]),
            Effect::Inode(FILE, content),
        ];
        effects.extend_from_slice(after);
        Effects {
            effects,
            names: BTreeMap::from([((TOP, b"inner".to_vec()), INNER)]),
            inodes: BTreeMap::from([
                (TOP, inode(Kind::Directory)),
                (FILE, inode(Kind::File(Vec::new()))),
                (INNER, inode(Kind::Directory)),
            ]),
        }
    }

    /// Returns whether the name and the content are there, in every combination that chance gives.
    fn found(after: &[Effect]) -> BTreeSet<(bool, bool)> {
        let effects = effects(after);
        let luck = Luck::Some {
            percent: 50,
            order: Order::None,
        };
        let one = |seed| {
            let disk = disk(
                &effects,
                effects.effects.len(),
                luck,
                &mut Random::new(seed),
            );
            let content = Kind::File(b"content".to_vec());
            (
                disk.names.contains_key(&(TOP, b"file".to_vec())),
                disk.inodes[&FILE].kind == content,
            )
        };
        (0..200).map(one).collect()
    }

    #[test]
    fn nothing_is_certain_that_nobody_waited_for() {
        assert_eq!(found(&[]).len(), 4);
    }

    #[test]
    fn waiting_for_a_file_a_directory_or_everything_brings_what_it_promises_and_no_more() {
        let wait = |object, what| found(&[Effect::Sync(object, what)]);
        let with_content = BTreeSet::from([(false, true), (true, true)]);
        assert_eq!(wait(FILE, SyncWhat::File), with_content);
        assert_eq!(wait(FILE, SyncWhat::Data), with_content);
        let with_name = BTreeSet::from([(true, false), (true, true)]);
        assert_eq!(wait(TOP, SyncWhat::File), with_name);
        assert_eq!(
            wait(INNER, SyncWhat::Filesystem),
            BTreeSet::from([(true, true)])
        );
        assert_eq!(wait(FILE, SyncWhat::Range).len(), 4);
    }

    #[test]
    fn a_rename_is_on_the_disk_with_both_names_or_with_none() {
        let effects = effects(&[
            Effect::Sync(TOP, SyncWhat::Filesystem),
            Effect::Names(vec![
                ((TOP, b"file".to_vec()), None),
                ((INNER, b"moved".to_vec()), Some(FILE)),
            ]),
        ]);
        let luck = Luck::Some {
            percent: 50,
            order: Order::None,
        };
        for seed in 0..50 {
            let disk = disk(
                &effects,
                effects.effects.len(),
                luck,
                &mut Random::new(seed),
            );
            let is_at =
                |directory, name: &[u8]| disk.names.contains_key(&(directory, name.to_vec()));
            assert_ne!(is_at(TOP, b"file"), is_at(INNER, b"moved"), "seed {seed}");
        }
    }

    #[test]
    fn a_directory_goes_only_after_what_was_in_it() {
        let effects = effects(&[
            Effect::Names(vec![((INNER, b"file".to_vec()), Some(FILE))]),
            Effect::Sync(TOP, SyncWhat::Filesystem),
            Effect::Names(vec![((INNER, b"file".to_vec()), None)]),
            Effect::RemoveDirectory((TOP, b"inner".to_vec()), INNER),
        ]);
        let luck = Luck::Some {
            percent: 50,
            order: Order::None,
        };
        let mut found = BTreeSet::new();
        for seed in 0..100 {
            let disk = disk(
                &effects,
                effects.effects.len(),
                luck,
                &mut Random::new(seed),
            );
            let inner = disk.names.contains_key(&(TOP, b"inner".to_vec()));
            found.insert((inner, disk.is_empty(INNER)));
        }
        assert_eq!(
            found,
            BTreeSet::from([(true, false), (true, true), (false, true)])
        );
    }
}
