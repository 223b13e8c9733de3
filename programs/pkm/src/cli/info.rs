//! `pkm info`.

use std::ffi::OsString;
use std::fmt::{self, Display, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use igos_cli::{Failure, Render, Size, complete_names};
use igos_format::manifest::Origin;
use igos_format::{PackageId, PackageName, Sha256};
use igos_repo::repository::Catalogue;
use igos_report::Explain;
use igos_sysroot::{Exclusions, PackageFacts, PackageInfo, QueryError, Sysroot, Unmanaged};
use jiff::Timestamp;
use serde::Serialize;

use super::Context;
use super::completion;
use super::offer::Offer;
use super::target::{self, Target};

/// Show what is known about packages
///
/// Shows the record of packages that are installed, what repositories say about those that are not, and what archives
/// say of themselves. Ends with 1 if nobody knows a package.
#[derive(Debug, Args)]
#[command(
    visible_alias = "show",
    after_help = "Examples:\n  pkm info zlib\n  pkm info zlib pigz --json\n  pkm info --available zlib\n  \
    pkm info ./zlib-1.3.1-1.x86_64.igos.tar.zst"
)]
pub(super) struct Info {
    /// Packages, archives
    #[arg(add = complete_names(completion::known), value_name = "NAME|ARCHIVE", required = true)]
    targets: Vec<OsString>,
    /// Show what repositories offer, installed or not
    #[arg(long)]
    available: bool,
}

/// Nobody knows a package.
#[derive(Debug, thiserror::Error)]
#[error("{name} is not installed, and no repository offers it")]
struct UnknownPackageError {
    name: PackageName,
    providers: Vec<PackageName>,
}

impl Explain for UnknownPackageError {
    fn code(&self) -> &'static str {
        "package-unknown"
    }

    fn hints(&self) -> Vec<String> {
        let mut hints = vec![format!("search for it: `pkm search {}`", self.name)];
        if !self.providers.is_empty() {
            let names: Vec<&str> = self.providers.iter().map(PackageName::as_str).collect();
            hints.push(format!("{} is provided by {}", self.name, names.join(", ")));
        }
        hints
    }

    fn exit_code(&self) -> u8 {
        1
    }
}

impl Info {
    pub(super) fn run(self, context: &Context<'_>) -> Result<InfoAnswer, Failure> {
        let (mut sysroot, mut catalogue) = (None, None);
        let mut known = Vec::new();
        for word in &self.targets {
            known.push(match Target::of(word)? {
                Target::Path(file) => Known::of_archive(file)?,
                Target::Name(text) => {
                    let name = target::name(text)?;
                    self.named(&name, &mut sysroot, &mut catalogue, context)?
                }
            });
        }
        Ok(InfoAnswer(known))
    }

