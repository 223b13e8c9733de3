//! What a recipe needs, and the packages it makes.

use super::keys;
use super::node::Node;
use super::reader::{Fields, Reader};
use crate::{Output, RecipeDependency};
use igos_format::{Dependency, DependencyKind, PackageName, PathPattern};

impl Reader<'_> {
    pub(super) fn dependencies(&mut self, fields: &Fields<'_>) -> Vec<RecipeDependency> {
        let Some(node) = fields.find("dependencies") else {
            return Vec::new();
        };
        let Some(fields) = self.fields(node, "`dependencies`", &keys::DEPENDENCIES) else {
            return Vec::new();
        };
        let lists = [
            ("build", DependencyKind::Build),
            ("host", DependencyKind::Host),
            ("runtime", DependencyKind::Run),
        ];
        let mut found = Vec::new();
        for (key, kind) in lists {
            let what = format!("an item of `{key}`");
            for item in self.list(&fields, key) {
                let dependency = self.dependency(&what, item);
                found.extend(dependency.map(|dependency| RecipeDependency { dependency, kind }));
            }
        }
        found
    }

    /// Returns a dependency; foreign trees know names alone.
    fn dependency(&mut self, what: &str, item: &Node) -> Option<Dependency> {
        if self.format > 0 {
            return self.value(what, item);
        }
        let name = self.value(what, item)?;
        Some(Dependency {
            name,
            constraint: None,
        })
    }

    pub(super) fn outputs(
        &mut self,
        fields: &Fields<'_>,
        name: Option<&PackageName>,
        dependencies: &[RecipeDependency],
    ) -> Vec<Output> {
        let main = self.main_output(fields, name, dependencies);
        let items = self.list(fields, "outputs");
        let others: Vec<Output> = items.iter().filter_map(|item| self.output(item)).collect();
        main.into_iter().chain(others).collect()
    }

    fn main_output(
        &mut self,
        fields: &Fields<'_>,
        name: Option<&PackageName>,
        dependencies: &[RecipeDependency],
    ) -> Option<Output> {
        let supersedes: Vec<PackageName> = self.values(fields, "supersedes");
        if let (Some(name), Some(node)) = (name, fields.find("supersedes"))
            && supersedes.contains(name)
        {
            self.invalid("a package cannot supersede itself", node);
        }
        let provides = self.values(fields, "provides");
        let conflicts = self.values(fields, "conflicts");
        let is_essential = self.optional_bool(fields, "essential").unwrap_or(false);
        Some(Output {
            name: name?.clone(),
            description: String::new(),
            paths: Vec::new(),
            dependencies: dependencies
                .iter()
                .filter(|needed| needed.kind == DependencyKind::Run)
                .map(|needed| needed.dependency.clone())
                .collect(),
            provides,
            conflicts,
            supersedes,
            is_essential,
        })
    }

    fn output(&mut self, item: &Node) -> Option<Output> {
        let what = "an item of `outputs`";
        let fields = self.fields(item, what, &keys::OUTPUT)?;
        let name = self.required_value(&fields, what, "name");
        let paths: Vec<PathPattern> = self.values(&fields, "paths");
        if paths.is_empty() {
            self.error(
                "recipe-key-missing",
                format!("{what} has no `paths`"),
                &fields.span,
            );
        }
        Some(Output {
            description: self.text_or_empty(&fields, "description"),
            paths,
            dependencies: self.values(&fields, "dependencies"),
            provides: self.values(&fields, "provides"),
            conflicts: self.values(&fields, "conflicts"),
            supersedes: self.values(&fields, "supersedes"),
            is_essential: self.optional_bool(&fields, "essential").unwrap_or(false),
            name: name?,
        })
    }
}
