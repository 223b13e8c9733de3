//! Chores of this workspace: dependency rules, line counts, man pages, completions, and `./test`. Not shipped.
//!
//! `cargo xtask --help` lists them; `./test` runs those that can fail.

mod crash;
mod deps;
mod lines;
mod pages;
mod roots;
mod rules;
#[cfg(test)]
mod security;
mod test;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use igos_cli::{Answer, Failure, Globals, Program, Session};

/// Chores of this workspace
#[derive(Debug, Parser)]
#[command(name = "xtask", bin_name = "cargo xtask", version)]
struct Xtask {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// Fail if a dependency edge rises, or a crate has a power that is another's
    Deps,
    /// Count lines of each crate, and fail if a file is too long
    Lines,
    /// Fail if a crate that works on roots uses a call that takes a path
    Roots,
    /// Write the man pages into docs/man
    Man {
        /// Write nothing; fail if the pages are not those of the command definitions
        #[arg(long)]
        check: bool,
    },
    /// Test everything: formatting, lints, dependencies, layers, man pages, all tests
    ///
    /// About ten minutes on two cores once the dependencies are compiled. The last line is `N passed, N failed,
    /// N skipped`. The output of each step is kept in target/test.
    Test {
        /// Also run the long tests: fuzzing, reproducibility, builds of real packages
        #[arg(long)]
        full: bool,
    },
    /// Kill pkm, let its system calls fail, cut the power; print schedules that fail, and replay one
    Crash {
        #[command(subcommand)]
        crash: crash::Crash,
    },
    /// Write completions for bash, fish and zsh
    Completions {
        /// Directory to write them into
        directory: PathBuf,
    },
}

impl Program for Xtask {
    fn globals(&self) -> &Globals {
        &self.globals
    }
}

fn main() -> ExitCode {
    igos_cli::run(chore)
}

fn chore(xtask: Xtask, session: &Session) -> Result<Answer, Failure> {
    let top = workspace::top();
    match xtask.chore {
        Chore::Deps => Ok(deps::check(&top)?.into()),
        Chore::Lines => Ok(lines::count(&top)?.into()),
        Chore::Roots => Ok(roots::check(&top)?.into()),
        Chore::Man { check: true } => Ok(pages::check(&top)?.into()),
        Chore::Man { check: false } => Ok(pages::write(&top)?.into()),
        Chore::Test { full } => {
            let extent = if full {
                test::Extent::Full
            } else {
                test::Extent::Usual
            };
            Ok(test::run(&top, extent, session)?.into())
        }
        Chore::Crash { crash } => Ok(crash::run(&top, crash)?.into()),
        Chore::Completions { directory } => Ok(pages::completions(&directory)?.into()),
    }
}
