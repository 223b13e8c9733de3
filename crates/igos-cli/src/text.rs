//! Text that cannot act on a terminal.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Returns `text` with every control character written as `\xHH`, byte by byte; line feeds and tabs stay.
#[must_use]
pub fn escape_text(text: &str) -> Cow<'_, str> {
    escape(text, |character| {
        character.is_control() && !matches!(character, '\n' | '\t')
    })
}

/// Returns `text` with every control character written as `\xHH`, byte by byte, line feeds and tabs too.
#[must_use]
pub fn escape_line(text: &str) -> Cow<'_, str> {
    escape(text, char::is_control)
}

fn escape(text: &str, is_escaped: impl Fn(char) -> bool) -> Cow<'_, str> {
    // Characters that reorder the text around them can make a path look like another one.
    let is_escaped = |character| is_escaped(character) || is_bidirectional_control(character);
    if !text.contains(is_escaped) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_escaped(character) {
            for byte in character.encode_utf8(&mut [0; 4]).bytes() {
                write!(escaped, "\\x{byte:02x}").expect("writing to a string cannot fail");
            }
        } else {
            escaped.push(character);
        }
    }
    Cow::Owned(escaped)
}

/// Source: Unicode Standard Annex 9, section 2 (directional formatting characters).
fn is_bidirectional_control(character: char) -> bool {
    matches!(character, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::{escape_line, escape_text};

    #[test]
    fn nothing_that_acts_on_a_terminal_passes() {
        assert_eq!(
            escape_text("a\x1b[2Jb\r\n\tc\u{9b}d"),
            "a\\x1b[2Jb\\x0d\n\tc\\xc2\\x9bd"
        );
        assert_eq!(escape_line("a\nb\u{202e}"), "a\\x0ab\\xe2\\x80\\xae");
        assert_eq!(escape_line("plain é"), "plain é");
    }
}
