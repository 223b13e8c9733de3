//! `pkm depends`.

use std::fmt;

use clap::Args;
use igos_cli::{Failure, Render};
use igos_format::PackageName;
use igos_sysroot::{Dependant, Unmanaged};
use serde::Serialize;

use super::Context;

/// Show what an installed package needs, or what needs it
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  pkm depends pigz\n  pkm depends zlib --reverse")]
pub(super) struct Depends {
    /// The package
    #[arg(value_name = "NAME")]
    name: PackageName,
    /// Show what needs the package instead
    #[arg(long)]
    reverse: bool,
}

impl Depends {
    pub(super) fn run(self, context: &Context<'_>) -> Result<DependsAnswer, Failure> {
        let sysroot = context.sysroot(Unmanaged::Refuse)?;
        let needs = if self.reverse {
            sysroot.dependants(&self.name)?
        } else {
            sysroot.depends(&self.name)?
        };
        Ok(DependsAnswer {
            needs,
            is_reverse: self.reverse,
        })
    }
}

/// What a package needs, or what needs it.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct DependsAnswer {
    needs: Vec<Dependant>,
    #[serde(skip)]
    is_reverse: bool,
}

impl Render for DependsAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        for need in &self.needs {
            let names: Vec<&str> = need.satisfied_by.iter().map(PackageName::as_str).collect();
            match (self.is_reverse, names.is_empty()) {
                (true, _) => writeln!(out, "{} needs {}", need.package, need.needs)?,
                (false, true) => writeln!(out, "{}, which nothing installed has", need.needs)?,
                (false, false) if names == [need.needs.as_str()] => {
                    writeln!(out, "{}", need.needs)?
                }
                (false, false) => writeln!(out, "{} of {}", need.needs, names.join(", "))?,
            }
        }
        Ok(())
    }
}
