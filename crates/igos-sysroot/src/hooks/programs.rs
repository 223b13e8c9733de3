//! Running the program of one job: confined, or, of our own table alone, on the running system.

use std::collections::BTreeMap;

use igos_format::RelPath;
use igos_root::RootDir;

use super::builtin::{self, DAEMON_RELOAD};
use super::confine::{HookCall, HookOutcome, Writes};
use super::error::HookError;
use super::guard::Guard;
use super::job::Job;
use super::live::is_live;
use super::output::{Ended, last_lines};
use super::text::JobState;
use crate::LockedSysroot;

/// Runs the program of a job and returns what became of it.
pub(super) fn run(sysroot: &LockedSysroot, job: &Job) -> Result<Ended, HookError> {
    let Some(run) = command(job) else {
        let why = format!("{} is no command of this program", job.run().join(" "));
        return Ok(Ended::silently(JobState::Failed(why)));
    };
    let call = HookCall {
        run,
        environment: environment(job),
        writes: Writes::Root,
    };
    let runner = &sysroot.options.hooks;
    let is_for_host = matches!(job, Job::BuiltIn { name, .. } if name == DAEMON_RELOAD);
    let HookOutcome { problem, output } = if !is_for_host {
        let guard = Guard::set(&sysroot.root)?;
        let outcome = runner.run(&sysroot.root, &call);
        guard.check(&sysroot.root, &job.to_string())?;
        outcome?
    } else if is_live(&sysroot.root) && is_systemd_running(&sysroot.root) {
        runner.run_on_host(&call)?
    } else {
        let why = "systemd does not run from this root".to_owned();
        return Ok(Ended::silently(JobState::Skipped(why)));
    };
    let state = problem.map_or(JobState::Done, JobState::Failed);
    let shown = match state {
        JobState::Failed(_) => last_lines(&output),
        _ => String::new(),
    };
    Ok(Ended {
        state,
        output,
        shown,
    })
}

/// Returns the command of a job; that of a trigger of ours is taken from our table, whatever a journal says.
fn command(job: &Job) -> Option<Vec<String>> {
    match job {
        Job::BuiltIn { name, run } => builtin::command(name, run),
        _ => Some(job.run().to_vec()),
    }
}

fn is_systemd_running(root: &RootDir) -> bool {
    let place: RelPath = "run/systemd/system".parse().expect("it is a path");
    // What cannot be looked at does not run.
    matches!(root.metadata(&place), Ok(Some(_)))
}

/// Returns what a job's program finds in its environment besides `PATH`.
pub(super) fn environment(job: &Job) -> BTreeMap<String, String> {
    match job {
        Job::Hook {
            package,
            version,
            operation,
            ..
        } => BTreeMap::from([
            ("PKM_PACKAGE_NAME".to_owned(), package.to_string()),
            ("PKM_PACKAGE_VERSION".to_owned(), version.clone()),
            ("PKM_PACKAGE_OPERATION".to_owned(), operation.clone()),
        ]),
        _ => BTreeMap::new(),
    }
}
