//! Another user swaps directories and links below a root while packages come and go (threats note, P4).
//!
//! `careless` holds the same operations done the way that once made holes in other package managers; they must be
//! seen to reach outside under the same racer, or the racer proves nothing.

#[expect(dead_code, reason = "the archives and roots of the other tests")]
#[path = "../sysroot/support.rs"]
mod support;

mod arena;
mod careless;
mod database;
mod packages;
