//! Which scripts have to run, and running them.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use fs_err as fs;
use igos_format::{PackageName, Sha256};
use igos_report::{Diagnostic, Explain, Outcome, Reporter, Subject, Task};
use igos_sandbox::{Ended, RootView, Terminal};
use serde::Serialize;

use super::{OrderFile, Receipt, Script, ScriptsError, Store};
use crate::cache::{Cache, WorkDirectory};
use crate::execute::{BuildLog, BuildSettings, Chamber};
use crate::plan::BUILDER_VERSION;
use crate::source::RecipeFiles;

/// Where a script finds the tree that it changes.
const TARGET: &str = "/dest";
/// Where it finds the files beside the order file.
const FILES: &str = "/recipe";

/// Everything that a run of scripts is given.
pub struct ScriptRun<'a> {
    /// Where everything is kept.
    pub cache: &'a Cache,
    /// What the order file is called there.
    pub name: &'a PackageName,
    /// The scripts.
    pub order: &'a OrderFile,
    /// What scripts see as `/`.
    pub root: RootView,
    /// What identifies that: a digest, or `host`.
    pub root_name: String,
    /// How they are confined.
    pub settings: &'a BuildSettings,
    /// Variables for all of them.
    pub variables: &'a BTreeMap<String, String>,
    /// How many jobs a script may run.
    pub jobs: usize,
    /// Whether the user asked to stop.
    pub interrupted: &'a AtomicBool,
    /// Who is told.
    pub reporter: &'a dyn Reporter,
    /// Whether something is done at all.
    pub mode: Mode,
}

/// Whether something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It is.
    Run,
    /// It is only said what would be.
    DryRun,
}

impl std::fmt::Debug for ScriptRun<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScriptRun")
            .field("name", &self.name)
            .field("order", &self.order)
            .finish_non_exhaustive()
    }
}

/// What became of a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScriptStatus {
    /// It ran.
    Done,
    /// Its receipt says what it would be given.
    Skipped,
    /// It would run, or may have to: what it is given is not known before one before it ran.
    Planned,
    /// It failed.
    Failed,
    /// One before it failed.
    NotReached,
}

/// What became of a script, and why.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScriptReport {
    /// Its place in the order, from 1.
    pub number: usize,
    /// The script.
    pub script: String,
    /// What became of it.
    pub status: ScriptStatus,
    /// Why.
    pub reason: String,
    /// How long it ran.
    pub seconds: Option<f64>,
    /// The digest of the record of the tree that it left.
    pub tree: Option<Sha256>,
    /// What it printed.
    pub log: Option<PathBuf>,
    /// What is wrong.
    #[serde(skip)]
    pub diagnostics: Vec<Diagnostic>,
}

/// What became of all scripts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunReport {
    /// What the order file is called.
    pub name: PackageName,
    /// The scripts in their order.
    pub scripts: Vec<ScriptReport>,
    /// The tree that the last one left; absent where it was not reached.
    pub tree: Option<PathBuf>,
    /// The digest of the last receipt.
    pub receipt: Option<Sha256>,
    /// How the program ends.
    #[serde(skip)]
    pub exit_code: u8,
}

