//! One file, served through FUSE, that is a disk: the loop device on it makes a flush an `fsync` of the file, and a
//! write that has to be on the medium (FUA) a write and a flush.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use fuser::{
    BackgroundSession, Config, Errno, FileAttr, FileHandle, FileType, Filesystem, Generation,
    INodeNo, LockOwner, MountOption, OpenFlags, ReplyAttr, ReplyData, ReplyEmpty, ReplyEntry,
    ReplyWrite, Request, WriteFlags,
};

use super::log::{Event, Recorder};

/// The name of the file.
const NAME: &str = "disk";
/// Its number.
const DISK: INodeNo = INodeNo(2);
/// How long the kernel may believe attributes: they never change.
const VALID: Duration = Duration::from_secs(3600);

/// A disk that is served until the value is dropped.
#[derive(Debug)]
pub struct Served {
    file: PathBuf,
    _session: BackgroundSession,
}

impl Served {
    /// Serves a disk in an empty directory.
    ///
    /// # Errors
    ///
    /// Returns why it cannot be mounted.
    pub fn mount(recorder: Recorder, directory: &Path) -> io::Result<Self> {
        let mut config = Config::default();
        config.mount_options = vec![MountOption::FSName("igos-crash".to_owned())];
        let session = fuser::spawn_mount(Disk { recorder }, directory, &config)?;
        Ok(Served {
            file: directory.join(NAME),
            _session: session,
        })
    }

    /// Returns the file that is the disk.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }
}

#[derive(Debug)]
struct Disk {
    recorder: Recorder,
}

impl Disk {
    fn attributes(&self, number: INodeNo) -> Option<FileAttr> {
        let (kind, perm, size) = match number {
            INodeNo::ROOT => (FileType::Directory, 0o700, 0),
            DISK => (FileType::RegularFile, 0o600, self.recorder.length()),
            _ => return None,
        };
        Some(FileAttr {
            ino: number,
            size,
            blocks: size / 512,
            atime: UNIX_EPOCH,
            mtime: UNIX_EPOCH,
            ctime: UNIX_EPOCH,
            crtime: UNIX_EPOCH,
            kind,
            perm,
            nlink: 1,
            uid: 0,
            gid: 0,
            rdev: 0,
            blksize: 4096,
            flags: 0,
        })
    }
}

impl Filesystem for Disk {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let found = (parent == INodeNo::ROOT && name == NAME)
            .then(|| self.attributes(DISK))
            .flatten();
        match found {
            Some(found) => reply.entry(&VALID, &found, Generation(0)),
            None => reply.error(Errno::ENOENT),
        }
    }

    fn getattr(&self, _: &Request, number: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match self.attributes(number) {
            Some(found) => reply.attr(&VALID, &found),
            None => reply.error(Errno::ENOENT),
        }
    }

    fn read(
        &self,
        _: &Request,
        _: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        reply.data(&self.recorder.bytes(offset, size as usize));
    }

    fn write(
        &self,
        _: &Request,
        _: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        self.recorder.write(offset, data);
        reply.written(u32::try_from(data.len()).unwrap_or(u32::MAX));
    }

    fn fsync(&self, _: &Request, _: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        self.recorder.add(Event::Flush);
        reply.ok();
    }
}
