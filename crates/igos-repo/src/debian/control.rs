//! Debian's paragraphs of fields (deb822(5)).

/// The fields of one paragraph: name, and value with its continuation lines.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Paragraph<'a> {
    fields: Vec<(&'a str, Vec<&'a str>)>,
}

impl<'a> Paragraph<'a> {
    /// Returns the first line of a field.
    pub(super) fn field(&self, name: &str) -> Option<&'a str> {
        self.lines(name)?.first().copied()
    }

    /// Returns all lines of a field, the one beside its name first.
    pub(super) fn lines(&self, name: &str) -> Option<&[&'a str]> {
        let found = self
            .fields
            .iter()
            .find(|(field, _)| field.eq_ignore_ascii_case(name));
        found.map(|(_, lines)| lines.as_slice())
    }
}

/// Returns the paragraphs of a text, keeping only the fields named in `wanted`; lines that are neither a field
/// nor the continuation of one are passed over.
pub(super) fn paragraphs<'a>(
    text: &'a str,
    wanted: &'a [&str],
) -> impl Iterator<Item = Paragraph<'a>> {
    let mut lines = text.lines();
    std::iter::from_fn(move || {
        let mut paragraph = Paragraph::default();
        let mut is_wanted = false;
        let mut is_empty = true;
        for line in lines.by_ref() {
            if line.trim_end().is_empty() {
                if is_empty {
                    continue;
                }
                return Some(paragraph);
            }
            is_empty = false;
            if line.starts_with([' ', '\t']) {
                if is_wanted && let Some((_, values)) = paragraph.fields.last_mut() {
                    values.push(line.trim());
                }
            } else if let Some((name, value)) = line.split_once(':') {
                is_wanted = wanted
                    .iter()
                    .any(|wanted| wanted.eq_ignore_ascii_case(name));
                if is_wanted {
                    paragraph.fields.push((name, vec![value.trim()]));
                }
            }
        }
        (!is_empty).then_some(paragraph)
    })
}

#[cfg(test)]
mod tests {
    use super::paragraphs;

    #[test]
    fn fields_keep_their_continuation_lines_and_others_are_dropped() {
        let text = "\nPackage: a\nFiles:\n x y\n z\nOther: 1\n more\n\n\nPackage: b\nnonsense\n";
        let found: Vec<_> = paragraphs(text, &["package", "files"]).collect();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].field("Package"), Some("a"));
        assert_eq!(found[0].lines("Files"), Some(&["", "x y", "z"][..]));
        assert_eq!(found[0].field("Other"), None);
        assert_eq!(found[1].field("Package"), Some("b"));
    }
}
