//! `pkm list --upgradable`.

use std::collections::BTreeMap;
use std::fmt;

use igos_cli::{Failure, Render, Size};
use igos_format::index::{Advisory, AdvisoryState};
use igos_format::{PackageId, PackageName};
use igos_repo::repository::{Catalogue, RepositoryName};
use igos_sysroot::Listed;
use serde::Serialize;

/// Packages that can be upgraded, by name.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct UpgradableAnswer(Vec<Upgradable>);

#[derive(Debug, Serialize)]
struct Upgradable {
    installed: PackageId,
    package: PackageId,
    repository: RepositoryName,
    is_held: bool,
    download_bytes: u64,
    /// What the newer version mends, as far as its repository says so.
    fixes: Vec<Advisory>,
}

impl UpgradableAnswer {
    /// Returns which of these have a newer version.
    pub(super) fn of(installed: Vec<Listed>, catalogue: &Catalogue) -> Result<Self, Failure> {
        let asked = installed
            .iter()
            .map(|listed| (&listed.package, listed.repository.as_deref()));
        let upgradable = catalogue.upgradable(asked)?;
        let held: BTreeMap<&PackageName, bool> = installed
            .iter()
            .map(|listed| (&listed.package.name, listed.is_held))
            .collect();
        let rows = upgradable.into_iter().map(|found| {
            let entry = found.offered.entry;
            let fixes = entry.advisories.into_iter();
            Upgradable {
                is_held: held.get(&found.installed.name) == Some(&true),
                installed: found.installed,
                package: entry.package,
                repository: found.offered.repository,
                download_bytes: entry.archive.size_bytes,
                fixes: fixes
                    .filter(|advisory| advisory.state == AdvisoryState::Fixed)
                    .collect(),
            }
        });
        Ok(UpgradableAnswer(rows.collect()))
    }
}

impl Render for UpgradableAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        for row in &self.0 {
            write!(
                out,
                "{} -> {}  {}  {}",
                row.installed,
                row.package.full_version(),
                row.repository,
                Size(row.download_bytes)
            )?;
            if row.is_held {
                write!(out, "  [held]")?;
            }
            let fixes: Vec<&str> = row.fixes.iter().map(|fix| fix.id.as_str()).collect();
            if !fixes.is_empty() {
                write!(out, "  fixes {}", fixes.join(", "))?;
            }
            writeln!(out)?;
        }
        Ok(())
    }
}
