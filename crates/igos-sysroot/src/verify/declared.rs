//! What packages declare beside their manifests, in `tmpfiles.d`: modes, owners and paths of their own that are no drift.

use std::cell::OnceCell;

use igos_format::{EntryKind, RelPath, Sha256};
use igos_root::Metadata;

use super::{Difference, Mismatch};
use crate::hooks::DeclaredAttributes;
use crate::places::place_of;
use crate::verify::compare::Expected;
use crate::{Ownership, Sysroot};

/// The declarations of a root, read when they are first asked for: where nothing differs nobody needs them.
#[derive(Debug)]
pub(super) struct Declarations<'a> {
    sysroot: &'a Sysroot,
    read: OnceCell<Option<DeclaredAttributes>>,
}

impl<'a> Declarations<'a> {
    pub(super) fn of(sysroot: &'a Sysroot) -> Self {
        Declarations {
            sysroot,
            read: OnceCell::new(),
        }
    }

    fn get(&self) -> Option<&DeclaredAttributes> {
        let read = self.read.get_or_init(|| {
            let recorded = |place: &RelPath| self.recorded(place);
            // What cannot be read explains nothing, so that every difference is told.
            DeclaredAttributes::read(self.sysroot, recorded).ok()
        });
        read.as_ref()
    }

    /// Returns the digest that a package records for a file.
    fn recorded(&self, place: &RelPath) -> Option<Sha256> {
        // A database or record that cannot be read vouches for nothing.
        let row = self.sysroot.database.owner(place).ok().flatten()?;
        let record = self.sysroot.record(&row.package).ok()?;
        let links = igos_root::FollowedLinks::read(&self.sysroot.root).ok()?;
        record.entries().find_map(|entry| match entry.kind {
            EntryKind::File { sha256, .. }
                if place_of(&record.manifest, entry, &links) == *place =>
            {
                Some(sha256)
            }
            _ => None,
        })
    }

    /// Tells whether a declaration makes something at a place that no package has.
    pub(super) fn make(&self, place: &RelPath) -> bool {
        self.get()
            .is_some_and(|declared| declared.make(self.sysroot, place))
    }

    /// Leaves out the mode and owner that a declaration asks for.
    pub(super) fn without_declared(
        &self,
        place: &RelPath,
        expected: &Expected<'_>,
        found: Option<&Metadata>,
        mut mismatches: Vec<Mismatch>,
    ) -> Vec<Mismatch> {
        let is_attribute =
            |found: &Mismatch| matches!(found.what, Difference::Mode | Difference::Owner);
        let Some(found) = found.filter(|_| mismatches.iter().any(is_attribute)) else {
            return mismatches;
        };
        let recorded = match expected.ownership {
            Ownership::Applied => expected.numbers,
            Ownership::Recorded => (found.uid, found.gid),
        };
        let mode = expected.ownership.mode_on_disk(expected.entry);
        let is_explained = self.get().is_some_and(|declared| {
            let recorded = (mode, recorded);
            declared.explain(self.sysroot, place, found, recorded, expected.ownership)
        });
        if is_explained {
            mismatches.retain(|found| !is_attribute(found));
        }
        mismatches
    }
}
