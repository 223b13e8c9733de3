//! `pkm files`.

use std::ffi::OsString;
use std::fmt;

use clap::Args;
use igos_cli::{Failure, Render, complete_names};
use igos_sysroot::{InstalledFile, Unmanaged};
use serde::Serialize;

use super::Context;
use super::completion;
use super::target::{self, Target};

/// List the paths of an installed package, or of an archive
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  pkm files zlib\n  pkm files zlib --long\n  pkm files ./zlib-1.3.1-1.x86_64.igos.tar.zst"
)]
pub(super) struct Files {
    /// An installed package, or an archive
    #[arg(add = complete_names(completion::installed), value_name = "NAME|ARCHIVE")]
    target: OsString,
    /// Show mode, owner and link target too
    #[arg(long, short)]
    long: bool,
}

impl Files {
    pub(super) fn run(self, context: &Context<'_>) -> Result<FilesAnswer, Failure> {
        let files = match Target::of(&self.target)? {
            Target::Path(file) => {
                let candidate = target::archive(file)?;
                let entries = &candidate.manifest().entries;
                entries.iter().map(InstalledFile::from).collect()
            }
            Target::Name(text) => {
                let name = target::name(text)?;
                context.sysroot(Unmanaged::Refuse)?.files(&name)?
            }
        };
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
