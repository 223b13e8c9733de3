//! From the text of a `package.yml` to the recipe.

use std::collections::BTreeSet;
use std::fmt;

use igos_report::Diagnostic;

use super::keys;
use super::node::{self, Node, Value};
use super::reader::{Fields, Reader};
use crate::substitute::Variables;
use crate::{
    Dialect, FileKind, FileList, Leniency, LockAbsent, Output, Parsed, Recipe, Style, TestFailure,
    TestPolicy, script,
};
use igos_format::{Arch, PackageName, Release, Tier, Version};

/// Newest `format` that this program reads.
pub(super) const FORMAT: u32 = 3;

/// The texts of one recipe.
#[derive(Clone, Copy)]
pub struct PackageYml<'a> {
    /// The path of `package.yml` as the user would name it.
    pub file: &'a str,
    /// Its bytes.
    pub text: &'a [u8],
    /// The bytes of `build.sh`, if there is one.
    pub script: Option<&'a [u8]>,
    /// What else lies in the directory.
    pub files: &'a FileList,
    /// Returns the bytes of the `Cargo.lock` at a path that is relative to the directory and may lead out of it.
    pub lock: &'a dyn Fn(&str) -> Result<Vec<u8>, LockAbsent>,
    /// What is said about unknown keys of foreign trees.
    pub leniency: Leniency,
}

impl fmt::Debug for PackageYml<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PackageYml")
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

/// Parses a `package.yml` and what lies beside it.
#[must_use]
pub fn parse_package_yml(input: &PackageYml<'_>) -> Parsed {
    let text = match std::str::from_utf8(input.text) {
        Ok(text) => text,
        Err(error) => {
            let valid = String::from_utf8_lossy(&input.text[..error.valid_up_to()]);
            let end = valid.len();
            let diagnostic = Diagnostic::error("recipe-not-utf8", "the recipe is not UTF-8")
                .at_source(input.file, &valid, end..end);
            return failed(vec![diagnostic]);
        }
    };
    let node = match node::read(text) {
        Ok(node) => node,
        Err(error) => {
            let diagnostic = Diagnostic::error(
                "recipe-not-yaml",
                format!("cannot read the recipe: {}", error.message),
            )
            .at_source(input.file, text, error.span);
            return failed(vec![diagnostic]);
        }
    };
    let mut reader = Reader {
        file: input.file,
        text,
        format: 0,
        leniency: input.leniency,
        diagnostics: Vec::new(),
    };
    if !reader.find_format(&node) {
        return failed(reader.diagnostics);
    }
    let recipe = reader.recipe(&node, input);
    Parsed {
        recipe,
        diagnostics: reader.sorted(),
    }
}

fn failed(diagnostics: Vec<Diagnostic>) -> Parsed {
    Parsed {
        recipe: None,
        diagnostics,
    }
}

