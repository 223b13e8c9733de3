//! Why a helper brings nothing.

use std::io;

use igos_format::archive::WriteArchiveError;
use igos_format::{PackageName, RelPath};
use igos_report::{Diagnostic, Explain, diagnose};
use igos_root::RootError;
use igos_sandbox::SandboxError;

use crate::QueryError;

/// A helper was not run, or what it left is no package.
#[derive(Debug, thiserror::Error)]
pub enum HelperError {
    /// There is none of this name.
    #[error("no installed package has a helper {name}")]
    Absent {
        /// The name.
        name: PackageName,
    },
    /// Its file, or that of its declaration, is not its package's.
    #[error("/{path} of helper {name} does not belong to an installed package, so it is not run")]
    NotOwned {
        /// The helper.
        name: PackageName,
        /// The file.
        path: RelPath,
    },
    /// Its declaration is wrong.
    #[error("/{path} does not declare a helper: {problem}")]
    Declaration {
        /// The declaration.
        path: RelPath,
        /// What is wrong with it.
        problem: String,
    },
    /// The record cannot be asked.
    #[error("cannot ask which package has the helper")]
    Query {
        /// Why.
        #[source]
        source: QueryError,
    },
    /// It cannot be read.
    #[error("cannot read the helper")]
    Read {
        /// Why.
        #[source]
        source: RootError,
    },
    /// It cannot be confined.
    #[error("cannot run helper {name}")]
    Sandbox {
        /// The helper.
        name: PackageName,
        /// Why.
        #[source]
        source: SandboxError,
    },
    /// It failed.
    #[error("helper {name} {problem}")]
    Failed {
        /// The helper.
        name: PackageName,
        /// How it ended.
        problem: String,
        /// The end of what it printed.
        output: String,
    },
    /// Its directory of work cannot be used.
    #[error("cannot {operation}")]
    Work {
        /// What was tried.
        operation: &'static str,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// It left no manifest, or not one.
    #[error("helper {name} left no usable manifest: {problem}")]
    Manifest {
        /// The helper.
        name: PackageName,
        /// What is wrong with it.
        problem: String,
    },
    /// What it staged is not what its manifest says, or not what a package may have.
    #[error("what helper {name} staged cannot be a package: {problem}")]
    Staged {
        /// The helper.
        name: PackageName,
        /// What is wrong with it.
        problem: String,
    },
    /// The archive cannot be written.
    #[error("cannot make an archive of what helper {name} staged")]
    Archive {
        /// The helper.
        name: PackageName,
        /// Why.
        #[source]
        source: WriteArchiveError,
    },
}

impl Explain for HelperError {
    fn code(&self) -> &'static str {
        match self {
            HelperError::Absent { .. } => "helper-absent",
            HelperError::NotOwned { .. } => "helper-not-owned",
            HelperError::Declaration { .. } => "helper-declaration",
            HelperError::Query { source } => source.code(),
            HelperError::Read { .. } => "helper-unreadable",
            HelperError::Sandbox { source, .. } => source.code(),
            HelperError::Failed { .. } => "helper-failed",
            HelperError::Work { .. } => "helper-work-directory",
            HelperError::Manifest { .. } => "helper-manifest",
            HelperError::Staged { .. } => "helper-staged-tree",
            HelperError::Archive { .. } => "helper-archive",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            HelperError::NotOwned { path, .. } => {
                vec![format!("see who put it there: `pkm owner /{path}`")]
            }
            HelperError::Sandbox { source, .. } => source.hints(),
            _ => Vec::new(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            HelperError::Query { source } => source.exit_code(),
            HelperError::Sandbox { source, .. } => source.exit_code(),
            HelperError::Read { .. } | HelperError::Work { .. } | HelperError::Archive { .. } => 4,
            _ => 1,
        }
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        let mut diagnostic = diagnose(self);
        if let HelperError::Failed { output, .. } = self {
            let lines = output.lines().map(|line| format!("it printed: {line}"));
            diagnostic.because.extend(lines);
        }
        vec![diagnostic]
    }
}
