//! Reading the documents of a pipeline: TOML in which every mistake is told with its line and column.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use igos_report::{Diagnostic, Explain};
use serde::de::DeserializeOwned;
use toml::Spanned;

/// Largest document, in bytes: some thousand packages.
const DOCUMENT_MAX_BYTES: u64 = 1 << 20;

/// A document cannot be used: everything that is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// It cannot be read.
    #[error("cannot read {}: {reason}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Why not.
        reason: String,
    },
    /// It is not there.
    #[error("there is no {}", file.display())]
    Absent {
        /// The file.
        file: PathBuf,
    },
    /// Its text is wrong.
    #[error("{} cannot be used", file.display())]
    Invalid {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        diagnostics: Vec<Diagnostic>,
    },
}

impl Explain for DocumentError {
    fn code(&self) -> &'static str {
        match self {
            DocumentError::Unreadable { .. } => "document-unreadable",
            DocumentError::Absent { .. } => "document-absent",
            DocumentError::Invalid { .. } => "document-invalid",
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            DocumentError::Unreadable { .. } => 4,
            DocumentError::Absent { .. } | DocumentError::Invalid { .. } => 1,
        }
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        match self {
            DocumentError::Invalid { diagnostics, .. } => diagnostics.clone(),
            _ => vec![igos_report::diagnose(self)],
        }
    }
}

/// Returns a function that names what could not be read.
pub(super) fn unreadable(file: &Path) -> impl Fn(std::io::Error) -> DocumentError {
    let file = file.to_owned();
    move |error| DocumentError::Unreadable {
        file: file.clone(),
        reason: error.to_string(),
    }
}

/// Reads the text of a document.
///
/// # Errors
///
/// Returns that there is none, or why it cannot be read.
pub(super) fn read(file: &Path) -> Result<String, DocumentError> {
    use std::io::Read as _;

    let unreadable = unreadable(file);
    let opened = match fs_err::File::open(file) {
        Ok(opened) => opened,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(DocumentError::Absent {
                file: file.to_owned(),
            });
        }
        Err(error) => return Err(unreadable(error)),
    };
    let mut text = String::new();
    opened
        .take(DOCUMENT_MAX_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(&unreadable)?;
    if text.len() as u64 > DOCUMENT_MAX_BYTES {
        let reason = format!("it has more than {DOCUMENT_MAX_BYTES} bytes");
        return Err(unreadable(std::io::Error::other(reason)));
    }
    Ok(text)
}

/// Collects what is wrong with a document while it is read.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    code: &'static str,
    file: &'a Path,
    text: &'a str,
    diagnostics: Vec<Diagnostic>,
}

impl<'a> Reader<'a> {
    /// Parses a document whose keys are those of `T`, and `format`, which `format_of` returns, is 1.
    pub(super) fn parse<T: DeserializeOwned>(
        code: &'static str,
        file: &'a Path,
        text: &'a str,
        format_of: impl Fn(&T) -> &Spanned<u32>,
    ) -> Result<(Self, T), DocumentError> {
        let mut reader = Reader {
            code,
            file,
            text,
            diagnostics: Vec::new(),
        };
        match toml::from_str::<T>(text) {
            Ok(written) => {
                let format = format_of(&written);
                if *format.get_ref() != 1 {
                    reader.refuse(
                        format.span(),
                        "format is not 1, the only one this program knows",
                    );
                }
                Ok((reader, written))
            }
            Err(error) => {
                reader.refuse(error.span().unwrap_or(0..0), error.message());
                Err(reader.error())
            }
        }
    }

    /// Returns a value with a grammar; what has another one is told.
    pub(super) fn value<T: FromStr>(&mut self, written: &Spanned<String>) -> Option<T>
    where
        T::Err: std::fmt::Display,
    {
        match written.get_ref().parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.refuse(written.span(), error.to_string());
                None
            }
        }
    }

    /// Returns a list of values without repetitions; what stands twice is told.
    pub(super) fn values<T: FromStr + Ord + Clone>(&mut self, written: &[Spanned<String>]) -> Vec<T>
    where
        T::Err: std::fmt::Display,
    {
        let mut seen = BTreeSet::new();
        let mut values = Vec::new();
        for one in written {
            let Some(value) = self.value::<T>(one) else {
                continue;
            };
            if seen.insert(value.clone()) {
                values.push(value);
            } else {
                self.refuse(one.span(), format!("{:?} stands twice", one.get_ref()));
            }
        }
        values
    }

    /// Tells that something is wrong.
    pub(super) fn refuse(&mut self, span: Range<usize>, message: impl Into<String>) {
        let diagnostic = self.diagnostic(span, message);
        self.diagnostics.push(diagnostic);
    }

    /// Returns what is told about a place of the document.
    pub(super) fn diagnostic(&self, span: Range<usize>, message: impl Into<String>) -> Diagnostic {
        let file = self.file.display().to_string();
        Diagnostic::error(self.code, message).at_source(file, self.text, span)
    }

    /// Returns `value` if nothing was wrong.
    pub(super) fn finish<T>(self, value: Option<T>) -> Result<T, DocumentError> {
        match value {
            Some(value) if self.diagnostics.is_empty() => Ok(value),
            _ => Err(self.error()),
        }
    }

    fn error(self) -> DocumentError {
        DocumentError::Invalid {
            file: self.file.to_owned(),
            diagnostics: self.diagnostics,
        }
    }
}
