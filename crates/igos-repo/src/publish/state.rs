//! What is published: metadata read back, and verified with the publisher's own keys before it is signed again.
//!
//! Whoever can write to the web server must not be able to have their words signed: the root has to follow from the
//! one that lies beside the publisher's keys, metadata has to be signed by the keys that it names, and lists have to
//! have the digests that metadata says.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use igos_format::Sha256;
use igos_format::trust::{
    Authority, ENVELOPE_MAX_BYTES, Envelope, MetaFile, Metadata, ReadMetadataError, Root, Snapshot,
    TargetFile, Targets, Timestamp, TopRole, UtcTime,
};
use igos_report::Explain;

use super::{bins, layout};
use crate::trust::{Signed, VerifyError, verify};

/// The role that lists index files.
pub(super) const PACKAGES: &str = "packages";
/// The role that lists archives and sources.
pub(super) const ARCHIVES: &str = "archives";

/// Published metadata cannot be read or is not what its keys signed.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// There is no repository.
    #[error("{} is no repository yet", directory.display())]
    NoRepository {
        /// The directory.
        directory: PathBuf,
    },
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Metadata is not signed as it has to be, or cannot be understood.
    #[error("published metadata {} is refused", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: VerifyError,
    },
    /// A file has not the digest that signed metadata says.
    #[error("published file {} has digest {actual}, its metadata says {expected}", path.display())]
    Digest {
        /// The file.
        path: PathBuf,
        /// What metadata says.
        expected: Sha256,
        /// What it is.
        actual: Sha256,
    },
    /// Metadata lacks what a repository of ours has.
    #[error("published metadata {} has no {missing}", path.display())]
    Incomplete {
        /// The file.
        path: PathBuf,
        /// What it lacks.
        missing: String,
    },
    /// The root is older than the one that the publisher knows.
    #[error("{} has root version {found}, known is {known}", directory.display())]
    OldRoot {
        /// The repository.
        directory: PathBuf,
        /// The version that is known.
        known: u64,
        /// The newest that is there.
        found: u64,
    },
    /// An index cannot be read.
    #[error("published index {} cannot be read", path.display())]
    Index {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: igos_format::index::ReadIndexError,
    },
}

impl Explain for StateError {
    fn code(&self) -> &'static str {
        match self {
            StateError::NoRepository { .. } => "repository-absent",
            StateError::Io { .. } => "repository-unreadable",
            StateError::Refused { source, .. } => source.code(),
            StateError::Digest { .. } => "repository-digest-mismatch",
            StateError::Incomplete { .. } => "repository-incomplete",
            StateError::OldRoot { .. } => "repository-old-root",
            StateError::Index { source, .. } => source.code(),
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            StateError::NoRepository { .. } => vec![
                "publish into it: `igos-build publish DIR --archives DIR --keys DIR`".to_owned(),
            ],
            StateError::Io { .. } => Vec::new(),
            _ => vec![
                "somebody changed it after it was published: compare it with a copy, and publish into a new directory if there is none".to_owned(),
            ],
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            StateError::NoRepository { .. } => 1,
            StateError::Io { .. } => 4,
            _ => 1,
        }
    }
}

/// Metadata that is published, with what a snapshot says of its file.
#[derive(Debug, Clone)]
pub(super) struct Published<T> {
    pub(super) signed: Signed<T>,
    pub(super) file: MetaFile,
}

impl<T: Metadata> Published<T> {
    /// Returns metadata as a publisher writes them.
    pub(super) fn signed(signed: Signed<T>) -> Self {
        Published {
            file: MetaFile::of(signed.value().version(), &signed.to_bytes()),
            signed,
        }
    }
}

/// All metadata of the newest snapshot.
#[derive(Debug, Clone)]
pub(super) struct State {
    pub(super) root: Published<Root>,
    pub(super) targets: Published<Targets>,
    /// Nothing was published yet where these are absent: the keys of a new repository have made root and targets.
    pub(super) lists: Option<Lists>,
}

/// What changes with every publication.
#[derive(Debug, Clone)]
pub(super) struct Lists {
    pub(super) packages: Published<Targets>,
    pub(super) archives: Published<Targets>,
    /// The parts of `archives` in their order; none while it is short.
    pub(super) bins: Vec<Published<Targets>>,
    pub(super) snapshot: Published<Snapshot>,
    pub(super) timestamp: Published<Timestamp>,
}

impl State {
    /// Reads what is published in `directory` by those whom this root names, or names others that name them.
    pub(super) fn read(directory: &Path, anchor: &Published<Root>) -> Result<Self, StateError> {
        let newest = newest_root(directory)?.ok_or_else(|| StateError::NoRepository {
            directory: directory.to_owned(),
        })?;
        let root = follow(directory, anchor.clone(), newest)?;
        Self::read_under(directory, root)
    }

