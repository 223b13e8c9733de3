//! `package.yml`, in our tree and in foreign ones.
//!
//! The text becomes a tree of texts with places ([`node`]), the tree is taken apart key by key ([`reader`],
//! [`keys`]), and each family of keys has a file: what a recipe is made from ([`sources`], [`local_sources`],
//! [`patches`]), what it relates to ([`relations`]), what it declares ([`declarations`]), what only InterGenOS reads
//! ([`foreign`]), and the rest ([`parse`]). Every error of a file is found in one pass.

mod declarations;
mod digests;
mod foreign;
mod keys;
mod local_sources;
mod node;
mod overlay;
mod parse;
mod patches;
mod reader;
mod relations;
mod sources;

pub use digests::with_digests;
pub use overlay::parse_overlay;
pub use parse::{PackageYml, parse_package_yml};
