//! A whole run: every package of a graph is made, or told why not.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use igos_format::PackageName;
use igos_repo::Fetcher;
use igos_report::{Explain, Outcome, Reporter, Subject, Task};

use super::graph::{BuildGraph, GraphError};
use super::node::{Made, Nodes};
use super::outlook::Watch;
use super::pool::{self, Fate, OnFailure, Worked};
use super::report::{OutputReport, PackageReport, PackageStatus, RunReport};
use super::standing::Standing;
use crate::build_root::{BuildRoot, ToolchainView};
use crate::cache::{Cache, CachedBuild};
use crate::execute::{BuildError, BuildSettings};
use crate::tree::{Tree, TreeEntry};

/// Everything that a run needs.
#[derive(Clone, Copy)]
pub struct BuildRun<'a> {
    /// Where to keep what is made; locked by the caller.
    pub cache: &'a Cache,
    /// What is the same for all packages.
    pub settings: &'a BuildSettings,
    /// The recipes.
    pub tree: &'a Tree,
    /// What to build, dependencies first.
    pub graph: &'a BuildGraph<'a>,
    /// The toolchain; absent in host mode.
    pub toolchain: Option<&'a ToolchainView>,
    /// Gets sources.
    pub fetcher: &'a Fetcher<'a>,
    /// How many packages are built at once.
    pub jobs: NonZeroUsize,
    /// What happens to the rest when one fails.
    pub on_failure: OnFailure,
    /// Packages to build even if the cache has them.
    pub force: &'a BTreeSet<PackageName>,
    /// Set when the user asked to stop.
    pub interrupted: &'a AtomicBool,
    /// Hears what happens.
    pub reporter: &'a dyn Reporter,
}

impl std::fmt::Debug for BuildRun<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BuildRun")
            .field("cache", &self.cache)
            .field("jobs", &self.jobs)
            .finish_non_exhaustive()
    }
}

/// Makes every package of the graph.
#[must_use]
pub fn build(run: &BuildRun<'_>) -> RunReport {
    let started = Instant::now();
    let count = run.graph.nodes().len();
    let task = Task::start(
        run.reporter,
        None,
        Subject::Group(format!("build {count} packages")),
    );
    let nodes = Nodes::new(run, task.id());
    let reports: Mutex<Vec<Option<(PackageReport, u8)>>> = Mutex::new(vec![None; count]);
    let done = AtomicUsize::new(0);
    let watch = Watch::new(run.cache, run.graph, run.jobs.get());
    let work = |node: usize| {
        watch.begin(node, &task);
        let (report, exit_code) = nodes.budget.sharing(|| make(run, &nodes, node));
        watch.end(node, &task);
        task.advance(
            done.fetch_add(1, Ordering::SeqCst) as u64 + 1,
            Some(count as u64),
        );
        let worked = if exit_code == 0 {
            Worked::Well
        } else {
            Worked::Badly
        };
        reports
            .lock()
            .expect("no thread panics while it holds this lock")[node] = Some((report, exit_code));
        worked
    };
    let is_interrupted = || run.interrupted.load(Ordering::SeqCst);
    let fates = std::thread::scope(|scope| {
        let _watched = nodes.budget.watched();
        scope.spawn(|| nodes.budget.watch());
        pool::run(
            &run.graph.edges(),
            run.jobs.get(),
            run.on_failure,
            &is_interrupted,
            &work,
        )
    });
    let reports = reports
        .into_inner()
        .expect("no thread panicked, or the scope had");
    let mut exit_code = 0;
    let mut packages = Vec::new();
    for (node, (report, fate)) in reports.into_iter().zip(fates).enumerate() {
        let (report, code) = report.unwrap_or_else(|| (skipped(run, node, fate), 0));
        exit_code = if exit_code == 0 { code } else { exit_code };
        packages.push(report);
    }
    if is_interrupted() {
        exit_code = 130;
    }
    let report = RunReport::new(packages, started.elapsed().as_secs_f64(), exit_code);
    task.finish(if exit_code == 0 {
        Outcome::Done
    } else {
        Outcome::Failed(format!(
            "{} failed, {} skipped",
            report.failed, report.skipped
        ))
    });
    report
}

