//! The story of one build.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use igos_format::{PackageName, RelPath, Sha256, Version};
use igos_recipe::TestFailure;
use igos_report::{Outcome, Subject, Task};
use igos_sandbox::{Ended, Measures, SandboxError, Status, Terminal};

use super::chamber::Chamber;
use super::environment::{BUILD, BuildEnvironment, JOBS, Jobs, SOURCE_DATE_EPOCH_WITHOUT_SOURCES};
use super::error::{BuildError, StepFailure};
use super::features;
use super::hint::{Symptom, symptoms};
use super::log::BuildLog;
use super::provenance::CheckResult;
use super::settings::BuildSettings;
use super::steps::{Command, Step, commands, has_no_tests, working_directory};
use crate::budget::{Budget, Share};
use crate::build_root::BuildRoot;
use crate::cache::{Cache, CacheError, CachedBuild, StepReceipt, WorkDirectory};
use crate::plan::{CheckMode, KeyDocument};
use crate::source::{ReadySource, RecipeFiles};
use crate::stage::VisiblePackage;
use crate::tree::TreeEntry;

/// Everything that one build needs.
#[derive(Clone, Copy)]
pub struct PackageBuild<'a> {
    /// Where to keep what is made; need not be the cache of the layers that the build sees.
    pub cache: &'a Cache,
    /// What is the same for all packages of the run.
    pub settings: &'a BuildSettings,
    /// The recipe.
    pub entry: &'a TreeEntry,
    /// The files of its directory.
    pub files: &'a RecipeFiles,
    /// Its sources, in the recipe's order.
    pub sources: &'a [ReadySource],
    /// What it can see.
    pub root: &'a BuildRoot,
    /// The contents digests of the packages among that, the toolchain's left out.
    pub dependencies: &'a BTreeMap<PackageName, Sha256>,
    /// The digest of the toolchain.
    pub toolchain: Option<Sha256>,
    /// The key of all that.
    pub document: &'a KeyDocument,
    /// Gives it jobs.
    pub budget: &'a Budget,
    /// Set when the user asked to stop.
    pub interrupted: &'a AtomicBool,
}

impl std::fmt::Debug for PackageBuild<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PackageBuild")
            .field("package", &self.entry.recipe.name)
            .finish_non_exhaustive()
    }
}

/// Builds one package and puts it into the cache.
///
/// # Errors
///
/// Returns why there is no package; a failed step names the log, and leaves the directory of the build in the
/// cache, for [`open_shell`](super::open_shell).
pub fn build_package(input: &PackageBuild<'_>, task: &Task<'_>) -> Result<CachedBuild, BuildError> {
    let name = &input.entry.recipe.name;
    let key = input.document.key();
    let path = input.cache.log(name, &key);
    let before = input.cache.last_key(name)?;
    let before = before.map(|key| input.cache.log(name, &key));
    let log = BuildLog::create(&path).map_err(|source| BuildError::Log {
        package: name.clone(),
        log: path.clone(),
        source,
    })?;
    let work = WorkDirectory::create(input.cache, name)?;
    let environment = BuildEnvironment::new(&input.entry.recipe, input.settings);
    let chamber = Chamber {
        base: input.root.base().to_owned(),
        work: below(input.root.base(), work.path()).to_owned(),
        root: input.root.view().clone(),
        limits: input.settings.limits.clone(),
        confinement: input.settings.confinement,
    };
    let mut running = Running {
        input,
        task,
        log,
        work,
        environment,
        chamber,
        steps: Vec::new(),
        measures: None,
        epoch: 0,
        share: None,
    };
    let result = running.run(key);
    // A directory that is kept needs no pipe, and others need the jobs.
    running.share = None;
    let written = running.log.finish();
    match result {
        Ok(build) => {
            written.map_err(|source| BuildError::Log {
                package: name.clone(),
                log: path.clone(),
                source,
            })?;
            // A log that is not there any more says nothing.
            if let Some(before) = before.filter(|before| *before != path)
                && let Ok(Some(warning)) = features::lost(&before, &path)
            {
                task.notice(warning.at(path.display().to_string()));
            }
            Ok(build)
        }
        // What went wrong first is worth more than that its log is incomplete.
        Err(BuildError::Step {
            package,
            mut failure,
        }) => {
            failure.kept = running.work.keep_as_failed(input.cache, name).ok();
            Err(BuildError::Step { package, failure })
        }
        Err(error) => Err(error),
    }
}

