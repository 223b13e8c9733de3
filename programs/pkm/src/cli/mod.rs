//! The command line: one file for each command, and what they share.

mod alternatives;
mod alternatives_list;
mod alternatives_set;
mod catalogue;
mod config;
mod config_answer;
mod config_diff;
mod config_list;
mod context;
mod depends;
mod diff;
mod files;
mod history;
mod hooks;
mod hooks_list;
mod hooks_run;
mod info;
mod install;
mod kernels;
mod list;
mod owner;
mod plan;
mod plan_hooks;
mod recover;
mod repair;
mod reinstall;
mod remove;
mod rollback;
mod settings;
mod verify;

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use igos_cli::{Answer, EXIT_CODES_HELP, Failure, Globals, Program, Session};

use igos_sysroot::HookPolicy;

use context::Context;

/// Install, remove, query and verify the packages of a root directory
#[derive(Debug, Parser)]
#[command(
    name = "pkm",
    version,
    long_about = "Install, remove, query and verify the packages of a root directory.\n\n\
        pkm keeps a record of every path that it installs: kind, content, mode, owner, link target and \
        capabilities. Every change is planned first, shown, and carried out as one transaction: after a power cut \
        the root is entirely old or entirely new. Queries and verification need no privilege.",
    after_help = "Examples:\n  \
        pkm install ./zlib-1.3.1-1.x86_64.igos.tar.zst --allow-unsigned\n  \
        pkm --root /mnt/target install --archives ./archives busybox\n  \
        pkm verify\n  \
        pkm owner /usr/bin/make",
    after_long_help = "Examples:\n  \
        Install an archive that nobody signed into a root of your own:\n    \
        pkm --root ./root install ./zlib-1.3.1-1.x86_64.igos.tar.zst --allow-unsigned\n  \
        Install by name, with dependencies, from a directory of archives:\n    \
        pkm --root ./root install --archives ./archives busybox --allow-unsigned\n  \
        Look at a plan without carrying it out:\n    \
        pkm --dry-run remove zlib\n  \
        Compare every installed file with the record:\n    \
        pkm verify\n  \
        Ask which package a file belongs to:\n    \
        pkm owner /usr/bin/make\n\n".to_owned() + EXIT_CODES_HELP,
    arg_required_else_help = true
)]
pub struct Pkm {
    /// Work on the root directory DIR; settings are read below it too
    #[arg(
        long,
        value_name = "DIR",
        default_value = "/",
        global = true,
        help_heading = "Flags of every command"
    )]
    root: PathBuf,
    /// Run no hooks and triggers of packages; the history of the root says so
    #[arg(long, global = true, help_heading = "Flags of every command")]
    no_triggers: bool,
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Install(install::Install),
    Remove(remove::Remove),
    Reinstall(reinstall::Reinstall),
    List(list::List),
    Info(info::Info),
    Files(files::Files),
    Owner(owner::Owner),
    Depends(depends::Depends),
    Verify(verify::Verify),
    Repair(repair::Repair),
    Config(config::Config),
    Alternatives(alternatives::Alternatives),
    Hooks(hooks::Hooks),
    History(history::History),
    Rollback(rollback::Rollback),
    Diff(diff::Diff),
    Kernels(kernels::Kernels),
    Recover(recover::Recover),
    Settings(settings::Settings),
}

impl Program for Pkm {
    fn globals(&self) -> &Globals {
        &self.globals
    }
}

/// Carries out a parsed command line.
///
/// # Errors
///
/// Returns why the command has no answer, with the exit code.
pub fn dispatch(pkm: Pkm, session: &Session) -> Result<Answer, Failure> {
    let policy = if pkm.no_triggers {
        HookPolicy::Skip
    } else {
        HookPolicy::Run
    };
    let context = Context::new(pkm.root, policy, pkm.globals, session);
    // Nothing here polls: queries and plans have nothing to finish, and a transaction says when it has.
    session.interrupt().end_at_once();
    match pkm.command {
        Command::Install(install) => install.run(&context).map(Answer::from),
        Command::Remove(remove) => remove.run(&context).map(Answer::from),
        Command::Reinstall(reinstall) => reinstall.run(&context).map(Answer::from),
        Command::List(list) => list.run(&context).map(Answer::from),
        Command::Info(info) => info.run(&context).map(Answer::from),
        Command::Files(files) => files.run(&context).map(Answer::from),
        Command::Owner(owner) => owner.run(&context).map(Answer::from),
        Command::Depends(depends) => depends.run(&context).map(Answer::from),
        Command::Verify(verify) => verify.run(&context).map(Answer::from),
        Command::Repair(repair) => repair.run(&context).map(Answer::from),
        Command::Config(config) => config.run(&context),
        Command::Alternatives(alternatives) => alternatives.run(&context),
        Command::Hooks(hooks) => hooks.run(&context),
        Command::History(history) => history.run(&context).map(Answer::from),
        Command::Rollback(rollback) => rollback.run(&context).map(Answer::from),
        Command::Diff(diff) => diff.run(&context).map(Answer::from),
        Command::Kernels(kernels) => kernels.run(&context).map(Answer::from),
        Command::Recover(recover) => recover.run(&context).map(Answer::from),
        Command::Settings(settings) => settings.run(&context).map(Answer::from),
    }
}
