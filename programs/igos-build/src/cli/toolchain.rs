//! `igos-build toolchain`

use std::fmt;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use igos_cli::{Answer, Failure, Globals, Render, Session, Size};
use igos_format::{Arch, PackageName, Sha256};
use igos_repo::debian::Refresh;
use igos_report::Explain;
use serde::Serialize;

use super::recipes::RecipeFlags;
use super::toolchain_compare::CompareCommand;
use super::toolchain_make::MakeCommand;
use super::workshop::{Workshop, WorkshopFlags};
use crate::toolchain::{
    ImportInput, Imported, Toolchain, ToolchainArchive, ToolchainList, import, resolve,
};

/// Import, make, compare and show the toolchains that builds use
#[derive(Debug, Subcommand)]
pub(super) enum ToolchainCommand {
    /// Make a toolchain from binary packages of Debian
    ///
    /// The packages of a list and all they depend on are found in the signed index of a suite, fetched, verified
    /// and converted into archives marked as imported. The same packages give the same toolchain, byte by byte.
    Import(ImportCommand),
    Make(MakeCommand),
    Compare(CompareCommand),
    /// Show what a toolchain consists of
    Show(ShowCommand),
}

/// The flags of `toolchain import`.
#[derive(Debug, Args)]
pub(super) struct ImportCommand {
    /// What to import [default: the list that comes with this program]
    #[arg(long, value_name = "FILE")]
    list: Option<PathBuf>,
    /// The suite whose packages are imported [default: as the list says]
    #[arg(long, value_name = "SUITE")]
    suite: Option<String>,
    /// Fetch the index of the suite anew, to get newer packages
    #[arg(long)]
    update: bool,
}

/// The flags of `toolchain show`.
#[derive(Debug, Args)]
pub(super) struct ShowCommand {
    /// The toolchain
    #[arg(default_value = "debian-bookworm")]
    name: PackageName,
}

/// A list cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {}", path.display())]
struct ReadListError {
    path: PathBuf,
    #[source]
    source: std::io::Error,
}

impl Explain for ReadListError {
    fn code(&self) -> &'static str {
        "toolchain-list-unreadable"
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    Made,
    Unchanged,
    Planned,
    Present,
}

#[derive(Debug, Serialize)]
pub(super) struct ToolchainAnswer {
    name: PackageName,
    state: State,
    arch: Arch,
    digest: Option<Sha256>,
    /// Bytes of all archives; of all packages to fetch while there are none.
    size: u64,
    /// Bytes of all files, unknown before they are made.
    installed_size: Option<u64>,
    archives: Vec<ArchiveAnswer>,
}

#[derive(Debug, Serialize)]
struct ArchiveAnswer {
    name: PackageName,
    version: String,
    seal: Option<Sha256>,
    size: u64,
    installed_size: Option<u64>,
    deb: Option<Sha256>,
}

impl ToolchainCommand {
    /// Carries out the command.
    ///
    /// # Errors
    ///
    /// Returns why there is no toolchain.
    pub(super) fn execute(
        self,
        globals: &Globals,
        workshop: &WorkshopFlags,
        recipes: &RecipeFlags,
        session: &Session,
    ) -> Result<Answer, Failure> {
        match self {
            ToolchainCommand::Import(command) => {
                let workshop = workshop.open(globals, recipes, session)?;
                command.execute(&workshop, globals.dry_run, session)
            }
            ToolchainCommand::Make(command) => command.execute(globals, workshop, recipes, session),
            ToolchainCommand::Compare(command) => {
                command.execute(&workshop.open(globals, recipes, session)?)
            }
            ToolchainCommand::Show(command) => {
                let workshop = workshop.open(globals, recipes, session)?;
                let directory = workshop.cache.toolchains().join(command.name.as_str());
                let toolchain = Toolchain::load(&directory)?;
                Ok(Answer::from(answer(&toolchain, State::Present)))
            }
        }
    }
}

impl ImportCommand {
    fn execute(
        self,
        workshop: &Workshop,
        is_dry_run: bool,
        session: &Session,
    ) -> Result<Answer, Failure> {
        let mut list = match &self.list {
            None => ToolchainList::built_in(),
            Some(path) => {
                let text = fs_err::read_to_string(path).map_err(|source| ReadListError {
                    path: path.clone(),
                    source,
                })?;
                ToolchainList::parse(&path.display().to_string(), &text)?
            }
        };
        if let Some(suite) = self.suite {
            list.suite = suite;
        }
        let input = ImportInput {
            list: &list,
            arch: Arch::native(),
            debian: workshop.debian(),
            refresh: if self.update {
                Refresh::Now
            } else {
                Refresh::IfAbsent
            },
            fetcher: &workshop.debian_fetcher(),
            toolchains: &workshop.cache.toolchains(),
            jobs: workshop.jobs(),
        };
        if is_dry_run {
            return Ok(Answer::from(planned(&input, session)?));
        }
        let imported = import(&input, session.reporter())?;
        let state = match imported {
            Imported::Made(_) => State::Made,
            Imported::Unchanged(_) => State::Unchanged,
        };
        Ok(Answer::from(answer(imported.toolchain(), state)))
    }
}

fn planned(input: &ImportInput<'_>, session: &Session) -> Result<ToolchainAnswer, Failure> {
    let packages = resolve(input, session.reporter())?;
    let archives: Vec<_> = packages
        .into_iter()
        .map(|package| ArchiveAnswer {
            name: package.name,
            version: package.version,
            seal: None,
            size: package.size,
            installed_size: None,
            deb: Some(package.sha256),
        })
        .collect();
    Ok(ToolchainAnswer {
        name: input.list.name.clone(),
        state: State::Planned,
        arch: input.arch,
        digest: None,
        size: archives.iter().map(|archive| archive.size).sum(),
        installed_size: None,
        archives,
    })
}

/// Returns what a toolchain consists of.
pub(super) fn answer(toolchain: &Toolchain, state: State) -> ToolchainAnswer {
    let archive = |archive: &ToolchainArchive| ArchiveAnswer {
        name: archive.name.clone(),
        version: archive.version.clone(),
        seal: Some(archive.seal),
        size: archive.size,
        installed_size: Some(archive.installed_size),
        deb: archive.origin.as_ref().map(|origin| origin.sha256),
    };
    let archives: Vec<_> = toolchain.archives().iter().map(archive).collect();
    ToolchainAnswer {
        name: toolchain.name().clone(),
        state,
        arch: toolchain.arch(),
        digest: Some(toolchain.digest()),
        size: archives.iter().map(|archive| archive.size).sum(),
        installed_size: archives.iter().map(|archive| archive.installed_size).sum(),
        archives,
    }
}

impl Render for ToolchainAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        for archive in &self.archives {
            writeln!(
                out,
                "{:<26} {:<28} {:>10}",
                archive.name,
                archive.version,
                Size(archive.size).to_string()
            )?;
        }
        let count = self.archives.len();
        let size = Size(self.size);
        let name = &self.name;
        match (self.state, self.digest, self.installed_size) {
            (State::Planned, _, _) | (_, None, _) => {
                writeln!(out, "{name}: {count} packages, {size} to fetch")
            }
            (state, Some(digest), installed) => {
                let word = match state {
                    State::Unchanged => "unchanged",
                    State::Made => "made",
                    State::Present | State::Planned => "present",
                };
                let installed = Size(installed.unwrap_or(0));
                writeln!(
                    out,
                    "{name}: {word}, {count} archives, {size} packed, {installed} installed\ndigest {digest}"
                )
            }
        }
    }
}
