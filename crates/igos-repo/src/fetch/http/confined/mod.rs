//! Talking to servers in a process of its own, which has no rights: it gets addresses and returns bytes.
//!
//! Name resolution, TLS and HTTP are met in there alone. The process is this program again, as a helper of the sandbox: nobody's user
//! where root is the caller, an empty environment, no file but the system's programs and libraries and what says where
//! servers are and whom to believe, none to write, no program to execute. All that its answers can do here is to be bytes that
//! are too many, too few, too slow, or not the signed ones; `docs/decisions/0006-downloader.md` argues for it.

mod frames;
mod inside;
mod view;
mod wire;

#[cfg(test)]
mod tests;

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, MutexGuard, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use igos_sandbox::{Ended, SandboxError};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};

use super::answer::Answer;
use super::error::HttpError;
use crate::fetch::proxies::Proxies;
use crate::fetch::settings::HttpLimits;

pub use inside::{DOWNLOAD_HELPER, download_helper};
pub use view::Certificates;

use frames::{Body, receive_head};
use inside::Order;
use wire::{Kind, Request, send};

/// How long the end of the downloader is awaited: when it hung up, or when it is not needed any more.
const END_WAIT: Duration = Duration::from_secs(2);

/// How much longer than a server the downloader may be silent.
const SLACK: Duration = Duration::from_secs(5);

/// Sends requests by way of a confined process, started with the first one.
#[derive(Debug)]
pub(super) struct Confined {
    certificates: Certificates,
    order: Order,
    /// How long the downloader may be silent: whatever takes longer in there, it is no server.
    patience: Duration,
    state: Mutex<State>,
}

/// Whether there is a downloader.
#[derive(Debug)]
enum State {
    NotYet,
    Running(Running),
    /// There was, or could be, none; why.
    Gone(String),
}

/// A downloader that runs.
#[derive(Debug)]
struct Running {
    /// Takes the socket of each request.
    control: UnixStream,
    /// Says how it ended.
    end: mpsc::Receiver<Result<Ended, SandboxError>>,
    thread: JoinHandle<()>,
}

impl Confined {
    pub(super) fn new(limits: &HttpLimits, proxies: &Proxies, certificates: Certificates) -> Self {
        Confined {
            certificates,
            order: Order {
                connect: limits.connect,
                silence: limits.silence,
                proxies: proxies.variables().to_vec(),
            },
            patience: limits.connect * 2 + limits.silence + SLACK,
            state: Mutex::new(State::NotYet),
        }
    }

    /// Sends one request; redirects are not followed.
    pub(super) fn get(&self, url: &str, range: Option<&str>) -> Result<Answer, HttpError> {
        let gone = |_| HttpError::Downloader {
            reason: self.why_gone(),
        };
        let mut socket = self.connect().map_err(gone)?;
        let request = Request {
            url: url.to_owned(),
            range: range.map(str::to_owned),
        };
        send(&mut socket, Kind::Request, &request).map_err(gone)?;
        match receive_head(&mut socket) {
            Ok(Ok(head)) => Ok(Answer {
                head,
                body: Box::new(Body::new(socket)),
            }),
            Ok(Err(failure)) => Err(HttpError::NoAnswer(failure)),
            Err(error) if is_hang_up(&error) => Err(gone(error)),
            Err(error) => Err(HttpError::Broken(error)),
        }
    }

    /// Gives the downloader one end of a new socket, and returns the other.
    fn connect(&self) -> io::Result<UnixStream> {
        let mut state = self.state();
        if matches!(*state, State::NotYet) {
            *state = match self.start() {
                Ok(running) => State::Running(running),
                Err(error) => State::Gone(error.to_string()),
            };
        }
        let State::Running(running) = &*state else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_read_timeout(Some(self.patience))?;
        ours.set_write_timeout(Some(self.patience))?;
        pass(&running.control, &theirs)?;
        Ok(ours)
    }

    fn start(&self) -> io::Result<Running> {
        let input = serde_json::to_vec(&self.order)?;
        let sandbox = view::sandbox(&self.certificates);
        let (control, theirs) = UnixStream::pair()?;
        control.set_write_timeout(Some(self.patience))?;
        let (tell, end) = mpsc::channel();
        let thread = std::thread::Builder::new().spawn(move || {
            let channel = OwnedFd::from(theirs);
            // What it prints is nothing that anybody asked for.
            let mut ignore = |_: &[u8]| {};
            let ended =
                igos_sandbox::serve(&sandbox, DOWNLOAD_HELPER, &input, channel, &mut ignore);
            // Nobody may ask.
            tell.send(ended).ok();
        })?;
        Ok(Running {
            control,
            end,
            thread,
        })
    }

    /// Returns why there is no downloader; if there is one, what went wrong concerns one request.
    fn why_gone(&self) -> String {
        let mut state = self.state();
        match &*state {
            State::NotYet => "it was not started".to_owned(),
            State::Gone(reason) => reason.clone(),
            State::Running(running) => {
                match running.end.recv_timeout(self.patience.min(END_WAIT)) {
                    Ok(ended) => {
                        let reason = reason_of(ended);
                        *state = State::Gone(reason.clone());
                        reason
                    }
                    Err(_) => "it does not answer".to_owned(),
                }
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("no thread panics while it holds this lock")
    }
}

impl Drop for Confined {
    fn drop(&mut self) {
        let state = std::mem::replace(&mut *self.state(), State::NotYet);
        if let State::Running(running) = state {
            // Hanging up ends it, unless somebody took it over; then it dies with this process.
            drop(running.control);
            if running.end.recv_timeout(END_WAIT).is_ok() {
                // A panic in there has been told already.
                running.thread.join().ok();
            }
        }
    }
}

fn reason_of(ended: Result<Ended, SandboxError>) -> String {
    match ended {
        Ok(ended) => format!("it {}", ended.status),
        Err(SandboxError::MissingFeature(missing)) => format!(
            "it cannot be confined: {} is missing ({}): {}; or let this program itself meet servers, with all its rights: \
             `--unsafe-unconfined-downloads`",
            missing.feature, missing.detail, missing.remedy
        ),
        Err(error) => {
            let mut text = error.to_string();
            let mut cause = std::error::Error::source(&error);
            while let Some(source) = cause {
                text.push_str(&format!(": {source}"));
                cause = source.source();
            }
            text
        }
    }
}

/// Sends a descriptor over a socket.
fn pass(control: &UnixStream, descriptor: &UnixStream) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let descriptors = [descriptor.as_fd()];
    ancillary.push(SendAncillaryMessage::ScmRights(&descriptors));
    let parts = [io::IoSlice::new(b"r")];
    rustix::net::sendmsg(control, &parts, &mut ancillary, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Tells whether the other side is no more; with a request unread it resets the connection.
fn is_hang_up(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset
    )
}
