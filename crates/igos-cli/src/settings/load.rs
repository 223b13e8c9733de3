//! Loading all layers of a program.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use igos_report::Diagnostic;
use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::Table;

use super::files::{self, SettingsFile};
use super::{SettingsError, layer};
use crate::{Environment, Exit, Failure};

/// The settings of one program: every field has a default, and every field has a [`Key`].
pub trait Settings: Serialize + DeserializeOwned + Default {
    /// Name of the program, which names its files.
    const PROGRAM: &'static str;
    /// Every setting there is, sorted by name.
    const KEYS: &'static [Key<'static>];
}

/// One setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key<'a> {
    /// Dotted name, as `build.jobs`.
    pub name: &'a str,
    /// What kind of value it has.
    pub kind: KeyKind,
    /// The variable that sets it, if there is one.
    pub variable: Option<&'a str>,
    /// What it is for, in one sentence without full stop.
    pub description: &'a str,
}

/// What kind of value a setting has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// One text.
    Text,
    /// One whole number.
    Number,
    /// `true` or `false`; in a variable also 1, 0, yes and no.
    Switch,
    /// A list of texts; in a variable separated by colons.
    List,
    /// A table with keys of the user's choice, or anything else that a variable cannot say.
    Table,
}

/// Where the value of a setting comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Nobody set it.
    BuiltIn,
    /// A file.
    File(PathBuf),
    /// A variable of the environment.
    Variable(String),
    /// A flag of the command line.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::BuiltIn => f.write_str("built-in"),
            Origin::File(path) => write!(f, "{}", path.display()),
            Origin::Variable(name) => write!(f, "variable {name}"),
            Origin::Flag(flag) => write!(f, "flag {flag}"),
        }
    }
}

impl Serialize for Origin {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Where settings come from, for one run.
#[derive(Debug, Clone)]
pub struct Layers<'a> {
    /// The root below which the files are.
    pub root: &'a Path,
    /// The recipe tree's own file, for programs that have one; it need not exist.
    pub tree_file: Option<&'a Path>,
    /// The environment.
    pub environment: &'a Environment,
    /// Settings given as flags: the name of the setting, the flag, the value.
    pub flags: Vec<(&'a str, &'a str, toml::Value)>,
}

/// Settings, and where each of them comes from.
#[derive(Debug, Clone)]
pub struct Loaded<T> {
    /// The settings.
    pub settings: T,
    pub(super) origins: BTreeMap<String, Origin>,
}

impl<T: Settings> Loaded<T> {
    /// Returns where the setting `name` comes from.
    #[must_use]
    pub fn origin(&self, name: &str) -> &Origin {
        self.origins.get(name).unwrap_or(&Origin::BuiltIn)
    }
}

impl Layers<'_> {
    /// Loads and merges all layers.
    ///
    /// # Errors
    ///
    /// Returns everything that is wrong in all files and variables together (exit code 3).
    pub fn load<T: Settings>(&self) -> Result<Loaded<T>, Failure> {
        let mut merged = Merged::default();
        for file in self.files(T::PROGRAM)? {
            match layer::parse_file::<T>(&file, T::KEYS) {
                Ok(table) => merged.lay(table, &Origin::File(file.path), T::KEYS),
                Err(diagnostics) => merged.wrong.extend(diagnostics),
            }
        }
        for key in T::KEYS {
            if let Some(variable) = key.variable
                && let Some(text) = self.environment.variable(variable)
            {
                let value = text
                    .to_str()
                    .and_then(|text| layer::parse_variable(text, key.kind));
                // Alone in the struct, so that an error is the variable's own.
                let table = value.map(|value| layer::nested(key.name, value));
                match table.filter(|table| table.clone().try_into::<T>().is_ok()) {
                    Some(table) => {
                        merged.lay(table, &Origin::Variable(variable.to_owned()), T::KEYS)
                    }
                    None => merged.wrong.push(
                        Diagnostic::error(
                            "setting-invalid",
                            format!("{variable} has a value that `{}` cannot take", key.name),
                        )
                        .at(format!("{variable}={}", text.display())),
                    ),
                }
            }
        }
        for (name, flag, value) in &self.flags {
            merged.lay(
                layer::nested(name, value.clone()),
                &Origin::Flag((*flag).to_owned()),
                T::KEYS,
            );
        }
        if !merged.wrong.is_empty() {
            return Err(SettingsError::Invalid {
                diagnostics: merged.wrong,
            }
            .into());
        }
        match merged.table.try_into() {
            Ok(settings) => Ok(Loaded {
                settings,
                origins: merged.origins,
            }),
            Err(error) => Err(Failure::new(
                Exit::Settings,
                Diagnostic::error("setting-invalid", error.message().to_owned()),
            )),
        }
    }

    fn files(&self, program: &str) -> Result<Vec<SettingsFile>, SettingsError> {
        let directory = format!("etc/igos/{program}.d");
        let mut paths = vec![
            format!("usr/lib/igos/{program}.toml"),
            format!("etc/igos/{program}.toml"),
        ];
        paths.extend(
            files::list(self.root, &directory)?
                .iter()
                .map(|name| format!("{directory}/{name}")),
        );
        let mut found = Vec::new();
        for path in &paths {
            found.extend(files::read(self.root, path)?);
        }
        if let Some(path) = self.tree_file
            && let (Some(parent), Some(name)) = (
                path.parent(),
                path.file_name().and_then(|name| name.to_str()),
            )
        {
            let parent = if parent.as_os_str().is_empty() {
                Path::new(".")
            } else {
                parent
            };
            found.extend(files::read(parent, name)?);
        }
        Ok(found)
    }
}

#[derive(Default)]
struct Merged {
    table: Table,
    origins: BTreeMap<String, Origin>,
    wrong: Vec<Diagnostic>,
}

impl Merged {
    fn lay(&mut self, table: Table, origin: &Origin, keys: &[Key]) {
        for key in keys {
            if layer::find(&table, key.name).is_some() {
                self.origins.insert(key.name.to_owned(), origin.clone());
            }
        }
        layer::merge(&mut self.table, table);
    }
}
