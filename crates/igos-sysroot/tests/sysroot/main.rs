//! Installing into, verifying and removing from real directories.

mod support;

mod configuration;
mod conflicts;
mod crash;
mod database;
mod hostile;
mod install;
mod materialise;
mod queries;
mod remove;
mod supersede;
mod verify;
