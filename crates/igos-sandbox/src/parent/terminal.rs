//! The terminal of the person in front, passed on to the terminal inside.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::Timespec;
use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::termios::{OptionalActions, Termios};

use crate::SandboxError;
use crate::control::TerminalSize;

/// The caller's standard input in raw mode; its former mode comes back when this is dropped.
pub(super) struct UserTerminal {
    before: Termios,
    /// What the terminal inside was told last.
    size: TerminalSize,
    inside: Option<OwnedFd>,
    is_input_open: bool,
}

impl UserTerminal {
    /// Takes the terminal over, once something is connected.
    pub(super) fn open() -> Result<Self, SandboxError> {
        let input = rustix::stdio::stdin();
        if !rustix::termios::isatty(input) {
            return Err(SandboxError::NoTerminal);
        }
        let before = rustix::termios::tcgetattr(input).map_err(|_| SandboxError::NoTerminal)?;
        Ok(UserTerminal {
            before,
            size: size_of_ours()?,
            inside: None,
            is_input_open: true,
        })
    }

    /// Returns how large the terminal is.
    pub(super) fn size(&self) -> TerminalSize {
        self.size
    }

    /// Connects the other end of the terminal inside, and puts ours into raw mode.
    pub(super) fn connect(&mut self, inside: OwnedFd) -> Result<(), SandboxError> {
        let connect = || -> Result<(), Errno> {
            rustix::io::ioctl_fionbio(&inside, true)?;
            let mut raw = self.before.clone();
            raw.make_raw();
            rustix::termios::tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, &raw)
        };
        connect().map_err(failed("connect the terminal"))?;
        self.inside = Some(inside);
        self.follow_size()
    }

    /// Returns what to wait for.
    pub(super) fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        let Some(inside) = &self.inside else {
            return Vec::new();
        };
        let mut descriptors = vec![inside.as_fd()];
        if self.is_input_open {
            descriptors.push(rustix::stdio::stdin());
        }
        descriptors
    }

    /// Passes on what was typed and printed, without waiting.
    pub(super) fn pass_on(&mut self, output: &mut dyn FnMut(&[u8])) -> Result<(), SandboxError> {
        self.follow_size()?;
        let Some(inside) = &self.inside else {
            return Ok(());
        };
        let mut chunk = [0_u8; 64 * 1024];
        loop {
            match rustix::io::read(inside, &mut chunk) {
                Ok(count) if count > 0 => output(&chunk[..count]),
                // An end without anybody at the other side reads as an error.
                Ok(_) | Err(Errno::IO) => {
                    self.inside = None;
                    return Ok(());
                }
                Err(Errno::AGAIN) => break,
                Err(Errno::INTR) => {}
                Err(error) => return Err(failed("read from the sandbox's terminal")(error)),
            }
        }
        if self.is_input_open && has_input()? {
            match rustix::io::read(rustix::stdio::stdin(), &mut chunk) {
                Ok(0) => self.is_input_open = false,
                Ok(count) => type_into(inside, &chunk[..count])?,
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(error) => return Err(failed("read from the terminal")(error)),
            }
        }
        Ok(())
    }

    fn follow_size(&mut self) -> Result<(), SandboxError> {
        let Some(inside) = &self.inside else {
            return Ok(());
        };
        let size = size_of_ours()?;
        if self.size != size {
            rustix::termios::tcsetwinsize(inside, size.into())
                .map_err(failed("set the size of the sandbox's terminal"))?;
            self.size = size;
        }
        Ok(())
    }
}

impl Drop for UserTerminal {
    fn drop(&mut self) {
        // If the terminal is gone there is nothing left to restore.
        rustix::termios::tcsetattr(rustix::stdio::stdin(), OptionalActions::Drain, &self.before)
            .ok();
    }
}

fn size_of_ours() -> Result<TerminalSize, SandboxError> {
    rustix::termios::tcgetwinsize(rustix::stdio::stdin())
        .map(TerminalSize::from)
        .map_err(failed("ask for the size of the terminal"))
}

fn has_input() -> Result<bool, SandboxError> {
    let input = rustix::stdio::stdin();
    let mut events = [PollFd::new(&input, PollFlags::IN)];
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    match rustix::event::poll(&mut events, Some(&now)) {
        Ok(count) => Ok(count > 0),
        Err(Errno::INTR) => Ok(false),
        Err(error) => Err(failed("wait for the terminal")(error)),
    }
}

/// Writes what was typed; what a stopped program does not read is lost, as it is at a real terminal.
fn type_into(inside: &OwnedFd, mut bytes: &[u8]) -> Result<(), SandboxError> {
    while !bytes.is_empty() {
        match rustix::io::write(inside, bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN | Errno::IO) => return Ok(()),
            Err(error) => return Err(failed("write to the sandbox's terminal")(error)),
        }
    }
    Ok(())
}

fn failed<E: Into<io::Error>>(step: &'static str) -> impl FnOnce(E) -> SandboxError {
    move |source| SandboxError::Parent {
        step,
        source: source.into(),
    }
}
