//! The one way by which a whole file from a repository becomes one that is used: collected, compared, or refused.
//!
//! What it has to be comes from signed metadata or the index that they name, and never from whoever delivers it.
//! Every copy, every second try and every fall-back ends here.

use std::io;

use igos_format::Sha256;

use crate::fetch::partial::Partial;

/// What signed data say of a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected {
    pub(super) size_bytes: u64,
    pub(super) sha256: Sha256,
}

/// A collected file is not what signed data say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unlike {
    Size { expected: u64, found: u64 },
    Digest { expected: Sha256, actual: Sha256 },
}

/// Lets one copy complete a file that may have been begun, until it is what signed data say.
///
/// `fetch` goes on from what is there; `keep` tells of an error of our own file, `refuse` of
/// bytes that are others.
pub(super) fn complete<E>(
    partial: &mut Partial,
    expected: Expected,
    keep: impl Fn(io::Error) -> E,
    refuse: impl Fn(Unlike) -> E,
    mut fetch: impl FnMut(&mut Partial) -> Result<(), E>,
) -> Result<(), E> {
    loop {
        if partial.length() > expected.size_bytes {
            partial.clear().map_err(&keep)?;
        }
        let is_resumed = partial.length() > 0;
        if partial.length() < expected.size_bytes {
            fetch(partial)?;
        }
        let Some(unlike) = compare(partial, expected).map_err(&keep)? else {
            return Ok(());
        };
        partial.clear().map_err(&keep)?;
        // The first part may have come from another copy or an older run: this one deserves a try of its own.
        if !is_resumed {
            return Err(refuse(unlike));
        }
    }
}

/// Returns what is wrong with a collected file, if anything is.
fn compare(partial: &Partial, expected: Expected) -> io::Result<Option<Unlike>> {
    let (size_bytes, found) = (expected.size_bytes, partial.length());
    if size_bytes != found {
        return Ok(Some(Unlike::Size {
            expected: size_bytes,
            found,
        }));
    }
    let (expected, actual) = (expected.sha256, partial.digest()?);
    Ok((actual != expected).then_some(Unlike::Digest { expected, actual }))
}
