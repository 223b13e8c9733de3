//! Small texts of a root's state: a first line with keyword and version, sorted lines, and the digest of it all.
//!
//! `docs/formats/state-texts.md` describes them. What is not there is empty; what is damaged is refused, because guessing
//! would overrule what the administrator decided.

mod text;

#[cfg(test)]
mod tests;

pub use text::StateTextError;
pub(crate) use text::{StateText, parse_path};
