//! What the archive offers for each recipe.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use igos_format::{PackageName, Sha256, Version};
use igos_recipe::{AlternativeLocation, Recipe, Source, SourceKind};
use igos_repo::debian::SourcePackage;
use serde::Serialize;

use super::version::{Remark, Upstream};

/// How a recipe's source package was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// A source of the recipe lies in the archive.
    Digest,
    /// The recipe names a file of the archive.
    Alternative,
    /// It has the name of the recipe, or of the file that the recipe downloads.
    Name,
}

/// A version in a suite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Offer {
    /// The suite.
    pub suite: String,
    /// The source package.
    pub source: String,
    /// Its version as Debian writes it.
    pub debian_version: String,
    /// Upstream's version, as far as it names a release.
    pub version: Version,
    /// What is to be said about it.
    pub remark: Option<Remark>,
    /// Whether the source package has the recipe's name and nothing else in common with it.
    pub is_by_name: bool,
}

/// How a recipe stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// The newest that is offered is its version.
    Current,
    /// Something newer is offered.
    Newer,
    /// All that is offered is older.
    Ahead,
    /// Nothing is offered.
    Absent,
}

/// Which source package is a recipe's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its name.
    pub source: String,
    /// How it was found.
    pub origin: Origin,
}

/// How one recipe stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// The recipe.
    pub name: PackageName,
    /// Its version.
    pub version: Version,
    /// How it stands.
    pub state: State,
    /// The source package of Debian that was looked at.
    pub source: Option<String>,
    /// How that was found.
    pub origin: Option<Origin>,
    /// The newest version that is offered.
    pub newest: Option<Offer>,
    /// The newest of each suite, in the order of the suites.
    pub offers: Vec<Offer>,
    /// Why nothing is offered; empty where something is.
    pub reason: &'static str,
}

/// Compares recipes with the source packages of all suites. `path_of` tells where in the archive a file with a digest
/// lies.
///
/// # Errors
///
/// Passes on what `path_of` returns.
pub fn compare<'r, E>(
    recipes: impl Iterator<Item = &'r Recipe>,
    packages: &[SourcePackage],
    mut path_of: impl FnMut(&Sha256) -> Result<Option<String>, E>,
) -> Result<Vec<Compared>, E> {
    let mut by_family: BTreeMap<&str, Vec<&SourcePackage>> = BTreeMap::new();
    let mut families: BTreeMap<&str, &str> = BTreeMap::new();
    let mut by_name: BTreeMap<&str, Vec<&SourcePackage>> = BTreeMap::new();
    for package in packages {
        let family = family(&package.name, &package.version);
        by_family.entry(family).or_default().push(package);
        families.insert(&package.name, family);
        by_name.entry(&package.name).or_default().push(package);
    }
    recipes
        .map(|recipe| {
            let found = find(recipe, &families, &mut path_of)?;
            let family = found
                .as_ref()
                .and_then(|one| families.get(one.source.as_str()));
            let members = family.and_then(|family| by_family.get(family));
            let members = members.map(Vec::as_slice).unwrap_or_default();
            let is_by_name = found.as_ref().is_some_and(|one| one.origin == Origin::Name);
            let mut offered: Vec<(&SourcePackage, bool)> =
                members.iter().map(|one| (*one, is_by_name)).collect();
            // A package that was renamed is not in the newer suites; there, the name is all there is to go by.
            let has_upstream = found.is_some();
            offered.extend(
                by_name
                    .get(recipe.name.as_str())
                    .into_iter()
                    .flatten()
                    .filter(|one| has_upstream && members.iter().all(|it| it.suite != one.suite))
                    .map(|one| (*one, true)),
            );
            Ok(compared(recipe, found, &offered))
        })
        .collect()
}

/// Returns the name of a source package without the series at its end, which is the beginning of its version: `gcc` of
/// `gcc-14` 14.2.0, `python` of `python3.13` 3.13.5; but `bzip2` of `bzip2` 1.0.8.
fn family<'n>(name: &'n str, version: &str) -> &'n str {
    let series_at = name
        .rfind(|c: char| !c.is_ascii_digit() && c != '.')
        .map_or(0, |at| at + 1);
    let (stem, series) = name.split_at(series_at);
    let Some(upstream) = Upstream::of_debian(version) else {
        return name;
    };
    let is_series = upstream
        .version
        .as_str()
        .strip_prefix(series)
        .is_some_and(|rest| rest.is_empty() || !rest.starts_with(|c: char| c.is_ascii_digit()));
    let stem = stem.trim_end_matches('-');
    if series.is_empty() || stem.is_empty() || !is_series {
        return name;
    }
    stem
}

