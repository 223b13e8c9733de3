//! YAML as a tree of texts with their places.
//!
//! A number is kept as it is written: the version `1.10` is not the number 1.1. What a text means is decided by
//! the key it stands at, so that every error of a recipe can be reported, not only the first.

use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

/// A value of a YAML document and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) value: Value,
    /// Bytes of the text. For a list or mapping, those of its first line at most.
    pub(super) span: Range<usize>,
}

/// A value of a YAML document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Nothing,
    Text(String),
    List(Vec<Node>),
    Mapping(Vec<Entry>),
}

/// One key of a mapping, with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_span: Range<usize>,
    pub(super) value: Node,
}

/// The text is not YAML, has a key twice, or passes a limit.
#[derive(Debug)]
pub(super) struct NotYaml {
    pub(super) message: String,
    pub(super) span: Range<usize>,
}

/// Deepest nesting: four times that of any real recipe.
const DEPTH_MAX: usize = 32;
/// Most values, a hundred times the number in the longest real recipe.
const NODES_MAX: usize = 100_000;

/// Returns the tree of `text`.
pub(super) fn read(text: &str) -> Result<Node, NotYaml> {
    let budget = serde_saphyr::budget! {
        max_depth: DEPTH_MAX,
        max_nodes: NODES_MAX,
        // Recipes explain themselves at length.
        max_buffered_comment_events: 100_000,
    };
    let options = serde_saphyr::options! {
        budget: budget,
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::Error,
        merge_keys: serde_saphyr::MergeKeyPolicy::Error,
        non_finite_float_policy: serde_saphyr::NonFiniteFloatPolicy::PassThrough,
        with_snippet: false,
    };
    let raw: RawNode =
        serde_saphyr::from_str_with_options(text, options).map_err(|error| NotYaml {
            span: error
                .location()
                .map_or(0..0, |location| bytes_of(text, &location)),
            message: describe(&error),
        })?;
    Ok(raw.finish(text))
}

fn describe(error: &serde_saphyr::Error) -> String {
    let text = error.without_snippet().to_string();
    // The place is reported beside the message.
    let text = match text.rfind(" at line ") {
        Some(at) => text[..at].to_owned(),
        None => text,
    };
    let text = text.trim_start_matches("error: ").replace('\n', " ");
    // How to switch the test off is no advice for the writer of a recipe.
    text.split(", set DuplicateKeyPolicy")
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// Returns the bytes of `text` that `location` stands for.
fn bytes_of(text: &str, location: &Location) -> Range<usize> {
    let span = location.span();
    let number = |value: Option<u64>| value.and_then(|value| usize::try_from(value).ok());
    let start = number(span.byte_offset()).unwrap_or_else(|| {
        // A reader that gives no bytes still gives line and column.
        let line = usize::try_from(location.line()).unwrap_or(1);
        text.split_inclusive('\n')
            .take(line.saturating_sub(1))
            .map(str::len)
            .sum()
    });
    let start = start.min(text.len());
    let length = number(span.byte_len()).unwrap_or(0);
    let rest = text.get(start..).unwrap_or_default();
    let line_end = rest.find('\n').unwrap_or(rest.len());
    start..start + length.min(line_end)
}

/// A node before its numbers are given the text they are written with.
struct RawNode {
    value: RawValue,
    used: Location,
    defined: Location,
}

enum RawValue {
    Nothing,
    /// A number or a truth value: its text stands in the document.
    AsWritten,
    Text(String),
    List(Vec<RawNode>),
    Mapping(Vec<(Spanned<String>, RawNode)>),
}

impl RawNode {
    fn finish(self, text: &str) -> Node {
        let value = match self.value {
            RawValue::Nothing => Value::Nothing,
            RawValue::AsWritten => {
                let bytes = bytes_of(text, &self.defined);
                Value::Text(text.get(bytes).unwrap_or_default().trim().to_owned())
            }
            RawValue::Text(text) => Value::Text(text),
            RawValue::List(items) => {
                Value::List(items.into_iter().map(|item| item.finish(text)).collect())
            }
            RawValue::Mapping(entries) => Value::Mapping(
                entries
                    .into_iter()
                    .map(|(key, value)| Entry {
                        key_span: bytes_of(text, &key.referenced),
                        key: key.value,
                        value: value.finish(text),
                    })
                    .collect(),
            ),
        };
        Node {
            value,
            span: bytes_of(text, &self.used),
        }
    }
}

impl<'de> Deserialize<'de> for RawNode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<RawValue>::deserialize(deserializer)?;
        Ok(RawNode {
            value: spanned.value,
            used: spanned.referenced,
            defined: spanned.defined,
        })
    }
}

