//! `pkm db`: the database, which is a cache of the records.

use clap::{Args, Subcommand};
use igos_cli::{Answer, Failure};

use super::Context;
use super::db_check::DbCheck;
use super::db_rebuild::DbRebuild;

/// Compare the database with the records, and make it again
///
/// The texts below var/lib/igos are the truth; the database answers questions faster and may be deleted at any time.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  pkm db check\n  pkm db rebuild",
    arg_required_else_help = true
)]
pub(super) struct Db {
    #[command(subcommand)]
    command: DbCommand,
}

#[derive(Debug, Subcommand)]
enum DbCommand {
    Check(DbCheck),
    Rebuild(DbRebuild),
}

impl Db {
    pub(super) fn run(self, context: &Context<'_>) -> Result<Answer, Failure> {
        match self.command {
            DbCommand::Check(check) => check.run(context).map(Answer::from),
            DbCommand::Rebuild(rebuild) => rebuild.run(context).map(Answer::from),
        }
    }
}
