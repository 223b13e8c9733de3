//! Many schedules one after another, and what came of them.

use std::fmt;

use crate::judge::Found;
use crate::run::{Judged, Machine, RunError};
use crate::scenario::Operation;
use crate::schedule::{Error, Fault, Schedule};
use crate::trace::{Action, RenameHow, Trace};

/// Which calls of a run are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calls {
    /// Each.
    Every,
    /// One in so many, spread over the run.
    OneIn(usize),
    /// One in `of`, from this one on: all parts together are every call.
    Part {
        /// From 0.
        number: usize,
        /// How many parts there are.
        of: usize,
    },
}

/// What came of many schedules.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// How many were carried out.
    pub cases: usize,
    /// How many roots were as before.
    pub old: usize,
    /// How many were as after.
    pub new: usize,
    /// How many were neither.
    pub mixed: usize,
    /// How many ended before their fault, because runs differ.
    pub unreached: usize,
    /// What is wrong, by schedule.
    pub problems: Vec<(Schedule, String)>,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} cases: {} old, {} new, {} mixed, {} not reached, {} with problems",
            self.cases,
            self.old,
            self.new,
            self.mixed,
            self.unreached,
            self.problems.len()
        )?;
        for (schedule, problem) in &self.problems {
            write!(f, "\n`cargo xtask crash replay {schedule}`: {problem}")?;
        }
        Ok(())
    }
}

impl Tally {
    pub(crate) fn add(&mut self, judged: Judged) {
        self.cases += 1;
        match judged.found {
            Found::Old => self.old += 1,
            Found::New => self.new += 1,
            Found::Mixed(_) => self.mixed += 1,
        }
        self.unreached += usize::from(!judged.is_reached);
        if !judged.problems.is_empty() {
            self.problems
                .push((judged.schedule, judged.problems.join("; ")));
        }
    }

    /// Adds another.
    pub fn extend(&mut self, other: Tally) {
        self.cases += other.cases;
        self.old += other.old;
        self.new += other.new;
        self.mixed += other.mixed;
        self.unreached += other.unreached;
        self.problems.extend(other.problems);
    }
}

impl Calls {
    fn of(self, count: usize, shift: usize) -> impl Iterator<Item = usize> {
        let (first, step) = match self {
            Calls::Every => (0, 1),
            Calls::OneIn(step) => (shift % step.max(1), step.max(1)),
            Calls::Part { number, of } => (number, of.max(1)),
        };
        (first..count).step_by(step)
    }
}

/// Kills an operation before and after its calls.
///
/// # Errors
///
/// Returns why a schedule cannot be carried out.
pub fn kill(machine: &mut Machine, operation: Operation, calls: Calls) -> Result<Tally, RunError> {
    let count = machine.ends(operation)?.trace.calls.len();
    let mut tally = Tally::default();
    for (shift, fault) in [Fault::KillBefore, Fault::KillAfter]
        .into_iter()
        .enumerate()
    {
        // Another call each time, where not every one is taken.
        for at in calls.of(count, shift * 3) {
            let faults = vec![fault(at)];
            tally.add(machine.carry_out(&Schedule { operation, faults })?);
        }
    }
    Ok(tally)
}

/// Kills an operation at some of its calls, and the recovery after each of these before its calls.
///
/// # Errors
///
/// Returns why a schedule cannot be carried out.
pub fn kill_recovery(
    machine: &mut Machine,
    operation: Operation,
    first: Calls,
    second: Calls,
) -> Result<Tally, RunError> {
    let count = machine.ends(operation)?.trace.calls.len();
    let mut tally = Tally::default();
    for at in first.of(count, 5) {
        let schedule = |fault| Schedule {
            operation,
            faults: vec![Fault::KillBefore(at), fault],
        };
        let undisturbed = machine.carry_out(&schedule(Fault::Nothing))?;
        let calls = undisturbed.calls;
        tally.add(undisturbed);
        for again in second.of(calls, at) {
            tally.add(machine.carry_out(&schedule(Fault::KillBefore(again)))?);
        }
    }
    Ok(tally)
}

