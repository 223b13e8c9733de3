//! What a comparison says in the end.

use serde::Serialize;

use super::{Compared, State};

/// How recipes stand, and how many of each state there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The suites that were looked at, the preferred one first.
    pub suites: Vec<String>,
    /// The recipes.
    pub recipes: Vec<Compared>,
    /// How many are current.
    pub current: usize,
    /// For how many something newer is offered.
    pub newer: usize,
    /// How many are newer than all that is offered.
    pub ahead: usize,
    /// For how many nothing is offered.
    pub absent: usize,
}

impl Report {
    /// Counts the recipes of each state.
    #[must_use]
    pub fn new(suites: Vec<String>, recipes: Vec<Compared>) -> Self {
        let count = |state| recipes.iter().filter(|one| one.state == state).count();
        Report {
            suites,
            current: count(State::Current),
            newer: count(State::Newer),
            ahead: count(State::Ahead),
            absent: count(State::Absent),
            recipes,
        }
    }
}
