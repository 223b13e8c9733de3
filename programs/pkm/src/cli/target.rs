//! What a word of the command line names: a file of the disk, or something by its name.

use std::ffi::OsStr;
use std::path::Path;

use igos_cli::Failure;
use igos_format::PackageName;
use igos_sysroot::Candidate;

use crate::archives::{Archives, is_archive_name};

/// What a word names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target<'a> {
    /// A file or directory: it has a `/`, or the name that archives have.
    Path(&'a Path),
    /// Something else, by its name.
    Name(&'a str),
}

impl<'a> Target<'a> {
    /// Tells what a word names.
    pub(super) fn of(word: &'a OsStr) -> Result<Self, Failure> {
        let path = Path::new(word);
        if word.as_encoded_bytes().contains(&b'/') || is_archive_name(path) {
            return Ok(Target::Path(path));
        }
        let text = word.to_str().map(Target::Name);
        text.ok_or_else(|| {
            Failure::usage(format!("{} is not the name of a package", word.display()))
        })
    }
}

/// Reads the name of a package.
pub(super) fn name(text: &str) -> Result<PackageName, Failure> {
    text.parse()
        .map_err(|error: igos_format::NameError| Failure::usage(error.to_string()))
}

/// Reads and verifies the head of an archive that nobody vouches for.
pub(super) fn archive(file: &Path) -> Result<Candidate, Failure> {
    let mut archives = Archives::default();
    let seal = archives.add_file(file)?;
    let candidate = archives.candidate(&seal).cloned();
    Ok(candidate.expect("it was just added"))
}
