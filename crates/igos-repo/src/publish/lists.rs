//! What the delegated roles list: archives, sources and index files.

use std::collections::BTreeMap;
use std::path::PathBuf;

use igos_format::index::{IndexEntry, IndexWriter, WriteIndexError};
use igos_format::trust::{TargetFile, Targets};

use super::advisories::Advisories;
use super::contents::{Contents, Member};
use super::layout;
use super::sources::Located;
use super::state::{Published, State};

/// Packages that fit together, with their paths.
pub(super) struct Fitting {
    pub(super) members: Vec<Member>,
    pub(super) contents: Contents,
    /// Archives to be put in place.
    pub(super) new: Vec<(PathBuf, IndexEntry)>,
    pub(super) sources: Vec<Located>,
}

/// Returns where an archive is below the repository.
pub(super) fn archive_file(entry: &IndexEntry) -> String {
    let target = layout::target(layout::ARCHIVES, &entry.archive.file_name);
    layout::target_path(&target, &entry.archive.sha256)
}

/// Returns where a source is below the repository.
pub(super) fn source_file(file: &Located) -> String {
    let target = layout::target(layout::SOURCES, &file.location.file_name);
    layout::target_path(&target, &file.location.sha256)
}

/// What the delegated roles list, and the bytes of what is new.
pub(super) struct Lists {
    pub(super) packages: BTreeMap<String, TargetFile>,
    pub(super) archives: BTreeMap<String, TargetFile>,
    /// Index files by the names of their targets.
    pub(super) files: Vec<(String, Vec<u8>)>,
    pub(super) new: Vec<(PathBuf, IndexEntry)>,
    pub(super) sources: Vec<Located>,
    pub(super) count: usize,
}

impl Lists {
    /// Returns what is published, nothing of it new.
    pub(super) fn published(state: &State) -> Self {
        let targets = |list: &Published<Targets>| list.signed.value().targets.clone();
        let lists = state.lists.as_ref();
        Lists {
            packages: lists
                .map(|lists| targets(&lists.packages))
                .unwrap_or_default(),
            archives: lists
                .into_iter()
                .flat_map(|lists| [&lists.archives].into_iter().chain(&lists.bins))
                .flat_map(targets)
                .collect(),
            files: Vec::new(),
            new: Vec::new(),
            sources: Vec::new(),
            count: 0,
        }
    }

    pub(super) fn of(fitting: Fitting, advisories: &Advisories) -> Result<Self, WriteIndexError> {
        let entries = || fitting.members.iter().map(|member| &member.entry);
        let mut archives = BTreeMap::new();
        for entry in entries() {
            let archive = TargetFile {
                length: entry.archive.size_bytes,
                sha256: entry.archive.sha256,
            };
            archives.insert(
                layout::target(layout::ARCHIVES, &entry.archive.file_name),
                archive,
            );
            for source in &entry.sources {
                let file = TargetFile {
                    length: source.size_bytes,
                    sha256: source.sha256,
                };
                archives.insert(layout::target(layout::SOURCES, &source.file_name), file);
            }
        }
        let count = fitting.members.len();
        let mut files = vec![
            (
                layout::PACKAGES_INDEX.to_owned(),
                packages_index(entries())?,
            ),
            (
                layout::FILES_INDEX.to_owned(),
                fitting.contents.files_index()?,
            ),
        ];
        if !advisories.text().is_empty() {
            let text = advisories.text().as_bytes().to_vec();
            files.push((layout::ADVISORIES.to_owned(), text));
        }
        let target = |(name, bytes): &(String, Vec<u8>)| (name.clone(), TargetFile::of(bytes));
        Ok(Lists {
            packages: files.iter().map(target).collect(),
            archives,
            files,
            new: fitting.new,
            sources: fitting.sources,
            count,
        })
    }
}

/// Returns the bytes of `packages.index`.
pub(super) fn packages_index<'e>(
    entries: impl Iterator<Item = &'e IndexEntry>,
) -> Result<Vec<u8>, WriteIndexError> {
    let mut index = IndexWriter::new();
    for entry in entries {
        index.add(entry)?;
    }
    let mut bytes = Vec::new();
    index.write(&mut bytes)?;
    Ok(bytes)
}
