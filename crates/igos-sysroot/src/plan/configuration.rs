//! What becomes of a configuration file: three versions, one answer (threats note, E22).

use igos_format::{EntryKind, FileEntry, Sha256};

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