impl Reader<'_> {
    /// Finds out whose keys the recipe has; `false` where a newer program is needed to tell.
    fn find_format(&mut self, node: &Node) -> bool {
        let Value::Mapping(entries) = &node.value else {
            return true;
        };
        let Some(entry) = entries.iter().find(|entry| entry.key == "format") else {
            return true;
        };
        let number = match &entry.value.value {
            Value::Text(text) => text.parse::<u32>().ok().filter(|number| *number > 0),
            _ => None,
        };
        match number {
            Some(number) if number <= FORMAT => {
                self.format = number;
                true
            }
            Some(number) => {
                let message =
                    format!("the recipe has format {number}, this program reads up to {FORMAT}");
                let diagnostic = Diagnostic::error("recipe-format-unknown", message)
                    .hint("use a newer `igos-build`");
                self.push(diagnostic, &entry.value.span);
                false
            }
            None => {
                self.invalid("`format` must be a number from 1", &entry.value);
                false
            }
        }
    }

    fn recipe(&mut self, node: &Node, input: &PackageYml<'_>) -> Option<Recipe> {
        let what = "the recipe";
        let fields = self.fields(node, what, &keys::RECIPE)?;
        let name: Option<PackageName> = self.required_value(&fields, what, "name");
        let version: Option<Version> = self.required_value(&fields, what, "version");
        let release: Option<Release> = self.required_value(&fields, what, "release");
        let variables = match (&name, &version) {
            (Some(name), Some(version)) => Some(Variables::new(name, version)),
            _ => None,
        };
        let functions = self.functions(input);
        let declared_style = self.style(&fields, input.script.is_some());
        let style = if input.script.is_some() {
            Style::Script
        } else {
            declared_style
        };
        let tier = self.tier(&fields);
        let dependencies = self.dependencies(&fields);
        // Everything is read even where the name is missing, so that every error is reported.
        let sources = self.sources(&fields, variables.as_ref(), input);
        let patches = self.patches(&fields, variables.as_ref(), input.files);
        let outputs = self.outputs(&fields, name.as_ref(), &dependencies);
        let foreign = self.foreign(&fields);
        let tests = self.tests(&fields);
        let install_function = self.install_function(&fields, &functions);
        let epoch = self.optional(&fields, "epoch").unwrap_or(0);
        let arch = self.arch(&fields);
        let description = self.text_or_empty(&fields, "description");
        let license = self.text_or_empty(&fields, "license");
        let homepage = self.text_or_empty(&fields, "homepage");
        let configure_flags = self.texts(&fields, "configure_flags");
        let verify_paths = self.verify_paths(&fields);
        let flags = self.flags(&fields);
        let environment = self.environment(&fields);
        let files = self.file_rules(&fields);
        let configuration = self.values(&fields, "configuration");
        let users = self.users(&fields);
        let groups = self.groups(&fields);
        let services = self.services(&fields);
        let alternatives = self.alternatives(&fields);
        let triggers = self.triggers(&fields);
        let hooks = self.hooks(&fields);
        let source_date_epoch = self.optional(&fields, "source_date_epoch");
        let imported = self.imported(&fields);
        let triples = self.triples(&fields);
        let (Some(name), Some(version), Some(release)) = (name, version, release) else {
            return None;
        };
        let mut recipe = Recipe {
            name,
            dialect: Dialect::PackageYml,
            format: self.format,
            epoch,
            version,
            release,
            tier,
            arch,
            description,
            license,
            homepage,
            dependencies,
            imported,
            sources,
            patches,
            style,
            declared_style,
            hooks,
            hook_scripts: functions
                .iter()
                .filter(|name| *name == "post_install")
                .cloned()
                .collect(),
            functions,
            install_function,
            configure_flags,
            tests,
            supersedes: outputs
                .first()
                .map(|main| main.supersedes.clone())
                .unwrap_or_default(),
            outputs,
            verify_paths,
            flags,
            environment,
            files,
            configuration,
            users,
            groups,
            services,
            alternatives,
            triggers,
            source_date_epoch,
            triples,
            foreign,
        };
        if let Some(main) = recipe.outputs.first_mut() {
            main.description.clone_from(&recipe.description);
        }
        self.name_outputs_once(&fields, &recipe.outputs);
        Some(recipe)
    }

    fn functions(&mut self, input: &PackageYml<'_>) -> BTreeSet<String> {
        let Some(script) = input.script else {
            return BTreeSet::new();
        };
        script::functions(&String::from_utf8_lossy(script))
    }

    fn style(&mut self, fields: &Fields<'_>, has_script: bool) -> Style {
        let Some(node) = fields.find("build_style") else {
            if !has_script {
                let message = "the recipe has neither `build_style` nor a `build.sh`";
                self.error("recipe-key-missing", message, &fields.span);
            }
            return Style::Script;
        };
        let Some(text) = self.text("`build_style`", node) else {
            return Style::Script;
        };
        let found = Style::DECLARED
            .into_iter()
            .find(|style| style.as_str() == text);
        found.unwrap_or_else(|| {
            let message = format!(
                "{text:?} is not a build style; styles are custom, autotools, cmake, meson and make"
            );
            self.invalid(message, node);
            Style::Script
        })
    }

    /// Returns the tier; recipes of the InterGenOS tree that give none are in `core`.
    fn tier(&mut self, fields: &Fields<'_>) -> Option<Tier> {
        match fields.find("tier") {
            Some(node) => self.value("`tier`", node),
            None => (self.format == 0).then_some(Tier::Core),
        }
    }

    fn arch(&mut self, fields: &Fields<'_>) -> Vec<Arch> {
        let Some(node) = fields.find("arch") else {
            return Vec::new();
        };
        let list: Vec<Arch> = match &node.value {
            Value::Text(_) => self.value("`arch`", node).into_iter().collect(),
            _ => self.values(fields, "arch"),
        };
        if list.len() > 1 && list.contains(&Arch::Any) {
            self.invalid(
                "`any` stands alone: a package without machine code is the same on every machine",
                node,
            );
        }
        list
    }

    fn install_function(&mut self, fields: &Fields<'_>, functions: &BTreeSet<String>) -> String {
        let default = || {
            let is_other = !functions.contains("do_install") && functions.contains("install");
            // The toolchain recipes of InterGenOS name it `install` and do not always say so.
            if is_other { "install" } else { "do_install" }.to_owned()
        };
        let Some(node) = fields.find("install_func") else {
            return default();
        };
        match self.text("`install_func`", node) {
            Some(text) if text == "do_install" || text == "install" => text,
            Some(text) => {
                self.invalid(
                    format!("`install_func` is do_install or install, here it is {text:?}"),
                    node,
                );
                default()
            }
            None => default(),
        }
    }

    /// Returns why the packages were not compiled here, where the recipe says that they were not.
    fn imported(&mut self, fields: &Fields<'_>) -> Option<String> {
        let node = fields.find("imported")?;
        let reason = self.text("`imported`", node)?;
        if reason.trim().is_empty() || reason.chars().any(char::is_control) {
            self.invalid(
                "`imported` must say in one line why nothing is compiled here",
                node,
            );
        }
        Some(reason)
    }

    fn tests(&mut self, fields: &Fields<'_>) -> TestPolicy {
        let mut policy = TestPolicy::default();
        let Some(node) = fields.find("tests") else {
            return policy;
        };
        let Some(fields) = self.fields(node, "`tests`", &keys::TESTS) else {
            return policy;
        };
        policy.is_enabled = self.optional_bool(&fields, "enabled").unwrap_or(true);
        policy.reason = self.text_or_empty(&fields, "reason");
        if let Some(node) = fields.find("failure_policy")
            && let Some(text) = self.text("`failure_policy`", node)
        {
            match text.as_str() {
                "strict" => policy.failure = TestFailure::Strict,
                "known_failures" => policy.failure = TestFailure::KnownFailures,
                _ => self.invalid(
                    format!("`failure_policy` is strict or known_failures, here it is {text:?}"),
                    node,
                ),
            }
        }
        let is_relaxed = !policy.is_enabled || policy.failure == TestFailure::KnownFailures;
        if is_relaxed && policy.reason.trim().is_empty() {
            self.error(
                "recipe-key-missing",
                "`tests` has no `reason` although tests are switched off or may fail",
                &fields.span,
            );
        }
        policy
    }

    /// Reports outputs of the same name.
    fn name_outputs_once(&mut self, fields: &Fields<'_>, outputs: &[Output]) {
        let mut seen = BTreeSet::new();
        for output in outputs {
            if !seen.insert(&output.name) {
                let span = fields
                    .find("outputs")
                    .map_or(fields.span.clone(), |node| node.span.clone());
                self.error(
                    "recipe-output-twice",
                    format!("the recipe makes {} twice", output.name),
                    &span,
                );
            }
        }
    }
}

/// Tells whether a recipe's directory has a regular file of this path.
pub(super) fn is_file(files: &FileList, path: &str) -> bool {
    matches!(files.get(path), Some(FileKind::File | FileKind::Executable))
}
