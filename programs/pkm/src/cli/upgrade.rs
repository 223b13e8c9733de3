//! `pkm upgrade`.

use clap::Args;
use igos_cli::{Failure, complete_names};
use igos_format::PackageName;
use igos_solve::{Request, Upgrade as What};

use super::Context;
use super::completion;
use super::context::Begin;
use super::plan::PlanAnswer;
use super::rules::{From, Rules};

/// Upgrade packages: those named, or everything
///
/// Without names, everything becomes as new as it can be at once; what cannot be upgraded yet stays, and is told. A
/// package that is named becomes newer together with whatever has to change with it, or the command says why that
/// cannot be. A rebuild of the same version counts as newer. Held packages stay as they are.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    pkm upgrade\n  \
    pkm upgrade openssl\n  \
    pkm --dry-run upgrade --security-only")]
pub(super) struct Upgrade {
    /// Packages to upgrade; everything where none is named
    #[arg(add = complete_names(completion::installed), value_name = "NAME")]
    names: Vec<PackageName>,
    /// Upgrade only what mends something that an advisory names, with what that needs
    #[arg(long, conflicts_with = "names")]
    security_only: bool,
    #[command(flatten)]
    from: From,
    #[command(flatten)]
    rules: Rules,
}

impl Upgrade {
    pub(super) fn run(self, context: &Context<'_>) -> Result<PlanAnswer, Failure> {
        let archives = self.from.read(context)?;
        let what = if self.security_only {
            What::Security
        } else if self.names.is_empty() {
            What::All
        } else {
            What::Names(self.names.into_iter().collect())
        };
        let asked = self
            .rules
            .ask(Request::upgrade(what), &self.from, context)?;
        context.change(asked, archives, Begin::Refuse)
    }
}
