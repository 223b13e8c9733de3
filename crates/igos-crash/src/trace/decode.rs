//! From the numbers of a system call to what it does.

use std::io;
use std::path::PathBuf;

use nix::libc;
use nix::unistd::Pid;

use super::event::{Action, Created, Name, RenameHow, SyncWhat, Warning};
use super::resolve::{Objects, Target};
use crate::memory;
use crate::registers::Asked;

/// A call that changes something, at its beginning.
#[derive(Debug)]
pub(super) struct Begun {
    pub(super) call: &'static str,
    pub(super) action: Action,
    pub(super) after: After,
}

/// What is to be looked at when a call is done.
#[derive(Debug)]
pub(super) enum After {
    /// Nothing.
    Nothing,
    /// What was made at this path.
    Made(PathBuf),
    /// What the descriptor that is the result is open for.
    Opened,
    /// How many bytes were written.
    Written,
    /// The bytes that the kernel copied into the file itself.
    Copied { descriptor: u64 },
}

/// What a call is to those who watch.
#[derive(Debug)]
pub(super) enum Meaning {
    Begins(Box<Begun>),
    Warns(Warning),
}

/// Says what a call does; `None` if it changes nothing that is watched.
pub(super) fn meaning(objects: &Objects, thread: Pid, asked: Asked) -> io::Result<Option<Meaning>> {
    let decoder = Decoder {
        objects,
        thread,
        arguments: asked.arguments,
    };
    let number = libc::c_long::try_from(asked.number).unwrap_or(-1);
    let begun = match decoder.named(number)? {
        None => decoder.described(number)?,
        found => found,
    };
    if let Some((call, action, after)) = begun {
        return Ok(Some(Meaning::Begins(Box::new(Begun {
            call,
            action,
            after,
        }))));
    }
    Ok(decoder.warning(number).map(Meaning::Warns))
}

type Decoded = io::Result<Option<(&'static str, Action, After)>>;

struct Decoder<'a> {
    objects: &'a Objects,
    thread: Pid,
    arguments: [u64; 6],
}

