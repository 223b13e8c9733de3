//! How often an installation waits for the disk.

use std::path::Path;

use igos_crash::budget::{Budget, Waits, measure};
use igos_crash::scenario::{Programs, Stage};

#[expect(clippy::print_stdout, reason = "what was counted is told")]
fn measured(files: usize, waits: Waits) -> Budget {
    let launcher = Path::new(env!("CARGO_BIN_EXE_igos-crash"));
    let programs = Programs {
        launcher: launcher.to_owned(),
        // Compiled with the tests, beside this one.
        subject: vec![launcher.with_file_name("pkm").into()],
    };
    let stage = Stage::new(programs, None).expect("archives can be written");
    let budget = measure(&stage, files, waits).expect("it can be installed");
    println!("{budget}");
    budget
}

#[test]
fn install_waits_for_the_disk_twice_before_it_says_so_and_five_times_in_all() {
    for files in [10, 10_000] {
        let budget = measured(files, Waits::Yes);
        // The directory of the journal when that gets its name; when it goes; the file of the database.
        assert_eq!(budget.before_told, [1, 1], "{budget}");
        assert_eq!(budget.in_all, [2, 3], "{budget}");
    }
}

#[test]
fn with_no_sync_nothing_waits_for_the_disk_and_pkm_says_so() {
    let budget = measured(100, Waits::No);
    assert_eq!(budget.in_all, [0, 0]);
    assert!(budget.stderr.contains("not-synced"), "{}", budget.stderr);
}
