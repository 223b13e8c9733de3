//! `pkm remove`.

use clap::Args;
use igos_cli::{Failure, complete_names};
use igos_format::PackageName;
use igos_solve::{Essentials, Policy, Removals, Request};

use super::Context;
use super::change::Asked;
use super::completion;
use super::context::Begin;
use super::kernels::Kernel;
use super::plan::PlanAnswer;
use crate::archives::Archives;

/// Remove packages
///
/// A package that others need is only removed together with them. Edited configuration files stay where they are.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    pkm remove pigz\n  \
    pkm --dry-run remove zlib --allow-removals")]
pub(super) struct Remove {
    /// Packages to remove
    #[arg(add = complete_names(completion::installed), value_name = "NAME", required = true)]
    names: Vec<PackageName>,
    /// Remove what needs them too; the plan shows it
    #[arg(long)]
    allow_removals: bool,
    /// Remove packages without which the system may not start
    #[arg(long)]
    remove_essential: bool,
    #[command(flatten)]
    kernel: Kernel,
}

impl Remove {
    pub(super) fn run(self, context: &Context<'_>) -> Result<PlanAnswer, Failure> {
        let policy = Policy {
            removals: match self.allow_removals {
                true => Removals::Allow,
                false => Removals::Refuse,
            },
            essentials: match self.remove_essential {
                true => Essentials::Remove,
                false => Essentials::Keep,
            },
            ..Policy::default()
        };
        let request = Request {
            policy,
            ..Request::remove(self.names.into_iter().collect())
        };
        let asked = Asked::new(request, self.kernel.running(context)?);
        context.change(asked, Archives::default(), Begin::Refuse)
    }
}
