//! The chain of roots: each is signed by the keys of the one before it and by its own (TUF 1.0, 5.3).

use igos_format::trust::{Metadata, Root, TopRole};

use super::judge::{self, UNSIGNED_SIZE_MAX};
use super::{MetadataSource, RefreshError};
use crate::trust::verify::test_signatures;
use crate::trust::{VerifyError, verify};

/// Most new roots taken at once; those after them follow the next time.
const ROTATIONS_MAX: usize = 256;

/// Reads a root that vouches for itself: only somebody's word says that it is the right one.
pub(crate) fn open_alone(bytes: &[u8]) -> Result<Root, VerifyError> {
    let envelope = igos_format::trust::Envelope::read(bytes, UNSIGNED_SIZE_MAX)?;
    let root = Root::from_json(&envelope.signed)?;
    let authority = root.authority(TopRole::Root);
    Ok(verify::<Root>(envelope, &authority)?.into_value())
}

/// Follows the chain as far as the source has it, and gives each root that was verified to `take`.
pub(super) fn follow(
    from: &Root,
    source: &dyn MetadataSource,
    mut take: impl FnMut(Root, &[u8]) -> Result<(), RefreshError>,
) -> Result<(), RefreshError> {
    let mut current = from.clone();
    for _ in 0..ROTATIONS_MAX {
        let file = format!("{}.root.json", current.version + 1);
        let bytes = match judge::fetch(source, &file, UNSIGNED_SIZE_MAX) {
            Ok(bytes) => bytes,
            Err(RefreshError::Absent { .. }) => return Ok(()),
            Err(error) => return Err(error),
        };
        current = next(&current, &file, &bytes)?;
        take(current.clone(), &bytes)?;
    }
    Ok(())
}

/// Returns the root that follows another one.
fn next(current: &Root, file: &str, bytes: &[u8]) -> Result<Root, RefreshError> {
    let refuse = judge::refuse(file);
    let envelope = judge::read(file, bytes)?;
    test_signatures(&envelope, &current.authority(TopRole::Root)).map_err(&refuse)?;
    let root = Root::from_json(&envelope.signed).map_err(|error| refuse(error.into()))?;
    test_signatures(&envelope, &root.authority(TopRole::Root)).map_err(&refuse)?;
    let expected = current.version + 1;
    if root.version == expected {
        return Ok(root);
    }
    // A root that stands under another number than its own, or the one that is known once more.
    Err(if root.version < expected {
        RefreshError::Rollback {
            file: file.to_owned(),
            trusted: current.version,
            offered: root.version,
        }
    } else {
        RefreshError::MixAndMatch {
            file: file.to_owned(),
            expected,
            actual: root.version,
        }
    })
}
