//! The consumer: installs, removes, queries and verifies.
fn main() {}
