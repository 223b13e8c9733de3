//! Deleting a tree of our own, whatever an archive or a build made of it (threats note, P7).

use std::io;
use std::os::fd::{AsFd, AsRawFd};

use rustix::fs::Mode;

use crate::{Directory, Kind, Metadata, set_mode};

struct Frame {
    name: Vec<u8>,
    device: u64,
    inode: u64,
    pending: Vec<Vec<u8>>,
}

/// Deletes `name` below `parent` and everything below it; nothing there is nothing to do.
///
/// Iterative, with one directory open at a time; directories without permissions are opened up first. Nothing
/// mounted inside is entered.
///
/// # Errors
///
/// Returns the kernel's answer, `CrossesDevices` for something mounted inside, and that directories were moved
/// while they were emptied.
pub fn delete_tree(parent: &Directory, name: &[u8]) -> io::Result<()> {
    let Some(found) = parent.metadata_if_present(name)? else {
        return Ok(());
    };
    if found.kind != Kind::Directory {
        return parent.delete(name);
    }
    let mount = parent.own_metadata()?.mount;
    let (frame, mut current) = enter(parent, name, found, mount)?;
    let mut frames = vec![frame];
    while let Some(frame) = frames.last_mut() {
        if let Some(name) = frame.pending.pop() {
            let found = current.metadata(&name)?;
            if found.kind == Kind::Directory {
                let (frame, child) = enter(&current, &name, found, mount)?;
                frames.push(frame);
                current = child;
            } else {
                current.delete(&name)?;
            }
            continue;
        }
        let name = std::mem::take(&mut frame.name);
        frames.pop();
        match frames.last() {
            Some(above) => {
                current = current.open_parent(above.device, above.inode)?;
                current.delete_directory(&name)?;
            }
            None => parent.delete_directory(&name)?,
        }
    }
    Ok(())
}

fn enter(
    parent: &Directory,
    name: &[u8],
    found: Metadata,
    mount: u64,
) -> io::Result<(Frame, Directory)> {
    if found.mount != mount || found.is_mount_point {
        return Err(io::Error::new(
            io::ErrorKind::CrossesDevices,
            "something is mounted inside the tree",
        ));
    }
    if found.mode & 0o700 != 0o700 {
        open_up(parent, name, found)?;
    }
    let directory = parent.open_directory(name)?;
    let pending = directory
        .entries()?
        .into_iter()
        .map(|entry| entry.name)
        .collect();
    let frame = Frame {
        name: name.to_vec(),
        device: found.device,
        inode: found.inode,
        pending,
    };
    Ok((frame, directory))
}

/// Gives the owner of a directory all permissions on it.
fn open_up(parent: &Directory, name: &[u8], found: Metadata) -> io::Result<()> {
    if let Ok(directory) = parent.open_directory(name) {
        return set_mode(&directory, 0o700);
    }
    // A directory nobody may read opens only as O_PATH, and fchmod refuses such a descriptor before fchmodat2
    // of Linux 6.6. The link in /proc leads to exactly the inode we hold, whatever its name leads to by now.
    let handle = parent.open_handle(name)?;
    let held = crate::metadata::metadata_at(handle.as_fd(), b"")?;
    if held.inode != found.inode || held.kind != Kind::Directory {
        return Err(io::Error::other(
            "a directory was moved while it was emptied",
        ));
    }
    let link = format!("/proc/self/fd/{}", handle.as_raw_fd());
    Ok(rustix::fs::chmod(link, Mode::RWXU)?)
}
