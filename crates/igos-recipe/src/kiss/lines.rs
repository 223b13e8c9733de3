//! Lines of words, read as the shell's `read -r` reads them.

use std::ops::Range;

use igos_report::Diagnostic;

/// Most diagnostics reported for one file; a file with more is not a recipe.
const DIAGNOSTICS_MAX: usize = 100;

/// A file of a recipe that is being read, and what was found wrong in it.
#[derive(Debug)]
pub(super) struct File<'a> {
    pub(super) path: String,
    pub(super) text: &'a str,
    pub(super) diagnostics: Vec<Diagnostic>,
}

impl<'a> File<'a> {
    /// Returns the file, or why its bytes are not text.
    pub(super) fn open(path: String, bytes: &'a [u8]) -> Result<Self, Diagnostic> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(File {
                path,
                text,
                diagnostics: Vec::new(),
            }),
            Err(error) => {
                let valid = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
                let end = valid.len();
                let message = format!("`{path}` is not UTF-8");
                Err(Diagnostic::error("recipe-not-utf8", message).at_source(path, &valid, end..end))
            }
        }
    }

    pub(super) fn push(&mut self, diagnostic: Diagnostic, span: &Range<usize>) {
        if self.diagnostics.len() < DIAGNOSTICS_MAX {
            let place = diagnostic.at_source(self.path.clone(), self.text, span.clone());
            self.diagnostics.push(place);
        }
    }

    pub(super) fn error(&mut self, code: &str, message: impl Into<String>, span: &Range<usize>) {
        self.push(Diagnostic::error(code, message), span);
    }
}

/// A line cut into its first word and the rest, blanks around both left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line<'a> {
    pub(super) first: &'a str,
    pub(super) rest: &'a str,
    /// Bytes of the first word; for a blank line, of nothing.
    pub(super) first_span: Range<usize>,
    /// Bytes from the first word to the end of the rest.
    pub(super) span: Range<usize>,
}

/// Returns the lines of `text`; a last line without an end counts, nothing after the last end does not.
pub(super) fn lines(text: &str) -> Vec<Line<'_>> {
    let mut start = 0;
    text.split_inclusive('\n')
        .map(|line| {
            let offset = start;
            start += line.len();
            cut(line, offset)
        })
        .collect()
}

fn cut(line: &str, offset: usize) -> Line<'_> {
    const BLANKS: [char; 3] = [' ', '\t', '\n'];
    let shown = line.trim_matches(BLANKS);
    let lead = line.find(|c| !BLANKS.contains(&c)).unwrap_or(0);
    let end = shown.find(BLANKS).unwrap_or(shown.len());
    let start = offset + lead;
    Line {
        first: &shown[..end],
        rest: shown[end..].trim_matches(BLANKS),
        first_span: start..start + end,
        span: start..start + shown.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn lines_are_cut_at_the_first_blanks() {
        let text = "a b c \n\t x\ty\n\n#c\nlast";
        let cut: Vec<(&str, &str, &str)> = lines(text)
            .into_iter()
            .map(|line| (line.first, line.rest, &text[line.span]))
            .collect();
        assert_eq!(
            cut,
            [
                ("a", "b c", "a b c"),
                ("x", "y", "x\ty"),
                ("", "", ""),
                ("#c", "", "#c"),
                ("last", "", "last")
            ]
        );
        assert!(lines("").is_empty());
    }
}
