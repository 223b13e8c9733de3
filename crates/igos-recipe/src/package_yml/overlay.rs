//! The overlay of a KISS repository, which has the keys of `format: 1`.

use std::collections::BTreeMap;

use igos_report::Diagnostic;

use super::keys;
use super::node::{self, Node, Value};
use super::parse::FORMAT;
use super::reader::{Fields, Reader};
use crate::{Dialect, Leniency, Overlay, OverlayPackage, ParsedOverlay, SourceAlternative};
use igos_format::PackageName;

/// Parses the overlay file of a repository.
#[must_use]
pub fn parse_overlay(file: &str, bytes: &[u8]) -> ParsedOverlay {
    let mut parsed = ParsedOverlay {
        overlay: Overlay::default(),
        diagnostics: Vec::new(),
    };
    let Ok(text) = std::str::from_utf8(bytes) else {
        parsed
            .diagnostics
            .push(Diagnostic::error("recipe-not-utf8", "the overlay is not UTF-8").at(file));
        return parsed;
    };
    let node = match node::read(text) {
        Ok(node) => node,
        Err(error) => {
            let message = format!("cannot read the overlay: {}", error.message);
            let diagnostic = Diagnostic::error("recipe-not-yaml", message);
            parsed
                .diagnostics
                .push(diagnostic.at_source(file, text, error.span));
            return parsed;
        }
    };
    let mut reader = Reader {
        file,
        text,
        format: 1,
        leniency: Leniency::Strict,
        diagnostics: Vec::new(),
    };
    parsed.overlay = reader.overlay(&node).unwrap_or_default();
    parsed.diagnostics = reader.sorted();
    parsed
}

impl Reader<'_> {
    fn overlay(&mut self, node: &Node) -> Option<Overlay> {
        let what = "the overlay";
        let fields = self.fields(node, what, &keys::OVERLAY)?;
        let format: Option<u32> = self.required_value(&fields, what, "format");
        if let (Some(format), Some(node)) = (format, fields.find("format"))
            && !(1..=FORMAT).contains(&format)
        {
            let message =
                format!("the overlay has format {format}, this program reads 1 to {FORMAT}");
            self.error("recipe-format-unknown", message, &node.span);
            return None;
        }
        self.format = format.unwrap_or(self.format);
        let dialect: Option<Dialect> = self.optional(&fields, "dialect");
        if dialect == Some(Dialect::PackageYml)
            && let Some(node) = fields.find("dialect")
        {
            self.invalid("an overlay is for repositories of KISS directories", node);
        }
        let mut packages = BTreeMap::new();
        for entry in self.entries(&fields, "packages") {
            let name: PackageName = match entry.key.parse() {
                Ok(name) => name,
                Err(error) => {
                    self.error("recipe-value-invalid", error.to_string(), &entry.key_span);
                    continue;
                }
            };
            let what = format!("{name} in the overlay");
            if let Some(fields) = self.fields(&entry.value, &what, &keys::OVERLAY_PACKAGE) {
                let package = self.overlay_package(&fields);
                packages.insert(name, package);
            }
        }
        Some(Overlay {
            dialect: dialect.filter(|dialect| dialect.is_kiss()),
            packages,
        })
    }

    fn overlay_package(&mut self, fields: &Fields<'_>) -> OverlayPackage {
        OverlayPackage {
            description: self.text_or_empty(fields, "description"),
            license: self.text_or_empty(fields, "license"),
            homepage: self.text_or_empty(fields, "homepage"),
            files: self.file_rules(fields),
            configuration: self.values(fields, "configuration"),
            verify_paths: self.verify_paths(fields),
            provides: self.values(fields, "provides"),
            conflicts: self.values(fields, "conflicts"),
            supersedes: self.values(fields, "supersedes"),
            is_essential: self.optional_bool(fields, "essential").unwrap_or(false),
            users: self.users(fields),
            groups: self.groups(fields),
            services: self.services(fields),
            alternatives: self.alternatives(fields),
            triggers: self.triggers(fields),
            hooks: self.hooks(fields),
            flags: self.flags(fields),
            environment: self.environment(fields),
            source_date_epoch: self.optional(fields, "source_date_epoch"),
            source_alternatives: self.source_alternatives_by_location(fields),
        }
    }

    fn source_alternatives_by_location(
        &mut self,
        fields: &Fields<'_>,
    ) -> BTreeMap<String, Vec<SourceAlternative>> {
        let mut found = BTreeMap::new();
        for entry in self.entries(fields, "sources") {
            if let Some(fields) = self.fields(
                &entry.value,
                "a source in the overlay",
                &keys::OVERLAY_SOURCE,
            ) {
                found.insert(entry.key.clone(), self.source_alternatives(&fields, None));
            }
        }
        found
    }

    /// Returns the entries of the mapping at a key whose keys are names of ours.
    fn entries<'n>(&mut self, fields: &Fields<'n>, key: &str) -> &'n [node::Entry] {
        let Some(node) = fields.find(key) else {
            return &[];
        };
        match &node.value {
            Value::Mapping(entries) => entries,
            _ => {
                self.invalid(format!("`{key}` must be a mapping"), node);
                &[]
            }
        }
    }
}
