//! Talking to servers in this process: the only file that uses the HTTP client.

use std::io;

use ureq::http::{HeaderName, Response, header};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Body, Proxy};

use super::answer::{Answer, HEAD_MAX_BYTES, Head, NoAnswer};
use crate::fetch::proxies::Proxies;
use crate::fetch::settings::HttpLimits;

/// Most connections that are kept open for further requests: as many as are used at once by default.
const IDLE_MAX: usize = 8;

/// Sends requests.
#[derive(Debug)]
pub(super) struct Direct {
    /// For `http://`.
    plain: Agent,
    /// For `https://`, which may have another proxy.
    protected: Agent,
}

impl Direct {
    /// Returns what sends requests with the times for connecting and for silence of `limits`.
    pub(super) fn new(limits: &HttpLimits, proxies: &Proxies) -> Self {
        Direct {
            plain: agent(limits, proxies.http()),
            protected: agent(limits, proxies.https()),
        }
    }

    /// Sends one request; redirects are not followed.
    pub(super) fn get(&self, url: &str, range: Option<&str>) -> Result<Answer, NoAnswer> {
        let agent = if url.starts_with("https://") {
            &self.protected
        } else {
            &self.plain
        };
        let mut request = agent.get(url);
        if let Some(range) = range {
            request = request.header(header::RANGE, range);
        }
        let response = request.call().map_err(|error| no_answer(&error))?;
        Ok(Answer {
            head: Head {
                status: response.status().as_u16(),
                location: field(&response, &header::LOCATION),
                content_length: field(&response, &header::CONTENT_LENGTH),
                content_range: field(&response, &header::CONTENT_RANGE),
            },
            body: Box::new(response.into_body().into_reader()),
        })
    }
}

fn agent(limits: &HttpLimits, proxy: Option<&Proxy>) -> Agent {
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::PlatformVerifier)
        .build();
    Agent::config_builder()
        // Redirects are followed by `Http`, one by one, so that none leads from https to http.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .tls_config(tls)
        // Also where there is none: the client would look at the environment by itself.
        .proxy(proxy.cloned())
        .user_agent(concat!("igos/", env!("CARGO_PKG_VERSION")))
        .timeout_resolve(Some(limits.connect))
        .timeout_connect(Some(limits.connect))
        .timeout_recv_response(Some(limits.silence))
        .timeout_per_read(Some(limits.silence))
        .max_response_header_size(HEAD_MAX_BYTES)
        .max_idle_connections(IDLE_MAX)
        .max_idle_connections_per_host(IDLE_MAX)
        .build()
        .new_agent()
}

fn field(response: &Response<Body>, name: &HeaderName) -> Option<String> {
    let value = response.headers().get(name)?;
    value.to_str().ok().map(str::to_owned)
}

fn no_answer(error: &ureq::Error) -> NoAnswer {
    let io = match error {
        ureq::Error::Io(io) => Some(io),
        _ => None,
    };
    let lookup = io.map_or(Lookup::Succeeded, lookup);
    let is_transient = match error {
        ureq::Error::Io(_) => lookup != Lookup::NoSuchName,
        other => matches!(
            other,
            ureq::Error::Timeout(_) | ureq::Error::ConnectionFailed
        ),
    };
    let is_unreachable = |error: &io::Error| {
        matches!(
            error.kind(),
            io::ErrorKind::ConnectionRefused
                | io::ErrorKind::NetworkUnreachable
                | io::ErrorKind::HostUnreachable
        )
    };
    let concerns_host = lookup != Lookup::Succeeded
        || io.is_some_and(is_unreachable)
        || matches!(
            error,
            ureq::Error::HostNotFound
                | ureq::Error::ConnectionFailed
                | ureq::Error::Timeout(ureq::Timeout::Resolve | ureq::Timeout::Connect)
        );
    NoAnswer {
        message: error.to_string(),
        is_transient,
        concerns_host,
    }
}

/// What an I/O error says about the host's name.
#[derive(Debug, PartialEq, Eq)]
enum Lookup {
    /// The error is about something else.
    Succeeded,
    /// The resolver knows no such name: it asked again itself before it said so.
    NoSuchName,
    /// The resolver could not tell now.
    Failed,
}

/// Tells what an I/O error says about the host's name.
///
/// The standard library gives failures of `getaddrinfo` neither a kind nor a number, only this text around what
/// the C library says; both stable since 1.0.
fn lookup(error: &io::Error) -> Lookup {
    let text = error.to_string();
    match text.split_once("failed to lookup address information: ") {
        None => Lookup::Succeeded,
        // glibc and musl.
        Some((_, "Temporary failure in name resolution" | "Try again")) => Lookup::Failed,
        Some(_) => Lookup::NoSuchName,
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::no_answer;

    #[test]
    fn unknown_name_is_not_asked_for_again_and_an_undecided_one_is() {
        let error = |text: &str| {
            let text = format!("failed to lookup address information: {text}");
            no_answer(&ureq::Error::Io(io::Error::other(text)))
        };
        for (text, is_transient) in [
            ("Name or service not known", false),
            ("Name does not resolve", false),
            ("Temporary failure in name resolution", true),
            ("Try again", true),
        ] {
            let error = error(text);
            assert_eq!(error.is_transient, is_transient, "{text}");
            assert!(error.concerns_host, "{text}");
        }
        let reset = no_answer(&ureq::Error::Io(io::ErrorKind::ConnectionReset.into()));
        assert!(reset.is_transient && !reset.concerns_host);
        let refused = no_answer(&ureq::Error::Io(io::ErrorKind::ConnectionRefused.into()));
        assert!(refused.is_transient && refused.concerns_host);
    }
}
