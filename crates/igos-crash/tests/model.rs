//! Power cuts in the model of a file system: whatever was told to be done is there, and nothing is half there.

use std::path::{Path, PathBuf};
use std::time::Instant;

use igos_crash::model::{Recorded, Report, record_operations};
use igos_crash::workload::{Defect, Subject, few_operations};

/// Returns `pkm` as it was compiled with the tests.
fn pkm() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_igos-crash")).with_file_name("pkm")
}

fn planted(defect: Defect) -> Subject {
    Subject::Planted(PathBuf::from(env!("CARGO_BIN_EXE_igos-crash")), defect)
}

/// Returns a directory in memory, if there is such a place.
fn scratch() -> tempfile::TempDir {
    let place = tempfile::Builder::new()
        .prefix("igos-crash-")
        .tempdir_in("/dev/shm");
    place
        .or_else(|_| tempfile::tempdir())
        .expect("a temporary directory")
}

fn recorded(subject: &Subject, scratch: &Path) -> Recorded {
    let operations = few_operations(&scratch.join("archives")).expect("archives");
    let launcher = Path::new(env!("CARGO_BIN_EXE_igos-crash"));
    record_operations(subject, launcher, &operations, scratch).expect("the operations are recorded")
}

/// Cuts the power; prints what came of it.
#[expect(clippy::print_stdout, reason = "the counts are what the test is for")]
fn cut(subject: &Subject, count: u64) -> Report {
    let scratch = scratch();
    let recorded = recorded(subject, scratch.path());
    let start = Instant::now();
    let report = recorded.cases(1, count, 2).expect("the model works");
    println!(
        "{subject}: {} cuts, {} different disks: {} old, {} new, {} between operations, {} lost; {} ms",
        report.cases,
        report.distinct,
        report.old,
        report.new,
        report.between,
        report.losses.len(),
        start.elapsed().as_millis()
    );
    for case in report.losses.iter().take(3) {
        let what = case.found.as_ref().expect_err("it is a loss");
        let shown: Vec<&str> = what.lines().take(6).collect();
        println!(
            "seed {}, effect {} of {}, told {}, begun {}: {}",
            case.seed,
            case.at,
            case.effects,
            case.told,
            case.begun,
            shown.join("\n    ")
        );
    }
    report
}

fn assert_nothing_is_lost(subject: &Subject, count: u64) {
    let report = cut(subject, count);
    assert_eq!(report.losses, []);
    assert_eq!((report.old + report.new + report.between) as u64, count);
    assert!(
        report.old > 0 && report.new > 0,
        "cuts are within transactions"
    );
}

#[test]
fn no_cut_of_the_model_loses_anything_of_pkm() {
    assert_nothing_is_lost(&Subject::Pkm(pkm()), 1000);
}

#[test]
fn no_cut_of_the_model_takes_back_what_was_told_before_it_was_settled() {
    assert_nothing_is_lost(&planted(Defect::None), 1000);
}

#[test]
fn every_planted_defect_is_caught_by_the_model() {
    let missed: Vec<Defect> = Defect::ALL
        .into_iter()
        .filter(|defect| cut(&planted(*defect), 300).losses.is_empty())
        .collect();
    assert_eq!(missed, []);
}

#[test]
#[ignore = "cuts the power a hundred thousand times"]
fn a_hundred_thousand_cuts_of_the_model_lose_nothing() {
    assert_nothing_is_lost(&Subject::Pkm(pkm()), 50_000);
    assert_nothing_is_lost(&planted(Defect::None), 50_000);
}

#[test]
fn a_seed_gives_the_same_case_again() {
    let scratch = scratch();
    let recorded = recorded(&planted(Defect::None), scratch.path());
    let twice = [(); 2].map(|()| recorded.case(7).expect("the model works"));
    assert_eq!(twice[0], twice[1]);
}
