//! The first process: from an inherited environment to empty namespaces.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{Mode, OFlags};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions};

use super::{identity, init, namespaces, plain};
use crate::HelperFn;
use crate::control::{Blocks, Control, Message, Plan, Received, Refusal};
use crate::locks::{Lock, is_on};
use crate::syscall::{self, Fork};

/// Why this process goes no further; both ways its exit code is 1.
enum Stop {
    /// The parent has to be told.
    Refused(Refusal),
    /// There is nobody to tell: the control socket is unusable.
    Alone,
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Stop::Refused(refusal)
    }
}

/// Does what the parent says; never returns.
pub(crate) fn main(helpers: &[(&'static str, HelperFn)]) -> ! {
    let code = match take_control() {
        Ok((mut control, closed)) => match obey(&mut control, closed, helpers) {
            Ok(()) => 0,
            Err(Stop::Refused(refusal)) => {
                // The parent being gone is the one reason for this to fail, and then nobody is left to tell.
                control.send(&Message::Refused(refusal), &[], None).ok();
                1
            }
            Err(Stop::Alone) => 1,
        },
        Err(_) => 1,
    };
    leave(code)
}

/// Ends this process.
#[expect(
    clippy::exit,
    reason = "a child of the sandbox must not return into the program it was executed from"
)]
pub(super) fn leave(code: i32) -> ! {
    std::process::exit(code)
}

/// Moves the control socket away from standard input and closes everything but it and the three streams; says whether the
/// latter worked, because only with the socket it can be told.
fn take_control() -> io::Result<(Control, Result<(), Refusal>)> {
    let closed = match is_on(Lock::Descriptors) {
        true => syscall::close_from(3).map_err(Refusal::during("close what was inherited")),
        false => Ok(()),
    };
    let socket = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?;
    let null = rustix::fs::open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    rustix::stdio::dup2_stdin(&null)?;
    Ok((Control::new(socket), closed))
}

fn obey(
    control: &mut Control,
    closed: Result<(), Refusal>,
    helpers: &[(&'static str, HelperFn)],
) -> Result<(), Stop> {
    if is_on(Lock::Session) {
        rustix::process::setsid().map_err(Refusal::during("start a session"))?;
    }
    let (plan, input) = loop {
        match control.receive::<Plan>(Blocks::Yes) {
            Ok(Received::Frame(plan, input)) => break (plan, input),
            Ok(Received::Nothing) => {}
            Ok(Received::End) | Err(_) => return Err(Stop::Alone),
        }
    };
    let channel = control.take_descriptor();
    closed?;
    // While still with the caller's rights: the base may lie below a directory that is closed to the build identity.
    rustix::process::chdir(&*plan.base)
        .map_err(Refusal::during(format!("enter {}", plan.base.display())))?;
    rustix::process::umask(Mode::from_raw_mode(0o022));
    // Kernels without keyrings have none to leave.
    match syscall::join_new_session_keyring() {
        Ok(()) | Err(rustix::io::Errno::NOSYS) => {}
        Err(error) => return Err(Refusal::during("leave the session keyring")(error).into()),
    }
    identity::assume(plan.identity)?;
    let Some(confinement) = &plan.confinement else {
        return Ok(plain::run(control, &plan, &input, helpers)?);
    };
    die_with_parent(plan.parent)?;
    namespaces::enter(plan.identity, confinement)?;
    // Its write end closes when this process dies, which init cannot see in another way.
    let (alive_reader, alive_writer) =
        pipe_with(PipeFlags::CLOEXEC).map_err(Refusal::during("make a pipe"))?;
    match syscall::fork().map_err(Refusal::during("start the first process"))? {
        Fork::Child => {
            drop(alive_writer);
            let given = init::Given {
                input: &input,
                channel,
                helpers,
            };
            init::main(control, &plan, confinement, given, &alive_reader)
        }
        Fork::Parent(init) => {
            let result = announce(control, init);
            drop(alive_reader);
            // Its end is seen when the last one who has it open lets go.
            drop(channel);
            if result.is_err() {
                rustix::process::kill_process(init, Signal::KILL)
                    .map_err(Refusal::during("stop the first process"))?;
            }
            let _kept_open: OwnedFd = alive_writer;
            release_streams()?;
            wait_for(init)?;
            result.map_err(|_| Stop::Alone)
        }
    }
}

/// Arranges that this process is killed when its parent dies, and stops if that has happened already.
fn die_with_parent(parent: i32) -> Result<(), Stop> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(Refusal::during("ask to die with the parent"))?;
    if Pid::as_raw(rustix::process::getppid()) == parent {
        Ok(())
    } else {
        Err(Stop::Alone)
    }
}

/// Sends the parent a descriptor of init; init waits for the parent's answer.
fn announce(control: &Control, init: Pid) -> io::Result<()> {
    let descriptor = rustix::process::pidfd_open(init, PidfdFlags::empty())?;
    control.send(&Message::Started, &[], Some(descriptor.as_fd()))
}

/// Lets go of the output, so that its end means that the worker's processes are gone.
fn release_streams() -> Result<(), Refusal> {
    rustix::stdio::dup2_stdout(rustix::stdio::stdin())
        .and_then(|()| rustix::stdio::dup2_stderr(rustix::stdio::stdin()))
        .map_err(Refusal::during("let go of the output"))
}

fn wait_for(init: Pid) -> Result<(), Refusal> {
    loop {
        match rustix::process::waitpid(Some(init), WaitOptions::empty()) {
            Ok(Some(_)) => return Ok(()),
            Ok(None) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(Refusal::during("wait for the first process")(error)),
        }
    }
}