fn make(run: &BuildRun<'_>, nodes: &Nodes<'_>, node: usize) -> (PackageReport, u8) {
    let started = Instant::now();
    let recipe = &run.graph.nodes()[node];
    let mut report = empty_report(recipe.entry);
    if let Some(fault) = &recipe.fault {
        return (unbuildable(report, fault), fault.exit_code());
    }
    let result = nodes.make(node);
    report.seconds = started.elapsed().as_secs_f64();
    let mut exit_code = 0;
    match result {
        Ok(Made::Cached(build)) => {
            report.status = PackageStatus::Cached;
            report.reason = "nothing that goes into it changed".into();
            fill(&mut report, run.cache, &build);
        }
        Ok(Made::Built(build, reason)) => {
            report.status = PackageStatus::Built;
            report.reason = reason;
            fill(&mut report, run.cache, &build);
        }
        Err(unmade) => {
            report.key = unmade.key;
            exit_code = unmade.error.exit_code().max(1);
            fail(&mut report, run.cache, &unmade.error);
        }
    }
    (report, exit_code)
}

/// Returns the report of a package whose recipe nobody could build.
fn unbuildable(mut report: PackageReport, fault: &GraphError) -> PackageReport {
    report.status = PackageStatus::Failed;
    report.reason = fault.to_string();
    report.diagnostics = fault.diagnostics();
    report
}

fn fail(report: &mut PackageReport, cache: &Cache, error: &BuildError) {
    report.status = PackageStatus::Failed;
    report.reason = error.to_string();
    // What fails after the last step, or before the first one, has a log that the error does not know.
    let begun = report
        .key
        .map(|key| cache.log(&report.name, &key))
        .filter(|log| log.exists());
    report.log = error.log().map(ToOwned::to_owned).or(begun);
    report.diagnostics = error.diagnostics();
}

fn fill(report: &mut PackageReport, cache: &Cache, build: &CachedBuild) {
    let receipt = build.receipt();
    report.key = Some(receipt.key);
    report.log = Some(cache.log(&receipt.package, &receipt.key)).filter(|log| log.exists());
    report.outputs = receipt
        .outputs
        .iter()
        .map(|output| OutputReport {
            name: output.name.clone(),
            archive: build.archive(output),
            seal: output.seal,
            sha256: output.sha256,
            size_bytes: output.size_bytes,
        })
        .collect();
}

fn empty_report(entry: &TreeEntry) -> PackageReport {
    PackageReport {
        name: entry.recipe.name.clone(),
        version: entry.recipe.version.to_string(),
        release: entry.recipe.release.to_string(),
        outputs: Vec::new(),
        status: PackageStatus::Skipped,
        reason: String::new(),
        key: None,
        log: None,
        changes: Vec::new(),
        seconds: 0.0,
        diagnostics: Vec::new(),
    }
}

fn skipped(run: &BuildRun<'_>, node: usize, fate: Fate) -> PackageReport {
    let name = |node: usize| &run.graph.nodes()[node].entry.recipe.name;
    let mut report = empty_report(run.graph.nodes()[node].entry);
    report.reason = match fate {
        Fate::Blocked(because) => format!("it needs {}, which was not built", name(because)),
        Fate::NotStarted | Fate::Worked(_) => "the run stopped before it".to_owned(),
    };
    report
}

