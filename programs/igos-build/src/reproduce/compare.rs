//! In what two archives differ that should be the same.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{BufReader, Read as _};
use std::path::{Path, PathBuf};

use fs_err as fs;
use igos_format::archive::{ArchiveReader, Content, ReadArchiveError};
use igos_format::manifest::Manifest;
use igos_format::{EntryKind, FileEntry, RelPath, escape};
use igos_report::Explain;
use serde::Serialize;

use super::content::{ContentDifference, content_difference, text_lines};

/// Largest file whose contents are looked into, in bytes: programs with all their symbols stay below.
const CONTENT_MAX_BYTES: u64 = 256 * 1024 * 1024;
/// Most paths that are named one by one.
const PATHS_MAX: usize = 32;

/// In what two archives of one package differ.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Difference {
    /// The part of the archive in which they differ first: `manifest`, `paths`, `provenance` or `frames`.
    pub part: &'static str,
    /// How many paths differ.
    pub differing_paths: usize,
    /// The first of them.
    pub paths: Vec<PathDifference>,
    /// The first file whose contents differ, and where.
    pub content: Option<FileDifference>,
    /// Lines of a text of the archive's own that differ: of the manifest's head, or of the provenance.
    pub lines: Vec<String>,
}

/// In what one path differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PathDifference {
    /// The path, from the root.
    pub path: String,
    /// The fields that differ.
    pub fields: Vec<FieldDifference>,
}

/// One field of a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldDifference {
    /// Its name: `presence`, `kind`, `mode`, `owner`, `size`, `contents`, `target`, `links`, `configuration`,
    /// `capabilities` or `attributes`.
    pub field: &'static str,
    /// What it is in the archive.
    pub first: String,
    /// What it is in the one that was made again.
    pub second: String,
}

/// Where the contents of a file part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileDifference {
    /// The path, from the root.
    pub path: String,
    /// Where and how; absent for a file that is too large to look into.
    pub difference: Option<ContentDifference>,
}

/// Two archives cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// One cannot be opened.
    #[error("cannot open {}", path.display())]
    Open {
        /// The archive.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// One cannot be read.
    #[error("cannot read archive {}", path.display())]
    Archive {
        /// The archive.
        path: PathBuf,
        /// Why not.
        #[source]
        source: ReadArchiveError,
    },
}

impl Explain for CompareError {
    fn code(&self) -> &'static str {
        match self {
            CompareError::Open { .. } => "archive-unreadable",
            CompareError::Archive { source, .. } => source.code(),
        }
    }

    fn exit_code(&self) -> u8 {
        4
    }
}

/// Returns in what two archives differ, `None` if they are the same package: signatures do not count, for they are
/// put on afterwards.
///
/// # Errors
///
/// Returns the archive that cannot be read.
pub fn compare(first: &Path, second: &Path) -> Result<Option<Difference>, CompareError> {
    let (one, other) = (open(first)?, open(second)?);
    if one.seal_digest() == other.seal_digest() {
        return Ok(None);
    }
    let mut found = Difference::default();
    let differing = paths(one.manifest(), other.manifest());
    found.differing_paths = differing.len();
    let content = differing.iter().find(|(_, fields)| {
        let mut fields = fields.iter();
        fields.any(|field| field.field == "contents")
    });
    let content = content.map(|(path, _)| path.clone());
    found.paths = differing
        .into_iter()
        .take(PATHS_MAX)
        .map(|(path, fields)| PathDifference {
            path: shown(&path),
            fields,
        })
        .collect();
    let heads = [one.manifest_bytes(), other.manifest_bytes()].map(head_lines);
    let provenances = [one.provenance(), other.provenance()].map(String::from_utf8_lossy);
    if heads[0] != heads[1] {
        found.lines = text_lines(&heads[0], &heads[1]);
        found.part = "manifest";
    } else if found.differing_paths == 0 && provenances[0] != provenances[1] {
        found.lines = text_lines(&provenances[0], &provenances[1]);
        found.part = "provenance";
    } else if found.differing_paths == 0 {
        found.part = "frames";
    }
    if found.differing_paths > 0 {
        found.part = "paths";
    }
    if let Some(path) = content {
        let contents = (read(first, &path)?, read(second, &path)?);
        let difference = match contents {
            (Some(one), Some(other)) => content_difference(&one, &other),
            _ => None,
        };
        let path = shown(&path);
        found.content = Some(FileDifference { path, difference });
    }
    Ok(Some(found))
}

fn open(path: &Path) -> Result<ArchiveReader<BufReader<fs::File>>, CompareError> {
    let file = fs::File::open(path).map_err(|source| CompareError::Open {
        path: path.to_owned(),
        source,
    })?;
    ArchiveReader::open(BufReader::new(file)).map_err(|source| CompareError::Archive {
        path: path.to_owned(),
        source,
    })
}

