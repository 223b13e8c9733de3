//! Digests: SHA-256 for everything of ours, BLAKE3 for sources of KISS recipes.

use std::fmt;
use std::io::{self, Write};
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::Digest as _;

/// A SHA-256 value (FIPS 180-4), written as 64 lowercase hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sha256([u8; 32]);

/// The first 33 bytes of BLAKE3's extended output, as KISS recipes give it: 66 lowercase hexadecimal digits.
///
/// KISS takes one byte more than usual so that the length of a line tells it from SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Blake3([u8; 33]);

/// What a recipe pins a source with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Digest {
    /// SHA-256.
    Sha256(Sha256),
    /// BLAKE3 extended to 33 bytes.
    Blake3(Blake3),
}

/// A text is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// The number of characters is wrong.
    #[error("a digest of {length} characters; {expected}")]
    Length {
        /// Characters found.
        length: usize,
        /// What would be right.
        expected: &'static str,
    },
    /// A character is not a lowercase hexadecimal digit.
    #[error("a digest has {character:?}; only 0-9 and a-f are allowed")]
    Character {
        /// The character.
        character: char,
    },
}

pub(crate) fn parse_hex<const N: usize>(
    text: &str,
    expected: &'static str,
) -> Result<[u8; N], DigestError> {
    if let Some(character) = text.chars().find(|c| !matches!(c, '0'..='9' | 'a'..='f')) {
        return Err(DigestError::Character { character });
    }
    if text.len() != 2 * N {
        return Err(DigestError::Length {
            length: text.len(),
            expected,
        });
    }
    let value = |digit: u8| {
        if digit <= b'9' {
            digit - b'0'
        } else {
            digit - b'a' + 10
        }
    };
    let digits = text.as_bytes();
    Ok(std::array::from_fn(|at| {
        value(digits[2 * at]) << 4 | value(digits[2 * at + 1])
    }))
}

pub(crate) fn write_hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

impl Sha256 {
    /// Returns the digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Sha256(sha2::Sha256::digest(bytes).into())
    }

    /// Returns the digest of everything that can be read from `file`.
    ///
    /// # Errors
    ///
    /// Passes on what reading returns.
    pub fn read(mut file: impl io::Read) -> io::Result<Self> {
        let mut hasher = Hasher::new();
        io::copy(&mut file, &mut hasher)?;
        Ok(hasher.sha256())
    }

    /// Returns the digest whose value is `bytes`.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Sha256(bytes)
    }

    /// Returns the value.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Blake3 {
    /// Returns the digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(bytes);
        Self::finish(&hasher)
    }

    fn finish(hasher: &blake3::Hasher) -> Self {
        let mut value = [0; 33];
        hasher.finalize_xof().fill(&mut value);
        Blake3(value)
    }
}

impl Digest {
    /// Returns the name of the algorithm as JSON and messages write it: `sha256` or `blake3`.
    #[must_use]
    pub fn algorithm(&self) -> &'static str {
        match self {
            Digest::Sha256(_) => "sha256",
            Digest::Blake3(_) => "blake3",
        }
    }

    /// Tells whether all digits are zero, as where a digest is still to come: no content has such a digest.
    #[must_use]
    pub fn is_placeholder(&self) -> bool {
        let bytes = match self {
            Digest::Sha256(digest) => &digest.0[..],
            Digest::Blake3(digest) => &digest.0[..],
        };
        bytes.iter().all(|byte| *byte == 0)
    }
}

/// Computes SHA-256, and BLAKE3 where asked, while bytes pass through.
#[derive(Debug, Clone)]
pub struct Hasher {
    sha256: sha2::Sha256,
    blake3: Option<blake3::Hasher>,
    length: u64,
}

impl Default for Hasher {
    fn default() -> Self {
        Hasher::new()
    }
}

impl Hasher {
    /// Returns a hasher of SHA-256 alone.
    #[must_use]
    pub fn new() -> Self {
        Hasher {
            sha256: sha2::Sha256::new(),
            blake3: None,
            length: 0,
        }
    }

