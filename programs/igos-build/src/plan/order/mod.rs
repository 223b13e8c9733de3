//! The build order.
//!
//! The rule is that of KISS, which orders by walking: depth first, in the order of the lines, everything that a
//! package needs before the package itself. The walk keeps its own stack, so that a chain of any length fits.

mod answer;
mod sort;
mod walk;

#[cfg(test)]
mod tests;

pub use answer::{Missing, Order, Reason, Step};
pub use sort::{order, order_all};
