//! A run that is killed anywhere goes on, and ends as if nothing had happened.
#![expect(clippy::print_stdout, reason = "how often it was killed is told")]

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use crate::small::{self, Small};

/// How often a run is killed.
const KILLS: usize = 10;

/// Runs that are begun at most to that end.
const RUNS: usize = 40;

/// A kill comes after one of the first so many lines of the story; each run after a kill has fewer.
const LINES: u64 = 60;

/// Starts a run whose story is one line for each event.
pub(crate) fn start(small: &Small) -> Child {
    let mut command = small.command("run --until extra");
    command
        .args(["--report", "json"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
        .spawn()
        .expect("the program is built with the tests")
}

/// Kills a run after some lines of its story; tells whether it was still running.
pub(crate) fn kill_after(mut child: Child, lines: u64) -> bool {
    let story = BufReader::new(child.stderr.take().expect("it is a pipe"));
    let mut told = 0;
    for line in story.lines() {
        if line.is_err() {
            break;
        }
        told += 1;
        if told == lines {
            child.kill().expect("it is ours");
        }
    }
    child.wait().expect("it is ours");
    told >= lines
}

/// Returns numbers that look random and are the same each time (Knuth, The Art of Computer Programming 2, 3.3.4).
pub(crate) fn next(seed: &mut u64) -> u64 {
    *seed = seed
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    *seed >> 33
}

#[test]
fn killed_run_resumes_and_ends_with_the_receipts_of_an_undisturbed_one() {
    let (Some(killed), Some(undisturbed)) = (Small::new(), Small::new()) else {
        return;
    };
    let said = undisturbed.pipeline("run --until extra");
    assert_eq!(said.code, Some(0), "{} {:#}", said.story, said.answer);
    let (mut seed, mut kills, mut runs) = (6, 0, 0);
    while kills < KILLS && runs < RUNS {
        runs += 1;
        if kill_after(start(&killed), 1 + next(&mut seed) % LINES) {
            kills += 1;
        } else {
            // It came to its end: the next one begins from nothing.
            killed.forget();
        }
    }
    println!("{kills} of {runs} runs were killed");
    assert_eq!(kills, KILLS);
    let said = killed.pipeline("run --until extra");
    assert_eq!(said.code, Some(0), "{} {:#}", said.story, said.answer);
    assert_eq!(killed.receipts(), undisturbed.receipts());
    for path in ["usr/share/shelf", "etc/hostname"] {
        let content = |small: &Small| fs_err::read(small.root().join(path)).expect("it is there");
        assert_eq!(content(&killed), content(&undisturbed));
    }
    let statuses = small::statuses(&killed.pipeline("status").answer);
    assert_eq!(statuses["extra"], "skipped");
}
