//! `pkm unpack`: an archive into a directory, without a root and without rights.

use std::fmt;
use std::path::PathBuf;

use clap::Args;
use igos_cli::{Failure, Render, Size};
use igos_format::{PackageId, Sha256};
use igos_sandbox::Measures;
use serde::Serialize;

use super::Context;

/// Verify an archive and unpack it into a new directory, confined and without privilege
///
/// Nothing is installed: no root, record or hook has a part in it. A process of its own reads the archive, without
/// network, with no file in sight but the archive and the new directory, and with 256 MiB of memory; if that cannot be
/// confined here, nothing is unpacked. Every content is compared with the manifest. Setuid and setgid bits, capabilities and extended
/// attributes are left out, and everything belongs to you; nobody else can enter the directory. If the archive is
/// refused nothing stays.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    pkm unpack ./zlib-1.3.1-1.x86_64.igos.tar.zst ./zlib\n  \
    pkm unpack ./downloaded.igos.tar.xz /tmp/look --json")]
pub(super) struct Unpack {
    /// The archive
    #[arg(value_name = "ARCHIVE")]
    archive: PathBuf,
    /// The directory; it must not be there yet
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

impl Unpack {
    pub(super) fn run(self, context: &Context<'_>) -> Result<UnpackAnswer, Failure> {
        let interrupt = context.session.interrupt();
        // Whoever unpacks is stopped, and what was begun is deleted.
        interrupt.must_finish();
        igos_sandbox::stop_when(interrupt.flag());
        let unpacked = igos_sysroot::unpack(&self.archive, &self.directory);
        if unpacked.is_err() {
            interrupt.check()?;
        }
        let unpacked = unpacked?;
        let summary = unpacked.summary;
        Ok(UnpackAnswer {
            package: summary.package,
            seal: summary.seal,
            directory: self.directory,
            paths: summary.paths,
            size_bytes: summary.bytes,
            measures: unpacked.measures,
        })
    }
}

/// What was unpacked, and which locks were in force.
#[derive(Debug, Serialize)]
pub(super) struct UnpackAnswer {
    package: PackageId,
    seal: Sha256,
    directory: PathBuf,
    paths: usize,
    size_bytes: u64,
    measures: Measures,
}

impl Render for UnpackAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        let (package, size) = (&self.package, Size(self.size_bytes));
        writeln!(
            out,
            "unpacked {package} into {}: {} paths, {size}",
            self.directory.display(),
            self.paths
        )
    }
}