/// Runs the scripts that have to.
///
/// # Errors
///
/// Returns what keeps any script from being run; what is wrong with one is in the report.
pub fn run(run: &ScriptRun<'_>) -> Result<RunReport, ScriptsError> {
    let store = Store::new(run.cache, run.name);
    let files = run.order.files()?;
    let receipts = store.directory().join("receipts");
    let mut report = RunReport {
        name: run.name.clone(),
        scripts: Vec::new(),
        tree: None,
        receipt: None,
        exit_code: 0,
    };
    // What the next script is given; unknown behind one that only would run.
    let mut tree = Some(match run.mode {
        Mode::Run => store.save_empty()?,
        Mode::DryRun => store.empty(),
    });
    let mut trees: BTreeSet<Sha256> = tree.iter().copied().collect();
    for (number, script) in (1..).zip(&run.order.scripts) {
        let mut told = ScriptReport::new(number, script);
        let Some(given) = tree else {
            told.status = match run.mode {
                Mode::Run => ScriptStatus::NotReached,
                Mode::DryRun => ScriptStatus::Planned,
            };
            "what the scripts before it leave is not known".clone_into(&mut told.reason);
            report.scripts.push(told);
            continue;
        };
        let seen = seen(run.order, &files, script);
        let inputs = inputs(run, &seen, script, &given);
        let receipt = Receipt::read(&receipts, number);
        tree = match obstacle(&store, receipt.as_ref(), script, &inputs) {
            Ok(left) => {
                told.status = ScriptStatus::Skipped;
                "nothing that it is given changed".clone_into(&mut told.reason);
                told.tree = Some(left);
                Some(left)
            }
            Err(reason) => {
                told.reason = reason;
                match run.mode {
                    Mode::Run => carry_out(run, &store, &seen, (script, &given), &mut told),
                    Mode::DryRun => None,
                }
            }
        };
        if let (Some(tree), Mode::Run) = (tree, run.mode) {
            trees.insert(tree);
            let receipt = Receipt::new(&script.path, report.receipt, inputs, tree);
            receipt.write(run.cache, &receipts, number)?;
            report.receipt = Some(receipt.digest());
        }
        if told.status == ScriptStatus::Failed {
            let is_stopped = run.interrupted.load(Ordering::SeqCst);
            report.exit_code = if is_stopped { 130 } else { told.exit_code() };
        }
        report.scripts.push(told);
    }
    if let (Some(tree), Mode::Run) = (tree, run.mode) {
        store.delete_others(&trees)?;
        report.tree = Some(store.show(&tree)?);
    }
    Ok(report)
}

/// Returns the tree that a script left when it was given the same, or why it has to run.
fn obstacle(
    store: &Store<'_>,
    receipt: Option<&Receipt>,
    script: &Script,
    inputs: &BTreeMap<String, String>,
) -> Result<Sha256, String> {
    let receipt = receipt.ok_or("it has no receipt")?;
    match receipt.obstacle(&script.path, inputs) {
        Some(reason) => Err(reason),
        None if store.has(&receipt.tree) => Ok(receipt.tree),
        None => Err("the tree that it left is gone".to_owned()),
    }
}

impl ScriptReport {
    fn new(number: usize, script: &Script) -> Self {
        ScriptReport {
            number,
            script: script.path.clone(),
            status: ScriptStatus::Planned,
            reason: String::new(),
            seconds: None,
            tree: None,
            log: None,
            diagnostics: Vec::new(),
        }
    }

    /// A script that failed is an answer; everything else kept us from finishing.
    fn exit_code(&self) -> u8 {
        let is_answer =
            |one: &Diagnostic| one.code == "script-failed" || one.code == "script-result-refused";
        if self.diagnostics.iter().any(is_answer) {
            1
        } else {
            4
        }
    }
}

/// Runs one script and tells what became of it; returns the tree that it left.
fn carry_out(
    run: &ScriptRun<'_>,
    store: &Store<'_>,
    files: &RecipeFiles,
    (script, given): (&Script, &Sha256),
    told: &mut ScriptReport,
) -> Option<Sha256> {
    let subject = Subject::Group(format!("run {}", script.path));
    let task = Task::start(run.reporter, None, subject);
    let log = store
        .directory()
        .join("logs")
        .join(format!("{:04}.log", told.number));
    told.log = Some(log.clone());
    match one(run, store, files, (script, given), &log, &task) {
        Ok((tree, ended)) => {
            task.finish(Outcome::Done);
            told.status = ScriptStatus::Done;
            told.seconds = Some(ended.usage.wall_ms as f64 / 1000.0);
            told.tree = Some(tree);
            Some(tree)
        }
        Err(error) => {
            task.finish(Outcome::Failed(error.to_string()));
            told.status = ScriptStatus::Failed;
            told.diagnostics = error.diagnostics();
            None
        }
    }
}

