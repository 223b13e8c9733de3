//! Transactions with a defect that a killed program or a failing call shows.
//!
//! The program `igos-crash defective DEFECT …` changes a root as `pkm` does, with the library as it is and one defect
//! between it and the file system. Every harness has to find each defect, and nothing where there is none.

mod planted;
mod subject;

pub use planted::Defect;
pub use subject::run;
