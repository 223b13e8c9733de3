//! From the sources a recipe names to bytes whose digests are known.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use fs_err as fs;
use igos_format::{Digest, Hasher, PathError, PathPattern, RelPath, Sha256};
use igos_recipe::{AlternativeLocation, Source, SourceAlternative, SourceKind};
use igos_repo::{Alternative, Fetched, Fetcher, Inner, Location, SourceRequest, Unpinned};
use igos_report::{Reporter, TaskId};

use super::GatherError;
use super::directory::LocalDirectory;
use crate::plan::SourceInput;
use crate::tree::{TreeEntry, above};

/// A source whose bytes are at hand and verified.
#[derive(Debug, Clone)]
pub struct ReadySource {
    /// What enters the key.
    pub input: SourceInput,
    /// The bytes.
    pub bytes: SourceBytes,
    /// Who delivered them; differs between runs.
    pub provider: String,
}

/// Where the bytes of a source are.
#[derive(Debug, Clone)]
pub enum SourceBytes {
    /// In the store.
    Fetched(Fetched),
    /// A file in the recipe tree, or one of this machine.
    File(PathBuf),
    /// A directory in the recipe tree, one that holds it, or one of this machine.
    Directory(LocalDirectory),
}

/// Fetches the sources of a recipe that lie elsewhere, and reads those that lie here.
///
/// # Errors
///
/// Returns every source that cannot be had.
pub fn gather(
    entry: &TreeEntry,
    fetcher: &Fetcher<'_>,
    unpinned: Unpinned,
    reporter: &dyn Reporter,
    parent: Option<TaskId>,
) -> Result<Vec<ReadySource>, GatherError> {
    let mut ready = local_sources(entry, unpinned)?;
    let mut remote = Vec::new();
    for (index, source) in entry.recipe.sources.iter().enumerate() {
        if !ready.contains_key(&index) {
            remote.push((index, source, request(entry, source, unpinned)?));
        }
    }
    let requests: Vec<SourceRequest> = remote
        .iter()
        .map(|(_, _, request)| request.clone())
        .collect();
    let mut failures = Vec::new();
    for ((index, source, _), result) in remote
        .into_iter()
        .zip(fetcher.fetch_all(&requests, reporter, parent))
    {
        match result {
            Ok(fetched) => {
                ready.insert(index, ready_source(source, fetched));
            }
            Err(error) => failures.push(error),
        }
    }
    if failures.is_empty() {
        Ok(ready.into_values().collect())
    } else {
        Err(GatherError::Fetch {
            package: entry.recipe.name.clone(),
            failures,
        })
    }
}

/// Returns the sources that lie on this machine, by their number; their digests are taken now.
///
/// # Errors
///
/// Returns the first one that cannot be read or is not what the recipe says.
pub fn local_sources(
    entry: &TreeEntry,
    unpinned: Unpinned,
) -> Result<BTreeMap<usize, ReadySource>, GatherError> {
    let mut ready = BTreeMap::new();
    for (index, source) in entry.recipe.sources.iter().enumerate() {
        let (bytes, content) = match &source.kind {
            SourceKind::Crate if source.digest.is_none() => {
                return Err(GatherError::Unreadable {
                    package: entry.recipe.name.clone(),
                    path: entry.directory.join(&source.location),
                    source: std::io::ErrorKind::NotFound.into(),
                });
            }
            SourceKind::Http | SourceKind::Crate | SourceKind::Git { .. } => continue,
            SourceKind::File => {
                let path = entry.directory.join(&source.location);
                let content = verify_local(entry, source, &path, unpinned)?;
                (SourceBytes::File(path), content)
            }
            SourceKind::Directory { only } => {
                let directory = local_directory(entry, &source.location, only)?;
                let content = directory
                    .digest()
                    .map_err(|error| GatherError::Unreadable {
                        package: entry.recipe.name.clone(),
                        path: error.path,
                        source: error.source,
                    })?;
                (SourceBytes::Directory(directory), content)
            }
        };
        let input = source_input(source, content, None);
        ready.insert(
            index,
            ReadySource {
                input,
                bytes,
                provider: "recipe tree".into(),
            },
        );
    }
    Ok(ready)
}

