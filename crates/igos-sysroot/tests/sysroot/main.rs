//! Installing into, verifying and removing from real directories.

mod support;

mod alternatives;
mod configuration;
mod conflicts;
mod crash;
mod database;
mod exact;
mod hostile;
mod install;
mod materialise;
mod queries;
mod remove;
mod supersede;
mod verify;
