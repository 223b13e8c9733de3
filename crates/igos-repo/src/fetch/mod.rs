//! Ask one provider after the other until one delivers the expected bytes.
//!
//! The order: the store; mirrors; the recipe's own location; the Debian source archive, by digest; the recipe's
//! alternatives. The exact bytes come before bytes that merely serve as well. Every delivery, whoever made it,
//! goes through [`crate::SourceStore`]'s admission; what failed is kept and told at the end.

mod error;
mod fetcher;
mod git;
pub(crate) mod http;
mod hunt;
pub(crate) mod mirror;
pub(crate) mod partial;
mod proxies;
mod settings;

pub use error::{Attempt, FetchError};
pub use fetcher::{Fetched, Fetcher, Provider};
pub use http::{Certificates, DOWNLOAD_HELPER, download_helper};
pub use proxies::{Proxies, ProxyError};
pub use settings::{Downloader, FetchSettings, HttpLimits, Mirror, Network, Upstream};

#[cfg(test)]
mod tests;
