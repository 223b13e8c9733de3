//! What a KISS repository says about its packages beside their directories.

use std::collections::BTreeMap;

use igos_report::Diagnostic;

use crate::{Dialect, FileRule, FlagOverrides, Recipe, SourceAlternative};
use igos_format::declaration::{
    AlternativeDeclaration, GroupDeclaration, HookDeclaration, Provided, ServiceDeclaration,
    TriggerDeclaration, UserDeclaration,
};
use igos_format::{Dependency, PackageName, PathPattern, RelPath};

/// Name of the overlay file, in the directory of the repository.
pub const OVERLAY_FILE: &str = "igos-overlay.yml";

/// The overlay of a repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overlay {
    /// The dialect of the repository, where it says so.
    pub dialect: Option<Dialect>,
    /// What is said about each package.
    pub packages: BTreeMap<PackageName, OverlayPackage>,
}

/// What an overlay says about one package: what a KISS recipe cannot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OverlayPackage {
    /// One line.
    pub description: String,
    /// Licence expression.
    pub license: String,
    /// Upstream's page.
    pub homepage: String,
    /// Modes, owners and capabilities of installed paths.
    pub files: Vec<FileRule>,
    /// Installed files whose local edits are kept.
    pub configuration: Vec<PathPattern>,
    /// Paths that must exist in the staged tree.
    pub verify_paths: Vec<RelPath>,
    /// Names the package answers to.
    pub provides: Vec<Provided>,
    /// Packages that cannot be installed beside it.
    pub conflicts: Vec<Dependency>,
    /// Packages whose paths it takes over.
    pub supersedes: Vec<PackageName>,
    /// Whether removing it takes an explicit flag.
    pub is_essential: bool,
    /// Users it needs.
    pub users: Vec<UserDeclaration>,
    /// Groups it needs.
    pub groups: Vec<GroupDeclaration>,
    /// Services it brings.
    pub services: Vec<ServiceDeclaration>,
    /// Paths it can serve.
    pub alternatives: Vec<AlternativeDeclaration>,
    /// Commands to run once after transactions that changed certain paths.
    pub triggers: Vec<TriggerDeclaration>,
    /// Commands to run around transactions that change it.
    pub hooks: Vec<HookDeclaration>,
    /// What it changes of the compiler-flag profile.
    pub flags: FlagOverrides,
    /// Variables for the build's environment.
    pub environment: BTreeMap<String, String>,
    /// The time that installed files carry.
    pub source_date_epoch: Option<u64>,
    /// Other places of its sources, by their location.
    pub source_alternatives: BTreeMap<String, Vec<SourceAlternative>>,
}

/// What parsing an overlay gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedOverlay {
    /// The overlay, without what could not be read.
    pub overlay: Overlay,
    /// What is wrong with it.
    pub diagnostics: Vec<Diagnostic>,
}

impl OverlayPackage {
    /// Adds what the overlay says to a recipe.
    pub fn apply(&self, recipe: &mut Recipe) {
        recipe.description.clone_from(&self.description);
        recipe.license.clone_from(&self.license);
        recipe.homepage.clone_from(&self.homepage);
        recipe.files.clone_from(&self.files);
        recipe.configuration.clone_from(&self.configuration);
        recipe.verify_paths.clone_from(&self.verify_paths);
        recipe.supersedes.clone_from(&self.supersedes);
        recipe.users.clone_from(&self.users);
        recipe.groups.clone_from(&self.groups);
        recipe.services.clone_from(&self.services);
        recipe.alternatives.clone_from(&self.alternatives);
        recipe.triggers.clone_from(&self.triggers);
        recipe.hooks.extend(self.hooks.iter().cloned());
        recipe.flags.clone_from(&self.flags);
        recipe.environment.clone_from(&self.environment);
        recipe.source_date_epoch = self.source_date_epoch;
        if let Some(main) = recipe.outputs.first_mut() {
            main.description.clone_from(&self.description);
            main.provides.clone_from(&self.provides);
            main.conflicts.clone_from(&self.conflicts);
            main.supersedes.clone_from(&self.supersedes);
            main.is_essential = self.is_essential;
        }
        for source in &mut recipe.sources {
            if let Some(alternatives) = self.source_alternatives.get(&source.location) {
                source.alternatives.clone_from(alternatives);
            }
        }
    }
}
