//! A declared set: what a root is to be, as a text that people write and `pkm world` prints.

use std::collections::BTreeSet;

use igos_format::{PackageName, PathPattern};
use igos_report::{Diagnostic, Explain};
use serde::{Deserialize, Serialize};

/// The version of the text this program reads and writes.
const FORMAT: u32 = 1;

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
}

/// A text does not declare what a root is to be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WorldError {
    /// It is no TOML, or not with these keys.
    #[error("{file} does not say what a root is to be")]
    Text {
        /// The file.
        file: String,
        /// Its text.
        text: String,
        /// What is wrong.
        #[source]
        source: toml::de::Error,
    },
    /// It is for another version of this program.
    #[error("{file} has format {found}, this program knows {FORMAT}")]
    Format {
        /// The file.
        file: String,
        /// What it has.
        found: u32,
    },
    /// One of its patterns is none.
    #[error("{text:?} in {file} is no pattern of paths")]
    Pattern {
        /// The file.
        file: String,
        /// The pattern.
        text: String,
        /// Why not.
        #[source]
        source: igos_format::PatternError,
    },
    /// One of its repositories is not known.
    #[error("{file} asks for repository {name}, which this root does not know")]
    Repository {
        /// The file.
        file: String,
        /// The repository.
        name: String,
    },
}

impl Explain for WorldError {
    fn code(&self) -> &'static str {
        match self {
            WorldError::Text { .. } => "world-text",
            WorldError::Format { .. } => "world-newer-format",
            WorldError::Pattern { .. } => "world-pattern",
            WorldError::Repository { .. } => "world-repository",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            WorldError::Repository { name, .. } => {
                vec![format!(
                    "make it known: `pkm repository add {name} URL --root-key FILE`"
                )]
            }
            _ => Vec::new(),
        }
    }

    fn exit_code(&self) -> u8 {
        3
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        let mut diagnostic = igos_report::diagnose(self);
        if let WorldError::Text { file, text, source } = self {
            diagnostic.because = vec![source.message().to_owned()];
            if let Some(span) = source.span() {
                diagnostic = diagnostic.at_source(file, text, span);
            }
        }
        vec![diagnostic]
    }
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
        }
    }

    /// Reads a declaration.
    pub(crate) fn parse(file: &str, text: &str) -> Result<Self, WorldError> {
        let declared: Declared = toml::from_str(text).map_err(|source| WorldError::Text {
            file: file.to_owned(),
            text: text.to_owned(),
            source,
        })?;
        if declared.format != FORMAT {
            return Err(WorldError::Format {
                file: file.to_owned(),
                found: declared.format,
            });
        }
        Ok(declared)
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
        format!(
            "format = {}\n{}{}{}{}",
            self.format,
            list("packages", texts(&self.packages)),
            list("holds", holds),
            list("repositories", texts(&self.repositories)),
            list("exclude", texts(&self.exclude)),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::Declared;

    const DOCUMENT: &str = include_str!("../../../docs/formats/world.md");

    #[test]
    fn example_of_the_document_is_read_and_written() {
        let example = DOCUMENT.split("```toml\n").nth(1).expect("it has one");
        let example = example.split("```").next().expect("it ends");
        let declared = Declared::parse("world.toml", example).expect("it is one");
        assert_eq!(declared.to_text(), example);
        assert!(declared.patterns("world.toml").is_ok());
    }

    #[test]
    fn unknown_keys_newer_formats_and_other_texts_are_refused() {
        for text in [
            "",
            "format = 2\n",
            "format = 1\npackage = []\n",
            "format = 1\nholds = [\"a b\"]\n",
            "format = 1\npackages = \"zlib\"\n",
        ] {
            assert!(Declared::parse("world.toml", text).is_err(), "{text:?}");
        }
        assert_eq!(
            Declared::parse("world.toml", "format = 1\n").ok(),
            Some(Declared::empty())
        );
    }
}
