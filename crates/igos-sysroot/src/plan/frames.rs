//! Which parts of an archive a plan needs: those with a content that the root does not have.

use std::collections::BTreeSet;

use igos_format::archive::Head;
use igos_format::{EntryKind, RelPath};
use igos_root::Kind;

use super::ground::database;
use super::{Change, ChangeAction, Plan, PlanError};
use crate::Sysroot;

impl Sysroot {
    /// Returns the numbers of the payload frames that have to be fetched to carry out a change of `plan`; `head` is
    /// the head of its archive.
    ///
    /// By the record: whether the files of the root still have their contents is seen when they are copied. Where
    /// they do not, [`crate::ApplyError::ContentGone`] says so, nothing has changed, and the whole archive is needed.
    ///
    /// # Errors
    ///
    /// Returns why the database or the root cannot be read.
    pub fn frames_needed(
        &self,
        plan: &Plan,
        change: &Change,
        head: &Head,
    ) -> Result<BTreeSet<usize>, PlanError> {
        let name = &change.package.name;
        let pristine = plan.pristine.iter();
        let pristine = pristine
            .filter(|file| file.package == *name)
            .map(|file| &file.path);
        let paths = plan
            .paths
            .iter()
            .filter(|action| action.package == *name && action.kind == Kind::File)
            .filter(|action| action.change.takes_content())
            .map(|action| &action.path);
        let mut frames = BTreeSet::new();
        for path in pristine.chain(paths).collect::<BTreeSet<&RelPath>>() {
            let Some((entry, frame)) = head.locate(path) else {
                continue;
            };
            if frames.contains(&frame) {
                continue;
            }
            let EntryKind::File { sha256, size, .. } = head.manifest().entries[entry].kind else {
                continue;
            };
            let is_here = match change.action {
                // What is repaired is not what its record says.
                ChangeAction::Repair => self.is_content_here(&sha256).map_err(database)?,
                _ => self.has_content_at_hand(&sha256)?,
            };
            if size > 0 && !is_here {
                frames.insert(frame);
            }
        }
        Ok(frames)
    }
}
