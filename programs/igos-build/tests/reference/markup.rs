//! A strict reader of the HTML that we write: what it does not know is an error.

use std::collections::BTreeSet;

/// What a page consists of.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// The names of all its elements.
    pub(crate) elements: BTreeSet<String>,
    /// Its text, as a person reads it, and the values of `title`s.
    pub(crate) text: String,
    /// Where its links lead, and what it loads.
    pub(crate) links: Vec<String>,
    /// The scripts it loads.
    pub(crate) scripts: Vec<String>,
    /// The ids of its elements.
    pub(crate) ids: BTreeSet<String>,
}

/// Elements that have no end.
const VOID: [&str; 4] = ["br", "input", "link", "meta"];

impl Page {
    /// Reads a page whose elements are closed in order, whose attributes are quoted and whose ids are unique.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut rest = text
            .strip_prefix("<!DOCTYPE html>\n")
            .ok_or("it does not begin as HTML 5")?;
        let mut page = Page::default();
        let mut open: Vec<String> = Vec::new();
        while let Some(at) = rest.find('<') {
            page.text.push_str(&plain(&rest[..at])?);
            let end = rest[at..].find('>').ok_or("a tag does not end")? + at;
            let tag = &rest[at + 1..end];
            rest = &rest[end + 1..];
            if let Some(name) = tag.strip_prefix('/') {
                let last = open.pop();
                if last.as_deref() != Some(name) {
                    return Err(format!("</{name}> closes {last:?}"));
                }
                continue;
            }
            let is_closed = tag.ends_with('/');
            let name = page.begin(tag.trim_end_matches('/'))?;
            if !is_closed && !VOID.contains(&name.as_str()) {
                open.push(name);
            }
        }
        page.text.push_str(&plain(rest)?);
        match open.as_slice() {
            [] => Ok(page),
            open => Err(format!("{open:?} are not closed")),
        }
    }

    fn begin(&mut self, tag: &str) -> Result<String, String> {
        let (name, mut rest) = tag.split_once(' ').unwrap_or((tag, ""));
        self.elements.insert(name.to_owned());
        while !rest.is_empty() {
            let Some((attribute, after)) = rest.split_once("=\"") else {
                // The only attributes without a value.
                let is_known = rest.split(' ').all(|word| word == "hidden");
                return if is_known {
                    Ok(name.to_owned())
                } else {
                    Err(format!("{rest:?} in <{name}>"))
                };
            };
            let (value, after) = after
                .split_once('"')
                .ok_or_else(|| format!("a value of <{name}> does not end"))?;
            rest = after.trim_start();
            let attribute = attribute.rsplit(' ').next().unwrap_or_default();
            if attribute.starts_with("on") || attribute == "style" {
                return Err(format!("{attribute} in <{name}>"));
            }
            let value = plain(value)?;
            match (name, attribute) {
                (_, "href") => self.links.push(value),
                ("script", "src") => {
                    self.scripts.push(value.clone());
                    self.links.push(value);
                }
                (_, "id") if !self.ids.insert(value.clone()) => {
                    return Err(format!("two elements have the id {value}"));
                }
                _ => {}
            }
        }
        Ok(name.to_owned())
    }
}

/// Returns a text without its escapes, of which only ours are allowed.
fn plain(text: &str) -> Result<String, String> {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        let end = rest[at..].find(';').ok_or("an escape does not end")? + at;
        plain.push(match &rest[at..=end] {
            "&amp;" => '&',
            "&lt;" => '<',
            "&gt;" => '>',
            "&quot;" => '"',
            "&#39;" => '\'',
            other => return Err(format!("an escape {other:?}")),
        });
        rest = &rest[end + 1..];
    }
    plain.push_str(rest);
    Ok(plain)
}
