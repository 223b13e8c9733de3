//! `cargo xtask crash`: kills, failing calls and power cuts for `pkm`, and any one of them again.

use std::fmt;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use igos_cli::{Exit, Failure, Render};
use igos_crash::budget::{self, Waits};
use igos_crash::campaign::{self, Calls, Tally};
use igos_crash::device::{AfterLoss, DeviceError, Experiment, FileSystem, lacks};
use igos_crash::model::{ModelError, record_operations};
use igos_crash::run::{Machine, RunError};
use igos_crash::scenario::{Operation, Programs, Stage, StageError};
use igos_crash::schedule::{Error, Schedule};
use igos_crash::workload::{Subject, few_operations};
use igos_report::Explain;
use serde::Serialize;

use crate::workspace::{self, ChoreError};

/// Threads that cut the power in the model.
const THREADS: u64 = 2;
/// Losses that are described; the others are counted.
const SHOWN: usize = 10;

/// What is done to `pkm`
#[derive(Debug, Subcommand)]
pub(crate) enum Crash {
    /// Kill it before and after its system calls
    Kill {
        /// install, upgrade, remove or rollback [default: all]
        #[arg(value_parser = operation)]
        operations: Vec<Operation>,
        /// Take one call in N
        #[arg(long, value_name = "N", default_value = "1")]
        one_in: NonZeroUsize,
        /// Then kill the recovery, at one of its calls in N
        #[arg(long, value_name = "N")]
        recovery: Option<NonZeroUsize>,
    },
    /// Let its system calls fail, once and from there on
    Inject {
        /// install, upgrade, remove or rollback [default: all]
        #[arg(value_parser = operation)]
        operations: Vec<Operation>,
        /// ENOSPC, EIO, EROFS, EDQUOT, EINTR or EACCES [default: all]
        #[arg(long, value_name = "ERRNO", value_parser = error)]
        error: Vec<Error>,
        /// Take one call in N
        #[arg(long, value_name = "N", default_value = "1")]
        one_in: NonZeroUsize,
    },
    /// Cut the power, in a model or under a file system of the kernel (which needs root)
    Power {
        /// ext4, xfs or btrfs [default: the model]
        #[arg(long)]
        file_system: Option<FileSystem>,
        /// How often
        #[arg(long, value_name = "N", default_value = "1")]
        cuts: NonZeroU64,
        /// What chance is drawn from; of the model the number of the first cut
        #[arg(long, value_name = "N", default_value_t = 1)]
        seed: u64,
    },
    /// Count how often installing one package waits for the disk
    Budget {
        /// Files of the package
        #[arg(long, value_name = "N", default_value = "10000")]
        files: NonZeroUsize,
        /// With `--no-sync`
        #[arg(long)]
        no_sync: bool,
    },
    /// Carry out one schedule, as the other commands and the tests print it
    Replay {
        /// Such as `upgrade:kill-before-61+kill-after-3`
        schedule: Schedule,
    },
}

fn operation(text: &str) -> Result<Operation, String> {
    Operation::parse(text)
        .ok_or_else(|| format!("{text} is not install, upgrade, remove or rollback"))
}

fn error(text: &str) -> Result<Error, String> {
    let found = Error::ALL.into_iter().find(|error| error.as_str() == text);
    found.ok_or_else(|| format!("{text} is not an error that can be made"))
}

/// What came of it.
#[derive(Debug, Serialize)]
pub(crate) struct CrashAnswer {
    counts: Vec<String>,
    problems: usize,
}

impl Render for CrashAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        for line in &self.counts {
            writeln!(out, "{line}")?;
        }
        Ok(())
    }

    fn exit(&self) -> Exit {
        match self.problems {
            0 => Exit::Done,
            _ => Exit::No,
        }
    }
}

