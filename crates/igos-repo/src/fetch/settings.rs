//! What a fetcher is allowed and told to do.

use std::path::PathBuf;
use std::time::Duration;

use super::http::Certificates;
use super::proxies::Proxies;
use crate::request::{LocationError, test_url};

/// Whether the network may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// It may.
    Online,
    /// Only the store and mirrors that are directories are asked.
    Offline,
}

/// Whether the addresses that recipes give are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Upstream {
    /// They are.
    Ask,
    /// They are not: sources come from the store, mirrors and the Debian archive alone.
    Never,
}

/// A copy of sources, trusted with nothing: what it holds is compared like everything else.
///
/// Files are looked for as `sha256/ab/DIGEST` (the layout of the store, so that one store can serve as mirror
/// of another), `PACKAGE/NAME` and `NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mirror {
    /// A directory.
    Directory(PathBuf),
    /// An `http://` or `https://` address, without the slash at its end.
    Url(String),
}

impl Mirror {
    /// Returns the mirror that a setting or a flag names: an address if it begins like one, else a directory.
    ///
    /// # Errors
    ///
    /// Refuses an address with characters that none can have.
    pub fn parse(text: &str) -> Result<Self, LocationError> {
        if text.starts_with("http://") || text.starts_with("https://") {
            let url = text.trim_end_matches('/');
            test_url(url).map(|()| Mirror::Url(url.to_owned()))
        } else {
            Ok(Mirror::Directory(text.into()))
        }
    }
}

/// Limits of one download.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpLimits {
    /// Largest file, in bytes. Default 4 GiB: three times the largest source release we know of.
    pub max_bytes: u64,
    /// Time to resolve and connect. Default 20 s.
    pub connect: Duration,
    /// Longest silence of the other side. Default 60 s.
    pub silence: Duration,
    /// Time for one file in all. Default 2 h.
    pub total: Duration,
    /// Slowest acceptable rate in bytes per second, averaged over each `silence` period. Default 512.
    pub min_rate: u64,
    /// Redirects followed in one try. Default 5.
    pub redirects: u32,
    /// Tries before the next provider is asked. Default 4.
    pub tries: u32,
    /// Pause before the second try, doubled before each one after it. Default 1 s.
    pub backoff: Duration,
}

impl Default for HttpLimits {
    fn default() -> Self {
        HttpLimits {
            max_bytes: 4 << 30,
            connect: Duration::from_secs(20),
            silence: Duration::from_secs(60),
            total: Duration::from_secs(2 * 60 * 60),
            min_rate: 512,
            redirects: 5,
            tries: 4,
            backoff: Duration::from_secs(1),
        }
    }
}

/// Which process talks to servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Downloader {
    /// One of its own, without rights: needs [`crate::download_helper`] to be registered with the sandbox.
    Confined(Certificates),
    /// This one, with all its rights.
    Unconfined,
}

impl Downloader {
    /// Returns the confined one, which believes the authorities that the customary variables name, if they name any.
    #[must_use]
    pub fn confined(variable: impl Fn(&str) -> Option<String>) -> Self {
        Downloader::Confined(Certificates::from_variables(variable))
    }
}

/// What a [`crate::Fetcher`] works with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchSettings {
    /// Whether the network may be used.
    pub network: Network,
    /// Whether the addresses that recipes give are asked.
    pub upstream: Upstream,
    /// Mirrors, asked in this order.
    pub mirrors: Vec<Mirror>,
    /// How many sources are fetched at once.
    pub jobs: usize,
    /// Limits of each download.
    pub http: HttpLimits,
    /// Proxies.
    pub proxies: Proxies,
    /// Which process talks to servers.
    pub downloader: Downloader,
    /// The git program, an absolute path.
    pub git: PathBuf,
    /// Where clones are kept.
    pub git_cache: PathBuf,
}

impl FetchSettings {
    /// Returns the defaults: online, no mirrors, no proxies, confined, four at once, `/usr/bin/git`, clones below `cache`.
    #[must_use]
    pub fn new(cache: &std::path::Path) -> Self {
        FetchSettings {
            network: Network::Online,
            upstream: Upstream::Ask,
            mirrors: Vec::new(),
            jobs: 4,
            http: HttpLimits::default(),
            proxies: Proxies::default(),
            downloader: Downloader::Confined(Certificates::default()),
            git: "/usr/bin/git".into(),
            git_cache: cache.join("git"),
        }
    }
}
