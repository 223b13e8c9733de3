//! Settings: from layers of files, variables and flags to one typed value, with the origin of each part.
//!
//! Lowest to highest: built-in, the vendor's file below `/usr/lib/igos/`, `/etc/igos/<program>.toml`, the files of
//! `/etc/igos/<program>.d/` in the order of their names, the recipe tree's own `igos.toml`, the `IGOS_*` variables
//! that the program documents, flags. Tables are merged; everything else of a higher layer replaces the lower one.
//! All files are looked up below the root that the program works on. Unknown keys are errors: a misspelt setting
//! must not leave a default in force silently.

mod answer;
mod error;
mod files;
mod layer;
mod load;
#[cfg(test)]
mod tests;

pub use answer::SettingsAnswer;
pub use error::SettingsError;
pub use load::{Key, KeyKind, Layers, Loaded, Origin, Settings};
