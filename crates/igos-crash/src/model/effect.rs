//! What the calls of a trace do to a disk, one effect after another.

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::{io, iter};

use fs_err as fs;

use crate::trace::{Action, Created, Name, Object, Outcome, RenameHow, SyncWhat, Trace};

/// Permission bits of a mode.
const PERMISSIONS: u32 = 0o7777;

/// A file, directory or link as it is on a disk.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Inode {
    pub(super) kind: Kind,
    pub(super) mode: u32,
    /// User and group; `None` is whoever runs this.
    pub(super) uid: Option<u32>,
    pub(super) gid: Option<u32>,
    pub(super) attributes: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// What an inode is, and what is in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    File(Vec<u8>),
    Directory,
    Symlink(Vec<u8>),
}

/// A change of one inode.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Write { offset: u64, bytes: Vec<u8> },
    Truncate(u64),
    Mode(u32),
    Owner(u32, u32),
    Attribute(Vec<u8>, Option<Vec<u8>>),
}

/// A name in a directory.
pub(super) type Key = (Object, Vec<u8>);

/// One thing that is on the disk entirely, or not, or for a change of content in part.
#[derive(Debug, Clone)]
pub(super) enum Effect {
    /// Names get, or lose, what they mean, all at once.
    Names(Vec<(Key, Option<Object>)>),
    /// An empty directory loses its name.
    RemoveDirectory(Key, Object),
    /// An inode changes.
    Inode(Object, Change),
    /// Somebody waits for the disk.
    Sync(Object, SyncWhat),
    /// A remark: an operation begins, or somebody was told that it is done.
    Begun,
    /// See [`Effect::Begun`].
    Told,
}

/// A trace as effects.
#[derive(Debug, Clone, Default)]
pub(super) struct Effects {
    /// In order.
    pub(super) effects: Vec<Effect>,
    /// All names before.
    pub(super) names: BTreeMap<Key, Object>,
    /// Every inode as it was before, or as it was made.
    pub(super) inodes: BTreeMap<Object, Inode>,
}

/// What was in the watched directories before a trace.
#[derive(Debug, Default)]
pub(super) struct Before(BTreeMap<std::path::PathBuf, Inode>);

impl Before {
    /// Reads everything below a directory.
    pub(super) fn read(directory: &Path) -> io::Result<Self> {
        let mut before = Before::default();
        before.add(directory)?;
        Ok(before)
    }

    /// Reads everything below another.
    pub(super) fn add(&mut self, directory: &Path) -> io::Result<()> {
        self.walk(directory)
    }

    fn walk(&mut self, path: &Path) -> io::Result<()> {
        let found = fs::symlink_metadata(path)?;
        let kind = if found.is_dir() {
            Kind::Directory
        } else if found.is_symlink() {
            use std::os::unix::ffi::OsStringExt;
            Kind::Symlink(fs::read_link(path)?.into_os_string().into_vec())
        } else {
            Kind::File(fs::read(path)?)
        };
        let inode = Inode {
            kind,
            mode: found.permissions().mode() & PERMISSIONS,
            uid: Some(found.uid()),
            gid: Some(found.gid()),
            attributes: BTreeMap::new(),
        };
        self.0.insert(path.to_owned(), inode);
        if found.is_dir() {
            for entry in fs::read_dir(path)? {
                self.walk(&entry?.path())?;
            }
        }
        Ok(())
    }
}

impl Effects {
    /// Reads a trace; `begun` and `told` are how files that are remarks, made in the directory `marks`, begin.
    pub(super) fn of(before: &Before, trace: &Trace, marks: Object) -> Self {
        let mut effects = Effects::default();
        for (path, object) in &trace.before {
            if let Some(inode) = before.0.get(path) {
                effects.inodes.insert(*object, inode.clone());
            }
            let above = path.parent().and_then(|above| trace.before.get(above));
            if let (Some(above), Some(name)) = (above, path.file_name()) {
                let name = name.as_encoded_bytes().to_vec();
                effects.names.insert((*above, name), *object);
            }
        }
        let done = |outcome| matches!(outcome, Outcome::Done(_));
        for call in trace.calls.iter().filter(|call| done(call.outcome)) {
            effects.add(&call.action, marks);
        }
        effects
    }

