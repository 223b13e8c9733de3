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
mod exact;
mod faulty;
mod excluded;
mod frames;
mod hooks;
mod hostile;
mod install;
mod kernels;
mod materialise;
mod queries;
mod repair;
mod remove;
mod rollback;
mod services;
mod supersede;
mod upgrade;
mod verify;