/// Returns the directory that a source names: in the recipe's own, or one that holds its whole tree.
///
/// # Errors
///
/// Returns that it holds not the tree, or is not there.
pub(crate) fn local_directory(
    entry: &TreeEntry,
    location: &str,
    only: &[PathPattern],
) -> Result<LocalDirectory, GatherError> {
    let location = Path::new(location);
    let path = if location.starts_with("..") {
        above(&entry.directory, &entry.tree, location).map_err(|source| GatherError::Above {
            package: entry.recipe.name.clone(),
            source,
        })?
    } else {
        entry.directory.join(location)
    };
    Ok(LocalDirectory::new(path, only))
}

fn source_input(source: &Source, content: Sha256, alternative: Option<usize>) -> SourceInput {
    SourceInput {
        location: source.location.clone(),
        destination: source.destination.clone(),
        file_name: source.file_name().to_owned(),
        content,
        alternative: alternative.map(|index| index + 1),
        is_unpinned: source.is_unpinned,
    }
}

fn ready_source(source: &Source, fetched: Fetched) -> ReadySource {
    ReadySource {
        input: source_input(source, fetched.sha256(), fetched.alternative()),
        provider: fetched.provider().to_string(),
        bytes: SourceBytes::Fetched(fetched),
    }
}

/// Compares a local file with its digest. Files of the recipe's own directory enter the key by themselves, so
/// those that no digest pins are fine there.
fn verify_local(
    entry: &TreeEntry,
    source: &Source,
    path: &Path,
    unpinned: Unpinned,
) -> Result<Sha256, GatherError> {
    let package = || entry.recipe.name.clone();
    let (sha256, blake3) = digests(path).map_err(|source| GatherError::Unreadable {
        package: package(),
        path: path.to_owned(),
        source,
    })?;
    let is_own = entry.files.contains_key(&source.location);
    match source.digest {
        None if !is_own && unpinned == Unpinned::Refuse => Err(GatherError::Unpinned {
            package: package(),
            location: source.location.clone(),
        }),
        None => Ok(sha256),
        Some(expected) => {
            let actual = match expected {
                Digest::Sha256(_) => Digest::Sha256(sha256),
                Digest::Blake3(_) => Digest::Blake3(blake3),
            };
            if actual == expected {
                Ok(sha256)
            } else {
                Err(GatherError::WrongDigest {
                    package: package(),
                    path: path.to_owned(),
                    expected,
                    actual,
                })
            }
        }
    }
}

fn digests(path: &Path) -> std::io::Result<(Sha256, igos_format::Blake3)> {
    let mut hasher = Hasher::with_blake3();
    std::io::copy(&mut fs::File::open(path)?, &mut hasher)?;
    let blake3 = hasher.blake3().expect("it was asked for");
    Ok((hasher.sha256(), blake3))
}

fn request(
    entry: &TreeEntry,
    source: &Source,
    unpinned: Unpinned,
) -> Result<SourceRequest, GatherError> {
    let package = || entry.recipe.name.clone();
    let location = match &source.kind {
        SourceKind::Git { url, reference } => {
            Location::git(url, reference.as_ref().map(|reference| reference.as_str()))
        }
        _ => Location::http(&source.location),
    };
    let location = location.map_err(|error| GatherError::Location {
        package: package(),
        location: source.location.clone(),
        source: error,
    })?;
    let alternatives = source
        .alternatives
        .iter()
        .map(alternative)
        .collect::<Result<_, _>>()
        .map_err(|error| GatherError::InnerPath {
            package: package(),
            location: source.location.clone(),
            source: error,
        })?;
    Ok(SourceRequest {
        package: package(),
        version: entry.recipe.version.to_string(),
        cache_name: source.file_name().to_owned(),
        location,
        digest: source.digest,
        alternatives,
        unpinned,
    })
}

fn alternative(one: &SourceAlternative) -> Result<Alternative, PathError> {
    let location = match &one.location {
        AlternativeLocation::Url(url) => igos_repo::AlternativeLocation::Url(url.clone()),
        AlternativeLocation::Debian(file) => igos_repo::AlternativeLocation::Debian(file.clone()),
    };
    let inner = match &one.inner {
        Some(inner) => Some(Inner {
            path: inner.path.parse::<RelPath>()?,
            sha256: inner.sha256,
        }),
        None => None,
    };
    Ok(Alternative {
        location,
        sha256: one.sha256,
        inner,
        repack: one.repack.clone(),
    })
}
