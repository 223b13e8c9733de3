//! Nothing of ours touches a root but through a descriptor of it (threats note, X10).
//!
//! Clippy refuses the path functions of `std` everywhere; `fs_err` and `rustix`, which the engines use elsewhere, it
//! cannot tell apart by where they are used. So the sources of the crates that work on roots are read here: a word
//! that takes a path is a violation, unless the table of exceptions has the file, the word and the reason, or the file
//! is one of those that never meet a root. An exception that nothing needs any more is a violation too.

mod check;
mod tables;

pub(crate) use check::check;
