//! What parent and child tell each other over the control socket.
//!
//! A frame is the length of a JSON value (u32), the length of a blob (u64), both little endian, the value, and
//! the blob. Only processes running our own code ever hold an end of the socket.

use std::ffi::OsString;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags,
};
use rustix::termios::Winsize;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::SandboxError;
use crate::{HELPER_OUTPUT_MAX_BYTES, Identity, MissingFeature};

/// Name of our program, as `argv[0]`, when it is the inside of a sandbox.
pub(crate) const CHILD_NAME: &str = "igos-sandbox-child";

/// Largest JSON value of a frame, in bytes; tested before allocating. A plan of 500 layers takes 100 KiB.
const VALUE_MAX_BYTES: usize = 64 * 1024 * 1024;

/// Bytes before value and blob.
const HEAD_BYTES: usize = 12;

/// Everything the child has to do, from the parent.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// Process id of the parent, to find out whether it still lives.
    pub(crate) parent: i32,
    pub(crate) base: OsString,
    pub(crate) identity: Identity,
    /// None: run as a plain process.
    pub(crate) confinement: Option<ConfinementPlan>,
    pub(crate) limits: ProcessLimits,
    pub(crate) work: WorkPlan,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ConfinementPlan {
    pub(crate) root: RootPlan,
    pub(crate) binds: Vec<BindPlan>,
    pub(crate) tmp_bytes: u64,
    /// None: without a terminal.
    pub(crate) terminal: Option<TerminalSize>,
    /// Whether all ids of the caller exist inside, not the identity's alone.
    pub(crate) has_all_ids: bool,
    /// Whether it stays in the caller's network namespace.
    pub(crate) shares_network: bool,
}

/// How large a terminal is when the program starts, which may ask at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TerminalSize {
    pub(crate) rows: u16,
    pub(crate) columns: u16,
    /// Pixels, where the terminal has any.
    pub(crate) width: u16,
    pub(crate) height: u16,
}

impl From<Winsize> for TerminalSize {
    fn from(size: Winsize) -> Self {
        TerminalSize {
            rows: size.ws_row,
            columns: size.ws_col,
            width: size.ws_xpixel,
            height: size.ws_ypixel,
        }
    }
}

impl From<TerminalSize> for Winsize {
    fn from(size: TerminalSize) -> Self {
        Winsize {
            ws_row: size.rows,
            ws_col: size.columns,
            ws_xpixel: size.width,
            ws_ypixel: size.height,
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum RootPlan {
    Layers(Vec<OsString>),
    Host,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct BindPlan {
    pub(crate) source: OsString,
    pub(crate) target: OsString,
    pub(crate) is_writable: bool,
}

/// Limits that the kernel keeps for single processes or for the user in the namespace.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ProcessLimits {
    pub(crate) processes: Option<u64>,
    pub(crate) open_files: u64,
    pub(crate) file_bytes: u64,
    pub(crate) data_bytes: Option<u64>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum WorkPlan {
    Program {
        argv: Vec<OsString>,
        env: Vec<(OsString, OsString)>,
        cwd: OsString,
    },
    /// The input is the blob of the frame.
    Helper { name: String },
}

/// What the child says.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Message {
    /// The first process of the sandbox exists; a descriptor of it comes along. The child waits for one byte.
    Started,
    /// It has a terminal of its own, whose other end comes along.
    Terminal,
    /// Nothing was or will be run.
    Refused(Refusal),
    /// The program ended. The answer of a helper is the blob of the frame.
    Ended { status: ChildStatus },
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) enum ChildStatus {
    Exited(i32),
    Signaled(i32),
}

/// Why the child does not run the program.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Refusal {
    Missing(MissingFeature),
    Setup { step: String, errno: i32 },
    Invalid { reason: String },
    CannotStart { program: OsString, errno: i32 },
    Helper { name: String, message: String },
}

impl Refusal {
    /// Returns a function that makes an error of a step into a refusal, for `map_err`.
    pub(crate) fn during<E: Into<io::Error>>(step: impl Into<String>) -> impl FnOnce(E) -> Self {
        |error| {
            let error: io::Error = error.into();
            let step = step.into();
            let errno = error.raw_os_error().unwrap_or(libc::EIO);
            // Every step is a lock or makes one: a kernel without the call has to be named as such.
            if errno == libc::ENOSYS {
                return Refusal::missing(
                    format!("the system call to {step}"),
                    error.to_string(),
                    "boot Linux 5.19 or newer, and run where no filter hides its system calls",
                );
            }
            Refusal::Setup { step, errno }
        }
    }

    pub(crate) fn missing(
        feature: impl Into<String>,
        detail: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Refusal::Missing(MissingFeature {
            feature: feature.into(),
            detail: detail.into(),
            remedy: remedy.into(),
        })
    }
}

impl From<Refusal> for SandboxError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Missing(missing) => SandboxError::MissingFeature(missing),
            Refusal::Setup { step, errno } => SandboxError::Setup {
                step,
                source: io::Error::from_raw_os_error(errno),
            },
            Refusal::Invalid { reason } => SandboxError::Invalid { reason },
            Refusal::CannotStart { program, errno } => SandboxError::CannotStart {
                program: program.into(),
                source: io::Error::from_raw_os_error(errno),
            },
            Refusal::Helper { name, message } => SandboxError::HelperFailed { name, message },
        }
    }
}

