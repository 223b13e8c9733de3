//! The conditions of the threats note, section 4: each row is really made, and the rule is looked at.
//!
//! `docs/security.md` names the test of every row, here and elsewhere.

#[expect(dead_code, reason = "the archives and roots of the other tests")]
#[path = "../sysroot/support.rs"]
mod support;

mod mounted;

mod contents;
mod disks;
mod names;
mod records;
mod stopped;
mod targets;
mod unreadable;