    /// Reads what is published in `directory`, whoever did: for what is not signed again.
    pub(super) fn read_any(directory: &Path) -> Result<Self, StateError> {
        let newest = newest_root(directory)?.ok_or_else(|| StateError::NoRepository {
            directory: directory.to_owned(),
        })?;
        let root = read_root(&directory.join(layout::metadata_path("root", newest)))?;
        Self::read_under(directory, root)
    }

    fn read_under(directory: &Path, root: Published<Root>) -> Result<Self, StateError> {
        let authority = |role| root.signed.value().authority(role);
        let path = directory.join(layout::TIMESTAMP);
        let timestamp = read::<Timestamp>(&path, None, &authority(TopRole::Timestamp))?;
        let wanted = &timestamp.signed.value().snapshot;
        let path = directory.join(layout::metadata_path("snapshot", wanted.version));
        let snapshot = read::<Snapshot>(&path, Some(wanted), &authority(TopRole::Snapshot))?;
        let meta = &snapshot.signed.value().meta;
        let list = |role: &str, authority: &Authority| -> Result<Published<Targets>, StateError> {
            let wanted = meta.get(&format!("{role}.json"));
            let wanted = wanted.ok_or_else(|| StateError::Incomplete {
                path: path.clone(),
                missing: format!("{role}.json"),
            })?;
            let path = directory.join(layout::metadata_path(role, wanted.version));
            read::<Targets>(&path, Some(wanted), authority)
        };
        let targets = list("targets", &authority(TopRole::Targets))?;
        let delegated = |role: &str| {
            let found = targets.signed.value().delegations.role(role);
            let (_, authority) = found.ok_or_else(|| StateError::Incomplete {
                path: directory.join(layout::metadata_path("targets", targets.file.version)),
                missing: format!("role {role}"),
            })?;
            list(role, &authority)
        };
        let archives = delegated(ARCHIVES)?;
        let parts = &archives.signed.value().delegations;
        let mut bins = Vec::new();
        for (role, name) in parts.roles.iter().zip(bins::names()) {
            let (_, authority) = parts.role(&name).ok_or_else(|| StateError::Incomplete {
                path: directory.join(layout::metadata_path(ARCHIVES, archives.file.version)),
                missing: format!("role {name} in the place of {}", role.name),
            })?;
            bins.push(list(&name, &authority)?);
        }
        let lists = Lists {
            packages: delegated(PACKAGES)?,
            bins,
            archives,
            snapshot,
            timestamp,
        };
        Ok(State {
            root,
            targets,
            lists: Some(lists),
        })
    }

    /// Returns what it takes to verify metadata of a role.
    pub(super) fn authority(&self, role: &str) -> Authority {
        authority(self.root.signed.value(), self.targets.signed.value(), role)
    }

    /// Returns from when on metadata is not to be relied on, by role.
    pub(super) fn expires(&self) -> BTreeMap<&'static str, UtcTime> {
        let mut expires = BTreeMap::from([
            ("root", self.root.signed.value().expires),
            ("targets", self.targets.signed.value().expires),
        ]);
        if let Some(lists) = &self.lists {
            expires.insert(PACKAGES, lists.packages.signed.value().expires);
            let all = [&lists.archives].into_iter().chain(&lists.bins);
            let first = all.map(|list| list.signed.value().expires).min();
            expires.extend(first.map(|first| (ARCHIVES, first)));
            expires.insert("snapshot", lists.snapshot.signed.value().expires);
            expires.insert("timestamp", lists.timestamp.signed.value().expires);
        }
        expires
    }

    /// Returns what a role says of a target.
    pub(super) fn target(&self, role: &str, name: &str) -> Option<TargetFile> {
        let lists = self.lists.as_ref()?;
        let list = match role {
            PACKAGES => &lists.packages,
            _ => lists.bins.get(bins::of(name)).unwrap_or(&lists.archives),
        };
        list.signed.value().targets.get(name).copied()
    }

    /// Reads an index or another small target of the role `packages`, verified; `None` if there is none.
    pub(super) fn read_target(
        &self,
        directory: &Path,
        name: &str,
    ) -> Result<Option<(PathBuf, Vec<u8>)>, StateError> {
        let Some(target) = self.target(PACKAGES, name) else {
            return Ok(None);
        };
        let path = directory.join(layout::target_path(name, &target.sha256));
        let bytes = fs_err::read(&path).map_err(|source| StateError::Io {
            path: path.clone(),
            source,
        })?;
        compare(&path, &bytes, &target.sha256)?;
        Ok(Some((path, bytes)))
    }
}

