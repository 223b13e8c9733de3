//! A plan: every package and every path that will change, found before anything is written.
//!
//! A plan is plain data, made without privilege and without the lock; its digest is what the user confirms. All
//! conflicts are found here: a path owned by another package, an unowned file in the way, a directory that is a
//! symbolic link, a dependency that nothing satisfies.

mod arriving;
mod candidate;
mod change;
mod claims;
mod configuration;
mod departures;
mod describe;
mod digest;
mod error;
mod exact;
mod frames;
mod ground;
mod kernel;
mod links;
mod paths;
mod pristine;
mod privileges;
mod request;
mod rollback;
mod spelling;
mod taking;
mod world;

pub use candidate::{Candidate, CandidateError, Vouch};
pub use error::{Conflict, Lack, PlanError};
pub use kernel::KernelChanges;
pub use pristine::PristineFile;
pub use privileges::{Privilege, PrivilegedPath};
pub use request::{
    Downgrade, EditedConfiguration, Essential, Hold, Policy, Request, RunningKernel, Unowned,
    Unsigned,
};
pub use rollback::RollbackRequest;

pub(crate) use change::marked;
pub(crate) use exact::plan_exact;
pub(crate) use ground::Ground;
pub(crate) use links::plan_choice;
pub(crate) use spelling::Spellings;
pub(crate) use world::resolve_recorded;

use igos_format::archive::Signature;
use std::collections::BTreeMap;

use igos_format::{PackageId, PackageName, RelPath, Sha256, escape};
use igos_report::Diagnostic;
use igos_root::Kind;

use crate::{Exclusions, HookPlan, Ownership, Reason, Record, RepositoryName, Trust};

/// Whose owner and mode a file gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WriteAs {
    /// Those that its package says.
    Package,
    /// Those of the configuration file on disk.
    Present,
}

/// Everything a transaction will do.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Plan {
    /// Number of the last transaction of the root when the plan was made; applied on top of no other.
    pub based_on: u64,
    /// Whether owners and special bits are applied.
    pub ownership: Ownership,
    /// Packages in the order of their dependencies; removals after everything else.
    pub changes: Vec<Change>,
    /// Every path that changes or is deliberately left alone, by place.
    pub paths: Vec<PathAction>,
    /// Who gives those of its paths that another package has too to that package.
    pub yields: Vec<Yield>,
    /// Packages asked for that are installed already and stay as they are.
    pub unchanged: Vec<PackageId>,
    /// What the user should know before confirming.
    pub notices: Vec<Diagnostic>,
    /// Bytes the new files take on disk.
    pub install_bytes: u64,
    /// Contents that come into the store of pristine configuration files; what nobody needs any more goes from it.
    pub pristine: Vec<PristineFile>,
    /// Alternatives whose choice changes: the package, or nobody where the choice is forgotten.
    pub choices: BTreeMap<RelPath, Option<PackageName>>,
    /// Contents that neither an archive nor the store has, by digest.
    #[serde(skip)]
    pub contents: BTreeMap<Sha256, Vec<u8>>,
    /// Patterns of paths that are left out of arriving packages.
    pub exclusions: Exclusions,
    /// Whether these patterns are others than before.
    pub exclusions_change: bool,
    /// Kernels that stay though their package has others.
    pub kernels: KernelChanges,
    /// What is run and made besides files.
    pub hooks: HookPlan,
    /// The transaction after which the root was as a rollback will make it; `None` for everything else.
    pub rollback_to: Option<u64>,
}

impl Plan {
    /// Tells whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
            && self.paths.is_empty()
            && self.choices.is_empty()
            && !self.exclusions_change
    }

    /// Returns the digest that is confirmed and that `apply` is held to.
    #[must_use]
    pub fn digest(&self) -> Sha256 {
        Sha256::of(digest::text(self).as_bytes())
    }
}

/// One package gives paths to another that supersedes it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Yield {
    /// The package that gives.
    pub from: PackageName,
    /// The package that takes.
    pub to: PackageName,
}

/// What happens to one package.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Change {
    /// The package as it will be, or for a removal as it is.
    pub package: PackageId,
    /// What happens.
    pub action: ChangeAction,
    /// Why it is, or was, installed.
    pub reason: Reason,
    /// Whether it stays at its version from then on.
    pub held: bool,
    /// The seal digest of the archive it comes from; `None` for a removal.
    pub seal: Option<Sha256>,
    /// Who vouches for the archive.
    pub trust: Trust,
    /// The repository the archive comes from; `None` for a removal and for a file.
    pub repository: Option<RepositoryName>,
    /// The signature of the seal that was verified, which the record keeps.
    #[serde(serialize_with = "crate::record::serialize_signature")]
    pub signature: Option<Signature>,
    /// Bytes of its files.
    pub installed_bytes: u64,
    /// Packages of this plan that need it.
    pub required_by: Vec<PackageName>,
    /// Paths that give or take privileges.
    pub privileged: Vec<PrivilegedPath>,
    /// What it declares that is recorded and not carried out: services, which the administrator enables.
    pub recorded_only: Vec<String>,
    /// The record that a rollback brings back as it was.
    #[serde(skip)]
    pub(crate) restored: Option<Box<Record>>,
}

