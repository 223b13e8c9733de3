//! Where the content of each path is, decided by the manifest alone.

use std::collections::HashMap;

use super::tar::Header;
use crate::manifest::Manifest;
use crate::{Capabilities, EntryKind, FileEntry, Owner, RelPath, Sha256, Xattrs};

/// Uncompressed length at which a frame is full, in bytes.
///
/// The measured compromise: such frames cost two to three parts in a hundred against one frame for all, and
/// make single files, parallel packing and parallel unpacking possible.
const FRAME_BYTES: u64 = 1024 * 1024;

/// Where the content of a path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It has none: a directory or a symbolic link.
    Nothing,
    /// Here.
    Here,
    /// At an earlier path, by its number in the manifest, of which this one is a hard link.
    HardLink(usize),
    /// At an earlier path, by its number in the manifest, that has equal content, mode, owner and attributes but
    /// is a file of its own.
    SameAs(usize),
}

/// What two files have in common that share one stored content.
#[derive(PartialEq, Eq, Hash)]
struct Sharing<'a> {
    sha256: Sha256,
    size: u64,
    mode: u16,
    owner: &'a Owner,
    capabilities: Option<Capabilities>,
    xattrs: &'a Xattrs,
}

/// Returns the place of every entry of `manifest`.
pub(super) fn places(manifest: &Manifest) -> Vec<Place> {
    let mut firsts = Firsts::default();
    (0..)
        .zip(&manifest.entries)
        .map(|(index, entry)| firsts.place(index, entry))
        .collect()
}

/// The first path of every link group and of every content, by its number.
#[derive(Default)]
struct Firsts<'a> {
    groups: HashMap<u32, usize>,
    contents: HashMap<Sharing<'a>, usize>,
}

impl<'a> Firsts<'a> {
    fn place(&mut self, index: usize, entry: &'a FileEntry) -> Place {
        let EntryKind::File {
            sha256,
            size,
            link_group,
        } = entry.kind
        else {
            return Place::Nothing;
        };
        if let Some(group) = link_group {
            let first = *self.groups.entry(group).or_insert(index);
            if first != index {
                return Place::HardLink(first);
            }
        }
        // Whoever extracts with tar makes one file of those that share: harmless, unless it is edited. Empty
        // files have nothing to share.
        if size == 0 || entry.is_configuration {
            return Place::Here;
        }
        let sharing = Sharing {
            sha256,
            size,
            mode: entry.mode,
            owner: &entry.owner,
            capabilities: entry.capabilities,
            xattrs: &entry.xattrs,
        };
        match *self.contents.entry(sharing).or_insert(index) {
            first if first == index => Place::Here,
            first => Place::SameAs(first),
        }
    }
}

/// Returns the tar header of the entry of this number.
pub(super) fn header(manifest: &Manifest, places: &[Place], index: usize) -> Header {
    let link: Option<&RelPath> = match places[index] {
        Place::HardLink(first) | Place::SameAs(first) => Some(&manifest.entries[first].path),
        Place::Nothing | Place::Here => None,
    };
    Header::of_entry(&manifest.entries[index], link, manifest.source_date_epoch)
}

/// A run of entries that become one frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cut {
    pub(super) entries: std::ops::Range<usize>,
    pub(super) uncompressed: u64,
}

/// Cuts the entries into frames; `None` if their lengths are more than a number can say.
pub(super) fn cut(manifest: &Manifest, places: &[Place]) -> Option<Vec<Cut>> {
    let mut cuts: Vec<Cut> = Vec::new();
    for index in 0..places.len() {
        let length = header(manifest, places, index).total()?;
        match cuts.last_mut() {
            Some(last) if last.uncompressed.checked_add(length)? <= FRAME_BYTES => {
                last.uncompressed += length;
                last.entries.end = index + 1;
            }
            _ => cuts.push(Cut {
                entries: index..index + 1,
                uncompressed: length,
            }),
        }
    }
    Some(cuts)
}
