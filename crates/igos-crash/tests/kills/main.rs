//! `pkm` killed at its system calls, and its system calls failing.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use igos_crash::campaign::{self, Calls, Hunt, Tally};
use igos_crash::defect::Defect;
use igos_crash::explore::{Explored, explore};
use igos_crash::run::{Machine, RunError};
use igos_crash::scenario::{Operation, Programs};
use igos_crash::schedule::{Error, Fault, Schedule};

/// How many machines are at work at once.
const AT_ONCE: usize = 6;
/// In how many parts the calls of an operation are taken.
const PARTS: usize = 6;

fn programs() -> Programs {
    let launcher = Path::new(env!("CARGO_BIN_EXE_igos-crash"));
    Programs {
        launcher: launcher.to_owned(),
        // Compiled with the tests, beside this one.
        subject: vec![launcher.with_file_name("pkm").into()],
    }
}

fn machine() -> Machine {
    Machine::new(programs(), None).expect("roots can be prepared")
}

#[expect(clippy::print_stdout, reason = "what was counted is told")]
fn tell(what: &str, tally: &Tally) {
    println!("{what}: {tally}");
}

#[expect(clippy::print_stdout, reason = "what was counted is told")]
fn tell_explored(operation: Operation, explored: &Explored) {
    println!(
        "{}: {} states that kills lead to, by kills {:?}; {} calls of recoveries",
        operation.as_str(),
        explored.tally.cases,
        explored.depths,
        explored.calls
    );
}

fn assert_right(what: &str, tally: &Tally) {
    assert!(tally.cases > 0);
    assert_eq!(
        (tally.mixed, tally.problems.len(), tally.unreached),
        (0, 0, 0),
        "{what}: {tally}"
    );
}

/// Carries out jobs several at once, each on a machine of its own: most of the time of a case is waiting for a
/// processor.
fn at_once<J: Sync>(
    jobs: &[J],
    carry_out: impl Fn(&mut Machine, &J) -> Tally + Sync,
) -> Vec<Tally> {
    let next = AtomicUsize::new(0);
    let done: Vec<Mutex<Option<Tally>>> = jobs.iter().map(|_| Mutex::new(None)).collect();
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE.min(jobs.len()) {
            scope.spawn(|| {
                let mut machine = machine();
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(job) = jobs.get(at) else {
                        break;
                    };
                    let tally = carry_out(&mut machine, job);
                    *done[at].lock().expect("no job panics twice") = Some(tally);
                }
            });
        }
    });
    let tallies = done.into_iter().map(|tally| {
        let tally = tally.into_inner().expect("no job panicked");
        tally.expect("each was done")
    });
    tallies.collect()
}

/// Does something with every operation, in parts, and tells of each operation what came of it.
fn each_operation(
    what: &str,
    parts: &[Calls],
    carry_out: impl Fn(&mut Machine, Operation, Calls) -> Result<Tally, RunError> + Sync,
) -> Vec<Tally> {
    let jobs: Vec<(Operation, Calls)> = Operation::ALL
        .into_iter()
        .flat_map(|operation| parts.iter().map(move |part| (operation, *part)))
        .collect();
    let tallies = at_once(&jobs, |machine, (operation, part)| {
        carry_out(machine, *operation, *part).expect("it can be done")
    });
    let of_operation = Operation::ALL.into_iter().map(|operation| {
        let mut sum = Tally::default();
        for ((of, _), tally) in jobs.iter().zip(&tallies) {
            if *of == operation {
                sum.extend(tally.clone());
            }
        }
        tell(&format!("{} {what}", operation.as_str()), &sum);
        sum
    });
    let tallies: Vec<Tally> = of_operation.collect();
    for (operation, tally) in Operation::ALL.into_iter().zip(&tallies) {
        assert_right(&format!("{} {what}", operation.as_str()), tally);
    }
    tallies
}

/// Returns parts that are every call together.
fn every_call() -> Vec<Calls> {
    (0..PARTS)
        .map(|number| Calls::Part { number, of: PARTS })
        .collect()
}

fn killed(parts: &[Calls]) {
    for tally in each_operation("killed", parts, campaign::kill) {
        assert!(tally.old > 0 && tally.new > 0, "{tally}");
    }
}

fn failing(error: Error, parts: &[Calls]) {
    let what = format!("with {}", error.as_str());
    each_operation(&what, parts, |machine, operation, calls| {
        campaign::inject(machine, operation, error, calls)
    });
}

/// What once went wrong. Numbers of calls move when transactions change; the calls around them are tried, too.
#[test]
fn schedules_that_once_failed_pass() {
    let mut machine = machine();
    for (operation, at, fault) in [
        // A directory had another mode between `mkdir` and `chmod`.
        (
            Operation::Install,
            271,
            Fault::KillBefore as fn(usize) -> Fault,
        ),
        // A wait for the disk that SQLite passes over, and one of ours.
        (Operation::Install, 213, |at| {
            Fault::Fail(at, Error::NoSpace)
        }),
        // An old file that could not be put away kept others from it.
        (Operation::Upgrade, 213, |at| {
            Fault::Fail(at, Error::NoSpace)
        }),
        // A hook could not be started on a machine that was busy.
        (Operation::Rollback, 161, Fault::KillAfter),
        // The machine itself left a file open where `close` was to fail.
        (Operation::Upgrade, 74, |at| Fault::Fail(at, Error::Quota)),
    ] {
        for at in at - 1..=at + 1 {
            let faults = vec![fault(at)];
            let schedule = Schedule { operation, faults };
            let judged = machine.carry_out(&schedule).expect("it can be done");
            assert_eq!(judged.problems, [""; 0], "{schedule}");
        }
    }
}

