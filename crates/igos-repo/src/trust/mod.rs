//! Whom a repository's words are believed: keys, signatures and the client's side of TUF 1.0.
//!
//! What was verified is another type than what was not: [`igos_format::trust::Envelope`] is bytes from anywhere,
//! [`Signed`] was made by [`sign()`] or passed [`verify()`].

mod client;
mod offer;
mod seal;
mod secret;
mod sign;
mod verify;

pub(crate) use client::open_alone;
pub use client::{
    Clock, ExpiredError, Expiry, MetadataSource, Refresh, RefreshError, RefreshOptions, Rollback,
    SourceError, Standing, TrustStoreError, Trusted, TrustedRepository, Update, WentBack,
};
pub use offer::{VerifyOfferError, verify_offer};
pub use seal::{KeyStanding, SealKeys, VerifySealError, verify_seal};
pub use secret::{SecretKey, SecretKeyError};
pub use sign::{Signed, countersign, sign};
pub(crate) use verify::good_signers;
pub use verify::{VerifyError, verify};
