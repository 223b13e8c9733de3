//! Recipes: texts that say how to build one or more packages, in two families.
//!
//! `package.yml` (with `build.sh`) is described in `docs/formats/recipe-package-yml.md`, KISS directories in
//! `docs/formats/recipe-kiss.md`. Both become the same [`Recipe`], evaluated: variables are replaced and every
//! text with a grammar is a type of its own. Parsing takes texts and a list of what lies beside them, reports
//! everything it finds at once, and opens nothing.

mod crates;
mod dialect;
mod files;
mod flags;
mod kiss;
mod lint;
mod overlay;
mod package_yml;
mod recipe;
pub mod script;
mod source;
mod substitute;

pub use crates::{LockAbsent, LockError};
pub use dialect::{Dialect, DialectError};
pub use files::{FileKind, FileList, Leniency, Parsed};
pub use flags::{FlagChange, FlagOverrides};
pub use kiss::{
    ChecksumsKind, KissDirectory, checksums_kind, hook_place, parse_kiss_directory, write_checksums,
};
pub use lint::lint;
pub use overlay::{OVERLAY_FILE, Overlay, OverlayPackage, ParsedOverlay};
pub use package_yml::{PackageYml, parse_overlay, parse_package_yml, with_digests};
pub use recipe::{
    BuildArtifact, FileRule, ForeignKeys, Output, OwnerNames, Patch, Recipe, RecipeDependency,
    Style, TestFailure, TestPolicy, TripleTemplate, Triples, Validation,
};
pub use source::{
    AlternativeLocation, GitReference, Inner, Source, SourceAlternative, SourceKind, is_archive,
    is_kiss_archive,
};

/// Largest recipe file we read, in bytes; tested before allocating.
///
/// A thousand times the largest of 813 real recipes; a larger one is a mistake or an attack.
pub const RECIPE_MAX_BYTES: u64 = 4 * 1024 * 1024;
