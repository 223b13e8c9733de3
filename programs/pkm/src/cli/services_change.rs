//! `pkm services enable` and `pkm services disable`.

use clap::Args;
use igos_cli::Failure;
use igos_format::PackageName;
use igos_sysroot::{Ownership, ServiceWish, Unmanaged};

use super::Context;
use super::context::Begin;
use super::plan::PlanAnswer;
use crate::archives::Archives;

/// Let services start with the machine; none is started now
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  pkm services enable sshd\n  pkm services enable sshd ntpd --dry-run"
)]
pub(super) struct ServicesEnable {
    #[command(flatten)]
    pub(super) names: ServiceNames,
}

/// Let services no longer start with the machine; none is stopped now
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  pkm services disable sshd")]
pub(super) struct ServicesDisable {
    #[command(flatten)]
    pub(super) names: ServiceNames,
}

#[derive(Debug, Args)]
pub(super) struct ServiceNames {
    /// The services, as `pkm services list` names them
    #[arg(value_name = "SERVICE", required = true)]
    services: Vec<PackageName>,
}

impl ServiceNames {
    pub(super) fn run(
        self,
        context: &Context<'_>,
        wish: ServiceWish,
    ) -> Result<PlanAnswer, Failure> {
        let wishes = self.services.into_iter().map(|name| (name, wish)).collect();
        let plan = context
            .sysroot(Unmanaged::Refuse)?
            .plan_services(&wishes, Ownership::of_caller())?;
        context.carry_out(plan, &Archives::default(), Begin::Refuse)
    }
}
