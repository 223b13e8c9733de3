//! The bootstrap chain: which toolchain builds which, from imported archives to the one that builds the system.
//!
//! `docs/formats/bootstrap.md` is the normative description.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use igos_format::{PackageName, Sha256};
use igos_report::Explain;
use serde::Deserialize;
use toml::Spanned;

use super::document::{self, DocumentError, Reader};
use crate::toolchain::ToolchainList;

/// Name of the document in a recipe tree.
pub const FILE: &str = "bootstrap.toml";

const CODE: &str = "bootstrap-invalid";

/// Where the first compiler comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seed {
    /// Binary packages that a list names.
    Imported(Box<ToolchainList>),
    /// A toolchain that is in the cache already.
    Present(PackageName),
}

impl Seed {
    /// Returns the toolchain's name.
    #[must_use]
    pub fn name(&self) -> &PackageName {
        match self {
            Seed::Imported(list) => &list.name,
            Seed::Present(name) => name,
        }
    }
}

/// A toolchain that is built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generation {
    /// Its name.
    pub name: PackageName,
    /// The packages that it has, with all they need to run.
    pub packages: Vec<PackageName>,
    /// The variables of compilers and linkers while its packages are built, over those of the settings.
    pub profile: BTreeMap<String, String>,
    /// Whether upstream's tests run while its packages are built.
    pub tests: GenerationTests,
    /// The earlier generation that it has to be equal to.
    pub compare: Option<PackageName>,
}

/// Whether upstream's tests run while the packages of a generation are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GenerationTests {
    /// They do, where a recipe has some.
    Run,
    /// They do not: what comes out builds the next generation and is thrown away.
    Skip,
}

