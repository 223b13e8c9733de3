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
