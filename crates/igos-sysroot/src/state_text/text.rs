//! Reading and writing texts of one form.

use std::collections::BTreeSet;

use igos_format::{RelPath, Sha256, escape};
use igos_report::Explain;
use igos_root::{RootDir, RootError};

use crate::record::{FormatError, SplitError, check_format, split_end};

/// The version of the texts this program writes, and the newest it reads.
const FORMAT: u32 = 1;

/// Longest text, in bytes.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// A text of the root's state cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateTextError {
    /// It cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The text.
        path: RelPath,
        /// Why.
        #[source]
        source: RootError,
    },
    /// It was written by a newer program.
    #[error("{path} needs a reader of format {needed}, this program reads {known}")]
    NewerFormat {
        /// The text.
        path: RelPath,
        /// The format it asks for.
        needed: u32,
        /// The newest this program knows.
        known: u32,
    },
    /// It is not what was written.
    #[error("{path} is damaged: {problem}")]
    Damaged {
        /// The text.
        path: RelPath,
        /// What is wrong with it.
        problem: String,
    },
}

impl Explain for StateTextError {
    fn code(&self) -> &'static str {
        match self {
            StateTextError::Read { .. } => "state-text-unreadable",
            StateTextError::NewerFormat { .. } => "state-text-newer-format",
            StateTextError::Damaged { .. } => "state-text-damaged",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            StateTextError::Read { .. } => Vec::new(),
            StateTextError::NewerFormat { .. } => {
                vec!["install a newer version of this program".to_owned()]
            }
            StateTextError::Damaged { path, .. } => vec![format!(
                "bring /{path} back from a backup, or delete it, which forgets what it said"
            )],
        }
    }

    fn exit_code(&self) -> u8 {
        4
    }
}

/// A text that is a set of lines, each of which is one value.
pub(crate) trait StateText: Default + PartialEq {
    /// The first word of the text.
    const KEYWORD: &'static str;

    /// Returns where it stands below the root.
    fn place() -> RelPath;

    /// Takes up one line; `None` if it is not one of this text's.
    fn add(&mut self, line: &str) -> Option<()>;

    /// Returns the lines.
    fn lines(&self) -> BTreeSet<String>;

    /// Returns the text; `None` where it says nothing and so need not be there.
    fn to_bytes(&self) -> Option<Vec<u8>> {
        let lines = self.lines();
        if lines.is_empty() {
            return None;
        }
        let mut text = format!("{} {FORMAT} {FORMAT}\n", Self::KEYWORD);
        for line in lines {
            text.push_str(&line);
            text.push('\n');
        }
        text.push_str(&format!("end {}\n", Sha256::of(text.as_bytes())));
        Some(text.into_bytes())
    }

    /// Reads the text, strictly.
    fn read(bytes: &[u8]) -> Result<Self, StateTextError> {
        let damaged = |problem: String| StateTextError::Damaged {
            path: Self::place(),
            problem,
        };
        check_format(bytes, Self::KEYWORD, FORMAT).map_err(|error| match error {
            FormatError::OtherText => {
                damaged(format!("it does not begin with `{}`", Self::KEYWORD))
            }
            FormatError::Newer { needed, known } => StateTextError::NewerFormat {
                path: Self::place(),
                needed,
                known,
            },
        })?;
        let body = split_end(bytes).map_err(|error| {
            damaged(match error {
                SplitError::Incomplete => "it does not end with its digest".to_owned(),
                SplitError::Digest { .. } => "its digest is another one".to_owned(),
            })
        })?;
        let body = std::str::from_utf8(body).map_err(|error| damaged(error.to_string()))?;
        let mut text = Self::default();
        for (at, line) in body.lines().enumerate().skip(1) {
            text.add(line)
                .ok_or_else(|| damaged(format!("line {} cannot be read", at + 1)))?;
        }
        if text.to_bytes().as_deref() != Some(bytes) {
            return Err(damaged("it is not in canonical form".to_owned()));
        }
        Ok(text)
    }

    /// Reads the text of a root; an absent one is empty.
    fn load(root: &RootDir) -> Result<Self, StateTextError> {
        let bytes = root
            .read_file(&Self::place(), MAX_BYTES)
            .map_err(|source| StateTextError::Read {
                path: Self::place(),
                source,
            })?;
        match bytes {
            None => Ok(Self::default()),
            Some(bytes) => Self::read(&bytes),
        }
    }
}

/// Returns the path that a text writes escaped.
pub(crate) fn parse_path(text: &str) -> Option<RelPath> {
    RelPath::from_bytes(&escape::unescape(text).ok()?).ok()
}
