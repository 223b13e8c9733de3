//! Hostile archives given to the program: the code, the time and the memory that are promised, and nothing left behind.

#[path = "../../../../crates/igos-format/tests/archive/cases/mod.rs"]
#[expect(
    dead_code,
    reason = "shared with the tests of igos-format, which use all of it"
)]
mod cases;
#[path = "../../../../crates/igos-format/tests/archive/forge.rs"]
mod forge;
#[path = "../../../../crates/igos-format/tests/archive/support.rs"]
#[expect(
    dead_code,
    reason = "shared with the tests of igos-format, which use all of it"
)]
mod support;

mod given;
mod largest;
mod unpacked;
