//! Which packages are built, in which order, and why.

mod graph;
mod imported;
mod key;
mod order;
mod why;

pub use graph::{Graph, Need, Target};
pub use imported::misused_imports;
pub use key::{
    BUILDER_VERSION, CheckMode, Confinement, Debugging, KeyDocument, KeyInput, RecipeFile,
    RememberedSource, RootMode, SourceInput, felt_limits, remembered_sources,
};
pub use order::{Missing, Order, Reason, Step, order, order_all};
pub use why::{KeyChange, explain, summarise};

#[cfg(test)]
mod key_tests;
