//! What can be wrong with an archive.

use std::io;

use igos_report::Explain;

use crate::manifest::{ManifestError, ManifestRuleError};
use crate::{RelPath, Sha256};

/// A part of an archive, for messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The member `.igos/seal`.
    Seal,
    /// The member `.igos/manifest`.
    Manifest,
    /// The member `.igos/provenance.json`.
    Provenance,
    /// The member `.igos/frames`.
    Frames,
    /// The member `.igos/signatures`.
    Signatures,
    /// The first frame.
    Head,
    /// The payload frame of this number, counted from 0.
    Frame(usize),
    /// The last frame.
    Tail,
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Part::Seal => f.write_str("the seal"),
            Part::Manifest => f.write_str("the manifest"),
            Part::Provenance => f.write_str("the provenance"),
            Part::Frames => f.write_str("the frame table"),
            Part::Signatures => f.write_str("the signatures"),
            Part::Head => f.write_str("the head frame"),
            Part::Frame(number) => write!(f, "payload frame {number}"),
            Part::Tail => f.write_str("the tail frame"),
        }
    }
}

/// Bytes are not a provenance.
#[derive(Debug, thiserror::Error)]
pub enum ProvenanceError {
    /// They are not UTF-8.
    #[error("not UTF-8")]
    NotText(#[from] std::str::Utf8Error),
    /// The text is not one JSON object.
    #[error("not a JSON object")]
    NotAnObject(#[from] serde_json::Error),
}

/// An archive cannot be read or is not what it has to be.
#[derive(Debug, thiserror::Error)]
pub enum ReadArchiveError {
    /// The input itself failed.
    #[error("cannot read the archive")]
    Input {
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The input ended early.
    #[error("archive is truncated in {part}")]
    Truncated {
        /// Where it ended.
        part: Part,
    },
    /// The first bytes are of no compressed form that archives have.
    #[error("not an archive: it begins neither as zstd nor as gzip nor as xz")]
    NotAnArchive,
    /// A frame does not begin as the canonical encoder of its compressed form begins.
    #[error("{part} does not begin as a {expected} frame of an archive begins")]
    FrameStart {
        /// The frame.
        part: Part,
        /// The compressed form.
        expected: super::CompressionFormat,
    },
    /// A frame is not valid in its compressed form.
    #[error("{part} cannot be decompressed")]
    Decompress {
        /// The frame.
        part: Part,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A frame has more bytes, stored or decompressed, than it may have.
    #[error("{part} is longer than the {limit} bytes it may have")]
    TooLong {
        /// The part.
        part: Part,
        /// What it may have.
        limit: u64,
    },
    /// A frame has fewer bytes, stored or decompressed, than it must have.
    #[error("{part} ends before it is complete")]
    TooShort {
        /// The part.
        part: Part,
    },
    /// A part was made for a newer program.
    #[error("{part} needs a reader of format {needed}, this program reads {known}")]
    NewerFormat {
        /// The part.
        part: Part,
        /// The format it asks for.
        needed: u32,
        /// The newest this program knows.
        known: u32,
    },
    /// A text part is not in its one canonical form.
    #[error("{part} is not in canonical form at line {line}")]
    NotCanonical {
        /// The part.
        part: Part,
        /// One-based line.
        line: usize,
    },
    /// The header of one of our own members is not the canonical one.
    #[error("{part} does not have the tar header it must have")]
    MemberHeader {
        /// The part.
        part: Part,
    },
    /// A part has another digest than the part that vouches for it says.
    #[error("{part} has digest {actual}, expected {expected}")]
    Digest {
        /// The part.
        part: Part,
        /// What was promised.
        expected: Sha256,
        /// What was found.
        actual: Sha256,
    },
    /// The manifest is refused.
    #[error("the manifest of the archive is refused")]
    Manifest {
        /// Why.
        #[source]
        source: ManifestError,
    },
    /// The provenance is refused.
    #[error("the provenance of the archive is refused")]
    Provenance {
        /// Why.
        #[source]
        source: ProvenanceError,
    },
    /// The frame table and the manifest disagree.
    #[error("row {row} of the frame table does not fit the manifest or the rows before it")]
    FrameRow {
        /// The row, counted from 0; one past the last where rows are missing.
        row: usize,
    },
    /// An entry's tar header is not the one its manifest row determines.
    #[error("the tar header of {path} is not the one the manifest determines")]
    Header {
        /// The path.
        path: RelPath,
    },
    /// A file's content is not what the manifest says.
    #[error("content of {path} has digest {actual}, manifest says {expected}")]
    Content {
        /// The path.
        path: RelPath,
        /// What the manifest says.
        expected: Sha256,
        /// What was found.
        actual: Sha256,
    },
    /// What fills a file's last block, or ends the archive, is not zeros.
    #[error("{part} has padding that is not zeros")]
    Padding {
        /// The frame.
        part: Part,
    },
    /// Bytes follow the end of the archive.
    #[error("bytes follow the end of the archive")]
    TrailingBytes,
    /// Reading went on after an error.
    #[error("the archive was refused before")]
    AfterError,
    /// A frame was asked for that the table does not have.
    #[error("payload frame {frame} does not exist; the archive has {count}")]
    NoSuchFrame {
        /// The frame.
        frame: usize,
        /// How many there are.
        count: usize,
    },
}

impl Explain for ReadArchiveError {
    fn code(&self) -> &'static str {
        match self {
            ReadArchiveError::Input { .. } => "archive-unreadable",
            ReadArchiveError::Truncated { .. } => "archive-truncated",
            ReadArchiveError::NotAnArchive => "archive-unknown-form",
            ReadArchiveError::FrameStart { .. } => "archive-frame-start",
            ReadArchiveError::Decompress { .. } => "archive-frame-damaged",
            ReadArchiveError::TooLong { .. } => "archive-part-too-long",
            ReadArchiveError::TooShort { .. } => "archive-part-too-short",
            ReadArchiveError::NewerFormat { .. } => "archive-newer-format",
            ReadArchiveError::NotCanonical { .. } => "archive-not-canonical",
            ReadArchiveError::MemberHeader { .. } => "archive-member-header",
            ReadArchiveError::Digest { .. } => "archive-digest-mismatch",
            ReadArchiveError::Manifest { source } => source.code(),
            ReadArchiveError::Provenance { .. } => "archive-provenance",
            ReadArchiveError::FrameRow { .. } => "archive-frame-table",
            ReadArchiveError::Header { .. } => "archive-entry-header",
            ReadArchiveError::Content { .. } => "archive-content-mismatch",
            ReadArchiveError::Padding { .. } => "archive-padding",
            ReadArchiveError::TrailingBytes => "archive-trailing-bytes",
            ReadArchiveError::AfterError => "archive-after-error",
            ReadArchiveError::NoSuchFrame { .. } => "archive-no-such-frame",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            ReadArchiveError::NewerFormat { .. } => {
                vec!["install a newer version of this program".to_owned()]
            }
            ReadArchiveError::Manifest { source } => source.hints(),
            ReadArchiveError::Truncated { .. } => {
                vec!["fetch or copy the archive again: it is incomplete".to_owned()]
            }
            _ => Vec::new(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            ReadArchiveError::Input { .. } => 4,
            _ => 1,
        }
    }
}

/// An archive cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteArchiveError {
    /// The manifest breaks a rule of manifests.
    #[error("the manifest to be packed is refused")]
    Manifest {
        /// Which rule.
        #[source]
        source: ManifestRuleError,
    },
    /// The provenance is refused.
    #[error("the provenance to be packed is refused")]
    Provenance {
        /// Why.
        #[source]
        source: ProvenanceError,
    },
    /// Seal, manifest, provenance and frame table together pass the limit.
    #[error("metadata of the archive has {size} bytes, at most {limit} are allowed")]
    MetadataTooLarge {
        /// What they have.
        size: u64,
        /// What is allowed.
        limit: u64,
    },
    /// A file that is to be packed cannot be read.
    #[error("cannot read {path} to pack it")]
    ReadFile {
        /// The file.
        path: RelPath,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file that is to be packed is not what the manifest says.
    #[error(
        "{path} changed while it was packed: it has {actual_size} bytes with digest {actual}, manifest says {expected_size} with {expected}"
    )]
    FileChanged {
        /// The file.
        path: RelPath,
        /// Digest in the manifest.
        expected: Sha256,
        /// Digest of what was read.
        actual: Sha256,
        /// Size in the manifest.
        expected_size: u64,
        /// Bytes read; at most one more than expected.
        actual_size: u64,
    },
    /// The spool cannot be used.
    #[error("cannot use the temporary file for compressed frames")]
    Spool {
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The output cannot be written.
    #[error("cannot write the archive")]
    Output {
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The compressor failed.
    #[error("cannot compress {part}")]
    Compress {
        /// The frame.
        part: Part,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Explain for WriteArchiveError {
    fn code(&self) -> &'static str {
        match self {
            WriteArchiveError::Manifest { source } => source.code(),
            WriteArchiveError::Provenance { .. } => "pack-provenance",
            WriteArchiveError::MetadataTooLarge { .. } => "pack-metadata-too-large",
            WriteArchiveError::ReadFile { .. } => "pack-file-unreadable",
            WriteArchiveError::FileChanged { .. } => "pack-file-changed",
            WriteArchiveError::Spool { .. } => "pack-spool-failed",
            WriteArchiveError::Output { .. } => "pack-output-failed",
            WriteArchiveError::Compress { .. } => "pack-compress-failed",
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            WriteArchiveError::Manifest { .. }
            | WriteArchiveError::Provenance { .. }
            | WriteArchiveError::MetadataTooLarge { .. }
            | WriteArchiveError::FileChanged { .. } => 1,
            _ => 4,
        }
    }
}
