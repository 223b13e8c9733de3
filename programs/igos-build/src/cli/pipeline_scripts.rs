//! `igos-build pipeline scripts`

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use clap::Args;
use igos_cli::{Answer, Elapsed, Exit, Failure, Globals, Render, Session};
use igos_format::PackageName;

use super::recipes::RecipeFlags;
use super::workshop::{PolicyFlags, WorkshopFlags, require_sandbox};
use crate::build_root::BuildRoot;
use crate::scripts::{Mode, OrderFile, RunReport, ScriptRun, ScriptStatus, run};

/// Run the scripts that a file names, in their order, on one growing tree
///
/// For those who come from a `build_order.txt`. Each line of FILE is the path of a script beside it, `.sh` or `.py`. Each
/// runs in the sandbox: the toolchain, or with `--mode host` this machine, is `/`; `$TARGET` is the tree that the scripts
/// before it left; the files beside FILE are the working directory, read-only. There is no network. What a script leaves
/// is recorded, and a receipt says what it was given: it is run again when that changed, and when it did not it is
/// skipped. A run that was stopped goes on at the script where it was.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  igos-build pipeline scripts build_order.txt\n  igos-build pipeline scripts build_order.txt --mode host --set PROFILE=smechos\n  igos-build pipeline scripts build_order.txt --dry-run"
)]
pub(super) struct ScriptsCommand {
    /// The list of scripts
    file: PathBuf,
    /// What the scripts' trees and receipts are called in the cache [default: the name of FILE's directory]
    #[arg(long)]
    name: Option<PackageName>,
    /// Give all scripts a variable; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
    #[command(flatten)]
    policy: PolicyFlags,
}

impl ScriptsCommand {
    pub(super) fn execute(
        self,
        globals: &Globals,
        workshop: &WorkshopFlags,
        recipes: &RecipeFlags,
        session: &Session,
    ) -> Result<Answer, Failure> {
        let order = OrderFile::load(&self.file)?;
        let name = match self.name {
            Some(name) => name,
            None => name_of(&order)?,
        };
        let mut variables = BTreeMap::new();
        for text in &self.set {
            let (name, value) = variable(text)?;
            variables.insert(name, value);
        }
        let workshop = workshop.open(globals, recipes, session)?;
        let settings = workshop.build_settings(&self.policy)?;
        let mode = if globals.dry_run {
            Mode::DryRun
        } else {
            Mode::Run
        };
        let cache = &workshop.cache;
        let _lock = match mode {
            Mode::DryRun => cache.lock_for_use(workshop.waiting, session.reporter())?,
            Mode::Run => {
                require_sandbox(settings.confinement)?;
                let lock = cache.lock_for_building(workshop.waiting, session.reporter())?;
                cache.delete_stale_work()?;
                lock
            }
        };
        let toolchain = workshop.toolchain(settings.mode)?;
        let root_name = match &toolchain {
            Some(toolchain) => toolchain.digest.to_string(),
            None => "host".to_owned(),
        };
        let nothing = BTreeMap::new();
        let root =
            BuildRoot::assemble(&workshop.cache, settings.mode, toolchain.as_ref(), &nothing)?;
        let report = run(&ScriptRun {
            cache,
            name: &name,
            order: &order,
            root: root.view().clone(),
            root_name,
            settings: &settings,
            variables: &variables,
            jobs: workshop.jobs().get(),
            interrupted: &session.interrupt().flag(),
            reporter: session.reporter(),
            mode,
        })?;
        for diagnostic in report.scripts.iter().flat_map(|one| &one.diagnostics) {
            session.notice(diagnostic.clone());
        }
        Ok(Answer::from(report))
    }
}

/// Returns what an order file is called unless somebody says so.
fn name_of(order: &OrderFile) -> Result<PackageName, Failure> {
    let name = order.directory.file_name().unwrap_or_default();
    name.to_string_lossy().parse().map_err(|_| {
        let shown = order.directory.display();
        Failure::usage(format!("{shown} does not end in a name for the cache"))
            .hint("give one with `--name NAME`")
    })
}

fn variable(text: &str) -> Result<(String, String), Failure> {
    let is_name = |name: &str| {
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        !name.is_empty()
            && name.bytes().all(is_letter)
            && !name.starts_with(|first: char| first.is_ascii_digit())
    };
    match text.split_once('=') {
        Some((name, value)) if is_name(name) && !value.contains('\0') => {
            Ok((name.to_owned(), value.to_owned()))
        }
        _ => Err(Failure::usage(format!("{text:?} is not NAME=VALUE"))),
    }
}

impl Render for RunReport {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        for script in &self.scripts {
            let status = match script.status {
                ScriptStatus::Done => "done",
                ScriptStatus::Skipped => "skipped",
                ScriptStatus::Planned => "planned",
                ScriptStatus::Failed => "failed",
                ScriptStatus::NotReached => "not reached",
            };
            let took = script.seconds.map(|seconds| {
                let elapsed = Elapsed(std::time::Duration::from_secs_f64(seconds));
                format!(" ({elapsed})")
            });
            writeln!(
                out,
                "{:>4} {status:11} {}: {}{}",
                script.number,
                script.script,
                script.reason,
                took.unwrap_or_default()
            )?;
        }
        match &self.tree {
            Some(tree) => writeln!(out, "{}: {}", self.name, tree.display()),
            None => Ok(()),
        }
    }

    fn exit(&self) -> Exit {
        Exit::from_code(self.exit_code)
    }
}
