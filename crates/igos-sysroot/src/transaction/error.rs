//! How a transaction can fail, and what is then true of the root.

use std::io;

use igos_format::archive::ReadArchiveError;
use igos_format::{PackageId, RelPath, Sha256};
use igos_report::{Diagnostic, Explain, diagnose};
use igos_root::{Kind, RootError};

use super::journal::JournalError;
use crate::{DatabaseError, HookError, RecordError, StateTextError};

/// A transaction failed. Unless it says otherwise, nothing of the root has changed.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The plan is not the one that was confirmed.
    #[error("the plan has digest {actual}, confirmed was {confirmed}")]
    NotConfirmed {
        /// What was confirmed.
        confirmed: Sha256,
        /// What the plan has.
        actual: Sha256,
    },
    /// The root changed since the plan was made.
    #[error("the plan was made after transaction {planned}, the root is at {found}")]
    Outdated {
        /// Where the plan begins.
        planned: u64,
        /// Where the root is.
        found: u64,
    },
    /// A hook refused what was to come, or could not be run.
    #[error(transparent)]
    Hook {
        /// Why.
        source: HookError,
    },
    /// An archive cannot be opened.
    #[error("cannot open the archive of {package}")]
    OpenArchive {
        /// The package.
        package: PackageId,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// An archive is not what it has to be.
    #[error("the archive of {package} cannot be used")]
    Archive {
        /// The package.
        package: PackageId,
        /// Why.
        #[source]
        source: ReadArchiveError,
    },
    /// An archive is another one than was planned with.
    #[error("the archive of {package} has seal {actual}, the plan says {expected}")]
    OtherArchive {
        /// The package.
        package: PackageId,
        /// What the plan says.
        expected: Sha256,
        /// What was opened.
        actual: Sha256,
    },
    /// A record that has to be kept or changed is damaged.
    #[error("the record of {name} is damaged")]
    Record {
        /// The package.
        name: String,
        /// How.
        #[source]
        source: RecordError,
    },
    /// The file system has too little left.
    #[error("the transaction needs {needed} bytes, the file system has {free}")]
    NoSpace {
        /// What it needs.
        needed: u64,
        /// What is free.
        free: u64,
    },
    /// The file system has too few inodes left.
    #[error("the transaction needs {needed} inodes, the file system has {free}")]
    NoInodes {
        /// How many it needs; hard links are counted as files.
        needed: u64,
        /// How many are free.
        free: u64,
    },
    /// A new file cannot be made in the staging directory.
    #[error("cannot stage {path}")]
    Stage {
        /// The path it is for.
        path: RelPath,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A content that was not fetched, because the root had it, is not there any more.
    #[error("/{path} needs a content that no file of the root has any more")]
    ContentGone {
        /// The path that needs it.
        path: RelPath,
        /// The content.
        sha256: Sha256,
        /// The files that had it, by the record, and were changed.
        changed: Vec<RelPath>,
    },
    /// The state directory cannot be used.
    #[error("cannot {operation} in the state directory")]
    State {
        /// What was tried.
        operation: &'static str,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Paths cannot be changed as planned.
    #[error("the transaction cannot begin: {} paths cannot be changed", .0.len())]
    Refused(Vec<Refusal>),
    /// A text of the root's state cannot be used.
    #[error("a text of the root's state cannot be used")]
    StateText {
        /// Why.
        #[source]
        source: StateTextError,
    },
    /// The root cannot be read.
    #[error("a path of the root cannot be read")]
    Read {
        /// Why.
        #[source]
        source: RootError,
    },
    /// What was staged cannot be brought to disk; nothing is known about it, so it is not used.
    #[error("cannot bring the staged files to disk")]
    Barrier {
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The user asked to stop before the transaction was in force; nothing has changed.
    #[error("stopped before anything changed")]
    Stopped,
    /// A step failed, and all before it were taken back.
    #[error("cannot change {path}; everything was taken back")]
    TakenBack {
        /// Where it failed.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The disk takes two of the paths for one, and everything was taken back.
    #[error("the disk takes {path} and {other} for one name; everything was taken back")]
    Folded {
        /// The path that came last.
        path: String,
        /// The one that was there before it.
        other: String,
    },
    /// The database cannot take up the transaction, and everything was taken back.
    #[error("the database cannot take up the transaction; everything was taken back")]
    Database {
        /// Why.
        #[source]
        source: DatabaseError,
    },
    /// A step failed, and so did taking back what was done; the next opening of the root decides.
    #[error("cannot change {path}, nor take back what was done before; the journal is kept")]
    Interrupted {
        /// Where it failed.
        path: String,
        /// Why taking back failed.
        #[source]
        source: io::Error,
    },
    /// The journal cannot be used.
    #[error("the journal of an interrupted transaction cannot be used")]
    Journal {
        /// Why.
        #[source]
        source: JournalError,
    },
    /// A finished transaction cannot be settled; it is installed all the same, and the next opening settles it.
    #[error("the transaction is finished but cannot be settled")]
    Settle {
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// A path that cannot be changed as planned.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// It is not what it was when the plan was made.
    #[error("{path} changed since the plan was made: it is {found}")]
    Changed {
        /// The path.
        path: RelPath,
        /// What it is now.
        found: String,
    },
    /// It carries the immutable or append-only flag.
    #[error("{path} carries the flag {flag}")]
    Flag {
        /// The path.
        path: RelPath,
        /// `immutable` or `append-only`.
        flag: &'static str,
    },
    /// Something is mounted on it.
    #[error("{path} is a mount point")]
    MountPoint {
        /// The path.
        path: RelPath,
    },
    /// It is on a file system mounted read-only.
    #[error("{path} is on a file system that is mounted read-only")]
    ReadOnly {
        /// The path.
        path: RelPath,
    },
    /// Something of a kind that no package can have is there.
    #[error("{path} is a {found}")]
    Kind {
        /// The path.
        path: RelPath,
        /// What is there.
        found: Kind,
    },
    /// Links of the root make it a path of the package manager's own.
    #[error("{path} leads to {place}, which is the package manager's own")]
    Reserved {
        /// The path as its package has it.
        path: RelPath,
        /// Where it leads.
        place: RelPath,
    },
    /// The disk takes it for another one that comes too.
    #[error(
        "the disk takes {} and {} for one name",
        path.as_bytes().escape_ascii(),
        other.as_bytes().escape_ascii()
    )]
    Folded {
        /// The path.
        path: RelPath,
        /// The other.
        other: RelPath,
    },
    /// Its directory cannot be used.
    #[error("the directory of {path} cannot be used")]
    Directory {
        /// The path.
        path: RelPath,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Explain for Refusal {
    fn code(&self) -> &'static str {
        match self {
            Refusal::Changed { .. } => "path-changed",
            Refusal::Flag { .. } => "path-flagged",
            Refusal::MountPoint { .. } => "path-mount-point",
            Refusal::ReadOnly { .. } => "path-read-only",
            Refusal::Kind { .. } => "path-special",
            Refusal::Reserved { .. } => "path-reserved",
            Refusal::Folded { .. } => "file-name-folded",
            Refusal::Directory { .. } => "path-directory",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Refusal::Changed { .. } => vec!["run the command again".to_owned()],
            Refusal::Flag { path, flag } => {
                let letter = if *flag == "immutable" { 'i' } else { 'a' };
                vec![format!("clear it: `chattr -{letter} {path}`")]
            }
            Refusal::MountPoint { path } => vec![format!("unmount it: `umount {path}`")],
            Refusal::Reserved { .. } => {
                vec!["make the link on its way lead elsewhere".to_owned()]
            }
            _ => Vec::new(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            Refusal::Directory { .. } | Refusal::ReadOnly { .. } => 4,
            _ => 1,
        }
    }
}

impl Explain for ApplyError {
    fn code(&self) -> &'static str {
        match self {
            ApplyError::NotConfirmed { .. } => "plan-not-confirmed",
            ApplyError::Outdated { .. } => "plan-outdated",
            ApplyError::OpenArchive { .. } => "archive-unreadable",
            ApplyError::Archive { source, .. } => source.code(),
            ApplyError::OtherArchive { .. } => "archive-changed",
            ApplyError::Record { source, .. } => source.code(),
            ApplyError::NoSpace { .. } => "disk-full",
            ApplyError::NoInodes { .. } => "inodes-full",
            ApplyError::Stage { .. } => "stage-failed",
            ApplyError::ContentGone { .. } => "content-not-on-disk",
            ApplyError::State { .. } => "state-directory-failed",
            ApplyError::Refused(_) => "pre-flight-refused",
            ApplyError::Read { source } => source.code(),
            ApplyError::StateText { source } => source.code(),
            ApplyError::Hook { source } => source.code(),
            ApplyError::Barrier { .. } => "barrier-failed",
            ApplyError::Stopped => "interrupted",
            ApplyError::TakenBack { .. } => "transaction-taken-back",
            ApplyError::Folded { .. } => "file-name-folded",
            ApplyError::Database { source } => source.code(),
            ApplyError::Interrupted { .. } => "transaction-interrupted",
            ApplyError::Journal { source } => source.code(),
            ApplyError::Settle { .. } => "transaction-not-settled",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            ApplyError::NotConfirmed { .. } | ApplyError::Outdated { .. } => {
                vec!["run the command again and confirm the new plan".to_owned()]
            }
            ApplyError::Interrupted { .. } | ApplyError::Settle { .. } => {
                vec!["finish or undo it: `pkm recover`".to_owned()]
            }
            ApplyError::ContentGone { changed, .. } => {
                let changed = changed.iter();
                changed
                    .map(|path| format!("/{path} had it, and was changed: `pkm verify` tells more"))
                    .chain(["the archive has it: fetch all of it".to_owned()])
                    .collect()
            }
            ApplyError::Archive { source, .. } => source.hints(),
            ApplyError::Journal { source } => source.hints(),
            ApplyError::StateText { source } => source.hints(),
            ApplyError::Hook { source } => source.hints(),
            _ => Vec::new(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            ApplyError::NotConfirmed { .. }
            | ApplyError::Outdated { .. }
            | ApplyError::OtherArchive { .. }
            | ApplyError::Folded { .. } => 1,
            ApplyError::Archive { source, .. } => source.exit_code(),
            ApplyError::Hook { source } => source.exit_code(),
            ApplyError::Stopped => 130,
            ApplyError::Refused(refusals) => {
                refusals.iter().map(Explain::exit_code).max().unwrap_or(1)
            }
            _ => 4,
        }
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        if let ApplyError::Hook { source } = self {
            return source.diagnostics();
        }
        let mut all = vec![diagnose(self)];
        if let ApplyError::Refused(refusals) = self {
            all.extend(refusals.iter().map(|refusal| diagnose(refusal)));
        }
        all
    }
}
