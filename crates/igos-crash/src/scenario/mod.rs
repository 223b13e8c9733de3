//! Roots and archives that all harnesses use, and what is done to them.
//!
//! Three packages of some thirty paths ([`packages::world`]): files, links, hard links, a setuid program,
//! directories with modes of their own, edited configuration files, a path that turns from a file into a directory, and
//! a hook. [`Stage`] builds archives and roots out of them in a temporary directory with the program under test.

mod packages;
mod program;
mod stage;

pub use packages::{TestPackage, world};
pub use stage::{Operation, Prepared, Programs, Stage, StageError};