impl Decoder<'_> {
    /// Calls that are about names.
    fn named(&self, number: libc::c_long) -> Decoded {
        const CWD: u64 = libc::AT_FDCWD as u32 as u64;
        let [a, b, c, d, e, _] = self.arguments;
        match number {
            libc::SYS_open => self.open("open", CWD, a, b, c),
            libc::SYS_creat => {
                let flags = libc::O_CREAT | libc::O_TRUNC | libc::O_WRONLY;
                self.open("creat", CWD, a, flags as u64, b)
            }
            libc::SYS_openat => self.open("openat", a, b, c, d),
            libc::SYS_openat2 => {
                let how = memory::words(self.thread, c, 2)?;
                self.open("openat2", a, b, how[0], how[1])
            }
            libc::SYS_mkdir => self.create("mkdir", CWD, a, Created::Directory, b),
            libc::SYS_mkdirat => self.create("mkdirat", a, b, Created::Directory, c),
            libc::SYS_mknod => self.create("mknod", CWD, a, special(b), b),
            libc::SYS_mknodat => self.create("mknodat", a, b, special(c), c),
            libc::SYS_symlink => self.symlink("symlink", a, CWD, b),
            libc::SYS_symlinkat => self.symlink("symlinkat", a, b, c),
            libc::SYS_rename => self.rename("rename", (CWD, a), (CWD, b), 0),
            libc::SYS_renameat => self.rename("renameat", (a, b), (c, d), 0),
            libc::SYS_renameat2 => self.rename("renameat2", (a, b), (c, d), e),
            libc::SYS_link => self.link("link", (CWD, a), (CWD, b), 0),
            libc::SYS_linkat => self.link("linkat", (a, b), (c, d), e),
            libc::SYS_unlink => self.unlink("unlink", CWD, a, 0),
            libc::SYS_rmdir => self.unlink("rmdir", CWD, a, libc::AT_REMOVEDIR as u64),
            libc::SYS_unlinkat => self.unlink("unlinkat", a, b, c),
            libc::SYS_truncate => {
                let target = self.objects.target(self.thread, CWD, a, true)?;
                let object = self.objects.object(&target);
                Ok(object.map(|object| {
                    let action = Action::Truncate { object, length: b };
                    ("truncate", action, After::Nothing)
                }))
            }
            _ => Ok(None),
        }
    }

    /// Calls that are about objects.
    fn described(&self, number: libc::c_long) -> Decoded {
        const CWD: u64 = libc::AT_FDCWD as u32 as u64;
        let [a, b, c, d, e, _] = self.arguments;
        let nofollow = libc::AT_SYMLINK_NOFOLLOW as u64;
        let object = |directory, name, follow| -> io::Result<_> {
            let target = self.objects.target(self.thread, directory, name, follow)?;
            Ok(self.objects.object(&target))
        };
        let open = |descriptor| self.objects.of_descriptor(self.thread, descriptor);
        let (call, found) = match number {
            libc::SYS_write
            | libc::SYS_pwrite64
            | libc::SYS_writev
            | libc::SYS_pwritev
            | libc::SYS_pwritev2 => return self.write(number),
            libc::SYS_copy_file_range => return self.copied("copy_file_range", c, d),
            libc::SYS_sendfile => return self.copied("sendfile", a, 0),
            libc::SYS_splice => return self.copied("splice", c, d),
            libc::SYS_ioctl => return self.control(),
            libc::SYS_ftruncate => (
                "ftruncate",
                open(a).map(|object| Action::Truncate { object, length: b }),
            ),
            libc::SYS_fallocate => (
                "fallocate",
                open(a).map(|object| Action::Allocate {
                    object,
                    mode: b as u32,
                    offset: c,
                    length: d,
                }),
            ),
            libc::SYS_chmod => ("chmod", object(CWD, a, true)?.map(mode(b))),
            libc::SYS_fchmod => ("fchmod", open(a).map(mode(b))),
            libc::SYS_fchmodat => ("fchmodat", object(a, b, true)?.map(mode(c))),
            libc::SYS_fchmodat2 => ("fchmodat2", object(a, b, d & nofollow == 0)?.map(mode(c))),
            libc::SYS_chown => ("chown", object(CWD, a, true)?.map(owner(b, c))),
            libc::SYS_lchown => ("lchown", object(CWD, a, false)?.map(owner(b, c))),
            libc::SYS_fchown => ("fchown", open(a).map(owner(b, c))),
            libc::SYS_fchownat => (
                "fchownat",
                object(a, b, e & nofollow == 0)?.map(owner(c, d)),
            ),
            libc::SYS_utimensat => {
                let found = object(a, b, d & nofollow == 0)?;
                ("utimensat", found.map(|object| Action::SetTimes { object }))
            }
            libc::SYS_setxattr => ("setxattr", self.attribute(object(CWD, a, true)?)?),
            libc::SYS_lsetxattr => ("lsetxattr", self.attribute(object(CWD, a, false)?)?),
            libc::SYS_fsetxattr => ("fsetxattr", self.attribute(open(a))?),
            libc::SYS_removexattr => ("removexattr", self.removed(object(CWD, a, true)?)?),
            libc::SYS_lremovexattr => ("lremovexattr", self.removed(object(CWD, a, false)?)?),
            libc::SYS_fremovexattr => ("fremovexattr", self.removed(open(a))?),
            libc::SYS_fsync => ("fsync", open(a).map(sync(SyncWhat::File))),
            libc::SYS_fdatasync => ("fdatasync", open(a).map(sync(SyncWhat::Data))),
            libc::SYS_syncfs => ("syncfs", open(a).map(sync(SyncWhat::Filesystem))),
            libc::SYS_sync_file_range => ("sync_file_range", open(a).map(sync(SyncWhat::Range))),
            libc::SYS_close => ("close", self.closed(a)),
            _ => return Ok(None),
        };
        Ok(found.map(|action| (call, action, After::Nothing)))
    }

    fn open(
        &self,
        call: &'static str,
        directory: u64,
        path: u64,
        flags: u64,
        mode: u64,
    ) -> Decoded {
        let has = |flag: libc::c_int| flags & flag as u64 == flag as u64;
        if !has(libc::O_CREAT) && !has(libc::O_TRUNC) {
            return Ok(None);
        }
        let follow = !has(libc::O_NOFOLLOW) && !has(libc::O_EXCL);
        let target = self.objects.target(self.thread, directory, path, follow)?;
        if let Some(object) = self.objects.object(&target) {
            let action = Action::Truncate { object, length: 0 };
            let empties = has(libc::O_TRUNC) && !has(libc::O_EXCL);
            return Ok(empties.then_some((call, action, After::Nothing)));
        }
        let Some(name) = target.name.filter(|_| has(libc::O_CREAT)) else {
            return Ok(None);
        };
        let action = Action::Create {
            name,
            object: None,
            kind: Created::File,
            mode: mode as u32,
        };
        Ok(Some((call, action, After::Opened)))
    }

    fn create(
        &self,
        call: &'static str,
        directory: u64,
        path: u64,
        kind: Created,
        mode: u64,
    ) -> Decoded {
        let Target { name, path, .. } = self.objects.target(self.thread, directory, path, false)?;
        Ok(name.map(|name| {
            let action = Action::Create {
                name,
                object: None,
                kind,
                mode: mode as u32 & 0o7777,
            };
            (call, action, After::Made(path))
        }))
    }

    fn symlink(&self, call: &'static str, target: u64, directory: u64, path: u64) -> Decoded {
        let target = memory::string(self.thread, target)?;
        self.create(call, directory, path, Created::Symlink { target }, 0o777)
    }

    fn name(&self, (directory, path): (u64, u64)) -> io::Result<(Option<Name>, PathBuf)> {
        let target = self.objects.target(self.thread, directory, path, false)?;
        Ok((target.name, target.path))
    }

    fn rename(&self, call: &'static str, from: (u64, u64), to: (u64, u64), flags: u64) -> Decoded {
        let ((from, source), (to, target)) = (self.name(from)?, self.name(to)?);
        let (Some(from), Some(to)) = (from, to) else {
            return Ok(None);
        };
        let how = match flags as u32 {
            flags if flags & libc::RENAME_EXCHANGE != 0 => RenameHow::Exchange,
            flags if flags & libc::RENAME_NOREPLACE != 0 => RenameHow::New,
            _ => RenameHow::Replace,
        };
        let action = Action::Rename {
            from,
            to,
            how,
            object: self.objects.at(&source, false),
            other: self.objects.at(&target, false),
        };
        Ok(Some((call, action, After::Nothing)))
    }

    fn link(&self, call: &'static str, from: (u64, u64), to: (u64, u64), flags: u64) -> Decoded {
        let follow = flags & libc::AT_SYMLINK_FOLLOW as u64 != 0;
        let from = self.objects.target(self.thread, from.0, from.1, follow)?;
        let (to, _) = self.name(to)?;
        let found = self.objects.object(&from).zip(to);
        Ok(found.map(|(object, to)| (call, Action::Link { object, to }, After::Nothing)))
    }

    fn unlink(&self, call: &'static str, directory: u64, path: u64, flags: u64) -> Decoded {
        let (name, path) = self.name((directory, path))?;
        let object = self.objects.at(&path, false);
        Ok(name.map(|name| {
            let action = match flags & libc::AT_REMOVEDIR as u64 {
                0 => Action::Unlink { name, object },
                _ => Action::RemoveDirectory { name, object },
            };
            (call, action, After::Nothing)
        }))
    }

    fn write(&self, number: libc::c_long) -> Decoded {
        let [descriptor, address, length, offset, ..] = self.arguments;
        let Some(object) = self.objects.of_descriptor(self.thread, descriptor) else {
            return Ok(None);
        };
        let (position, flags) = memory::position(self.thread, descriptor)?;
        let (call, is_vector, offset) = match number {
            libc::SYS_write => ("write", false, None),
            libc::SYS_pwrite64 => ("pwrite64", false, Some(offset)),
            libc::SYS_writev => ("writev", true, None),
            libc::SYS_pwritev => ("pwritev", true, Some(offset)),
            _ => ("pwritev2", true, Some(offset).filter(|at| *at != u64::MAX)),
        };
        let offset = match offset {
            Some(offset) => offset,
            None if flags & libc::O_APPEND as u64 != 0 => {
                let path = memory::descriptor(self.thread, descriptor);
                fs_err::metadata(path)?.len()
            }
            None => position,
        };
        let bytes = if is_vector {
            let mut all = Vec::new();
            for pair in memory::words(self.thread, address, length * 2)?.chunks(2) {
                all.extend(memory::bytes(self.thread, pair[0], pair[1])?);
            }
            all
        } else {
            memory::bytes(self.thread, address, length)?
        };
        let action = Action::Write {
            object,
            offset,
            bytes,
        };
        Ok(Some((call, action, After::Written)))
    }

    /// Calls in which the kernel copies: the bytes are read when it has.
    fn copied(&self, call: &'static str, descriptor: u64, offset_at: u64) -> Decoded {
        let Some(object) = self.objects.of_descriptor(self.thread, descriptor) else {
            return Ok(None);
        };
        let offset = match offset_at {
            0 => memory::position(self.thread, descriptor)?.0,
            address => memory::words(self.thread, address, 1)?[0],
        };
        let action = Action::Write {
            object,
            offset,
            bytes: Vec::new(),
        };
        Ok(Some((call, action, After::Copied { descriptor })))
    }

    fn control(&self) -> Decoded {
        /// `FICLONE`, `FICLONERANGE`, `FS_IOC_SETFLAGS`, `FS_IOC_FSSETXATTR` of `linux/fs.h`.
        const CLONE: u64 = 0x4004_9409;
        const CLONE_RANGE: u64 = 0x4020_940d;
        const SET_FLAGS: u64 = 0x4008_6602;
        const SET_XFLAGS: u64 = 0x401c_5820;
        let [descriptor, request, ..] = self.arguments;
        let request = request & u64::from(u32::MAX);
        if ![CLONE, CLONE_RANGE, SET_FLAGS, SET_XFLAGS].contains(&request) {
            return Ok(None);
        }
        let found = self.objects.of_descriptor(self.thread, descriptor);
        Ok(found.map(|object| match request {
            SET_FLAGS | SET_XFLAGS => ("ioctl", Action::SetFlags { object }, After::Nothing),
            _ => (
                "ioctl",
                Action::Write {
                    object,
                    offset: 0,
                    bytes: Vec::new(),
                },
                After::Copied { descriptor },
            ),
        }))
    }

    fn closed(&self, descriptor: u64) -> Option<Action> {
        let object = self.objects.of_descriptor(self.thread, descriptor)?;
        // A descriptor that tells nothing is no open file.
        let (_, flags) = memory::position(self.thread, descriptor).ok()?;
        let is_path = flags & libc::O_PATH as u64 != 0;
        let may_write = flags & libc::O_ACCMODE as u64 != libc::O_RDONLY as u64;
        (may_write && !is_path).then_some(Action::Close { object })
    }

    fn attribute(&self, object: Option<super::Object>) -> io::Result<Option<Action>> {
        let [_, name, value, length, ..] = self.arguments;
        let Some(object) = object else {
            return Ok(None);
        };
        Ok(Some(Action::SetAttribute {
            object,
            name: memory::string(self.thread, name)?,
            value: memory::bytes(self.thread, value, length)?,
        }))
    }

    fn removed(&self, object: Option<super::Object>) -> io::Result<Option<Action>> {
        let Some(object) = object else {
            return Ok(None);
        };
        let name = memory::string(self.thread, self.arguments[1])?;
        Ok(Some(Action::RemoveAttribute { object, name }))
    }

    fn warning(&self, number: libc::c_long) -> Option<Warning> {
        let [_, _, protection, flags, descriptor, _] = self.arguments;
        let not_understood = |why| Warning::NotUnderstood {
            call: number.cast_unsigned(),
            why,
        };
        match number {
            libc::SYS_mmap
                if flags as i32 & libc::MAP_TYPE != libc::MAP_PRIVATE
                    && flags as i32 & libc::MAP_ANONYMOUS == 0
                    && protection as i32 & libc::PROT_WRITE != 0 =>
            {
                let object = self.objects.of_descriptor(self.thread, descriptor)?;
                Some(Warning::MappedShared(object))
            }
            libc::SYS_io_uring_setup => Some(not_understood("calls are made behind our back")),
            libc::SYS_sync => Some(not_understood("it names no file system")),
            _ => None,
        }
    }
}

fn special(mode: u64) -> Created {
    match mode as u32 & libc::S_IFMT {
        0 | libc::S_IFREG => Created::File,
        _ => Created::Special,
    }
}

fn mode(mode: u64) -> impl FnOnce(super::Object) -> Action {
    move |object| Action::SetMode {
        object,
        mode: mode as u32 & 0o7777,
    }
}

fn owner(uid: u64, gid: u64) -> impl FnOnce(super::Object) -> Action {
    move |object| Action::SetOwner {
        object,
        uid: uid as u32,
        gid: gid as u32,
    }
}

fn sync(what: SyncWhat) -> impl FnOnce(super::Object) -> Action {
    move |object| Action::Sync { object, what }
}
