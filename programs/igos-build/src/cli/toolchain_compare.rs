//! `igos-build toolchain compare`

use std::fmt;

use clap::Args;
use igos_cli::{Answer, Exit, Failure, Render};
use igos_format::{PackageName, Sha256};
use igos_report::Explain;
use serde::Serialize;

use super::workshop::Workshop;
use crate::toolchain::{Change, Compared, Likeness, Toolchain, compare};

/// Compare two toolchains, archive by archive
///
/// A bootstrap is done when the toolchain of one generation, used to build itself, gives itself again. The answer is
/// yes where all packages have the same contents; where all they were made from is the same as well, the archives are
/// identical byte by byte. For a package that differs, the first path that does is named.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  igos-build toolchain compare stage2 stage3\n  igos-build toolchain compare stage2 stage3 --only gcc --only musl"
)]
pub(super) struct CompareCommand {
    /// The one
    first: PackageName,
    /// The other
    second: PackageName,
    /// Compare this package; may be repeated [default: all packages]
    #[arg(long, value_name = "PACKAGE")]
    only: Vec<PackageName>,
}

#[derive(Debug, Serialize)]
struct CompareAnswer {
    first: ToolchainName,
    second: ToolchainName,
    archives: Vec<ArchiveAnswer>,
    identical: usize,
    same_contents: usize,
    different: usize,
}

#[derive(Debug, Serialize)]
struct ToolchainName {
    name: PackageName,
    digest: Sha256,
}

#[derive(Debug, Serialize)]
struct ArchiveAnswer {
    name: PackageName,
    first: Option<Sha256>,
    second: Option<Sha256>,
    likeness: Word,
    /// How many paths differ.
    differing_paths: usize,
    /// The first of them, and how.
    path: Option<String>,
    change: Option<&'static str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Word {
    Identical,
    SameContents,
    Different,
    OnlyFirst,
    OnlySecond,
}

/// Neither toolchain has a package that was asked for.
#[derive(Debug, thiserror::Error)]
#[error("neither toolchain has the package {name}")]
struct NoSuchPackage {
    name: PackageName,
}

impl Explain for NoSuchPackage {
    fn code(&self) -> &'static str {
        "package-not-in-toolchain"
    }

    fn exit_code(&self) -> u8 {
        1
    }
}

impl CompareCommand {
    /// Carries out the command.
    ///
    /// # Errors
    ///
    /// Returns the toolchain or the archive that cannot be read.
    pub(super) fn execute(self, workshop: &Workshop) -> Result<Answer, Failure> {
        let load =
            |name: &PackageName| Toolchain::load(&workshop.cache.toolchains().join(name.as_str()));
        let (first, second) = (load(&self.first)?, load(&self.second)?);
        let compared = compare(&first, &second)?;
        let unknown = self
            .only
            .iter()
            .find(|name| compared.iter().all(|one| one.name != **name));
        if let Some(name) = unknown {
            return Err(Failure::from(NoSuchPackage { name: name.clone() }));
        }
        let archives: Vec<ArchiveAnswer> = compared
            .into_iter()
            .filter(|one| self.only.is_empty() || self.only.contains(&one.name))
            .map(archive)
            .collect();
        let count = |word: Word| archives.iter().filter(|one| one.likeness == word).count();
        let (identical, same_contents) = (count(Word::Identical), count(Word::SameContents));
        let answer = CompareAnswer {
            different: archives.len() - identical - same_contents,
            first: named(&first),
            second: named(&second),
            archives,
            identical,
            same_contents,
        };
        Ok(Answer::from(answer))
    }
}

fn named(toolchain: &Toolchain) -> ToolchainName {
    ToolchainName {
        name: toolchain.name().clone(),
        digest: toolchain.digest(),
    }
}

fn archive(compared: Compared) -> ArchiveAnswer {
    let (likeness, difference) = match compared.likeness {
        Likeness::Identical => (Word::Identical, None),
        Likeness::SameContents => (Word::SameContents, None),
        Likeness::Different { difference, .. } => (Word::Different, Some(difference)),
        Likeness::OnlyFirst => (Word::OnlyFirst, None),
        Likeness::OnlySecond => (Word::OnlySecond, None),
    };
    let difference = difference.unwrap_or_default();
    let (path, change) = difference.first.unzip();
    ArchiveAnswer {
        name: compared.name,
        first: compared.first,
        second: compared.second,
        likeness,
        differing_paths: difference.paths,
        path: path.map(|path| format!("/{path}")),
        change: change.map(word_of),
    }
}

fn word_of(change: Change) -> &'static str {
    match change {
        Change::Added => "added",
        Change::Removed => "removed",
        Change::Bytes => "bytes",
        Change::Kind => "kind",
    }
}

impl Render for CompareAnswer {
    fn exit(&self) -> Exit {
        match self.different {
            0 => Exit::Done,
            _ => Exit::No,
        }
    }

    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        for archive in &self.archives {
            let word = match archive.likeness {
                Word::Identical => "identical".to_owned(),
                Word::SameContents => "same contents, made from something else".to_owned(),
                Word::OnlyFirst => format!("only in {}", self.first.name),
                Word::OnlySecond => format!("only in {}", self.second.name),
                Word::Different => match (&archive.path, archive.change) {
                    (Some(path), Some(change)) => format!(
                        "different: {} paths, the first {path} ({change})",
                        archive.differing_paths
                    ),
                    _ => "different in what it says of itself".to_owned(),
                },
            };
            writeln!(out, "{:<26} {word}", archive.name)?;
        }
        writeln!(
            out,
            "{} and {}: {} identical, {} with the same contents, {} different",
            self.first.name, self.second.name, self.identical, self.same_contents, self.different
        )
    }
}
