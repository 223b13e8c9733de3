//! Running what a transaction left to be run, and remembering what became of it.

use std::io;

use igos_format::RelPath;
use igos_report::{Outcome, Reporter, Subject, Task};
use igos_root::{Directory, RootDir, RootError};
use serde::Serialize;

use super::DropIn;
use super::accounts::{Made, Tables, UserRow};
use super::confine::{HookCall, RunHooks, Writes};
use super::error::HookError;
use super::job::{HookPlan, HookPolicy, Job};
use super::output::{Ended, last_lines};
use super::text::{self, HookJournal, JobState};
use super::{directories, drop_in, programs};
use crate::history::HistoryEntry;
use crate::{LockedSysroot, Mutations, Sysroot, layout};

/// What the names of unfinished journals end with.
const OPEN: &[u8] = b".open";

/// Name of a journal that is being written.
const NEW: &[u8] = b"journal.new";

/// Name of a finished journal in the directory of its transaction.
const FINISHED: &[u8] = b"jobs";

/// Of how many transactions outputs are kept.
const OUTPUTS_KEPT: u64 = 100;

/// Which of the jobs that are left are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Those that were never run to their end.
    Interrupted,
    /// Those that failed, too.
    Failed,
}

/// A job that was run, or was not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HookResult {
    /// The transaction it belongs to.
    pub transaction: u64,
    /// What it is, for people.
    pub what: String,
    /// The job.
    pub job: Job,
    /// What became of it.
    #[serde(flatten)]
    pub state: JobState,
    /// The end of what it printed, if it failed; of drop-in files also the lines that were left out.
    pub output: String,
    /// Where the output is, below the root.
    pub log: String,
}

impl HookResult {
    /// Tells whether it failed.
    #[must_use]
    pub fn is_failed(&self) -> bool {
        matches!(self.state, JobState::Failed(_))
    }
}

/// Returns the journal that a transaction begins with; none where nothing is to be run.
pub(crate) fn journal_of(plan: &HookPlan, transaction: u64) -> Option<HookJournal> {
    if plan.jobs.is_empty() {
        return None;
    }
    let state = |job: &Job| match plan.policy {
        HookPolicy::Skip if !job.run().is_empty() => {
            JobState::Skipped("hooks and triggers were turned off".to_owned())
        }
        // The journal is there only if they succeeded.
        HookPolicy::Run if job.is_before() => JobState::Done,
        HookPolicy::Run | HookPolicy::Skip => JobState::Waiting,
    };
    let jobs = plan.jobs.iter();
    Some(HookJournal {
        transaction,
        policy: plan.policy,
        jobs: jobs.map(|job| (job.clone(), state(job))).collect(),
    })
}

/// Returns where the unfinished journal of a transaction is.
pub(crate) fn open_place(transaction: u64) -> RelPath {
    let name = [HistoryEntry::file_name(transaction).as_bytes(), OPEN].concat();
    layout::hooks()
        .join(&name)
        .expect("a number and a word are one component")
}

/// Runs the hooks that come before anything changes; `staged` are their programs, by where they are staged and where
/// they will be.
pub(crate) fn run_before(
    root: &RootDir,
    plan: &HookPlan,
    transaction: u64,
    staged: &[(RelPath, RelPath)],
    runner: &dyn RunHooks,
) -> Result<(), HookError> {
    if !plan.runs_programs() {
        return Ok(());
    }
    runner.check()?;
    for (number, job) in (1..).zip(&plan.jobs) {
        if !job.is_before() {
            continue;
        }
        let call = HookCall {
            run: job.run().to_vec(),
            environment: programs::environment(job),
            writes: Writes::Nothing(staged.to_vec()),
        };
        let outcome = runner.run(root, &call)?;
        keep_output(root, transaction, number, &outcome.output)?;
        if let Some(problem) = outcome.problem {
            return Err(HookError::Refused {
                job: job.to_string(),
                problem,
                output: last_lines(&outcome.output),
            });
        }
    }
    Ok(())
}

impl Sysroot {
    /// Returns the journal of what a transaction ran and made, if it had anything to run or make.
    ///
    /// # Errors
    ///
    /// Returns why it cannot be read.
    pub fn hooks_of(&self, transaction: u64) -> Result<Option<HookJournal>, HookError> {
        let finished = directory_place(transaction)
            .join(FINISHED)
            .expect("it is one component");
        for place in [open_place(transaction), finished] {
            if let Some(journal) = load(&self.root, &place)? {
                return Ok(Some(journal));
            }
        }
        Ok(None)
    }

