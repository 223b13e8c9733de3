//! `pkm reinstall`: the same version once more.

use std::path::PathBuf;

use clap::Args;
use igos_cli::{Failure, complete_names};
use igos_format::PackageName;
use igos_solve::{Request, Wanted, Which};

use super::Context;
use super::change::Asked;
use super::completion;
use super::context::Begin;
use super::kernels::Kernel;
use super::plan::PlanAnswer;
use super::rules::From;

/// Install installed packages once more, in the same version
///
/// Brings back files that were changed or deleted. The archive comes from a repository or a directory of archives,
/// or is given with `--file`. The package is never gone in between.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    pkm reinstall zlib --archives ./archives\n  \
    pkm reinstall zlib --file ./zlib-1.3.1-1.x86_64.igos.tar.zst --allow-unsigned")]
pub(super) struct Reinstall {
    /// Packages to install once more
    #[arg(add = complete_names(completion::installed), value_name = "NAME", required = true)]
    names: Vec<PackageName>,
    /// An archive of one of the packages; can be given several times
    #[arg(long, value_name = "FILE")]
    file: Vec<PathBuf>,
    #[command(flatten)]
    from: From,
    #[command(flatten)]
    kernel: Kernel,
}

impl Reinstall {
    pub(super) fn run(self, context: &Context<'_>) -> Result<PlanAnswer, Failure> {
        let mut archives = self.from.read(context)?;
        for file in &self.file {
            archives.add_file(file)?;
        }
        let again = |name| Wanted {
            name,
            which: Which::Again,
        };
        let request = Request::install(self.names.into_iter().map(again).collect());
        let asked = Asked {
            unsigned: self.from.unsigned(),
            ..Asked::new(request, self.kernel.running(context)?)
        };
        context.change(asked, archives, Begin::Refuse)
    }
}
