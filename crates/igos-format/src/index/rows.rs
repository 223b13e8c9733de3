//! The tables that lead to packages: rows that follow from what the packages are.

use super::{IndexEntry, Table};
use crate::declaration::Feature;
use crate::escape::escape;
use crate::{PackageId, PackageName};

/// The rows that a package adds to every table but its own.
pub(super) fn rows(entry: &IndexEntry) -> [(Table, Vec<String>); 3] {
    let name = &entry.package.name;
    let names = entry
        .provides
        .iter()
        .map(|provided| name_key(&provided.name))
        .chain(entry.features_provided.iter().map(feature_key))
        .chain(entry.paths.iter().map(|path| format!("path:/{path}")))
        .chain(entry.supersedes.iter().map(superseded_key));
    let programs = entry.programs.iter().map(|program| program_key(program));
    [
        (Table::Names, names.map(|key| row(&key, name)).collect()),
        (Table::Summaries, vec![summary(entry)]),
        (
            Table::Programs,
            programs.map(|key| row(&key, name)).collect(),
        ),
    ]
}

fn row(key: &str, name: &PackageName) -> String {
    format!("{key} {name}\n")
}

/// Returns the key of a name that packages provide.
pub(super) fn name_key(name: &PackageName) -> String {
    format!("name:{name}")
}

/// Returns the key of a name that packages supersede.
pub(super) fn superseded_key(name: &PackageName) -> String {
    format!("supersedes:{name}")
}

/// Returns the key of a feature.
pub(super) fn feature_key(feature: &Feature) -> String {
    feature.to_string()
}

/// Returns the key of a program.
pub(super) fn program_key(program: &str) -> String {
    escape(program.as_bytes())
}

/// Returns the package of a row of names or programs.
pub(super) fn package_of(row: &str) -> Option<PackageName> {
    let (_, name) = row.strip_suffix('\n')?.split_once(' ')?;
    name.parse().ok()
}

fn summary(entry: &IndexEntry) -> String {
    format!("{} {}\n", id_fields(&entry.package), entry.description)
}

/// Returns the fields that name a package exactly.
pub(super) fn id_fields(package: &PackageId) -> String {
    format!(
        "{} {} {} {} {}",
        package.name, package.epoch, package.version, package.release, package.arch
    )
}

/// One line about a package, where it stands in the index: nothing of it was copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary<'a> {
    fields: [&'a str; 5],
    description: &'a str,
}

impl<'a> Summary<'a> {
    /// Returns the summary that a row, with its end, is.
    pub(super) fn from_row(row: &'a str) -> Option<Self> {
        let mut fields = row.strip_suffix('\n')?.splitn(6, ' ');
        Some(Summary {
            fields: [
                fields.next()?,
                fields.next()?,
                fields.next()?,
                fields.next()?,
                fields.next()?,
            ],
            description: fields.next()?,
        })
    }

    /// Returns the package's name.
    #[must_use]
    pub fn name(&self) -> &'a str {
        self.fields[0]
    }

    /// Returns the description: one line, possibly empty.
    #[must_use]
    pub fn description(&self) -> &'a str {
        self.description
    }

    /// Returns what names the package exactly; `None` in an index that [`super::IndexReader::verify`] refuses.
    #[must_use]
    pub fn package(&self) -> Option<PackageId> {
        parse_id(self.fields)
    }
}

/// Returns the package that these fields name.
pub(super) fn parse_id([name, epoch, version, release, arch]: [&str; 5]) -> Option<PackageId> {
    Some(PackageId {
        name: name.parse().ok()?,
        epoch: epoch.parse().ok()?,
        version: version.parse().ok()?,
        release: release.parse().ok()?,
        arch: arch.parse().ok()?,
    })
}
