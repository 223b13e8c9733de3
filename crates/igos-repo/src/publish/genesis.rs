//! The keys of a new repository, and the first root and targets that name them.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use igos_format::trust::{
    Delegation, Delegations, RoleKeys, Root, Scope, Targets, TopRole, UtcTime,
};
use igos_report::Explain;

use super::lifetimes::{Lifetimes, after};
use super::request::Execution;
use super::ring::{OFFLINE, ONLINE};
use super::state::{ARCHIVES, PACKAGES, Published, State, StateError, read, read_root};
use super::{layout, ring};
use crate::trust::{SecretKey, SecretKeyError, sign};

/// Most keys of a role that are made at once.
const KEYS_MAX: u32 = 16;

/// How many keys the offline roles get, and how many of them must sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewKeys {
    /// Keys of the root.
    pub root_keys: u32,
    /// How many of them must sign.
    pub root_threshold: u32,
    /// Keys of targets.
    pub targets_keys: u32,
    /// How many of them must sign.
    pub targets_threshold: u32,
}

impl Default for NewKeys {
    fn default() -> Self {
        NewKeys {
            root_keys: 1,
            root_threshold: 1,
            targets_keys: 1,
            targets_threshold: 1,
        }
    }
}

/// Keys of a new repository cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum NewKeysError {
    /// There are no such numbers of keys.
    #[error(
        "{keys} keys of {role} with {threshold} that must sign are not possible: 1 to {KEYS_MAX} keys, and not more that sign than there are"
    )]
    Threshold {
        /// The role.
        role: &'static str,
        /// How many keys.
        keys: u32,
        /// How many must sign.
        threshold: u32,
    },
    /// The directory has keys already.
    #[error("{} is there already", path.display())]
    Exists {
        /// What is there.
        path: PathBuf,
    },
    /// A key cannot be made or written.
    #[error(transparent)]
    Key(#[from] SecretKeyError),
    /// A directory or file cannot be made.
    #[error("cannot write {}", path.display())]
    Io {
        /// The path.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

impl Explain for NewKeysError {
    fn code(&self) -> &'static str {
        match self {
            NewKeysError::Threshold { .. } => "keys-threshold",
            NewKeysError::Exists { .. } => "keys-exist",
            NewKeysError::Key(error) => error.code(),
            NewKeysError::Io { .. } => "keys-unwritable",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            NewKeysError::Exists { .. } => vec![
                "name a new directory".to_owned(),
                "to replace keys of a repository: `igos-build key rotate ROLE DIR`".to_owned(),
            ],
            NewKeysError::Key(error) => error.hints(),
            _ => Vec::new(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            NewKeysError::Threshold { .. } => 2,
            NewKeysError::Exists { .. } => 1,
            NewKeysError::Key(error) => error.exit_code(),
            NewKeysError::Io { .. } => 4,
        }
    }
}

/// Keys that were made.
#[derive(Debug)]
pub struct MadeKeys {
    /// The root, which clients begin with.
    pub root: PathBuf,
    /// Key files by role; those of root and targets belong offline.
    pub files: BTreeMap<&'static str, Vec<PathBuf>>,
}

/// Roles whose keys lie on the machine that publishes.
const ONLINE_ROLES: [&str; 4] = [PACKAGES, ARCHIVES, "snapshot", "timestamp"];

/// Makes all keys of a new repository in `directory`, which must be new or empty, and its first root and targets.
///
/// # Errors
///
/// Returns why keys cannot be made; what was made before stays.
pub fn new_keys(
    directory: &Path,
    wanted: NewKeys,
    lifetimes: &Lifetimes,
    now: UtcTime,
    execution: Execution,
) -> Result<MadeKeys, NewKeysError> {
    for (role, keys, threshold) in [
        ("root", wanted.root_keys, wanted.root_threshold),
        ("targets", wanted.targets_keys, wanted.targets_threshold),
    ] {
        if !(1..=KEYS_MAX).contains(&keys) || !(1..=keys).contains(&threshold) {
            return Err(NewKeysError::Threshold {
                role,
                keys,
                threshold,
            });
        }
    }
    for part in [OFFLINE, ONLINE] {
        make_private(&directory.join(part), execution)?;
    }
    let mut maker = Maker {
        directory,
        execution,
        files: BTreeMap::new(),
    };
    let roots = maker.make("root", OFFLINE, wanted.root_keys)?;
    let targets = maker.make("targets", OFFLINE, wanted.targets_keys)?;
    let mut online = BTreeMap::new();
    for role in ONLINE_ROLES {
        online.insert(role, maker.make(role, ONLINE, 1)?);
    }
    let root = first_root(
        &roots,
        &targets,
        &online,
        wanted,
        after(now, lifetimes.root_seconds),
    );
    let first = first_targets(&online, after(now, lifetimes.targets_seconds));
    let root = sign(root, &roots).to_bytes();
    let first = sign(first, &targets).to_bytes();
    let online = directory.join(ONLINE);
    if execution == Execution::Real {
        write(&first_file(&online, "root"), &root)?;
        write(&first_file(&online, "targets"), &first)?;
    }
    Ok(MadeKeys {
        root: first_file(&online, "root"),
        files: maker.files,
    })
}

struct Maker<'a> {
    directory: &'a Path,
    execution: Execution,
    files: BTreeMap<&'static str, Vec<PathBuf>>,
}

impl Maker<'_> {
    fn make(
        &mut self,
        role: &'static str,
        part: &str,
        count: u32,
    ) -> Result<Vec<SecretKey>, NewKeysError> {
        let mut keys = Vec::new();
        for number in 1..=count {
            let name = match count {
                1 => format!("{role}.{}", ring::KEY_SUFFIX),
                _ => format!("{role}-{number}.{}", ring::KEY_SUFFIX),
            };
            let path = self.directory.join(part).join(name);
            let key = SecretKey::generate()?;
            if self.execution == Execution::Real {
                key.store(&path)?;
            }
            self.files.entry(role).or_default().push(path);
            keys.push(key);
        }
        Ok(keys)
    }
}

