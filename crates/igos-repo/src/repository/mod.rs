//! The client's side of repositories: settings, state, downloads.
//!
//! A repository is anything that serves files: a web server, or a directory. Copies of it (`mirrors`) are trusted with
//! nothing: whatever they deliver is compared with signed data, and a copy that delivers something else is named,
//! passed over and asked last from then on.
//!
//! `docs/formats/repositories.d.md` says what settings may say, `docs/formats/repository-client.md` what is kept.

mod address;
mod cache;
mod catalogue;
mod cleaning;
mod client;
mod collected;
mod copies;
mod download;
mod edit;
mod index_files;
mod load;
mod places;
mod settings;
mod sync;
mod sync_error;
mod transport;

pub use crate::lock::{LockError, Waiting, Work};
pub use address::{RepositoryAddress, RepositoryAddressError};
pub use cache::CacheError;
pub use catalogue::{
    Bringing, Catalogue, CatalogueError, ClosedRepository, ExpiredRepositoryError, Found, Hidden,
    HiddenBy, Offered, OpenRepository, Upgradable,
};
pub use cleaning::{
    CacheCleaning, CacheContents, CachePolicy, CachedArchive, CachedPackage, CachedPart,
};
pub use client::{ClientSettings, RepositoryClient};
pub use copies::FailedCopy;
pub use download::{
    ArchiveJob, DownloadError, Downloads, FetchedArchive, FetchedFrames, FetchedHead, FrameBytes,
    WantedArchive, WholeArchive,
};
pub use edit::{EditRepositoryError, OfferedRoot};
pub use igos_format::{RepositoryName, RepositoryNameError};
pub use load::RepositorySettingsError;
pub use places::{PlaceError, RepositoryPlaces};
pub use settings::{
    Enabled, NamePattern, NamePatternError, Priority, RepositorySettings, TrustedRoot,
};
pub use sync::{SyncChange, SyncOptions, Synced};
pub use sync_error::SyncError;
