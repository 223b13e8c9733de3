//! Dependencies point downward, and each power is in one crate.

use std::path::Path;

use fs_err as fs;

use crate::rules::RuleAnswer;
use crate::workspace::{self, ChoreError, Edge, Package};

/// The crates from the bottom up; an edge goes to a lower row alone. A new crate gets its place here, with a
/// decision note.
const ROWS: [&[&str]; 11] = [
    &["igos-report"],
    &["igos-format"],
    &["igos-recipe", "igos-solve"],
    &["igos-root"],
    &["igos-sandbox"],
    &["igos-repo"],
    &["igos-sysroot", "igos-image"],
    &["igos-cli"],
    &["igos-build", "pkm", "forge"],
    &["igos-crash"],
    &["xtask"],
];

/// Edges that would go down and are refused all the same: `igos-cli` knows events and nothing of packages.
const ALONE: [(&str, &[&str]); 1] = [("igos-cli", &["igos-report"])];

/// Crates that are a power, and who has it; some have several owners.
const POWERS: [(&str, &str, &str); 13] = [
    ("ureq", "igos-repo", "network"),
    ("ring", "igos-repo", "signatures"),
    ("rusqlite", "igos-sysroot", "database"),
    ("landlock", "igos-sandbox", "sandbox"),
    ("seccompiler", "igos-sandbox", "sandbox"),
    ("libc", "igos-sandbox", "unsafe system calls"),
    ("indicatif", "igos-cli", "terminal"),
    ("annotate-snippets", "igos-cli", "terminal"),
    ("signal-hook", "igos-cli", "signals"),
    ("clap_mangen", "xtask", "man pages"),
    ("fuser", "igos-crash", "file systems in user space"),
    ("nix", "igos-crash", "ptrace"),
    ("seccompiler", "igos-crash", "stops at system calls"),
];

/// Features of `rustix` that are a power, and who has it.
const RUSTIX_POWERS: [(&str, &[&str]); 5] = [
    ("mount", &["igos-sandbox"]),
    ("net", &["igos-sandbox", "igos-repo"]),
    ("pty", &["igos-sandbox"]),
    ("runtime", &[]),
    ("thread", &["igos-sandbox"]),
];

/// Crates for tests alone.
const TEST_ONLY: [&str; 2] = ["insta", "proptest"];

/// The one file that may use `unsafe`.
const UNSAFE_FILE: &str = "crates/igos-sandbox/src/syscall.rs";

/// Checks the whole workspace.
pub(crate) fn check(top: &Path) -> Result<RuleAnswer, ChoreError> {
    let packages = workspace::packages(top)?;
    let mut broken: Vec<String> = packages.iter().flat_map(check_edges).collect();
    for package in &packages {
        broken.extend(check_lints(package)?);
        broken.extend(check_unsafe(top, package)?);
    }
    let is_ours = |edge: &&Edge| row(&edge.name).is_some();
    let edges: usize = packages
        .iter()
        .map(|package| package.dependencies.iter().filter(is_ours).count())
        .sum();
    Ok(RuleAnswer {
        looked_at: format!("{} crates, {edges} edges between them", packages.len()),
        broken,
    })
}

fn row(name: &str) -> Option<usize> {
    ROWS.iter().position(|row| row.contains(&name))
}

fn check_edges(package: &Package) -> Vec<String> {
    let name = package.name.as_str();
    let Some(own) = row(name) else {
        return vec![format!(
            "{name} has no place in the order of crates (xtask/src/deps.rs)"
        )];
    };
    package
        .dependencies
        .iter()
        .filter_map(|edge| check_edge(name, own, edge))
        .collect()
}

fn check_edge(name: &str, own: usize, edge: &Edge) -> Option<String> {
    let target = edge.name.as_str();
    let is_test_edge = edge.kind.as_deref() == Some("dev");
    if let Some(below) = row(target) {
        if below >= own {
            return Some(format!("{name} depends on {target}, which is not below it"));
        }
        let narrowed = ALONE.iter().find(|(crate_name, _)| *crate_name == name);
        return narrowed
            .filter(|(_, allowed)| !allowed.contains(&target))
            .map(|(_, allowed)| {
                format!(
                    "{name} depends on {target}, it may on {} alone",
                    allowed.join(", ")
                )
            });
    }
    if is_test_edge {
        return None;
    }
    if TEST_ONLY.contains(&target) {
        return Some(format!("{name} depends on {target} outside of tests"));
    }
    let mut owners = POWERS.iter().filter(|(power, ..)| *power == target);
    if let Some((_, owner, power)) = owners.clone().next()
        && owners.all(|(_, owner, _)| *owner != name)
    {
        return Some(format!(
            "{name} depends on {target}: {power} is {owner}'s alone"
        ));
    }
    let feature = RUSTIX_POWERS
        .iter()
        .filter(|_| target == "rustix")
        .find(|(feature, owners)| {
            edge.features.iter().any(|used| used == feature) && !owners.contains(&name)
        });
    feature.map(|(feature, owners)| {
        format!(
            "{name} uses rustix/{feature}, which is {}'s alone",
            owners.join(", ")
        )
    })
}

