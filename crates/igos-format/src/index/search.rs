//! Finding packages by words of their names and descriptions.

use std::ops::ControlFlow;

use super::read::summary;
use super::{IndexReader, ReadAt, ReadIndexError, Summary, Table};

/// What is searched for: texts that all have to be in a package's name or its description. Letters of ASCII
/// match whatever their case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchTerms {
    /// Longest first: what is rarest is looked for in whole frames.
    terms: Vec<String>,
}

impl SearchTerms {
    /// Returns the search for these texts; empty ones match everything.
    #[must_use]
    pub fn new<'a>(terms: impl IntoIterator<Item = &'a str>) -> Self {
        let terms = terms.into_iter().filter(|term| !term.is_empty());
        let mut terms: Vec<String> = terms.map(str::to_ascii_lowercase).collect();
        terms.sort_by_key(|term| std::cmp::Reverse(term.len()));
        SearchTerms { terms }
    }

    /// Tells whether each term is in the name or in the description.
    #[must_use]
    pub fn is_match(&self, name: &str, description: &str) -> bool {
        let texts = [name.to_ascii_lowercase(), description.to_ascii_lowercase()];
        self.terms
            .iter()
            .all(|term| texts.iter().any(|text| text.contains(term.as_str())))
    }
}

impl<R: ReadAt> IndexReader<R> {
    /// Gives each package that matches to `visit`, by name.
    ///
    /// # Errors
    ///
    /// Those of reading frames.
    pub fn search(
        &self,
        terms: &SearchTerms,
        mut visit: impl FnMut(Summary<'_>) -> ControlFlow<()>,
    ) -> Result<(), ReadIndexError> {
        let Some(first) = terms.terms.first() else {
            return self.summaries(visit);
        };
        if first.contains('\n') {
            return Ok(());
        }
        self.frames.scan(Table::Summaries, |part, text| {
            // The same text in small letters: every byte keeps its place.
            let lower = text.to_ascii_lowercase();
            let mut at = 0;
            while let Some(found) = lower[at..].find(first.as_str()) {
                let start = lower[..at + found].rfind('\n').map_or(0, |end| end + 1);
                let end = lower[start..]
                    .find('\n')
                    .map_or(lower.len(), |end| start + end + 1);
                let summary = summary(part, &text[start..end])?;
                if terms.is_match(summary.name(), summary.description())
                    && visit(summary).is_break()
                {
                    return Ok(ControlFlow::Break(()));
                }
                at = end;
            }
            Ok(ControlFlow::Continue(()))
        })
    }
}
