//! What the administrator chose.

use std::collections::{BTreeMap, BTreeSet};

use igos_format::{PackageName, RelPath};

use crate::layout;
use crate::state_text::{StateText, parse_path};

/// Which package serves a place whatever the priorities say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Choices {
    pub(crate) packages: BTreeMap<RelPath, PackageName>,
}

impl StateText for Choices {
    const KEYWORD: &'static str = "igos-alternatives";

    fn place() -> RelPath {
        layout::choices()
    }

    fn add(&mut self, line: &str) -> Option<()> {
        let (package, place) = line.strip_prefix("choice ")?.split_once(' ')?;
        self.packages
            .insert(parse_path(place)?, package.parse().ok()?);
        Some(())
    }

    fn lines(&self) -> BTreeSet<String> {
        self.packages
            .iter()
            .map(|(place, package)| format!("choice {package} {place}"))
            .collect()
    }
}
