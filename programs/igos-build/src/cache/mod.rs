//! What builds leave behind so that they need not be repeated.
//!
//! One directory, described in `docs/formats/build-cache.md`: verified sources, dependency layers, finished
//! builds under their keys, the last key document of every package, logs, and the directories of running and
//! failed builds. Everything in it appears by renaming something complete, so that a killed run leaves nothing
//! half made, and everything is verified again before it is used.

mod builds;
mod collect;
mod directory;
mod error;
mod layer;
mod lock;
mod work;

pub use builds::{CachedBuild, CachedOutput, Lookup, Receipt, SourceReceipt, StepReceipt};
pub use collect::{CacheEntry, CacheList, GarbagePolicy, GarbageReport};
pub use directory::Cache;
pub(crate) use directory::set_mode;
pub use error::CacheError;
pub use layer::Layer;
pub(crate) use layer::read_head;
pub use lock::{CacheLock, Waiting};
pub use work::{FailedDirectory, WorkDirectory};
