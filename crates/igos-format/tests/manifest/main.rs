//! The manifest: one text for given values, and nothing else is read.

mod document;
mod round_trip;
mod rules;
