//! One complete set of metadata, all of whose signatures were verified.

use igos_format::trust::{Metadata, Root, Snapshot, TargetFile, Targets, Timestamp, UtcTime};
use igos_report::Explain;

use super::Clock;
use crate::trust::SealKeys;

/// The delegated role that lists the index files; the only one that is read.
pub(super) const PACKAGES: &str = "packages";

/// What a repository says, verified from the root down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trusted {
    pub(super) root: Root,
    pub(super) timestamp: Timestamp,
    pub(super) snapshot: Snapshot,
    pub(super) targets: Targets,
    /// Absent where `targets` delegates to no such role.
    pub(super) packages: Option<Targets>,
}

/// Whether metadata may still be relied on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It may.
    Current,
    /// Part of it has expired: good enough to look things up, not to install.
    Expired(ExpiredError),
}

/// Trusted metadata has expired.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("what is known of the repository expired at {expires} (role {role}); it is {now}")]
pub struct ExpiredError {
    /// The role that expired first.
    pub role: &'static str,
    /// When.
    pub expires: UtcTime,
    /// The time it was compared with.
    pub now: UtcTime,
}

impl Trusted {
    /// Returns the root.
    #[must_use]
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// Returns the timestamp; its version is that of the whole set.
    #[must_use]
    pub fn timestamp(&self) -> &Timestamp {
        &self.timestamp
    }

    /// Returns length and digest of an index file, for example of `index/packages.index`.
    ///
    /// It is looked up in `targets`, then in `packages` if that is the first role to which the path is delegated.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<TargetFile> {
        if let Some(file) = self.targets.targets.get(path) {
            return Some(*file);
        }
        let roles = &self.targets.delegations.roles;
        let role = roles.iter().find(|role| role.covers(path))?;
        if role.name != PACKAGES {
            return None;
        }
        self.packages.as_ref()?.targets.get(path).copied()
    }

    /// Returns the keys that sign packages, and those that did.
    #[must_use]
    pub fn seal_keys(&self) -> SealKeys {
        let role = self.targets.delegations.role(PACKAGES);
        SealKeys {
            authorised: role
                .map(|(_, authority)| authority.keys)
                .unwrap_or_default(),
            retired: self.targets.retired_keys.clone(),
        }
    }

    /// Tells whether all of it may still be relied on.
    #[must_use]
    pub fn standing(&self, clock: &Clock) -> Standing {
        let now = clock.time(self.timestamp.created);
        let roles = [
            ("root", self.root.expires()),
            ("timestamp", self.timestamp.expires()),
            ("snapshot", self.snapshot.expires()),
            ("targets", self.targets.expires()),
        ];
        let packages = self.packages.as_ref();
        let packages = packages.map(|packages| (PACKAGES, packages.expires()));
        let first = roles
            .into_iter()
            .chain(packages)
            .min_by_key(|(_, expires)| *expires);
        match first {
            Some((role, expires)) if expires <= now => {
                Standing::Expired(ExpiredError { role, expires, now })
            }
            _ => Standing::Current,
        }
    }

    /// Returns an error unless all of it may still be relied on: installing asks this.
    ///
    /// # Errors
    ///
    /// Returns what expired, and when.
    pub fn test_current(&self, clock: &Clock) -> Result<(), ExpiredError> {
        match self.standing(clock) {
            Standing::Current => Ok(()),
            Standing::Expired(error) => Err(error),
        }
    }
}

impl Explain for ExpiredError {
    fn code(&self) -> &'static str {
        "metadata-expired"
    }

    fn hints(&self) -> Vec<String> {
        vec![
            "ask the repository for what is new: `pkm sync`".into(),
            "see whether this machine's clock is right: `date`".into(),
        ]
    }

    fn exit_code(&self) -> u8 {
        1
    }
}
