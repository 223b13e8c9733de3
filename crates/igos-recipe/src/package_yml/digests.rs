//! Writes digests into the text of a `package.yml`, and changes nothing else in it.

use std::ops::Range;

use super::node::{self, Entry, Node, Value};
use igos_format::Sha256;

/// Returns `text` with the digests of its sources, one for each item of `source` but `crates`, whose digests stand in
/// another file; `None` leaves an item as it is.
///
/// Returns `None` where the text cannot be read or an item without a `sha256` is not written line by line.
#[must_use]
pub fn with_digests(text: &str, digests: &[Option<Sha256>]) -> Option<String> {
    let node = node::read(text).ok()?;
    let Value::List(items) = &find(&node, "source")?.value.value else {
        return None;
    };
    let mut edits = Vec::new();
    let items = items.iter().filter(|item| find(item, "crates").is_none());
    for (item, digest) in items.zip(digests) {
        if let Some(digest) = digest {
            edits.push(edit(text, item, digest)?);
        }
    }
    let mut text = text.to_owned();
    // From the end, so that the places of earlier edits stay right.
    for (place, new) in edits.into_iter().rev() {
        text.replace_range(place, &new);
    }
    Some(text)
}

fn find<'n>(node: &'n Node, key: &str) -> Option<&'n Entry> {
    match &node.value {
        Value::Mapping(entries) => entries.iter().find(|entry| entry.key == key),
        _ => None,
    }
}

fn edit(text: &str, item: &Node, digest: &Sha256) -> Option<(Range<usize>, String)> {
    if let Some(entry) = find(item, "sha256")
        && matches!(entry.value.value, Value::Text(_))
    {
        return Some((entry.value.span.clone(), digest.to_string()));
    }
    let place = find(item, "url").or_else(|| find(item, "file"))?;
    let key = place.key_span.start;
    let line = text[..key].rfind('\n').map_or(0, |at| at + 1);
    let is_own_line = text[line..key].chars().all(|c| c == ' ' || c == '-');
    if !is_own_line || find(item, "sha256").is_some() {
        return None;
    }
    let end = text[place.value.span.end..]
        .find('\n')
        .map_or(text.len(), |at| place.value.span.end + at);
    let indent = " ".repeat(key - line);
    Some((end..end, format!("\n{indent}sha256: {digest}")))
}

#[cfg(test)]
mod tests {
    use super::with_digests;
    use igos_format::Sha256;

    #[test]
    fn digests_are_written_in_place_and_comments_stay() {
        let text = "# head\nsource:\n  - url: https://h/a # one\n    sha256: FIXME # two\n  - url: \"https://h/b\"\n  - {url: c, sha256: \"x\"}\nname: a\n";
        let (a, b, c) = (Sha256::of(b"a"), Sha256::of(b"b"), Sha256::of(b"c"));
        assert_eq!(
            with_digests(text, &[Some(a), Some(b), Some(c)]),
            Some(format!(
                "# head\nsource:\n  - url: https://h/a # one\n    sha256: {a} # two\n  - url: \"https://h/b\"\n    sha256: {b}\n  - {{url: c, sha256: {c}}}\nname: a\n"
            ))
        );
        assert_eq!(
            with_digests(text, &[None, None, None]).as_deref(),
            Some(text)
        );
    }

    #[test]
    fn lock_has_its_own_digests() {
        let text = "source:\n- crates: a\n- {url: b, sha256: x}\n";
        let digest = Sha256::of(b"b");
        assert_eq!(
            with_digests(text, &[Some(digest)]),
            Some(text.replace('x', &digest.to_string()))
        );
    }

    #[test]
    fn text_that_cannot_be_changed_safely_is_left_alone() {
        let digest = Some(Sha256::of(b""));
        for text in [
            "",
            "source: []x: [",
            "name: a",
            "source: {url: a}",
            "source:\n- {url: a}\n",
            "source:\n- url: a\n  sha256:\n",
        ] {
            assert_eq!(with_digests(text, &[digest]), None, "{text}");
        }
    }
}
