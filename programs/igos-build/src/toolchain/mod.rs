//! The toolchain: the archives that every build sees before anything it declares.
//!
//! Until ours is built from source, it is imported: [`ToolchainList`] names binary packages of another
//! distribution, [`import()`] resolves, fetches and converts them into archives marked `imported`, and writes a
//! document that lists them. [`assemble()`] makes one of packages that were built here, for the next stage of a
//! bootstrap, and [`compare()`] says whether it made itself again. [`Toolchain`] is what builds load; its digest
//! enters every build key. Formats: `docs/formats/toolchain.md`.

mod ar;
mod assemble;
mod compare;
mod convert;
mod deb;
mod document;
mod error;
mod files;
mod import;
mod links;
mod list;
mod payload;

pub use assemble::{AssembleInput, AssembleToolchainError, Assembled, BuiltArchive, assemble};
pub use compare::{Change, CompareToolchainsError, Compared, Difference, Likeness, compare};
pub use deb::DebError;
pub use document::{DebOrigin, LoadToolchainError, Toolchain, ToolchainArchive};
pub use error::ImportError;
pub use files::FileError;
pub use import::{ImportInput, Imported, import, resolve};
pub use list::{ListError, ToolchainList};

#[cfg(test)]
mod tests;