fn role(keys: &[SecretKey], threshold: u32) -> RoleKeys {
    RoleKeys::new(keys.iter().map(SecretKey::id), u64::from(threshold))
}

fn first_root(
    roots: &[SecretKey],
    targets: &[SecretKey],
    online: &BTreeMap<&str, Vec<SecretKey>>,
    wanted: NewKeys,
    expires: UtcTime,
) -> Root {
    let (snapshot, timestamp) = (&online["snapshot"], &online["timestamp"]);
    let all = roots.iter().chain(targets).chain(snapshot).chain(timestamp);
    Root {
        version: 1,
        expires,
        keys: all.map(|key| (key.id(), key.public())).collect(),
        root: role(roots, wanted.root_threshold),
        targets: role(targets, wanted.targets_threshold),
        snapshot: role(snapshot, 1),
        timestamp: role(timestamp, 1),
    }
}

fn first_targets(online: &BTreeMap<&str, Vec<SecretKey>>, expires: UtcTime) -> Targets {
    let delegated = |name: &str, directories: &[&str]| Delegation {
        name: name.to_owned(),
        keys: role(&online[name], 1),
        is_terminating: true,
        scope: Scope::Paths(directories.iter().map(|part| format!("{part}/*")).collect()),
    };
    let roles = vec![
        delegated(PACKAGES, &[layout::INDEX]),
        delegated(ARCHIVES, &[layout::ARCHIVES, layout::SOURCES]),
    ];
    let all = online[PACKAGES].iter().chain(&online[ARCHIVES]);
    Targets {
        version: 1,
        expires,
        targets: BTreeMap::new(),
        delegations: Delegations {
            keys: all.map(|key| (key.id(), key.public())).collect(),
            roles,
        },
        retired_keys: BTreeMap::new(),
    }
}

/// Makes a directory that nobody else can look into; one with something in it is refused.
fn make_private(path: &Path, execution: Execution) -> Result<(), NewKeysError> {
    let io = |source| NewKeysError::Io {
        path: path.to_owned(),
        source,
    };
    match fs_err::read_dir(path) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(NewKeysError::Exists {
                path: path.to_owned(),
            }),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if execution == Execution::DryRun {
                return Ok(());
            }
            let mut builder = std::fs::DirBuilder::new();
            builder.recursive(true).mode(0o700).create(path).map_err(io)
        }
        Err(error) => Err(io(error)),
    }
}

/// The file beside the keys in which the first metadata of a role is.
fn first_file(directory: &Path, role: &str) -> PathBuf {
    directory.join(format!("{role}.json"))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), NewKeysError> {
    fs_err::write(path, bytes).map_err(|source| NewKeysError::Io {
        path: path.to_owned(),
        source,
    })
}

/// Returns the root that the publisher trusts, and the directory it is in: the first of these that has one.
pub(super) fn anchor(
    directories: &[PathBuf],
) -> Result<Option<(Published<Root>, &Path)>, StateError> {
    for directory in directories {
        let path = first_file(directory, "root");
        if path.is_file() {
            // Files in a repository are those that signing writes, whatever a hand did to the spaces.
            let root = Published::signed(read_root(&path)?.signed);
            return Ok(Some((root, directory)));
        }
    }
    Ok(None)
}

/// Returns what a new repository begins with: this root, and the targets beside it.
pub(super) fn first_state(root: Published<Root>, directory: &Path) -> Result<State, StateError> {
    let authority = root.signed.value().authority(TopRole::Targets);
    let targets: Published<Targets> = read(&first_file(directory, "targets"), None, &authority)?;
    Ok(State {
        root,
        targets: Published::signed(targets.signed),
        lists: None,
    })
}