fn one(
    run: &ScriptRun<'_>,
    store: &Store<'_>,
    files: &RecipeFiles,
    (script, given): (&Script, &Sha256),
    log: &Path,
    task: &Task<'_>,
) -> Result<(Sha256, Ended), ScriptsError> {
    let work = WorkDirectory::create(run.cache, run.name)?;
    let target = work.path().join("dest");
    store.restore(given, &target, run.cache.identity())?;
    files.copy_to(&work.path().join("recipe"))?;
    let chamber = Chamber {
        base: run.cache.root().to_owned(),
        work: run.cache.relative(work.path()).to_owned(),
        root: run.root.clone(),
        limits: run.settings.limits.clone(),
        confinement: run.settings.confinement,
    };
    if let Some(parent) = log.parent() {
        fs::create_dir_all(parent).map_err(ScriptsError::io("make", parent))?;
    }
    let mut lines = BuildLog::create(log).map_err(ScriptsError::io("write", log))?;
    let argv = [
        script.interpreter.to_owned(),
        format!("{FILES}/{}", script.path),
    ];
    let mut env: BTreeMap<OsString, OsString> = variables(run)
        .into_iter()
        .map(|(name, value)| (name.into(), value.into()))
        .collect();
    env.insert("JOBS".into(), run.jobs.to_string().into());
    env.insert("MAKEFLAGS".into(), format!("-j{}", run.jobs).into());
    let argv = argv.map(OsString::from).to_vec();
    let ended = chamber.run_program(argv, env, FILES, Terminal::None, &mut |bytes| {
        lines.take(bytes, task);
    });
    lines.flush_line(task);
    lines.finish().map_err(ScriptsError::io("write", log))?;
    let ended = ended.map_err(|source| ScriptsError::Sandbox {
        script: script.path.clone(),
        source,
    })?;
    if !ended.status.is_success() {
        return Err(ScriptsError::Failed {
            script: script.path.clone(),
            how: ended.status.to_string(),
            tail: lines.tail(),
            log: log.to_owned(),
        });
    }
    Ok((store.save(&target, &script.path)?, ended))
}

/// Returns the variables that scripts see, beside how many jobs there are.
fn variables(run: &ScriptRun<'_>) -> BTreeMap<String, String> {
    let mut variables: BTreeMap<String, String> = [
        ("DESTDIR", TARGET),
        ("HOME", "/build"),
        ("LC_ALL", "POSIX"),
        ("PATH", "/usr/bin:/usr/sbin:/bin:/sbin"),
        ("SOURCE_DATE_EPOCH", "1000000000"),
        ("TARGET", TARGET),
        ("TERM", "dumb"),
        ("TMPDIR", "/build"),
        ("TZ", "UTC"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    variables.extend(run.variables.clone());
    variables
}

/// Returns the files that a script sees: itself, and everything that is no script of the order file.
fn seen(order: &OrderFile, files: &RecipeFiles, script: &Script) -> RecipeFiles {
    let scripts: BTreeSet<&str> = order.scripts.iter().map(|one| one.path.as_str()).collect();
    files.only(|path| path == script.path || !scripts.contains(path))
}

/// Returns everything that a script is given, by name.
fn inputs(
    run: &ScriptRun<'_>,
    files: &RecipeFiles,
    script: &Script,
    tree: &Sha256,
) -> BTreeMap<String, String> {
    let policy = Sha256::of(igos_sandbox::policy_digest_text().as_bytes());
    let mut inputs: BTreeMap<String, String> = [
        ("builder", BUILDER_VERSION.to_string()),
        ("confinement", run.settings.confinement.as_str().to_owned()),
        ("interpreter", script.interpreter.to_owned()),
        ("machine", run.settings.arch.to_string()),
        ("root", run.root_name.clone()),
        ("sandbox policy", policy.to_string()),
        ("tree", tree.to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    for (name, value) in variables(run) {
        inputs.insert(format!("variable {name}"), value);
    }
    for (path, file) in files.files() {
        let word = if file.is_executable {
            " executable"
        } else {
            ""
        };
        inputs.insert(format!("file {path}"), format!("{}{word}", file.sha256));
    }
    inputs
}
