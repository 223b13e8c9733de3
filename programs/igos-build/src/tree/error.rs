//! Why a search path cannot be read at all.

use std::io;
use std::path::{Path, PathBuf};

use igos_report::{Diagnostic, Explain, diagnose};

/// A search path cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LoadTreeError {
    /// No directory was named.
    #[error("there is no directory of recipes to read")]
    Nowhere,
    /// Directories of the search path cannot be opened.
    #[error("cannot read {} directories of the search path", .0.len())]
    Directories(Vec<UnreadableDirectory>),
}

/// One directory that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the recipes in {}", directory.display())]
pub struct UnreadableDirectory {
    directory: PathBuf,
    #[source]
    source: io::Error,
}

impl UnreadableDirectory {
    pub(super) fn new(directory: &Path, source: io::Error) -> Self {
        UnreadableDirectory {
            directory: directory.to_owned(),
            source,
        }
    }
}

impl Explain for UnreadableDirectory {
    fn code(&self) -> &'static str {
        "recipe-directory-unreadable"
    }

    fn hints(&self) -> Vec<String> {
        vec!["name the directories with `--recipes DIR[:DIR…]`".to_owned()]
    }
}

impl Explain for LoadTreeError {
    fn code(&self) -> &'static str {
        match self {
            LoadTreeError::Nowhere => "recipe-directory-missing",
            LoadTreeError::Directories(_) => "recipe-directory-unreadable",
        }
    }

    fn hints(&self) -> Vec<String> {
        vec!["name the directories with `--recipes DIR[:DIR…]`".to_owned()]
    }

    fn exit_code(&self) -> u8 {
        match self {
            LoadTreeError::Nowhere => 2,
            LoadTreeError::Directories(_) => 4,
        }
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        match self {
            LoadTreeError::Nowhere => vec![diagnose(self)],
            LoadTreeError::Directories(all) => all.iter().map(|one| diagnose(one)).collect(),
        }
    }
}
