//! `pkm reinstall`: the same version once more.

use std::path::PathBuf;

use clap::Args;
use igos_cli::Failure;
use igos_format::PackageName;
use igos_sysroot::{Again, InstallRequest, Unmanaged, Wanted};

use super::Context;
use super::context::Begin;
use super::install::From;
use super::plan::PlanAnswer;

/// Install installed packages once more, in the same version
///
/// Brings back files that were changed or deleted. The archive has to be in a directory of archives, or given with
/// `--file`. The package is never gone in between.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    pkm reinstall zlib --archives ./archives\n  \
    pkm reinstall zlib --file ./zlib-1.3.1-1.x86_64.igos.tar.zst --allow-unsigned")]
pub(super) struct Reinstall {
    /// Packages to install once more
    #[arg(value_name = "NAME", required = true)]
    names: Vec<PackageName>,
    /// An archive of one of the packages; can be given several times
    #[arg(long, value_name = "FILE")]
    file: Vec<PathBuf>,
    #[command(flatten)]
    from: From,
}

impl Reinstall {
    pub(super) fn run(self, context: &Context<'_>) -> Result<PlanAnswer, Failure> {
        let sysroot = context.sysroot(Unmanaged::Refuse)?;
        let mut archives = self.from.read(context)?;
        for file in &self.file {
            archives.add_file(file)?;
        }
        let mut wanted = Vec::new();
        for name in self.names {
            let installed = sysroot.record(&name)?.installed;
            wanted.push(Wanted {
                exact: Some(installed.package),
                ..Wanted::newest(name)
            });
        }
        let request = InstallRequest {
            again: Again::Reinstall,
            unsigned: self.from.unsigned(),
            ..InstallRequest::new(wanted)
        };
        let plan = sysroot.plan_install(&archives.candidates(), &request)?;
        context.carry_out(plan, &archives, Begin::Refuse)
    }
}
