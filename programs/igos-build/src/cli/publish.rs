//! `igos-build publish`

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use clap::Args;
use igos_cli::{Answer, Failure, Globals, Render, Session, Size};
use igos_format::manifest::Origin;
use igos_format::{Arch, PackageId, PackageName};
use igos_repo::publish::{
    ADVISORIES_MAX_BYTES, Advisories, Allowances, Backwards, CorrespondingSources, Finding,
    Publication, PublishRequest, Renewal, Staging,
};
use igos_report::{Diagnostic, Explain};
use serde::Serialize;

use super::publish_sources::RecipeSources;
use super::recipes::RecipeFlags;
use super::signing::SigningFlags;
use super::workshop::WorkshopFlags;

/// Put archives into a repository that any web server can serve
///
/// Archives are verified to their end, compared with what is published and with one another, and put in place so that
/// readers see the old state or the new one. A repository of packages that do not fit together is not published.
/// The first time, the directory of `--keys` is one that `key new` made.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  igos-build key new keys\n  igos-build publish repository --archives cache/builds --keys keys\n  igos-build publish repository --archives new --keys keys/online --staging\n  igos-build publish repository --keys keys/online --refresh"
)]
pub(super) struct PublishCommand {
    /// The directory of the repository
    directory: PathBuf,
    /// Publish the archives in DIR and below it, or one archive; may be repeated
    #[arg(long, value_name = "DIR")]
    archives: Vec<PathBuf>,
    #[command(flatten)]
    signing: SigningFlags,
    /// Publish the recipe and all sources of every package beside it
    #[arg(long)]
    sources: bool,
    /// Keep N older states for readers that are still fetching
    #[arg(long, value_name = "N", default_value_t = PublishRequest::KEEP)]
    keep: usize,
    /// Take a package out; may be repeated
    #[arg(long, value_name = "NAME")]
    remove: Vec<PackageName>,
    /// Publish what FILE says about defects, from now on
    #[arg(long, value_name = "FILE")]
    advisories: Option<PathBuf>,
    /// Count the packages of another published repository as there; may be repeated
    #[arg(long, value_name = "DIR")]
    beside: Vec<PathBuf>,
    /// Let archives wait in DIR/staging that need a library which is not rebuilt yet
    #[arg(long)]
    staging: bool,
    /// Sign snapshot and timestamp again, so that they expire later
    #[arg(long)]
    refresh: bool,
    /// Publish packages that were imported from another distribution
    #[arg(long)]
    allow_imported: bool,
    /// Publish packages that were built without all protections
    #[arg(long)]
    allow_weakened: bool,
    /// Publish versions that are older than the published ones
    #[arg(long)]
    allow_backwards: bool,
}

/// A file of advisories cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read {}", path.display())]
struct ReadAdvisoriesError {
    path: PathBuf,
    #[source]
    source: std::io::Error,
}

impl Explain for ReadAdvisoriesError {
    fn code(&self) -> &'static str {
        "advisories-unreadable"
    }
}

impl PublishCommand {
    pub(super) fn execute(
        self,
        globals: &Globals,
        workshop: &WorkshopFlags,
        recipes: &RecipeFlags,
        session: &Session,
    ) -> Result<Answer, Failure> {
        let sources = match self.sources {
            true => Some(RecipeSources::open(globals, workshop, recipes, session)?),
            false => None,
        };
        let sources = sources
            .as_ref()
            .map(|sources| sources as &dyn CorrespondingSources);
        let request = self.request(sources)?;
        let directory = &self.directory;
        let publication = self
            .signing
            .publisher(directory, globals, session, |publisher| {
                Ok(publisher.publish(request)?)
            })?;
        self.signing.warn(directory, &publication, session)?;
        Ok(Answer::from(PublishAnswer::new(
            directory,
            publication,
            globals,
        )))
    }

