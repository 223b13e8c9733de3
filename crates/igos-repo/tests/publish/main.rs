//! Publishing, seen from a reader.

mod keys;
mod layout;
mod refusals;
mod scale;
mod support;