/// One end of the control socket.
#[derive(Debug)]
pub(crate) struct Control {
    socket: OwnedFd,
    received: Vec<u8>,
    descriptors: Vec<OwnedFd>,
}

/// What [`Control::receive`] found.
#[derive(Debug)]
pub(crate) enum Received<T> {
    /// A frame: its value and its blob.
    Frame(T, Vec<u8>),
    /// Nothing complete yet.
    Nothing,
    /// The other side is gone.
    End,
}

impl Control {
    pub(crate) fn new(socket: OwnedFd) -> Self {
        Control {
            socket,
            received: Vec::new(),
            descriptors: Vec::new(),
        }
    }

    pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Sends one frame, waiting as long as the other side needs.
    pub(crate) fn send<T: Serialize>(
        &self,
        value: &T,
        blob: &[u8],
        descriptor: Option<BorrowedFd<'_>>,
    ) -> io::Result<()> {
        let value = serde_json::to_vec(value)?;
        let mut frame = Vec::with_capacity(HEAD_BYTES + value.len());
        let value_len = u32::try_from(value.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
        frame.extend_from_slice(&value_len.to_le_bytes());
        frame.extend_from_slice(&(blob.len() as u64).to_le_bytes());
        frame.extend_from_slice(&value);
        let mut sent = 0;
        if let Some(descriptor) = descriptor {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut ancillary = SendAncillaryBuffer::new(&mut space);
            let descriptors = [descriptor];
            ancillary.push(SendAncillaryMessage::ScmRights(&descriptors));
            sent = rustix::net::sendmsg(
                &self.socket,
                &[io::IoSlice::new(&frame)],
                &mut ancillary,
                SendFlags::NOSIGNAL,
            )?;
        }
        self.send_bytes(&frame[sent..])?;
        self.send_bytes(blob)
    }

    /// Sends bytes that are no frame.
    pub(crate) fn send_bytes(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match rustix::net::send(&self.socket, bytes, SendFlags::NOSIGNAL) {
                Ok(sent) => bytes = &bytes[sent..],
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Receives the single byte that lets the child go on; false when the other side is gone.
    pub(crate) fn receive_go(&self) -> io::Result<bool> {
        let mut byte = [0_u8; 1];
        loop {
            match rustix::net::recv(&self.socket, &mut byte, RecvFlags::empty()) {
                Ok((_, received)) => return Ok(received == 1),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Takes the oldest descriptor that came along.
    pub(crate) fn take_descriptor(&mut self) -> Option<OwnedFd> {
        (!self.descriptors.is_empty()).then(|| self.descriptors.remove(0))
    }

    /// Returns the next frame if it has come, reading from the socket at most once.
    ///
    /// `blocks` says whether to wait for bytes.
    pub(crate) fn receive<T: DeserializeOwned>(
        &mut self,
        blocks: Blocks,
    ) -> io::Result<Received<T>> {
        if let Some((value, blob)) = self.take_frame()? {
            return Ok(Received::Frame(value, blob));
        }
        let mut chunk = vec![0_u8; 64 * 1024];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let flags = match blocks {
            Blocks::Yes => RecvFlags::CMSG_CLOEXEC,
            Blocks::No => RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT,
        };
        let received = rustix::net::recvmsg(
            &self.socket,
            &mut [io::IoSliceMut::new(&mut chunk)],
            &mut ancillary,
            flags,
        );
        let bytes = match received {
            Ok(message) => message.bytes,
            Err(Errno::AGAIN | Errno::INTR) => return Ok(Received::Nothing),
            // The child died with bytes unread on its side.
            Err(Errno::CONNRESET) => 0,
            Err(error) => return Err(error.into()),
        };
        for message in ancillary.drain() {
            if let RecvAncillaryMessage::ScmRights(descriptors) = message {
                self.descriptors.extend(descriptors);
            }
        }
        if bytes == 0 {
            return Ok(Received::End);
        }
        self.received.extend_from_slice(&chunk[..bytes]);
        Ok(match self.take_frame()? {
            Some((value, blob)) => Received::Frame(value, blob),
            None => Received::Nothing,
        })
    }

    fn take_frame<T: DeserializeOwned>(&mut self) -> io::Result<Option<(T, Vec<u8>)>> {
        let Some(head) = self.received.first_chunk::<HEAD_BYTES>() else {
            return Ok(None);
        };
        let (value_len, blob_len) = head.split_at(4);
        let value_len = u32::from_le_bytes(value_len.try_into().expect("split at four")) as usize;
        let blob_len = u64::from_le_bytes(blob_len.try_into().expect("the other eight"));
        let blob_len = usize::try_from(blob_len).unwrap_or(usize::MAX);
        if value_len > VALUE_MAX_BYTES || blob_len > HELPER_OUTPUT_MAX_BYTES {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let blob_start = HEAD_BYTES + value_len;
        if self.received.len() < blob_start + blob_len {
            return Ok(None);
        }
        let value = serde_json::from_slice(&self.received[HEAD_BYTES..blob_start])?;
        let blob = self.received[blob_start..blob_start + blob_len].to_vec();
        self.received.drain(..blob_start + blob_len);
        Ok(Some((value, blob)))
    }
}

/// Whether [`Control::receive`] waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blocks {
    /// It waits.
    Yes,
    /// It does not.
    No,
}
