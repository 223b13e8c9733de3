//! The calls of a run, as plain data: enough to repeat them in a model of a file system.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// A file, directory or link of the watched directories, for the length of one trace.
///
/// An inode number that is used again after its file is gone is another object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Object(pub u32);

/// A name in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The directory.
    pub directory: Object,
    /// One component.
    pub name: Vec<u8>,
}

/// A program's run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trace {
    /// What was there before: the watched directories themselves and all below them, by path. Hard links are several
    /// paths of one object.
    pub before: BTreeMap<PathBuf, Object>,
    /// The file system (device number) of each object.
    pub devices: BTreeMap<Object, u64>,
    /// The inode number of each object; that of one which is gone may be another's too.
    pub inodes: BTreeMap<Object, u64>,
    /// The calls that changed, or tried to change, watched directories, in order.
    pub calls: Vec<Call>,
    /// What was done that the calls do not tell.
    pub warnings: Vec<Warning>,
    /// What the program said, and how many calls it had made by then.
    pub told: Vec<(usize, String)>,
}

/// One system call that changes something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Its place in the run, from 0: the `k` of schedules.
    pub number: usize,
    /// The thread that made it.
    pub thread: i32,
    /// Whether the program made it itself, and not one that it started: a hook of a package may err as it likes.
    pub is_own: bool,
    /// Name of the system call.
    pub call: &'static str,
    /// What it does to the file system.
    pub action: Action,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was done; the kernel's number.
    Done(u64),
    /// It failed with this `errno`, and changed nothing.
    Failed(i32),
    /// The program was killed while it was in it.
    Unknown,
}

/// What a call does.
///
/// Of a failed call the action tells what was asked for, and objects that it would have made are those of the name as
/// it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Makes an object.
    Create {
        /// Where.
        name: Name,
        /// The new object; `None` if the call failed.
        object: Option<Object>,
        /// What it is.
        kind: Created,
        /// The mode it has afterwards.
        mode: u32,
    },
    /// Writes bytes.
    Write {
        /// The file.
        object: Object,
        /// Where they are in the file.
        offset: u64,
        /// The bytes that were written, or that were to be.
        bytes: Vec<u8>,
    },
    /// Sets the length.
    Truncate {
        /// The file.
        object: Object,
        /// Its new length.
        length: u64,
    },
    /// Reserves room, punches holes.
    Allocate {
        /// The file.
        object: Object,
        /// The flags of `fallocate`.
        mode: u32,
        /// Where it begins.
        offset: u64,
        /// How long it is.
        length: u64,
    },
    /// Renames.
    Rename {
        /// Where it was.
        from: Name,
        /// Where it goes.
        to: Name,
        /// What becomes of the object at `to`.
        how: RenameHow,
        /// What is moved.
        object: Option<Object>,
        /// What was at `to`.
        other: Option<Object>,
    },
    /// Gives a file another name.
    Link {
        /// The file.
        object: Object,
        /// The new name.
        to: Name,
    },
    /// Takes away a name of something that is not a directory.
    Unlink {
        /// The name.
        name: Name,
        /// What had it.
        object: Option<Object>,
    },
    /// Deletes an empty directory.
    RemoveDirectory {
        /// Its name.
        name: Name,
        /// The directory.
        object: Option<Object>,
    },
    /// Sets the mode.
    SetMode {
        /// Of what.
        object: Object,
        /// The mode.
        mode: u32,
    },
    /// Sets owner and group; `u32::MAX` leaves one as it is.
    SetOwner {
        /// Of what.
        object: Object,
        /// The user.
        uid: u32,
        /// The group.
        gid: u32,
    },
    /// Sets times.
    SetTimes {
        /// Of what.
        object: Object,
    },
    /// Sets an extended attribute.
    SetAttribute {
        /// Of what.
        object: Object,
        /// Its name.
        name: Vec<u8>,
        /// Its value.
        value: Vec<u8>,
    },
    /// Takes an extended attribute away.
    RemoveAttribute {
        /// Of what.
        object: Object,
        /// Its name.
        name: Vec<u8>,
    },
    /// Sets flags of the inode (`FS_IOC_SETFLAGS`).
    SetFlags {
        /// Of what.
        object: Object,
    },
    /// Waits for the disk.
    Sync {
        /// The file or directory; for a whole file system, one of its objects.
        object: Object,
        /// What is waited for.
        what: SyncWhat,
    },
    /// Closes a file that was open for writing.
    Close {
        /// The file.
        object: Object,
    },
}

/// What is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Created {
    /// An empty regular file.
    File,
    /// An empty directory.
    Directory,
    /// A symbolic link.
    Symlink {
        /// Where it points.
        target: Vec<u8>,
    },
    /// A device, a pipe or a socket.
    Special,
}

/// What a rename does with the object at the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RenameHow {
    /// It is replaced.
    Replace,
    /// Nothing may be there.
    New,
    /// It takes the place of what is moved.
    Exchange,
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SyncWhat {
    /// `fsync`: content, length, attributes; of a directory its entries.
    File,
    /// `fdatasync`: content and length.
    Data,
    /// `syncfs`, `sync`: everything on the file system.
    Filesystem,
    /// `sync_file_range`: promises nothing.
    Range,
}

/// What the calls do not tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// A watched file was mapped so that it can be written without calls.
    MappedShared(Object),
    /// A call that this machine does not understand was made where it matters.
    NotUnderstood {
        /// Its number.
        call: u64,
        /// Why it is not understood.
        why: &'static str,
    },
}
