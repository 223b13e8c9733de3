//! Where the paths of a package are in a root.

use std::collections::{BTreeSet, HashSet};

use igos_format::manifest::Manifest;
use igos_format::{EntryKind, FileEntry, RelPath};
use igos_root::FollowedLinks;

use crate::alternatives::Declared;
use crate::{Exclusions, layout};

/// Returns where an entry of a manifest is: its path with the links of merged directories followed.
///
/// A file that its package declares as an alternative for its own path (`alternative P P PRIORITY`) makes room for
/// the link that may lead to another package's.
pub(crate) fn place_of(manifest: &Manifest, entry: &FileEntry, links: &FollowedLinks) -> RelPath {
    if entry.kind == EntryKind::Directory {
        return links.directory_place(&entry.path);
    }
    let served = serves_itself(manifest, entry)
        .then(|| layout::served(&manifest.package.name, &entry.path).ok())
        .flatten();
    match served {
        Some(served) => links.place(&served),
        None => links.place(&entry.path),
    }
}

/// Tells whether an entry is declared as an alternative for its own path; configuration files stay where they are.
fn serves_itself(manifest: &Manifest, entry: &FileEntry) -> bool {
    !entry.is_configuration
        && manifest
            .alternatives
            .iter()
            .any(|declared| declared.path == entry.path && declared.target == entry.path)
}

/// Returns where the target of an alternative is: the entry of the manifest that it names, in its place; `None` if
/// the package has no such file or link.
pub(crate) fn target_place(
    manifest: &Manifest,
    target: &RelPath,
    links: &FollowedLinks,
) -> Option<RelPath> {
    let at = manifest
        .entries
        .binary_search_by(|entry| entry.path.cmp(target))
        .ok()?;
    let entry = &manifest.entries[at];
    (entry.kind != EntryKind::Directory).then(|| place_of(manifest, entry, links))
}

/// Returns the places of directories that a package needs and does not declare: those on the way to its paths and to
/// the links it offers to serve.
pub(crate) fn implied_directories(
    manifest: &Manifest,
    exclusions: &Exclusions,
    links: &FollowedLinks,
) -> BTreeSet<RelPath> {
    let mut declared = HashSet::new();
    let mut implied = BTreeSet::new();
    let mut imply = |place: &RelPath, declared: &HashSet<RelPath>| {
        for directory in std::iter::successors(place.parent(), RelPath::parent) {
            if declared.contains(&directory) || !implied.insert(directory) {
                // Its own parents were seen when it was.
                break;
            }
        }
    };
    let entries = manifest.entries.iter();
    for entry in entries.filter(|entry| !exclusions.leaves_out(entry)) {
        let place = place_of(manifest, entry, links);
        if entry.kind == EntryKind::Directory {
            declared.insert(place.clone());
        }
        imply(&place, &declared);
    }
    for offer in Declared::all_of(manifest, exclusions, links) {
        imply(&links.place(&offer.path), &declared);
    }
    implied.retain(|directory| !declared.contains(directory));
    implied
}
