//! Hostile archives on their way into a root: refused with the code of the reader, and nothing changes.

#[path = "../../../igos-format/tests/archive/cases/mod.rs"]
#[expect(
    dead_code,
    reason = "shared with the tests of igos-format, which use all of it"
)]
mod cases;
#[path = "../../../igos-format/tests/archive/forge.rs"]
mod forge;
#[path = "../sysroot/support.rs"]
#[expect(dead_code, reason = "shared with the other tests, which use all of it")]
mod roots;
#[path = "../../../igos-format/tests/archive/support.rs"]
#[expect(
    dead_code,
    reason = "shared with the tests of igos-format, which use all of it"
)]
mod support;

mod contained;
mod refused;