/// Returns `path` relative to `base`, or as it is where it lies elsewhere.
fn below<'p>(base: &Path, path: &'p Path) -> &'p Path {
    path.strip_prefix(base).unwrap_or(path)
}

/// A build that is running.
pub(super) struct Running<'a> {
    pub(super) input: &'a PackageBuild<'a>,
    pub(super) task: &'a Task<'a>,
    pub(super) log: BuildLog,
    pub(super) work: WorkDirectory,
    pub(super) environment: BuildEnvironment,
    pub(super) chamber: Chamber,
    pub(super) steps: Vec<StepReceipt>,
    pub(super) measures: Option<Measures>,
    pub(super) epoch: u64,
    /// The pipe through which it is given jobs.
    share: Option<Share<'a>>,
}

impl<'a> Running<'a> {
    /// Makes the pipe through which the build is given jobs, if every `make` that it sees can use one.
    fn join(&self) -> Result<Option<Share<'a>>, BuildError> {
        let input = self.input;
        if self.environment.brings_jobs() || !knows_pipes(&input.root.visible()) {
            return Ok(None);
        }
        let name = JOBS.trim_start_matches(BUILD).trim_start_matches('/');
        let path = self.work.path().join("build").join(name);
        let share = input.budget.join(&path);
        share
            .map(Some)
            .map_err(|error| CacheError::io("make", &path)(error).into())
    }

    /// Reports that a step began.
    pub(super) fn step_task(&self, step: Step) -> Task<'a> {
        let subject = Subject::Step(format!("{}: {step}", self.input.entry.recipe.name));
        Task::start(self.task.reporter(), Some(self.task.id()), subject)
    }

    fn run(&mut self, key: Sha256) -> Result<CachedBuild, BuildError> {
        let recipe = &self.input.entry.recipe;
        self.log.note(&format!(
            "{} {}, key {key}",
            recipe.name,
            recipe.full_version()
        ));
        let newest = self.unpack()?;
        self.share = self.join()?;
        self.epoch = recipe
            .source_date_epoch
            .or(newest)
            .unwrap_or(SOURCE_DATE_EPOCH_WITHOUT_SOURCES);
        super::session::remember(self.work.path(), self.epoch, self.input.cache)?;
        let mut check = match self.input.settings.check(recipe) {
            CheckMode::Run => CheckResult::None,
            CheckMode::Unavailable if recipe.tests.is_enabled => CheckResult::None,
            CheckMode::Unavailable => CheckResult::Disabled,
            CheckMode::Skipped => CheckResult::Skipped,
        };
        for step in Step::PROGRAMS {
            if step == Step::Check && self.input.settings.check(recipe) != CheckMode::Run {
                continue;
            }
            let result = self.run_step(step);
            match (step, result) {
                (Step::Check, Ok(Ran::Programs)) => check = CheckResult::Passed,
                (Step::Check, Err(BuildError::Step { failure, .. })) => {
                    check = self.judge_check(*failure)?;
                }
                (_, result) => {
                    result?;
                }
            }
        }
        let packages = self.stage(key, check)?;
        self.keep(key, check, packages)
    }

    fn judge_check(&mut self, failure: StepFailure) -> Result<CheckResult, BuildError> {
        let recipe = &self.input.entry.recipe;
        if has_no_tests(recipe, Step::Check, &failure.tail) {
            return Ok(CheckResult::None);
        }
        let is_limit = matches!(failure.status, Some(Status::Stopped(_)));
        if recipe.tests.failure == TestFailure::KnownFailures && !is_limit {
            self.log.note(&format!(
                "tests failed, which the recipe knows of: {}",
                recipe.tests.reason
            ));
            return Ok(CheckResult::KnownFailures);
        }
        Err(BuildError::Step {
            package: recipe.name.clone(),
            failure: Box::new(failure),
        })
    }

    fn run_step(&mut self, step: Step) -> Result<Ran, BuildError> {
        let commands = commands(&self.input.entry.recipe, step);
        if commands.is_empty() {
            return Ok(Ran::Nothing);
        }
        let task = self.step_task(step);
        self.log.forget_tail();
        for command in commands {
            if self.input.interrupted.load(Ordering::SeqCst) {
                return Err(BuildError::Interrupted {
                    package: self.input.entry.recipe.name.clone(),
                });
            }
            if let Err(error) = self.run_command(step, command, &task) {
                task.finish(Outcome::Failed(error.to_string()));
                return Err(error);
            }
        }
        task.finish(Outcome::Done);
        Ok(Ran::Programs)
    }

    fn run_command(
        &mut self,
        step: Step,
        command: Command,
        task: &Task<'_>,
    ) -> Result<(), BuildError> {
        let recipe = &self.input.entry.recipe;
        let budget = self.input.budget;
        let jobs = match &self.share {
            Some(_) => Jobs::Shared {
                most: budget.most(),
            },
            None => Jobs::Fixed(budget.fixed()),
        };
        let mut env = self.environment.for_step(jobs, self.epoch);
        env.extend(
            command
                .variables
                .into_iter()
                .map(|(name, value)| (OsString::from(name), OsString::from(value))),
        );
        let words: Vec<_> = command
            .argv
            .iter()
            .map(|word| word.to_string_lossy().into_owned())
            .collect();
        self.log.note(&format!("{step}: {}", words.join(" ")));
        let log = &mut self.log;
        let ended = self.chamber.run_program(
            command.argv,
            env,
            &working_directory(recipe),
            Terminal::None,
            &mut |bytes| log.take(bytes, task),
        );
        let ended = match ended {
            Ok(ended) => ended,
            Err(SandboxError::CannotStart { program, .. }) => {
                let name = program.display().to_string();
                let reason = format!("the program {name} cannot be started");
                self.log.note(&reason);
                return Err(self.failed_with(
                    step,
                    None,
                    Some(reason),
                    vec![Symptom::MissingProgram(name)],
                ));
            }
            Err(source) => {
                let package = recipe.name.clone();
                return Err(BuildError::Sandbox {
                    package,
                    step,
                    source,
                });
            }
        };
        self.log.flush_line(task);
        self.record(step, &ended);
        if ended.status.is_success() {
            return Ok(());
        }
        if self.input.interrupted.load(Ordering::SeqCst) {
            return Err(BuildError::Interrupted {
                package: recipe.name.clone(),
            });
        }
        let reason = command
            .failure
            .filter(|_| matches!(ended.status, Status::Exited(_)))
            .map(|failure| format!("{failure} ({})", ended.status));
        Err(self.step_failure(step, Some(ended.status), reason))
    }

    pub(super) fn step_failure(
        &mut self,
        step: Step,
        status: Option<Status>,
        reason: Option<String>,
    ) -> BuildError {
        let found = symptoms(&self.log.tail());
        self.failed_with(step, status, reason, found)
    }

    fn failed_with(
        &mut self,
        step: Step,
        status: Option<Status>,
        reason: Option<String>,
        symptoms: Vec<Symptom>,
    ) -> BuildError {
        if let Some(status) = status {
            self.log.note(&format!("{step} {status}"));
        }
        let failure = StepFailure {
            step,
            status,
            reason,
            log: self.log.path().to_owned(),
            tail: self.log.tail(),
            kept: None,
            symptoms,
        };
        let package = self.input.entry.recipe.name.clone();
        BuildError::Step {
            package,
            failure: Box::new(failure),
        }
    }

    pub(super) fn record(&mut self, step: Step, ended: &Ended) {
        self.steps.push(StepReceipt {
            name: step.to_string(),
            wall_ms: ended.usage.wall_ms,
            memory_peak_bytes: ended.usage.memory_peak_bytes,
        });
        self.measures = Some(ended.measures.clone());
    }
}

/// Where `make` is.
const MAKE: &str = "usr/bin/make";

/// The first `make` that can be given jobs through a pipe with a name (its file `NEWS`); older ones stop when they are
/// told of one.
const MAKE_WITH_PIPES: &str = "4.4";

/// Tells whether there is a `make` among the packages, and each that there is can be given jobs through a pipe.
fn knows_pipes(visible: &[VisiblePackage<'_>]) -> bool {
    let (Ok(path), Ok(first)) = (MAKE.parse::<RelPath>(), MAKE_WITH_PIPES.parse::<Version>())
    else {
        return false;
    };
    let makes = visible.iter().filter(|one| {
        let entries = &one.manifest.entries;
        entries
            .binary_search_by(|entry| entry.path.cmp(&path))
            .is_ok()
    });
    let mut versions = makes.map(|one| &one.manifest.package.version).peekable();
    versions.peek().is_some() && versions.all(|version| *version >= first)
}

/// Whether a step had something to run.
enum Ran {
    Programs,
    Nothing,
}
