//! Get bytes whose identity is known in advance.
//!
//! A [`SourceRequest`] says what a recipe wants; a [`Fetcher`] asks its providers in order (the store, mirrors,
//! the recipe's own location, the Debian source archive, the recipe's alternatives) and returns a [`Fetched`],
//! the only type that proves that bytes were compared with their digest. Whatever a provider delivers, however
//! it got there, passes through [`SourceStore`]'s one admission; a provider's word is never enough.
//!
//! This is the only crate that opens network connections. It knows no recipe and unpacks nothing.

mod below;
pub mod debian;
mod fetch;
mod host;
mod lock;
pub mod publish;
pub mod repository;
mod request;
mod store;
pub mod trust;

pub use below::{DirectoryBelow, FileBelow};
pub use debian::{DebianArchive, DebianError, DebianSettings};
pub use fetch::{
    Attempt, Certificates, DOWNLOAD_HELPER, Downloader, FetchError, FetchSettings, Fetched,
    Fetcher, HttpLimits, Mirror, Network, Provider, Proxies, ProxyError, Upstream, download_helper,
};
pub use request::{
    Alternative, AlternativeLocation, Inner, Location, LocationError, SourceRequest, Unpinned,
};
pub use store::{SourceStore, StoreError};
