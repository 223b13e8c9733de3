//! Which archives become part of the repository: the newest of each name and machine.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use igos_format::index::IndexEntry;
use igos_format::manifest::Origin;
use igos_format::{Arch, PackageId, PackageName};

use super::archive::Given;
use super::findings::Finding;

/// What a package is found by: one version of each is in the index.
pub(super) type Key = (PackageName, Arch);

/// What the publisher allows although it is unusual.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allowances {
    /// Origins besides [`Origin::Built`].
    pub origins: Vec<Origin>,
    /// Versions older than the published ones.
    pub backwards: Backwards,
}

/// Whether an older version may take the place of a newer one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Backwards {
    /// It may not.
    #[default]
    Refuse,
    /// It may.
    Allow,
}

/// What was chosen.
#[derive(Debug, Default)]
pub(super) struct Chosen {
    /// Archives that are not published yet.
    pub(super) new: Vec<Given>,
    /// Published packages that stay.
    pub(super) kept: Vec<IndexEntry>,
    /// Published packages that go: other versions come, or they were taken out.
    pub(super) gone: Vec<PackageId>,
    pub(super) findings: Vec<Finding>,
}

/// Chooses among the archives that were given and what is published. `is_lost` tells of a published package whose
/// archive is no longer where it was: the same archive is taken again.
pub(super) fn choose(
    given: Vec<Given>,
    published: Vec<IndexEntry>,
    remove: &BTreeSet<PackageName>,
    allow: &Allowances,
    is_lost: &dyn Fn(&IndexEntry) -> bool,
) -> Chosen {
    let mut chosen = Chosen::default();
    let mut old: BTreeMap<Key, IndexEntry> = BTreeMap::new();
    for entry in published {
        if remove.contains(&entry.package.name) {
            chosen.gone.push(entry.package);
        } else {
            old.insert((entry.package.name.clone(), entry.package.arch), entry);
        }
    }
    for (key, candidates) in by_key(given, &mut chosen.findings) {
        if remove.contains(&key.0) {
            continue;
        }
        let Some(newest) = newest(candidates, &mut chosen.findings) else {
            continue;
        };
        let taken = match old.get(&key) {
            None => true,
            Some(entry) => takes_place(&newest, entry, allow, &mut chosen.findings, is_lost),
        };
        if taken {
            let package = &newest.package;
            let origin = newest.origin;
            if origin != Origin::Built && !allow.origins.contains(&origin) {
                chosen.findings.push(Finding::Origin {
                    package: package.clone(),
                    origin,
                });
            }
            if let Some(entry) = old.remove(&key).filter(|entry| entry.package != *package) {
                chosen.gone.push(entry.package);
            }
            chosen.gone.extend(take_outdated(&mut old, package));
            chosen.new.push(newest);
        }
    }
    chosen.kept = old.into_values().collect();
    chosen
}

/// Takes out what a package for any machine makes useless: older ones of its name for certain machines.
fn take_outdated(old: &mut BTreeMap<Key, IndexEntry>, package: &PackageId) -> Vec<PackageId> {
    if package.arch != Arch::Any {
        return Vec::new();
    }
    let is_outdated = |entry: &&IndexEntry| {
        entry.package.name == package.name && entry.package.compare_versions(package).is_lt()
    };
    let outdated: Vec<PackageId> = old
        .values()
        .filter(is_outdated)
        .map(|entry| entry.package.clone())
        .collect();
    for package in &outdated {
        old.remove(&(package.name.clone(), package.arch));
    }
    outdated
}

fn by_key(given: Vec<Given>, findings: &mut Vec<Finding>) -> BTreeMap<Key, Vec<Given>> {
    let mut by_key: BTreeMap<Key, Vec<Given>> = BTreeMap::new();
    for archive in given {
        let package = &archive.package;
        if archive.has_other_name() {
            findings.push(Finding::OtherName {
                archive: archive.path.clone(),
                package: package.clone(),
            });
        }
        let key = (package.name.clone(), package.arch);
        by_key.entry(key).or_default().push(archive);
    }
    by_key
}

/// Returns the newest of archives of one name and machine; two of one version must be the same package.
fn newest(candidates: Vec<Given>, findings: &mut Vec<Finding>) -> Option<Given> {
    let mut newest: Option<Given> = None;
    for archive in candidates {
        let Some(best) = &newest else {
            newest = Some(archive);
            continue;
        };
        let (package, other) = (&archive.package, &best.package);
        match package.compare_versions(other) {
            Ordering::Greater => newest = Some(archive),
            Ordering::Equal if archive.seal != best.seal => {
                findings.push(Finding::SameVersion {
                    package: package.clone(),
                    archives: [best, &archive].map(|archive| (archive.path.clone(), archive.seal)),
                });
            }
            Ordering::Equal | Ordering::Less => {}
        }
    }
    newest
}

/// Tells whether an archive takes the place of a published package.
fn takes_place(
    archive: &Given,
    published: &IndexEntry,
    allow: &Allowances,
    findings: &mut Vec<Finding>,
    is_lost: &dyn Fn(&IndexEntry) -> bool,
) -> bool {
    let package = &archive.package;
    let seal = archive.seal;
    if seal == published.seal {
        if *package != published.package {
            findings.push(Finding::IndexDiffers {
                archive: archive.path.clone(),
                package: package.clone(),
                published: published.package.clone(),
            });
        }
        return is_lost(published);
    }
    match package.compare_versions(&published.package) {
        Ordering::Greater => true,
        Ordering::Equal => {
            findings.push(Finding::VersionPublished {
                package: package.clone(),
                archive: archive.path.clone(),
                seal,
                published: published.seal,
            });
            false
        }
        Ordering::Less if allow.backwards == Backwards::Allow => true,
        Ordering::Less => {
            findings.push(Finding::GoesBackwards {
                package: package.clone(),
                published: published.package.clone(),
            });
            false
        }
    }
}
