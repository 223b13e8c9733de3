//! `pkm cache clean`.

use std::collections::BTreeSet;
use std::fmt;

use clap::Args;
use igos_cli::{Failure, Render, Size};
use igos_format::Sha256;
use igos_repo::repository::{CacheCleaning, CacheContents, CachePolicy, Catalogue, CatalogueError};
use igos_sysroot::Unmanaged;
use serde::Serialize;

use super::Context;

/// Delete downloaded archives that are needed no longer
///
/// By default archives stay that are installed, or that a repository has. Parts of archives are deleted in every case,
/// unless a download writes to them now.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  pkm cache clean\n  pkm cache clean --keep 2\n  pkm --dry-run cache clean --all"
)]
pub(super) struct CacheClean {
    /// Keep the newest N versions of each package
    #[arg(long, value_name = "N", conflicts_with_all = ["all", "keep_current"])]
    keep: Option<usize>,
    /// Keep none
    #[arg(long, conflicts_with = "keep_current")]
    all: bool,
    /// Keep what is installed or offered; the default
    #[arg(long)]
    keep_current: bool,
}

impl CacheClean {
    pub(super) fn run(self, context: &Context<'_>) -> Result<CacheCleanAnswer, Failure> {
        let contents = CacheContents::read(&context.places())?;
        let policy = match (self.keep, self.all) {
            (Some(count), _) => CachePolicy::Newest(count),
            (None, true) => CachePolicy::Nothing,
            (None, false) => CachePolicy::Current(current(&contents, context)?),
        };
        let cleaning = contents.plan(&policy);
        let is_done = !context.is_dry_run() && !cleaning.files.is_empty();
        if is_done {
            let plan = format!(
                "deletes {} files with {}\n",
                cleaning.files.len(),
                Size(cleaning.size_bytes)
            );
            context.session.confirm(&plan, "Delete them?")?;
            cleaning.carry_out()?;
        }
        Ok(CacheCleanAnswer { is_done, cleaning })
    }
}

/// Returns the seals of those archives that are installed or offered.
fn current(contents: &CacheContents, context: &Context<'_>) -> Result<BTreeSet<Sha256>, Failure> {
    let catalogue = context.catalogue()?;
    let installed = context.sysroot(Unmanaged::Empty)?.list()?;
    let installed: BTreeSet<String> = installed.into_iter().map(|listed| listed.seal).collect();
    let mut current = BTreeSet::new();
    for package in contents.archives.iter().flat_map(|found| &found.package) {
        let is_current = installed.contains(&package.seal.to_string())
            || is_offered(&catalogue, package).map_err(Failure::from)?;
        if is_current {
            current.insert(package.seal);
        }
    }
    Ok(current)
}

fn is_offered(
    catalogue: &Catalogue,
    package: &igos_repo::repository::CachedPackage,
) -> Result<bool, CatalogueError> {
    let offered = catalogue.named(&package.id.name)?;
    Ok(offered
        .iter()
        .any(|offered| offered.entry.seal == package.seal))
}

/// What was deleted, or would be.
#[derive(Debug, Serialize)]
pub(super) struct CacheCleanAnswer {
    is_done: bool,
    #[serde(flatten)]
    cleaning: CacheCleaning,
}

impl Render for CacheCleanAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        let (count, size) = (self.cleaning.files.len(), Size(self.cleaning.size_bytes));
        match (count, self.is_done) {
            (0, _) => writeln!(out, "there is nothing to delete"),
            (_, true) => writeln!(out, "deleted {count} files with {size}"),
            (_, false) => {
                for file in &self.cleaning.files {
                    writeln!(out, "{}", file.path().display())?;
                }
                writeln!(out, "would delete {count} files with {size}")
            }
        }
    }
}
