//! `pkm owner`: whose file is this?

use std::ffi::OsString;
use std::fmt;

use clap::Args;
use igos_cli::{Exit, Failure, Render};
use igos_format::{PackageName, RelPath};
use igos_repo::repository::{Bringing, Catalogue};
use igos_report::Diagnostic;
use igos_sysroot::{QueryError, Unmanaged};
use serde::Serialize;

use super::Context;

/// Directories that are mostly links into `usr`.
const MERGED: [&str; 4] = ["bin/", "lib/", "lib64/", "sbin/"];

/// Show which package a path belongs to
///
/// Follows symbolic links to directories as they were installed. Ends with 1 if a path belongs to no package.
#[derive(Debug, Args)]
#[command(
    visible_alias = "provides",
    after_help = "Examples:\n  pkm owner /usr/bin/make\n  pkm --root ./root owner /bin/sh /etc/passwd\n  \
        pkm owner --available /usr/bin/make"
)]
pub(super) struct Owner {
    /// Paths below the root
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<OsString>,
    /// Look into repositories too; directories are not listed there
    #[arg(long)]
    available: bool,
}

impl Owner {
    pub(super) fn run(self, context: &Context<'_>) -> Result<OwnerAnswer, Failure> {
        let mut paths = Vec::new();
        for path in &self.paths {
            paths
                .push(RelPath::from_user(path).map_err(|error| Failure::usage(error.to_string()))?);
        }
        let (sysroot, catalogue) = if self.available {
            let catalogue = context.catalogue()?;
            tell_unlisted(context, &catalogue);
            (context.sysroot(Unmanaged::Empty)?, Some(catalogue))
        } else {
            (context.sysroot(Unmanaged::Refuse)?, None)
        };
        let mut rows = Vec::new();
        for path in paths {
            let mut row = match sysroot.owner(&path) {
                Ok(owned) => Row {
                    asked: owned.asked,
                    place: Some(owned.place),
                    packages: owned.packages,
                    available: Vec::new(),
                },
                Err(QueryError::NotOwned { path }) => Row {
                    asked: path,
                    place: None,
                    packages: Vec::new(),
                    available: Vec::new(),
                },
                Err(error) => return Err(error.into()),
            };
            if let Some(catalogue) = &catalogue {
                row.available = available(catalogue, &row)?;
            }
            rows.push(row);
        }
        Ok(OwnerAnswer(rows))
    }
}

/// Tells which repositories do not say what paths their packages have.
fn tell_unlisted(context: &Context<'_>, catalogue: &Catalogue) {
    for opened in catalogue.repositories() {
        if !opened.has_files() {
            let message = format!("repository {} has no list of paths", opened.name());
            let notice = Diagnostic::warning("repository-without-paths", message);
            context.session.notice(notice);
        }
    }
}

/// Returns who brings a path, under the name that was asked for, the place it has here, or its place below `usr`, where
/// `/bin` and its like mostly lead.
fn available(catalogue: &Catalogue, row: &Row) -> Result<Vec<Bringing>, Failure> {
    let merged = MERGED
        .iter()
        .any(|directory| row.asked.as_bytes().starts_with(directory.as_bytes()));
    let below = merged.then(|| RelPath::from_bytes(&[b"usr/", row.asked.as_bytes()].concat()));
    let mut names = vec![row.asked.clone()];
    names.extend(row.place.clone());
    names.extend(below.and_then(Result::ok));
    names.sort();
    names.dedup();
    let mut found = Vec::new();
    for name in &names {
        found.extend(catalogue.bringing(name)?);
    }
    Ok(found)
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
    available: Vec<Bringing>,
}

impl Row {
    fn is_known(&self) -> bool {
        !(self.packages.is_empty() && self.available.is_empty())
    }
}

impl Render for OwnerAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        for row in &self.0 {
            let names: Vec<&str> = row.packages.iter().map(PackageName::as_str).collect();
            match &row.place {
                None if row.is_known() => writeln!(out, "/{} is not installed", row.asked)?,
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
            for bringing in &row.available {
                writeln!(out, "  {}  {}", bringing.package, bringing.repository)?;
            }
        }
        Ok(())
    }

    fn exit(&self) -> Exit {
        if self.0.iter().all(Row::is_known) {
            Exit::Done
        } else {
            Exit::No
        }
    }
}
