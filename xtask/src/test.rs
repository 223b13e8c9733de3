//! All tests in one run, counted from what they print.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use fs_err as fs;
use igos_cli::{Exit, Failure, Render, Session};
use igos_report::{Diagnostic, Outcome, Subject, Task};
use serde::Serialize;

use crate::workspace::{self, ChoreError};

/// The version of cargo-deny that is installed where there is none.
const DENY_VERSION: &str = "0.20.2";
/// The version of cargo-fuzz that is installed where there is none.
const FUZZ_VERSION: &str = "0.13.2";
/// Seconds that each fuzz target runs: a smoke test, not a search.
const FUZZ_SECONDS: u32 = 30;
/// Lines of a failed step's output that are shown; the rest is in its log.
const SHOWN_LINES: usize = 60;
/// Lines that are shown after the one that says where a test panicked.
const COMPLAINT_LINES: usize = 4;

/// How much is tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// What everybody runs before a commit.
    Usual,
    /// The long tests too.
    Full,
}

/// What became of all steps.
#[derive(Debug, Serialize)]
pub(crate) struct TestAnswer {
    steps: Vec<Step>,
}

/// What became of one step.
#[derive(Debug, Serialize)]
struct Step {
    name: String,
    log: PathBuf,
    #[serde(flatten)]
    counts: Counts,
}

/// Tests of one step: those that its test programs count, or the step itself as one.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Counts {
    passed: u64,
    failed: u64,
    /// Why tests did not run, one reason each.
    skipped: Vec<String>,
}

impl Render for TestAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        for step in &self.steps {
            for reason in &step.counts.skipped {
                writeln!(out, "skipped: {}: {reason}", step.name)?;
            }
        }
        for step in self.steps.iter().filter(|step| step.counts.failed > 0) {
            writeln!(out, "failed: {}, see {}", step.name, step.log.display())?;
        }
        let sum = |count: fn(&Counts) -> u64| {
            self.steps
                .iter()
                .map(|step| count(&step.counts))
                .sum::<u64>()
        };
        let skipped = sum(|counts| counts.skipped.len() as u64);
        writeln!(
            out,
            "{} passed, {} failed, {skipped} skipped",
            sum(|counts| counts.passed),
            sum(|counts| counts.failed)
        )
    }

    fn exit(&self) -> Exit {
        if self.steps.iter().all(|step| step.counts.failed == 0) {
            Exit::Done
        } else {
            Exit::No
        }
    }
}

/// Runs all steps, whatever becomes of each.
pub(crate) fn run(top: &Path, extent: Extent, session: &Session) -> Result<TestAnswer, Failure> {
    let mut steps = Steps {
        top,
        session,
        done: Vec::new(),
    };
    steps.cargo("formatting", &["fmt", "--all", "--check"])?;
    steps.cargo(
        "lints",
        &[
            "clippy",
            "--locked",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ],
    )?;
    if !has_subcommand(top, "deny") {
        steps.install("cargo-deny", DENY_VERSION)?;
    }
    steps.cargo(
        "dependencies",
        &["deny", "--locked", "check", "licenses", "bans", "sources"],
    )?;
    if steps.succeeds("advisory-db", &["deny", "--locked", "fetch", "db"])? {
        steps.cargo(
            "advisories",
            &["deny", "--locked", "--offline", "check", "advisories"],
        )?;
    } else {
        steps.skip("advisories", "advisory database unreachable");
    }
    steps.cargo("layers", &["xtask", "deps"])?;
    steps.cargo("roots", &["xtask", "roots"])?;
    steps.cargo("lengths", &["xtask", "lines"])?;
    steps.cargo("man-pages", &["xtask", "man", "--check"])?;
    steps.cargo(
        "documentation",
        &[
            "doc",
            "--locked",
            "--workspace",
            "--no-deps",
            "--lib",
            "--document-private-items",
        ],
    )?;
    // `--show-output`: tests that cannot run on a machine say so in lines that begin with `skipped: `.
    let tests = [
        "test",
        "--locked",
        "--workspace",
        "--no-fail-fast",
        "--",
        "--show-output",
    ];
    match extent {
        Extent::Usual => steps.cargo("tests", &tests)?,
        Extent::Full => {
            steps.cargo("tests", &[&tests[..], &["--include-ignored"]].concat())?;
            steps.fuzz()?;
        }
    }
    Ok(TestAnswer { steps: steps.done })
}

