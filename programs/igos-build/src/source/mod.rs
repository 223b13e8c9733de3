//! What a build is made from: fetched, verified, and unpacked inside the sandbox.
//!
//! [`RecipeFiles`] takes in the recipe's own directory, [`gather()`] gets the sources. Both know the digest of
//! every byte before a build begins, and copy what they know into the directory of the build, comparing again:
//! what the build sees is what its key says.

mod directory;
mod error;
mod gather;
mod gather_all;
mod place;
mod recipe_files;
pub mod unpack;

pub use directory::LocalDirectory;
pub use error::GatherError;
pub(crate) use gather::local_directory;
pub use gather::{ReadySource, SourceBytes, gather, local_sources};
pub use gather_all::{GatherAll, GatherThreadsError, Gathered};
pub use place::{PlaceError, place_patches, place_sources};
pub use recipe_files::{RecipeFiles, RecipeFilesError};