    /// Returns a hasher of both.
    #[must_use]
    pub fn with_blake3() -> Self {
        Hasher {
            blake3: Some(blake3::Hasher::new()),
            ..Hasher::new()
        }
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        if let Some(blake3) = &mut self.blake3 {
            blake3.update(bytes);
        }
        self.length += bytes.len() as u64;
    }

    /// Returns how many bytes were taken.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Returns SHA-256 of all bytes taken so far.
    #[must_use]
    pub fn sha256(&self) -> Sha256 {
        Sha256(self.sha256.clone().finalize().into())
    }

    /// Returns BLAKE3 of all bytes taken so far, if this hasher was made with it.
    #[must_use]
    pub fn blake3(&self) -> Option<Blake3> {
        self.blake3.as_ref().map(Blake3::finish)
    }
}

impl Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

macro_rules! text_form {
    ($name:ident, $expected:literal) => {
        impl FromStr for $name {
            type Err = DigestError;

            fn from_str(text: &str) -> Result<Self, DigestError> {
                parse_hex(text, $expected).map($name)
            }
        }

        impl TryFrom<String> for $name {
            type Error = DigestError;

            fn try_from(text: String) -> Result<Self, DigestError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(digest: $name) -> String {
                digest.to_string()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_hex(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }
    };
}

text_form!(Sha256, "SHA-256 has 64");
text_form!(Blake3, "BLAKE3 of 33 bytes has 66");

impl FromStr for Digest {
    type Err = DigestError;

    /// Tells the two apart by their length.
    fn from_str(text: &str) -> Result<Self, DigestError> {
        match text.len() {
            64 => text.parse().map(Digest::Sha256),
            66 => text.parse().map(Digest::Blake3),
            length => Err(DigestError::Length {
                length,
                expected: "SHA-256 has 64, BLAKE3 of 33 bytes has 66",
            }),
        }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Digest::Sha256(digest) => digest.fmt(f),
            Digest::Blake3(digest) => digest.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Blake3, Digest, DigestError, Hasher, Sha256};

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    const EMPTY_BLAKE3: &str = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262e0";

    #[test]
    fn digest_of_nothing_is_the_published_one() {
        assert_eq!(Sha256::of(b"").to_string(), EMPTY);
        assert_eq!(Blake3::of(b"").to_string(), EMPTY_BLAKE3);
        let hasher = Hasher::with_blake3();
        assert_eq!(hasher.sha256().to_string(), EMPTY);
        assert_eq!(
            hasher.blake3().map(|digest| digest.to_string()).as_deref(),
            Some(EMPTY_BLAKE3)
        );
    }

    #[test]
    fn zeros_alone_are_a_placeholder() {
        for (text, expected) in [
            ("0".repeat(64), true),
            ("0".repeat(66), true),
            (format!("{}1", "0".repeat(65)), false),
            (EMPTY.to_owned(), false),
        ] {
            let digest = text.parse::<Digest>();
            assert_eq!(digest.map(|digest| digest.is_placeholder()), Ok(expected));
        }
    }

    #[test]
    fn digest_text_is_exact() {
        assert_eq!(
            EMPTY.parse::<Sha256>().map(|digest| digest.to_string()),
            Ok(EMPTY.to_owned())
        );
        assert!(matches!(
            EMPTY.to_uppercase().parse::<Sha256>(),
            Err(DigestError::Character { .. })
        ));
        assert!(matches!(
            EMPTY[..63].parse::<Sha256>(),
            Err(DigestError::Length { length: 63, .. })
        ));
        assert!(matches!(
            "".parse::<Sha256>(),
            Err(DigestError::Length { length: 0, .. })
        ));
        assert!(format!(" {EMPTY}").parse::<Digest>().is_err());
        assert_eq!(
            EMPTY_BLAKE3
                .parse::<Digest>()
                .map(|digest| digest.algorithm()),
            Ok("blake3")
        );
    }
}