/// What happens to a package.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum ChangeAction {
    /// It is new.
    Install,
    /// A newer version takes the place of `from`.
    Upgrade {
        /// The installed version, as `EPOCH:VERSION-RELEASE`.
        from: String,
    },
    /// An older version takes the place of `from`.
    Downgrade {
        /// The installed version.
        from: String,
    },
    /// The same version once more.
    Reinstall,
    /// It goes.
    Remove,
    /// It counts as asked for from then on; no file changes.
    MarkExplicit,
    /// It counts as needed by others alone from then on; no file changes.
    MarkAutomatic,
    /// It stays at its version until it is released; no file changes.
    Hold,
    /// It is not held any more; no file changes.
    Release,
    /// The administrator answered about one of its configuration files.
    Configure,
    /// The administrator chose what serves a path that it offers to serve.
    Choose,
    /// Files of it that are not as recorded are made so again.
    Repair,
    /// It is taken up: its files are on disk already, as they should be.
    Adopt,
}

impl ChangeAction {
    /// Tells whether files of the package come.
    #[must_use]
    pub fn brings_files(&self) -> bool {
        match self {
            ChangeAction::Install
            | ChangeAction::Upgrade { .. }
            | ChangeAction::Downgrade { .. }
            | ChangeAction::Reinstall => true,
            ChangeAction::Remove
            | ChangeAction::MarkExplicit
            | ChangeAction::MarkAutomatic
            | ChangeAction::Hold
            | ChangeAction::Release
            | ChangeAction::Configure
            | ChangeAction::Choose
            | ChangeAction::Repair
            | ChangeAction::Adopt => false,
        }
    }

    /// Returns the word of history and messages, such as `install`.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            ChangeAction::Install => "install",
            ChangeAction::Upgrade { .. } => "upgrade",
            ChangeAction::Downgrade { .. } => "downgrade",
            ChangeAction::Reinstall => "reinstall",
            ChangeAction::Remove => "remove",
            ChangeAction::MarkExplicit => "mark-explicit",
            ChangeAction::MarkAutomatic => "mark-automatic",
            ChangeAction::Hold => "hold",
            ChangeAction::Release => "release",
            ChangeAction::Configure => "configure",
            ChangeAction::Choose => "choose",
            ChangeAction::Repair => "repair",
            ChangeAction::Adopt => "adopt",
        }
    }
}

/// What happens at one path.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct PathAction {
    /// The path as the manifest has it.
    pub path: RelPath,
    /// Where that is when the listed links of merged directories are followed.
    pub place: RelPath,
    /// The package whose path it will be, or for removals was.
    pub package: PackageName,
    /// What will be there, or for removals was recorded.
    #[serde(serialize_with = "serialize_kind")]
    pub kind: Kind,
    /// What happens.
    pub change: PathChange,
    /// What was there when the plan was made.
    pub was: Was,
}

fn serialize_kind<S: serde::Serializer>(kind: &Kind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(kind)
}

fn serialize_target<S: serde::Serializer>(target: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&escape::escape(target))
}

/// What was at a path when the plan was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind", content = "digest")]
pub enum Was {
    /// Nothing.
    Absent,
    /// A directory.
    Directory,
    /// A file whose content does not matter, a symbolic link, or something else that is replaced or removed.
    Other,
    /// A file or symbolic link with this content, on which the plan depends.
    Content(Sha256),
}

/// What happens at a path.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case", tag = "change")]
pub enum PathChange {
    /// It is made.
    Create,
    /// It takes the place of what the same or a departing package had there.
    Replace,
    /// It takes the place of what belongs to another package, by declaration.
    Supersede {
        /// The package that gives it up.
        from: PackageName,
    },
    /// The disk had the same already and nobody owned it.
    Adopt,
    /// An edited configuration file stays; the new one is written beside it where it brings something new.
    KeepEdited {
        /// Where the new one goes.
        beside: Option<RelPath>,
        /// Digest of the version that the edited file was made from.
        base: Option<Sha256>,
    },
    /// What changed between two versions of a configuration file is merged into the edited one; where both changed
    /// the same lines, the edited one stays and the new one is written beside it.
    Merge {
        /// Digest of the version that the edited file was made from.
        base: Sha256,
        /// Where the new one goes if they cannot be merged.
        beside: RelPath,
    },
    /// The link of an alternative is made or leads elsewhere.
    Link {
        /// What it holds.
        #[serde(serialize_with = "serialize_target")]
        target: Vec<u8>,
    },
    /// It gets this content: a merge, or the new version that the administrator accepted.
    Write {
        /// The content.
        content: Sha256,
        /// Owner and mode of what.
        #[serde(rename = "as")]
        look: WriteAs,
        /// Where what was there goes; `None` where it is not kept.
        beside: Option<RelPath>,
    },
    /// What somebody put at a name that is needed is moved aside.
    MoveAside {
        /// Where it goes.
        beside: RelPath,
    },
    /// A configuration file that the administrator deleted stays deleted.
    KeepDeleted,
    /// An unowned file in the way is kept beside under another name.
    Backup {
        /// Where the old one goes.
        beside: RelPath,
    },
    /// It is removed.
    Remove,
    /// It belongs to the running kernel and stays beside the new one.
    KeepRunning,
    /// It was the package's and stays on disk: an edited configuration file of a removed package.
    Abandon,
}

impl PathChange {
    /// Tells whether an inode of the package comes to a path, in its place or beside it.
    pub(crate) fn takes_content(&self) -> bool {
        !matches!(
            self,
            PathChange::Remove
                | PathChange::KeepDeleted
                | PathChange::KeepRunning
                | PathChange::KeepEdited { beside: None, .. }
                | PathChange::Abandon
                | PathChange::Link { .. }
                | PathChange::Write { .. }
                | PathChange::MoveAside { .. }
        )
    }
}