    /// Returns the transactions that have something left to be run: interrupted or failed.
    ///
    /// # Errors
    ///
    /// Returns why that cannot be found out.
    pub fn hooks_left(&self) -> Result<Vec<HookJournal>, HookError> {
        let read = |source| HookError::Read { source };
        let directory = match self.root.directory(&layout::hooks()) {
            Ok(directory) => directory,
            Err(error) if error.is_not_found() => return Ok(Vec::new()),
            Err(source) => return Err(read(source)),
        };
        let entries = directory
            .entries()
            .map_err(|source| read(RootError::new("list", layout::hooks().to_string(), source)))?;
        let mut journals = Vec::new();
        for entry in entries {
            let number = entry.name.strip_suffix(OPEN);
            if let Some(number) = number.and_then(HistoryEntry::parse_file_name) {
                journals.extend(load(&self.root, &open_place(number))?);
            }
        }
        Ok(journals)
    }
}

impl LockedSysroot {
    /// Runs what transactions left to be run, oldest first, and returns what became of each job.
    ///
    /// A job that fails is remembered and does not keep the others from being run.
    ///
    /// # Errors
    ///
    /// Returns why jobs could not be run at all; they stay to be run.
    pub fn run_hooks(
        &mut self,
        retry: Retry,
        reporter: &dyn Reporter,
    ) -> Result<Vec<HookResult>, HookError> {
        let mut results = Vec::new();
        let mut is_checked = false;
        for mut journal in self.hooks_left()? {
            let wanted = |state: &JobState| match state {
                JobState::Waiting => true,
                JobState::Failed(_) => retry == Retry::Failed,
                JobState::Done | JobState::Skipped(_) => false,
            };
            for at in 0..journal.jobs.len() {
                let (job, state) = &journal.jobs[at];
                if !wanted(state) {
                    continue;
                }
                if self.is_unsettled()? {
                    return Err(HookError::Unsettled);
                }
                if !job.run().is_empty() && !is_checked {
                    self.options.hooks.check()?;
                    is_checked = true;
                }
                let result = self.run_job(&journal, at, reporter)?;
                journal.jobs[at].1 = result.state.clone();
                self.write_journal(&journal)?;
                results.push(result);
            }
            self.finish_if_done(&journal)?;
        }
        Ok(results)
    }

    fn is_unsettled(&self) -> Result<bool, HookError> {
        self.state
            .metadata_if_present(layout::JOURNAL)
            .map(|found| found.is_some())
            .map_err(state("look for the journal"))
    }

    fn run_job(
        &self,
        journal: &HookJournal,
        at: usize,
        reporter: &dyn Reporter,
    ) -> Result<HookResult, HookError> {
        let job = &journal.jobs[at].0;
        let (transaction, number) = (journal.transaction, at + 1);
        let task = Task::start(reporter, None, Subject::Hook(job.to_string()));
        let outcome = self.outcome(job);
        task.finish(match &outcome {
            Ok(ended) => match &ended.state {
                JobState::Failed(why) => Outcome::Failed(why.clone()),
                JobState::Skipped(why) => Outcome::Skipped(why.clone()),
                JobState::Done | JobState::Waiting => Outcome::Done,
            },
            Err(error) => Outcome::Failed(error.to_string()),
        });
        let Ended {
            state,
            output,
            shown,
        } = outcome?;
        keep_output(&self.root, transaction, number, &output)?;
        Ok(HookResult {
            transaction,
            what: job.to_string(),
            job: job.clone(),
            state,
            output: shown,
            log: output_place(transaction, number).to_string(),
        })
    }

    fn outcome(&self, job: &Job) -> Result<Ended, HookError> {
        let tables = Tables {
            root: &self.root,
            mutations: self.options.mutations.as_ref(),
        };
        let made = match job {
            Job::Group(group) => tables.make_group(group.name.as_str(), group.gid),
            Job::User(user) => tables.make_user(&UserRow {
                name: user.name.as_str(),
                uid: user.uid,
                gid: user.gid,
                description: &user.description,
                home: &user.home,
                shell: &user.shell,
            }),
            Job::DropIn { kind, files } => return self.outcome_of_files(*kind, files),
            Job::Directories { paths } => {
                return Ok(Ended::silently(directories::restore(self, paths)));
            }
            Job::Hook { .. } | Job::Trigger { .. } | Job::BuiltIn { .. } => {
                return programs::run(self, job);
            }
        };
        let state = match made {
            Ok(Made::Yes) => JobState::Done,
            Ok(Made::Kept { number }) => {
                JobState::Failed(format!("the root has it with number {number}"))
            }
            Ok(Made::Taken { by }) => JobState::Failed(format!("{by} has its number")),
            Err(error) => JobState::Failed(error.to_string()),
        };
        Ok(Ended::silently(state))
    }

