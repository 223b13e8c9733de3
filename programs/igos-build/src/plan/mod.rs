//! Which packages are built, in which order, and why.
