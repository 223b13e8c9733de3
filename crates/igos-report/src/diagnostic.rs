//! One shape for everything that is wrong: what, where, why, and how to go on.

use std::error::Error;
use std::ops::Range;

use serde::Serialize;

/// How bad a [`Diagnostic`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Worth knowing; nothing is wrong.
    Note,
    /// Probably not what was meant; the operation goes on.
    Warning,
    /// The operation cannot go on or its answer is no.
    Error,
}

/// A region of a text file, with the text itself, so that a renderer can show it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Span {
    /// One-based line of the first byte.
    pub line: usize,
    /// One-based column of the first byte, in characters.
    pub column: usize,
    /// Offset of the first byte in the file.
    pub start: usize,
    /// Offset after the last byte.
    pub end: usize,
}

impl Span {
    /// Returns the span of `bytes` inside `text`; positions past the end are clamped to it.
    #[must_use]
    pub fn locate(text: &str, bytes: Range<usize>) -> Span {
        let mut start = bytes.start.min(text.len());
        while !text.is_char_boundary(start) {
            start -= 1;
        }
        let before = &text[..start];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Span {
            line: before.matches('\n').count() + 1,
            column: text[line_start..start].chars().count() + 1,
            start,
            end: bytes.end.clamp(start, text.len()),
        }
    }
}

/// Where a [`Diagnostic`] points.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Place {
    /// A region of a text file that was read, for example a recipe.
    Source {
        /// The file as the user would name it.
        file: String,
        /// The text of the file.
        #[serde(skip)]
        text: String,
        /// The region.
        span: Span,
    },
    /// A path, a package, a key: anything that one line of text names.
    Named {
        /// The text.
        name: String,
    },
}

/// Something that is wrong, in the shape in which every program of ours prints it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Stable kebab-case identifier, never reused.
    pub code: String,
    /// What failed: lowercase, no full stop.
    pub message: String,
    /// Where.
    pub place: Option<Place>,
    /// Why: the chain of causes, outermost first.
    pub because: Vec<String>,
    /// How to go on: one action each, with commands in backticks.
    pub hints: Vec<String>,
}

impl Diagnostic {
    /// Returns an error with this code and message, without place, causes or hints.
    #[must_use]
    pub fn error(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, message)
    }

    /// Returns a warning with this code and message, without place, causes or hints.
    #[must_use]
    pub fn warning(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, message)
    }

    /// Returns a note with this code and message, without place, causes or hints.
    #[must_use]
    pub fn note(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(Severity::Note, code, message)
    }

    fn new(severity: Severity, code: impl Into<String>, message: impl Into<String>) -> Self {
        Diagnostic {
            severity,
            code: code.into(),
            message: message.into(),
            place: None,
            because: Vec::new(),
            hints: Vec::new(),
        }
    }

    /// Points the diagnostic at a region of a text file.
    #[must_use]
    pub fn at_source(mut self, file: impl Into<String>, text: &str, bytes: Range<usize>) -> Self {
        self.place = Some(Place::Source {
            file: file.into(),
            text: text.to_owned(),
            span: Span::locate(text, bytes),
        });
        self
    }

    /// Points the diagnostic at something that a line of text names.
    #[must_use]
    pub fn at(mut self, name: impl Into<String>) -> Self {
        self.place = Some(Place::Named { name: name.into() });
        self
    }

    /// Adds a cause.
    #[must_use]
    pub fn because(mut self, cause: impl Into<String>) -> Self {
        self.because.push(cause.into());
        self
    }

    /// Adds an action that the reader can take.
    #[must_use]
    pub fn hint(mut self, action: impl Into<String>) -> Self {
        self.hints.push(action.into());
        self
    }
}

/// An error that can say what it is, where it is, how to go on and how the program shall end.
pub trait Explain: Error {
    /// Returns the stable kebab-case code of this error.
    fn code(&self) -> &'static str;

    /// Returns what the reader can do, one action each, commands in backticks.
    fn hints(&self) -> Vec<String> {
        Vec::new()
    }

    /// Returns where it happened, if the message alone does not say.
    fn place(&self) -> Option<Place> {
        None
    }

    /// Returns the exit code this error ends a program with: 1 when the answer is no, 4 when the program
    /// could not finish, and the others as the manual pages say.
    fn exit_code(&self) -> u8 {
        4
    }

    /// Returns everything to show: by default this one error, for collected errors all of them.
    fn diagnostics(&self) -> Vec<Diagnostic>
    where
        Self: Sized,
    {
        vec![diagnose(self)]
    }
}

/// Returns the diagnostic of one error: its message, its chain of sources, its place and its hints.
pub fn diagnose(error: &dyn Explain) -> Diagnostic {
    let mut diagnostic = Diagnostic::error(error.code(), error.to_string());
    let mut cause = error.source();
    while let Some(source) = cause {
        diagnostic.because.push(source.to_string());
        cause = source.source();
    }
    diagnostic.place = error.place();
    diagnostic.hints = error.hints();
    diagnostic
}

#[cfg(test)]
mod tests {
    use super::Span;

    #[test]
    fn span_counts_lines_and_characters_from_one() {
        let text = "name: é\nversion: 1\n";
        let start = text.find("version").expect("the text has this word");
        let span = Span::locate(text, start..start + 7);
        assert_eq!((span.line, span.column), (2, 1));
        assert_eq!(
            Span::locate(text, 8..9),
            Span {
                line: 1,
                column: 8,
                start: 8,
                end: 9
            }
        );
    }

    #[test]
    fn span_past_the_end_or_inside_a_character_is_clamped() {
        assert_eq!(
            Span::locate("é", 1..9),
            Span {
                line: 1,
                column: 1,
                start: 0,
                end: 2
            }
        );
        assert_eq!(
            Span::locate("ab", 7..9),
            Span {
                line: 1,
                column: 3,
                start: 2,
                end: 2
            }
        );
    }
}
