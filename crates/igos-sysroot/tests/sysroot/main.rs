//! Installing into, verifying and removing from real directories.

mod support;

mod accounts;
mod adopt;
mod alternatives;
mod configuration;
mod conflicts;
mod crash;
mod crash_kept;
mod database;
mod drop_in;
mod drop_in_rights;
mod enabling;
mod exact;
mod excluded;
mod faulty;
mod frames;
mod guarded;
mod hooks;
mod hostile;
mod install;
mod kernels;
mod materialise;
mod queries;
mod remove;
mod repair;
mod rollback;
mod services;
mod supersede;
mod taken_back;
mod things;
mod upgrade;
mod verify;
