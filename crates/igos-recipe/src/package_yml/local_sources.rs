//! Sources that lie beside the recipe or in a directory that holds its tree.

use igos_format::PathPattern;
use igos_report::Diagnostic;

use super::node::Node;
use super::parse::{PackageYml, is_file};
use super::reader::{Fields, Reader};
use crate::crates::crates_of_lock;
use crate::substitute::Variables;
use crate::{FileKind, FileList, LockAbsent, Source, SourceKind};

/// Where packages of a `Cargo.lock` go unless the recipe names a place: that of `cargo vendor`.
const VENDOR: &str = "vendor";

impl Reader<'_> {
    pub(super) fn local_file(&mut self, node: &Node, location: String, files: &FileList) -> Source {
        if !is_file(files, &location) {
            self.error(
                "recipe-file-missing",
                format!("there is no file {location:?} beside the recipe"),
                &node.span,
            );
        }
        local(location, SourceKind::File)
    }

    pub(super) fn directory(
        &mut self,
        node: &Node,
        location: String,
        only: Vec<PathPattern>,
        files: &FileList,
    ) -> Source {
        // Whether it is there, and whether the recipe may have it, is seen when it is read.
        let is_above = self.format >= 3 && location.split('/').all(|component| component == "..");
        if is_above && only.is_empty() {
            let message = format!(
                "{location:?} holds more than sources: say with `only` which files they are"
            );
            self.invalid(message, node);
        }
        if !is_above && files.get(&location) != Some(&FileKind::Directory) {
            self.error(
                "recipe-file-missing",
                format!("there is no directory {location:?} beside the recipe"),
                &node.span,
            );
        }
        local(location, SourceKind::Directory { only })
    }

    /// Returns the packages that a `Cargo.lock` pins.
    pub(super) fn crates(
        &mut self,
        fields: &Fields<'_>,
        node: &Node,
        variables: Option<&Variables>,
        input: &PackageYml<'_>,
    ) -> Vec<Source> {
        for key in [
            "alternatives",
            "commit",
            "extract",
            "filename",
            "only",
            "sha256",
        ] {
            if let Some(node) = fields.find(key) {
                self.invalid(format!("`{key}` does not go with `crates`"), node);
            }
        }
        let destination = match fields.has("destination") {
            true => self.destination(fields),
            false => VENDOR.to_owned(),
        };
        let Some(location) = self.substituted("`crates`", node, variables) else {
            return Vec::new();
        };
        let text = match (input.lock)(&location) {
            Ok(text) => text,
            // Recipes may lie apart from what they build: such a one can be listed and fails when it is built.
            Err(LockAbsent::Missing) => {
                let message = format!("there is no {location:?}: this recipe cannot be built here");
                self.push(
                    Diagnostic::warning("recipe-lock-missing", message),
                    &node.span,
                );
                return vec![local(location, SourceKind::Crate)];
            }
            Err(error) => {
                self.refused(&location, &error, node);
                return Vec::new();
            }
        };
        match crates_of_lock(&text, &destination) {
            Ok(sources) => sources,
            Err(error) => {
                self.refused(&location, &error, node);
                Vec::new()
            }
        }
    }
}

fn local(location: String, kind: SourceKind) -> Source {
    Source {
        location,
        kind,
        destination: String::new(),
        cache_name: String::new(),
        extract: false,
        digest: None,
        is_unpinned: false,
        alternatives: Vec::new(),
    }
}
