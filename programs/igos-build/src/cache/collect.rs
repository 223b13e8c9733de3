//! What the cache holds, and which of it nothing needs any more.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, SystemTime};

use fs_err as fs;
use igos_format::{PackageName, Sha256};
use serde::Serialize;

use super::work::delete;
use super::{Cache, CacheError, Lookup, Receipt};

/// One build in the cache.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CacheEntry {
    /// The recipe.
    pub name: PackageName,
    /// `VERSION-RELEASE`.
    pub version: String,
    /// The key.
    pub key: Sha256,
    /// The archives.
    pub archives: Vec<String>,
    /// Size of the archives together.
    pub size_bytes: u64,
    /// Whether it is the build of its package that was used last.
    pub is_current: bool,
    /// What is wrong with it, if something is.
    pub damaged: Option<String>,
}

/// What the cache holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CacheList {
    /// The cache.
    pub directory: std::path::PathBuf,
    /// The builds, sorted by name and version.
    pub builds: Vec<CacheEntry>,
    /// Number of dependency layers.
    pub layers: usize,
    /// Packages whose last failed build is kept.
    pub failed: Vec<String>,
}

/// What garbage collection spares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GarbagePolicy {
    /// Spare what was written after this time on the clock.
    pub newer_than: Option<SystemTime>,
    /// Only say what would be deleted.
    pub is_dry_run: bool,
}

impl GarbagePolicy {
    /// Returns the policy that spares what is at most `days` old at the time `now`.
    #[must_use]
    pub fn keep_days(days: u32, now: SystemTime) -> Self {
        let age = Duration::from_secs(u64::from(days) * 24 * 60 * 60);
        GarbagePolicy {
            newer_than: now.checked_sub(age).filter(|_| days > 0),
            is_dry_run: false,
        }
    }
}

/// What garbage collection deleted, or would delete.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct GarbageReport {
    /// Paths below the cache, sorted.
    pub deleted: Vec<String>,
    /// Their size on disk.
    pub size_bytes: u64,
    /// Whether they are still there, because nothing but the list was wanted.
    pub is_dry_run: bool,
}

impl Cache {
    /// Lists the builds in the cache.
    ///
    /// # Errors
    ///
    /// Returns what cannot be read.
    pub fn list(&self) -> Result<CacheList, CacheError> {
        let current = self.current_keys()?;
        let mut builds = Vec::new();
        for name in self.names("builds")? {
            let Ok(key) = name.parse::<Sha256>() else {
                continue;
            };
            let found = self.find_build(&key)?;
            let (receipt, damaged) = match found {
                Lookup::Found(build) => (Some(build.receipt().clone()), None),
                Lookup::Damaged { reason } => (self.receipt(&key), Some(reason)),
                Lookup::Absent => continue,
            };
            let Some(receipt) = receipt else { continue };
            builds.push(CacheEntry {
                archives: receipt
                    .outputs
                    .iter()
                    .map(|output| output.archive.clone())
                    .collect(),
                size_bytes: receipt.outputs.iter().map(|output| output.size_bytes).sum(),
                is_current: current.contains(&key),
                name: receipt.package,
                version: receipt.version,
                key,
                damaged,
            });
        }
        builds.sort_by(|a, b| (&a.name, &a.version, &a.key).cmp(&(&b.name, &b.version, &b.key)));
        Ok(CacheList {
            directory: self.root().to_owned(),
            builds,
            layers: self.names("layers")?.len(),
            failed: self.names("failed")?,
        })
    }

    /// Deletes builds, layers, logs and failed builds that no current build needs. Sources and toolchains stay.
    ///
    /// # Errors
    ///
    /// Returns what cannot be read or deleted.
    pub fn collect_garbage(&self, policy: GarbagePolicy) -> Result<GarbageReport, CacheError> {
        let current = self.current_keys()?;
        let mut seals = BTreeSet::new();
        let mut logs = BTreeSet::new();
        for key in &current {
            if let Some(receipt) = self.receipt(key) {
                seals.extend(receipt.outputs.iter().map(|output| output.seal.to_string()));
                logs.extend(
                    self.log(&receipt.package, key)
                        .file_name()
                        .map(ToOwned::to_owned),
                );
            }
        }
        let is_needed = |directory: &str, name: &str| match directory {
            "builds" => name.parse().is_ok_and(|key| current.contains(&key)),
            "layers" => seals.contains(name),
            "logs" => logs.contains(std::ffi::OsStr::new(name)),
            _ => false,
        };
        let mut report = GarbageReport {
            is_dry_run: policy.is_dry_run,
            ..GarbageReport::default()
        };
        for directory in ["builds", "failed", "layers", "logs"] {
            for name in self.names(directory)? {
                let path = self.root().join(directory).join(&name);
                if is_needed(directory, &name) || is_newer(&path, policy.newer_than)? {
                    continue;
                }
                report.size_bytes += size_on_disk(&path)?;
                report.deleted.push(format!("{directory}/{name}"));
                if !policy.is_dry_run {
                    delete(&path)?;
                }
            }
        }
        Ok(report)
    }

    /// Returns the keys of the builds that were used last, one of each package.
    fn current_keys(&self) -> Result<BTreeSet<Sha256>, CacheError> {
        let mut keys = BTreeSet::new();
        for name in self.names("keys")? {
            let Ok(package) = name.parse() else { continue };
            keys.extend(self.last_key(&package)?);
        }
        Ok(keys)
    }

    /// Returns what the build with this key used and made, without looking at its archives; `None` without a
    /// readable receipt: nothing is known about the build then, and nothing of it is worth keeping.
    #[must_use]
    pub fn receipt(&self, key: &Sha256) -> Option<Receipt> {
        Receipt::read_in(&self.build(key))
    }

    /// Returns the names in a directory of the cache, sorted.
    fn names(&self, directory: &str) -> Result<Vec<String>, CacheError> {
        let path = self.root().join(directory);
        let mut names = Vec::new();
        for entry in fs::read_dir(&path).map_err(CacheError::io("read", &path))? {
            let entry = entry.map_err(CacheError::io("read", &path))?;
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names)
    }
}

fn is_newer(path: &Path, than: Option<SystemTime>) -> Result<bool, CacheError> {
    let Some(than) = than else { return Ok(false) };
    let modified = fs::symlink_metadata(path)
        .and_then(|metadata| metadata.modified())
        .map_err(CacheError::io("look at", path))?;
    Ok(modified > than)
}

fn size_on_disk(path: &Path) -> Result<u64, CacheError> {
    use std::os::unix::fs::MetadataExt as _;

    let mut size = 0;
    let mut pending = vec![path.to_owned()];
    while let Some(path) = pending.pop() {
        let metadata = fs::symlink_metadata(&path).map_err(CacheError::io("look at", &path))?;
        size += metadata.blocks() * 512;
        if metadata.is_dir() {
            // A directory that a build closed to us has no size worth reporting; deleting it opens it.
            let Ok(entries) = fs::read_dir(&path) else {
                continue;
            };
            pending.extend(entries.filter_map(Result::ok).map(|entry| entry.path()));
        }
    }
    Ok(size)
}
