//! `pkm download`: archives into a directory.

use std::fmt;
use std::path::{Path, PathBuf};

use clap::Args;
use igos_cli::{Exit, Failure, Render, Size, complete_names};
use igos_format::{PackageId, PackageName};
use igos_repo::repository::{
    ArchiveJob, FetchedArchive, RepositoryName, WantedArchive, WholeArchive,
};
use igos_report::Diagnostic;
use serde::Serialize;

use super::Context;
use super::client::not_offered;
use super::completion;

/// Download archives into a directory, without installing them
///
/// The newest version that is offered, compared with signed data. Archives stay in the cache too.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  pkm download zlib\n  pkm download zlib pigz --to ./archives")]
pub(super) struct Download {
    /// Packages
    #[arg(add = complete_names(completion::offered), value_name = "NAME", required = true)]
    names: Vec<PackageName>,
    /// Put the archives into this directory
    #[arg(long, value_name = "DIR", default_value = ".")]
    to: PathBuf,
}

impl Download {
    pub(super) fn run(self, context: &Context<'_>) -> Result<DownloadAnswer, Failure> {
        let catalogue = context.catalogue()?;
        let mut wanted = Vec::new();
        for name in &self.names {
            let offered = catalogue.named(name)?.into_iter();
            let newest = offered.max_by(|a, b| a.entry.package.cmp(&b.entry.package));
            let newest = newest.ok_or_else(|| not_offered(name))?;
            wanted.push(WantedArchive::of(&newest.repository, &newest.entry));
        }
        if context.is_dry_run() {
            let planned = wanted.iter().map(|wanted| Downloaded::of(wanted, None));
            return Ok(DownloadAnswer(planned.collect()));
        }
        let client = context.client(context.places().load()?)?;
        let jobs: Vec<ArchiveJob> = wanted.iter().cloned().map(ArchiveJob::Whole).collect();
        let fetched = client.fetch_archives(&jobs, &|_| false, context.session.reporter());
        let mut downloaded = Vec::new();
        for (wanted, fetched) in wanted.iter().zip(fetched) {
            let FetchedArchive::Whole(archive) = fetched? else {
                continue;
            };
            let place = self.to.join(wanted.location.file_name.as_str());
            copy(&archive, &place).map_err(|error| {
                let diagnostic = Diagnostic::error("download-not-kept", error.to_string());
                Failure::new(Exit::Unfinished, diagnostic)
            })?;
            downloaded.push(Downloaded::of(wanted, Some(place)));
        }
        Ok(DownloadAnswer(downloaded))
    }
}

/// Copies an archive beside its place and renames it there, so that nobody sees a part of it.
fn copy(from: &WholeArchive, to: &Path) -> std::io::Result<()> {
    let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    fs_err::create_dir_all(parent)?;
    let name = to.file_name().unwrap_or_default().to_string_lossy();
    let beside = parent.join(format!(".{name}.new"));
    let mut file = fs_err::File::create(&beside)?;
    std::io::copy(&mut from.open()?, &mut file)?;
    fs_err::rename(&beside, to)
}

/// Archives in the order in which they were asked for.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct DownloadAnswer(Vec<Downloaded>);

#[derive(Debug, Serialize)]
struct Downloaded {
    package: PackageId,
    repository: RepositoryName,
    seal: String,
    sha256: String,
    size_bytes: u64,
    path: Option<PathBuf>,
}

impl Downloaded {
    fn of(wanted: &WantedArchive, path: Option<PathBuf>) -> Self {
        Downloaded {
            package: wanted.package.clone(),
            repository: wanted.repository.clone(),
            seal: wanted.seal.to_string(),
            sha256: wanted.location.sha256.to_string(),
            size_bytes: wanted.location.size_bytes,
            path,
        }
    }
}

impl Render for DownloadAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        for downloaded in &self.0 {
            let (package, size) = (&downloaded.package, Size(downloaded.size_bytes));
            match &downloaded.path {
                Some(path) => writeln!(out, "{package} ({size}): {}", path.display())?,
                None => writeln!(out, "{package} ({size}) from {}", downloaded.repository)?,
            }
        }
        Ok(())
    }
}
