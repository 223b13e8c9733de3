//! The header: which file it is, of which format, and what its directory must be.

use super::{IndexKind, Part, ReadIndexError};
use crate::Sha256;

/// The newest version of the format this program writes and reads.
pub const FORMAT: u32 = 2;

/// Longest directory, stored or as text, in bytes; tested before allocating.
pub(super) const DIRECTORY_MAX_BYTES: usize = 32 * 1024 * 1024;

/// Longest header, in bytes.
pub(super) const HEADER_MAX_BYTES: usize = 256;

/// Magic number of a skippable frame (RFC 8878, 3.1.2), which holds the header, so that `zstd` shows the rest.
const SKIPPABLE: [u8; 4] = [0x50, 0x2a, 0x4d, 0x18];

/// The first bytes of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: IndexKind,
    /// Length of the directory as stored.
    pub(super) stored: usize,
    /// Length of the directory's text.
    pub(super) length: usize,
    /// Digest of the directory as stored.
    pub(super) sha256: Sha256,
}

impl Header {
    pub(super) fn to_bytes(self) -> Vec<u8> {
        let text = format!(
            "{} {FORMAT} {FORMAT}\ndirectory {} {} {}\n",
            self.kind, self.stored, self.length, self.sha256
        );
        let mut bytes = SKIPPABLE.to_vec();
        bytes.extend((text.len() as u32).to_le_bytes());
        bytes.extend(text.as_bytes());
        bytes
    }

    /// Reads the header that `bytes`, of which a file may have more, begin with; returns its length too.
    pub(super) fn from_bytes(
        expected: IndexKind,
        bytes: &[u8],
    ) -> Result<(Self, usize), ReadIndexError> {
        let text = Self::text(bytes).ok_or(ReadIndexError::NotAnIndex)?;
        let mut fields = text.split([' ', '\n']);
        let kind = fields
            .next()
            .and_then(|word| {
                IndexKind::ALL
                    .into_iter()
                    .find(|kind| kind.as_str() == word)
            })
            .ok_or(ReadIndexError::NotAnIndex)?;
        let mut number = || fields.next()?.parse::<u32>().ok();
        let (Some(version), Some(needed)) = (number(), number()) else {
            return Err(ReadIndexError::NotAnIndex);
        };
        // Of a newer format we know no text, whatever it asks for.
        if version > FORMAT || needed > FORMAT {
            return Err(ReadIndexError::NewerFormat {
                needed: needed.max(FORMAT + 1),
                known: FORMAT,
            });
        }
        if version < FORMAT {
            return Err(ReadIndexError::OlderFormat {
                found: version,
                known: FORMAT,
            });
        }
        if kind != expected {
            return Err(ReadIndexError::Kind {
                expected,
                found: kind,
            });
        }
        let mut header = || {
            (fields.next()? == "directory").then_some(())?;
            Some(Header {
                kind,
                stored: fields.next()?.parse().ok()?,
                length: fields.next()?.parse().ok()?,
                sha256: fields.next()?.parse().ok()?,
            })
        };
        let header = header().ok_or(ReadIndexError::Header)?;
        let canonical = header.to_bytes();
        if !bytes.starts_with(&canonical) || text.len() + 8 != canonical.len() {
            return Err(ReadIndexError::Header);
        }
        if header.stored > DIRECTORY_MAX_BYTES || header.length > DIRECTORY_MAX_BYTES {
            return Err(ReadIndexError::TooLong {
                part: Part::Directory,
                length: header.stored.max(header.length),
                limit: DIRECTORY_MAX_BYTES,
            });
        }
        Ok((header, canonical.len()))
    }

    fn text(bytes: &[u8]) -> Option<&str> {
        let (length, rest) = bytes.strip_prefix(&SKIPPABLE)?.split_first_chunk()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        std::str::from_utf8(rest.get(..length)?).ok()
    }
}
