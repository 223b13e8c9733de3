//! `igos-build sbom`

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use igos_cli::{Answer, Failure};

use super::provenance::DocumentAnswer;
use crate::evidence::{Bill, cyclonedx, spdx};

/// Print a bill of materials of archives or of an installed root
///
/// Of archives it lists each package with its licence, its sources and the digest of each file; of a root, the packages
/// that its record has. Equal archives give equal bills: the time in a bill is the newest time of the packages' files,
/// and its number follows from the seals of the packages.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  igos-build sbom zlib-1.3.1-1.x86_64.igos.tar.zst\n  igos-build sbom --root /mnt --format cyclonedx"
)]
pub(super) struct SbomCommand {
    /// The archives
    #[arg(required_unless_present = "root", value_name = "ARCHIVE")]
    archives: Vec<PathBuf>,
    /// The packages installed in this root
    #[arg(long, value_name = "DIR", conflicts_with = "archives")]
    root: Option<PathBuf>,
    /// In whose words
    #[arg(long, value_enum, default_value_t = BillFormat::Spdx)]
    format: BillFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum BillFormat {
    /// SPDX 2.3, as JSON
    Spdx,
    /// CycloneDX 1.6, as JSON
    Cyclonedx,
}

impl SbomCommand {
    /// Carries out the command.
    ///
    /// # Errors
    ///
    /// Returns the archive or the root that cannot be read.
    pub(super) fn execute(self) -> Result<Answer, Failure> {
        let bill = match &self.root {
            Some(root) => Bill::of_root(root)?,
            None => Bill::of_archives(&self.archives)?,
        };
        let program = env!("CARGO_PKG_VERSION");
        let document = match self.format {
            BillFormat::Spdx => spdx(&bill, program),
            BillFormat::Cyclonedx => cyclonedx(&bill, program),
        };
        Ok(Answer::from(DocumentAnswer(document)))
    }
}
