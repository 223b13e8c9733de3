//! Three versions of one text made one.

use diffy::{ConflictStyle, DiffOptions, MergeOptions};

/// Longest file that is merged or shown as a difference, in bytes.
pub(crate) const MERGE_MAX_BYTES: u64 = 1024 * 1024;

/// Most lines that are merged: comparing takes time in the product of lines and differences.
const MERGE_MAX_LINES: usize = 20_000;

/// What came of merging.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Merged {
    /// Both sides changed different things.
    Clean(Vec<u8>),
    /// Both sides changed the same lines, which stand between markers.
    Conflicts {
        /// The text with markers.
        text: Vec<u8>,
        /// How many places have markers.
        count: usize,
    },
}

/// Why a file is not merged or compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum NotText {
    /// It holds bytes that are not text in UTF-8, or zeros.
    #[error("it is not text")]
    Binary,
    /// It is longer than what is compared.
    #[error("it is longer than {MERGE_MAX_BYTES} bytes or {MERGE_MAX_LINES} lines")]
    TooLong,
}

/// Returns a file's text.
pub(crate) fn text(bytes: &[u8]) -> Result<&str, NotText> {
    if bytes.len() as u64 > MERGE_MAX_BYTES {
        return Err(NotText::TooLong);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| NotText::Binary)?;
    if text.contains('\0') {
        return Err(NotText::Binary);
    }
    if text.lines().count() > MERGE_MAX_LINES {
        return Err(NotText::TooLong);
    }
    Ok(text)
}

/// Merges what changed from `base` to `new` into `mine`.
pub(crate) fn merge(base: &[u8], mine: &[u8], new: &[u8]) -> Result<Merged, NotText> {
    let (base, mine, new) = (text(base)?, text(mine)?, text(new)?);
    if mine == base || mine == new {
        return Ok(Merged::Clean(new.as_bytes().to_vec()));
    }
    if new == base {
        return Ok(Merged::Clean(mine.as_bytes().to_vec()));
    }
    // Longer than any line of the three that looks like a marker, so that what is between them is told apart.
    let length = marker_length(&[base, mine, new]);
    let mut options = MergeOptions::new();
    options
        .set_conflict_style(ConflictStyle::Diff3)
        .set_conflict_marker_length(length);
    Ok(match options.merge(base, mine, new) {
        Ok(merged) => Merged::Clean(merged.into_bytes()),
        Err(conflicts) => {
            let marker = "<".repeat(length);
            let count = conflicts
                .lines()
                .filter(|line| line.starts_with(&marker))
                .count();
            Merged::Conflicts {
                text: conflicts.into_bytes(),
                count,
            }
        }
    })
}

fn marker_length(texts: &[&str]) -> usize {
    let run = |line: &str| {
        let first = line.chars().next().unwrap_or(' ');
        if matches!(first, '<' | '|' | '=' | '>') {
            line.chars().take_while(|found| *found == first).count()
        } else {
            0
        }
    };
    let longest = texts.iter().flat_map(|text| text.lines()).map(run).max();
    longest.map_or(7, |longest| longest.saturating_add(1).max(7))
}

/// Returns the unified difference from one text to another; empty where they are equal.
pub(crate) fn difference(from: (&str, &[u8]), to: (&str, &[u8])) -> Result<String, NotText> {
    let (old, new) = (text(from.1)?, text(to.1)?);
    if old == new {
        return Ok(String::new());
    }
    let mut options = DiffOptions::new();
    options
        .set_original_filename(from.0.to_owned())
        .set_modified_filename(to.0.to_owned());
    Ok(options.create_patch(old, new).to_string())
}

#[cfg(test)]
mod tests {
    use super::{Merged, NotText, difference, merge};

    #[test]
    fn changes_in_different_places_are_merged_and_in_one_place_marked() {
        let base = b"one\ntwo\nthree\nfour\nfive\n";
        let mine = b"ONE\ntwo\nthree\nfour\nfive\n";
        let new = b"one\ntwo\nthree\nfour\nFIVE\nsix\n";
        assert_eq!(
            merge(base, mine, new),
            Ok(Merged::Clean(
                b"ONE\ntwo\nthree\nfour\nFIVE\nsix\n".to_vec()
            ))
        );
        let other = b"uno\ntwo\nthree\nfour\nfive\n";
        let Ok(Merged::Conflicts { text, count }) = merge(base, mine, other) else {
            panic!("both changed the first line");
        };
        let text = String::from_utf8(text).expect("text");
        assert_eq!(count, 1);
        for part in [
            "<<<<<<<", "ONE\n", "|||||||", "one\n", "=======", "uno\n", ">>>>>>>",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn side_that_changed_nothing_gives_way() {
        for (base, mine, new, expected) in [
            ("a\n", "a\n", "b\n", "b\n"),
            ("a\n", "b\n", "a\n", "b\n"),
            ("a\n", "b\n", "b\n", "b\n"),
            ("", "b", "b", "b"),
            ("a", "a\n", "a", "a\n"),
        ] {
            assert_eq!(
                merge(base.as_bytes(), mine.as_bytes(), new.as_bytes()),
                Ok(Merged::Clean(expected.as_bytes().to_vec()))
            );
        }
    }

    #[test]
    fn markers_are_longer_than_lines_that_look_like_them() {
        let Ok(Merged::Conflicts { text, count }) =
            merge(b"a\n=======\n", b"b\n=======\n", b"c\n<<<<<<<<<\n")
        else {
            panic!("both changed the first line");
        };
        assert!(text.starts_with(b"<<<<<<<<<<"), "ten of them");
        assert_eq!(count, 1);
    }

    #[test]
    fn what_is_no_text_is_not_merged() {
        assert_eq!(merge(b"a", b"\0", b"b"), Err(NotText::Binary));
        assert_eq!(merge(b"a", b"\xff", b"b"), Err(NotText::Binary));
        assert_eq!(
            merge(b"a", &vec![b'x'; 1 << 21], b"b"),
            Err(NotText::TooLong)
        );
        assert_eq!(
            merge(b"a", "\n".repeat(30_000).as_bytes(), b"b"),
            Err(NotText::TooLong)
        );
        assert_eq!(difference(("a", b"\0"), ("b", b"b")), Err(NotText::Binary));
    }
}
