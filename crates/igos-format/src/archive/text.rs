//! Short texts of one archive: a first line `KIND VERSION MINIMUM-READER`, then lines of fields.
//!
//! Readers parse, write again and compare, so that there is one text for given values.

use super::{FORMAT, Part, ReadArchiveError};

pub(super) struct Lines<'a> {
    part: Part,
    rest: std::str::Split<'a, char>,
    line: usize,
}

impl<'a> Lines<'a> {
    /// Reads the first line; a newer format is told from a damaged text.
    pub(super) fn new(part: Part, kind: &str, bytes: &'a [u8]) -> Result<Self, ReadArchiveError> {
        let refuse = || ReadArchiveError::NotCanonical { part, line: 1 };
        // A later format may use bytes that this one does not, so only the first line has to be text yet.
        let first = bytes
            .split(|byte| *byte == b'\n')
            .next()
            .unwrap_or_default();
        let first = std::str::from_utf8(first).map_err(|_| refuse())?;
        let mut fields = first.split(' ').skip(1);
        let mut number = || fields.next()?.parse::<u32>().ok();
        let (Some(version), Some(needed)) = (number(), number()) else {
            return Err(refuse());
        };
        if first != format!("{kind} {version} {needed}") {
            return Err(refuse());
        }
        if version > FORMAT || needed > FORMAT {
            return Err(ReadArchiveError::NewerFormat {
                part,
                needed: needed.max(FORMAT + 1),
                known: FORMAT,
            });
        }
        let text = std::str::from_utf8(bytes)
            .ok()
            .and_then(|text| text.strip_suffix('\n'))
            .ok_or_else(refuse)?;
        let mut rest = text.split('\n');
        rest.next();
        Ok(Lines {
            part,
            rest,
            line: 1,
        })
    }

    /// Returns the fields of the next line.
    pub(super) fn next(&mut self) -> Option<Vec<&'a str>> {
        self.line += 1;
        // No line of ours has more than eight fields; more are kept as one, which fits no pattern.
        Some(self.rest.next()?.splitn(8, ' ').collect())
    }

    /// Returns the error for the line last returned.
    pub(super) fn refuse(&self) -> ReadArchiveError {
        ReadArchiveError::NotCanonical {
            part: self.part,
            line: self.line,
        }
    }
}

/// Compares a text with the one its values are written as.
pub(super) fn compare(part: Part, expected: &str, found: &[u8]) -> Result<(), ReadArchiveError> {
    if expected.as_bytes() == found {
        return Ok(());
    }
    let lines = |bytes| <[u8]>::split(bytes, |byte: &u8| *byte == b'\n');
    let same = lines(expected.as_bytes())
        .zip(lines(found))
        .take_while(|(expected, found)| expected == found)
        .count();
    Err(ReadArchiveError::NotCanonical {
        part,
        line: same + 1,
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Part, ReadArchiveError as E};
    use super::{Lines, compare};

    fn first(text: &[u8]) -> Result<Lines<'_>, E> {
        Lines::new(Part::Seal, "kind", text)
    }

    #[test]
    fn first_line_is_read_in_its_one_spelling() {
        let mut lines = first(b"kind 1 1\na b\n").expect("this is the spelling");
        assert_eq!(lines.next(), Some(vec!["a", "b"]));
        assert_eq!(lines.next(), None);
        for text in [
            "",
            "kind 1 1",
            "kind 1\n",
            "kind 1 \n",
            "king 1 1\n",
            "kind 01 1\n",
            "kind 1 +1\n",
            "kind 1 1 \n",
            "kind 1 1 1\n",
            "kind 1 1\nno line feed",
            "kind 4294967296 1\n",
        ] {
            let refused = first(text.as_bytes()).map(drop);
            assert!(
                matches!(refused, Err(E::NotCanonical { line: 1, .. })),
                "{text:?}: {refused:?}"
            );
        }
    }

    #[test]
    fn text_of_a_newer_format_is_told_from_a_damaged_one_whatever_follows() {
        for (line, wanted) in [("2 1", 2), ("1 2", 2), ("2 2", 2), ("3 9", 9), ("7 1", 2)] {
            let text = [b"kind ", line.as_bytes(), b"\n\xff"].concat();
            let refused = first(&text).map(drop);
            assert!(
                matches!(refused, Err(E::NewerFormat { needed, known: 1, .. }) if needed == wanted),
                "{line}: {refused:?}"
            );
        }
        let ours = first(b"kind 1 1\n\xff\n").map(drop);
        assert!(
            matches!(ours, Err(E::NotCanonical { line: 1, .. })),
            "{ours:?}"
        );
    }

    #[test]
    fn wrong_line_is_named_by_its_number() {
        let mut lines = first(b"kind 1 1\na\nb\n").expect("it is canonical");
        for line in [2, 3] {
            lines.next();
            assert!(matches!(lines.refuse(), E::NotCanonical { line: found, .. } if found == line));
        }
        for (found, line) in [
            ("a\nb\n", None),
            ("x\nb\n", Some(1)),
            ("a\nx\n", Some(2)),
            ("a\nb\nx", Some(3)),
        ] {
            let compared = compare(Part::Seal, "a\nb\n", found.as_bytes());
            let named = match compared {
                Err(E::NotCanonical { line, .. }) => Some(line),
                _ => None,
            };
            assert_eq!(named, line, "{found:?}");
        }
    }
}
