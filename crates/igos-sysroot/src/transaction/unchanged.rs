//! Paths that are in place as they will be: they get no new inode.
//!
//! This is safe because nothing is believed: the file is opened through directories alone, hashed, and its owner,
//! mode, time and attributes are compared, as verification does it. Whoever could change it between then and the end
//! of the transaction could as well change it afterwards. Configuration files are never passed over, nor are hard
//! links, whose group has to be one inode.

use std::collections::BTreeSet;

use igos_format::manifest::Manifest;
use igos_format::{EntryKind, FileEntry, RelPath};
use igos_root::Kind;

use super::contents::Contents;
use super::stage::{Stager, modified_of};
use super::unpack::WantedPaths;
use crate::verify::{Expected, compare, observe};

impl Stager<'_> {
    /// Takes out of `wanted` what is in place as it will be, and returns it.
    pub(super) fn take_unchanged(
        &self,
        manifest: &Manifest,
        wanted: &mut WantedPaths,
        contents: &Contents<'_>,
    ) -> BTreeSet<RelPath> {
        let modified = modified_of(manifest.source_date_epoch);
        let mut unchanged = BTreeSet::new();
        for path in std::mem::take(&mut wanted.replaced) {
            let entries = &manifest.entries;
            let Ok(at) = entries.binary_search_by(|entry| entry.path.cmp(&path)) else {
                continue;
            };
            let Some(place) = wanted.places.get(&path) else {
                continue;
            };
            if self.is_in_place(place, &entries[at], modified, contents) {
                wanted.places.remove(&path);
                unchanged.insert(path);
            }
        }
        unchanged
    }

    fn is_in_place(
        &self,
        place: &RelPath,
        entry: &FileEntry,
        modified: i64,
        contents: &Contents<'_>,
    ) -> bool {
        let kind = match entry.kind {
            EntryKind::File {
                link_group: None, ..
            } if !entry.is_configuration => Kind::File,
            EntryKind::Symlink { .. } if !entry.is_configuration => Kind::Symlink,
            _ => return false,
        };
        // What is quickly seen is looked at first.
        let found = match contents.root.metadata(place) {
            Ok(Some(found)) => found,
            Ok(None) | Err(_) => return false,
        };
        if (found.kind, found.links, found.modified) != (kind, 1, modified) {
            return false;
        }
        let expected = Expected {
            entry,
            ownership: self.ownership,
            numbers: self.owners.numbers(&entry.owner),
        };
        observe(contents.root, place, entry)
            .is_ok_and(|observed| compare(&expected, &observed).is_empty())
    }
}
