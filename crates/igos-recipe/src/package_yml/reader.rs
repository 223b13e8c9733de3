//! Takes values out of the tree of a `package.yml` and keeps what is wrong with them.

use std::error::Error;
use std::ops::Range;
use std::str::FromStr;

use igos_report::{Diagnostic, Place};

use super::keys::Keys;
use super::node::{Entry, Node, Value};
use crate::Leniency;

/// Most diagnostics reported for one file; a file with more is not a recipe.
const DIAGNOSTICS_MAX: usize = 100;

/// A file that is being read, and what was found wrong in it.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    pub(super) file: &'a str,
    pub(super) text: &'a str,
    /// 0 in a foreign tree.
    pub(super) format: u32,
    pub(super) leniency: Leniency,
    pub(super) diagnostics: Vec<Diagnostic>,
}

/// The known keys of a mapping that were given.
#[derive(Debug, Clone)]
pub(super) struct Fields<'n> {
    entries: Vec<&'n Entry>,
    pub(super) span: Range<usize>,
}

impl<'n> Fields<'n> {
    /// Returns the value of a key; a key without a value counts as absent.
    pub(super) fn find(&self, key: &str) -> Option<&'n Node> {
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        (entry.value.value != Value::Nothing).then_some(&entry.value)
    }

    /// Tells whether a key was given, even without a value.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|entry| entry.key == key)
    }
}

