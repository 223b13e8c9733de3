//! A diagnostic as text.

use std::fmt::Write as _;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use igos_report::{Diagnostic, Place, Severity};

use crate::{escape_line, escape_text};

/// Longest line of a source file that is shown whole, in bytes; nobody reads more, and a snippet of it would fill
/// the screen.
const SOURCE_LINE_MAX_BYTES: usize = 400;

/// Whether text is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Style {
    is_coloured: bool,
}

impl Style {
    /// Nothing but text.
    pub(crate) const PLAIN: Style = Style { is_coloured: false };
    /// With ANSI colours, which never carry meaning alone.
    pub(crate) const COLOURED: Style = Style { is_coloured: true };

    /// Returns the diagnostic in the shape in which all our programs print it; it ends with a line feed.
    pub(crate) fn diagnostic(self, diagnostic: &Diagnostic) -> String {
        let (word, colour) = match diagnostic.severity {
            Severity::Note => ("note", "\x1b[1;36m"),
            Severity::Warning => ("warning", "\x1b[1;33m"),
            Severity::Error => ("error", "\x1b[1;31m"),
        };
        let mut text = format!(
            "{}[{}]: {}\n",
            self.paint(word, colour),
            escape_line(&diagnostic.code),
            self.paint(&escape_line(&diagnostic.message), "\x1b[1m")
        );
        match &diagnostic.place {
            None => {}
            Some(Place::Named { name }) => self.field(&mut text, "where", name),
            Some(Place::Source {
                file,
                text: source,
                span,
            }) => match self.snippet(diagnostic.severity, file, source, span.start..span.end) {
                Some(snippet) => text.push_str(&snippet),
                None => self.field(
                    &mut text,
                    "where",
                    &format!("{file}:{}:{}", span.line, span.column),
                ),
            },
        }
        for cause in &diagnostic.because {
            self.field(&mut text, "because", cause);
        }
        for hint in &diagnostic.hints {
            self.field(&mut text, "hint", hint);
        }
        text
    }

    fn field(self, text: &mut String, name: &str, value: &str) {
        // A cause may have several lines, as the messages of parsers do: indent them all.
        let value = escape_text(value.trim_end());
        let value = value.replace('\n', "\n    ");
        writeln!(text, "  {}: {value}", self.paint(name, "\x1b[36m"))
            .expect("writing to a string cannot fail");
    }

    /// Returns the marked line of a source file; `None` where it would show something else than the file holds.
    fn snippet(
        self,
        severity: Severity,
        file: &str,
        source: &str,
        span: std::ops::Range<usize>,
    ) -> Option<String> {
        let line_start = source
            .get(..span.start)?
            .rfind('\n')
            .map_or(0, |newline| newline + 1);
        let line_end = source
            .get(span.end..)?
            .find('\n')
            .map_or(source.len(), |newline| span.end + newline);
        let shown = source.get(line_start..line_end)?;
        if shown.len() > SOURCE_LINE_MAX_BYTES || escape_text(shown) != shown {
            return None;
        }
        let level = match severity {
            Severity::Note => Level::NOTE,
            Severity::Warning => Level::WARNING,
            Severity::Error => Level::ERROR,
        };
        let snippet = Snippet::source(source)
            .path(escape_line(file).into_owned())
            .annotation(AnnotationKind::Primary.span(span));
        let renderer = if self.is_coloured {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        Some(format!(
            "{}\n",
            renderer.render(&[Group::with_level(level).element(snippet)])
        ))
    }

    fn paint(self, text: &str, colour: &str) -> String {
        if self.is_coloured {
            format!("{colour}{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}
