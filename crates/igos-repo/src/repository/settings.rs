//! The settings of one repository: where it is, what it may provide, whom it is believed.
//!
//! `docs/formats/repositories.d.md` is the normative description.

use std::fmt;
use std::str::FromStr;

use igos_format::PackageName;
use igos_format::PathPattern;
use igos_report::Diagnostic;
use serde::{Deserialize, Serialize, Serializer};
use toml::de::{DeTable, DeValue};

use super::{RepositoryAddress, RepositoryName};

/// Largest settings file of a repository, in bytes: one with its root inside has some thousand.
pub(super) const FILE_MAX_BYTES: u64 = 1024 * 1024;

/// The priority of a repository whose settings name none.
const PRIORITY_DEFAULT: u16 = 50;

/// Every key there is.
const KEYS: [&str; 7] = [
    "enabled",
    "mirrors",
    "pins",
    "priority",
    "trusted-root",
    "trusted-root-file",
    "url",
];

/// Which of several repositories provides a package that they all have: the one with the highest number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Priority(pub u16);

/// Whether a repository is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Enabled {
    /// It is.
    Yes,
    /// It is kept, and neither asked nor synchronised.
    No,
}

/// Where the `root.json` is that a repository is trusted by, to begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrustedRoot {
    /// In a file: beside the settings, or at an absolute path below the root directory.
    File(String),
    /// In the settings themselves.
    Inline(String),
}

/// A pattern of package names, in which `*` stands for any characters and `?` for one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct NamePattern(PathPattern);

/// A text is not a pattern of package names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a pattern of package names such as `linux-*`")]
pub struct NamePatternError {
    text: String,
}

impl NamePattern {
    /// Tells whether `name` matches.
    #[must_use]
    pub fn is_match(&self, name: &PackageName) -> bool {
        // Every name is a path of one component.
        name.as_str()
            .parse()
            .is_ok_and(|path| self.0.is_match(&path))
    }
}

impl FromStr for NamePattern {
    type Err = NamePatternError;

    fn from_str(text: &str) -> Result<Self, NamePatternError> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "+._-*?".contains(c);
        let pattern = text.chars().all(is_plain).then(|| text.parse().ok());
        match pattern.flatten() {
            Some(pattern) => Ok(NamePattern(pattern)),
            None => Err(NamePatternError {
                text: text.to_owned(),
            }),
        }
    }
}

impl TryFrom<String> for NamePattern {
    type Error = NamePatternError;

    fn try_from(text: String) -> Result<Self, NamePatternError> {
        text.parse()
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl Serialize for NamePattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The settings of one repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositorySettings {
    /// Its name: that of the file.
    pub name: RepositoryName,
    /// Where it is.
    pub url: RepositoryAddress,
    /// Copies of it, asked in this order after `url`. They are trusted with nothing.
    pub mirrors: Vec<RepositoryAddress>,
    /// Its priority.
    pub priority: Priority,
    /// Which names of packages it may provide; empty for all.
    pub pins: Vec<NamePattern>,
    /// Whether it is used.
    pub enabled: Enabled,
    /// Whom it is believed, to begin with.
    pub trusted_root: TrustedRoot,
}

/// The file as it is written.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct Written {
    url: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mirrors: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<u16>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pins: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trusted_root_file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trusted_root: Option<String>,
}

impl RepositorySettings {
    /// Returns the settings of a repository with the defaults: priority 50, all names, enabled.
    #[must_use]
    pub fn new(name: RepositoryName, url: RepositoryAddress, trusted_root: TrustedRoot) -> Self {
        RepositorySettings {
            name,
            url,
            mirrors: Vec::new(),
            priority: Priority(PRIORITY_DEFAULT),
            pins: Vec::new(),
            enabled: Enabled::Yes,
            trusted_root,
        }
    }

    /// Returns where it is, in the order in which the places are asked.
    pub fn addresses(&self) -> impl Iterator<Item = &RepositoryAddress> {
        std::iter::once(&self.url).chain(&self.mirrors)
    }

    /// Tells whether it may provide packages of this name.
    #[must_use]
    pub fn may_provide(&self, name: &PackageName) -> bool {
        self.pins.is_empty() || self.pins.iter().any(|pin| pin.is_match(name))
    }

