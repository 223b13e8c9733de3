//! What should be there: text records, cross-checked with the database.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use igos_format::{EntryKind, PackageName, RelPath};
use igos_root::RootError;
use rayon::prelude::*;

use super::{Class, Difference, Finding, VerifyError};
use crate::record::RECORD_MAX_BYTES;
use crate::{Record, Sysroot, layout};

/// One package to verify.
#[derive(Debug)]
pub(super) struct ExpectedPackage {
    pub(super) record: Record,
    /// Files and links that are this package's; others of its manifest belong to a superseding one.
    pub(super) own: HashSet<RelPath>,
}

/// Returns the packages to verify, and what is wrong with their records.
pub(super) fn expected_packages(
    sysroot: &Sysroot,
    names: &BTreeSet<PackageName>,
) -> Result<(Vec<ExpectedPackage>, Vec<Finding>), VerifyError> {
    let database = |source| VerifyError::Database { source };
    let mut copies = BTreeMap::new();
    let mut owned = BTreeMap::new();
    for name in names {
        copies.insert(name, sysroot.database.record(name).map_err(database)?);
        let rows = sysroot.database.files(name).map_err(database)?;
        owned.insert(
            name,
            rows.into_iter().map(|row| row.path).collect::<HashSet<_>>(),
        );
    }
    let root = &sysroot.root;
    let read: Vec<(Option<Record>, Option<Finding>)> = copies
        .into_par_iter()
        .map(|(name, copy)| {
            let text = root.read_file(&layout::record(name), RECORD_MAX_BYTES);
            cross_check(name, text.map_err(|error| with_cause(&error)), copy)
        })
        .collect();
    let mut packages = Vec::new();
    let mut findings = Vec::new();
    for (record, finding) in read {
        findings.extend(finding);
        let Some(record) = record else { continue };
        let mut own = owned
            .remove(&record.manifest.package.name)
            .unwrap_or_default();
        // Without rows in the database nothing can have been given away.
        if own.is_empty() && record.installed.yielded_to.is_empty() {
            own = record
                .manifest
                .entries
                .iter()
                .filter(|entry| entry.kind != EntryKind::Directory)
                .map(|entry| entry.path.clone())
                .collect();
        }
        packages.push(ExpectedPackage { record, own });
    }
    Ok((packages, findings))
}

fn with_cause(error: &RootError) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

/// Chooses between the text record and the database's copy, and tells where they disagree.
fn cross_check(
    name: &PackageName,
    text: Result<Option<Vec<u8>>, String>,
    copy: Option<Vec<u8>>,
) -> (Option<Record>, Option<Finding>) {
    let found = |what, expected: &str, observed: String| {
        Some(Finding {
            path: layout::record(name).to_string(),
            package: Some(name.clone()),
            what,
            expected: expected.to_owned(),
            observed,
            class: Class::Code,
        })
    };
    let finding =
        |expected: &str, observed: String| found(Difference::RecordDisagrees, expected, observed);
    let from_copy = || {
        copy.as_deref()
            .and_then(|bytes| Record::read_of(name, bytes).ok())
    };
    let bytes = match text {
        // It may be as it was written: nothing differs that anybody has seen.
        Err(problem) => {
            let expected = "a record that can be read";
            return (
                from_copy(),
                found(Difference::Unreadable, expected, problem),
            );
        }
        Ok(None) => return (from_copy(), finding("a record", "nothing".to_owned())),
        Ok(Some(bytes)) => bytes,
    };
    match Record::read_of(name, &bytes) {
        Err(error) => (
            from_copy(),
            finding("a record that is whole", error.to_string()),
        ),
        Ok(record) if copy.as_ref().is_some_and(|copy| *copy != bytes) => (
            Some(record),
            finding("the record the database has", "another record".to_owned()),
        ),
        Ok(record) => (Some(record), None),
    }
}
