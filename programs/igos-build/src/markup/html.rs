//! HTML as a text that grows.

use super::{Drawing, escape};

/// Markup of our own with texts of others in it, which were escaped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Html {
    text: String,
}

impl Html {
    /// Returns nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Html::default()
    }

    /// Adds a text.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.text.push_str(&escape(text));
        self
    }

    /// Adds markup of this program's own.
    pub fn fixed(&mut self, markup: &'static str) -> &mut Self {
        self.text.push_str(markup);
        self
    }

    /// Adds other markup.
    pub fn html(&mut self, other: &Html) -> &mut Self {
        self.text.push_str(&other.text);
        self
    }

    /// Adds a drawing.
    pub fn drawing(&mut self, drawing: Drawing) -> &mut Self {
        self.text.push_str(&drawing.finish());
        self
    }

    /// Adds an element with these attributes, and in it what `inside` adds.
    pub fn element(
        &mut self,
        name: &'static str,
        attributes: &[(&'static str, &str)],
        inside: impl FnOnce(&mut Html),
    ) -> &mut Self {
        self.begin(name, attributes);
        inside(self);
        self.text.push_str("</");
        self.text.push_str(name);
        self.text.push('>');
        self
    }

    /// Adds an element that can have nothing in it.
    pub fn void(&mut self, name: &'static str, attributes: &[(&'static str, &str)]) -> &mut Self {
        self.begin(name, attributes);
        self
    }

    fn begin(&mut self, name: &'static str, attributes: &[(&'static str, &str)]) {
        self.text.push('<');
        self.text.push_str(name);
        for (attribute, value) in attributes {
            self.text.push(' ');
            self.text.push_str(attribute);
            self.text.push_str("=\"");
            self.text.push_str(&escape(value));
            self.text.push('"');
        }
        self.text.push('>');
    }

    /// Adds an element that has only a text in it.
    pub fn word(&mut self, name: &'static str, text: &str) -> &mut Self {
        self.element(name, &[], |inside| {
            inside.text(text);
        })
    }

    /// Adds an element of a class that has only a text in it.
    pub fn classed(&mut self, name: &'static str, class: &str, text: &str) -> &mut Self {
        self.element(name, &[("class", class)], |inside| {
            inside.text(text);
        })
    }

    /// Adds a link to a page of the same site.
    pub fn link(&mut self, to: &str, text: &str) -> &mut Self {
        self.element("a", &[("href", to)], |inside| {
            inside.text(text);
        })
    }

    /// Adds an address: as a link if it is one of the web, as text if it is something else.
    pub fn outside_link(&mut self, address: &str) -> &mut Self {
        if !is_web_address(address) {
            return self.text(address);
        }
        let attributes = [("href", address), ("rel", "noreferrer")];
        self.element("a", &attributes, |inside| {
            inside.text(address);
        })
    }

    /// Returns the markup.
    #[must_use]
    pub fn finish(self) -> String {
        self.text
    }
}

/// Tells whether a browser that follows this address asks a web server and does nothing else.
fn is_web_address(address: &str) -> bool {
    let is_web = address.starts_with("https://") || address.starts_with("http://");
    is_web && address.bytes().all(|byte| byte.is_ascii_graphic())
}