    fn add(&mut self, action: &Action, marks: Object) {
        let key = |name: &Name| (name.directory, name.name.clone());
        let effect = match action {
            Action::Create { name, .. } if name.directory == marks => {
                match name.name.starts_with(b"begun") {
                    true => Effect::Begun,
                    false => Effect::Told,
                }
            }
            Action::Create {
                name,
                object: Some(object),
                kind,
                mode,
            } => {
                if !self.make(*object, kind, *mode) {
                    return;
                }
                Effect::Names(vec![(key(name), Some(*object))])
            }
            Action::Rename {
                from,
                to,
                how,
                object,
                other,
            } => Effect::Names(vec![
                (key(from), other.filter(|_| *how == RenameHow::Exchange)),
                (key(to), *object),
            ]),
            Action::Link { object, to } => Effect::Names(vec![(key(to), Some(*object))]),
            Action::RemoveDirectory {
                name,
                object: Some(object),
            } => Effect::RemoveDirectory(key(name), *object),
            Action::Unlink { name, .. } => Effect::Names(vec![(key(name), None)]),
            Action::Sync { object, what } => Effect::Sync(*object, *what),
            other => match change(other) {
                Some((object, change)) => Effect::Inode(object, change),
                None => return,
            },
        };
        self.effects.push(effect);
    }

    /// Remembers how an inode was made; tells whether it is one that can be made again.
    fn make(&mut self, object: Object, kind: &Created, mode: u32) -> bool {
        let kind = match kind {
            Created::File => Kind::File(Vec::new()),
            Created::Directory => Kind::Directory,
            Created::Symlink { target } => Kind::Symlink(target.clone()),
            Created::Special => return false,
        };
        let inode = Inode {
            kind,
            mode: mode & PERMISSIONS,
            uid: None,
            gid: None,
            attributes: BTreeMap::new(),
        };
        self.inodes.insert(object, inode);
        true
    }
}

/// Returns what an action changes of one inode.
fn change(action: &Action) -> Option<(Object, Change)> {
    Some(match action {
        Action::Write {
            object,
            offset,
            bytes,
        } => {
            let (offset, bytes) = (*offset, bytes.clone());
            (*object, Change::Write { offset, bytes })
        }
        Action::Truncate { object, length } => (*object, Change::Truncate(*length)),
        Action::SetMode { object, mode } => (*object, Change::Mode(mode & PERMISSIONS)),
        Action::SetOwner { object, uid, gid } => (*object, Change::Owner(*uid, *gid)),
        Action::SetAttribute {
            object,
            name,
            value,
        } => (
            *object,
            Change::Attribute(name.clone(), Some(value.clone())),
        ),
        Action::RemoveAttribute { object, name } => {
            (*object, Change::Attribute(name.clone(), None))
        }
        _ => return None,
    })
}

impl Inode {
    /// Changes it.
    pub(super) fn apply(&mut self, change: &Change) {
        match (change, &mut self.kind) {
            (Change::Write { offset, bytes }, Kind::File(content)) => put(content, *offset, bytes),
            (Change::Truncate(length), Kind::File(content)) => content.resize(*length as usize, 0),
            (Change::Write { .. } | Change::Truncate(_), _) => {}
            (Change::Mode(mode), _) => self.mode = *mode,
            (Change::Owner(uid, gid), _) => {
                let given = |number: u32| (number != u32::MAX).then_some(number);
                self.uid = given(*uid).or(self.uid);
                self.gid = given(*gid).or(self.gid);
            }
            (Change::Attribute(name, Some(value)), _) => {
                self.attributes.insert(name.clone(), value.clone());
            }
            (Change::Attribute(name, None), _) => {
                self.attributes.remove(name);
            }
        }
    }
}

/// Writes into a file, which grows.
pub(super) fn put(content: &mut Vec<u8>, offset: u64, bytes: &[u8]) {
    let offset = offset as usize;
    let end = offset + bytes.len();
    if content.len() < end {
        let missing = end - content.len();
        content.extend(iter::repeat_n(0, missing));
    }
    content[offset..end].copy_from_slice(bytes);
}
