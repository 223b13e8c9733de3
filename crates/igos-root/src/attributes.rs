//! Modes, owners, times and extended attributes, through descriptors alone.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::AsFd;

use rustix::fs::{AtFlags, Gid, Mode, Timespec, Timestamps, Uid, XattrFlags};
use rustix::io::Errno;

/// The attribute that file capabilities are in.
const CAPABILITIES: &str = "security.capability";

/// Sets permission, setuid, setgid and sticky bits.
///
/// # Errors
///
/// Returns the kernel's answer.
pub fn set_mode(file: impl AsFd, mode: u16) -> io::Result<()> {
    Ok(rustix::fs::fchmod(
        file,
        Mode::from_raw_mode(u32::from(mode)),
    )?)
}

/// Sets owner and group; works on a symbolic link opened by [`crate::Directory::open_handle`] too.
///
/// The kernel clears setuid and setgid bits and capabilities with it, so the mode is set afterwards.
///
/// # Errors
///
/// Returns the kernel's answer.
pub fn set_owner(file: impl AsFd, uid: u32, gid: u32) -> io::Result<()> {
    Ok(rustix::fs::chownat(
        file,
        c"",
        Some(Uid::from_raw(uid)),
        Some(Gid::from_raw(gid)),
        AtFlags::EMPTY_PATH,
    )?)
}

/// Sets the time of access and of the last change of the content, in seconds since 1970.
///
/// # Errors
///
/// Returns the kernel's answer.
pub fn set_modified(file: impl AsFd, seconds: i64) -> io::Result<()> {
    let time = Timespec {
        tv_sec: seconds,
        tv_nsec: 0,
    };
    Ok(rustix::fs::utimensat(
        file,
        c"",
        &Timestamps {
            last_access: time,
            last_modification: time,
        },
        AtFlags::EMPTY_PATH,
    )?)
}

/// Sets one extended attribute.
///
/// # Errors
///
/// Returns the kernel's answer.
pub fn set_extended_attribute(file: impl AsFd, name: &str, value: &[u8]) -> io::Result<()> {
    Ok(rustix::fs::fsetxattr(
        file,
        name,
        value,
        XattrFlags::empty(),
    )?)
}

/// Takes away setuid and setgid bits and file capabilities: what somebody made a hard link to gives no rights any more.
///
/// # Errors
///
/// Returns the kernel's answer.
pub fn take_rights(file: impl AsFd, mode: u16) -> io::Result<()> {
    let file = file.as_fd();
    set_mode(file, mode & 0o777)?;
    // Who may not change capabilities may not remove those that are not there either.
    if extended_attribute(file, CAPABILITIES)?.is_none() {
        return Ok(());
    }
    match rustix::fs::fremovexattr(file, CAPABILITIES) {
        Ok(()) | Err(Errno::NODATA) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Tells whether a file gives rights to whoever runs it: setuid or setgid bits, or file capabilities.
///
/// # Errors
///
/// Returns the kernel's answer.
pub fn gives_rights(file: impl AsFd, mode: u16) -> io::Result<bool> {
    Ok(mode & 0o6000 != 0 || extended_attribute(file, CAPABILITIES)?.is_some())
}

/// Returns one extended attribute, `None` where it is absent or the file system has none.
///
/// # Errors
///
/// Returns the kernel's answer, where it is not one of these.
pub fn extended_attribute(file: impl AsFd, name: &str) -> io::Result<Option<Vec<u8>>> {
    let file = file.as_fd();
    // Between the two calls the value may grow; the kernel then says so and we ask again.
    loop {
        let mut value = match rustix::fs::fgetxattr_query(file, name) {
            Ok(length) => vec![0; length],
            Err(Errno::NODATA | Errno::OPNOTSUPP) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        match rustix::fs::fgetxattr(file, name, value.as_mut_slice()) {
            Ok(length) => {
                value.truncate(length);
                return Ok(Some(value));
            }
            Err(Errno::RANGE) => {}
            Err(Errno::NODATA) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Returns all extended attributes that the caller may see, except access control lists' and security labels that
/// the kernel makes up; none where the file system has none.
///
/// # Errors
///
/// Returns the kernel's answer.
pub fn extended_attributes(file: impl AsFd) -> io::Result<BTreeMap<String, Vec<u8>>> {
    let file = file.as_fd();
    let names = loop {
        let mut names = match rustix::fs::flistxattr_query(file) {
            Ok(0) | Err(Errno::OPNOTSUPP) => return Ok(BTreeMap::new()),
            Ok(length) => vec![0_u8; length],
            Err(error) => return Err(error.into()),
        };
        match rustix::fs::flistxattr(file, names.as_mut_slice()) {
            Ok(length) => {
                names.truncate(length);
                break names;
            }
            Err(Errno::RANGE) => {}
            Err(error) => return Err(error.into()),
        }
    };
    let mut found = BTreeMap::new();
    for name in names
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
    {
        let name = String::from_utf8_lossy(name).into_owned();
        if let Some(value) = extended_attribute(file, &name)? {
            found.insert(name, value);
        }
    }
    Ok(found)
}
