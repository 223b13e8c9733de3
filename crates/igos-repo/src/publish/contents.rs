//! The paths of all packages: who brings which, and both files of the index.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::path::Path;

use igos_format::archive::Head;
use igos_format::declaration::FeatureKind;
use igos_format::index::{
    FilesIndexReader, FilesIndexWriter, IndexEntry, IndexReader, ReadIndexError, WriteIndexError,
};
use igos_format::{Arch, Dependency, EntryKind, PackageId, RelPath};

use super::findings::Finding;
use super::kinds::Kinds;
use super::layout;
use super::relations::is_satisfied;
use super::state::{State, StateError};

/// A package that is to be in the repository.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) entry: IndexEntry,
    /// The head of an archive that is not published yet.
    pub(super) head: Option<Head>,
}

impl Member {
    /// Returns a package that stays as it is published.
    pub(super) fn published(entry: IndexEntry) -> Self {
        Member { entry, head: None }
    }
}

/// Returns all entries of the published index.
pub(super) fn published_entries(
    state: &State,
    directory: &Path,
) -> Result<Vec<IndexEntry>, StateError> {
    let mut entries = Vec::new();
    let Some((path, bytes)) = state.read_target(directory, layout::PACKAGES_INDEX)? else {
        return Ok(entries);
    };
    let read = || {
        IndexReader::open(bytes)?.entries(|entry| {
            entries.push(entry);
            ControlFlow::Continue(())
        })
    };
    match read() {
        Ok(()) => Ok(entries),
        Err(source) => Err(StateError::Index { path, source }),
    }
}

/// What was found about the paths of all members.
pub(super) struct Contents {
    pub(super) findings: Vec<Finding>,
    files: FilesIndexWriter,
}

/// Who has a path, as far as it can matter: new packages, by their place in the list of members.
type Owners = HashMap<RelPath, Vec<usize>>;

impl Contents {
    /// Looks at the paths of all members, those of published packages as the published index lists them, and fills in
    /// `paths` of their entries.
    pub(super) fn gather(
        members: &mut [Member],
        state: &State,
        directory: &Path,
    ) -> Result<Self, StateError> {
        let mut gathering = Gathering {
            demands: demands(members),
            asked: vec![BTreeSet::new(); members.len()],
            owners: Owners::new(),
            shared: BTreeMap::new(),
            kinds: Kinds::default(),
            files: FilesIndexWriter::new(),
        };
        for (number, member) in members.iter().enumerate() {
            if let Some(head) = &member.head {
                let entries = &head.manifest().entries;
                gathering.files.add(&member.entry.package, entries);
                gathering.kinds.add_new(number, entries);
                for entry in entries.iter().filter(|e| e.kind != EntryKind::Directory) {
                    gathering.new_path(number, &entry.path);
                }
            }
        }
        let old: HashMap<PackageId, usize> = (0..)
            .zip(members.iter())
            .filter(|(_, member)| member.head.is_none())
            .map(|(number, member)| (member.entry.package.clone(), number))
            .collect();
        if let Some((path, bytes)) = state.read_target(directory, layout::FILES_INDEX)? {
            gathering
                .read_published(&bytes, &old)
                .map_err(|source| StateError::Index { path, source })?;
        }
        let findings = gathering.conflicts(members);
        for (member, asked) in members.iter_mut().zip(gathering.asked) {
            member.entry.paths = asked;
        }
        Ok(Contents {
            findings,
            files: gathering.files,
        })
    }

    /// Returns the bytes of `files.index`.
    pub(super) fn files_index(self) -> Result<Vec<u8>, WriteIndexError> {
        let mut bytes = Vec::new();
        self.files.write(&mut bytes)?;
        Ok(bytes)
    }
}

struct Gathering {
    /// Paths that some package needs, spelled as it asks for them, by the place they have where `/bin` is a link.
    demands: HashMap<Vec<u8>, Vec<RelPath>>,
    /// Those that each member has.
    asked: Vec<BTreeSet<RelPath>>,
    owners: Owners,
    /// Paths that several members have.
    shared: BTreeMap<RelPath, BTreeSet<usize>>,
    kinds: Kinds,
    files: FilesIndexWriter,
}

