//! Publishing: from archives to a repository that any server of static files can serve.
//!
//! [`new_keys`] makes the keys of a new repository, [`Publisher::publish`] puts archives into one,
//! [`Publisher::replace_keys`] exchanges its keys and [`Publisher::renew`] signs anew what offline keys signed.
//!
//! Files are named by their digests or versions and put in place before anything names them; the one name that does
//! not change, `metadata/timestamp.json`, is exchanged last. So readers see the old state or the new one, and what
//! they are fetching stays where it is until it is some states old. What is published is verified with the
//! publisher's own keys before anything is signed again. `docs/formats/repository.md` is the normative description
//! of the layout.

mod advisories;
mod archive;
mod bins;
mod change;
mod choose;
mod collect;
mod commit;
mod contents;
mod error;
mod findings;
mod fit;
mod genesis;
mod kinds;
mod layout;
mod lifetimes;
mod lists;
mod offline;
mod place;
mod publisher;
mod relations;
mod request;
mod ring;
mod rotate;
mod sources;
mod staging;
mod state;

pub use crate::lock::{LockError, Waiting, Work};
pub use advisories::{ADVISORIES_MAX_BYTES, Advisories, AdvisoriesError};
pub use archive::ReadGivenError;
pub use choose::{Allowances, Backwards};
pub use commit::Renewal;
pub use error::PublishError;
pub use findings::Finding;
pub use genesis::{MadeKeys, NewKeys, NewKeysError, new_keys};
pub use lifetimes::{LifetimeError, Lifetimes};
pub use offline::{Demand, Need, OfflineChange, OfflineDocument, OfflineError, RoleChange, Stay};
pub use place::{PlaceError, Stop};
pub use publisher::Publisher;
pub use request::{Execution, Publication, PublishRequest, Staging};
pub use ring::{KeyRing, KeyRingError};
pub use rotate::{Farewell, NewKey, Replace, Replaced, RoleState, roles};
pub use sources::{CorrespondingSources, SourceContent, SourceFile, SourcesAbsent};
pub use staging::{Staged, StagedSelection, drop_staged, staged};
pub use state::StateError;
