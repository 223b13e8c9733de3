//! Which locks and limits are in force: said by every run, and in advance by `probe`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Identity;

/// Which locks and limits are in force.
///
/// `confinement`, `root_view`, `namespaces` and `system_call_filter` depend on the policy alone. The rest differs from machine
/// to machine and from user to user, and so belongs into logs, not into an archive that must be reproducible.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measures {
    /// Whether there is a sandbox at all.
    pub confinement: Confinement,
    /// What `/` is inside: `layers`, `host`, `directory`; `none` when unconfined.
    pub root_view: String,
    /// Namespaces of its own, in the order of their names.
    pub namespaces: Vec<String>,
    /// Version of the system call allow-list, 0 when there is none.
    pub system_call_filter: u32,
    /// Landlock ABI of the rules in force, 0 when there are none.
    pub landlock_abi: u32,
    /// Host ids the program ran as.
    pub identity: Identity,
    /// For each limit, by name, the means that enforce it, the strongest first.
    pub limits: BTreeMap<String, Vec<String>>,
}

/// Whether a program runs in a sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confinement {
    /// With every lock this crate has.
    Sandbox,
    /// As a plain process, because the user asked for it by flag.
    None,
}

/// Something that the kernel or its settings lack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingFeature {
    /// Name of the feature, for example `user namespaces`.
    pub feature: String,
    /// How it showed.
    pub detail: String,
    /// What the administrator can do, one action, commands in backticks.
    pub remedy: String,
}

impl std::fmt::Display for MissingFeature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.feature, self.detail)
    }
}
