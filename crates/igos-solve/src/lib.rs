//! Which packages: what is installed and offered, a request, and the answer or why there is none.
//!
//! This crate has no power: it opens nothing and knows no clock. Equal inputs give equal answers.