/// Returns the source package of a recipe.
fn find<E>(
    recipe: &Recipe,
    known: &BTreeMap<&str, &str>,
    path_of: &mut impl FnMut(&Sha256) -> Result<Option<String>, E>,
) -> Result<Option<Found>, E> {
    let downloaded = || {
        recipe
            .sources
            .iter()
            .filter(|one| one.kind == SourceKind::Http)
    };
    let found = |source: &str, origin| {
        let source = source.to_owned();
        Some(Found { source, origin })
    };
    for source in downloaded() {
        if let Some(igos_format::Digest::Sha256(sha256)) = &source.digest
            && let Some(path) = path_of(sha256)?
            && let Some(name) = package_of(&path)
        {
            return Ok(found(name, Origin::Digest));
        }
        if let Some(name) = source.alternatives.iter().find_map(named) {
            return Ok(found(name, Origin::Alternative));
        }
    }
    let own = downloaded().next().map(|_| recipe.name.as_str());
    let names = own.into_iter().chain(downloaded().next().and_then(stem));
    Ok(names
        .filter(|name| known.contains_key(name))
        .find_map(|name| found(name, Origin::Name)))
}

/// Returns the source package that a file of the archive belongs to.
fn package_of(path: &str) -> Option<&str> {
    let file = path.rsplit('/').next()?;
    file.split_once('_').map(|(name, _)| name)
}

fn named(alternative: &igos_recipe::SourceAlternative) -> Option<&str> {
    match &alternative.location {
        AlternativeLocation::Debian(file) => package_of(file),
        AlternativeLocation::Url(_) => None,
    }
}

/// Returns what stands before the version in the name of a source's file.
fn stem(source: &Source) -> Option<&str> {
    let name = source.file_name();
    let starts = name.match_indices(['-', '_']);
    starts
        .map(|(at, _)| at)
        .find(|at| name[at + 1..].starts_with(|c: char| c.is_ascii_digit()))
        .map(|at| &name[..at])
}

fn compared(
    recipe: &Recipe,
    found: Option<Found>,
    packages: &[(&SourcePackage, bool)],
) -> Compared {
    // The newest of each suite; suites stay in their order.
    let mut offers: Vec<(Upstream, Offer)> = Vec::new();
    for (package, is_by_name) in packages {
        let Some(upstream) = Upstream::of_debian(&package.version) else {
            continue;
        };
        let offer = Offer {
            suite: package.suite.clone(),
            source: package.name.clone(),
            debian_version: package.version.clone(),
            version: upstream.version.clone(),
            remark: upstream.remark,
            is_by_name: *is_by_name,
        };
        let same = offers.iter_mut().find(|(_, one)| one.suite == offer.suite);
        match same {
            Some(there) if there.0.version < upstream.version => *there = (upstream, offer),
            Some(_) => {}
            None => offers.push((upstream, offer)),
        }
    }
    // Of equal ones the first suite's counts, which is the preferred one.
    let newest = offers
        .iter()
        .rev()
        .max_by(|one, other| one.0.version.cmp(&other.0.version));
    let state = match newest.map(|(upstream, _)| upstream.compare(&recipe.version)) {
        None => State::Absent,
        Some(Ordering::Greater) => State::Newer,
        Some(Ordering::Equal) => State::Current,
        Some(Ordering::Less) => State::Ahead,
    };
    let has_upstream = recipe
        .sources
        .iter()
        .any(|source| matches!(source.kind, SourceKind::Http | SourceKind::Git { .. }));
    let reason = match (&newest, has_upstream, &found) {
        (Some(_), ..) => "",
        (None, false, _) => "the recipe has no sources but its own files",
        (None, true, None) => "no source package is known to be this one",
        (None, true, Some(_)) => "no suite has its source package",
    };
    let newest = newest.map(|(_, offer)| offer.clone());
    let (source, origin) = found.map(|one| (one.source, one.origin)).unzip();
    Compared {
        name: recipe.name.clone(),
        version: recipe.version.clone(),
        state,
        source,
        origin,
        newest,
        offers: offers.into_iter().map(|(_, offer)| offer).collect(),
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::{family, package_of};

    #[test]
    fn series_in_a_name_is_the_beginning_of_the_version() {
        for (name, version, expected) in [
            ("gcc-14", "14.2.0-19", "gcc"),
            ("python3.13", "3.13.5-2", "python"),
            ("lua5.4", "5.4.7-1", "lua"),
            ("automake-1.16", "1:1.16.5-1.3", "automake"),
            ("sqlite3", "3.46.1-7", "sqlite"),
            ("bzip2", "1.0.8-6", "bzip2"),
            ("pcre2", "10.45-1", "pcre2"),
            ("libcap2", "1:2.75-10", "libcap"),
            ("m4", "1.4.19-8", "m4"),
            ("lz4", "1.10.0-4", "lz4"),
            ("x11", "11.0-1", "x"),
            ("7zip", "7.0-1", "7zip"),
            ("8", "8.0-1", "8"),
        ] {
            assert_eq!(family(name, version), expected, "{name} {version}");
        }
    }

    #[test]
    fn files_of_the_archive_name_their_package() {
        let path = "pool/main/z/zlib/zlib_1.3.orig.tar.gz";
        assert_eq!(package_of(path), Some("zlib"));
        assert_eq!(package_of("zlib.tar.gz"), None);
    }
}
