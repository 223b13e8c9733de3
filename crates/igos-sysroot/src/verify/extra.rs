//! Files that no package brought.

use std::collections::{BTreeMap, BTreeSet};

use igos_format::{PackageName, RelPath, escape};
use igos_root::{Directory, DirectoryEntry, FollowedLinks, Kind};

use super::declared::Declarations;
use super::{Class, Difference, Extras, Finding, VerifyError};
use crate::Sysroot;
use crate::alternatives::Link;
use crate::configuration::stands_beside;
use crate::kernels::kept_kernels;

/// Links that belong to no package.
struct Known<'a> {
    links: &'a FollowedLinks,
    own_links: &'a BTreeMap<RelPath, Link>,
    declared: &'a Declarations<'a>,
    /// Paths of kernels that were replaced while they were running.
    kernels: BTreeSet<RelPath>,
}

/// Returns what is in the directories of `names`, or of all packages, and belongs to nobody.
pub(super) fn extras(
    sysroot: &Sysroot,
    names: &BTreeSet<PackageName>,
    which: Extras,
    links: &FollowedLinks,
    own_links: &BTreeMap<RelPath, Link>,
    declared: &Declarations<'_>,
) -> Result<Vec<Finding>, VerifyError> {
    let database = |source| VerifyError::Database { source };
    let kept = kept_kernels(&sysroot.root).map_err(|source| VerifyError::Read { source })?;
    let known = Known {
        links,
        own_links,
        declared,
        kernels: kept
            .iter()
            .flat_map(|kernel| kernel.paths(links))
            .map(|(_, place, _)| place)
            .collect(),
    };
    let mut findings = Vec::new();
    let mut directories = BTreeSet::new();
    match which {
        Extras::No => return Ok(findings),
        Extras::PackageDirectories => {
            for name in names {
                let found = sysroot.database.directories(name).map_err(database)?;
                directories.extend(found.into_iter().map(|(place, _)| place));
            }
        }
        Extras::WholeRoot => {
            for listed in sysroot.database.packages(None).map_err(database)? {
                let found = sysroot
                    .database
                    .directories(&listed.package.name)
                    .map_err(database)?;
                directories.extend(found.into_iter().map(|(place, _)| place));
            }
            look_in(sysroot, None, sysroot.root.top(), &known, &mut findings)?;
        }
    }
    for place in directories {
        match sysroot.root.directory(&place) {
            Ok(directory) => {
                look_in(sysroot, Some(&place), &directory, &known, &mut findings)?;
            }
            // Missing and replaced directories are findings already.
            Err(error) if error.is_not_found() || error.is_way_blocked() => {}
            Err(error) => findings.push(unreadable(place.to_string(), &error.into_io())),
        }
    }
    Ok(findings)
}

fn look_in(
    sysroot: &Sysroot,
    place: Option<&RelPath>,
    directory: &Directory,
    known: &Known<'_>,
    findings: &mut Vec<Finding>,
) -> Result<(), VerifyError> {
    let shown = place.map_or_else(|| ".".to_owned(), ToString::to_string);
    let entries = match directory.entries() {
        Ok(entries) => entries,
        Err(error) => {
            findings.push(unreadable(shown, &error));
            return Ok(());
        }
    };
    for entry in entries {
        let joined = match place {
            None => RelPath::from_bytes(&entry.name),
            Some(place) => place.join(&entry.name),
        };
        let is_extra = match &joined {
            // No package can have such a name.
            Err(_) => true,
            Ok(path) => is_extra(sysroot, path, known)?,
        };
        if is_extra {
            let name = escape::escape(&entry.name);
            findings.push(Finding {
                path: place.map_or_else(|| name.clone(), |place| format!("{place}/{name}")),
                package: None,
                what: Difference::Extra,
                expected: "nothing".to_owned(),
                observed: kind_of(directory, &entry),
                class: Class::Code,
            });
        }
    }
    Ok(())
}

fn kind_of(directory: &Directory, entry: &DirectoryEntry) -> String {
    let kind = entry
        .kind
        .or_else(|| directory.metadata(&entry.name).ok().map(|found| found.kind));
    kind.map_or("something", Kind::as_str).to_owned()
}

fn is_extra(sysroot: &Sysroot, path: &RelPath, known: &Known<'_>) -> Result<bool, VerifyError> {
    let database = |source| VerifyError::Database { source };
    // Our own state, and directories that only lead to it.
    let state = crate::layout::state();
    if igos_format::manifest::is_reserved(path)
        || state.starts_with(path)
        || known.links.target(path).is_some()
        || known.own_links.contains_key(path)
        || known.kernels.contains(path)
    {
        return Ok(false);
    }
    let is_owned = |path: &RelPath| sysroot.database.owner(path).map(|row| row.is_some());
    if is_owned(path).map_err(database)? {
        return Ok(false);
    }
    if !sysroot
        .database
        .directory_owners(path)
        .map_err(database)?
        .is_empty()
    {
        return Ok(false);
    }
    if known.declared.make(path) {
        return Ok(false);
    }
    // What a transaction put beside a path of a package is no surprise.
    match stands_beside(path) {
        Some(base) => {
            let is_ours = known.own_links.contains_key(&base);
            Ok(!is_ours && !is_owned(&base).map_err(database)?)
        }
        None => Ok(true),
    }
}

fn unreadable(path: String, error: &std::io::Error) -> Finding {
    Finding {
        path,
        package: None,
        what: Difference::Unreadable,
        expected: "a directory that can be read".to_owned(),
        observed: error.to_string(),
        class: Class::Code,
    }
}
