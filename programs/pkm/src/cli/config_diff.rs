//! `pkm config diff`: what was edited, and what is new.

use std::ffi::OsString;
use std::fmt;

use clap::Args;
use igos_cli::{Failure, Render};
use igos_format::RelPath;
use igos_sysroot::{ConfigurationDifference, Unmanaged};
use serde::Serialize;

use super::Context;

/// Show how a configuration file differs from the one its package brought, and from the new version that waits
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  pkm config diff /etc/ssh/sshd_config\n  pkm --root ./root config diff etc/hosts"
)]
pub(super) struct ConfigDiff {
    /// The configuration file, below the root
    #[arg(value_name = "PATH")]
    path: OsString,
}

/// Returns the path below the root that a word of the command line names.
pub(super) fn path_below_root(path: &OsString) -> Result<RelPath, Failure> {
    RelPath::from_user(path).map_err(|error| Failure::usage(error.to_string()))
}

impl ConfigDiff {
    pub(super) fn run(self, context: &Context<'_>) -> Result<ConfigDiffAnswer, Failure> {
        let path = path_below_root(&self.path)?;
        let sysroot = context.sysroot(Unmanaged::Refuse)?;
        Ok(ConfigDiffAnswer(sysroot.configuration_difference(&path)?))
    }
}

/// Two differences in unified form.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct ConfigDiffAnswer(ConfigurationDifference);

impl Render for ConfigDiffAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        if self.0.edits.is_empty() {
            writeln!(out, "/{} is as its package brought it", self.0.path)?;
        } else {
            writeln!(out, "what you edited:")?;
            out.write_str(&self.0.edits)?;
        }
        if let Some(news) = &self.0.news {
            writeln!(out, "from yours to the new version:")?;
            out.write_str(news)?;
        }
        Ok(())
    }
}
