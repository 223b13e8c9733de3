//! A program that changes roots as `pkm` does, with a defect.

use std::ffi::OsString;
use std::io::{self, Cursor};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use fs_err as fs;
use igos_report::Quiet;
use igos_root::{RootDir, RootError};
use igos_sysroot::{
    ArchiveSource, Candidate, Change, ChangeOptions, HookPolicy, LockedSysroot, Ownership, Plan,
    Policy, Reason, Recovery, Request, RollbackRequest, RunningKernel, Sysroot, Unmanaged,
    Unsigned, Vouch,
};

use super::planted::{Defect, Planted};

/// When all its transactions happen.
const NOW: i64 = 1_750_000_000;

type Failure = Box<dyn std::error::Error>;

/// Carries out the command line `DEFECT --root ROOT … VERB WORD…`, as [`Stage`](crate::scenario::Stage) makes it.
#[must_use]
#[expect(clippy::print_stderr, reason = "a program of tests")]
pub fn run(arguments: &[OsString]) -> ExitCode {
    match transact(arguments) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(4)
        }
    }
}

fn transact(arguments: &[OsString]) -> Result<u8, Failure> {
    let words: Vec<&str> = arguments.iter().filter_map(|word| word.to_str()).collect();
    let [defect, "--root", root, rest @ ..] = words.as_slice() else {
        return Err("usage: igos-crash defective DEFECT --root ROOT … VERB WORD…".into());
    };
    let defect = Defect::parse(defect).ok_or("there is no such defect")?;
    let verbs = ["install", "remove", "rollback", "recover"];
    let at = rest.iter().position(|word| verbs.contains(word));
    let (verb, words) = at
        .and_then(|at| rest[at..].split_first())
        .ok_or("there is nothing to do")?;
    let open_root = || RootDir::open(Path::new(root)).map_err(RootError::into_io);
    let is_recovery = *verb == "recover";
    let options = || ChangeOptions {
        mutations: Arc::new(Planted::new(defect, is_recovery)),
        ..ChangeOptions::default()
    };
    if is_recovery {
        let locked = LockedSysroot::open(open_root()?, options())?;
        let is_undone = matches!(locked.recovery(), Recovery::Undone { .. });
        return Ok(u8::from(is_undone));
    }
    let archives = match *verb {
        "install" => archives(words)?,
        _ => Vec::new(),
    };
    let mut plan = plan(open_root()?, verb, words, &archives)?;
    plan.hooks.policy = HookPolicy::Skip;
    let mut sysroot = LockedSysroot::create_or_open(open_root()?, options())?;
    let open = |change: &Change| -> io::Result<ArchiveSource> {
        let found = archives
            .iter()
            .find(|(candidate, _)| Some(candidate.seal()) == change.seal)
            .ok_or(io::ErrorKind::NotFound)?;
        Ok(ArchiveSource::Whole(Box::new(Cursor::new(found.1.clone()))))
    };
    sysroot.apply(&plan, plan.digest(), &open, NOW, &Quiet)?;
    sysroot.settle()?;
    Ok(0)
}

fn archives(words: &[&str]) -> Result<Vec<(Candidate, Vec<u8>)>, Failure> {
    let directory = words.last().ok_or("there is no directory of archives")?;
    let mut files: Vec<PathBuf> = fs::read_dir(directory)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<_>>()?;
    files.sort();
    let mut archives = Vec::new();
    for file in files {
        let bytes = fs::read(file)?;
        let candidate = Candidate::read(bytes.as_slice(), Vouch::unsigned())?;
        archives.push((candidate, bytes));
    }
    Ok(archives)
}

fn plan(
    root: RootDir,
    verb: &str,
    words: &[&str],
    archives: &[(Candidate, Vec<u8>)],
) -> Result<Plan, Failure> {
    let sysroot = Sysroot::open(root, Unmanaged::Empty)?;
    if verb == "rollback" {
        let transaction = words.first().ok_or("there is no transaction")?;
        return Ok(sysroot.plan_rollback(&RollbackRequest {
            transaction: transaction.parse()?,
            kernel: RunningKernel::Ignore,
            ownership: Ownership::of_caller(),
            at_hand: &|_| false,
        })?);
    }
    let seals = archives.iter().map(|(candidate, _)| candidate.seal());
    let mut request = Request {
        install: seals.map(|seal| (seal, Reason::Explicit)).collect(),
        ..Request::new(Policy {
            unsigned: Unsigned::Allow,
            ownership: Ownership::of_caller(),
            ..Policy::strict(RunningKernel::Ignore)
        })
    };
    if verb == "remove" {
        for word in words {
            request.remove.insert(word.parse()?);
        }
    }
    let candidates: Vec<Candidate> = archives.iter().map(|(found, _)| found.clone()).collect();
    Ok(sysroot.plan(&candidates, &request)?)
}