    /// Returns the settings that `text` says, which is the content of `file`.
    ///
    /// # Errors
    ///
    /// Returns everything that is wrong with them, each with its place.
    pub fn parse(name: RepositoryName, file: &str, text: &str) -> Result<Self, Vec<Diagnostic>> {
        let at = |error: &toml::de::Error| {
            let diagnostic = Diagnostic::error("setting-invalid", error.message().to_owned());
            vec![match error.span() {
                Some(span) => diagnostic.at_source(file, text, span),
                None => diagnostic.at(file),
            }]
        };
        let document = DeTable::parse(text).map_err(|error| at(&error))?;
        let mut wrong = unknown_keys(document.get_ref(), file, text);
        let written: Written = toml::from_str(text).map_err(|error| at(&error))?;
        let place = |diagnostic: Diagnostic, key: &str| match span_of(document.get_ref(), key) {
            Some(span) => diagnostic.at_source(file, text, span),
            None => diagnostic.at(file),
        };
        let parsed = written.parse(name, &mut |key, message| {
            wrong.push(place(Diagnostic::error("setting-invalid", message), key));
        });
        match parsed {
            Some(parsed) if wrong.is_empty() => Ok(parsed),
            _ => Err(wrong),
        }
    }

    /// Returns the text of the settings.
    #[must_use]
    pub fn to_text(&self) -> String {
        let (file, inline) = match &self.trusted_root {
            TrustedRoot::File(path) => (Some(path.clone()), None),
            TrustedRoot::Inline(text) => (None, Some(text.clone())),
        };
        let written = Written {
            url: self.url.to_string(),
            mirrors: self.mirrors.iter().map(ToString::to_string).collect(),
            priority: Some(self.priority.0).filter(|priority| *priority != PRIORITY_DEFAULT),
            pins: self.pins.iter().map(ToString::to_string).collect(),
            enabled: (self.enabled == Enabled::No).then_some(false),
            trusted_root_file: file,
            trusted_root: inline,
        };
        toml::to_string(&written).expect("texts, numbers and lists are TOML")
    }
}

impl Written {
    fn parse(
        self,
        name: RepositoryName,
        refuse: &mut dyn FnMut(&str, String),
    ) -> Option<RepositorySettings> {
        let url = parse_each("url", vec![self.url], refuse).pop();
        let mirrors = parse_each("mirrors", self.mirrors, refuse);
        let pins = parse_each("pins", self.pins, refuse);
        let trusted_root = match (self.trusted_root_file, self.trusted_root) {
            (Some(file), None) => Some(TrustedRoot::File(file)),
            (None, Some(text)) => Some(TrustedRoot::Inline(text)),
            (file, _) => {
                let count = if file.is_some() { "both" } else { "neither" };
                refuse(
                    "trusted-root",
                    format!(
                        "there are {count} of `trusted-root-file` and `trusted-root`: one says whom the repository is believed"
                    ),
                );
                None
            }
        };
        Some(RepositorySettings {
            mirrors,
            pins,
            priority: Priority(self.priority.unwrap_or(PRIORITY_DEFAULT)),
            enabled: match self.enabled {
                Some(false) => Enabled::No,
                Some(true) | None => Enabled::Yes,
            },
            ..RepositorySettings::new(name, url?, trusted_root?)
        })
    }
}

fn parse_each<T: FromStr<Err: fmt::Display>>(
    key: &str,
    texts: Vec<String>,
    refuse: &mut dyn FnMut(&str, String),
) -> Vec<T> {
    let mut parsed = Vec::new();
    for text in texts {
        match text.parse() {
            Ok(value) => parsed.push(value),
            Err(error) => refuse(key, format!("{key}: {error}")),
        }
    }
    parsed
}

fn unknown_keys(document: &DeTable<'_>, file: &str, text: &str) -> Vec<Diagnostic> {
    let mut unknown = Vec::new();
    for key in document.keys() {
        let found: &str = key.get_ref();
        if KEYS.contains(&found) {
            continue;
        }
        let message = format!("a repository has no setting `{found}`");
        let diagnostic =
            Diagnostic::error("setting-unknown", message).at_source(file, text, key.span());
        let distance = |known: &&str| strsim::damerau_levenshtein(found, known);
        let best = KEYS.into_iter().min_by_key(|known| distance(known));
        unknown.push(match best {
            Some(best) if distance(&best) <= (found.len() / 3).max(1) => {
                diagnostic.hint(format!("did you mean `{best}`?"))
            }
            _ => diagnostic.hint(format!("there are {}", KEYS.join(", "))),
        });
    }
    unknown
}

fn span_of(document: &DeTable<'_>, key: &str) -> Option<std::ops::Range<usize>> {
    let (_, value): (_, &toml::Spanned<DeValue<'_>>) =
        document.iter().find(|(found, _)| found.get_ref() == key)?;
    Some(value.span())
}
