//! Why a toolchain could not be imported.

use igos_format::RelPath;
use igos_format::archive::WriteArchiveError;
use igos_repo::FetchError;
use igos_repo::debian::ClosureError;
use igos_report::{Diagnostic, Explain, diagnose};

use super::DebError;
use super::files::FileError;

/// A toolchain could not be imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The list of packages could not be closed.
    #[error("cannot resolve the packages of the toolchain")]
    Closure(#[source] ClosureError),
    /// Packages could not be fetched.
    #[error("cannot fetch {} of the toolchain's packages", errors.len())]
    Fetch {
        /// Why, for each.
        errors: Vec<FetchError>,
    },
    /// A package could not be converted.
    #[error("cannot convert {package}")]
    Convert {
        /// The package.
        package: String,
        /// Why.
        #[source]
        source: DebError,
    },
    /// An archive could not be written.
    #[error("cannot write the archive of {package}")]
    Write {
        /// The package.
        package: String,
        /// Why.
        #[source]
        source: WriteArchiveError,
    },
    /// Packages, or a package and a declared link, have the same path.
    #[error("{} paths of the toolchain belong to more than one package", conflicts.len())]
    Conflicts {
        /// The paths and who has them.
        conflicts: Vec<(RelPath, [String; 2])>,
    },
    /// Declared links lead nowhere.
    #[error("{} declared links lead to nothing that the packages have", links.len())]
    Dangling {
        /// The links and their targets.
        links: Vec<(RelPath, String)>,
    },
    /// A file of the toolchain's directory could not be made.
    #[error(transparent)]
    File(#[from] FileError),
}

impl Explain for ImportError {
    fn code(&self) -> &'static str {
        match self {
            ImportError::Closure(error) => error.code(),
            ImportError::Fetch { .. } => "toolchain-package-not-found",
            ImportError::Convert { .. } => "toolchain-package-unreadable",
            ImportError::Write { .. } => "toolchain-archive-unwritable",
            ImportError::Conflicts { .. } => "toolchain-path-conflict",
            ImportError::Dangling { .. } => "toolchain-link-dangling",
            ImportError::File(_) => "toolchain-unwritable",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            ImportError::Closure(error) => error.hints(),
            ImportError::Conflicts { .. } | ImportError::Dangling { .. } => {
                vec!["correct the list, or name another with `--list FILE`".into()]
            }
            ImportError::Convert { .. } => {
                vec!["leave the package out with `without` in the list".into()]
            }
            ImportError::Fetch { .. } | ImportError::Write { .. } | ImportError::File(_) => {
                Vec::new()
            }
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            ImportError::Closure(error) => error.exit_code(),
            ImportError::Fetch { errors } => {
                errors.iter().map(FetchError::exit_code).max().unwrap_or(4)
            }
            ImportError::Convert {
                source: DebError::Keep(_),
                ..
            }
            | ImportError::File(_) => 4,
            ImportError::Convert { .. }
            | ImportError::Conflicts { .. }
            | ImportError::Dangling { .. } => 1,
            ImportError::Write { source, .. } => source.exit_code(),
        }
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        let mut own = diagnose(self);
        match self {
            ImportError::Fetch { errors } => {
                return std::iter::once(own)
                    .chain(errors.iter().flat_map(Explain::diagnostics))
                    .collect();
            }
            ImportError::Conflicts { conflicts } => {
                for (path, [one, other]) in conflicts {
                    own = own.because(format!("/{path} is in {one} and in {other}"));
                }
            }
            ImportError::Dangling { links } => {
                for (path, target) in links {
                    own = own.because(format!("/{path} leads to {target}"));
                }
            }
            ImportError::Closure(_)
            | ImportError::Convert { .. }
            | ImportError::Write { .. }
            | ImportError::File(_) => {}
        }
        vec![own]
    }
}