fn shown(path: &RelPath) -> String {
    format!("/{path}")
}

/// Returns the lines of a manifest that are about the package as a whole.
fn head_lines(manifest: &[u8]) -> String {
    let text = String::from_utf8_lossy(manifest);
    let is_path = |line: &&str| {
        let key = line.split(' ').next().unwrap_or_default();
        ["directory", "file", "symlink", "end"].contains(&key)
    };
    text.lines()
        .filter(|line| !is_path(line))
        .fold(String::new(), |mut lines, line| {
            writeln!(lines, "{line}").expect("writing to a string cannot fail");
            lines
        })
}

/// Returns the paths that differ, with the fields that do, in the order of manifests.
fn paths(first: &Manifest, second: &Manifest) -> Vec<(RelPath, Vec<FieldDifference>)> {
    let by_path = |manifest: &'_ Manifest| -> BTreeMap<RelPath, FileEntry> {
        let entries = manifest.entries.iter().cloned();
        entries.map(|entry| (entry.path.clone(), entry)).collect()
    };
    let (ours, theirs) = (by_path(first), by_path(second));
    let all: BTreeSet<&RelPath> = ours.keys().chain(theirs.keys()).collect();
    let mut found = Vec::new();
    for path in all {
        let fields = fields(ours.get(path), theirs.get(path));
        if !fields.is_empty() {
            found.push((path.clone(), fields));
        }
    }
    found
}

/// A field of an entry, and how it is told.
type Field = (&'static str, fn(&FileEntry) -> String);

/// All fields that two entries of one path can differ in.
const FIELDS: [Field; 10] = [
    ("kind", |entry| kind(&entry.kind).to_owned()),
    ("mode", |entry| format!("{:04o}", entry.mode)),
    ("owner", owner),
    ("size", |entry| match &entry.kind {
        EntryKind::File { size, .. } => size.to_string(),
        _ => String::new(),
    }),
    ("contents", |entry| match &entry.kind {
        EntryKind::File { sha256, .. } => sha256.to_string(),
        _ => String::new(),
    }),
    ("target", |entry| match &entry.kind {
        EntryKind::Symlink { target } => escape::escape(target),
        _ => String::new(),
    }),
    ("links", |entry| match &entry.kind {
        EntryKind::File { link_group, .. } => {
            link_group.map_or_else(|| "none".to_owned(), |group| format!("group {group}"))
        }
        _ => String::new(),
    }),
    ("configuration", |entry| entry.is_configuration.to_string()),
    ("capabilities", |entry| {
        let capabilities = entry.capabilities;
        capabilities.map_or_else(|| "none".to_owned(), |set| set.to_string())
    }),
    ("attributes", |entry| format!("{:?}", entry.xattrs)),
];

/// Returns the fields in which two entries differ.
fn fields(first: Option<&FileEntry>, second: Option<&FileEntry>) -> Vec<FieldDifference> {
    let presence = |entry: Option<&FileEntry>| entry.map_or("absent", |_| "present").to_owned();
    let mut found = Vec::new();
    let mut note = |field, first: String, second: String| {
        if first != second {
            found.push(FieldDifference {
                field,
                first,
                second,
            });
        }
    };
    let (Some(one), Some(other)) = (first, second) else {
        note("presence", presence(first), presence(second));
        return found;
    };
    for (field, value) in FIELDS {
        note(field, value(one), value(other));
    }
    found
}

fn kind(kind: &EntryKind) -> &'static str {
    match kind {
        EntryKind::Directory => "directory",
        EntryKind::File { .. } => "file",
        EntryKind::Symlink { .. } => "symlink",
    }
}

fn owner(entry: &FileEntry) -> String {
    let owner = &entry.owner;
    format!(
        "{}:{} ({}:{})",
        owner.user, owner.group, owner.uid, owner.gid
    )
}

/// Returns the content of a file of an archive, `None` for one that is too large.
fn read(archive: &Path, path: &RelPath) -> Result<Option<Vec<u8>>, CompareError> {
    let failed = |source| CompareError::Archive {
        path: archive.to_owned(),
        source,
    };
    let mut reader = open(archive)?;
    let Some((wanted, _)) = reader.head().locate(path) else {
        return Ok(None);
    };
    while let Some(entry) = reader.next_entry().map_err(failed)? {
        if entry.index != wanted {
            continue;
        }
        let (EntryKind::File { size, .. }, Content::Bytes(content)) =
            (&entry.entry.kind, entry.content)
        else {
            return Ok(None);
        };
        if *size > CONTENT_MAX_BYTES {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        let mut content = content.take(CONTENT_MAX_BYTES);
        content
            .read_to_end(&mut bytes)
            .map_err(|source| CompareError::Open {
                path: archive.to_owned(),
                source,
            })?;
        return Ok(Some(bytes));
    }
    Ok(None)
}
