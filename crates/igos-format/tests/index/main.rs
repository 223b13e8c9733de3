//! The index: what is found in it is what was put in, and nothing else is an index.

mod document;
mod files;
mod forge;
mod hostile;
mod lookup;
mod round_trip;
mod support;
