//! `igos-build provenance`

use std::fmt;
use std::path::PathBuf;

use clap::Args;
use igos_cli::{Answer, Failure, Render};
use serde::Serialize;
use serde_json::Value;

use crate::evidence::{Evidence, EvidenceError, statement};

/// Print what an archive was built from, as an in-toto statement
///
/// The statement has SLSA provenance, version 1, inside. It says what the archive itself says: recipe, sources,
/// dependencies and toolchain with their digests, flags and the policy of the sandbox. Where the archive lies in the
/// cache that made it, its receipt adds which locks and limits were in force, and the toolchain adds its packages and
/// where each was imported from. What nobody knows is left out. The statement is not signed.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  igos-build provenance zlib-1.3.1-1.x86_64.igos.tar.zst\n  igos-build provenance --json ./zlib-1.3.1-1.x86_64.igos.tar.zst > zlib.intoto.json"
)]
pub(super) struct ProvenanceCommand {
    /// The archive
    archive: PathBuf,
}

/// A document in somebody else's format.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct DocumentAnswer(pub(super) Value);

impl ProvenanceCommand {
    /// Carries out the command.
    ///
    /// # Errors
    ///
    /// Returns the archive that cannot be read.
    pub(super) fn execute(self) -> Result<Answer, Failure> {
        let evidence = Evidence::of_archive(&self.archive)?;
        let statement =
            statement(&evidence).ok_or(EvidenceError::Unknown { path: self.archive })?;
        Ok(Answer::from(DocumentAnswer(statement)))
    }
}

impl Render for DocumentAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        writeln!(out, "{:#}", self.0)
    }
}
