//! Flags of commands that bring packages: where archives come from, what is accepted.

use std::path::PathBuf;

use clap::Args;
use igos_cli::Failure;
use igos_solve::{Downgrades, Holds, Policy, Removals, Request};
use igos_sysroot::{EditedConfiguration, Unowned, Unsigned};

use super::Context;
use super::change::Asked;
use super::kernels::Kernel;
use crate::archives::Archives;

/// Where archives come from besides repositories, and which are accepted.
#[derive(Debug, Args)]
pub(super) struct From {
    /// Look up names and dependencies in this directory of archives too; can be given several times
    #[arg(long, value_name = "DIR")]
    archives: Vec<PathBuf>,
    /// Accept archives that nobody signed; the history of the root says so
    #[arg(long)]
    allow_unsigned: bool,
}

impl From {
    /// Reads the heads of all archives of the directories.
    pub(super) fn read(&self, context: &Context<'_>) -> Result<Archives, Failure> {
        let mut archives = Archives::default();
        let settings = context.settings()?.settings;
        for directory in self.archives.iter().chain(&settings.archives) {
            archives.add_directory(directory, &mut |refused| context.session.notice(refused))?;
        }
        Ok(archives)
    }

    pub(super) fn unsigned(&self) -> Unsigned {
        if self.allow_unsigned {
            Unsigned::Allow
        } else {
            Unsigned::Refuse
        }
    }
}

/// What may happen besides what is asked for.
#[derive(Debug, Args)]
pub(super) struct Rules {
    /// Let an older version take the place of a newer one
    #[arg(long)]
    allow_downgrade: bool,
    /// Let packages go that nobody asked to remove, where there is no other way; the plan shows them
    #[arg(long)]
    allow_removals: bool,
    /// Change held packages too
    #[arg(long)]
    ignore_holds: bool,
    /// Keep files that no package owns and that are in the way beside, as NAME.pkmold
    #[arg(long)]
    overwrite_unowned: bool,
    /// Merge what is new into edited configuration files, where nothing is in doubt; the setting `merge-config` asks
    /// for it always
    #[arg(long)]
    merge_config: bool,
    #[command(flatten)]
    kernel: Kernel,
}

impl Rules {
    /// Returns the rules of the solver.
    pub(super) fn policy(&self) -> Policy {
        Policy {
            downgrades: match self.allow_downgrade {
                true => Downgrades::Allow,
                false => Downgrades::Refuse,
            },
            holds: match self.ignore_holds {
                true => Holds::Ignore,
                false => Holds::Keep,
            },
            removals: match self.allow_removals {
                true => Removals::Allow,
                false => Removals::Refuse,
            },
            ..Policy::default()
        }
    }

    /// Returns the whole of what is asked for.
    pub(super) fn ask(
        &self,
        request: Request,
        from: &From,
        context: &Context<'_>,
    ) -> Result<Asked, Failure> {
        let request = Request {
            policy: self.policy(),
            ..request
        };
        Ok(Asked {
            unsigned: from.unsigned(),
            unowned: match self.overwrite_unowned {
                true => Unowned::Backup,
                false => Unowned::Refuse,
            },
            edited: match self.merge_config || context.settings()?.settings.merge_config {
                true => EditedConfiguration::Merge,
                false => EditedConfiguration::Keep,
            },
            ..Asked::new(request, self.kernel.running(context)?)
        })
    }
}
