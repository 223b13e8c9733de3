//! Writing an archive: compressed frames go to a spool, because the head that names them comes before them.

use std::io::{self, Read, Seek, Write};
use std::num::NonZeroUsize;

use super::encoder::Encoder;
use super::head::{
    FRAMES, MANIFEST, METADATA_MAX_BYTES, PROVENANCE, SEAL, SIGNATURES, parse_provenance,
};
use super::layout;
use super::pack::{Pack, pack_frames};
use super::tar::{END, Header, padding};
use super::{
    ArchiveReader, Compression, CompressionFormat, FrameTable, Part, ReadArchiveError, Seal,
    Sealed, Signatures, WriteArchiveError, signatures,
};
use crate::manifest::{self, Manifest, ManifestRule, ManifestRuleError};
use crate::{FileEntry, Hasher, Sha256, installed_bytes};

/// Opens the content of a regular file of the manifest, to be read once from its beginning.
pub type OpenContent<'a> = dyn Fn(&FileEntry) -> io::Result<Box<dyn Read + Send>> + Sync + 'a;

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArchiveSummary {
    /// Digest of the seal: the identity of the package.
    pub seal: Sha256,
    /// Digest of the archive's bytes.
    pub sha256: Sha256,
    /// Length of the archive in bytes.
    pub size: u64,
    /// Sizes of all files in bytes, hard links counted once.
    pub installed_size: u64,
    /// How many payload frames it has.
    pub frames: usize,
}

/// Writes the archive of `manifest`, whose files `open` opens, and returns what it became.
///
/// The bytes depend on manifest, contents, provenance and compression alone, not on the number of `threads`.
/// `spool` is an empty temporary file, or memory, of the caller; it holds the compressed frames until the head is
/// known. Memory is bounded whatever the sizes of files.
///
/// # Errors
///
/// Refuses a manifest that breaks a rule and a file that is not what the manifest says.
pub fn write_archive(
    manifest: &Manifest,
    provenance: &[u8],
    open: &OpenContent<'_>,
    compression: Compression,
    threads: NonZeroUsize,
    spool: &mut (impl Read + Write + Seek),
    out: &mut impl Write,
) -> Result<ArchiveSummary, WriteArchiveError> {
    manifest::validate(manifest).map_err(|source| WriteArchiveError::Manifest { source })?;
    parse_provenance(provenance).map_err(|source| WriteArchiveError::Provenance { source })?;
    let places = layout::places(manifest);
    let cuts = layout::cut(manifest, &places).ok_or(WriteArchiveError::Manifest {
        source: ManifestRuleError {
            entry: None,
            rule: ManifestRule::TotalSize,
        },
    })?;
    let pack = Pack {
        manifest,
        places: &places,
        cuts: &cuts,
        open,
        compression,
    };
    let table = FrameTable {
        compression: compression.format(),
        frames: pack_frames(&pack, threads, spool)?,
    };

    let manifest_bytes = manifest::write(manifest);
    let frames_text = table.to_text();
    let seal = Seal {
        manifest: Sealed::of(&manifest_bytes),
        provenance: Sealed::of(provenance),
        frames: Sealed::of(frames_text.as_bytes()),
    };
    let seal_bytes = seal.to_bytes();
    let members = [
        (SEAL, seal_bytes.as_slice()),
        (MANIFEST, &manifest_bytes),
        (PROVENANCE, provenance),
        (FRAMES, frames_text.as_bytes()),
    ];
    let size = members.iter().map(|(_, bytes)| bytes.len() as u64).sum();
    if size > METADATA_MAX_BYTES {
        return Err(WriteArchiveError::MetadataTooLarge {
            size,
            limit: METADATA_MAX_BYTES,
        });
    }
    let mut head = Vec::new();
    for (name, bytes) in members {
        push_member(&mut head, name, bytes);
    }
    let head = frame(Part::Head, compression, &head)?;
    let tail = tail(compression.format(), &Signatures::new())?;

    let mut out = Measured::new(out);
    let output = |source| WriteArchiveError::Output { source };
    out.write_all(&head).map_err(output)?;
    copy_spool(spool, &mut out)?;
    out.write_all(&tail).map_err(output)?;
    out.flush().map_err(output)?;
    Ok(ArchiveSummary {
        seal: seal.digest(),
        sha256: out.hasher.sha256(),
        size: out.hasher.length(),
        installed_size: installed_bytes(&manifest.entries),
        frames: table.frames.len(),
    })
}

fn push_member(bytes: &mut Vec<u8>, name: &str, content: &[u8]) {
    let size = content.len() as u64;
    bytes.extend(Header::of_member(name, size).bytes);
    bytes.extend(content);
    bytes.resize(bytes.len() + padding(size), 0);
}

