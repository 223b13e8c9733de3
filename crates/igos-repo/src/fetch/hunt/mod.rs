//! One source, one provider after the other.
//!
//! [`search`] has the order and the one admission; the other modules ask one kind of provider each.

mod debian;
mod search;
mod unpinned;
mod web;

pub(super) use search::Hunt;
