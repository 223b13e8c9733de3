//! The first process of the sandbox's process namespace: when it exits, the kernel kills all the others.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::Timespec;
use rustix::event::{PollFd, PollFlags};
use rustix::process::{DumpableBehavior, Signal};

use super::start::leave;
use super::worker::{self, Streams, Work};
use super::{devices, mounts};
use crate::HelperFn;
use crate::control::{ConfinementPlan, Control, Message, Plan, Refusal};
use crate::locks::{Lock, is_on};
use crate::syscall;

/// Name of the machine inside, for every build the same.
const HOST_NAME: &[u8] = b"igos";

/// What the caller gave for the work.
pub(super) struct Given<'a> {
    /// The argument of a helper.
    pub(super) input: &'a [u8],
    /// One end of a socket, to be the worker's standard input.
    pub(super) channel: Option<OwnedFd>,
    /// The functions that the plan can name.
    pub(super) helpers: &'a [(&'static str, HelperFn)],
}

/// Makes the sandbox, runs the worker, and tells the parent how it ended; never returns.
pub(super) fn main(
    control: &Control,
    plan: &Plan,
    confinement: &ConfinementPlan,
    given: Given<'_>,
    alive: &OwnedFd,
) -> ! {
    let message = serve(control, plan, confinement, given, alive);
    let sent = match &message {
        Ok(None) => Ok(()),
        Ok(Some((message, output))) => control.send(message, output, None),
        Err(refusal) => control.send(&Message::Refused(refusal.clone()), &[], None),
    };
    leave(i32::from(sent.is_err() || message.is_err()))
}

/// Returns the last message to the parent and its blob; none if nobody listens any more.
fn serve(
    control: &Control,
    plan: &Plan,
    confinement: &ConfinementPlan,
    given: Given<'_>,
    alive: &OwnedFd,
) -> Result<Option<(Message, Vec<u8>)>, Refusal> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(Refusal::during("ask to die with the parent"))?;
    if has_hung_up(alive.as_fd())? || !control.receive_go().unwrap_or_default() {
        return Ok(None);
    }
    if is_on(Lock::Undumpable) {
        rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)
            .map_err(Refusal::during("close this process to others"))?;
    }
    if is_on(Lock::NameNamespace) {
        rustix::system::sethostname(HOST_NAME).map_err(Refusal::during("name the machine"))?;
    }
    if !confinement.shares_network && is_on(Lock::NetworkNamespace) {
        syscall::bring_up_loopback().map_err(Refusal::during("turn on the loopback interface"))?;
    }
    mounts::enter_root(confinement)?;
    let terminal = if let Some(size) = confinement.terminal {
        let (ours, theirs) = devices::open_terminal(size)?;
        control
            .send(&Message::Terminal, &[], Some(ours.as_fd()))
            .map_err(Refusal::during("pass the terminal on"))?;
        Some(theirs)
    } else {
        None
    };
    let streams = match (&terminal, &given.channel) {
        (Some(terminal), _) => Streams::Terminal(terminal),
        (None, Some(channel)) => Streams::Channel(channel),
        (None, None) => Streams::Nothing,
    };
    let work = Work {
        input: given.input,
        helpers: given.helpers,
    };
    let mut worker = worker::start(plan, Some(confinement), streams, work)?;
    // Their end is seen when the last one who has them open lets go.
    drop((terminal, given.channel));
    let Some(status) = worker.wait(None)? else {
        return Ok(None);
    };
    let output = worker.into_output(&plan.work)?;
    Ok(Some((Message::Ended { status }, output)))
}

/// Returns whether the other end of a pipe is closed.
fn has_hung_up(pipe: BorrowedFd<'_>) -> Result<bool, Refusal> {
    let mut events = [PollFd::new(&pipe, PollFlags::empty())];
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    rustix::event::poll(&mut events, Some(&now))
        .map_err(Refusal::during("look whether the parent lives"))?;
    Ok(events[0].revents().contains(PollFlags::HUP))
}
