//! The downloader's own side: asks servers, and passes on what they answer.

use std::io::{self, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags};
use serde::{Deserialize, Serialize};

use super::wire::{DATA_MAX_BYTES, Kind, PREFIX_BYTES, Request, nonsense, prefix};
use super::wire::{receive_prefix, receive_value, send};
use crate::fetch::http::answer::NoAnswer;
use crate::fetch::http::direct::Direct;
use crate::fetch::proxies::Proxies;
use crate::fetch::settings::HttpLimits;

/// The name under which [`download_helper`] is registered with the sandbox.
pub const DOWNLOAD_HELPER: &str = "download";

/// What a downloader is started with.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    pub(super) connect: Duration,
    pub(super) silence: Duration,
    /// The variables that name proxies.
    pub(super) proxies: Vec<(String, String)>,
}

/// The inside of a confined downloader: takes a socket for each request from its standard input, until that is closed.
/// To be registered with [`igos_sandbox::init_if_child`].
///
/// # Errors
///
/// Returns why it cannot begin or go on.
pub fn download_helper(order: &[u8]) -> Result<Vec<u8>, String> {
    let served = serve_all(asker(order)?, rustix::stdio::stdin());
    served
        .map(|()| Vec::new())
        .map_err(|error| format!("it cannot go on: {error}"))
}

/// Answers every request whose socket comes over `control`, each in a thread of its own, until that is closed.
pub(super) fn serve_all(direct: Direct, control: BorrowedFd<'_>) -> io::Result<()> {
    let direct = Arc::new(direct);
    while let Some(socket) = next_request(control)? {
        let direct = Arc::clone(&direct);
        std::thread::Builder::new().spawn(move || {
            // Whoever asked hears of what goes wrong, or has hung up.
            serve(&direct, UnixStream::from(socket)).ok();
        })?;
    }
    Ok(())
}

fn asker(order: &[u8]) -> Result<Direct, String> {
    let order: Order = serde_json::from_slice(order).map_err(|error| error.to_string())?;
    let limits = HttpLimits {
        connect: order.connect,
        silence: order.silence,
        ..HttpLimits::default()
    };
    let value = |name: &str| {
        let mut known = order.proxies.iter();
        known
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.clone())
    };
    let proxies = Proxies::from_variables(value).map_err(|error| error.to_string())?;
    Ok(Direct::new(&limits, &proxies))
}

/// Receives the socket of the next request; `None` when there will be no more.
pub(super) fn next_request(control: BorrowedFd<'_>) -> io::Result<Option<OwnedFd>> {
    let mut byte = [0];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let message = loop {
        let mut parts = [io::IoSliceMut::new(&mut byte)];
        let flags = RecvFlags::CMSG_CLOEXEC;
        match rustix::net::recvmsg(control, &mut parts, &mut ancillary, flags) {
            Ok(message) => break message,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    };
    let mut sockets = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = message {
            sockets.extend(descriptors);
        }
    }
    if message.bytes == 0 {
        return Ok(None);
    }
    match sockets.pop() {
        Some(socket) if !message.flags.contains(ReturnFlags::CTRUNC) => Ok(Some(socket)),
        _ => Err(nonsense()),
    }
}

/// Answers one request.
fn serve(direct: &Direct, mut socket: UnixStream) -> io::Result<()> {
    let (kind, length) = receive_prefix(&mut socket)?;
    if kind != Kind::Request {
        return Err(nonsense());
    }
    let request: Request = receive_value(&mut socket, length)?;
    let answer = match direct.get(&request.url, request.range.as_deref()) {
        Ok(answer) => answer,
        Err(failure) => return send(&mut socket, Kind::Failure, &failure),
    };
    send(&mut socket, Kind::Head, &answer.head)?;
    let mut body = answer.body;
    let mut frame = vec![0; PREFIX_BYTES + DATA_MAX_BYTES];
    loop {
        match body.read(&mut frame[PREFIX_BYTES..]) {
            Ok(0) => return socket.write_all(&prefix(Kind::End, 0)),
            Ok(count) => {
                frame[..PREFIX_BYTES].copy_from_slice(&prefix(Kind::Data, count));
                socket.write_all(&frame[..PREFIX_BYTES + count])?;
            }
            Err(error) => {
                let failure = NoAnswer {
                    message: error.to_string(),
                    is_transient: true,
                    concerns_host: false,
                };
                return send(&mut socket, Kind::Failure, &failure);
            }
        }
    }
}
