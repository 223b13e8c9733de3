//! The text of a declared set.

use std::collections::{BTreeMap, BTreeSet};

use igos_format::{PackageName, PathPattern};
use serde::{Deserialize, Serialize};

use super::{Definition, WorldError};

/// The newest version of the text that this program reads, and the one it writes.
pub(super) const FORMAT: u32 = 2;

/// The first version of the text that can define repositories.
const DEFINES_REPOSITORIES: u32 = 2;

/// Longest text that is read, in bytes: far more than a name for every package there is.
pub(crate) const WORLD_MAX_BYTES: u64 = 4 * 1024 * 1024;

/// What a root is to be (`docs/formats/world.md`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Declared {
    /// The version of the text.
    pub(crate) format: u32,
    /// What is there for its own sake: `NAME` or `NAME=VERSION`.
    #[serde(default)]
    pub(crate) packages: BTreeSet<String>,
    /// What stays at its version.
    #[serde(default)]
    pub(crate) holds: BTreeSet<PackageName>,
    /// Repositories that have to be known.
    #[serde(default)]
    pub(crate) repositories: BTreeSet<String>,
    /// Patterns of paths that are left out.
    #[serde(default)]
    pub(crate) exclude: BTreeSet<String>,
    /// Repositories that are defined here, by name.
    #[serde(default)]
    pub(crate) repository: BTreeMap<String, Definition>,
}

impl Declared {
    /// Returns a declaration of nothing.
    pub(crate) fn empty() -> Self {
        Declared {
            format: FORMAT,
            packages: BTreeSet::new(),
            holds: BTreeSet::new(),
            repositories: BTreeSet::new(),
            exclude: BTreeSet::new(),
            repository: BTreeMap::new(),
        }
    }

    /// Reads a declaration.
    pub(crate) fn parse(file: &str, text: &str) -> Result<Self, WorldError> {
        let declared: Declared = toml::from_str(text).map_err(|source| WorldError::Text {
            file: file.to_owned(),
            text: text.to_owned(),
            source,
        })?;
        if declared.format == 0 || declared.format > FORMAT {
            return Err(WorldError::Format {
                file: file.to_owned(),
                found: declared.format,
            });
        }
        if !declared.declares_all_repositories() && !declared.repository.is_empty() {
            return Err(WorldError::TooOldToDefine {
                file: file.to_owned(),
                needed: DEFINES_REPOSITORIES,
            });
        }
        Ok(declared)
    }

    /// Tells whether there are to be no other repositories than those that the text names and defines.
    pub(crate) fn declares_all_repositories(&self) -> bool {
        self.format >= DEFINES_REPOSITORIES
    }

    /// Returns the patterns of paths that are left out.
    pub(crate) fn patterns(&self, file: &str) -> Result<BTreeSet<PathPattern>, WorldError> {
        self.exclude
            .iter()
            .map(|text| {
                text.parse().map_err(|source| WorldError::Pattern {
                    file: file.to_owned(),
                    text: text.clone(),
                    source,
                })
            })
            .collect()
    }

    /// Returns the text that declares this.
    pub(crate) fn to_text(&self) -> String {
        let list = |name: &str, values: Vec<String>| match values.as_slice() {
            [] => String::new(),
            values => {
                let lines = values.iter().map(|value| {
                    // Values of these kinds have no control characters, so that a basic string holds them.
                    format!("    {},\n", toml::Value::String(value.clone()))
                });
                format!("{name} = [\n{}]\n", lines.collect::<String>())
            }
        };
        let texts = |set: &BTreeSet<String>| set.iter().cloned().collect();
        let holds = self.holds.iter().map(ToString::to_string).collect();
        let definitions = self.repository.iter().map(|(name, definition)| {
            // The name of a repository may have dots, which separate keys where they stand bare.
            let name = match name.contains('.') {
                true => toml::Value::String(name.clone()).to_string(),
                false => name.clone(),
            };
            let body = toml::to_string(definition).expect("texts, numbers and lists are TOML");
            format!("\n[repository.{name}]\n{body}")
        });
        format!(
            "format = {}\n{}{}{}{}{}",
            self.format,
            list("packages", texts(&self.packages)),
            list("holds", holds),
            list("repositories", texts(&self.repositories)),
            list("exclude", texts(&self.exclude)),
            definitions.collect::<String>(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::Declared;

    const DOCUMENT: &str = include_str!("../../../../docs/formats/world.md");

    #[test]
    fn examples_of_the_document_are_read_and_written() {
        let examples = DOCUMENT.split("```toml\n").skip(1);
        let mut count = 0;
        for example in examples {
            let example = example.split("```").next().expect("it ends");
            let declared = Declared::parse("world.toml", example).expect("it is one");
            assert_eq!(declared.to_text(), example);
            assert!(declared.patterns("world.toml").is_ok());
            count += 1;
        }
        assert_eq!(count, 2);
    }

    #[test]
    fn unknown_keys_newer_formats_and_other_texts_are_refused() {
        for text in [
            "",
            "format = 0\n",
            "format = 3\n",
            "format = 1\npackage = []\n",
            "format = 1\nholds = [\"a b\"]\n",
            "format = 1\npackages = \"zlib\"\n",
            "format = 2\n[repository.main]\n",
            "format = 2\n[repository.main]\nurl = \"ftp://a\"\n",
            "format = 2\n[repository.main]\nurl = \"/srv\"\npriorty = 1\n",
            "format = 2\n[repository.main]\nurl = \"/srv\"\npins = [\"a/b\"]\n",
            "format = 1\n[repository.main]\nurl = \"/srv\"\ntrusted-root = \"\"\n",
        ] {
            assert!(Declared::parse("world.toml", text).is_err(), "{text:?}");
        }
        assert_eq!(
            Declared::parse("world.toml", "format = 2\n").ok(),
            Some(Declared::empty())
        );
    }
}
