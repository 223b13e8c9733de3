//! `pkm alternatives set`.

use std::ffi::OsString;

use clap::Args;
use igos_cli::Failure;
use igos_format::PackageName;
use igos_sysroot::{Choice, Ownership, Unmanaged};

use super::Context;
use super::config_diff::path_below_root;
use super::context::Begin;
use super::plan::PlanAnswer;
use crate::archives::Archives;

/// Choose which package serves a path
///
/// The choice holds until the package is removed or another is chosen.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  pkm alternatives set /usr/bin/vi vim\n  pkm alternatives set /usr/bin/vi --auto"
)]
pub(super) struct AlternativesSet {
    /// The path that is served, below the root
    #[arg(value_name = "PATH")]
    path: OsString,
    /// The package that is to serve it
    #[arg(value_name = "PACKAGE", required_unless_present = "auto")]
    package: Option<PackageName>,
    /// Forget the choice: the highest priority decides
    #[arg(long, conflicts_with = "package")]
    auto: bool,
}

impl AlternativesSet {
    pub(super) fn run(self, context: &Context<'_>) -> Result<PlanAnswer, Failure> {
        let path = path_below_root(&self.path)?;
        let choice = self.package.map_or(Choice::ByPriority, Choice::Package);
        let plan = context.sysroot(Unmanaged::Refuse)?.plan_alternative(
            &path,
            &choice,
            Ownership::of_caller(),
        )?;
        context.carry_out(plan, &Archives::default(), Begin::Refuse)
    }
}
