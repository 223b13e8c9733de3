//! The order as it is answered with.

use igos_format::DependencyKind;
use serde::Serialize;

/// The packages to build, dependencies first, and what stands in the way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Order {
    /// The packages in build order. A dependency that no recipe makes keeps its place here, as in KISS.
    pub order: Vec<Step>,
    /// Who needs whom, for all recipes of the order: dependant, dependency, kind.
    pub edges: Vec<(String, String, DependencyKind)>,
    /// What no recipe makes.
    pub missing: Vec<Missing>,
    /// Circles of packages that need each other, each once and from its first name in byte order.
    pub cycles: Vec<Vec<String>>,
}

/// One package of the order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// Why it is there.
    pub reason: Reason,
    /// The package that needed it first; absent for an explicit one.
    pub required_by: Option<String>,
}

/// Why a package is in the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Reason {
    /// It was asked for, and no other package of the order needs it.
    Explicit,
    /// Another package of the order needs it.
    Implicit,
}

/// Something that no recipe makes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Missing {
    /// What.
    pub name: String,
    /// Who needs it; absent for a name that was asked for.
    pub required_by: Option<String>,
    /// When it is needed.
    pub kind: Option<DependencyKind>,
}

impl Order {
    /// Tells whether everything in the order can be built.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty() && self.cycles.is_empty()
    }
}
