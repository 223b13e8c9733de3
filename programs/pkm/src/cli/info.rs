//! `pkm info`.

use std::fmt::{self, Display, Write};

use clap::Args;
use igos_cli::{Failure, Render, Size};
use igos_format::PackageName;
use igos_format::manifest::Origin;
use igos_sysroot::{PackageInfo, Unmanaged};
use jiff::Timestamp;
use serde::Serialize;

use super::Context;

/// Show what is known about installed packages
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  pkm info zlib\n  pkm info zlib pigz --json")]
pub(super) struct Info {
    /// Packages
    #[arg(value_name = "NAME", required = true)]
    names: Vec<PackageName>,
}

impl Info {
    pub(super) fn run(self, context: &Context<'_>) -> Result<InfoAnswer, Failure> {
        let sysroot = context.sysroot(Unmanaged::Refuse)?;
        let packages: Result<Vec<PackageInfo>, _> =
            self.names.iter().map(|name| sysroot.info(name)).collect();
        Ok(InfoAnswer(packages?))
    }
}

/// Packages in the order in which they were asked for.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct InfoAnswer(Vec<PackageInfo>);

impl Render for InfoAnswer {
    fn render(&self, out: &mut dyn Write) -> fmt::Result {
        for (number, package) in self.0.iter().enumerate() {
            if number > 0 {
                writeln!(out)?;
            }
            render_package(out, package)?;
        }
        Ok(())
    }
}

fn render_package(out: &mut dyn Write, info: &PackageInfo) -> fmt::Result {
    let installed = &info.installed;
    let origin = match info.origin {
        Origin::Built => "built from source in the sandbox",
        Origin::BuiltWeakened => "built from source with weakened protection, see its provenance",
        Origin::Imported => "converted from another distribution's binary package",
    };
    let time = Timestamp::from_second(installed.installed).map(|time| time.to_string());
    writeln!(out, "{}", installed.package)?;
    field(out, "description", &info.description)?;
    field(out, "license", &info.license)?;
    field(out, "homepage", &info.homepage)?;
    field(out, "machine", &installed.package.arch)?;
    field(out, "recipe", &info.recipe)?;
    field(out, "origin", &origin)?;
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

fn field(out: &mut dyn Write, name: &str, value: &dyn Display) -> fmt::Result {
    let value = value.to_string();
    if value.is_empty() {
        Ok(())
    } else {
        writeln!(out, "  {name:<11} {value}")
    }
}

fn list<T: Display>(
    out: &mut dyn Write,
    name: &str,
    values: impl IntoIterator<Item = T>,
) -> fmt::Result {
    let values: Vec<String> = values.into_iter().map(|value| value.to_string()).collect();
    field(out, name, &values.join(", "))
}
