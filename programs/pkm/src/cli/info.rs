//! `pkm info`.

use std::fmt::{self, Display, Write};

use clap::Args;
use igos_cli::{Failure, Render, Size, complete_names};
use igos_format::PackageName;
use igos_format::manifest::Origin;
use igos_repo::repository::Catalogue;
use igos_report::Explain;
use igos_sysroot::{PackageInfo, QueryError, Unmanaged};
use jiff::Timestamp;
use serde::Serialize;

use super::Context;
use super::completion;
use super::offer::Offer;

/// Show what is known about packages
///
/// Shows the record of packages that are installed, and what repositories say about those that are not. Ends with 1 if
/// nobody knows a package.
#[derive(Debug, Args)]
#[command(
    visible_alias = "show",
    after_help = "Examples:\n  pkm info zlib\n  pkm info zlib pigz --json\n  pkm info --available zlib"
)]
pub(super) struct Info {
    /// Packages
    #[arg(add = complete_names(completion::known), value_name = "NAME", required = true)]
    names: Vec<PackageName>,
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
        let sysroot = context.sysroot(Unmanaged::Empty)?;
        let mut catalogue = None;
        let mut known = Vec::new();
        for name in &self.names {
            if !self.available {
                match sysroot.info(name) {
                    Ok(info) => {
                        known.push(Known::Installed(Box::new(info)));
                        continue;
                    }
                    Err(QueryError::NotInstalled { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            let catalogue: &Catalogue = match &catalogue {
                Some(catalogue) => catalogue,
                None => catalogue.insert(context.catalogue()?),
            };
            known.push(Known::Available(Box::new(offer(catalogue, name)?)));
        }
        Ok(InfoAnswer(known))
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
}

impl Render for InfoAnswer {
    fn render(&self, out: &mut dyn Write) -> fmt::Result {
        for (number, known) in self.0.iter().enumerate() {
            if number > 0 {
                writeln!(out)?;
            }
            match known {
                Known::Installed(info) => render_package(out, info)?,
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
        Origin::Imported => "converted from another distribution's binary package",
    }
}

fn render_package(out: &mut dyn Write, info: &PackageInfo) -> fmt::Result {
    let installed = &info.installed;
    let time = Timestamp::from_second(installed.installed).map(|time| time.to_string());
    writeln!(out, "{}", installed.package)?;
    field(out, "description", &info.description)?;
    field(out, "license", &info.license)?;
    field(out, "homepage", &info.homepage)?;
    field(out, "machine", &installed.package.arch)?;
    field(out, "recipe", &info.recipe)?;
    field(out, "origin", &origin(info.origin))?;
    field(
        out,
        "archive",
        &format!("{} ({})", installed.seal, installed.trust),
    )?;
    field(
        out,
        "installed",
        &format!(
            "{}, {}",
            time.unwrap_or_default(),
            installed.reason.as_str()
        ),
    )?;
    field(
        out,
        "size",
        &format!("{} in {} paths", Size(info.size_bytes), info.paths),
    )?;
    field(out, "owners", &installed.ownership.as_str())?;
    field(
        out,
        "essential",
        &if info.is_essential { "yes" } else { "" },
    )?;
    list(out, "depends", &info.depends)?;
    list(out, "needs", &info.features_required)?;
    list(out, "provides", &info.provides)?;
    list(out, "offers", &info.features_provided)?;
    list(out, "conflicts", &info.conflicts)?;
    list(out, "supersedes", &info.supersedes)
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
