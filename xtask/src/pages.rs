//! Man pages and completions, from the definitions that parse the command line.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory};
use clap_complete::env::{Bash, EnvCompleter, Fish, Zsh};
use fs_err as fs;
use igos_build::cli::IgosBuild;
use igos_cli::{Exit, Render};
use pkm::cli::Pkm;
use serde::Serialize;

use crate::workspace::ChoreError;

/// Directory of the pages, from the top.
const MAN: &str = "docs/man";

/// Files that were written, or that are not what they should be.
#[derive(Debug, Serialize)]
pub(crate) struct PagesAnswer {
    written: Vec<PathBuf>,
    differing: Vec<PathBuf>,
}

impl Render for PagesAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        for path in &self.differing {
            writeln!(
                out,
                "{} is not what the command definitions say; run `cargo xtask man`",
                path.display()
            )?;
        }
        match self.written.len() {
            0 => writeln!(out, "{} files differ", self.differing.len()),
            count => writeln!(out, "{count} files written"),
        }
    }

    fn exit(&self) -> Exit {
        if self.differing.is_empty() {
            Exit::Done
        } else {
            Exit::No
        }
    }
}

fn programs() -> [Command; 2] {
    [IgosBuild::command(), Pkm::command()]
}

/// Writes the man pages.
pub(crate) fn write(top: &Path) -> Result<PagesAnswer, ChoreError> {
    let directory = top.join(MAN);
    fs::create_dir_all(&directory).map_err(ChoreError::File)?;
    let pages = pages()?;
    for name in present(&directory)?
        .iter()
        .filter(|name| !pages.contains_key(*name))
    {
        fs::remove_file(directory.join(name)).map_err(ChoreError::File)?;
    }
    let mut written = Vec::new();
    for (name, page) in pages {
        fs::write(directory.join(&name), page).map_err(ChoreError::File)?;
        written.push(Path::new(MAN).join(name));
    }
    Ok(PagesAnswer {
        written,
        differing: Vec::new(),
    })
}

/// Compares the man pages with the command definitions.
pub(crate) fn check(top: &Path) -> Result<PagesAnswer, ChoreError> {
    let directory = top.join(MAN);
    let pages = pages()?;
    let mut differing: Vec<PathBuf> = Vec::new();
    for name in present(&directory)?
        .iter()
        .filter(|name| !pages.contains_key(*name))
    {
        differing.push(Path::new(MAN).join(name));
    }
    for (name, page) in pages {
        // A page that cannot be read is not what it should be.
        if fs::read(directory.join(&name)).ok().as_ref() != Some(&page) {
            differing.push(Path::new(MAN).join(name));
        }
    }
    differing.sort();
    Ok(PagesAnswer {
        written: Vec::new(),
        differing,
    })
}

/// Writes completions for the shells that people use: each asks the program itself what could stand next, so that names
/// of packages are completed too.
pub(crate) fn completions(directory: &Path) -> Result<PagesAnswer, ChoreError> {
    let shells: [(&dyn EnvCompleter, &str, &str); 3] =
        [(&Bash, "", ".bash"), (&Fish, "", ".fish"), (&Zsh, "_", "")];
    fs::create_dir_all(directory).map_err(ChoreError::File)?;
    let mut written = Vec::new();
    for program in programs() {
        let name = program.get_name();
        for (shell, before, after) in shells {
            let path = directory.join(format!("{before}{name}{after}"));
            let mut script = Vec::new();
            shell
                .write_registration("COMPLETE", name, name, name, &mut script)
                .map_err(ChoreError::File)?;
            fs::write(&path, script).map_err(ChoreError::File)?;
            written.push(path);
        }
    }
    Ok(PagesAnswer {
        written,
        differing: Vec::new(),
    })
}

fn present(directory: &Path) -> Result<Vec<String>, ChoreError> {
    if !directory.exists() {
        return Ok(Vec::new());
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(directory).map_err(ChoreError::File)? {
        names.push(
            entry
                .map_err(ChoreError::File)?
                .file_name()
                .to_string_lossy()
                .into_owned(),
        );
    }
    Ok(names)
}

/// Returns the pages by file name: one for each program, and one for each of its commands.
fn pages() -> Result<BTreeMap<String, Vec<u8>>, ChoreError> {
    let mut pages = BTreeMap::new();
    for mut program in programs() {
        program = program.disable_help_subcommand(true);
        program.build();
        add_pages(&program, &mut pages)?;
    }
    Ok(pages)
}

fn add_pages(command: &Command, pages: &mut BTreeMap<String, Vec<u8>>) -> Result<(), ChoreError> {
    let name = command
        .get_display_name()
        .unwrap_or(command.get_name())
        .to_owned();
    for subcommand in command
        .get_subcommands()
        .filter(|subcommand| !subcommand.is_hide_set())
    {
        add_pages(subcommand, pages)?;
    }
    let mut page = Vec::new();
    // No date: the same definitions give the same page.
    clap_mangen::Man::new(command.clone().name(name.clone()))
        .manual("igos")
        .render(&mut page)
        .map_err(ChoreError::File)?;
    pages.insert(format!("{name}.1"), page);
    Ok(())
}
