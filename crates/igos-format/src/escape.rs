//! One reversible way to write any bytes in a line of text.
//!
//! Bytes that could end a field or a line, act on a terminal or be mistaken for an escape are written as `\xHH`
//! with two lowercase hexadecimal digits: everything up to and including space, `\`, 0x7f, and bytes that are
//! not part of valid UTF-8. Everything else stands for itself. There is one text for given bytes, and
//! [`unescape`] accepts no other.

use std::fmt::Write as _;

/// A text is not what [`escape`] writes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not in canonical escaped form at byte {position}")]
pub struct EscapeError {
    text: String,
    position: usize,
}

/// Returns `bytes` as text without spaces and control characters.
#[must_use]
pub fn escape(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            // C1 controls (U+0080 to U+009F) act on terminals too.
            if character == '\\' || character == ' ' || character.is_control() {
                let mut buffer = [0; 4];
                push_bytes(&mut text, character.encode_utf8(&mut buffer).as_bytes());
            } else {
                text.push(character);
            }
        }
        push_bytes(&mut text, chunk.invalid());
    }
    text
}

fn push_bytes(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        write!(text, "\\x{byte:02x}").expect("writing to a string cannot fail");
    }
}

/// Returns the bytes that `text` stands for.
///
/// # Errors
///
/// Refuses a text that [`escape`] would not write, so that equal bytes have equal texts.
pub fn unescape(text: &str) -> Result<Vec<u8>, EscapeError> {
    let error = |position| EscapeError {
        text: text.to_owned(),
        position,
    };
    let source = text.as_bytes();
    let mut bytes = Vec::with_capacity(source.len());
    let mut at = 0;
    while at < source.len() {
        if source[at] == b'\\' {
            let digits = source
                .get(at + 2..at + 4)
                .filter(|_| source[at + 1] == b'x')
                .ok_or_else(|| error(at))?;
            let digits = std::str::from_utf8(digits).map_err(|_| error(at))?;
            bytes.push(u8::from_str_radix(digits, 16).map_err(|_| error(at))?);
            at += 4;
        } else {
            bytes.push(source[at]);
            at += 1;
        }
    }
    if escape(&bytes) == text {
        Ok(bytes)
    } else {
        Err(error(0))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{escape, unescape};

    #[test]
    fn terminal_controls_are_escaped() {
        assert_eq!(
            escape(b"a \x1b[2J\n\xff\\"),
            "a\\x20\\x1b[2J\\x0a\\xff\\x5c"
        );
        assert_eq!(escape("\u{9b}é".as_bytes()), "\\xc2\\x9bé");
    }

    #[test]
    fn second_spelling_of_the_same_bytes_is_refused() {
        for text in [
            "\\x61",
            "\\x0A",
            "\\",
            "\\x",
            "\\x1",
            "a b",
            "\\xc3\\xa9",
            "\\é12",
        ] {
            assert!(unescape(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_byte_string_survives(bytes: Vec<u8>) {
            prop_assert_eq!(unescape(&escape(&bytes)), Ok(bytes));
        }

        #[test]
        fn accepted_text_is_canonical(text in "(\\\\x[0-9a-f]{2}|[a-z\\\\é ]){0,8}") {
            if let Ok(bytes) = unescape(&text) {
                prop_assert_eq!(escape(&bytes), text);
            }
        }
    }
}