fn has_subcommand(top: &Path, name: &str) -> bool {
    let version = workspace::cargo(top)
        .args([name, "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    // A program that cannot be started is not there.
    version.is_ok_and(|status| status.success())
}

struct Steps<'a> {
    top: &'a Path,
    session: &'a Session,
    done: Vec<Step>,
}

impl Steps<'_> {
    /// Runs Cargo as one step, and counts what it printed.
    fn cargo(&mut self, name: &str, arguments: &[&str]) -> Result<(), Failure> {
        let (succeeded, log) = self.start(name, arguments)?;
        let output = fs::read(self.top.join(&log)).map_err(ChoreError::File)?;
        let output = String::from_utf8_lossy(&output);
        let counts = Counts::of(&output, succeeded);
        if counts.failed > 0 {
            let shown = telling_lines(&output).join("\n");
            let diagnostic = Diagnostic::warning("step-failed", format!("step {name} failed"));
            self.session
                .notice(diagnostic.at(log.display().to_string()).because(shown));
        }
        self.done.push(Step {
            name: name.to_owned(),
            log,
            counts,
        });
        Ok(())
    }

    /// Installs a program below `target`, where `./test` looks for programs too.
    fn install(&mut self, program: &str, version: &str) -> Result<(), Failure> {
        self.cargo(
            program,
            &[
                "install",
                "--locked",
                "--root",
                "target/tools",
                "--version",
                version,
                program,
            ],
        )
    }

    /// Runs Cargo, and returns whether it succeeded; not counted.
    fn succeeds(&self, name: &str, arguments: &[&str]) -> Result<bool, Failure> {
        Ok(self.start(name, arguments)?.0)
    }

    fn start(&self, name: &str, arguments: &[&str]) -> Result<(bool, PathBuf), Failure> {
        self.session.interrupt().check()?;
        let log = Path::new("target/test").join(format!("{name}.log"));
        fs::create_dir_all(self.top.join("target/test")).map_err(ChoreError::File)?;
        let file = fs::File::create(self.top.join(&log))
            .map_err(ChoreError::File)?
            .into_file();
        let errors = file.try_clone().map_err(ChoreError::File)?;
        let task = Task::start(
            self.session.reporter(),
            None,
            Subject::Step(name.to_owned()),
        );
        let status = workspace::cargo(self.top)
            .args(arguments)
            // Without colours, rustfmt's too.
            .env("CARGO_TERM_COLOR", "never")
            .env("TERM", "dumb")
            // The documentation is for developers: a module's story names its private rooms.
            .env(
                "RUSTDOCFLAGS",
                "-D warnings -A rustdoc::private_intra_doc_links",
            )
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(errors)
            .status()
            .map_err(ChoreError::File)?;
        task.finish(match status.success() {
            true => Outcome::Done,
            false => Outcome::Failed(status.to_string()),
        });
        Ok((status.success(), log))
    }

    fn skip(&mut self, name: &str, reason: &str) {
        let counts = Counts {
            skipped: vec![reason.to_owned()],
            ..Counts::default()
        };
        self.done.push(Step {
            name: name.to_owned(),
            log: Path::new("target/test").join(format!("{name}.log")),
            counts,
        });
    }

    /// Runs each fuzz target for a moment.
    fn fuzz(&mut self) -> Result<(), Failure> {
        if !self.top.join("fuzz/fuzz_targets").is_dir() {
            self.skip("fuzz", "there are no fuzz targets");
            return Ok(());
        }
        if !has_subcommand(self.top, "fuzz") {
            self.install("cargo-fuzz", FUZZ_VERSION)?;
        }
        let mut targets = Vec::new();
        for entry in fs::read_dir(self.top.join("fuzz/fuzz_targets")).map_err(ChoreError::File)? {
            let path = entry.map_err(ChoreError::File)?.path();
            targets.extend(
                path.file_stem()
                    .map(|stem| stem.to_string_lossy().into_owned()),
            );
        }
        targets.sort();
        let seconds = format!("-max_total_time={FUZZ_SECONDS}");
        for target in targets {
            // Without a sanitizer the stable toolchain will do; our own code has no `unsafe` to look at.
            let arguments = [
                "fuzz",
                "run",
                "--sanitizer",
                "none",
                &target,
                "--",
                &seconds,
                "-rss_limit_mb=2048",
            ];
            self.cargo(&format!("fuzz-{target}"), &arguments)?;
        }
        Ok(())
    }
}

