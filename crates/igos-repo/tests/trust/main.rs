//! Trust in repositories, from outside: honest ones, malicious ones, and those of the reference implementation.

mod attacks;
mod client;
mod directory;
mod document;
mod forge;
mod interop;
mod rotation;

#[path = "../repository/packages.rs"]
#[expect(
    dead_code,
    reason = "shared with the tests of repositories, which use all of it"
)]
mod packages;

#[path = "../server/python.rs"]
mod python_environment;
