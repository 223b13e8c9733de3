//! Carrying out schedules, and saying whether what comes of it is right.

use std::collections::BTreeMap;
use std::path::Path;

use nix::errno::Errno;

use crate::judge::{Found, JudgeError, State, needs_recovery};
use crate::scenario::{Operation, Programs, Stage, StageError};
use crate::schedule::{Fault, Schedule};
use crate::trace::{Action, Call, Ended, Observer, Outcome, SyncWhat, Trace, TraceError, trace};

/// Exit code of a program that panicked.
const DEFECT: i32 = 70;

/// Longest text of a program that a finding repeats, in bytes.
const SHOWN_BYTES: usize = 600;

/// What carries out schedules.
#[derive(Debug)]
pub struct Machine {
    stage: Stage,
    ends: BTreeMap<Operation, Ends>,
}

/// The two states that an operation may leave, and the undisturbed run between them.
#[derive(Debug, Clone)]
pub struct Ends {
    /// Before it.
    pub old: State,
    /// After it.
    pub new: State,
    /// What it changed, call by call.
    pub trace: Trace,
}

/// What came of a schedule.
#[derive(Debug, Clone)]
pub struct Judged {
    /// The schedule.
    pub schedule: Schedule,
    /// Whether its last fault happened: a run may have fewer calls.
    pub is_reached: bool,
    /// What the root is like at the end.
    pub found: Found,
    /// What is wrong; nothing if it is empty.
    pub problems: Vec<String>,
    /// How many calls the last run with a fault had come to.
    pub calls: usize,
}

