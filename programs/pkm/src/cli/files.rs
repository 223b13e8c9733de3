//! `pkm files`.

use std::fmt;

use clap::Args;
use igos_cli::{Failure, Render, complete_names};
use igos_format::PackageName;
use igos_sysroot::{InstalledFile, Unmanaged};
use serde::Serialize;

use super::Context;
use super::completion;

/// List the paths of an installed package
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  pkm files zlib\n  pkm files zlib --long")]
pub(super) struct Files {
    /// The package
    #[arg(add = complete_names(completion::installed), value_name = "NAME")]
    name: PackageName,
    /// Show mode, owner and link target too
    #[arg(long, short)]
    long: bool,
}

impl Files {
    pub(super) fn run(self, context: &Context<'_>) -> Result<FilesAnswer, Failure> {
        let files = context.sysroot(Unmanaged::Refuse)?.files(&self.name)?;
        Ok(FilesAnswer {
            files,
            is_long: self.long,
        })
    }
}

/// Paths of a package, in order.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct FilesAnswer {
    files: Vec<InstalledFile>,
    #[serde(skip)]
    is_long: bool,
}

impl Render for FilesAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        for file in &self.files {
            if self.is_long {
                write!(out, "{} {:<12} ", file.mode, file.owner)?;
            }
            write!(out, "/{}", file.path)?;
            if file.kind == "directory" {
                write!(out, "/")?;
            }
            match &file.target {
                Some(target) if self.is_long => writeln!(out, " -> {target}")?,
                _ => writeln!(out)?,
            }
        }
        Ok(())
    }
}
