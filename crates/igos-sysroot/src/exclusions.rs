//! Paths of packages that a root is to be without.

use std::collections::BTreeSet;

use igos_format::{FileEntry, PathPattern, RelPath, escape};

use crate::layout;
use crate::state_text::StateText;

/// Patterns of paths that are left out when packages are installed. A directory that is left out is made all the
/// same where something below it is not.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
#[serde(transparent)]
pub struct Exclusions {
    patterns: BTreeSet<PathPattern>,
}

impl Exclusions {
    /// Returns these patterns as exclusions.
    #[must_use]
    pub fn new(patterns: BTreeSet<PathPattern>) -> Self {
        Exclusions { patterns }
    }

    /// Returns the patterns.
    #[must_use]
    pub fn patterns(&self) -> &BTreeSet<PathPattern> {
        &self.patterns
    }

    /// Tells whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// Tells whether an entry of a manifest is left out.
    #[must_use]
    pub fn leaves_out(&self, entry: &FileEntry) -> bool {
        self.patterns
            .iter()
            .any(|pattern| pattern.is_match(&entry.path))
    }

    /// Returns the patterns as texts write them.
    pub(crate) fn texts(&self) -> impl Iterator<Item = String> {
        self.patterns
            .iter()
            .map(|pattern| escape::escape(pattern.as_str().as_bytes()))
    }

    /// Parses one of [`Exclusions::texts`].
    pub(crate) fn parse_pattern(text: &str) -> Option<PathPattern> {
        String::from_utf8(escape::unescape(text).ok()?)
            .ok()?
            .parse()
            .ok()
    }
}

impl StateText for Exclusions {
    const KEYWORD: &'static str = "igos-excluded";

    fn place() -> RelPath {
        layout::excluded()
    }

    fn add(&mut self, line: &str) -> Option<()> {
        self.patterns
            .insert(Self::parse_pattern(line.strip_prefix("excluded ")?)?);
        Some(())
    }

    fn lines(&self) -> BTreeSet<String> {
        self.texts()
            .map(|pattern| format!("excluded {pattern}"))
            .collect()
    }
}
