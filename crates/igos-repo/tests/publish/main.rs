//! Publishing, seen from a reader.

mod bins;
mod document;
mod keys;
mod layout;
mod offline;
mod refusals;
mod scale;
mod support;

#[path = "../trust/directory.rs"]
mod directory;