/// Returns what it takes to verify metadata of a role, be it of the root or delegated; nothing for an unknown one.
pub(super) fn authority(root: &Root, targets: &Targets, role: &str) -> Authority {
    match TopRole::ALL.into_iter().find(|top| top.name() == role) {
        Some(top) => root.authority(top),
        // Parts of the list have its keys.
        None if bins::is_name(role) => authority(root, targets, ARCHIVES),
        None => match targets.delegations.role(role) {
            Some((_, authority)) => authority,
            None => Authority {
                keys: BTreeMap::new(),
                threshold: u64::MAX,
            },
        },
    }
}

/// Returns the newest version of the root in `directory`.
fn newest_root(directory: &Path) -> Result<Option<u64>, StateError> {
    let path = directory.join(layout::METADATA);
    let io = |source| StateError::Io {
        path: path.clone(),
        source,
    };
    let entries = match fs_err::read_dir(&path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io(error)),
    };
    let mut newest = None;
    for entry in entries {
        let name = entry.map_err(io)?.file_name();
        let version = name
            .to_str()
            .and_then(|name| name.strip_suffix(".root.json"));
        newest = newest.max(version.and_then(|version| version.parse().ok()));
    }
    Ok(newest)
}

/// Follows the roots from a trusted one to the newest, each signed by the keys of the one before it and its own.
fn follow(
    directory: &Path,
    anchor: Published<Root>,
    newest: u64,
) -> Result<Published<Root>, StateError> {
    let mut root = anchor;
    if newest < root.file.version {
        return Err(StateError::OldRoot {
            directory: directory.to_owned(),
            known: root.file.version,
            found: newest,
        });
    }
    while root.file.version < newest {
        let path = directory.join(layout::metadata_path("root", root.file.version + 1));
        let next = read_root(&path)?;
        let trusted = root.signed.value().authority(TopRole::Root);
        verify::<Root>(next.signed.envelope().clone(), &trusted).map_err(|source| {
            StateError::Refused {
                path: path.clone(),
                source,
            }
        })?;
        if next.file.version != root.file.version + 1 {
            return Err(StateError::Incomplete {
                path,
                missing: format!("version {}", root.file.version + 1),
            });
        }
        root = next;
    }
    Ok(root)
}

/// Reads a root that its own keys signed, whoever they are.
pub(super) fn read_root(path: &Path) -> Result<Published<Root>, StateError> {
    let (bytes, envelope) = read_envelope(path, None)?;
    let refused = |source: ReadMetadataError| StateError::Refused {
        path: path.to_owned(),
        source: source.into(),
    };
    let authority = Root::from_json(&envelope.signed)
        .map_err(refused)?
        .authority(TopRole::Root);
    verified(path, &bytes, envelope, &authority)
}

/// Reads metadata that has to be this file, and that has to be signed with these keys.
pub(super) fn read<T: Metadata>(
    path: &Path,
    wanted: Option<&MetaFile>,
    authority: &Authority,
) -> Result<Published<T>, StateError> {
    let (bytes, envelope) = read_envelope(path, wanted)?;
    verified(path, &bytes, envelope, authority)
}

fn read_envelope(
    path: &Path,
    wanted: Option<&MetaFile>,
) -> Result<(Vec<u8>, Envelope), StateError> {
    let bytes = fs_err::read(path).map_err(|source| StateError::Io {
        path: path.to_owned(),
        source,
    })?;
    if let Some(expected) = wanted.and_then(|wanted| wanted.sha256) {
        compare(path, &bytes, &expected)?;
    }
    let envelope = Envelope::read(&bytes, ENVELOPE_MAX_BYTES);
    let envelope = envelope.map_err(|source| StateError::Refused {
        path: path.to_owned(),
        source: source.into(),
    })?;
    Ok((bytes, envelope))
}

fn verified<T: Metadata>(
    path: &Path,
    bytes: &[u8],
    envelope: Envelope,
    authority: &Authority,
) -> Result<Published<T>, StateError> {
    let signed = verify::<T>(envelope, authority).map_err(|source| StateError::Refused {
        path: path.to_owned(),
        source,
    })?;
    Ok(Published {
        file: MetaFile::of(signed.value().version(), bytes),
        signed,
    })
}

fn compare(path: &Path, bytes: &[u8], expected: &Sha256) -> Result<(), StateError> {
    let actual = Sha256::of(bytes);
    if actual == *expected {
        return Ok(());
    }
    Err(StateError::Digest {
        path: path.to_owned(),
        expected: *expected,
        actual,
    })
}
