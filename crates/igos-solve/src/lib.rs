//! Which packages: what is installed and offered, a request, and the answer or why there is none.
//!
//! This crate has no power: it opens nothing and knows no clock. Equal inputs give equal answers.
//!
//! ```text
//! Universe + Request ─ask Offers→ pool of candidates ─resolvo, wish by wish→ Solution
//!                                                    └─ no solution: proof ─→ Explanation
//! ```
//!
//! `docs/solver.md` says which solution is the best of several.

mod admit;
mod answer;
mod build;
mod choose;
mod connect;
mod encode;
mod explanation;
mod graph;
mod needed;
mod offer;
mod offers;
mod pool;
mod propagate;
mod refute;
mod remedy;
mod request;
mod search;
mod solution;
mod solve;
mod universe;

pub use explanation::{Explanation, Impossible};
pub use graph::{Edge, Graph};
pub use offer::{Offer, Relations, Source};
pub use offers::{HiddenOffer, MemoryOffers, Offers, OffersError, Sought};
pub use request::{
    Downgrades, Essentials, Holds, Policy, Removals, Request, Upgrade, Wanted, Which,
};
pub use solution::{Choice, KeptBack, Removal, RemovalWhy, Solution, Why};
pub use solve::{SolveError, solve};
pub use universe::{InstalledPackage, Reason, Universe};