    /// Returns what the root knows of a package, else what repositories do.
    fn named(
        &self,
        name: &PackageName,
        sysroot: &mut Option<Sysroot>,
        catalogue: &mut Option<Catalogue>,
        context: &Context<'_>,
    ) -> Result<Known, Failure> {
        if !self.available {
            let sysroot: &Sysroot = match sysroot {
                Some(sysroot) => sysroot,
                None => sysroot.insert(context.sysroot(Unmanaged::Empty)?),
            };
            match sysroot.info(name) {
                Ok(info) => return Ok(Known::Installed(Box::new(info))),
                Err(QueryError::NotInstalled { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let catalogue: &Catalogue = match catalogue {
            Some(catalogue) => catalogue,
            None => catalogue.insert(context.catalogue()?),
        };
        Ok(Known::Available(Box::new(offer(catalogue, name)?)))
    }
}

fn offer(catalogue: &Catalogue, name: &PackageName) -> Result<Offer, Failure> {
    if let Some(offer) = Offer::newest(catalogue.named(name)?) {
        return Ok(offer);
    }
    let providers = catalogue.providing(name)?.into_iter();
    let mut providers: Vec<PackageName> = providers.map(|by| by.entry.package.name).collect();
    providers.sort();
    providers.dedup();
    Err(UnknownPackageError {
        name: name.clone(),
        providers,
    }
    .into())
}

/// Packages in the order in which they were asked for.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct InfoAnswer(Vec<Known>);

/// What is known about a package.
#[derive(Debug, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
enum Known {
    Installed(Box<PackageInfo>),
    Available(Box<Offer>),
    Archive(Box<ArchiveInfo>),
}

/// What an archive says of itself.
#[derive(Debug, Serialize)]
struct ArchiveInfo {
    file: PathBuf,
    package: PackageId,
    seal: Sha256,
    #[serde(flatten)]
    facts: PackageFacts,
}

impl Known {
    fn of_archive(file: &Path) -> Result<Self, Failure> {
        let candidate = target::archive(file)?;
        let manifest = candidate.manifest();
        Ok(Known::Archive(Box::new(ArchiveInfo {
            file: file.to_owned(),
            package: manifest.package.clone(),
            seal: candidate.seal(),
            facts: PackageFacts::of(manifest, &Exclusions::default()),
        })))
    }
}

impl Render for InfoAnswer {
    fn render(&self, out: &mut dyn Write) -> fmt::Result {
        for (number, known) in self.0.iter().enumerate() {
            if number > 0 {
                writeln!(out)?;
            }
            match known {
                Known::Installed(info) => render_installed(out, info)?,
                Known::Archive(info) => render_archive(out, info)?,
                Known::Available(offer) => offer.render(out)?,
            }
        }
        Ok(())
    }
}

/// Returns what an origin means.
pub(super) fn origin(origin: Origin) -> &'static str {
    match origin {
        Origin::Built => "built from source in the sandbox",
        Origin::BuiltWeakened => "built from source with weakened protection, see its provenance",
        Origin::Imported => "compiled elsewhere and imported",
    }
}

fn render_installed(out: &mut dyn Write, info: &PackageInfo) -> fmt::Result {
    let installed = &info.installed;
    let time = Timestamp::from_second(installed.installed).map(|time| time.to_string());
    let time = time.unwrap_or_default();
    let archive = format!("{} ({})", installed.seal, installed.trust);
    render_origin(out, &installed.package, &info.facts)?;
    field(out, "archive", &archive)?;
    field(
        out,
        "installed",
        &format!("{time}, {}", installed.reason.as_str()),
    )?;
    field(out, "owners", &installed.ownership.as_str())?;
    render_relations(out, &info.facts)
}

fn render_archive(out: &mut dyn Write, info: &ArchiveInfo) -> fmt::Result {
    render_origin(out, &info.package, &info.facts)?;
    field(out, "file", &info.file.display())?;
    field(out, "archive", &format!("{} (not verified)", info.seal))?;
    render_relations(out, &info.facts)
}

fn render_origin(out: &mut dyn Write, package: &PackageId, facts: &PackageFacts) -> fmt::Result {
    writeln!(out, "{package}")?;
    field(out, "description", &facts.description)?;
    field(out, "license", &facts.license)?;
    field(out, "homepage", &facts.homepage)?;
    field(out, "machine", &package.arch)?;
    field(out, "recipe", &facts.recipe)?;
    field(out, "origin", &origin(facts.origin))
}

fn render_relations(out: &mut dyn Write, facts: &PackageFacts) -> fmt::Result {
    let size = format!("{} in {} paths", Size(facts.size_bytes), facts.paths);
    field(out, "size", &size)?;
    field(
        out,
        "essential",
        &if facts.is_essential { "yes" } else { "" },
    )?;
    list(out, "depends", &facts.depends)?;
    list(out, "needs", &facts.features_required)?;
    list(out, "provides", &facts.provides)?;
    list(out, "offers", &facts.features_provided)?;
    list(out, "conflicts", &facts.conflicts)?;
    list(out, "supersedes", &facts.supersedes)
}

/// Writes a line, unless there is nothing to say.
pub(super) fn field(out: &mut dyn Write, name: &str, value: &dyn Display) -> fmt::Result {
    let value = value.to_string();
    if value.is_empty() {
        Ok(())
    } else {
        writeln!(out, "  {name:<11} {value}")
    }
}

/// Writes a line of values, unless there are none.
pub(super) fn list<T: Display>(
    out: &mut dyn Write,
    name: &str,
    values: impl IntoIterator<Item = T>,
) -> fmt::Result {
    let values: Vec<String> = values.into_iter().map(|value| value.to_string()).collect();
    field(out, name, &values.join(", "))
}