fn frame(part: Part, compression: Compression, bytes: &[u8]) -> Result<Vec<u8>, WriteArchiveError> {
    let compress = || {
        let mut encoder = Encoder::new(compression, bytes.len() as u64, Vec::new())?;
        encoder.write_all(bytes)?;
        encoder.finish()
    };
    compress().map_err(|source| WriteArchiveError::Compress { part, source })
}

/// Returns the tail frame. Its level is fixed, so that adding signatures and taking them away again gives the
/// archive that was there before.
fn tail(format: CompressionFormat, signatures: &Signatures) -> Result<Vec<u8>, WriteArchiveError> {
    let mut bytes = Vec::new();
    if !signatures.is_empty() {
        push_member(
            &mut bytes,
            SIGNATURES,
            signatures::write(signatures).as_bytes(),
        );
    }
    bytes.extend(END);
    frame(Part::Tail, format.into(), &bytes)
}

fn copy_spool(
    spool: &mut (impl Read + Seek),
    out: &mut impl Write,
) -> Result<(), WriteArchiveError> {
    spool
        .rewind()
        .map_err(|source| WriteArchiveError::Spool { source })?;
    let mut buffer = vec![0; 128 * 1024];
    loop {
        match spool.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => out
                .write_all(&buffer[..count])
                .map_err(|source| WriteArchiveError::Output { source })?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(source) => return Err(WriteArchiveError::Spool { source }),
        }
    }
}

/// Passes bytes on and measures them.
pub(super) struct Measured<W> {
    pub(super) inner: W,
    pub(super) hasher: Hasher,
}

impl<W> Measured<W> {
    pub(super) fn new(inner: W) -> Self {
        Measured {
            inner,
            hasher: Hasher::new(),
        }
    }
}

impl<W: Write> Write for Measured<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Signatures of an archive cannot be replaced.
#[derive(Debug, thiserror::Error)]
pub enum ReplaceSignaturesError {
    /// The archive is refused.
    #[error("the archive is refused")]
    Read {
        /// Why.
        #[source]
        source: ReadArchiveError,
    },
    /// The new archive cannot be written.
    #[error("the new archive cannot be written")]
    Write {
        /// Why.
        #[source]
        source: WriteArchiveError,
    },
    /// The signatures take more space than readers accept.
    #[error("the signatures have {size} bytes, at most {limit} are allowed")]
    TooLarge {
        /// What they have.
        size: u64,
        /// What is allowed.
        limit: u64,
    },
}

impl igos_report::Explain for ReplaceSignaturesError {
    fn code(&self) -> &'static str {
        match self {
            ReplaceSignaturesError::Read { source } => source.code(),
            ReplaceSignaturesError::Write { source } => source.code(),
            ReplaceSignaturesError::TooLarge { .. } => "signatures-too-large",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            ReplaceSignaturesError::Read { source } => source.hints(),
            ReplaceSignaturesError::Write { source } => source.hints(),
            ReplaceSignaturesError::TooLarge { .. } => Vec::new(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            ReplaceSignaturesError::Read { source } => source.exit_code(),
            ReplaceSignaturesError::Write { source } => source.exit_code(),
            ReplaceSignaturesError::TooLarge { .. } => 1,
        }
    }
}

/// Verifies the archive that `input` begins with and is, and writes it to `out` with these signatures instead of
/// those it has. Everything before the tail frame is copied byte for byte.
///
/// # Errors
///
/// Refuses an archive that is not whole, and more signatures than readers accept.
pub fn replace_signatures(
    input: &mut (impl Read + Seek),
    signatures: &Signatures,
    out: &mut impl Write,
) -> Result<(), ReplaceSignaturesError> {
    let size = signatures::write(signatures).len() as u64;
    if size > signatures::MAX_BYTES {
        return Err(ReplaceSignaturesError::TooLarge {
            size,
            limit: signatures::MAX_BYTES,
        });
    }
    let refuse = |source| ReplaceSignaturesError::Read { source };
    let unreadable = |source| refuse(ReadArchiveError::Input { source });
    let failed = |source| ReplaceSignaturesError::Write { source };
    let archive = ArchiveReader::open(&mut *input).map_err(refuse)?;
    let (format, tail_offset) = (archive.compression(), archive.head().tail_offset());
    archive.finish().map_err(refuse)?;

    input.rewind().map_err(unreadable)?;
    let copied = io::copy(&mut input.take(tail_offset), out)
        .map_err(|source| failed(WriteArchiveError::Output { source }))?;
    if copied != tail_offset {
        return Err(refuse(ReadArchiveError::Truncated { part: Part::Tail }));
    }
    let tail = tail(format, signatures).map_err(failed)?;
    out.write_all(&tail)
        .and_then(|()| out.flush())
        .map_err(|source| failed(WriteArchiveError::Output { source }))
}
