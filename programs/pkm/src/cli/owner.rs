//! `pkm owner`: whose file is this?

use std::ffi::OsString;
use std::fmt;

use clap::Args;
use igos_cli::{Exit, Failure, Render};
use igos_format::{PackageName, RelPath};
use igos_sysroot::{QueryError, Unmanaged};
use serde::Serialize;

use super::Context;

/// Show which package a path belongs to
///
/// Follows symbolic links to directories as they were installed. Ends with 1 if a path belongs to no package.
#[derive(Debug, Args)]
#[command(
    visible_alias = "provides",
    after_help = "Examples:\n  pkm owner /usr/bin/make\n  pkm --root ./root owner /bin/sh /etc/passwd"
)]
pub(super) struct Owner {
    /// Paths below the root
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<OsString>,
}

impl Owner {
    pub(super) fn run(self, context: &Context<'_>) -> Result<OwnerAnswer, Failure> {
        let mut paths = Vec::new();
        for path in &self.paths {
            paths
                .push(RelPath::from_user(path).map_err(|error| Failure::usage(error.to_string()))?);
        }
        let sysroot = context.sysroot(Unmanaged::Refuse)?;
        let mut rows = Vec::new();
        for path in paths {
            rows.push(match sysroot.owner(&path) {
                Ok(owned) => Row {
                    asked: owned.asked,
                    place: Some(owned.place),
                    packages: owned.packages,
                },
                Err(QueryError::NotOwned { path }) => Row {
                    asked: path,
                    place: None,
                    packages: Vec::new(),
                },
                Err(error) => return Err(error.into()),
            });
        }
        Ok(OwnerAnswer(rows))
    }
}

/// Paths in the order in which they were asked for.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct OwnerAnswer(Vec<Row>);

#[derive(Debug, Serialize)]
struct Row {
    asked: RelPath,
    place: Option<RelPath>,
    packages: Vec<PackageName>,
}

impl Render for OwnerAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        for row in &self.0 {
            let names: Vec<&str> = row.packages.iter().map(PackageName::as_str).collect();
            match &row.place {
                None => writeln!(out, "/{} belongs to no package", row.asked)?,
                Some(place) if *place != row.asked => {
                    writeln!(
                        out,
                        "/{} is /{place}, which belongs to {}",
                        row.asked,
                        names.join(", ")
                    )?;
                }
                Some(place) => writeln!(out, "/{place} belongs to {}", names.join(", "))?,
            }
        }
        Ok(())
    }

    fn exit(&self) -> Exit {
        if self.0.iter().any(|row| row.packages.is_empty()) {
            Exit::No
        } else {
            Exit::Done
        }
    }
}
