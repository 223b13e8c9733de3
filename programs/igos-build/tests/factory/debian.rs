//! Whether the real Debian archive can be asked: tests that need it say why they cannot run.

use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use igos_repo::DebianSettings;

/// Returns why the archive cannot be asked here, `None` if it can.
#[expect(
    clippy::disallowed_methods,
    reason = "whether the archive can be reached decides whether to test"
)]
pub(crate) fn obstacle(settings: &DebianSettings) -> Option<String> {
    if let Some(program) = [&settings.apt_get, &settings.apt_helper, &settings.keyring]
        .into_iter()
        .find(|path| !path.exists())
    {
        return Some(format!("{} is not there", program.display()));
    }
    let host = settings
        .mirror
        .trim_start_matches("http://")
        .split('/')
        .next()?;
    let reached = (host, 80)
        .to_socket_addrs()
        .and_then(|mut addresses| addresses.next().ok_or(std::io::ErrorKind::NotFound.into()))
        .and_then(|address| TcpStream::connect_timeout(&address, Duration::from_secs(5)));
    let error = reached.err()?;
    Some(format!("the archive cannot be reached: {error}"))
}
