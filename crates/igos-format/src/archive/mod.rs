//! The archive: one package in one file of independent compressed frames, which `tar` can list and extract.
//!
//! `docs/formats/archive.md` is the normative description. There is one sequence of decompressed bytes for a
//! manifest, its contents and its provenance: the reader encodes every header again and compares, so nothing is
//! ever interpreted that the manifest does not say.
//!
//! ```text
//! head frame      .igos/seal .igos/manifest .igos/provenance.json .igos/frames
//! payload frames  the entries of the manifest, in its order, about 1 MiB in each frame
//! tail frame      .igos/signatures (only if there are any), two blocks of zeros
//! ```
//!
//! [`write_archive`] makes one, [`ArchiveReader`] reads one from front to back, and [`Head::read_frame`] reads a
//! single frame that was found with [`Head::locate`].

mod compression;
mod content;
mod cursor;
mod decoded;
mod decoder;
mod encoder;
mod error;
mod frames;
mod head;
mod input;
mod layout;
mod pack;
mod read;
mod seal;
mod signatures;
mod tar;
mod text;
mod write;

pub use compression::{Compression, CompressionError, CompressionFormat};
pub use content::{Content, ContentReader, Entry};
pub use error::{Part, ProvenanceError, ReadArchiveError, WriteArchiveError};
pub use frames::{Frame, FrameTable};
pub use head::{Head, METADATA_MAX_BYTES};
pub use layout::Place;
pub use read::{ArchiveReader, FrameReader};
pub use seal::{Seal, Sealed};
pub use signatures::{Signature, SignatureAlgorithm, SignatureError, Signatures};
pub use write::{
    ArchiveSummary, OpenContent, ReplaceSignaturesError, replace_signatures, write_archive,
};

/// The newest version of the format this program writes and reads.
pub const FORMAT: u32 = 1;
