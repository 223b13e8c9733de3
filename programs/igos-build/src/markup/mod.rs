//! HTML and SVG whose texts cannot be markup.
//!
//! Whatever a recipe or an archive says goes in as text and is escaped on the way; only words of this program are
//! markup. [`Html`] and [`Drawing`] have no other way in.

mod drawing;
mod html;
mod layers;

use std::borrow::Cow;

pub use drawing::Drawing;
pub use html::Html;
pub use layers::layers;

/// Returns `text` with nothing in it that is markup, in content and between double quotes.
///
/// Control characters, which HTML has no way to write, are shown as `\xHH`, and so are those that reorder the text
/// around them: they can make a path look like another one.
#[must_use]
pub fn escape(text: &str) -> Cow<'_, str> {
    let shown = igos_cli::escape_text(text);
    if !shown.contains(['&', '<', '>', '"', '\'']) {
        return shown;
    }
    let mut escaped = String::with_capacity(shown.len() + 16);
    for character in shown.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::{Html, escape};

    #[test]
    fn text_is_never_markup() {
        assert_eq!(
            escape("<b a='1' c=\"2\">&amp;\0\u{202e}</b>"),
            "&lt;b a=&#39;1&#39; c=&quot;2&quot;&gt;&amp;amp;\\x00\\xe2\\x80\\xae&lt;/b&gt;"
        );
        assert_eq!(escape("plain é\n"), "plain é\n");
        let mut html = Html::new();
        html.element("p", &[("title", "\"><script>")], |inner| {
            inner.text("</p><script>");
        });
        assert_eq!(
            html.finish(),
            "<p title=\"&quot;&gt;&lt;script&gt;\">&lt;/p&gt;&lt;script&gt;</p>"
        );
    }

    #[test]
    fn only_addresses_of_the_web_become_links() {
        for (address, is_link) in [
            ("https://zlib.net/?a=1&b=\"2\"", true),
            ("http://zlib.net", true),
            ("javascript:alert(1)", false),
            ("JAVASCRIPT:alert(1)", false),
            ("data:text/html,<script>", false),
            ("//zlib.net", false),
            ("https://zlib.net/ x", false),
            ("https://zlib.net/\n", false),
            ("", false),
        ] {
            let mut html = Html::new();
            html.outside_link(address);
            assert_eq!(
                html.finish().starts_with("<a href=\"http"),
                is_link,
                "{address:?}"
            );
        }
    }
}
