//! What is kept for readers that are still at it, and what is deleted.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use igos_format::Sha256;
use igos_format::trust::{ENVELOPE_MAX_BYTES, Envelope, Metadata, Snapshot, TargetFile, Targets};

use super::place::{PlaceError, Placer};
use super::state::{ARCHIVES, PACKAGES};
use super::{bins, layout};

/// Tells whether old versions of a metadata file are deleted; roots are kept for good, as clients follow them one by
/// one.
fn is_collected(name: &str) -> bool {
    let mut parts = name.splitn(3, '.');
    let (version, role, suffix) = (parts.next(), parts.next(), parts.next());
    let is_role = |role: &str| {
        ["snapshot", "targets", PACKAGES, ARCHIVES].contains(&role) || bins::is_name(role)
    };
    suffix == Some("json")
        && role.is_some_and(is_role)
        && version.is_some_and(|version| version.parse::<u64>().is_ok())
}

/// A snapshot and the files it names.
struct Kept {
    metadata: Vec<String>,
    targets: Vec<String>,
    /// What the snapshot is about, whatever was only signed again.
    content: BTreeSet<Sha256>,
}

/// Returns the files of the repository that no kept snapshot needs: those of the newest one, of the one before it,
/// and of the newest of each of `keep` older states of the packages.
///
/// `newest` is the snapshot that the timestamp names; later ones are what an interrupted publisher left.
pub(super) fn unneeded(
    directory: &Path,
    newest: u64,
    keep: usize,
) -> Result<Vec<PathBuf>, PlaceError> {
    let metadata = directory.join(layout::METADATA);
    let files = list(&metadata)?;
    let mut snapshots: Vec<u64> = files
        .iter()
        .filter_map(|name| version_of(name, "snapshot"))
        .filter(|version| *version <= newest)
        .collect();
    snapshots.sort_unstable_by(|a, b| b.cmp(a));
    let mut kept: BTreeSet<String> = BTreeSet::new();
    let mut lists = BTreeMap::new();
    let mut contents: BTreeSet<BTreeSet<Sha256>> = BTreeSet::new();
    for (age, version) in snapshots.into_iter().enumerate() {
        // A snapshot that cannot be read anymore serves nobody.
        let Some(snapshot) = read(directory, version, &mut lists) else {
            continue;
        };
        let is_another = !contents.contains(&snapshot.content);
        if age <= 1 || is_another && contents.len() <= keep {
            kept.extend(snapshot.metadata);
            kept.extend(snapshot.targets);
            contents.insert(snapshot.content);
        }
    }
    let mut unneeded = Vec::new();
    for name in files {
        let path = format!("{}/{name}", layout::METADATA);
        if is_collected(&name) && !kept.contains(&path) {
            unneeded.push(directory.join(path));
        }
    }
    for part in [layout::INDEX, layout::ARCHIVES, layout::SOURCES] {
        let part = format!("{}/{part}", layout::TARGETS);
        for name in list(&directory.join(&part))? {
            let path = format!("{part}/{name}");
            let digest = name.split('.').next().unwrap_or_default();
            // Files that others put there are theirs.
            if digest.parse::<Sha256>().is_ok() && !kept.contains(&path) {
                unneeded.push(directory.join(path));
            }
        }
    }
    Ok(unneeded)
}

/// Deletes files, and returns how many bytes they had.
pub(super) fn delete(files: &[PathBuf], placer: &Placer<'_>) -> Result<u64, PlaceError> {
    let mut size_bytes = 0;
    for path in files {
        placer.step(path)?;
        let found = fs_err::symlink_metadata(path).map_err(PlaceError::io("look at", path))?;
        fs_err::remove_file(path).map_err(PlaceError::io("delete", path))?;
        size_bytes += found.len();
    }
    Ok(size_bytes)
}

/// Returns the names in a directory, sorted; none if there is no such directory.
pub(super) fn list(directory: &Path) -> Result<Vec<String>, PlaceError> {
    let io = PlaceError::io("list", directory);
    let entries = match fs_err::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(io(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(PlaceError::io("list", directory))?;
        // Names of ours are text.
        names.extend(entry.file_name().into_string().ok());
    }
    names.sort();
    Ok(names)
}

fn version_of(name: &str, role: &str) -> Option<u64> {
    let version = name
        .strip_suffix(".json")?
        .strip_suffix(role)?
        .strip_suffix('.')?;
    version.parse().ok()
}

/// Files of metadata that was read, by the path of the metadata.
type Read = BTreeMap<String, Vec<(String, Sha256)>>;

/// Reads a snapshot and its lists. Nobody has to vouch for them: all that follows is what is kept.
fn read(directory: &Path, version: u64, lists: &mut Read) -> Option<Kept> {
    let path = layout::metadata_path("snapshot", version);
    let snapshot: Snapshot = parse(&directory.join(&path))?;
    let mut kept = Kept {
        metadata: vec![path],
        targets: Vec::new(),
        content: BTreeSet::new(),
    };
    for (name, meta) in &snapshot.meta {
        let path = layout::metadata_path(name.strip_suffix(".json")?, meta.version);
        if !lists.contains_key(&path) {
            // Snapshots have most of their lists in common.
            let list: Targets = parse(&directory.join(&path))?;
            let target = |(name, target): (String, TargetFile)| {
                let path = layout::target_path(&name, &target.sha256);
                (path, target.sha256)
            };
            let files = list.targets.into_iter().map(target).collect();
            lists.insert(path.clone(), files);
        }
        for (path, sha256) in lists.get(&path).into_iter().flatten() {
            kept.targets.push(path.clone());
            kept.content.insert(*sha256);
        }
        kept.metadata.push(path);
    }
    Some(kept)
}

fn parse<T: Metadata>(path: &Path) -> Option<T> {
    // Unreadable is as good as absent here, and the reader that needs it says so.
    let bytes = fs_err::read(path).ok()?;
    let envelope = Envelope::read(&bytes, ENVELOPE_MAX_BYTES).ok()?;
    T::from_json(&envelope.signed).ok()
}
