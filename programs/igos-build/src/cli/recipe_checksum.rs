//! `igos-build recipe checksum`

use std::fmt;
use std::path::{Path, PathBuf};

use clap::Args;
use igos_cli::{Answer, Exit, Failure, Globals, Render, Session};
use igos_recipe::Source;
use igos_report::{Diagnostic, Explain};
use serde::Serialize;

use super::recipes::{self, RecipeFlags};
use crate::tree::{self, Checksummed, Digests, TreeEntry, checksum};

#[derive(Debug, Args)]
pub(super) struct ChecksumCommand {
    /// Recipes whose sources are digested
    #[arg(required = true)]
    names: Vec<String>,
    /// Directory of source files, looked up by file name
    #[arg(long, value_name = "DIR")]
    sources: Option<PathBuf>,
}

/// A recipe's file cannot be replaced.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}", path.display())]
struct WriteChecksumsError {
    path: PathBuf,
    #[source]
    source: std::io::Error,
}

impl Explain for WriteChecksumsError {
    fn code(&self) -> &'static str {
        "recipe-unwritable"
    }
}

#[derive(Debug, Serialize)]
struct ChecksumAnswer {
    written: Vec<String>,
    unchanged: Vec<String>,
    unknown: Vec<UnknownSource>,
    is_dry_run: bool,
}

#[derive(Debug, Serialize)]
struct UnknownSource {
    name: String,
    location: String,
}

impl ChecksumCommand {
    pub(super) fn execute(
        self,
        globals: &Globals,
        flags: &RecipeFlags,
        session: &Session,
    ) -> Result<Answer, Failure> {
        // Recipes without digests have errors: this command is how to mend them, so they are not shown first.
        let tree = tree::load(&flags.settings(session))?;
        let mut answer = ChecksumAnswer {
            written: Vec::new(),
            unchanged: Vec::new(),
            unknown: Vec::new(),
            is_dry_run: globals.dry_run,
        };
        for name in &self.names {
            let entry = recipes::find(&tree, name)?;
            let mut provide =
                |_: &TreeEntry, source: &Source| find_by_name(self.sources.as_deref(), source);
            let result: Checksummed = checksum::<Failure>(entry, &mut provide)?;
            for location in &result.unknown {
                let message = format!("nobody knows the digest of {location}, a source of {name}");
                let diagnostic = Diagnostic::error("source-digest-unknown", message).hint(
                    "fetch the file, look at it, and name its directory with `--sources DIR`",
                );
                session.notice(diagnostic);
                answer.unknown.push(UnknownSource {
                    name: name.clone(),
                    location: location.clone(),
                });
            }
            let shown = result.file.display().to_string();
            let Some(text) = &result.text else {
                continue;
            };
            if is_written(&result.file, text) {
                // A file that lacks digests is not as it should be.
                if result.unknown.is_empty() {
                    answer.unchanged.push(shown);
                }
                continue;
            }
            if !globals.dry_run {
                replace(&result.file, text)?;
            }
            answer.written.push(shown);
        }
        Ok(Answer::from(answer))
    }
}

/// Returns the digests of the file of the source's name in a directory.
fn find_by_name(directory: Option<&Path>, source: &Source) -> Result<Option<Digests>, Failure> {
    let Some(path) = directory.map(|directory| directory.join(source.file_name())) else {
        return Ok(None);
    };
    match fs_err::File::open(&path).and_then(Digests::read) {
        Ok(digests) => Ok(Some(digests)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            let diagnostic = Diagnostic::error("source-unreadable", "cannot read a source");
            let place = path.display().to_string();
            Err(Failure::new(
                Exit::Unfinished,
                diagnostic.because(error.to_string()).at(place),
            ))
        }
    }
}

/// Tells whether a file has this text; one that is not there, or cannot be read, has another.
fn is_written(path: &Path, text: &str) -> bool {
    fs_err::read(path).is_ok_and(|old| old == text.as_bytes())
}

/// Puts a new file in the place of the old one; a reader sees one of them, whole.
fn replace(path: &Path, text: &str) -> Result<(), WriteChecksumsError> {
    let failed = |source| WriteChecksumsError {
        path: path.to_owned(),
        source,
    };
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let fresh = path.with_file_name(format!(".{name}.new"));
    fs_err::write(&fresh, text).map_err(failed)?;
    fs_err::rename(&fresh, path).map_err(failed)
}

impl Render for ChecksumAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        let written = if self.is_dry_run {
            "would be written"
        } else {
            "written"
        };
        for path in &self.written {
            writeln!(out, "{path}  {written}")?;
        }
        for path in &self.unchanged {
            writeln!(out, "{path}  unchanged")?;
        }
        for source in &self.unknown {
            writeln!(out, "{}  {}  unknown", source.name, source.location)?;
        }
        Ok(())
    }

    fn exit(&self) -> Exit {
        if self.unknown.is_empty() {
            Exit::Done
        } else {
            Exit::No
        }
    }
}
