//! `pkm autoremove`.

use clap::Args;
use igos_cli::Failure;
use igos_format::Arch;
use igos_repo::repository::Catalogue;
use igos_solve::{Graph, RemovalWhy, Request};
use igos_sysroot::Unmanaged;

use super::Context;
use super::change::Asked;
use super::context::Begin;
use super::kernels::{Kernel, kept_kernels};
use super::plan::PlanAnswer;
use crate::archives::Archives;

/// Remove what nobody asked for and nothing needs any more
///
/// What is only needed by such packages goes with them. What is held or essential stays, and so do the running kernel
/// and the newest.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  pkm --dry-run autoremove\n  pkm autoremove --yes")]
pub(super) struct Autoremove {
    #[command(flatten)]
    kernel: Kernel,
}

impl Autoremove {
    pub(super) fn run(self, context: &Context<'_>) -> Result<PlanAnswer, Failure> {
        let sysroot = context.sysroot(Unmanaged::Refuse)?;
        let universe = sysroot.universe(Arch::native(), &|_| None)?;
        let kept = kept_kernels(context, &sysroot)?;
        let orphans = Graph::of(&universe).orphans(&universe, &kept);
        let asked = Asked::new(Request::remove(orphans), self.kernel.running(context)?);
        let (archives, catalogue) = (Archives::default(), Catalogue::default());
        let mut found = context.solve(&sysroot, &archives, &catalogue, &asked.request)?;
        for removal in &mut found.0.remove {
            removal.why = RemovalWhy::Orphaned;
        }
        context.transact(asked, found, &sysroot, &catalogue, archives, Begin::Refuse)
    }
}
