//! The program as users run it: arguments in; standard output, standard error and exit code out.

mod change;
mod query;
mod usage;
mod verify;
mod world;