/// A schedule cannot be carried out.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// There is no root to do it on.
    #[error("cannot prepare")]
    Stage(#[source] StageError),
    /// The program cannot be traced.
    #[error("cannot trace")]
    Trace(#[source] TraceError),
    /// The root cannot be looked at.
    #[error("cannot judge")]
    Judge(#[source] JudgeError),
    /// A directory cannot be made.
    #[error("cannot make a root")]
    File(#[source] std::io::Error),
    /// The operation fails although nothing is done to it.
    #[error("{operation} fails undisturbed: {problem}")]
    Undisturbed {
        /// The operation.
        operation: &'static str,
        /// How.
        problem: String,
    },
}

impl Machine {
    /// Makes a machine for these programs; roots are made below `scratch`, or in memory.
    ///
    /// # Errors
    ///
    /// Returns what cannot be prepared.
    pub fn new(programs: Programs, scratch: Option<&Path>) -> Result<Self, RunError> {
        Ok(Machine {
            stage: Stage::new(programs, scratch).map_err(RunError::Stage)?,
            ends: BTreeMap::new(),
        })
    }

    /// Returns the roots and archives.
    pub fn stage(&mut self) -> &mut Stage {
        &mut self.stage
    }

    /// Returns what an operation does undisturbed.
    ///
    /// # Errors
    ///
    /// Returns what cannot be done.
    pub fn ends(&mut self, operation: Operation) -> Result<Ends, RunError> {
        if let Some(found) = self.ends.get(&operation) {
            return Ok(found.clone());
        }
        let prepared = self.stage.prepare(operation).map_err(RunError::Stage)?;
        let root = prepared.root();
        let old = State::of(&root).map_err(RunError::Judge)?;
        let (ended, trace) = self.traced(&root, operation, 0, Fault::Nothing)?;
        let undisturbed = |problem| RunError::Undisturbed {
            operation: operation.as_str(),
            problem,
        };
        if ended.code != Some(0) {
            return Err(undisturbed(format!("{:?}: {}", ended.code, shown(&ended))));
        }
        let new = State::of(&root).map_err(RunError::Judge)?;
        let remains = [old.remains.clone(), new.remains.clone()].concat();
        if !remains.is_empty() {
            return Err(undisturbed(remains.join(", ")));
        }
        if old == new {
            return Err(undisturbed("nothing changes".to_owned()));
        }
        let ends = Ends { old, new, trace };
        self.ends.insert(operation, ends.clone());
        Ok(ends)
    }

    /// Runs an operation (`at` 0) or a recovery on a root, with a fault.
    fn traced(
        &self,
        root: &Path,
        operation: Operation,
        at: usize,
        mut fault: Fault,
    ) -> Result<(Ended, Trace), RunError> {
        self.observed(root, operation, at, &mut fault)
    }

    /// Runs an operation (`at` 0) or a recovery on a root, under somebody's eyes.
    pub(crate) fn observed(
        &self,
        root: &Path,
        operation: Operation,
        at: usize,
        observer: &mut dyn Observer,
    ) -> Result<(Ended, Trace), RunError> {
        let arguments = match at {
            0 => self.stage.arguments(operation),
            _ => vec!["recover".into()],
        };
        let program = self.stage.program(root, &arguments);
        trace(&program, observer).map_err(RunError::Trace)
    }

    /// Judges a root after a schedule of kills and a recovery that nothing disturbed.
    pub(crate) fn judge_recovered(
        &mut self,
        root: &Path,
        schedule: Schedule,
        recovery: &Ended,
    ) -> Result<Judged, RunError> {
        let ends = self.ends(schedule.operation)?;
        let state = State::of(root).map_err(RunError::Judge)?;
        let found = state.compare(&ends.old, &ends.new);
        let mut problems = problems_of(recovery);
        // 1: a transaction had to be undone.
        if !matches!(recovery.code, Some(0 | 1)) {
            problems.push(format!("recovery ended with {:?}", recovery.code));
        }
        if let Found::Mixed(how) = &found {
            problems.push(mixed(how, &recovery.stderr));
        }
        if found == Found::New && state.kept != ends.new.kept {
            problems.push(format!("kept is {:?}, not {:?}", state.kept, ends.new.kept));
        }
        Ok(Judged {
            schedule,
            is_reached: true,
            found,
            problems,
            calls: 0,
        })
    }

    /// Carries out a schedule, recovers, and judges.
    ///
    /// # Errors
    ///
    /// Returns why it cannot be carried out; what is wrong with the program is in the value.
    pub fn carry_out(&mut self, schedule: &Schedule) -> Result<Judged, RunError> {
        let ends = self.ends(schedule.operation)?;
        let prepared = self
            .stage
            .prepare(schedule.operation)
            .map_err(RunError::Stage)?;
        let root = prepared.root();
        let mut problems = Vec::new();
        let (mut last, mut is_reached, mut calls, mut is_unclear) = (None, true, 0, false);
        for (at, fault) in schedule.faults.iter().enumerate() {
            let (ended, trace) = self.traced(&root, schedule.operation, at, *fault)?;
            is_reached = fault.at().is_none_or(|k| k < trace.calls.len());
            calls = trace.calls.len();
            problems.extend(problems_of(&ended));
            problems.extend(believed_sync(&ended, &trace, at));
            is_unclear |= ended.is_killed || at > 0;
            last = Some(ended);
        }
        let said = match is_unclear || needs_recovery(&root) {
            true => self.recover(&root, &mut problems)?,
            false => String::new(),
        };
        let state = State::of(&root).map_err(RunError::Judge)?;
        let found = state.compare(&ends.old, &ends.new);
        let is_full = schedule.faults.iter().any(|fault| fault.is_no_room());
        if found == Found::New && state.kept != ends.new.kept && !is_full {
            problems.push(format!("kept is {:?}, not {:?}", state.kept, ends.new.kept));
        }
        match (&found, &last) {
            (Found::Mixed(how), _) => problems.push(mixed(how, &said)),
            (Found::Old, Some(ended)) if !is_unclear && ended.code == Some(0) => {
                problems.push(format!("it said that it was done: {}", shown(ended)));
            }
            (Found::New, Some(ended)) if !is_unclear && ended.code != Some(0) => {
                problems.push(format!(
                    "it is done, and ended with {:?}: {}",
                    ended.code,
                    shown(ended)
                ));
            }
            _ => {}
        }
        Ok(Judged {
            schedule: schedule.clone(),
            is_reached,
            found,
            problems,
            calls,
        })
    }

    /// Starts the program once more with nothing in its way, and returns what it complained about.
    fn recover(&self, root: &Path, problems: &mut Vec<String>) -> Result<String, RunError> {
        let (command, output) = self
            .stage
            .untraced(root, &["recover".into()])
            .map_err(RunError::Stage)?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        // 1: a transaction had to be undone.
        if !matches!(output.status.code(), Some(0 | 1)) {
            problems.push(format!("{command:?} ended with {}: {said}", output.status));
        }
        Ok(said)
    }
}

/// Describes a mixed root; what recovery complained about may tell why.
fn mixed(how: &str, said: &str) -> String {
    format!("mixed:\n{how}\nrecovery said: {}", said.trim())
}

fn shown(ended: &Ended) -> String {
    let text = format!("{}{}", ended.stdout, ended.stderr);
    let cut = text.len().saturating_sub(SHOWN_BYTES);
    let from = (cut..text.len()).find(|at| text.is_char_boundary(*at));
    text[from.unwrap_or(0)..].trim().replace('\n', " / ")
}

fn problems_of(ended: &Ended) -> Vec<String> {
    let mut problems = Vec::new();
    match ended.code {
        Some(DEFECT) => problems.push(format!("it panicked: {}", shown(ended))),
        Some(0) => {}
        None if ended.is_killed => {}
        None => problems.push(format!("a signal ended it: {}", shown(ended))),
        Some(_) if ended.stderr.trim().is_empty() && !ended.is_killed => {
            problems.push(format!("it failed without a word: {:?}", ended.code));
        }
        Some(_) => {}
    }
    problems
}

/// A wait for the disk that failed says that nothing is known: neither to go on nor to wait once more will do. Once a
/// transaction is in force, a warning will.
fn believed_sync(ended: &Ended, trace: &Trace, at: usize) -> Option<String> {
    let failed = trace.calls.iter().find(|call| {
        let is_failed = matches!(call.outcome, Outcome::Failed(_));
        is_failed && is_wait(call) && !is_of_log(trace, call) && !is_repeated(trace, call)
    })?;
    let is_believed = at == 0 && ended.code == Some(0) && !ended.stderr.contains("warning");
    is_believed.then(|| {
        format!(
            "{} failed at call {}, and it ended with 0 without a word",
            failed.call, failed.number
        )
    })
}

/// Tells whether a signal came in between and the program waited again, which then succeeded: unlike an error of the
/// disk (signal(7), "Interruption of system calls"), that loses nothing.
fn is_repeated(trace: &Trace, call: &Call) -> bool {
    let mut later = trace.calls[call.number + 1..].iter();
    let next = later.find(|later| later.thread == call.thread);
    let is_again =
        |next: &Call| next.action == call.action && matches!(next.outcome, Outcome::Done(_));
    call.outcome == Outcome::Failed(Errno::EINTR as i32) && next.is_some_and(is_again)
}

fn is_wait(call: &Call) -> bool {
    matches!(call.action, Action::Sync { what, .. } if what != SyncWhat::Range)
}

/// Tells whether this is SQLite's wait for the directory, right after that for its write-ahead log. SQLite passes over
/// its failure, and may: should the log have no name after a power cut, then the database is stale, which its last
/// transaction tells. Transactions wait for a directory after renames and deletions alone.
fn is_of_log(trace: &Trace, call: &Call) -> bool {
    let before = call.number.checked_sub(1).map(|at| &trace.calls[at]);
    before.is_some_and(|before| {
        let is_single = |call: &Call| match call.action {
            Action::Sync { what, object } if what != SyncWhat::Filesystem => Some(object),
            _ => None,
        };
        let (first, second) = (is_single(before), is_single(call));
        first.is_some() && second.is_some() && first != second
    })
}