/// A crate that does not take the lints of the workspace has every power.
fn check_lints(package: &Package) -> Result<Option<String>, ChoreError> {
    let manifest = fs::read_to_string(&package.manifest_path).map_err(ChoreError::File)?;
    let takes = manifest.contains("[lints]\nworkspace = true\n");
    Ok((!takes).then(|| format!("{} does not take the lints of the workspace", package.name)))
}

fn check_unsafe(top: &Path, package: &Package) -> Result<Vec<String>, ChoreError> {
    let directory = package.manifest_path.parent().unwrap_or(top);
    let mut broken = Vec::new();
    for file in crate::lines::rust_files(directory)? {
        let shown = file.strip_prefix(top).unwrap_or(&file);
        let text = fs::read_to_string(&file).map_err(ChoreError::File)?;
        let allows = text
            .lines()
            .any(|line| line.trim_start().starts_with("#") && line.contains("(unsafe_code"));
        if allows && shown != Path::new(UNSAFE_FILE) {
            broken.push(format!(
                "{} allows unsafe code, which {UNSAFE_FILE} alone may",
                shown.display()
            ));
        }
    }
    Ok(broken)
}

#[cfg(test)]
mod tests {
    use super::{Edge, Package, check, check_edges};
    use crate::workspace;

    fn package(name: &str, dependencies: &[(&str, Option<&str>, &[&str])]) -> Package {
        let edge = |(name, kind, features): &(&str, Option<&str>, &[&str])| Edge {
            name: (*name).to_owned(),
            kind: kind.map(str::to_owned),
            features: features
                .iter()
                .map(|feature| (*feature).to_owned())
                .collect(),
        };
        Package {
            name: name.to_owned(),
            manifest_path: "Cargo.toml".into(),
            dependencies: dependencies.iter().map(edge).collect(),
        }
    }

    #[test]
    fn rising_edges_are_refused_even_for_tests() {
        assert_eq!(
            check_edges(&package(
                "igos-root",
                &[("igos-sysroot", None, &[]), ("igos-format", None, &[])]
            )),
            ["igos-root depends on igos-sysroot, which is not below it"]
        );
        assert_eq!(
            check_edges(&package("igos-format", &[("igos-root", Some("dev"), &[])])),
            ["igos-format depends on igos-root, which is not below it"]
        );
    }

    #[test]
    fn engines_and_programs_do_not_know_each_other() {
        assert_eq!(
            check_edges(&package("igos-sysroot", &[("igos-image", None, &[])])),
            ["igos-sysroot depends on igos-image, which is not below it"]
        );
        assert_eq!(
            check_edges(&package("pkm", &[("igos-build", None, &[])])),
            ["pkm depends on igos-build, which is not below it"]
        );
        assert_eq!(
            check_edges(&package(
                "igos-cli",
                &[("igos-format", None, &[]), ("igos-report", None, &[])]
            )),
            ["igos-cli depends on igos-format, it may on igos-report alone"]
        );
    }

    #[test]
    fn powers_of_others_are_refused() {
        assert_eq!(
            check_edges(&package(
                "pkm",
                &[
                    ("ureq", None, &[]),
                    ("rusqlite", Some("build"), &[]),
                    ("rusqlite", Some("dev"), &[]),
                    ("proptest", None, &[]),
                    ("rustix", None, &["fs", "mount"]),
                ]
            )),
            [
                "pkm depends on ureq: network is igos-repo's alone",
                "pkm depends on rusqlite: database is igos-sysroot's alone",
                "pkm depends on proptest outside of tests",
                "pkm uses rustix/mount, which is igos-sandbox's alone",
            ]
        );
    }

    #[test]
    fn crates_without_a_place_are_refused() {
        assert_eq!(
            check_edges(&package("igos-utils", &[])),
            ["igos-utils has no place in the order of crates (xtask/src/deps.rs)"]
        );
    }

    #[test]
    fn this_workspace_keeps_the_rules() {
        let answer = check(&workspace::top()).expect("the workspace can be read");
        assert_eq!(answer.broken, Vec::<String>::new());
    }
}
