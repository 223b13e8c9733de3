//! The client's side of TUF 1.0 (sections 5.1 to 5.7): what a repository says now, if it may be believed.
//!
//! A [`TrustedRepository`] keeps what it was told in a directory. [`TrustedRepository::refresh`] asks a
//! [`MetadataSource`] and returns nothing new, or an [`Update`] whose index files the caller fetches; only
//! [`TrustedRepository::adopt`] lets it take the place of the old, so that there always is one complete set. An error
//! leaves the old set as it was. What is out of date is still [`Trusted`]; [`Trusted::standing`] says that it is.

mod clock;
mod complete;
mod error;
mod judge;
mod line;
mod refresh;
mod repository;
mod root;
mod source;
mod store;

mod trusted;

pub use clock::Clock;
pub use error::{RefreshError, TrustStoreError};
pub use judge::WentBack;
pub use refresh::{Expiry, Refresh, RefreshOptions, Rollback, Update};
pub use repository::TrustedRepository;
pub(crate) use root::open_alone;
pub use source::{MetadataSource, SourceError};
pub use trusted::{ExpiredError, Standing, Trusted};
