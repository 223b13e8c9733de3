//! `pkm rollback`: back to an earlier point of the history.

use clap::Args;
use igos_cli::Failure;
use igos_sysroot::{Ownership, RollbackRequest, Unmanaged};

use super::Context;
use super::context::Begin;
use super::kernels::Kernel;
use super::plan::PlanAnswer;
use super::rules::From;

/// Undo a transaction and all later ones
///
/// Brings packages, their files and their records back to where they were before transaction ID, which `pkm history`
/// tells. It is planned, shown and carried out as every change, and can itself be undone. Configuration files that
/// you edited stay as they are. What transactions took out of the root is kept within the limits `undo.transactions`
/// and `undo.bytes` of the settings; where a content is not kept any more, the archive of its package is needed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    pkm history\n  \
    pkm rollback 41\n  \
    pkm --dry-run rollback 41\n  \
    pkm rollback 38 --archives ./archives")]
pub(super) struct Rollback {
    /// The first transaction to undo
    #[arg(value_name = "ID")]
    transaction: u64,
    #[command(flatten)]
    from: From,
    #[command(flatten)]
    kernel: Kernel,
}

impl Rollback {
    pub(super) fn run(self, context: &Context<'_>) -> Result<PlanAnswer, Failure> {
        let archives = self.from.read(context)?;
        let plan = context
            .sysroot(Unmanaged::Refuse)?
            .plan_rollback(&RollbackRequest {
                transaction: self.transaction,
                kernel: self.kernel.running(context)?,
                ownership: Ownership::of_caller(),
                at_hand: &|seal| archives.candidate(seal).is_some(),
            })?;
        context.carry_out(plan, &archives, Begin::Refuse)
    }
}