    fn request<'a>(
        &self,
        sources: Option<&'a dyn CorrespondingSources>,
    ) -> Result<PublishRequest<'a>, Failure> {
        let imported = self.allow_imported.then_some(Origin::Imported);
        let weakened = self.allow_weakened.then_some(Origin::BuiltWeakened);
        let advisories = self
            .advisories
            .as_deref()
            .map(read_advisories)
            .transpose()?;
        Ok(PublishRequest {
            remove: self.remove.iter().cloned().collect::<BTreeSet<_>>(),
            allow: Allowances {
                origins: imported.into_iter().chain(weakened).collect(),
                backwards: if self.allow_backwards {
                    Backwards::Allow
                } else {
                    Backwards::Refuse
                },
            },
            staging: if self.staging {
                Staging::Collect
            } else {
                Staging::Refuse
            },
            keep: self.keep,
            renewal: if self.refresh {
                Renewal::Online
            } else {
                Renewal::None
            },
            advisories,
            sources,
            beside: self.beside.clone(),
            ..PublishRequest::new(self.archives.clone())
        })
    }
}

fn read_advisories(path: &Path) -> Result<Advisories, Failure> {
    use std::io::Read;
    let failed = |source| ReadAdvisoriesError {
        path: path.to_owned(),
        source,
    };
    let file = fs_err::File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    // One byte more than is allowed tells that there are more.
    file.take(ADVISORIES_MAX_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    Ok(Advisories::parse(&bytes)?)
}

/// A package by everything that names it.
#[derive(Debug, Serialize)]
pub(super) struct PackageAnswer {
    pub(super) name: PackageName,
    pub(super) version: String,
    pub(super) arch: Arch,
}

impl From<PackageId> for PackageAnswer {
    fn from(package: PackageId) -> Self {
        PackageAnswer {
            version: package.full_version(),
            name: package.name,
            arch: package.arch,
        }
    }
}

impl fmt::Display for PackageAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.name, self.version, self.arch)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Published,
    Unchanged,
    Staged,
    Planned,
}

/// What became of a repository.
#[derive(Debug, Serialize)]
pub(super) struct PublishAnswer {
    directory: PathBuf,
    state: State,
    snapshot: u64,
    packages: usize,
    added: Vec<PackageAnswer>,
    gone: Vec<PackageAnswer>,
    staged: Vec<PackageAnswer>,
    awaits: Vec<Diagnostic>,
    deleted: Vec<PathBuf>,
    deleted_bytes: u64,
    expires: BTreeMap<&'static str, String>,
}

impl PublishAnswer {
    pub(super) fn new(directory: &Path, publication: Publication, globals: &Globals) -> Self {
        let packages = |list: Vec<PackageId>| list.into_iter().map(PackageAnswer::from).collect();
        let expires = publication.expires.into_iter();
        PublishAnswer {
            directory: directory.to_owned(),
            state: match () {
                () if globals.dry_run => State::Planned,
                () if !publication.staged.is_empty() => State::Staged,
                () if publication.has_changed => State::Published,
                () => State::Unchanged,
            },
            snapshot: publication.snapshot,
            packages: publication.packages,
            added: packages(publication.added),
            gone: packages(publication.gone),
            staged: packages(publication.staged),
            awaits: publication.awaits.iter().map(Finding::diagnostic).collect(),
            deleted: publication.deleted,
            deleted_bytes: publication.deleted_bytes,
            expires: expires
                .map(|(role, time)| (role, time.to_string()))
                .collect(),
        }
    }
}

impl Render for PublishAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        for package in &self.added {
            writeln!(out, "+ {package}")?;
        }
        for package in &self.gone {
            writeln!(out, "- {package}")?;
        }
        for package in &self.staged {
            writeln!(
                out,
                "{package} waits in {}",
                self.directory.join("staging").display()
            )?;
        }
        for awaited in &self.awaits {
            writeln!(out, "waiting: {}", awaited.message)?;
            for hint in &awaited.hints {
                writeln!(out, "    {hint}")?;
            }
        }
        if self.deleted_bytes > 0 {
            let (files, size) = (self.deleted.len(), Size(self.deleted_bytes));
            writeln!(
                out,
                "deleted {files} files that no reader needs any more, {size}"
            )?;
        }
        let state = match self.state {
            State::Published => "published",
            State::Unchanged => "unchanged",
            State::Staged => "not changed yet",
            State::Planned => "would be",
        };
        writeln!(
            out,
            "{}: {state}, snapshot {}, {} packages",
            self.directory.display(),
            self.snapshot,
            self.packages
        )
    }
}
