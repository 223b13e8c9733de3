//! The list that a toolchain is imported from.

use std::collections::{BTreeMap, BTreeSet};

use igos_format::{PackageName, PathPattern, RelPath, Sha256};
use igos_report::{Diagnostic, Explain};
use serde::Deserialize;

/// The list that comes with this program.
const BUILT_IN: &str = include_str!("../../data/toolchains/debian-bookworm.toml");

/// What a toolchain consists of, validated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolchainList {
    /// The toolchain's name.
    pub name: PackageName,
    /// The suite whose packages are imported.
    pub suite: String,
    /// Packages to import, with all they depend on.
    pub packages: BTreeSet<String>,
    /// Packages to leave out although something depends on them.
    pub without: BTreeSet<String>,
    /// Paths to leave out, after the merge below `usr`.
    pub drop: Vec<PathPattern>,
    /// Top-level directories whose contents go below `usr`.
    pub usr_merge: BTreeSet<String>,
    /// Symbolic links to make: path and target.
    pub links: BTreeMap<RelPath, String>,
    /// The digest of the list's text.
    pub sha256: Sha256,
}

/// A list of a toolchain cannot be used: everything that is wrong with it.
#[derive(Debug, thiserror::Error)]
#[error("toolchain list {file} cannot be used")]
pub struct ListError {
    file: String,
    diagnostics: Vec<Diagnostic>,
}

impl Explain for ListError {
    fn code(&self) -> &'static str {
        "toolchain-list-invalid"
    }

    fn exit_code(&self) -> u8 {
        1
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        self.diagnostics.clone()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Written {
    format: toml::Spanned<u32>,
    name: toml::Spanned<String>,
    suite: String,
    packages: Vec<toml::Spanned<String>>,
    #[serde(default)]
    without: Vec<toml::Spanned<String>>,
    #[serde(default)]
    drop: Vec<toml::Spanned<String>>,
    #[serde(default)]
    usr_merge: Vec<toml::Spanned<String>>,
    #[serde(default)]
    links: BTreeMap<String, toml::Spanned<String>>,
}

impl ToolchainList {
    /// Returns the list that comes with this program.
    ///
    /// # Panics
    ///
    /// Never: a test parses it.
    #[must_use]
    pub fn built_in() -> Self {
        Self::parse("debian-bookworm.toml", BUILT_IN).expect("the list of this program is valid")
    }

    /// Parses the text of a list; `file` names it in messages.
    ///
    /// # Errors
    ///
    /// Returns everything that is wrong with it.
    pub fn parse(file: &str, text: &str) -> Result<Self, ListError> {
        let written: Written = toml::from_str(text).map_err(|error| {
            let span = error.span().unwrap_or(0..0);
            let diagnostic = Diagnostic::error("toolchain-list-invalid", error.message());
            ListError {
                file: file.to_owned(),
                diagnostics: vec![diagnostic.at_source(file, text, span)],
            }
        })?;
        let mut reader = Reader {
            file,
            text,
            diagnostics: Vec::new(),
        };
        let list = reader.read(written);
        match list {
            Some(list) if reader.diagnostics.is_empty() => Ok(list),
            _ => Err(ListError {
                file: file.to_owned(),
                diagnostics: reader.diagnostics,
            }),
        }
    }
}

struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    diagnostics: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn read(&mut self, written: Written) -> Option<ToolchainList> {
        if *written.format.get_ref() != 1 {
            self.refuse(
                &written.format,
                "format is not 1, the only one this program knows",
            );
        }
        let name = self.value(&written.name, str::parse);
        let packages = self.names(&written.packages);
        let without = self.names(&written.without);
        let drop = written
            .drop
            .iter()
            .filter_map(|text| self.value(text, str::parse))
            .collect();
        let usr_merge = self.names(&written.usr_merge);
        let mut links = BTreeMap::new();
        for (path, target) in &written.links {
            let parsed = path.parse::<RelPath>();
            match parsed {
                Err(error) => self.refuse(target, &error.to_string()),
                Ok(_)
                    if target.get_ref().is_empty()
                        || target.get_ref().chars().any(char::is_control) =>
                {
                    self.refuse(
                        target,
                        "target of a link is empty or has a control character",
                    );
                }
                Ok(path) => {
                    links.insert(path, target.get_ref().clone());
                }
            }
        }
        Some(ToolchainList {
            name: name?,
            suite: written.suite,
            packages,
            without,
            drop,
            usr_merge,
            links,
            sha256: Sha256::of(self.text.as_bytes()),
        })
    }

    fn names(&mut self, written: &[toml::Spanned<String>]) -> BTreeSet<String> {
        let parse = |text: &str| text.parse::<PackageName>().map(|name| name.to_string());
        written
            .iter()
            .filter_map(|text| self.value(text, parse))
            .collect()
    }

    fn value<T, E: std::error::Error>(
        &mut self,
        written: &toml::Spanned<String>,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        match parse(written.get_ref()) {
            Ok(value) => Some(value),
            Err(error) => {
                self.refuse(written, &error.to_string());
                None
            }
        }
    }

    fn refuse<T>(&mut self, place: &toml::Spanned<T>, message: &str) {
        let diagnostic = Diagnostic::error("toolchain-list-invalid", message);
        self.diagnostics
            .push(diagnostic.at_source(self.file, self.text, place.span()));
    }
}

#[cfg(test)]
mod tests {
    use igos_report::Explain;

    use super::ToolchainList;

    #[test]
    fn built_in_list_is_valid() {
        let list = ToolchainList::built_in();
        assert_eq!(list.name.as_str(), "debian-bookworm");
        assert!(list.packages.contains("gcc"));
    }

    #[test]
    fn everything_wrong_with_a_list_is_told_with_its_line() {
        let text = "format = 2\nname = \"a b\"\nsuite = \"s\"\npackages = [\"-x\"]\n[links]\n\"../x\" = \"y\"\n";
        let error = ToolchainList::parse("list.toml", text).expect_err("four things are wrong");
        let lines: Vec<_> = error
            .diagnostics()
            .into_iter()
            .filter_map(|diagnostic| match diagnostic.place {
                Some(igos_report::Place::Source { span, .. }) => Some(span.line),
                _ => None,
            })
            .collect();
        assert_eq!(lines, [1, 2, 4, 6]);
        let unknown = ToolchainList::parse("list.toml", "format = 1\ncolour = 3\n")
            .expect_err("a key is unknown");
        assert_eq!(unknown.diagnostics().len(), 1);
    }
}
