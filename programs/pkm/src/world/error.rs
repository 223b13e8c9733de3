//! Why a text does not declare what a root is to be.

use std::io;
use std::path::PathBuf;

use igos_format::Sha256;
use igos_repo::repository::{RepositoryName, RepositoryNameError};
use igos_report::{Diagnostic, Explain};

use super::declared::FORMAT;

/// A text does not declare what a root is to be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WorldError {
    /// It is no TOML, or not with these keys.
    #[error("{file} does not say what a root is to be")]
    Text {
        /// The file.
        file: String,
        /// Its text.
        text: String,
        /// What is wrong.
        #[source]
        source: toml::de::Error,
    },
    /// It is for another version of this program.
    #[error("{file} has format {found}, this program knows {FORMAT}")]
    Format {
        /// The file.
        file: String,
        /// What it has.
        found: u32,
    },
    /// One of its patterns is none.
    #[error("{text:?} in {file} is no pattern of paths")]
    Pattern {
        /// The file.
        file: String,
        /// The pattern.
        text: String,
        /// Why not.
        #[source]
        source: igos_format::PatternError,
    },
    /// It defines repositories in a version of the text that has no such thing.
    #[error("{file} defines repositories, which takes format {needed}")]
    TooOldToDefine {
        /// The file.
        file: String,
        /// The format it takes.
        needed: u32,
    },
    /// What it calls a repository cannot be the name of one.
    #[error("{file} defines a repository that cannot be called so")]
    RepositoryName {
        /// The file.
        file: String,
        /// Why not.
        #[source]
        source: RepositoryNameError,
    },
    /// It does not say whom a repository is believed, or says it twice.
    #[error("{file} does not say whom repository {name} is believed")]
    NoTrust {
        /// The file.
        file: String,
        /// The repository.
        name: RepositoryName,
    },
    /// The root that it names cannot be read.
    #[error("cannot read the root of repository {name}")]
    RootUnreadable {
        /// The repository.
        name: RepositoryName,
        /// Why; it names the file.
        #[source]
        source: io::Error,
    },
    /// The root that it names is another one than it says.
    #[error(
        "the root of repository {name}, {}, has digest {actual}, {file} says {expected}",
        root.display()
    )]
    OtherRoot {
        /// The file.
        file: String,
        /// The repository.
        name: RepositoryName,
        /// The file of the root.
        root: PathBuf,
        /// What the declaration says.
        expected: Sha256,
        /// What was found.
        actual: Sha256,
    },
    /// One of its repositories is not known.
    #[error("{file} asks for repository {name}, which this root does not know")]
    Repository {
        /// The file.
        file: String,
        /// The repository.
        name: String,
    },
}

impl Explain for WorldError {
    fn code(&self) -> &'static str {
        match self {
            WorldError::Text { .. } => "world-text",
            WorldError::Format { .. } => "world-newer-format",
            WorldError::Pattern { .. } => "world-pattern",
            WorldError::TooOldToDefine { .. } => "world-older-format",
            WorldError::RepositoryName { .. } => "world-repository-name",
            WorldError::NoTrust { .. } => "world-repository-untrusted",
            WorldError::RootUnreadable { .. } => "world-root-unreadable",
            WorldError::OtherRoot { .. } => "world-root-digest-mismatch",
            WorldError::Repository { .. } => "world-repository",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            WorldError::Repository { name, .. } => {
                vec![
                    format!("define it: `[repository.{name}]`, with format 2"),
                    format!("or make it known: `pkm repository add {name} URL --root-key FILE`"),
                ]
            }
            WorldError::TooOldToDefine { needed, .. } => vec![format!(
                "write `format = {needed}`: repositories that it neither defines nor names then go"
            )],
            WorldError::NoTrust { .. } => vec![
                "name the root.json and its digest: `trusted-root-file` and `trusted-root-sha256`"
                    .to_owned(),
                "or put it there as text: `trusted-root`".to_owned(),
            ],
            WorldError::OtherRoot { actual, .. } => vec![format!(
                "if those who run the repository vouch for this root, write `trusted-root-sha256 = \"{actual}\"`"
            )],
            _ => Vec::new(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            WorldError::RootUnreadable { .. } => 4,
            _ => 3,
        }
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        let mut diagnostic = igos_report::diagnose(self);
        if let WorldError::Text { file, text, source } = self {
            diagnostic.because = vec![source.message().to_owned()];
            if let Some(span) = source.span() {
                diagnostic = diagnostic.at_source(file, text, span);
            }
        }
        vec![diagnostic]
    }
}
