//! The program as users run it: arguments in; standard output, standard error and exit code out.

mod change;
mod hooks;
mod query;
mod usage;
mod verify;
mod world;
