//! What becomes of a configuration file: three versions, one answer (threats note, E22).
//!
//! The version that an edited file was made from is the one of the record, unless a newer one waits for an answer
//! ([`Pending`](crate::configuration::Pending)): then the older one, until the administrator has answered, by command
//! or by deleting what was put beside.

use igos_format::{EntryKind, FileEntry, RelPath, Sha256};
use igos_root::Kind;

use super::paths::{PathPlanner, read, was_content};
use super::{EditedConfiguration, PathAction, PathChange, PlanError, Was};
use crate::configuration::{backup_name, new_name};
use crate::database::FileRow;
use crate::layout;

/// The identity of a file's content or a link's target.
pub(super) fn content_of(entry: &FileEntry) -> Option<Content> {
    match &entry.kind {
        EntryKind::Directory => None,
        EntryKind::File { sha256, .. } => Some(Content::File(*sha256)),
        EntryKind::Symlink { target } => Some(Content::Symlink(Sha256::of(target))),
    }
}

/// What a path holds, as far as configuration is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// A regular file with this content.
    File(Sha256),
    /// A symbolic link whose target has this digest.
    Symlink(Sha256),
    /// Anything else: never what a package brought.
    Other,
}

/// What to do with the new version of a configuration file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// Put it in place.
    Place,
    /// It is there already.
    Adopt,
    /// Leave the administrator's alone.
    Keep,
    /// Leave the administrator's alone and put the new one beside it.
    KeepAndPutBeside,
    /// The administrator deleted it: so be it.
    StayDeleted,
}

/// Decides from the version that was recorded, the one on disk and the new one.
pub(super) fn decide(recorded: Option<Content>, disk: Option<Content>, new: Content) -> Decision {
    match (recorded, disk) {
        (None, None) => Decision::Place,
        (Some(_), None) => Decision::StayDeleted,
        (_, Some(disk)) if disk == new => Decision::Adopt,
        (Some(recorded), Some(disk)) if recorded == disk => Decision::Place,
        (Some(recorded), Some(_)) if recorded == new => Decision::Keep,
        (_, Some(_)) => Decision::KeepAndPutBeside,
    }
}

/// What there is to decide about one configuration file.
pub(super) struct Versions<'a> {
    /// Who has the place.
    pub(super) owner: Option<&'a FileRow>,
    /// What the record says.
    pub(super) recorded: Option<Content>,
    /// What is on disk.
    pub(super) disk: Option<Content>,
    /// What comes.
    pub(super) new: Content,
    /// How a file that nobody edited is replaced.
    pub(super) owned: PathChange,
}

