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

/// Cuts the power, unless this machine cannot; prints what came of it.
#[expect(clippy::print_stdout, reason = "the counts are what the test is for")]
fn cut(
    file_system: FileSystem,
    subject: Subject,
    cuts: usize,
    after_loss: AfterLoss,
) -> Option<Report> {
    if let Some(lack) = lacks(file_system) {
        println!("skipped: {file_system}: {lack}");
        return None;
    }
    let report = run(&Experiment {
        file_system,
        subject: subject.clone(),
        pkm: pkm(),
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
    Some(report)
}

fn assert_nothing_is_lost(file_system: FileSystem, subject: Subject, cuts: usize) {
    let Some(report) = cut(file_system, subject, cuts, AfterLoss::GoOn) else {
        return;
    };
    assert_eq!(report.losses, []);
    assert_eq!(report.old + report.new + report.between, cuts);
    assert!(
        report.old > 0 && report.new > 0,
        "cuts are within transactions"
    );
}

#[test]
fn no_power_cut_under_ext4_loses_anything() {
    assert_nothing_is_lost(FileSystem::Ext4, Subject::Pkm(pkm()), 20);
}

#[test]
fn no_power_cut_under_xfs_loses_anything() {
    assert_nothing_is_lost(FileSystem::Xfs, Subject::Pkm(pkm()), 20);
}

#[test]
fn no_power_cut_under_btrfs_loses_anything() {
    assert_nothing_is_lost(FileSystem::Btrfs, Subject::Pkm(pkm()), 20);
}