#[test]
fn killed_at_some_calls_the_root_is_old_or_new() {
    killed(&[Calls::OneIn(37)]);
}

#[test]
#[ignore = "kills at every call, for minutes"]
fn killed_at_every_call_the_root_is_old_or_new() {
    killed(&every_call());
}

#[test]
fn recovery_can_be_killed_at_some_calls() {
    each_operation(
        "killed, and its recovery",
        &[Calls::OneIn(149)],
        |machine, operation, first| {
            campaign::kill_recovery(machine, operation, first, Calls::OneIn(31))
        },
    );
}

/// In every state that two kills can lead to, one of an operation and one of its recovery, the next recovery ends at the
/// old root or the new one.
#[test]
#[ignore = "kills recoveries at every call, for half an hour"]
fn recovery_can_be_killed_at_every_call() {
    each_operation("explored", &[Calls::Every], |machine, operation, _| {
        let explored = explore(machine, operation, 2)?;
        tell_explored(operation, &explored);
        assert!(explored.depths.len() > 1, "recoveries were killed, too");
        Ok(explored.tally)
    });
}

#[test]
fn call_that_fails_leaves_the_root_old_with_an_error_or_new_without() {
    for error in Error::ALL {
        failing(error, &[Calls::OneIn(211)]);
    }
}

/// The same for transactions that were interrupted at some places, each at every call of its recovery.
#[test]
#[ignore = "kills recoveries at every call, for minutes"]
fn recovery_from_some_places_can_be_killed_at_every_call() {
    let parts: Vec<Calls> = (0..PARTS)
        .map(|part| Calls::Part {
            number: 20 + part * 47,
            of: 47 * PARTS,
        })
        .collect();
    each_operation(
        "killed, and its recovery",
        &parts,
        |machine, operation, first| {
            campaign::kill_recovery(machine, operation, first, Calls::Every)
        },
    );
}

#[test]
#[ignore = "lets every call fail, for many minutes"]
fn every_call_that_fails_leaves_the_root_old_with_an_error_or_new_without() {
    for error in Error::ALL {
        failing(error, &every_call());
    }
}

/// Returns a machine for a transaction with a defect.
fn planted(defect: Defect) -> Machine {
    let launcher = Path::new(env!("CARGO_BIN_EXE_igos-crash"));
    let subject = vec![launcher.into(), "defective".into(), defect.as_str().into()];
    let launcher = launcher.to_owned();
    Machine::new(Programs { launcher, subject }, None).expect("roots can be prepared")
}

#[expect(clippy::print_stdout, reason = "what caught a defect is told")]
fn assert_found(defect: Defect, hunts: &[Hunt]) {
    let mut machine = planted(defect);
    for hunt in hunts {
        let found = campaign::hunt(&mut machine, Operation::Upgrade, *hunt);
        if let Some((schedule, problem, tried)) = found.expect("it can be done") {
            let problem: String = problem.chars().take(160).collect();
            println!(
                "{} is caught by {schedule}, the {tried}. tried: {problem}",
                defect.as_str()
            );
            return;
        }
    }
    panic!("{} is not caught", defect.as_str());
}

#[test]
fn defects_that_kills_show_are_caught() {
    for defect in Defect::KILLED {
        let hunts = match defect {
            Defect::StagingLeft | Defect::RecoverySkips | Defect::RecoveryForgets => {
                [Hunt::RecoveryKills, Hunt::Kills]
            }
            _ => [Hunt::Kills, Hunt::RecoveryKills],
        };
        assert_found(defect, &hunts);
    }
}

#[test]
fn defects_that_failing_calls_show_are_caught() {
    for defect in Defect::FAILED {
        assert_found(defect, &[Hunt::Fails(Error::Io)]);
    }
}

#[test]
fn subject_without_a_defect_passes() {
    let mut machine = planted(Defect::None);
    let calls = Calls::OneIn(61);
    let killed = campaign::kill(&mut machine, Operation::Upgrade, calls).expect("it can be done");
    tell("without a defect, killed", &killed);
    assert_right("without a defect, killed", &killed);
    let (first, second) = (Calls::OneIn(149), Calls::OneIn(41));
    let killed = campaign::kill_recovery(&mut machine, Operation::Upgrade, first, second);
    assert_right(
        "without a defect, recovery killed",
        &killed.expect("it can be done"),
    );
    let failed = campaign::inject(&mut machine, Operation::Upgrade, Error::Io, calls);
    assert_right("without a defect, EIO", &failed.expect("it can be done"));
}
