//! Power cuts under ext4, XFS and Btrfs: whatever was told to be done is there, and nothing is half there.

use std::path::{Path, PathBuf};

use igos_crash::device::{AfterLoss, Experiment, FileSystem, Report, lacks, run};
use igos_crash::workload::{Defect, Subject};

/// Returns `pkm` as it was compiled with the tests.
fn pkm() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_igos-crash")).with_file_name("pkm")
}

fn planted(defect: Defect) -> Subject {
    Subject::Planted(PathBuf::from(env!("CARGO_BIN_EXE_igos-crash")), defect)
}

/// Tells whether this machine can cut the power of a file system; prints, once for each test, why it cannot.
#[expect(clippy::print_stdout, reason = "a skipped test says why")]
fn can_cut(file_system: FileSystem) -> bool {
    let lack = lacks(file_system);
    if let Some(lack) = &lack {
        println!("skipped: {file_system}: {lack}");
    }
    lack.is_none()
}

/// Cuts the power; prints what came of it.
#[expect(clippy::print_stdout, reason = "the counts are what the test is for")]
fn cut(file_system: FileSystem, subject: Subject, cuts: usize, after_loss: AfterLoss) -> Report {
    let report = run(&Experiment {
        file_system,
        subject: subject.clone(),
        cuts,
        seed: 1,
        after_loss,
        scratch: PathBuf::from("/dev/shm"),
    })
    .expect("the machine works");
    println!(
        "{file_system}, {subject}: {} operations, {} writes, {} flushes; {} cuts: {} old, {} new, {} between \
         operations, {} lost",
        report.operations,
        report.writes,
        report.flushes,
        report.cuts,
        report.old,
        report.new,
        report.between,
        report.losses.len()
    );
    for loss in &report.losses {
        println!("{:?} {:?}: {}", loss.cut, loss.known, loss.what);
    }
    report
}

/// Cuts the power so often for each subject, unless this machine cannot.
fn assert_nothing_is_lost<const N: usize>(
    file_system: FileSystem,
    subjects: [(Subject, usize); N],
) {
    if can_cut(file_system) {
        for (subject, cuts) in subjects {
            assert_nothing_is_lost_by(file_system, subject, cuts);
        }
    }
}

fn assert_nothing_is_lost_by(file_system: FileSystem, subject: Subject, cuts: usize) {
    let tells_late = matches!(subject, Subject::Pkm(_));
    let report = cut(file_system, subject, cuts, AfterLoss::GoOn);
    assert_eq!(report.losses, []);
    assert_eq!(report.old + report.new + report.between, cuts);
    // A subject that says so before it has settled leaves hardly a moment in which the new state was not told.
    let forward = if tells_late {
        report.new
    } else {
        report.new + report.between
    };
    assert!(
        report.old > 0 && forward > 0,
        "cuts are within transactions"
    );
}

/// What file systems show that keep the order of renames. What they do not show, the model does.
const DEFECTS: [Defect; 5] = [
    Defect::NoBarrier,
    Defect::JournalAlone,
    Defect::CommitBeforeBarrier,
    Defect::DataAfterBarrier,
    Defect::JournalAfterFirstStep,
];

/// Cuts the power under planted defects, each until one cut shows it, and asserts that one does.
fn assert_defects_are_caught(file_system: FileSystem, defects: &[Defect]) {
    if !can_cut(file_system) {
        return;
    }
    let is_missed = |defect: &&Defect| {
        let report = cut(file_system, planted(**defect), 200, AfterLoss::Stop);
        report.losses.is_empty()
    };
    let missed: Vec<&Defect> = defects.iter().filter(is_missed).collect();
    assert_eq!(missed, Vec::<&Defect>::new());
}

#[test]
fn no_power_cut_under_ext4_loses_anything() {
    assert_nothing_is_lost(FileSystem::Ext4, [(Subject::Pkm(pkm()), 20)]);
}

#[test]
fn no_power_cut_under_xfs_loses_anything() {
    assert_nothing_is_lost(FileSystem::Xfs, [(Subject::Pkm(pkm()), 20)]);
}

#[test]
fn no_power_cut_under_btrfs_loses_anything() {
    assert_nothing_is_lost(FileSystem::Btrfs, [(Subject::Pkm(pkm()), 20)]);
}

#[test]
fn a_barrier_that_is_left_out_is_caught_under_ext4() {
    assert_defects_are_caught(FileSystem::Ext4, &DEFECTS[..1]);
}

/// The program, and the same library saying that a transaction is in force before it is settled.
fn many() -> [(Subject, usize); 2] {
    [(Subject::Pkm(pkm()), 200), (planted(Defect::None), 50)]
}

#[test]
#[ignore = "cuts the power 250 times"]
fn many_power_cuts_under_ext4_lose_nothing() {
    assert_nothing_is_lost(FileSystem::Ext4, many());
}

#[test]
#[ignore = "cuts the power 250 times"]
fn many_power_cuts_under_xfs_lose_nothing() {
    assert_nothing_is_lost(FileSystem::Xfs, many());
}

#[test]
#[ignore = "cuts the power 250 times"]
fn many_power_cuts_under_btrfs_lose_nothing() {
    assert_nothing_is_lost(FileSystem::Btrfs, many());
}

#[test]
#[ignore = "cuts the power until every defect is seen"]
fn planted_defects_are_caught_under_ext4() {
    assert_defects_are_caught(FileSystem::Ext4, &DEFECTS);
}

#[test]
#[ignore = "cuts the power until every defect is seen"]
fn planted_defects_are_caught_under_xfs() {
    assert_defects_are_caught(FileSystem::Xfs, &DEFECTS);
}

#[test]
#[ignore = "cuts the power until every defect is seen"]
fn planted_defects_are_caught_under_btrfs() {
    assert_defects_are_caught(FileSystem::Btrfs, &DEFECTS);
}
