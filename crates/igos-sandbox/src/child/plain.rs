//! Work without a sandbox, because the user asked for it by flag: a worker, and the care that nothing of it stays.

use std::fs;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitOptions};

use super::worker::{self, Streams, Work};
use crate::HelperFn;
use crate::control::{Control, Message, Plan, Refusal};

/// Runs the worker and tells the parent how it ended; then, or when the parent hangs up, kills its descendants.
pub(super) fn run(
    control: &Control,
    plan: &Plan,
    input: &[u8],
    helpers: &[(&'static str, HelperFn)],
) -> Result<(), Refusal> {
    // Processes that lose their parent become our children, and so cannot get away.
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
        .map_err(Refusal::during("adopt orphans"))?;
    let work = Work { input, helpers };
    let mut worker = worker::start(plan, None, Streams::Nothing, work)?;
    let status = worker.wait(Some(control.as_fd()));
    kill_descendants()?;
    if let Some(status) = status? {
        let output = worker.into_output(&plan.work)?;
        control
            .send(&Message::Ended { status }, &output, None)
            .map_err(Refusal::during("tell the parent"))?;
    }
    Ok(())
}

/// Kills and reaps children until there are none; their children become ours.
fn kill_descendants() -> Result<(), Refusal> {
    loop {
        for child in children()? {
            // It may have ended by itself in between.
            rustix::process::kill_process(child, Signal::KILL).ok();
        }
        match rustix::process::wait(WaitOptions::empty()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(Errno::CHILD) => return Ok(()),
            Err(error) => return Err(Refusal::during("wait for left processes")(error)),
        }
    }
}

fn children() -> Result<Vec<Pid>, Refusal> {
    let own = rustix::process::getpid().as_raw_nonzero().get();
    let mut children = Vec::new();
    for entry in fs::read_dir("/proc").map_err(Refusal::during("list processes"))? {
        let entry = entry.map_err(Refusal::during("list processes"))?;
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        // A process that ends while we look is no child any more.
        let Ok(stat) = fs::read(entry.path().join("stat")) else {
            continue;
        };
        if crate::process::parent_of(&stat) == Some(own) {
            children.extend(Pid::from_raw(pid));
        }
    }
    Ok(children)
}
