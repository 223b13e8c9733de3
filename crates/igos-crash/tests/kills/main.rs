//! `pkm` killed at its system calls, and its system calls failing.

use std::path::Path;

use igos_crash::campaign::{self, Calls, Hunt, Tally};
use igos_crash::defect::Defect;
use igos_crash::run::Machine;
use igos_crash::scenario::{Operation, Programs};
use igos_crash::schedule::{Error, Fault, Schedule};

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

fn assert_right(what: &str, tally: &Tally) {
    tell(what, tally);
    assert!(tally.cases > 0);
    assert_eq!(
        (tally.mixed, tally.problems.len(), tally.unreached),
        (0, 0, 0),
        "{what}: {tally}"
    );
}

fn killed(calls: Calls) {
    let mut machine = machine();
    for operation in Operation::ALL {
        let tally = campaign::kill(&mut machine, operation, calls).expect("it can be done");
        assert_right(&format!("{} killed", operation.as_str()), &tally);
        assert!(tally.old > 0 && tally.new > 0, "{tally}");
    }
}

fn recovery_killed(first: Calls, second: Calls) {
    let mut machine = machine();
    for operation in Operation::ALL {
        let tally = campaign::kill_recovery(&mut machine, operation, first, second);
        let tally = tally.expect("it can be done");
        assert_right(
            &format!("recovery of {} killed", operation.as_str()),
            &tally,
        );
    }
}

fn failing(calls: Calls) {
    let mut machine = machine();
    for operation in Operation::ALL {
        for error in Error::ALL {
            let tally = campaign::inject(&mut machine, operation, error, calls);
            let tally = tally.expect("it can be done");
            let what = format!("{} with {}", operation.as_str(), error.as_str());
            assert_right(&what, &tally);
        }
    }
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
    killed(Calls::OneIn(37));
}

#[test]
#[ignore = "kills at every call, for minutes"]
fn killed_at_every_call_the_root_is_old_or_new() {
    killed(Calls::Every);
}

#[test]
fn recovery_can_be_killed_at_some_calls() {
    recovery_killed(Calls::OneIn(149), Calls::OneIn(31));
}

#[test]
#[ignore = "kills recoveries at every call, for minutes"]
fn recovery_can_be_killed_at_every_call() {
    recovery_killed(Calls::OneIn(13), Calls::Every);
}

#[test]
fn call_that_fails_leaves_the_root_old_with_an_error_or_new_without() {
    failing(Calls::OneIn(211));
}

#[test]
#[ignore = "lets every call fail, for many minutes"]
fn every_call_that_fails_leaves_the_root_old_with_an_error_or_new_without() {
    failing(Calls::Every);
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
