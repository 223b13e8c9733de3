//! What the helper is told and what it answers; both cross the border of the sandbox as JSON.

use igos_format::Sha256;
use serde::{Deserialize, Serialize};

/// What to unpack, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnpackOrder {
    /// The directory that everything goes into; made if it is absent.
    pub target: String,
    /// The sources.
    pub items: Vec<UnpackItem>,
}

/// One source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnpackItem {
    /// The file, as the sandbox sees it.
    pub file: String,
    /// The name it has for the recipe; its suffix decides where magic bytes do not.
    pub name: String,
    /// The directory below the target; empty for the target itself.
    pub destination: String,
    /// What to do with it.
    pub kind: UnpackKind,
    /// Which directories of an archive are left out.
    pub strip: Strip,
    /// The path of the member to take out of an archive, for [`UnpackKind::Member`].
    pub member: Option<String>,
}

/// What to do with a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnpackKind {
    /// It is a tar or zip archive: unpack it.
    Archive,
    /// It is a file: copy it.
    File,
    /// It is one compressed file: write what it decompresses to.
    Decompress,
    /// It is a directory: copy its contents.
    Directory,
    /// It is a package of Rust's registry with this digest: unpack it and say so, as `cargo vendor` does.
    Crate(Sha256),
    /// It is a tar archive that wraps the real source: take one member out of it.
    Member,
}

/// Which leading directories of an archive's paths are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strip {
    /// None.
    Nothing,
    /// Every directory at the top gives its contents to the target; files at the top stay. KISS does this, and
    /// `tar --strip-components=1` for archives that have but directories at the top.
    EachTop,
    /// The directory at the top does, if there is nothing beside it; kiss-ng does this.
    OnlyTop,
}

/// What came of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnpackAnswer {
    /// Number of entries made.
    pub entries: u64,
    /// The newest modification time of a file in an archive, in seconds since 1970.
    pub newest: Option<u64>,
}
