//! Trust in repositories, from outside: honest ones, malicious ones, and those of the reference implementation.

mod attacks;
mod client;
mod document;
mod forge;
mod interop;
mod rotation;
