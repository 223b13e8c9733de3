//! `pkm remove`.

use clap::Args;
use igos_cli::Failure;
use igos_format::PackageName;
use igos_sysroot::{Essential, RemoveRequest, Unmanaged};

use super::Context;
use super::context::Begin;
use super::plan::PlanAnswer;
use crate::archives::Archives;

/// Remove packages
///
/// A package that others need is only removed together with them. Edited configuration files stay where they are.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  pkm remove pigz\n  pkm --dry-run remove pigz zlib")]
pub(super) struct Remove {
    /// Packages to remove
    #[arg(value_name = "NAME", required = true)]
    names: Vec<PackageName>,
    /// Remove packages without which the system may not start
    #[arg(long)]
    remove_essential: bool,
}

impl Remove {
    pub(super) fn run(self, context: &Context<'_>) -> Result<PlanAnswer, Failure> {
        let request = RemoveRequest {
            essential: if self.remove_essential {
                Essential::Remove
            } else {
                Essential::Keep
            },
            ..RemoveRequest::new(self.names.into_iter().collect())
        };
        let plan = context.sysroot(Unmanaged::Refuse)?.plan_remove(&request)?;
        context.carry_out(plan, &Archives::default(), Begin::Refuse)
    }
}
