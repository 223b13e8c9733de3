//! One malicious repository for each row R1 to R11 of the threats we know, each refused with its own code.

mod files;
mod offers;
mod signatures;
mod versions;

use crate::forge::{Client, Forge};

/// Returns a repository that published twice, a client that knows the first state alone, and the first state.
pub(crate) fn two_states() -> (Forge, Client, Forge) {
    let first = Forge::new();
    let client = Client::following(&first);
    let mut second = first.clone();
    second.index = b"index 2".to_vec();
    second.publish_all();
    (second, client, first)
}
