//! `igos-build key make`

use std::fmt;
use std::path::PathBuf;

use clap::Args;
use igos_cli::{Answer, Failure, Globals, Render};
use igos_repo::trust::SecretKey;
use serde::Serialize;

/// Make one key, whose holder keeps it
///
/// The file never has to leave the machine: whoever runs the repository needs the public key alone, for
/// `key rotate --new`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  igos-build key make anna.key")]
pub(super) struct MakeCommand {
    /// A new file
    file: PathBuf,
}

/// A key that was made.
#[derive(Debug, Serialize)]
struct MakeAnswer {
    id: String,
    public: String,
    file: PathBuf,
    is_dry_run: bool,
}

impl MakeCommand {
    pub(super) fn execute(self, globals: &Globals) -> Result<Answer, Failure> {
        let key = SecretKey::generate()?;
        if !globals.dry_run {
            key.store(&self.file)?;
        }
        Ok(Answer::from(MakeAnswer {
            id: key.id().to_string(),
            public: key.public().to_string(),
            file: self.file,
            is_dry_run: globals.dry_run,
        }))
    }
}

impl Render for MakeAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        writeln!(out, "keep this secret: {}", self.file.display())?;
        writeln!(out, "public key: {}", self.public)?;
        writeln!(out, "its name:   {}", self.id)
    }
}
