//! The fields of a line, as systemd cuts them: blanks separate, quotes keep together, a backslash escapes.

/// What a backslash means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Escapes {
    /// The next character stands for itself.
    Plain,
    /// The escapes of C.
    C,
}

/// Takes the next field off `rest`; `None` at the end of the line.
///
/// # Errors
///
/// Returns what is wrong with the quotes or escapes.
pub(super) fn next_word(
    rest: &mut &[u8],
    escapes: Escapes,
) -> Result<Option<Vec<u8>>, &'static str> {
    *rest = rest.trim_ascii_start();
    if rest.is_empty() {
        return Ok(None);
    }
    let mut word = Vec::new();
    let mut quote = None;
    while let Some((first, after)) = rest.split_first() {
        match (*first, quote) {
            (b'\\', _) => match escapes {
                Escapes::Plain => {
                    let (escaped, after) =
                        after.split_first().ok_or("a backslash ends the line")?;
                    word.push(*escaped);
                    *rest = after;
                    continue;
                }
                Escapes::C => {
                    *rest = unescape_one(after, &mut word)?;
                    continue;
                }
            },
            (byte, Some(open)) if byte == open => quote = None,
            (byte, Some(_)) => word.push(byte),
            (byte @ (b'"' | b'\''), None) => quote = Some(byte),
            (byte, None) if byte.is_ascii_whitespace() => break,
            (byte, None) => word.push(byte),
        }
        *rest = after;
    }
    if quote.is_some() {
        return Err("a quotation mark is not closed");
    }
    Ok(Some(word))
}

/// Resolves the escapes of C in a whole text.
///
/// # Errors
///
/// Returns what is wrong with them.
pub(super) fn unescape(mut rest: &[u8]) -> Result<Vec<u8>, &'static str> {
    let mut text = Vec::new();
    while let Some((first, after)) = rest.split_first() {
        if *first == b'\\' {
            rest = unescape_one(after, &mut text)?;
        } else {
            text.push(*first);
            rest = after;
        }
    }
    Ok(text)
}

/// Resolves the escape whose backslash was taken, and returns what follows it.
fn unescape_one<'a>(rest: &'a [u8], into: &mut Vec<u8>) -> Result<&'a [u8], &'static str> {
    const UNKNOWN: &str = "an escape is not one of C's";
    let (first, after) = rest.split_first().ok_or("a backslash ends the line")?;
    let digits = |count: usize, radix: u32| -> Result<(u32, &'a [u8]), &'static str> {
        let text = match radix {
            8 => rest.get(..count),
            _ => after.get(..count),
        };
        let text = text.and_then(|text| std::str::from_utf8(text).ok());
        let is_plain = |text: &&str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let value = text
            .filter(is_plain)
            .and_then(|text| u32::from_str_radix(text, radix).ok())
            .filter(|value| *value != 0)
            .ok_or(UNKNOWN)?;
        let used = if radix == 8 { rest } else { after };
        Ok((value, &used[count..]))
    };
    let character = |value| char::from_u32(value).ok_or(UNKNOWN);
    let mut buffer = [0; 4];
    Ok(match first {
        b'a' => push(into, 7, after),
        b'b' => push(into, 8, after),
        b'f' => push(into, 12, after),
        b'n' => push(into, b'\n', after),
        b'r' => push(into, b'\r', after),
        b't' => push(into, b'\t', after),
        b'v' => push(into, 11, after),
        b's' => push(into, b' ', after),
        b'\\' | b'"' | b'\'' => push(into, *first, after),
        b'x' => {
            let (value, after) = digits(2, 16)?;
            push(into, u8::try_from(value).map_err(|_| UNKNOWN)?, after)
        }
        b'0'..=b'7' => {
            let (value, after) = digits(3, 8)?;
            push(into, u8::try_from(value).map_err(|_| UNKNOWN)?, after)
        }
        b'u' | b'U' => {
            let (value, after) = digits(if *first == b'u' { 4 } else { 8 }, 16)?;
            into.extend_from_slice(character(value)?.encode_utf8(&mut buffer).as_bytes());
            after
        }
        _ => return Err(UNKNOWN),
    })
}

fn push<'a>(into: &mut Vec<u8>, byte: u8, after: &'a [u8]) -> &'a [u8] {
    into.push(byte);
    after
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Escapes, next_word, unescape};

    fn words(line: &str, escapes: Escapes) -> Result<Vec<String>, &'static str> {
        let mut rest = line.as_bytes();
        let mut words = Vec::new();
        while let Some(word) = next_word(&mut rest, escapes)? {
            words.push(String::from_utf8_lossy(&word).into_owned());
        }
        Ok(words)
    }

    #[test]
    fn quotes_keep_together_and_escapes_are_those_of_c() {
        for (line, expected) in [
            (
                "u  httpd\t404 \"HTTP User\"",
                &["u", "httpd", "404", "HTTP User"][..],
            ),
            ("a''b \"\" 'x \"y\"'", &["ab", "", "x \"y\""]),
            (r"/a\x20b /c\040d \u00e4", &["/a b", "/c d", "ä"]),
        ] {
            let expected = expected.iter().map(|word| (*word).to_owned()).collect();
            assert_eq!(words(line, Escapes::C), Ok(expected), "{line}");
        }
        assert_eq!(
            words(r"a\ b \n", Escapes::Plain).as_deref(),
            Ok(&["a b".to_owned(), "n".to_owned()][..])
        );
        for line in [
            "\"open", "a\\", r"\q", r"\x0", r"\x00", r"\x+1", r"\777", r"\ud800",
        ] {
            assert!(words(line, Escapes::C).is_err(), "{line}");
        }
        assert_eq!(unescape(br"one\ntwo").as_deref(), Ok(&b"one\ntwo"[..]));
    }

    proptest! {
        #[test]
        fn no_line_makes_the_reader_stop_or_give_more_than_there_is(
            line in proptest::collection::vec(any::<u8>(), 0..200)
        ) {
            for escapes in [Escapes::Plain, Escapes::C] {
                let (mut rest, mut total) = (line.as_slice(), 0);
                while let Ok(Some(word)) = next_word(&mut rest, escapes) {
                    total += word.len();
                }
                prop_assert!(total <= line.len());
            }
        }
    }
}