/// A chain of toolchains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bootstrap {
    /// Where the first compiler comes from.
    pub seed: Seed,
    /// The digest that the seed has to have.
    pub seed_digest: Option<Sha256>,
    /// Its generations, each built by the one before.
    pub generations: Vec<Generation>,
    /// The variables of compilers and linkers while the system is built, over those of the settings.
    pub profile: BTreeMap<String, String>,
    /// The digest of its text.
    pub sha256: Sha256,
    /// The file.
    pub file: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    format: Spanned<u32>,
    seed: WrittenSeed,
    #[serde(default)]
    generation: Vec<WrittenGeneration>,
    #[serde(default)]
    system: WrittenSystem,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSeed {
    list: Option<Spanned<String>>,
    present: Option<Spanned<String>>,
    digest: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenGeneration {
    name: Spanned<String>,
    packages: Vec<Spanned<String>>,
    #[serde(default)]
    profile: BTreeMap<String, String>,
    #[serde(default = "yes")]
    tests: bool,
    compare: Option<Spanned<String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSystem {
    #[serde(default)]
    profile: BTreeMap<String, String>,
}

fn yes() -> bool {
    true
}

impl Bootstrap {
    /// Reads the chain of a recipe tree, and the list of its seed.
    ///
    /// # Errors
    ///
    /// Returns that there is none, or everything that is wrong with it.
    pub fn load(tree: &Path) -> Result<Self, DocumentError> {
        let file = tree.join(FILE);
        let text = document::read(&file)?;
        Self::parse(&file, &text, &|list| document::read(&tree.join(list)))
    }

    /// Parses the text of a chain; `file` names it in messages, `read` returns the text of a list.
    ///
    /// # Errors
    ///
    /// Returns everything that is wrong with it, and with the list.
    pub fn parse(
        file: &Path,
        text: &str,
        read: &dyn Fn(&str) -> Result<String, DocumentError>,
    ) -> Result<Self, DocumentError> {
        let (mut reader, written) =
            Reader::parse(CODE, file, text, |written: &Written| &written.format)?;
        let seed_digest = written
            .seed
            .digest
            .as_ref()
            .and_then(|digest| reader.value(digest));
        let seed = seed(&mut reader, &written.seed, file, read)?;
        let mut names: BTreeSet<String> = BTreeSet::new();
        let mut generations = Vec::new();
        for one in &written.generation {
            generations.extend(generation(&mut reader, one, &names));
            let is_seed = seed
                .as_ref()
                .is_some_and(|seed| seed.name().as_str() == one.name.get_ref());
            if !names.insert(one.name.get_ref().clone()) || is_seed {
                reader.refuse(
                    one.name.span(),
                    "another toolchain of the chain has this name",
                );
            }
        }
        let bootstrap = seed.map(|seed| Bootstrap {
            seed,
            seed_digest,
            generations,
            profile: written.system.profile,
            sha256: Sha256::of(text.as_bytes()),
            file: file.to_owned(),
        });
        reader.finish(bootstrap)
    }

    /// Returns the name of the toolchain that the generation of this number is built with, from 0.
    #[must_use]
    pub fn builder_of(&self, number: usize) -> &PackageName {
        match number.checked_sub(1) {
            Some(before) => &self.generations[before].name,
            None => self.seed.name(),
        }
    }

    /// Returns the name of the toolchain that the system is built with.
    #[must_use]
    pub fn system(&self) -> &PackageName {
        self.builder_of(self.generations.len())
    }
}

fn seed(
    reader: &mut Reader<'_>,
    written: &WrittenSeed,
    file: &Path,
    read: &dyn Fn(&str) -> Result<String, DocumentError>,
) -> Result<Option<Seed>, DocumentError> {
    match (&written.list, &written.present) {
        (Some(list), None) => {
            let name = list.get_ref();
            if name.is_empty() || name.contains('/') || name.starts_with('.') {
                reader.refuse(
                    list.span(),
                    "the list has to be the name of a file beside this one",
                );
                return Ok(None);
            }
            let text = read(name)?;
            let path = file.with_file_name(name);
            let parsed = ToolchainList::parse(&path.display().to_string(), &text);
            let list = parsed.map_err(|error| DocumentError::Invalid {
                file: path,
                diagnostics: error.diagnostics(),
            })?;
            Ok(Some(Seed::Imported(Box::new(list))))
        }
        (None, Some(name)) => Ok(reader.value(name).map(Seed::Present)),
        (list, _) => {
            let span = list.as_ref().map_or(0..0, Spanned::span);
            reader.refuse(span, "the seed has either `list` or `present`");
            Ok(None)
        }
    }
}

fn generation(
    reader: &mut Reader<'_>,
    written: &WrittenGeneration,
    earlier: &BTreeSet<String>,
) -> Option<Generation> {
    if written.packages.is_empty() {
        reader.refuse(written.name.span(), "this generation has no packages");
    }
    if let Some(compare) = &written.compare
        && !earlier.contains(compare.get_ref())
    {
        reader.refuse(compare.span(), "this is no earlier generation");
    }
    Some(Generation {
        name: reader.value(&written.name)?,
        packages: reader.values(&written.packages),
        profile: written.profile.clone(),
        tests: if written.tests {
            GenerationTests::Run
        } else {
            GenerationTests::Skip
        },
        compare: written
            .compare
            .as_ref()
            .and_then(|compare| reader.value(compare)),
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use igos_report::{Explain, Place};

    use super::{Bootstrap, DocumentError, GenerationTests, Seed};

    /// The example of the document.
    const EXAMPLE: &str = include_str!("../../../../docs/formats/bootstrap.md");

    fn parse(text: &str) -> Result<Bootstrap, DocumentError> {
        let list = "format = 1\nname = \"debian\"\nsuite = \"bookworm\"\npackages = [\"gcc\"]\n";
        Bootstrap::parse(Path::new("bootstrap.toml"), text, &|_| Ok(list.to_owned()))
    }

    #[test]
    fn example_of_the_document_is_read() {
        let example = EXAMPLE
            .split("```toml\n")
            .nth(1)
            .and_then(|rest| rest.split("```").next())
            .expect("the document has an example");
        let chain = parse(example).expect("the example is valid");
        assert!(matches!(chain.seed, Seed::Imported(_)));
        assert_eq!(chain.generations.len(), 3);
        assert_eq!(chain.generations[0].tests, GenerationTests::Skip);
        assert_eq!(chain.builder_of(0).as_str(), "debian");
        assert_eq!(chain.builder_of(1).as_str(), "stage0");
        assert_eq!(chain.system().as_str(), "stage2");
        assert_eq!(
            chain.generations[2]
                .compare
                .as_ref()
                .map(|name| name.as_str()),
            Some("stage1")
        );
    }

    #[test]
    fn everything_wrong_is_told_with_its_line() {
        let text = "format = 1\n[seed]\nlist = \"../x\"\ndigest = \"y\"\n[[generation]]\nname = \"a\"\npackages = []\n[[generation]]\nname = \"a\"\npackages = [\"p\"]\ncompare = \"b\"\n";
        let error = parse(text).expect_err("five things are wrong");
        let lines: Vec<usize> = error
            .diagnostics()
            .into_iter()
            .filter_map(|diagnostic| match diagnostic.place {
                Some(Place::Source { span, .. }) => Some(span.line),
                _ => None,
            })
            .collect();
        assert_eq!(lines, [4, 3, 6, 11, 9]);
        let both = parse("format = 1\n[seed]\nlist = \"a\"\npresent = \"b\"\n");
        assert_eq!(both.expect_err("one is too much").diagnostics().len(), 1);
    }
}