/// Lets calls of an operation fail, once or from there on; calls of hooks are their own business.
///
/// # Errors
///
/// Returns why a schedule cannot be carried out.
pub fn inject(
    machine: &mut Machine,
    operation: Operation,
    error: Error,
    calls: Calls,
) -> Result<Tally, RunError> {
    let own: Vec<usize> = {
        let trace = machine.ends(operation)?.trace;
        let calls = trace.calls.iter().filter(|call| call.is_own);
        calls.map(|call| call.number).collect()
    };
    let mut tally = Tally::default();
    let mut faults: Vec<fn(usize, Error) -> Fault> = vec![Fault::Fail];
    // A signal comes once; the others may stay.
    if error != Error::Interrupted {
        faults.push(Fault::FailOn);
    }
    for (shift, fault) in faults.into_iter().enumerate() {
        for at in calls.of(own.len(), shift * 3 + error as usize) {
            let faults = vec![fault(own[at], error)];
            tally.add(machine.carry_out(&Schedule { operation, faults })?);
        }
    }
    Ok(tally)
}

/// How a defect is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hunt {
    /// By killing at each call.
    Kills,
    /// By killing in the middle of the steps, and the recovery at each call.
    RecoveryKills,
    /// By letting each call fail.
    Fails(Error),
}

/// Looks for a schedule that shows something wrong, coarsely first; `None` if there is none.
///
/// # Errors
///
/// Returns why a schedule cannot be carried out.
pub fn hunt(
    machine: &mut Machine,
    operation: Operation,
    hunt: Hunt,
) -> Result<Option<(Schedule, String, usize)>, RunError> {
    let trace = machine.ends(operation)?.trace;
    let mut tried = 0;
    let middle = middle_of_steps(&trace);
    let count = match hunt {
        Hunt::RecoveryKills => {
            let faults = vec![Fault::KillBefore(middle), Fault::Nothing];
            machine.carry_out(&Schedule { operation, faults })?.calls
        }
        _ => trace.calls.len(),
    };
    for at in coarsely(count) {
        let faults = match hunt {
            Hunt::Kills => vec![Fault::KillBefore(at)],
            Hunt::RecoveryKills => vec![Fault::KillBefore(middle), Fault::KillBefore(at)],
            Hunt::Fails(error) => vec![Fault::Fail(at, error)],
        };
        tried += 1;
        let judged = machine.carry_out(&Schedule { operation, faults })?;
        if !judged.problems.is_empty() {
            let problem = judged.problems.join("; ");
            return Ok(Some((judged.schedule, problem, tried)));
        }
    }
    Ok(None)
}

/// Returns the number of the call in the middle of the renames and exchanges.
fn middle_of_steps(trace: &Trace) -> usize {
    let steps = trace.calls.iter().filter(|call| {
        matches!(
            &call.action,
            Action::Rename {
                how: RenameHow::Exchange,
                ..
            }
        )
    });
    let steps: Vec<usize> = steps.map(|call| call.number).collect();
    steps
        .get(steps.len() / 2)
        .copied()
        .unwrap_or(trace.calls.len() / 2)
}

/// Returns all numbers below `count`, first those that are far from each other.
fn coarsely(count: usize) -> Vec<usize> {
    let mut order = Vec::new();
    for step in [16, 8, 4, 2, 1] {
        order.extend(
            (0..count)
                .step_by(step)
                .filter(|at| step == 16 || at % (step * 2) != 0),
        );
    }
    order
}

#[cfg(test)]
mod tests {
    use super::coarsely;

    #[test]
    fn coarse_order_has_every_call_once() {
        let mut order = coarsely(61);
        order.sort_unstable();
        assert_eq!(order, (0..61).collect::<Vec<_>>());
    }
}