impl Counts {
    /// Counts what a step printed: lines `test result: …` of test programs, lines `skipped: REASON` of tests that
    /// could not run and passed for want of anything else, or the step itself if it has neither.
    fn of(output: &str, succeeded: bool) -> Self {
        let mut counts = Counts::default();
        let mut has_programs = false;
        for line in output.lines() {
            if let Some(reason) = line.strip_prefix("skipped: ") {
                counts.skipped.push(reason.to_owned());
            } else if let Some(numbers) = line.strip_prefix("test result: ") {
                has_programs = true;
                counts.passed += number_before(numbers, " passed");
                counts.failed += number_before(numbers, " failed");
            } else if line.starts_with("test ")
                && let Some((_, reason)) = line.split_once(" ... ignored")
            {
                counts.skipped.push(match reason.strip_prefix(", ") {
                    Some(reason) => reason.to_owned(),
                    None => "a long test, which `./test --full` runs".to_owned(),
                });
            }
        }
        if has_programs {
            let pretended = output
                .lines()
                .filter(|line| line.starts_with("skipped: "))
                .count() as u64;
            counts.passed = counts.passed.saturating_sub(pretended);
        } else if succeeded {
            counts.passed = u64::from(counts.skipped.is_empty());
        }
        if !succeeded && counts.failed == 0 {
            counts.failed = 1;
        }
        counts
    }
}

/// Returns the lines of a failed step that say most: the names of failed tests, what they complained of, and errors;
/// or the last lines.
fn telling_lines(output: &str) -> Vec<&str> {
    let mut telling = Vec::new();
    let mut complaint = 0;
    for line in output.lines() {
        let is_failure = line.starts_with("test ") && line.contains(" ... FAILED");
        if line.starts_with("thread '") && line.contains(" panicked at ") {
            complaint = 1 + COMPLAINT_LINES;
        }
        if complaint > 0 || is_failure || line.starts_with("error") {
            telling.push(line);
        }
        complaint = complaint.saturating_sub(1);
    }
    if telling.is_empty() {
        telling = output.lines().collect();
        telling.drain(..telling.len().saturating_sub(SHOWN_LINES));
    }
    telling.truncate(SHOWN_LINES);
    telling
}

/// Returns the number that stands before `unit`.
fn number_before(text: &str, unit: &str) -> u64 {
    let before = text.split(unit).next().unwrap_or_default();
    before
        .rsplit(' ')
        .next()
        .and_then(|number| number.parse().ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Counts, telling_lines};

    const OUTPUT: &str = "\
running 4 tests
test a ... ok
test b ... ok
test c ... ignored, builds zlib for minutes
test d ... FAILED
skipped: no user namespaces here
test result: FAILED. 2 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.05s
test result: ok. 10 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
";

    #[test]
    fn tests_that_say_they_were_skipped_did_not_pass() {
        assert_eq!(
            Counts::of(OUTPUT, false),
            Counts {
                passed: 11,
                failed: 1,
                skipped: vec![
                    "builds zlib for minutes".to_owned(),
                    "no user namespaces here".to_owned()
                ],
            }
        );
    }

    #[test]
    fn names_of_failed_tests_are_shown_of_all_the_output() {
        assert_eq!(telling_lines(OUTPUT), ["test d ... FAILED"]);
        let own_harness = "test a (as root) ... ok [3 ms]\ntest b (as root) ... FAILED [5 ms]";
        assert_eq!(
            telling_lines(own_harness),
            ["test b (as root) ... FAILED [5 ms]"]
        );
        let complaint =
            "test a ... ok\nthread 'b' (7) panicked at b.rs:1:2:\nleft: 1\nright: 2\n\n\nmore\nend";
        assert_eq!(
            telling_lines(complaint),
            [
                "thread 'b' (7) panicked at b.rs:1:2:",
                "left: 1",
                "right: 2",
                "",
                ""
            ]
        );
        assert_eq!(
            telling_lines("Diff in a.rs\n-a\n+b"),
            ["Diff in a.rs", "-a", "+b"]
        );
    }

    #[test]
    fn a_step_without_test_programs_counts_as_one() {
        assert_eq!(
            Counts::of("all well", true),
            Counts {
                passed: 1,
                failed: 0,
                skipped: Vec::new()
            }
        );
        assert_eq!(
            Counts::of("", false),
            Counts {
                passed: 0,
                failed: 1,
                skipped: Vec::new()
            }
        );
    }

    #[test]
    fn a_step_that_fails_although_its_tests_pass_is_a_failure() {
        let output = "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\nerror: aborted\n";
        assert_eq!(
            Counts::of(output, false),
            Counts {
                passed: 3,
                failed: 1,
                skipped: Vec::new()
            }
        );
    }
}
