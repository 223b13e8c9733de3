//! The seal: a few lines that everything else in an archive follows from. Its digest names the package exactly,
//! and signatures sign its bytes.

use super::text::{self, Lines};
use super::{FORMAT, Part, ReadArchiveError};
use crate::Sha256;

/// Longest seal, in bytes; tested before allocating. Seals of this format have fewer than 300.
pub(super) const MAX_BYTES: u64 = 4096;

/// Digest and size of one part of an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sealed {
    /// Digest of its bytes.
    pub sha256: Sha256,
    /// Its length in bytes.
    pub size: u64,
}

/// What an archive's other metadata is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seal {
    /// The manifest.
    pub manifest: Sealed,
    /// The provenance.
    pub provenance: Sealed,
    /// The frame table.
    pub frames: Sealed,
}

impl Sealed {
    pub(super) fn of(bytes: &[u8]) -> Self {
        Sealed {
            sha256: Sha256::of(bytes),
            size: bytes.len() as u64,
        }
    }
}

impl Seal {
    /// Returns the bytes that signatures sign.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let row = |sealed: &Sealed| format!("{} {}", sealed.sha256, sealed.size);
        format!(
            "igos-archive {FORMAT} {FORMAT}\nmanifest {}\nprovenance {}\nframes {}\n",
            row(&self.manifest),
            row(&self.provenance),
            row(&self.frames)
        )
        .into_bytes()
    }

    /// Returns the digest of those bytes: the identity of a package.
    #[must_use]
    pub fn digest(&self) -> Sha256 {
        Sha256::of(&self.to_bytes())
    }

    /// Returns the seal that `bytes` are.
    ///
    /// # Errors
    ///
    /// Refuses everything but what [`Seal::to_bytes`] returns.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ReadArchiveError> {
        let mut lines = Lines::new(Part::Seal, "igos-archive", bytes)?;
        let mut row = |key: &str| {
            let fields = lines.next().unwrap_or_default();
            match fields[..] {
                [found, sha256, size] if found == key => sha256
                    .parse()
                    .ok()
                    .zip(size.parse().ok())
                    .map(|(sha256, size)| Sealed { sha256, size }),
                _ => None,
            }
            .ok_or_else(|| lines.refuse())
        };
        let seal = Seal {
            manifest: row("manifest")?,
            provenance: row("provenance")?,
            frames: row("frames")?,
        };
        let text = seal.to_bytes();
        let text = std::str::from_utf8(&text).expect("a seal is ASCII");
        text::compare(Part::Seal, text, bytes)?;
        Ok(seal)
    }
}

#[cfg(test)]
mod tests {
    use super::{Seal, Sealed};
    use crate::archive::{Part, ReadArchiveError};

    #[test]
    fn row_of_another_part_is_refused_where_it_stands() {
        let sealed = Sealed::of(b"content");
        let seal = Seal {
            manifest: sealed,
            provenance: sealed,
            frames: sealed,
        };
        let text = String::from_utf8(seal.to_bytes()).expect("a seal is ASCII");
        assert_eq!(Seal::from_bytes(text.as_bytes()).ok(), Some(seal));
        for (key, line) in [("manifest", 2), ("provenance", 3), ("frames", 4)] {
            // Whatever follows is not looked at.
            let (before, after) = text.split_once(key).expect("it has the row");
            let row = after.lines().next().expect("it has the row");
            let refused = Seal::from_bytes(format!("{before}payload{row}\nx\n").as_bytes());
            assert!(
                matches!(refused, Err(ReadArchiveError::NotCanonical { part: Part::Seal, line: found }) if found == line),
                "{key}: {refused:?}"
            );
        }
    }
}