impl<'de> Deserialize<'de> for RawValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = RawValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a list or a mapping")
    }

    fn visit_unit<E>(self) -> Result<RawValue, E> {
        Ok(RawValue::Nothing)
    }

    fn visit_none<E>(self) -> Result<RawValue, E> {
        Ok(RawValue::Nothing)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<RawValue, D::Error> {
        RawValue::deserialize(deserializer)
    }

    fn visit_bool<E>(self, _: bool) -> Result<RawValue, E> {
        Ok(RawValue::AsWritten)
    }

    fn visit_i64<E>(self, _: i64) -> Result<RawValue, E> {
        Ok(RawValue::AsWritten)
    }

    fn visit_i128<E>(self, _: i128) -> Result<RawValue, E> {
        Ok(RawValue::AsWritten)
    }

    fn visit_u64<E>(self, _: u64) -> Result<RawValue, E> {
        Ok(RawValue::AsWritten)
    }

    fn visit_u128<E>(self, _: u128) -> Result<RawValue, E> {
        Ok(RawValue::AsWritten)
    }

    fn visit_f64<E>(self, _: f64) -> Result<RawValue, E> {
        Ok(RawValue::AsWritten)
    }

    fn visit_str<E>(self, text: &str) -> Result<RawValue, E> {
        Ok(RawValue::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<RawValue, E> {
        Ok(RawValue::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<RawValue, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(RawValue::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut mapping: A) -> Result<RawValue, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = mapping.next_entry()? {
            entries.push(entry);
        }
        Ok(RawValue::Mapping(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::{Node, Value, read};

    fn value<'a>(node: &'a Node, key: &str) -> &'a Node {
        let Value::Mapping(entries) = &node.value else {
            panic!("not a mapping: {node:?}")
        };
        &entries
            .iter()
            .find(|entry| entry.key == key)
            .expect("the key is there")
            .value
    }

    #[test]
    fn numbers_keep_the_text_they_are_written_with() {
        let text = "a: 1.10\nb: 010\nc: 1_000 # note\nd: true\ne: ~\nf: \"1.10\"\ng: 0x1F\nh: 1e3\ni: .inf\nj: 99999999999999999999999999999999999999999\nk: no\nl: 2024-01-02\n";
        let node = read(text).expect("it is YAML");
        for (key, expected) in [
            ("a", "1.10"),
            ("b", "010"),
            ("c", "1_000"),
            ("d", "true"),
            ("f", "1.10"),
            ("g", "0x1F"),
            ("h", "1e3"),
            ("i", ".inf"),
            ("j", "99999999999999999999999999999999999999999"),
            ("k", "no"),
            ("l", "2024-01-02"),
        ] {
            assert_eq!(
                value(&node, key).value,
                Value::Text(expected.into()),
                "{key}"
            );
        }
        assert_eq!(value(&node, "e").value, Value::Nothing);
    }

    #[test]
    fn places_are_bytes_of_the_text() {
        let text = "é: [x, \"y z\"]\nkey: |\n  a\n  b\nlast: {in: 1}\n";
        let node = read(text).expect("it is YAML");
        let Value::List(items) = &value(&node, "é").value else {
            panic!("not a list")
        };
        assert_eq!(&text[items[0].span.clone()], "x");
        assert_eq!(&text[items[1].span.clone()], "\"y z\"");
        assert_eq!(value(&node, "key").value, Value::Text("a\nb\n".into()));
        assert_eq!(&text[value(value(&node, "last"), "in").span.clone()], "1");
        let Value::Mapping(entries) = &node.value else {
            panic!("not a mapping")
        };
        let keys: Vec<&str> = entries
            .iter()
            .map(|entry| &text[entry.key_span.clone()])
            .collect();
        assert_eq!(keys, ["é", "key", "last"]);
    }

    #[test]
    fn keys_given_twice_and_hostile_texts_are_refused_with_their_place() {
        let error = read("a: 1\nb: 2\na: 3\n").expect_err("a key is there twice");
        assert_eq!(
            (error.span.start, error.message.as_str()),
            (10, "duplicate mapping key: a")
        );
        for text in [
            "a: [".repeat(1000),
            "[".repeat(40),
            "a: &a [x,x]\nb: &b [*a,*a]\n<<: *b".to_owned(),
            "\u{0}".to_owned(),
            "a: \"".to_owned(),
            "a: 1\n--- \nb: 2\n".to_owned(),
        ] {
            assert!(read(&text).is_err(), "{text}");
        }
    }
}