impl Gathering {
    fn read_published(
        &mut self,
        bytes: &[u8],
        old: &HashMap<PackageId, usize>,
    ) -> Result<(), ReadIndexError> {
        FilesIndexReader::open(bytes)?.paths(|path, package| {
            if let Some(number) = old.get(&package) {
                self.files.add_path(&package, &path);
                self.old_path(*number, &path);
            }
            ControlFlow::Continue(())
        })
    }

    fn new_path(&mut self, number: usize, path: &RelPath) {
        self.answer(number, path);
        let owners = self.owners.entry(path.clone()).or_default();
        owners.push(number);
        if owners.len() > 1 {
            let shared = self.shared.entry(path.clone()).or_default();
            shared.extend(owners.iter().copied());
        }
    }

    /// Published packages were compared with one another when they came.
    fn old_path(&mut self, number: usize, path: &RelPath) {
        self.answer(number, path);
        self.kinds.add_old(number, path);
        if let Some(owners) = self.owners.get(path) {
            let shared = self.shared.entry(path.clone()).or_default();
            shared.extend(owners.iter().copied());
            shared.insert(number);
        }
    }

    fn answer(&mut self, number: usize, path: &RelPath) {
        if let Some(asked) = self.demands.get(&merged(path)) {
            self.asked[number].extend(asked.iter().cloned());
        }
    }

    fn conflicts(&mut self, members: &[Member]) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (path, owners) in &self.shared {
            let owners: Vec<&IndexEntry> = owners.iter().map(|at| &members[*at].entry).collect();
            for (at, one) in owners.iter().enumerate() {
                for other in &owners[at + 1..] {
                    if meet(one, other) {
                        findings.push(Finding::SamePath {
                            path: path.clone(),
                            packages: [one.package.clone(), other.package.clone()],
                        });
                    }
                }
            }
        }
        for clash in std::mem::take(&mut self.kinds).clashes() {
            let [directory, file] = [clash.directory, clash.file].map(|at| &members[at].entry);
            if meet(directory, file) {
                findings.push(Finding::FileAndDirectory {
                    path: clash.path,
                    directory: directory.package.clone(),
                    file: file.package.clone(),
                });
            }
        }
        findings
    }
}

/// Tells whether two packages can be installed on one machine, with neither taking over the other's paths. Of two of
/// one name, which a repository has for `any` and for a certain machine, one is installed.
fn meet(one: &IndexEntry, other: &IndexEntry) -> bool {
    let arches = [one.package.arch, other.package.arch];
    let is_one_machine = arches[0] == arches[1] || arches.contains(&Arch::Any);
    let gives_way = |a: &IndexEntry, b: &IndexEntry| {
        let excludes = |conflict: &Dependency| is_satisfied(conflict, b);
        a.supersedes.contains(&b.package.name) || a.conflicts.iter().any(excludes)
    };
    let is_one_name = one.package.name == other.package.name;
    is_one_machine && !is_one_name && !gives_way(one, other) && !gives_way(other, one)
}

fn demands(members: &[Member]) -> HashMap<Vec<u8>, Vec<RelPath>> {
    let required = members.iter().flat_map(|m| &m.entry.features_required);
    let asked: BTreeSet<RelPath> = required
        .filter(|feature| feature.kind == FeatureKind::Path)
        .filter_map(|feature| feature.name.strip_prefix('/')?.parse().ok())
        .collect();
    let mut demands: HashMap<Vec<u8>, Vec<RelPath>> = HashMap::new();
    for path in asked {
        demands.entry(merged(&path)).or_default().push(path);
    }
    demands
}

/// Directories that are links into `/usr` where the two are merged.
const MERGED: [&[u8]; 5] = [b"bin", b"sbin", b"lib", b"lib64", b"lib32"];

/// Returns the place of a path where `/bin` and its like are links into `/usr`: programs ask for `/bin/sh`, packages
/// bring `/usr/bin/sh`.
fn merged(path: &RelPath) -> Vec<u8> {
    let is_merged = path
        .components()
        .next()
        .is_some_and(|first| MERGED.contains(&first));
    let start: &[u8] = if is_merged { b"usr/" } else { b"" };
    [start, path.as_bytes()].concat()
}
