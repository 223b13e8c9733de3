//! What a plan tells besides what it does: declarations not carried out, losses.

use std::collections::BTreeMap;

use igos_format::manifest::Manifest;
use igos_format::{PackageName, RelPath};
use igos_report::Diagnostic;

use super::Change;

/// Returns what a package declares that no transaction carries out yet.
pub(super) fn recorded_only(manifest: &Manifest) -> Vec<String> {
    manifest
        .services
        .iter()
        .map(|service| format!("service {}", service.name))
        .collect()
}

/// Returns what the user should know before confirming.
pub(super) fn notices(changes: &[Change], lost: &[(PackageName, RelPath)]) -> Vec<Diagnostic> {
    let mut notices = Vec::new();
    for change in changes
        .iter()
        .filter(|change| !change.recorded_only.is_empty())
    {
        notices.push(
            Diagnostic::note(
                "declarations-not-carried-out",
                format!(
                    "{} declares what is recorded and not carried out yet: {}",
                    change.package,
                    change.recorded_only.join(", ")
                ),
            )
            .at(change.package.name.as_str()),
        );
    }
    let mut by_package: BTreeMap<&PackageName, Vec<&RelPath>> = BTreeMap::new();
    for (name, path) in lost {
        by_package.entry(name).or_default().push(path);
    }
    for (name, paths) in by_package {
        notices.push(
            Diagnostic::warning(
                "superseded-paths-lost",
                format!(
                    "{name} loses {} paths that a removed package had taken over, the first is {}",
                    paths.len(),
                    paths[0]
                ),
            )
            .at(name.as_str())
            .hint(format!("bring them back: `pkm reinstall {name}`")),
        );
    }
    notices
}
