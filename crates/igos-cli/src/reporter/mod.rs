//! Listeners that tell the story of a run: on a terminal, line by line, as JSON lines, and into a file.

mod json;
mod log_file;
mod plain;
mod running;
mod terminal;
mod words;

pub use log_file::LogFile;

pub(crate) use json::JsonLines;
pub(crate) use plain::Plain;
pub(crate) use terminal::Terminal;
