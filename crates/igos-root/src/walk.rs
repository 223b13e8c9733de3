//! Everything below a directory, in order, with one descriptor at a time.

use std::io;

use crate::{Directory, Kind, Metadata};

/// What the walk found.
#[derive(Debug)]
pub struct Visit<'a> {
    /// The path below the directory the walk began at; its bytes are whatever the disk has.
    pub path: &'a [u8],
    /// The last component of it.
    pub name: &'a [u8],
    /// The open directory that holds it.
    pub directory: &'a Directory,
    /// What it is, or why that cannot be told, or why the directory cannot be read.
    pub found: Result<Metadata, io::Error>,
}

/// Whether the walk goes into a directory it found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Descend {
    /// It does; meaningless for anything but a directory.
    Into,
    /// It leaves it out.
    Past,
}

struct Frame {
    device: u64,
    inode: u64,
    pending: Vec<Vec<u8>>,
    path_length: usize,
}

impl Frame {
    fn read(directory: &Directory, path_length: usize) -> io::Result<Frame> {
        let own = directory.own_metadata()?;
        let mut pending: Vec<_> = directory
            .entries()?
            .into_iter()
            .map(|entry| entry.name)
            .collect();
        pending.reverse();
        Ok(Frame {
            device: own.device,
            inode: own.inode,
            pending,
            path_length,
        })
    }
}

/// Visits everything below `top`, each directory before its contents, names in the order of their bytes.
///
/// It is iterative and holds one directory open at a time, so depth costs memory for names alone. What cannot be
/// looked at or read is visited with the error in place of the metadata, and the walk goes on beside it.
///
/// # Errors
///
/// Returns what `visit` returns, that `top` cannot be read, and that directories were moved while the walk was in
/// them.
pub fn walk(
    top: &Directory,
    visit: &mut dyn FnMut(Visit<'_>) -> io::Result<Descend>,
) -> io::Result<()> {
    let mut current = top.try_clone()?;
    let mut path = Vec::new();
    let mut frames = vec![Frame::read(top, 0)?];
    while let Some(frame) = frames.last_mut() {
        let Some(name) = frame.pending.pop() else {
            frames.pop();
            if let Some(parent) = frames.last() {
                current = current.open_parent(parent.device, parent.inode)?;
            }
            continue;
        };
        let (device, inode) = (frame.device, frame.inode);
        path.truncate(frame.path_length);
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(&name);
        let found = current.metadata(&name);
        let is_directory = found
            .as_ref()
            .is_ok_and(|found| found.kind == Kind::Directory);
        let descend = visit(Visit {
            path: &path,
            name: &name,
            directory: &current,
            found,
        })?;
        if !is_directory || descend == Descend::Past {
            continue;
        }
        let entered = current.open_directory(&name).and_then(|child| {
            // Fails here, not on the way back, when the directory may be read but not searched.
            child.open_parent(device, inode)?;
            Ok((Frame::read(&child, path.len())?, child))
        });
        match entered {
            Ok((frame, child)) => {
                frames.push(frame);
                current = child;
            }
            Err(error) => {
                visit(Visit {
                    path: &path,
                    name: &name,
                    directory: &current,
                    found: Err(error),
                })?;
            }
        }
    }
    Ok(())
}