/// Says for every package whether the cache has it, and why not, without fetching or building.
///
/// # Errors
///
/// Returns what cannot be read.
pub fn preview(run: &BuildRun<'_>) -> Result<RunReport, BuildError> {
    let started = Instant::now();
    let task = Task::start(
        run.reporter,
        None,
        Subject::Group("look into the cache".into()),
    );
    let nodes = Nodes::new(run, task.id());
    let mut packages: Vec<PackageReport> = Vec::new();
    let mut exit_code = 0;
    for (node, needed) in run.graph.edges().iter().enumerate() {
        if let Some(fault) = &run.graph.nodes()[node].fault {
            exit_code = fault.exit_code();
            let report = empty_report(run.graph.nodes()[node].entry);
            packages.push(unbuildable(report, fault));
            continue;
        }
        let is_lost = |one: &usize| {
            let status = packages[*one].status;
            matches!(status, PackageStatus::Failed | PackageStatus::Skipped)
        };
        if let Some(lost) = needed.iter().copied().find(is_lost) {
            packages.push(skipped(run, node, Fate::Blocked(lost)));
            continue;
        }
        let is_later = |one: &usize| packages[*one].status != PackageStatus::Cached;
        let waits_for = needed.iter().copied().find(is_later);
        let waits_for = waits_for.map(|one| packages[one].name.clone());
        packages.push(expected(&nodes, node, waits_for)?);
    }
    task.finish(Outcome::Done);
    let seconds = started.elapsed().as_secs_f64();
    Ok(RunReport::new(packages, seconds, exit_code))
}

/// Says of one package whether the cache has it; what waits for another one is not looked for.
fn expected(
    nodes: &Nodes<'_>,
    node: usize,
    waits_for: Option<PackageName>,
) -> Result<PackageReport, BuildError> {
    let mut report = empty_report(nodes.entry(node));
    if let Some(dependency) = waits_for {
        report.status = PackageStatus::Planned;
        report.reason = format!("it needs {dependency}, which is built first");
        return Ok(report);
    }
    match nodes.standing(node)? {
        Standing::Cached(build, _) => {
            report.status = PackageStatus::Cached;
            report.reason = "nothing that goes into it changed".into();
            fill(&mut report, nodes.run.cache, &build);
            nodes.settle(node, build);
        }
        Standing::Stale(stale) => {
            report.status = PackageStatus::Planned;
            report.reason = stale.reason;
            report.changes = stale.changes;
            report.key = stale.key;
        }
    }
    Ok(report)
}

/// Makes everything that one package needs, and the root that its build would see.
///
/// # Errors
///
/// Returns the report of what failed, or why the root cannot be made.
pub fn assemble_root(
    run: &BuildRun<'_>,
    name: &PackageName,
) -> Result<BuildRoot, Box<AssembleError>> {
    let missing = || Box::new(AssembleError::Missing(name.clone()));
    let (last, _) = run.graph.maker(name).ok_or_else(missing)?;
    let nodes = Nodes::new(run, igos_report::TaskId(0));
    for node in 0..last {
        nodes
            .make(node)
            .map_err(|unmade| Box::new(AssembleError::Build(unmade.error)))?;
    }
    let cache = |error: crate::cache::CacheError| Box::new(AssembleError::Build(error.into()));
    let needed = nodes.needed(last).map_err(cache)?;
    BuildRoot::assemble(
        run.cache,
        run.settings.mode,
        run.toolchain,
        &needed.archives,
    )
    .map_err(cache)
}

/// The root of a build cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum AssembleError {
    /// The package is not part of the run.
    #[error("{0} is not part of the build order")]
    Missing(PackageName),
    /// Something that it needs cannot be built.
    #[error(transparent)]
    Build(BuildError),
}

impl Explain for AssembleError {
    fn code(&self) -> &'static str {
        match self {
            AssembleError::Missing(_) => "package-missing",
            AssembleError::Build(error) => error.code(),
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            AssembleError::Missing(_) => Vec::new(),
            AssembleError::Build(error) => error.hints(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            AssembleError::Missing(_) => 1,
            AssembleError::Build(error) => error.exit_code(),
        }
    }

    fn diagnostics(&self) -> Vec<igos_report::Diagnostic> {
        match self {
            AssembleError::Missing(_) => vec![igos_report::diagnose(self)],
            AssembleError::Build(error) => error.diagnostics(),
        }
    }
}
