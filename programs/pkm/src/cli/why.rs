//! `pkm why`.

use std::fmt;

use clap::Args;
use igos_cli::{Failure, Render, complete_names};
use igos_format::{Arch, PackageName};
use igos_solve::{Edge, Graph, Reason};
use igos_sysroot::{QueryError, Unmanaged};
use serde::Serialize;

use super::Context;
use super::completion;

/// Show why a package is installed
///
/// Either it was asked for, or something that was asked for needs it: the shortest chain is shown.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  pkm why zlib\n  pkm why zlib --json")]
pub(super) struct Why {
    /// The package
    #[arg(add = complete_names(completion::installed), value_name = "NAME")]
    name: PackageName,
}

impl Why {
    pub(super) fn run(self, context: &Context<'_>) -> Result<WhyAnswer, Failure> {
        let sysroot = context.sysroot(Unmanaged::Refuse)?;
        let universe = sysroot.universe(Arch::native(), &|_| None)?;
        let Some(installed) = universe.packages.get(&self.name) else {
            return Err(QueryError::NotInstalled { name: self.name }.into());
        };
        Ok(WhyAnswer {
            reason: installed.reason,
            is_held: installed.is_held,
            is_essential: installed.is_essential,
            chain: Graph::of(&universe).why(&universe, &self.name),
            name: self.name,
        })
    }
}

/// Why a package is installed.
#[derive(Debug, Serialize)]
pub(super) struct WhyAnswer {
    name: PackageName,
    reason: Reason,
    is_held: bool,
    is_essential: bool,
    /// From something that stays for its own sake to the package; absent if nothing needs it.
    chain: Option<Vec<Edge>>,
}

impl Render for WhyAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        let name = &self.name;
        match &self.chain {
            None => writeln!(
                out,
                "nobody asked for {name}, and nothing needs it any more"
            ),
            Some(_) if self.reason == Reason::Explicit => writeln!(out, "{name} was asked for"),
            Some(chain) if chain.is_empty() && self.is_essential => {
                writeln!(out, "{name} is essential")
            }
            Some(chain) if chain.is_empty() => writeln!(out, "{name} is held"),
            Some(chain) => chain.iter().try_for_each(|edge| {
                if edge.what == edge.to.as_str() {
                    writeln!(out, "{} needs {}", edge.from, edge.to)
                } else {
                    writeln!(out, "{} needs {} of {}", edge.from, edge.what, edge.to)
                }
            }),
        }
    }
}
