//! Packages come, change, are verified, repaired and go, under the racer.

use igos_report::{Explain, Quiet};
use igos_sysroot::{
    ChangeOptions, Durability, LockedSysroot, Plan, RepairConfiguration, RepairRequest, Request,
    Unowned, VerifyRequest,
};

use crate::arena::{Arena, Racer, THEIRS};
use crate::support::{TestArchive, TestRoot, apply, name};

/// What became of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Done,
    Refused,
}

/// How often each outcome was.
#[derive(Debug, Default)]
struct Tally {
    operations: u64,
    /// Of installs, upgrades, repairs and removals.
    done: [u64; 4],
    verified: u64,
}

fn versions() -> [TestArchive; 2] {
    let first = TestArchive::new("app", "1")
        .directory("srv/app/data", 0o750)
        .file("srv/app/data/file", b"one")
        .file_with("srv/app/data/tool", b"tool one", 0o755)
        .file("srv/app/data/sub/inner", b"inner")
        .symlink("srv/app/data/link", "file")
        .hard_links(1, &["srv/app/data/a", "srv/app/data/b"], b"linked");
    let second = TestArchive::new("app", "2")
        .directory("srv/app/data", 0o755)
        .file_with("srv/app/data/file", b"two", 0o640)
        .file_with("srv/app/data/tool", b"tool two", 0o700)
        .directory("srv/app/data/more", 0o711)
        .file("srv/app/data/more/inner", b"inner")
        .symlink("srv/app/data/sub", "more");
    [first, second]
}

/// Applies a plan; every refusal is one of ours, with a code, and leaves a root that opens.
fn carry_out(root: &TestRoot, plan: &Plan, archives: &[&TestArchive]) -> Outcome {
    let options = ChangeOptions {
        durability: Durability::None,
        ..ChangeOptions::default()
    };
    // Recovery may meet the racer too.
    let Ok(mut sysroot) = LockedSysroot::create_or_open(root.root(), options) else {
        return Outcome::Refused;
    };
    match apply(&mut sysroot, plan, archives) {
        Ok(_) => Outcome::Done,
        Err(error) => {
            assert_ne!(error.code(), "");
            Outcome::Refused
        }
    }
}

/// When the racer strikes.
#[derive(Debug, Clone, Copy)]
enum Strikes<'a> {
    /// At every moment.
    Always,
    /// Not before the plan is made: the more is left to be carried out.
    AfterPlanning(&'a Racer),
}

impl Strikes<'_> {
    /// Makes a plan; returns none for a refusal.
    fn planned<T, E>(self, plan: impl FnOnce() -> Result<T, E>) -> Option<T> {
        match self {
            Strikes::Always => plan().ok(),
            Strikes::AfterPlanning(racer) => racer.without(plan).ok(),
        }
    }
}

fn change(
    root: &TestRoot,
    strikes: Strikes<'_>,
    archives: &[&TestArchive],
    request: &Request,
) -> Outcome {
    match strikes.planned(|| root.plan_request(archives, request)) {
        Some(plan) => carry_out(root, &plan, archives),
        None => Outcome::Refused,
    }
}

fn repair(root: &TestRoot, strikes: Strikes<'_>, archive: &TestArchive) -> Outcome {
    let request = RepairRequest {
        packages: Default::default(),
        paths: Default::default(),
        configuration: RepairConfiguration::Leave,
        ownership: root.ownership,
    };
    match strikes.planned(|| root.read().plan_repair(&request, &Quiet)) {
        Some(planned) => carry_out(root, &planned.plan, &[archive]),
        None => Outcome::Refused,
    }
}

/// Does everything that can be done with a package until there were this many operations.
fn operate(root: &TestRoot, racer: &Racer, operations: u64) -> Tally {
    let [first, second] = versions();
    let mut tally = Tally::default();
    let removal = Request {
        remove: [name("app")].into(),
        ..root.request(&[])
    };
    while tally.operations < operations {
        let is_even = tally.operations.is_multiple_of(8);
        let strikes = if is_even {
            Strikes::Always
        } else {
            Strikes::AfterPlanning(racer)
        };
        let outcomes = [
            change(root, strikes, &[&first], &root.request(&[&first])),
            change(root, strikes, &[&second], &root.request(&[&second])),
            repair(root, strikes, &second),
            change(root, strikes, &[], &removal),
        ];
        tally.operations += outcomes.len() as u64;
        for (done, outcome) in tally.done.iter_mut().zip(outcomes) {
            *done += u64::from(outcome == Outcome::Done);
        }
        let verified = root.read().verify(&VerifyRequest::all(), &Quiet);
        tally.verified += u64::from(verified.is_ok());
    }
    tally
}

#[expect(clippy::print_stdout, reason = "a test tells its figures")]
fn nothing_outside_changes(operations: u64) {
    let mut arena = Arena::new();
    // What the racer puts in the way is then moved aside and does not stop the package.
    arena.root.unowned = Unowned::Backup;
    let before = arena.digest();
    let racer = arena.race(30_000);
    let tally = operate(&arena.root, &racer, operations);
    let swaps = racer.stop();
    assert_eq!(arena.digest(), before, "something outside changed");
    let [installed, upgraded, repaired, removed] = tally.done;
    let done: u64 = tally.done.iter().sum();
    println!(
        "{} operations, {done} done ({installed} installs, {upgraded} upgrades, {repaired} repairs, {removed} removals), {} refused, {} verified, {swaps} swaps, nothing outside changed",
        tally.operations,
        tally.operations - done,
        tally.verified
    );
    assert!(
        tally.done.iter().all(|done| *done > 0),
        "the racer let nothing through: {tally:?}"
    );
    assert!(
        done < tally.operations,
        "the racer was never in the way: {tally:?}"
    );
    // Left alone, the root is as good as any. Where the last removal was refused, the package is still there with what
    // became of it in the other user's directory.
    let at_rest = TestArchive::new("rest", "1").file("srv/rest/file", b"rest");
    arena.root.install(&[&at_rest]);
    let mut findings = arena.root.findings();
    findings.retain(|finding| !finding.starts_with(THEIRS));
    assert_eq!(findings, [""; 0]);
    assert_eq!(arena.digest(), before);
}

#[test]
fn nothing_outside_changes_while_another_user_swaps_directories_and_links() {
    nothing_outside_changes(400);
}

#[test]
#[ignore = "ten thousand transactions against a racing user take minutes"]
fn nothing_outside_changes_in_ten_thousand_transactions() {
    // Roots of their own: a long history would take the time.
    for _ in 0..25 {
        nothing_outside_changes(400);
    }
}
