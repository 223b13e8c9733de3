//! The command line: one file for each command, and what they share.

mod adopt;
mod alternatives;
mod alternatives_list;
mod alternatives_set;
mod apply;
mod autoremove;
mod cache;
mod cache_clean;
mod cache_list;
mod catalogue;
mod change;
mod check_updates;
mod client;
mod command_not_found;
mod completion;
mod config;
mod config_answer;
mod config_diff;
mod config_list;
mod context;
mod db;
mod db_check;
mod db_rebuild;
mod depends;
mod diff;
mod download;
mod files;
mod history;
mod hooks;
mod hooks_list;
mod hooks_run;
mod info;
mod install;
mod install_helper;
mod kernels;
mod list;
mod list_upgradable;
mod mark;
mod offer;
mod owner;
mod plan;
mod plan_hooks;
mod plan_why;
mod proposal;
mod recover;
mod reinstall;
mod remove;
mod repair;
mod repository;
mod repository_add;
mod repository_changes;
mod repository_keys;
mod repository_list;
mod repository_remove;
mod restart_services;
mod rollback;
mod rules;
mod search;
mod services;
mod services_change;
mod services_list;
mod settings;
mod sync;
mod target;
mod unpack;
mod upgrade;
mod verify;
mod why;
mod why_not;
mod world;

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use igos_cli::{Answer, EXIT_CODES_HELP, Failure, Globals, NetworkFlags, Program, Session};

use igos_sysroot::{Durability, HookPolicy};

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
        Make an image, which a power cut may spoil:\n    \
        pkm --root ./root --no-sync --yes install --archives ./archives busybox\n  \
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
    /// Never wait for the disk: for images and other roots that are made again after a power cut
    #[arg(long, global = true, help_heading = "Flags of every command")]
    no_sync: bool,
    #[command(flatten)]
    globals: Globals,
    #[command(flatten)]
    network: NetworkFlags,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(visible_aliases = ["update", "refresh"])]
    Sync(sync::Sync),
    Install(install::Install),
    Upgrade(upgrade::Upgrade),
    #[command(visible_alias = "uninstall")]
    Remove(remove::Remove),
    Autoremove(autoremove::Autoremove),
    Reinstall(reinstall::Reinstall),
    Apply(apply::Apply),
    World(world::World),
    Mark(mark::Mark),
    Hold(mark::Hold),
    Unhold(mark::Unhold),
    List(list::List),
    Search(search::Search),
    Info(info::Info),
    Files(files::Files),
    Owner(owner::Owner),
    CommandNotFound(command_not_found::CommandNotFound),
    #[command(visible_alias = "deps")]
    Depends(depends::Depends),
    Why(why::Why),
    WhyNot(why_not::WhyNot),
    Verify(verify::Verify),
    Repair(repair::Repair),
    Db(db::Db),
    Adopt(adopt::Adopt),
    Import(adopt::Import),
    Config(config::Config),
    Alternatives(alternatives::Alternatives),
    Services(services::Services),
    InstallHelper(install_helper::InstallHelper),
    Hooks(hooks::Hooks),
    RestartServices(restart_services::RestartServices),
    History(history::History),
    Rollback(rollback::Rollback),
    Diff(diff::Diff),
    Kernels(kernels::Kernels),
    Recover(recover::Recover),
    Repository(repository::Repository),
    Download(download::Download),
    Unpack(unpack::Unpack),
    CheckUpdates(check_updates::CheckUpdates),
    Cache(cache::Cache),
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
    let durability = match pkm.no_sync {
        true => Durability::None,
        false => Durability::Full,
    };
    let context = Context::new(
        pkm.root,
        policy,
        durability,
        pkm.globals,
        pkm.network,
        session,
    );
    // Nothing here polls: queries and plans have nothing to finish, and a transaction says when it has.
    session.interrupt().end_at_once();
    match pkm.command {
        Command::Sync(sync) => sync.run(&context).map(Answer::from),
        Command::Install(install) => install.run(&context).map(Answer::from),
        Command::Upgrade(upgrade) => upgrade.run(&context).map(Answer::from),
        Command::Autoremove(autoremove) => autoremove.run(&context).map(Answer::from),
        Command::Apply(apply) => apply.run(&context).map(Answer::from),
        Command::World(world) => world.run(&context).map(Answer::from),
        Command::Mark(mark) => mark.run(&context).map(Answer::from),
        Command::Hold(hold) => hold.run(&context).map(Answer::from),
        Command::Unhold(unhold) => unhold.run(&context).map(Answer::from),
        Command::Why(why) => why.run(&context).map(Answer::from),
        Command::WhyNot(why_not) => why_not.run(&context).map(Answer::from),
        Command::Remove(remove) => remove.run(&context).map(Answer::from),
        Command::Reinstall(reinstall) => reinstall.run(&context).map(Answer::from),
        Command::List(list) => list.run(&context),
        Command::Search(search) => search.run(&context).map(Answer::from),
        Command::Info(info) => info.run(&context).map(Answer::from),
        Command::Files(files) => files.run(&context).map(Answer::from),
        Command::Owner(owner) => owner.run(&context).map(Answer::from),
        Command::CommandNotFound(asked) => asked.run(&context).map(Answer::from),
        Command::Depends(depends) => depends.run(&context).map(Answer::from),
        Command::Verify(verify) => verify.run(&context).map(Answer::from),
        Command::Db(db) => db.run(&context),
        Command::Adopt(adopt) => adopt.run(&context).map(Answer::from),
        Command::Import(import) => import.run(&context).map(Answer::from),
        Command::Repair(repair) => repair.run(&context).map(Answer::from),
        Command::Config(config) => config.run(&context),
        Command::Alternatives(alternatives) => alternatives.run(&context),
        Command::Services(services) => services.run(&context),
        Command::InstallHelper(helper) => helper.run(&context),
        Command::Hooks(hooks) => hooks.run(&context),
        Command::RestartServices(restart) => restart.run(&context).map(Answer::from),
        Command::History(history) => history.run(&context).map(Answer::from),
        Command::Rollback(rollback) => rollback.run(&context).map(Answer::from),
        Command::Diff(diff) => diff.run(&context).map(Answer::from),
        Command::Kernels(kernels) => kernels.run(&context).map(Answer::from),
        Command::Recover(recover) => recover.run(&context).map(Answer::from),
        Command::Repository(repository) => repository.run(&context),
        Command::Download(download) => download.run(&context).map(Answer::from),
        Command::Unpack(unpack) => unpack.run(&context).map(Answer::from),
        Command::CheckUpdates(check) => check.run(&context).map(Answer::from),
        Command::Cache(cache) => cache.run(&context),
        Command::Settings(settings) => settings.run(&context).map(Answer::from),
    }
}
