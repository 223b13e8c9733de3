//! JSON as metadata may use it: no fractions, no repeated keys, not deep; and its canonical form.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Serialize, Serializer};

/// Deepest nesting of lists and objects. TUF's own metadata has seven levels.
const DEPTH_MAX: usize = 32;

/// A JSON value. Numbers are whole; an object has each key once, in the order of the keys' bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A string.
    Text(String),
    /// A list.
    List(Vec<Json>),
    /// An object.
    Object(BTreeMap<String, Json>),
}

/// Bytes are not JSON as metadata may use it.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct JsonError(#[from] serde_json::Error);

impl Json {
    /// Reads one value; nothing but white space may follow it.
    ///
    /// # Errors
    ///
    /// Returns where the bytes are not JSON in UTF-8, or have a fraction, an exponent, a number that does not fit 64
    /// bits, a key twice in one object, or more than 32 levels.
    pub fn read(bytes: &[u8]) -> Result<Json, JsonError> {
        let mut deserializer = serde_json::Deserializer::from_slice(bytes);
        let value = Level(0).deserialize(&mut deserializer)?;
        deserializer.end()?;
        Ok(value)
    }

    /// Returns the bytes that signatures and key ids cover: OLPC canonical JSON, as TUF 1.0 asks for it.
    ///
    /// Keys in the order of their code points, no white space, and in strings only `"` and `\` escaped; so the form
    /// of a string with control characters is not itself JSON.
    #[must_use]
    pub fn to_canonical(&self) -> Vec<u8> {
        let mut out = String::new();
        self.write_canonical(&mut out);
        out.into_bytes()
    }

    /// Returns the value as compact JSON, the form in which we write it to files.
    #[must_use]
    pub fn to_text(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("keys are strings and memory does not fail to be written")
    }

    /// Returns the object with these fields.
    #[must_use]
    pub fn object<const N: usize>(fields: [(&str, Json); N]) -> Json {
        Json::Object(
            fields
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect(),
        )
    }

    /// Returns the string that `value` prints as.
    #[must_use]
    pub fn text(value: impl fmt::Display) -> Json {
        Json::Text(value.to_string())
    }

    /// Returns the number; numbers that do not fit become the largest that does, which no reader of ours takes.
    pub(super) fn number(value: u64) -> Json {
        Json::Integer(i64::try_from(value).unwrap_or(i64::MAX))
    }

    fn write_canonical(&self, out: &mut String) {
        match self {
            Json::Null => out.push_str("null"),
            Json::Boolean(true) => out.push_str("true"),
            Json::Boolean(false) => out.push_str("false"),
            Json::Integer(number) => out.push_str(&number.to_string()),
            Json::Text(text) => write_canonical_text(text, out),
            Json::List(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    item.write_canonical(out);
                }
                out.push(']');
            }
            // The order of UTF-8 bytes, which the map has, is that of code points.
            Json::Object(fields) => {
                out.push('{');
                for (at, (key, value)) in fields.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    write_canonical_text(key, out);
                    out.push(':');
                    value.write_canonical(out);
                }
                out.push('}');
            }
        }
    }
}

fn write_canonical_text(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            out.push('\\');
        }
        out.push(character);
    }
    out.push('"');
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Json::Null => serializer.serialize_unit(),
            Json::Boolean(value) => serializer.serialize_bool(*value),
            Json::Integer(number) => serializer.serialize_i64(*number),
            Json::Text(text) => serializer.serialize_str(text),
            Json::List(items) => serializer.collect_seq(items),
            Json::Object(fields) => serializer.collect_map(fields),
        }
    }
}

/// Reads a value that has this many lists and objects around it.
#[derive(Clone, Copy)]
struct Level(usize);

impl Level {
    fn deeper<E: serde::de::Error>(self) -> Result<Level, E> {
        if self.0 >= DEPTH_MAX {
            return Err(E::custom(format!("more than {DEPTH_MAX} levels")));
        }
        Ok(Level(self.0 + 1))
    }
}

impl<'de> DeserializeSeed<'de> for Level {
    type Value = Json;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value without fractions")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Boolean(value))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
        Ok(Json::Integer(number))
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Json, E> {
        i64::try_from(number)
            .map(Json::Integer)
            .map_err(|_| E::custom(format!("number {number} does not fit 64 bits")))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Json, E> {
        Ok(Json::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let level = self.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(level)? {
            items.push(item);
        }
        Ok(Json::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let level = self.deeper()?;
        let mut fields = BTreeMap::new();
        while let Some(key) = access.next_key::<String>()? {
            if fields.contains_key(&key) {
                return Err(A::Error::custom(format!("key {key:?} twice")));
            }
            fields.insert(key, access.next_value_seed(level)?);
        }
        Ok(Json::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Just, Strategy, any, prop, prop_oneof, proptest};

    use super::Json;

    fn canonical(text: &str) -> String {
        let json = Json::read(text.as_bytes()).expect("the text is JSON");
        String::from_utf8(json.to_canonical()).expect("strings are UTF-8")
    }

    #[test]
    fn canonical_form_sorts_keys_drops_space_and_escapes_two_characters() {
        assert_eq!(
            canonical(
                " { \"b\\n\" : [ 1 , -2, null ], \"a\" : \"\\u00e9\\\"\\\\/\", \"\": true } \n"
            ),
            "{\"\":true,\"a\":\"é\\\"\\\\/\",\"b\n\":[1,-2,null]}"
        );
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(Json::read(deep(32).as_bytes()).is_ok());
        let (deeper, deepest) = (deep(33), "[".repeat(1 << 20));
        for text in [
            "{\"a\":1,\"a\":1}",
            "{\"a\":1,\"\\u0061\":2}",
            "1.0",
            "1e3",
            "-0",
            "01",
            "+1",
            "9223372036854775808",
            "-9223372036854775809",
            "1e400",
            "NaN",
            "[1,]",
            "[1] 2",
            "{}\0",
            "\"\\ud800\"",
            "\"a\nb\"",
            "'a'",
            "// a\n1",
            "",
            "\u{feff}1",
            &deeper,
            &deepest,
        ] {
            assert!(Json::read(text.as_bytes()).is_err(), "{text:.40}");
        }
        assert!(Json::read(b"\"\xff\"").is_err());
    }

    fn values() -> impl Strategy<Value = Json> {
        let leaf = prop_oneof![
            Just(Json::Null),
            any::<bool>().prop_map(Json::Boolean),
            any::<i64>().prop_map(Json::Integer),
            any::<String>().prop_map(Json::Text),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Json::List),
                prop::collection::btree_map(any::<String>(), inner, 0..4).prop_map(Json::Object),
            ]
        })
    }

    proptest! {
        #[test]
        fn written_values_are_read_as_the_same(value in values()) {
            let read = Json::read(&value.to_text()).expect("it was written by us");
            assert_eq!(read, value);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(value) = Json::read(&bytes) {
                assert_eq!(Json::read(&value.to_text()).ok(), Some(value));
            }
        }
    }
}