    fn outcome_of_files(&self, kind: DropIn, files: &[String]) -> Result<Ended, HookError> {
        let names = files.iter().map(String::as_str).collect();
        match drop_in::carry_out(self, kind, &names) {
            Ok(report) => Ok(Ended {
                state: report.state(),
                shown: report.notable(),
                output: report.into_output(),
            }),
            Err(error) => {
                let why = error.into_io().to_string();
                Ok(Ended::silently(JobState::Failed(why)))
            }
        }
    }

    fn write_journal(&self, journal: &HookJournal) -> Result<(), HookError> {
        let mutations = self.options.mutations.as_ref();
        let write = || -> io::Result<()> {
            let hooks = hooks_directory(&self.root)?;
            replace(&hooks, mutations, &open_name(journal.transaction), journal)
        };
        write().map_err(state("write the journal of hooks"))
    }

    /// Puts a journal without anything left to its outputs, and lets outputs go that are old.
    fn finish_if_done(&self, journal: &HookJournal) -> Result<(), HookError> {
        let is_left = |state: &JobState| matches!(state, JobState::Waiting | JobState::Failed(_));
        if journal.jobs.iter().any(|(_, state)| is_left(state)) {
            return Ok(());
        }
        let finish = || -> io::Result<()> {
            let hooks = hooks_directory(&self.root)?;
            let own = transaction_directory(&self.root, journal.transaction)?;
            self.options.mutations.rename(
                &hooks,
                &open_name(journal.transaction),
                &own,
                FINISHED,
            )?;
            let Some(old) = journal.transaction.checked_sub(OUTPUTS_KEPT) else {
                return Ok(());
            };
            let old = match hooks.open_directory(HistoryEntry::file_name(old).as_bytes()) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                other => other?,
            };
            for entry in old.entries()? {
                if entry.name != FINISHED {
                    self.options.mutations.delete(&old, &entry.name)?;
                }
            }
            Ok(())
        };
        finish().map_err(state("finish the journal of hooks"))
    }
}

fn state(operation: &'static str) -> impl FnOnce(io::Error) -> HookError {
    move |source| HookError::State { operation, source }
}

fn open_name(transaction: u64) -> Vec<u8> {
    [HistoryEntry::file_name(transaction).as_bytes(), OPEN].concat()
}

fn directory_place(transaction: u64) -> RelPath {
    layout::hooks()
        .join(HistoryEntry::file_name(transaction).as_bytes())
        .expect("a number is one component")
}

fn output_place(transaction: u64, number: usize) -> RelPath {
    directory_place(transaction)
        .join(format!("{number}.output").as_bytes())
        .expect("a number and a word are one component")
}

fn hooks_directory(root: &RootDir) -> io::Result<Directory> {
    root.create_directories(&layout::hooks(), 0o755)
        .map_err(RootError::into_io)
}

/// Opens the directory of a transaction's outputs, which may hold what only the administrator should read.
fn transaction_directory(root: &RootDir, transaction: u64) -> io::Result<Directory> {
    root.create_directories(&directory_place(transaction), 0o755)
        .map_err(RootError::into_io)
}

fn replace(
    directory: &Directory,
    mutations: &dyn Mutations,
    name: &[u8],
    journal: &HookJournal,
) -> io::Result<()> {
    if directory.metadata_if_present(NEW)?.is_some() {
        mutations.delete(directory, NEW)?;
    }
    let mut file = mutations.create_file(directory, NEW)?;
    mutations.write(&mut file, &journal.to_bytes())?;
    mutations.set_mode(std::os::fd::AsFd::as_fd(&file), 0o644)?;
    file.sync_all()?;
    mutations.rename(directory, NEW, directory, name)
}

/// Keeps what a job printed, if it printed anything, for the administrator alone.
fn keep_output(
    root: &RootDir,
    transaction: u64,
    number: usize,
    output: &[u8],
) -> Result<(), HookError> {
    let keep = || -> io::Result<()> {
        let place = output_place(transaction, number);
        let directory = transaction_directory(root, transaction)?;
        if directory.metadata_if_present(place.file_name())?.is_some() {
            directory.delete(place.file_name())?;
        }
        if output.is_empty() {
            return Ok(());
        }
        let mut file = directory.create_file(place.file_name())?;
        io::Write::write_all(&mut file, output)
    };
    keep().map_err(state("keep the output of a hook"))
}

fn load(root: &RootDir, place: &RelPath) -> Result<Option<HookJournal>, HookError> {
    let bytes = root
        .read_file(place, text::MAX_BYTES)
        .map_err(|source| HookError::Read { source })?;
    bytes
        .map(|bytes| {
            HookJournal::read(&bytes).map_err(|source| HookError::Journal {
                path: place.to_string(),
                source,
            })
        })
        .transpose()
}
