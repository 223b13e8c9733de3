//! The archive: what is written is read again, nothing else is read, and other programs see the same.

mod forge;
mod hostile;
mod round_trip;
mod support;
