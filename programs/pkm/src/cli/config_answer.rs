//! `pkm config merge`, `accept` and `reject`: what becomes of a new version.

use std::ffi::OsString;
use std::fmt;

use clap::Args;
use igos_cli::{Exit, Failure, Render};
use igos_format::Sha256;
use igos_sysroot::{Applied, ConfigurationAnswer, Ownership, PathChange, Plan, Unmanaged};
use serde::Serialize;

use super::Context;
use super::config_diff::path_below_root;
use super::context::Begin;
use crate::archives::Archives;

/// Merge the new version of a configuration file into yours
///
/// What changed between the version your file was made from and the new one is carried over. Where both changed the
/// same lines, your file stays as it is, a merge with markers is written beside it as NAME.pkmmerge, and the command
/// ends with 1.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  pkm config merge /etc/ssh/sshd_config\n  pkm --dry-run config merge /etc/hosts"
)]
pub(super) struct Merge {
    /// The configuration file, below the root
    #[arg(value_name = "PATH")]
    path: OsString,
}

/// Take the version that the package brought; yours is kept beside as NAME.pkmold
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  pkm config accept /etc/ssh/sshd_config")]
pub(super) struct Accept {
    /// The configuration file, below the root
    #[arg(value_name = "PATH")]
    path: OsString,
}

/// Keep your configuration file; the new version goes, and only a newer one is asked about
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  pkm config reject /etc/ssh/sshd_config")]
pub(super) struct Reject {
    /// The configuration file, below the root
    #[arg(value_name = "PATH")]
    path: OsString,
}

impl Merge {
    pub(super) fn run(self, context: &Context<'_>) -> Result<ConfigAnswer, Failure> {
        answer(&self.path, ConfigurationAnswer::Merge, context)
    }
}

impl Accept {
    pub(super) fn run(self, context: &Context<'_>) -> Result<ConfigAnswer, Failure> {
        answer(&self.path, ConfigurationAnswer::Accept, context)
    }
}

impl Reject {
    pub(super) fn run(self, context: &Context<'_>) -> Result<ConfigAnswer, Failure> {
        answer(&self.path, ConfigurationAnswer::Reject, context)
    }
}

fn answer(
    path: &OsString,
    wanted: ConfigurationAnswer,
    context: &Context<'_>,
) -> Result<ConfigAnswer, Failure> {
    let path = path_below_root(path)?;
    let sysroot = context.sysroot(Unmanaged::Refuse)?;
    let planned = sysroot.plan_configuration(&path, wanted, Ownership::of_caller())?;
    drop(sysroot);
    let answer = context.carry_out(planned.plan, &Archives::default(), Begin::Refuse)?;
    let (plan, applied) = answer.into_parts();
    Ok(ConfigAnswer {
        digest: plan.digest(),
        plan,
        conflicts: planned.conflicts,
        applied,
    })
}

/// What was done about one configuration file.
#[derive(Debug, Serialize)]
pub(super) struct ConfigAnswer {
    digest: Sha256,
    plan: Plan,
    /// How many places of a merge are marked in a file beside.
    conflicts: usize,
    applied: Option<Applied>,
}

impl Render for ConfigAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        for action in &self.plan.paths {
            let place = &action.place;
            match &action.change {
                PathChange::Write { .. } if self.conflicts > 0 => writeln!(
                    out,
                    "{} places were changed on both sides: /{} stays as it is, /{place} has both",
                    self.conflicts, action.path
                )?,
                PathChange::Write {
                    beside: Some(beside),
                    ..
                } => writeln!(
                    out,
                    "/{place} is as its package brought it; yours is /{beside}"
                )?,
                PathChange::Write { .. } => writeln!(out, "/{place} is written")?,
                PathChange::KeepEdited { .. } => writeln!(out, "/{place} stays as it is")?,
                PathChange::Remove => writeln!(out, "/{place} is deleted")?,
                _ => {}
            }
        }
        if self.applied.is_none() {
            writeln!(out, "nothing was changed (dry run)")?;
        }
        Ok(())
    }

    fn exit(&self) -> Exit {
        if self.conflicts > 0 {
            Exit::No
        } else {
            Exit::Done
        }
    }
}