impl PathPlanner<'_> {
    /// Returns what becomes of one configuration file, and what of the version beside it.
    ///
    /// `action` is completed with each change; nothing comes of a file that need not be touched.
    pub(super) fn plan_configuration(
        &self,
        action: &PathAction,
        versions: Versions<'_>,
    ) -> Result<Vec<PathAction>, PlanError> {
        let Versions {
            owner,
            recorded,
            disk,
            new,
            owned,
        } = versions;
        let place = &action.place;
        let waiting = self.waiting(place, recorded)?;
        let base = match &waiting {
            Some(waiting) => waiting.base.map(Content::File),
            None => recorded,
        };
        let change = match decide(base, disk, new) {
            Decision::Place if owner.is_none() => PathChange::Create,
            Decision::Place => owned,
            Decision::Adopt => PathChange::Adopt,
            Decision::Keep => PathChange::KeepEdited {
                beside: None,
                base: None,
            },
            Decision::KeepAndPutBeside => self.beside(place, base, disk, new)?,
            Decision::StayDeleted => PathChange::KeepDeleted,
        };
        let puts_beside = matches!(
            change,
            PathChange::KeepEdited {
                beside: Some(_),
                ..
            } | PathChange::Merge { .. }
        );
        let was = disk.map_or(Was::Absent, was_content);
        let mut actions = self.clear_beside(action, waiting, recorded, puts_beside)?;
        actions.push(PathAction {
            change,
            was,
            ..action.clone()
        });
        Ok(actions)
    }

    fn beside(
        &self,
        place: &RelPath,
        base: Option<Content>,
        disk: Option<Content>,
        new: Content,
    ) -> Result<PathChange, PlanError> {
        let base_digest = match base {
            Some(Content::File(digest)) => Some(digest),
            _ => None,
        };
        let beside = new_name(place);
        if let Some(earlier) = self.earlier {
            // What comes back is no news, but where it was waiting for an answer it does again.
            let waiting = earlier.bases.get(place);
            return Ok(PathChange::KeepEdited {
                beside: waiting.and(beside),
                base: waiting.copied().flatten(),
            });
        }
        if let (
            EditedConfiguration::Merge,
            Some(base),
            Some(Content::File(_)),
            Content::File(_),
            Some(beside),
        ) = (self.edited, base_digest, disk, new, &beside)
        {
            let pristine = layout::pristine(&base);
            if self.root.metadata(&pristine).map_err(read)?.is_some() {
                let beside = beside.clone();
                return Ok(PathChange::Merge { base, beside });
            }
        }
        Ok(PathChange::KeepEdited {
            beside,
            base: base_digest,
        })
    }

    /// Returns what becomes of the name beside a configuration file: a version put there before goes, unless it is
    /// replaced; what somebody else made there is moved aside before it would be.
    fn clear_beside(
        &self,
        action: &PathAction,
        waiting: Option<Waiting>,
        recorded: Option<Content>,
        puts_beside: bool,
    ) -> Result<Vec<PathAction>, PlanError> {
        let Some(beside) = new_name(&action.place) else {
            return Ok(Vec::new());
        };
        let found = match &waiting {
            Some(waiting) => Some(waiting.beside),
            None if puts_beside => self.content_at(&beside)?,
            None => None,
        };
        let Some(found) = found else {
            return Ok(Vec::new());
        };
        let change = if waiting.is_some() && Some(found) == recorded {
            if puts_beside {
                return Ok(Vec::new());
            }
            PathChange::Remove
        } else if puts_beside && found != Content::Other {
            let aside = self.free_name(backup_name(&beside))?;
            match aside {
                Some(beside) => PathChange::MoveAside { beside },
                None => return Ok(Vec::new()),
            }
        } else {
            return Ok(Vec::new());
        };
        Ok(vec![PathAction {
            path: beside.clone(),
            place: beside,
            package: action.package.clone(),
            kind: Kind::File,
            change,
            was: was_content(found),
        }])
    }

    /// Returns what waits for an answer at a place; nothing once the version beside it is gone.
    pub(super) fn waiting(
        &self,
        place: &RelPath,
        recorded: Option<Content>,
    ) -> Result<Option<Waiting>, PlanError> {
        let Some(base) = self.pending.bases.get(place) else {
            return Ok(None);
        };
        let Some(name) = new_name(place) else {
            return Ok(None);
        };
        let beside = self.content_at(&name)?;
        Ok(beside.filter(|_| recorded.is_some()).map(|beside| Waiting {
            base: *base,
            beside,
        }))
    }

    pub(super) fn content_at(&self, place: &RelPath) -> Result<Option<Content>, PlanError> {
        match self.root.metadata(place).map_err(read)? {
            None => Ok(None),
            Some(found) => self.content_on_disk(place, found.kind).map(Some),
        }
    }

    /// Returns the first of `NAME`, `NAME-2`, … that nothing has.
    pub(super) fn free_name(&self, name: Option<RelPath>) -> Result<Option<RelPath>, PlanError> {
        crate::configuration::free_name(self.root, name).map_err(read)
    }
}

/// A new version that waits for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Waiting {
    /// The version that the edited file was made from.
    pub(super) base: Option<Sha256>,
    /// What lies beside it.
    pub(super) beside: Content,
}

#[cfg(test)]
mod tests {
    use igos_format::Sha256;

    use super::{Content, Decision, decide};

    #[test]
    fn three_versions_of_a_configuration_file_have_one_answer() {
        let [a, b, c] = [b"a", b"b", b"c"].map(|text| Content::File(Sha256::of(text)));
        let link = Content::Symlink(Sha256::of(b"a"));
        for (recorded, disk, new, expected) in [
            (None, None, a, Decision::Place),
            (None, Some(a), a, Decision::Adopt),
            (None, Some(b), a, Decision::KeepAndPutBeside),
            (Some(a), None, b, Decision::StayDeleted),
            (Some(a), None, a, Decision::StayDeleted),
            (Some(a), Some(a), b, Decision::Place),
            (Some(a), Some(a), a, Decision::Adopt),
            (Some(a), Some(b), b, Decision::Adopt),
            (Some(a), Some(b), a, Decision::Keep),
            (Some(a), Some(b), c, Decision::KeepAndPutBeside),
            (Some(a), Some(link), b, Decision::KeepAndPutBeside),
            (Some(a), Some(link), a, Decision::Keep),
            (Some(a), Some(Content::Other), b, Decision::KeepAndPutBeside),
        ] {
            assert_eq!(
                decide(recorded, disk, new),
                expected,
                "{recorded:?} {disk:?} {new:?}"
            );
        }
    }
}
