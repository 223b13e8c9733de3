//! Chores of this workspace: dependency rules, man pages, schemas.
fn main() {}
