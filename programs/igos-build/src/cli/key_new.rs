//! `igos-build key new`

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use clap::Args;
use igos_cli::{Answer, Failure, Globals, Render};
use igos_repo::publish::{MadeKeys, NewKeys, new_keys};
use serde::Serialize;

use super::signing::{TimeFlags, execution};

/// Make all keys of a new repository
///
/// `DIR/offline` gets the keys that say which keys count: copy it to a medium that lies in a safe place, and delete it
/// here. `DIR/online` gets the keys that sign every publication, and `root.json`, which users of the repository begin
/// with.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  igos-build key new keys\n  igos-build key new keys --root-keys 3 --root-threshold 2"
)]
pub(super) struct NewCommand {
    /// A new or empty directory
    directory: PathBuf,
    /// Make N keys of the root, for N people or places
    #[arg(long, value_name = "N", default_value_t = 1)]
    root_keys: u32,
    /// N of them must sign a new root
    #[arg(long, value_name = "N", default_value_t = 1)]
    root_threshold: u32,
    /// Make N keys of targets
    #[arg(long, value_name = "N", default_value_t = 1)]
    targets_keys: u32,
    /// N of them must sign new targets
    #[arg(long, value_name = "N", default_value_t = 1)]
    targets_threshold: u32,
    #[command(flatten)]
    times: TimeFlags,
}

#[derive(Debug, Serialize)]
struct NewAnswer {
    root: PathBuf,
    offline: BTreeMap<&'static str, Vec<PathBuf>>,
    online: BTreeMap<&'static str, Vec<PathBuf>>,
    is_dry_run: bool,
}

impl NewCommand {
    pub(super) fn execute(self, globals: &Globals) -> Result<Answer, Failure> {
        let wanted = NewKeys {
            root_keys: self.root_keys,
            root_threshold: self.root_threshold,
            targets_keys: self.targets_keys,
            targets_threshold: self.targets_threshold,
        };
        let (lifetimes, now) = (self.times.lifetimes()?, self.times.now()?);
        let made = new_keys(&self.directory, wanted, &lifetimes, now, execution(globals))?;
        Ok(Answer::from(NewAnswer::new(made, globals.dry_run)))
    }
}

impl NewAnswer {
    fn new(made: MadeKeys, is_dry_run: bool) -> Self {
        let is_offline = |role: &&'static str| matches!(*role, "root" | "targets");
        let (offline, online) = made
            .files
            .into_iter()
            .partition(|(role, _)| is_offline(role));
        NewAnswer {
            root: made.root,
            offline,
            online,
            is_dry_run,
        }
    }
}

impl Render for NewAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        writeln!(
            out,
            "keep these offline, and delete them here once they are safe:"
        )?;
        for file in self.offline.values().flatten() {
            writeln!(out, "    {}", file.display())?;
        }
        writeln!(out, "these sign every publication:")?;
        for file in self.online.values().flatten() {
            writeln!(out, "    {}", file.display())?;
        }
        writeln!(out, "give this to those who use the repository:")?;
        writeln!(out, "    {}", self.root.display())
    }
}
