//! Starting the child: our own program again, with nothing of ours but a socket and a pipe.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use rustix::net::{AddressFamily, SocketFlags, SocketType};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, PidfdFlags, Signal};

use super::executable::Executable;
use crate::control::{CHILD_NAME, Control};
use crate::locks::{Lock, is_on};
use crate::{Identity, SandboxError};

/// A running child, with our ends of its socket and its output.
#[derive(Debug)]
pub(super) struct Spawned {
    child: Child,
    pub(super) control: Control,
    pub(super) output: OwnedFd,
    /// The process whose end is the end of everything, and how to bring it about.
    last: Last,
}

/// The process that ends last.
#[derive(Debug)]
enum Last {
    /// The child itself; it kills its descendants when we hang up.
    Child(OwnedFd),
    /// The first process of a process namespace; the kernel kills the others with it.
    Init(OwnedFd),
}

impl Spawned {
    /// Starts a child that waits for its plan.
    pub(super) fn start(identity: Identity) -> Result<Self, SandboxError> {
        let failed = |step| move |source| SandboxError::Parent { step, source };
        let executable = Executable::choose(identity).map_err(failed("read our own program"))?;
        let (ours, theirs) = rustix::net::socketpair(
            AddressFamily::UNIX,
            SocketType::STREAM,
            SocketFlags::CLOEXEC,
            None,
        )
        .map_err(io::Error::from)
        .map_err(failed("make a socket"))?;
        let (output, writer) = pipe_with(PipeFlags::CLOEXEC)
            .map_err(io::Error::from)
            .map_err(failed("make a pipe"))?;
        let error_writer = writer.try_clone().map_err(failed("copy a descriptor"))?;
        let mut command = Command::new(executable.path());
        command
            .arg0(CHILD_NAME)
            .current_dir("/")
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::from(writer))
            .stderr(Stdio::from(error_writer));
        if is_on(Lock::Environment) {
            command.env_clear();
        }
        #[cfg(test)]
        command.args(crate::locks::removed_names());
        let child = command
            .spawn()
            .map_err(failed("start our own program again"))?;
        rustix::io::ioctl_fionbio(&output, true)
            .map_err(io::Error::from)
            .map_err(failed("read from a pipe without waiting"))?;
        let descriptor = rustix::process::pidfd_open(pid_of(&child), PidfdFlags::empty())
            .map_err(io::Error::from)
            .map_err(failed("watch the child"))?;
        Ok(Spawned {
            child,
            control: Control::new(ours),
            output,
            last: Last::Child(descriptor),
        })
    }

    /// Returns the child's process id.
    pub(super) fn id(&self) -> Pid {
        pid_of(&self.child)
    }

    /// Takes note of the first process of the process namespace.
    pub(super) fn init_started(&mut self, init: OwnedFd) {
        self.last = Last::Init(init);
    }

    /// Returns the descriptor that becomes readable when every process is dead.
    pub(super) fn end(&self) -> BorrowedFd<'_> {
        match &self.last {
            Last::Child(descriptor) | Last::Init(descriptor) => descriptor.as_fd(),
        }
    }

    /// Makes everything end soon.
    pub(super) fn stop(&self) -> io::Result<()> {
        match &self.last {
            Last::Child(_) => {
                // What is unread is lost; what we want is that the child sees the end.
                match rustix::net::shutdown(self.control.as_fd(), rustix::net::Shutdown::Write) {
                    Ok(()) | Err(rustix::io::Errno::NOTCONN) => Ok(()),
                    Err(error) => Err(error.into()),
                }
            }
            Last::Init(init) => match rustix::process::pidfd_send_signal(init, Signal::KILL) {
                // It ended by itself in between.
                Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
                Err(error) => Err(error.into()),
            },
        }
    }

    /// Waits until everything is dead, and reaps the child.
    pub(super) fn reap(&mut self) -> io::Result<()> {
        let end = self.end();
        loop {
            let mut events = [rustix::event::PollFd::new(
                &end,
                rustix::event::PollFlags::IN,
            )];
            match rustix::event::poll(&mut events, None) {
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                Ok(_) => break,
                Err(error) => return Err(error.into()),
            }
        }
        self.child.wait().map(|_| ())
    }
}

impl Drop for Spawned {
    fn drop(&mut self) {
        // On the way out of an error, of which the caller hears already: nothing may stay.
        self.stop().ok();
        self.reap().ok();
    }
}

fn pid_of(child: &Child) -> Pid {
    i32::try_from(child.id())
        .ok()
        .and_then(Pid::from_raw)
        .expect("process ids are positive and fit an i32")
}