/// It cannot be done.
#[derive(Debug, thiserror::Error)]
enum CrashError {
    #[error("cannot carry out a schedule")]
    Run(#[from] RunError),
    #[error("cannot prepare")]
    Stage(#[from] StageError),
    #[error("the model does not work")]
    Model(#[from] ModelError),
    #[error("the machine for power cuts does not work")]
    Device(#[from] DeviceError),
    #[error("a temporary directory cannot be made")]
    File(#[from] std::io::Error),
    #[error("the programs cannot be compiled")]
    Compile,
    #[error("{file_system} cannot be tried here: {lack}")]
    Lacks {
        file_system: FileSystem,
        lack: String,
    },
}

impl Explain for CrashError {
    fn code(&self) -> &'static str {
        match self {
            CrashError::Run(_) | CrashError::Stage(_) => "crash-run",
            CrashError::Model(_) => "crash-model",
            CrashError::Device(_) => "crash-device",
            CrashError::File(_) => "crash-file",
            CrashError::Compile => "crash-compile",
            CrashError::Lacks { .. } => "crash-lacks",
        }
    }
}

/// Compiles `pkm` and does it.
pub(crate) fn run(top: &Path, crash: Crash) -> Result<CrashAnswer, Failure> {
    let programs = compile(top)?;
    Ok(match crash {
        Crash::Kill {
            operations,
            one_in,
            recovery,
        } => kill(programs, &operations, one_in, recovery)?,
        Crash::Inject {
            operations,
            error,
            one_in,
        } => inject(programs, &operations, &error, one_in)?,
        Crash::Power {
            file_system: Some(file_system),
            cuts,
            seed,
        } => power_under(file_system, &programs, cuts, seed)?,
        Crash::Power {
            file_system: None,
            cuts,
            seed,
        } => power(&programs, cuts, seed)?,
        Crash::Budget { files, no_sync } => count(programs, files, no_sync)?,
        Crash::Replay { schedule } => replay(programs, &schedule)?,
    })
}

fn compile(top: &Path) -> Result<Pair, Failure> {
    let status = workspace::cargo(top)
        .args([
            "build",
            "--locked",
            "--quiet",
            "-p",
            "igos-crash",
            "-p",
            "pkm",
        ])
        .status()
        .map_err(ChoreError::File)?;
    if !status.success() {
        return Err(CrashError::Compile.into());
    }
    // Where Cargo has put this program, too.
    let own = std::env::current_exe().map_err(ChoreError::File)?;
    Ok(Pair {
        launcher: own.with_file_name("igos-crash"),
        pkm: own.with_file_name("pkm"),
    })
}

/// The two programs.
struct Pair {
    launcher: PathBuf,
    pkm: PathBuf,
}

impl From<Pair> for Programs {
    fn from(pair: Pair) -> Programs {
        Programs {
            launcher: pair.launcher,
            subject: vec![pair.pkm.into()],
        }
    }
}

fn all_if_none<T: Copy>(given: &[T], all: &[T]) -> Vec<T> {
    let taken = if given.is_empty() { all } else { given };
    taken.to_vec()
}

fn tallied(tallies: Vec<(String, Tally)>) -> CrashAnswer {
    CrashAnswer {
        problems: tallies.iter().map(|(_, tally)| tally.problems.len()).sum(),
        counts: tallies
            .into_iter()
            .map(|(what, tally)| format!("{what}: {tally}"))
            .collect(),
    }
}

fn kill(
    programs: Pair,
    operations: &[Operation],
    one_in: NonZeroUsize,
    recovery: Option<NonZeroUsize>,
) -> Result<CrashAnswer, CrashError> {
    let mut machine = Machine::new(programs.into(), None)?;
    let calls = Calls::OneIn(one_in.get());
    let mut tallies = Vec::new();
    for operation in all_if_none(operations, &Operation::ALL) {
        let word = operation.as_str();
        tallies.push(match recovery {
            None => {
                let tally = campaign::kill(&mut machine, operation, calls)?;
                (format!("{word} killed"), tally)
            }
            Some(second) => {
                let second = Calls::OneIn(second.get());
                let tally = campaign::kill_recovery(&mut machine, operation, calls, second)?;
                (format!("recovery of {word} killed"), tally)
            }
        });
    }
    Ok(tallied(tallies))
}

fn inject(
    programs: Pair,
    operations: &[Operation],
    errors: &[Error],
    one_in: NonZeroUsize,
) -> Result<CrashAnswer, CrashError> {
    let mut machine = Machine::new(programs.into(), None)?;
    let calls = Calls::OneIn(one_in.get());
    let mut tallies = Vec::new();
    for operation in all_if_none(operations, &Operation::ALL) {
        for error in all_if_none(errors, &Error::ALL) {
            let tally = campaign::inject(&mut machine, operation, error, calls)?;
            let what = format!("{} with {}", operation.as_str(), error.as_str());
            tallies.push((what, tally));
        }
    }
    Ok(tallied(tallies))
}

fn replay(programs: Pair, schedule: &Schedule) -> Result<CrashAnswer, CrashError> {
    let judged = Machine::new(programs.into(), None)?.carry_out(schedule)?;
    let reached = match judged.is_reached {
        true => "",
        false => "; its last fault was not reached",
    };
    let mut counts = vec![format!("{schedule}: the root is {}{reached}", judged.found)];
    counts.extend(judged.problems.iter().cloned());
    Ok(CrashAnswer {
        counts,
        problems: judged.problems.len(),
    })
}

fn power(programs: &Pair, cuts: NonZeroU64, seed: u64) -> Result<CrashAnswer, CrashError> {
    let stage = scratch()?;
    let operations = few_operations(&stage.path().join("archives"))?;
    let subject = Subject::Pkm(programs.pkm.clone());
    let recorded = record_operations(&subject, &programs.launcher, &operations, stage.path())?;
    let report = recorded.cases(seed, cuts.get(), THREADS)?;
    let mut counts = vec![format!(
        "{} cuts, {} different disks: {} old, {} new, {} between operations, {} lost",
        report.cases,
        report.distinct,
        report.old,
        report.new,
        report.between,
        report.losses.len()
    )];
    for case in report.losses.iter().take(SHOWN) {
        if let Err(what) = &case.found {
            counts.push(format!(
                "`cargo xtask crash power --seed {}`, effect {} of {}, {} operations begun, {} told: {what}",
                case.seed, case.at, case.effects, case.begun, case.told
            ));
        }
    }
    Ok(CrashAnswer {
        counts,
        problems: report.losses.len(),
    })
}

fn power_under(
    file_system: FileSystem,
    programs: &Pair,
    cuts: NonZeroU64,
    seed: u64,
) -> Result<CrashAnswer, CrashError> {
    if let Some(lack) = lacks(file_system) {
        return Err(CrashError::Lacks { file_system, lack });
    }
    let scratch = scratch()?;
    let report = igos_crash::device::run(&Experiment {
        file_system,
        subject: Subject::Pkm(programs.pkm.clone()),
        cuts: usize::try_from(cuts.get()).unwrap_or(usize::MAX),
        seed,
        after_loss: AfterLoss::GoOn,
        scratch: scratch.path().to_owned(),
    })?;
    let mut counts = vec![format!(
        "{file_system}: {} operations, {} writes, {} flushes; {} cuts: {} old, {} new, {} between operations, {} lost",
        report.operations,
        report.writes,
        report.flushes,
        report.cuts,
        report.old,
        report.new,
        report.between,
        report.losses.len()
    )];
    let shown = report.losses.iter().take(SHOWN);
    counts.extend(shown.map(|loss| format!("{:?} {:?}: {}", loss.cut, loss.known, loss.what)));
    Ok(CrashAnswer {
        counts,
        problems: report.losses.len(),
    })
}

fn count(programs: Pair, files: NonZeroUsize, no_sync: bool) -> Result<CrashAnswer, CrashError> {
    let stage = Stage::new(programs.into(), None)?;
    let waits = match no_sync {
        true => Waits::No,
        false => Waits::Yes,
    };
    let budget = budget::measure(&stage, files.get(), waits)?;
    Ok(CrashAnswer {
        counts: vec![budget.to_string()],
        problems: 0,
    })
}

/// Returns a directory in memory, if there is such a place.
fn scratch() -> std::io::Result<tempfile::TempDir> {
    let place = tempfile::Builder::new()
        .prefix("igos-crash-")
        .tempdir_in("/dev/shm");
    place.or_else(|_| tempfile::tempdir())
}
