//! How the frames of an archive are compressed.

use std::fmt;
use std::str::FromStr;

use crate::PackageId;

/// The compressed form of all frames of an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CompressionFormat {
    /// Zstandard (RFC 8878): each frame is one zstd frame.
    Zstd,
    /// gzip (RFC 1952): each frame is one member.
    Gzip,
    /// xz: each frame is one stream.
    Xz,
}

impl CompressionFormat {
    /// All formats.
    pub const ALL: [CompressionFormat; 3] = [
        CompressionFormat::Zstd,
        CompressionFormat::Gzip,
        CompressionFormat::Xz,
    ];

    /// Returns the word of frame tables and settings: `zstd`, `gzip` or `xz`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            CompressionFormat::Zstd => "zstd",
            CompressionFormat::Gzip => "gzip",
            CompressionFormat::Xz => "xz",
        }
    }

    /// Returns what follows the package in an archive's file name: `.igos.tar.zst`, `.igos.tar.gz` or
    /// `.igos.tar.xz`.
    #[must_use]
    pub fn suffix(self) -> &'static str {
        match self {
            CompressionFormat::Zstd => ".igos.tar.zst",
            CompressionFormat::Gzip => ".igos.tar.gz",
            CompressionFormat::Xz => ".igos.tar.xz",
        }
    }

    /// Returns the customary file name of `package`'s archive. It is never parsed back.
    #[must_use]
    pub fn file_name(self, package: &PackageId) -> String {
        format!("{}{}", package.file_stem(), self.suffix())
    }

    /// Returns the bytes that every frame begins with.
    pub(crate) fn magic(self) -> &'static [u8] {
        match self {
            CompressionFormat::Zstd => &[0x28, 0xb5, 0x2f, 0xfd],
            CompressionFormat::Gzip => &[0x1f, 0x8b, 0x08],
            CompressionFormat::Xz => &[0xfd, b'7', b'z', b'X', b'Z', 0x00],
        }
    }

    fn levels(self) -> std::ops::RangeInclusive<u8> {
        match self {
            // Levels above 19 ("ultra") take windows that readers would have to allow for.
            CompressionFormat::Zstd => 1..=19,
            CompressionFormat::Gzip => 1..=9,
            CompressionFormat::Xz => 0..=9,
        }
    }
}

impl fmt::Display for CompressionFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A compressed form and how hard to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Compression {
    format: CompressionFormat,
    level: u8,
}

/// A text or number does not choose a compression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not a compression such as `zstd`, `zstd:19` (1 to 19), `gzip:6` (1 to 9) or `xz:6` (0 to 9)"
)]
pub struct CompressionError {
    text: String,
}

impl Compression {
    /// Returns this format at this level.
    ///
    /// # Errors
    ///
    /// Refuses a level that the format does not have, and zstd's above 19.
    pub fn new(format: CompressionFormat, level: u8) -> Result<Self, CompressionError> {
        if format.levels().contains(&level) {
            Ok(Compression { format, level })
        } else {
            Err(CompressionError {
                text: format!("{format}:{level}"),
            })
        }
    }

    /// Returns the compressed form.
    #[must_use]
    pub fn format(self) -> CompressionFormat {
        self.format
    }

    /// Returns the level.
    #[must_use]
    pub fn level(self) -> u8 {
        self.level
    }
}

impl Default for Compression {
    /// Returns zstd at level 9.
    fn default() -> Self {
        CompressionFormat::Zstd.into()
    }
}

impl From<CompressionFormat> for Compression {
    /// Returns the format at its default level: 9 for zstd, 6 for gzip and xz.
    fn from(format: CompressionFormat) -> Self {
        let level = match format {
            CompressionFormat::Zstd => 9,
            CompressionFormat::Gzip | CompressionFormat::Xz => 6,
        };
        Compression { format, level }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.format, self.level)
    }
}

impl FromStr for Compression {
    type Err = CompressionError;

    /// Reads `FORMAT` or `FORMAT:LEVEL`.
    fn from_str(text: &str) -> Result<Self, CompressionError> {
        let error = || CompressionError {
            text: text.to_owned(),
        };
        let (format, level) = match text.split_once(':') {
            Some((format, level)) => (format, Some(level.parse().map_err(|_| error())?)),
            None => (text, None),
        };
        let format = CompressionFormat::ALL
            .into_iter()
            .find(|known| known.as_str() == format)
            .ok_or_else(error)?;
        level.map_or(Ok(format.into()), |level| Compression::new(format, level))
    }
}

#[cfg(test)]
mod tests {
    use super::{Compression, CompressionFormat};

    #[test]
    fn compression_text_chooses_format_and_level() {
        for (text, format, level) in [
            ("zstd", CompressionFormat::Zstd, 9),
            ("zstd:19", CompressionFormat::Zstd, 19),
            ("gzip", CompressionFormat::Gzip, 6),
            ("xz:0", CompressionFormat::Xz, 0),
        ] {
            assert_eq!(text.parse(), Compression::new(format, level));
        }
        for text in [
            "", "zstd:20", "zstd:0", "gzip:0", "xz:10", "lzma", "zstd:", "zstd:9:9",
        ] {
            assert!(text.parse::<Compression>().is_err(), "{text}");
        }
    }
}
