//! The client's side of repositories: settings, state, downloads.
//!
//! A repository is anything that serves files: a web server, or a directory. Copies of it (`mirrors`) are trusted with
//! nothing: whatever they deliver is compared with signed data, and a copy that delivers something else is named,
//! passed over and asked last from then on.
//!
//! `docs/formats/repositories.d.md` says what settings may say, `docs/formats/repository-client.md` what is kept.

mod address;
mod cache;
mod client;
mod copies;
mod download;
mod name;
mod places;
mod settings;
mod transport;

pub use address::{RepositoryAddress, RepositoryAddressError};
pub use cache::CacheError;
pub use client::{ClientSettings, RepositoryClient};
pub use copies::FailedCopy;
pub use download::{
    ArchiveJob, DownloadError, Downloads, FetchedArchive, FetchedFrames, FetchedHead, FrameBytes,
    FramePlan, WantedArchive, WholeArchive,
};
pub use name::{RepositoryName, RepositoryNameError};
pub use places::{PlaceError, RepositoryPlaces};
pub use settings::{
    Enabled, NamePattern, NamePatternError, Priority, RepositorySettings, TrustedRoot,
};
