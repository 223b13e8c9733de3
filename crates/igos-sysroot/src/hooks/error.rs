//! Why hooks cannot be planned or run.

use std::io;

use igos_format::{PackageName, RelPath};
use igos_report::{Diagnostic, Explain, diagnose};
use igos_root::RootError;
use igos_sandbox::{MissingFeature, SandboxError};

use crate::RecordError;

/// What packages declare cannot be carried out in this root.
#[derive(Debug, thiserror::Error)]
pub enum HookPlanError {
    /// A number that a package insists on belongs to somebody else.
    #[error("{package} needs number {number} for its {what} {name}, which {by} has")]
    NumberTaken {
        /// Who declares it.
        package: PackageName,
        /// `user` or `group`.
        what: &'static str,
        /// Its name.
        name: PackageName,
        /// The number.
        number: u32,
        /// Who has it.
        by: String,
    },
    /// A number means more than an account of a package may.
    #[error(
        "{package} wants its {what} {name} to have number {number}, which is not for packages to give"
    )]
    NumberReserved {
        /// Who declares it.
        package: PackageName,
        /// `user` or `group`.
        what: &'static str,
        /// Its name.
        name: PackageName,
        /// The number.
        number: u32,
    },
    /// All numbers of system accounts are in use.
    #[error("no number for system accounts is free for {name}, which {package} needs")]
    NoNumber {
        /// Who declares it.
        package: PackageName,
        /// Its name.
        name: PackageName,
    },
    /// A text would end a field of the tables.
    #[error("{package} declares user {name} with a text that has a colon")]
    AccountText {
        /// Who declares it.
        package: PackageName,
        /// The user.
        name: PackageName,
    },
    /// The tables of users and groups, or a path that decides what is run, cannot be read.
    #[error("cannot see what hooks need")]
    Read {
        /// Why.
        #[source]
        source: RootError,
    },
}

impl Explain for HookPlanError {
    fn code(&self) -> &'static str {
        match self {
            HookPlanError::NumberTaken { .. } => "account-number-taken",
            HookPlanError::NumberReserved { .. } => "account-number-reserved",
            HookPlanError::NoNumber { .. } => "account-numbers-exhausted",
            HookPlanError::AccountText { .. } => "account-text",
            HookPlanError::Read { .. } => "hooks-unreadable",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            HookPlanError::NumberTaken { name, by, .. } => vec![format!(
                "rename `{by}` to `{name}` in etc/passwd and etc/group if they are the same, or give it another number"
            )],
            _ => Vec::new(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            HookPlanError::Read { .. } => 4,
            _ => 1,
        }
    }
}

/// Hooks could not be run, or one refused what was to come.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// The system lacks what confines hooks; none is run without.
    #[error(
        "hooks cannot be run: they are confined, and the kernel does not give us {}",
        missing.first().map_or_else(|| "a sandbox".to_owned(), ToString::to_string)
    )]
    NoSandbox {
        /// What is missing.
        missing: Vec<MissingFeature>,
    },
    /// A sandbox could not be made for one of them.
    #[error("cannot run {job}")]
    Sandbox {
        /// Which.
        job: String,
        /// Why.
        #[source]
        source: SandboxError,
    },
    /// A hook that runs before a transaction failed.
    #[error("{job} {problem}, so nothing was changed")]
    Refused {
        /// Which.
        job: String,
        /// How it ended.
        problem: String,
        /// The end of what it printed.
        output: String,
    },
    /// A directory of the package manager, or one above it, is not the one that was there before a hook ran.
    #[error(
        "{job} exchanged /{path}: what the package manager knows of this root cannot be believed any more"
    )]
    OwnExchanged {
        /// Which.
        job: String,
        /// The directory.
        path: RelPath,
    },
    /// The last transaction is not settled: hooks change files that its journal still moves.
    #[error("hooks are run after the transaction is settled")]
    Unsettled,
    /// A journal of hooks is not what was written.
    #[error("the journal of hooks {path} is damaged")]
    Journal {
        /// Where it is.
        path: String,
        /// How.
        #[source]
        source: RecordError,
    },
    /// What hooks left cannot be read.
    #[error("cannot read the journals of hooks")]
    Read {
        /// Why.
        #[source]
        source: RootError,
    },
    /// Something below `var/lib/igos/hooks` cannot be written.
    #[error("cannot {operation}")]
    State {
        /// What was tried.
        operation: &'static str,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

impl Explain for HookError {
    fn code(&self) -> &'static str {
        match self {
            HookError::NoSandbox { .. } => "hooks-need-sandbox",
            HookError::Sandbox { source, .. } => source.code(),
            HookError::Refused { .. } => "hook-refused",
            HookError::OwnExchanged { .. } => "hook-exchanged-state",
            HookError::Unsettled => "hooks-unsettled",
            HookError::Journal { .. } => "hook-journal-damaged",
            HookError::Read { .. } => "hook-journal-unreadable",
            HookError::State { .. } => "hook-state-unwritable",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            HookError::NoSandbox { missing } => missing
                .iter()
                .map(|feature| feature.remedy.clone())
                .chain([
                    "change the packages and run nothing: `--no-triggers`, which the history says"
                        .to_owned(),
                ])
                .collect(),
            HookError::Sandbox { source, .. } => source.hints(),
            HookError::Refused { .. } => {
                vec!["mend what it complains about, or leave its package as it is".to_owned()]
            }
            HookError::Journal { path, .. } => vec![format!(
                "bring /{path} back from a backup, or delete it, which forgets what was to be run"
            )],
            HookError::OwnExchanged { path, .. } => vec![
                format!(
                    "look for the directory that was /{path}, and put it back with its owner and mode"
                ),
                "then take its package away: it gained what no package may".to_owned(),
            ],
            HookError::Unsettled | HookError::Read { .. } | HookError::State { .. } => Vec::new(),
        }
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        let mut diagnostic = diagnose(self);
        if let HookError::Refused { output, .. } = self {
            let lines = output.lines().map(|line| format!("it printed: {line}"));
            diagnostic.because.extend(lines);
        }
        vec![diagnostic]
    }

    fn exit_code(&self) -> u8 {
        match self {
            HookError::Refused { .. } | HookError::OwnExchanged { .. } => 1,
            HookError::Sandbox { source, .. } => source.exit_code(),
            _ => 4,
        }
    }
}
