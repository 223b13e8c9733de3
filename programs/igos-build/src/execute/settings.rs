//! What is the same for all packages of one run.

use std::num::NonZeroUsize;

use igos_format::Arch;
use igos_format::archive::Compression;
use igos_recipe::Recipe;
use igos_repo::Unpinned;
use igos_sandbox::Limits;

use super::steps::{Step, commands};
use crate::plan::{CheckMode, Confinement, Debugging, RootMode};
use crate::profile::Profile;

/// What is the same for all packages of one run.
#[derive(Debug, Clone)]
pub struct BuildSettings {
    /// The machine to build for.
    pub arch: Arch,
    /// What `/` is made of.
    pub mode: RootMode,
    /// Whether there is a sandbox.
    pub confinement: Confinement,
    /// Whether the user wants upstream's tests to run.
    pub wants_check: bool,
    /// What to do about sources that nothing pins.
    pub unpinned: Unpinned,
    /// The compiler-flag policy.
    pub profile: Profile,
    /// Whether what debuggers read is kept.
    pub debugging: Debugging,
    /// How much one build may use.
    pub limits: Limits,
    /// How archives are compressed.
    pub compression: Compression,
    /// Processors that all builds share.
    pub processors: NonZeroUsize,
}

impl BuildSettings {
    /// Returns whether upstream's tests run for a recipe.
    #[must_use]
    pub fn check(&self, recipe: &Recipe) -> CheckMode {
        if !recipe.tests.is_enabled || commands(recipe, Step::Check).is_empty() {
            CheckMode::Unavailable
        } else if self.wants_check {
            CheckMode::Run
        } else {
            CheckMode::Skipped
        }
    }
}
