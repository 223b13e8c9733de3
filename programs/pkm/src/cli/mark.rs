//! `pkm mark`, `pkm hold` and `pkm unhold`: what is recorded about packages besides their files.

use std::collections::BTreeMap;

use clap::{Args, ValueEnum};
use igos_cli::{Failure, complete_names};
use igos_format::PackageName;
use igos_sysroot::{Hold as Held, Policy, Reason, Request, RunningKernel, Unmanaged};

use super::Context;
use super::completion;
use super::context::Begin;
use super::plan::PlanAnswer;
use crate::archives::Archives;

/// Record packages as asked for, or as needed by others alone
///
/// What is needed by others alone goes with `autoremove` once nothing needs it.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  pkm mark explicit zlib\n  pkm mark automatic zlib pigz")]
pub(super) struct Mark {
    /// What to record
    #[arg(value_name = "REASON")]
    reason: MarkReason,
    /// The packages
    #[arg(add = complete_names(completion::installed), value_name = "NAME", required = true)]
    names: Vec<PackageName>,
}

/// Why a package is there.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum MarkReason {
    /// Somebody asked for it
    Explicit,
    /// Something needs it
    Automatic,
}

/// Keep packages at the version they have
///
/// Neither `upgrade` nor anything else changes a held package, unless `--ignore-holds` is given.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  pkm hold linux")]
pub(super) struct Hold {
    /// The packages
    #[arg(add = complete_names(completion::installed), value_name = "NAME", required = true)]
    names: Vec<PackageName>,
}

/// Let held packages change again
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  pkm unhold linux")]
pub(super) struct Unhold {
    /// The packages
    #[arg(add = complete_names(completion::installed), value_name = "NAME", required = true)]
    names: Vec<PackageName>,
}

impl Mark {
    pub(super) fn run(self, context: &Context<'_>) -> Result<PlanAnswer, Failure> {
        let reason = match self.reason {
            MarkReason::Explicit => Reason::Explicit,
            MarkReason::Automatic => Reason::Automatic,
        };
        let reasons = self.names.into_iter().map(|name| (name, reason)).collect();
        record(context, reasons, BTreeMap::new())
    }
}

impl Hold {
    pub(super) fn run(self, context: &Context<'_>) -> Result<PlanAnswer, Failure> {
        hold(context, self.names, Held::Held)
    }
}

impl Unhold {
    pub(super) fn run(self, context: &Context<'_>) -> Result<PlanAnswer, Failure> {
        hold(context, self.names, Held::Released)
    }
}

fn hold(context: &Context<'_>, names: Vec<PackageName>, hold: Held) -> Result<PlanAnswer, Failure> {
    let holds = names.into_iter().map(|name| (name, hold)).collect();
    record(context, BTreeMap::new(), holds)
}

fn record(
    context: &Context<'_>,
    reasons: BTreeMap<PackageName, Reason>,
    holds: BTreeMap<PackageName, Held>,
) -> Result<PlanAnswer, Failure> {
    // No file changes, so that nothing of a kernel can go.
    let request = Request {
        reasons,
        holds,
        ..Request::new(Policy::strict(RunningKernel::Ignore))
    };
    let plan = context.sysroot(Unmanaged::Refuse)?.plan(&[], &request)?;
    context.carry_out(plan, &Archives::default(), Begin::Refuse)
}
