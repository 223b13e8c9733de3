//! The solver from outside: cases from real situations, and small random worlds against a search through everything.

mod brute;
mod case;
mod cases;
mod graph;
mod random;
