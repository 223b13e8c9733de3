//! The archive: what is written is read again, nothing else is read, and other programs see the same.

mod bounds;
mod cases;
mod differential;
mod document;
mod forge;
mod hostile;
mod mutated;
mod oracle;
mod pieces;
mod round_trip;
mod support;
