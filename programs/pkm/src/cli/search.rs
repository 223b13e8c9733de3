//! `pkm search`.

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::{fmt, thread};

use clap::Args;
use igos_cli::{Exit, Failure, Render};
use igos_format::index::SearchTerms;
use igos_format::{PackageId, PackageName};
use igos_repo::repository::{Found, RepositoryName};
use igos_sysroot::{Listed, Unmanaged};
use serde::Serialize;

use super::Context;

/// Search names and descriptions of packages
///
/// Every TERM must be in the name or in the description; letters of ASCII match whatever their case. Packages that are
/// installed and in no repository are found too. Ends with 1 if nothing matches.
#[derive(Debug, Args)]
#[command(
    visible_alias = "find",
    after_help = "Examples:\n  pkm search compress\n  pkm search image viewer --json"
)]
pub(super) struct Search {
    /// What to search for
    #[arg(value_name = "TERM", required = true)]
    terms: Vec<String>,
}

impl Search {
    pub(super) fn run(self, context: &Context<'_>) -> Result<SearchAnswer, Failure> {
        let terms = SearchTerms::new(self.terms.iter().map(String::as_str));
        let mut packages = packages(context, &terms)?;
        packages.sort_by_key(|found| rank(found.package.name.as_str(), &self.terms));
        Ok(SearchAnswer(packages))
    }
}

/// Names that are searched for come first, then names that have all terms; what is alike stays in its order.
fn rank(name: &str, terms: &[String]) -> u8 {
    let name = name.to_ascii_lowercase();
    let terms: Vec<String> = terms.iter().map(|term| term.to_ascii_lowercase()).collect();
    if terms.contains(&name) {
        0
    } else if terms.iter().all(|term| name.contains(term.as_str())) {
        1
    } else {
        2
    }
}

/// Returns what matches, offered or installed, by name.
pub(super) fn packages(
    context: &Context<'_>,
    terms: &SearchTerms,
) -> Result<Vec<Package>, Failure> {
    let catalogue = context.catalogue()?;
    // Each of the two takes some milliseconds, which is what a person notices.
    let (offered, installed) = thread::scope(|scope| {
        let offered = scope.spawn(|| catalogue.search(terms));
        let sysroot = context.sysroot(Unmanaged::Empty);
        let installed = sysroot.and_then(|sysroot| sysroot.list().map_err(Failure::from));
        (offered.join(), installed)
    });
    let offered = offered.unwrap_or_else(|panic| resume_unwind(panic))?;
    let mut installed: BTreeMap<PackageName, Listed> = installed?
        .into_iter()
        .map(|listed| (listed.package.name.clone(), listed))
        .collect();
    let mut packages: Vec<Package> = offered
        .into_iter()
        .map(|found| {
            let installed = installed.remove(&found.package.name);
            Package::offered(found, installed.map(|listed| listed.package))
        })
        .collect();
    let matching = installed
        .into_values()
        .filter(|listed| terms.is_match(listed.package.name.as_str(), &listed.description));
    packages.extend(matching.map(Package::installed));
    packages.sort_by(|a, b| a.package.name.cmp(&b.package.name));
    Ok(packages)
}

/// A package that is offered, installed, or both.
#[derive(Debug, Serialize)]
pub(super) struct Package {
    package: PackageId,
    description: String,
    repository: Option<RepositoryName>,
    installed: Option<PackageId>,
}

impl Package {
    fn offered(found: Found, installed: Option<PackageId>) -> Self {
        Package {
            package: found.package,
            description: found.description,
            repository: Some(found.repository),
            installed,
        }
    }

    fn installed(listed: Listed) -> Self {
        Package {
            installed: Some(listed.package.clone()),
            package: listed.package,
            description: listed.description,
            repository: None,
        }
    }

    /// Tells whether a repository offers it.
    pub(super) fn is_offered(&self) -> bool {
        self.repository.is_some()
    }
}

/// What was found.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct SearchAnswer(Vec<Package>);

impl Render for SearchAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        render(&self.0, out)
    }

    fn exit(&self) -> Exit {
        if self.0.is_empty() {
            Exit::No
        } else {
            Exit::Done
        }
    }
}

/// Writes two lines for each package.
pub(super) fn render(packages: &[Package], out: &mut dyn fmt::Write) -> fmt::Result {
    for found in packages {
        write!(out, "{}", found.package)?;
        if let Some(repository) = &found.repository {
            write!(out, "  {repository}")?;
        }
        match &found.installed {
            Some(installed) if *installed == found.package => write!(out, "  [installed]")?,
            Some(installed) => write!(out, "  [installed: {}]", installed.full_version())?,
            None => {}
        }
        writeln!(out)?;
        if !found.description.is_empty() {
            writeln!(out, "    {}", found.description)?;
        }
    }
    Ok(())
}