impl Reader<'_> {
    pub(super) fn push(&mut self, diagnostic: Diagnostic, span: &Range<usize>) {
        if self.diagnostics.len() < DIAGNOSTICS_MAX {
            self.diagnostics
                .push(diagnostic.at_source(self.file, self.text, span.clone()));
        }
    }

    /// Returns what was found wrong, in the order of the text.
    pub(super) fn sorted(self) -> Vec<Diagnostic> {
        let mut diagnostics = self.diagnostics;
        diagnostics.sort_by_key(|diagnostic| match &diagnostic.place {
            Some(Place::Source { span, .. }) => span.start,
            _ => 0,
        });
        diagnostics
    }

    pub(super) fn error(&mut self, code: &str, message: impl Into<String>, span: &Range<usize>) {
        self.push(Diagnostic::error(code, message), span);
    }

    /// Reports a value that the key cannot have.
    pub(super) fn invalid(&mut self, message: impl Into<String>, node: &Node) {
        self.error("recipe-value-invalid", message, &node.span);
    }

    /// Reports what a parser said about a value.
    pub(super) fn refused(&mut self, what: &str, error: &dyn Error, node: &Node) {
        let mut diagnostic = Diagnostic::error("recipe-value-invalid", format!("{what}: {error}"));
        let mut cause = error.source();
        while let Some(source) = cause {
            diagnostic = diagnostic.because(source.to_string());
            cause = source.source();
        }
        self.push(diagnostic, &node.span);
    }

    /// Returns the keys of a mapping, and reports those that are not known there.
    pub(super) fn fields<'n>(
        &mut self,
        node: &'n Node,
        what: &str,
        keys: &Keys,
    ) -> Option<Fields<'n>> {
        let Value::Mapping(entries) = &node.value else {
            self.invalid(
                format!("{what} must be a mapping, here it is {}", kind(node)),
                node,
            );
            return None;
        };
        let mut known = Vec::new();
        for entry in entries {
            match keys.judge(&entry.key, self.format) {
                None => known.push(entry),
                Some(fault) => {
                    let diagnostic = fault.diagnostic(what, &entry.key, self.format, self.leniency);
                    self.push(diagnostic, &entry.key_span);
                }
            }
        }
        Some(Fields {
            entries: known,
            span: node.span.clone(),
        })
    }

    /// Returns the text of a value.
    pub(super) fn text(&mut self, what: &str, node: &Node) -> Option<String> {
        match &node.value {
            Value::Text(text) => Some(text.clone()),
            _ => {
                self.invalid(
                    format!("{what} must be a text, here it is {}", kind(node)),
                    node,
                );
                None
            }
        }
    }

    /// Returns the text at a key, empty where the key is absent.
    pub(super) fn text_or_empty(&mut self, fields: &Fields<'_>, key: &str) -> String {
        self.optional_text(fields, key).unwrap_or_default()
    }

    /// Returns the text at a key.
    pub(super) fn optional_text(&mut self, fields: &Fields<'_>, key: &str) -> Option<String> {
        self.text(&format!("`{key}`"), fields.find(key)?)
    }

    /// Returns the text at a key that must be there.
    pub(super) fn required_text(
        &mut self,
        fields: &Fields<'_>,
        what: &str,
        key: &str,
    ) -> Option<String> {
        let node = self.required(fields, what, key)?;
        self.text(&format!("`{key}`"), node)
    }

    /// Returns the value at a key that must be there.
    pub(super) fn required<'n>(
        &mut self,
        fields: &Fields<'n>,
        what: &str,
        key: &str,
    ) -> Option<&'n Node> {
        let found = fields.find(key);
        if found.is_none() {
            self.error(
                "recipe-key-missing",
                format!("{what} has no `{key}`"),
                &fields.span,
            );
        }
        found
    }

    /// Returns the value of the type's own grammar.
    pub(super) fn value<T: FromStr<Err: Error>>(&mut self, what: &str, node: &Node) -> Option<T> {
        let text = self.text(what, node)?;
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.refused(what, &error, node);
                None
            }
        }
    }

    /// Returns the value at a key, of the type's own grammar.
    pub(super) fn optional<T: FromStr<Err: Error>>(
        &mut self,
        fields: &Fields<'_>,
        key: &str,
    ) -> Option<T> {
        self.value(&format!("`{key}`"), fields.find(key)?)
    }

    /// Returns the value at a key that must be there, of the type's own grammar.
    pub(super) fn required_value<T: FromStr<Err: Error>>(
        &mut self,
        fields: &Fields<'_>,
        what: &str,
        key: &str,
    ) -> Option<T> {
        let node = self.required(fields, what, key)?;
        self.value(&format!("`{key}`"), node)
    }

    /// Returns the truth value at a key.
    pub(super) fn optional_bool(&mut self, fields: &Fields<'_>, key: &str) -> Option<bool> {
        let node = fields.find(key)?;
        match self.text(&format!("`{key}`"), node)?.as_str() {
            "true" | "True" | "TRUE" => Some(true),
            "false" | "False" | "FALSE" => Some(false),
            other => {
                self.invalid(
                    format!("`{key}` must be true or false, here it is {other:?}"),
                    node,
                );
                None
            }
        }
    }

    /// Returns the items of the list at a key; none where the key is absent.
    pub(super) fn list<'n>(&mut self, fields: &Fields<'n>, key: &str) -> &'n [Node] {
        let Some(node) = fields.find(key) else {
            return &[];
        };
        match &node.value {
            Value::List(items) => items,
            _ => {
                self.invalid(
                    format!("`{key}` must be a list, here it is {}", kind(node)),
                    node,
                );
                &[]
            }
        }
    }

    /// Returns the items of a list, each of the type's own grammar; what is none is reported and left out.
    pub(super) fn values<T: FromStr<Err: Error>>(
        &mut self,
        fields: &Fields<'_>,
        key: &str,
    ) -> Vec<T> {
        let what = format!("an item of `{key}`");
        self.list(fields, key)
            .iter()
            .filter_map(|item| self.value(&what, item))
            .collect()
    }

    /// Returns the texts of a list.
    pub(super) fn texts(&mut self, fields: &Fields<'_>, key: &str) -> Vec<String> {
        let what = format!("an item of `{key}`");
        self.list(fields, key)
            .iter()
            .filter_map(|item| self.text(&what, item))
            .collect()
    }
}

/// Says what a value is, for messages.
pub(super) fn kind(node: &Node) -> &'static str {
    match node.value {
        Value::Nothing => "empty",
        Value::Text(_) => "a text",
        Value::List(_) => "a list",
        Value::Mapping(_) => "a mapping",
    }
}
