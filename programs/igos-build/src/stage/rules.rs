//! What a recipe says about installed paths, applied to them: modes, owners, capabilities, configuration.

use std::collections::{BTreeMap, BTreeSet};

use igos_format::{EntryKind, Owner, RelPath};
use igos_recipe::{FileRule, OwnerNames, Recipe};
use igos_report::Diagnostic;

use super::checks::Declared;
use super::facts::ReadEntry;

/// The rules of one recipe by path.
pub(crate) struct Rules<'a> {
    recipe: &'a Recipe,
    by_path: BTreeMap<&'a RelPath, &'a FileRule>,
}

impl<'a> Rules<'a> {
    /// Returns the rules of `recipe`.
    pub(crate) fn new(recipe: &'a Recipe) -> Self {
        Rules {
            recipe,
            by_path: recipe.files.iter().map(|rule| (&rule.path, rule)).collect(),
        }
    }

    /// Applies the rules to all entries and returns what is wrong with them.
    pub(crate) fn apply(&self, entries: &mut [ReadEntry]) -> Vec<Diagnostic> {
        let mut problems = Vec::new();
        let mut used = BTreeSet::new();
        for ReadEntry { entry, .. } in entries {
            let is_file = matches!(entry.kind, EntryKind::File { .. });
            entry.is_configuration = is_file
                && (entry.path.components().next() == Some(b"etc")
                    || self
                        .recipe
                        .configuration
                        .iter()
                        .any(|pattern| pattern.is_match(&entry.path)));
            let Some(rule) = self.by_path.get(&entry.path) else {
                continue;
            };
            used.insert(&rule.path);
            if let Some(mode) = rule.mode {
                entry.mode = mode;
            }
            match rule.owner.as_ref().map(|names| self.owner(names)) {
                Some(Ok(owner)) => entry.owner = owner,
                Some(Err(name)) => problems.push(
                    Diagnostic::error("unknown-owner", format!("/{} belongs to {name}, whose number is unknown", entry.path))
                        .at(self.recipe.name.to_string())
                        .hint(format!("declare it with a number: `users: [{{ name: {name}, uid: … }}]` or `groups`")),
                ),
                None => {}
            }
            entry.capabilities = rule.capabilities;
        }
        for path in self.by_path.keys().filter(|path| !used.contains(*path)) {
            problems.push(
                Diagnostic::error(
                    "rule-without-path",
                    format!("the recipe has a rule for /{path}, which was not installed"),
                )
                .at(self.recipe.name.to_string())
                .hint("correct the path, or remove it from `files`"),
            );
        }
        problems
    }

    /// Returns the owner with numbers, or the name that has none.
    fn owner(&self, names: &OwnerNames) -> Result<Owner, String> {
        let root = Owner::root();
        let user = self
            .recipe
            .users
            .iter()
            .find(|user| user.name == names.user);
        let uid = if names.user == root.user {
            Some(0)
        } else {
            user.and_then(|user| user.uid)
        };
        let group = self
            .recipe
            .groups
            .iter()
            .find(|group| group.name == names.group);
        let own_group = self
            .recipe
            .users
            .iter()
            .find(|user| user.group.is_none() && user.name == names.group);
        let gid = if names.group == root.group {
            Some(0)
        } else {
            group
                .and_then(|group| group.gid)
                .or_else(|| own_group.and_then(|user| user.uid))
        };
        Ok(Owner {
            user: names.user.clone(),
            uid: uid.ok_or_else(|| names.user.to_string())?,
            group: names.group.clone(),
            gid: gid.ok_or_else(|| names.group.to_string())?,
        })
    }
}

impl Declared for Rules<'_> {
    fn declares_mode(&self, path: &RelPath) -> bool {
        self.by_path
            .get(path)
            .is_some_and(|rule| rule.mode.is_some())
    }
}
