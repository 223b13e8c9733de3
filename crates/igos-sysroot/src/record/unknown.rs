//! Records that do not tell what they should: of their packages it is known that they are installed, and no more.

use std::collections::BTreeMap;

use igos_format::PackageName;
use igos_report::{Diagnostic, Explain, diagnose};
use igos_root::RootError;

use super::RecordError;

/// Why a record does not tell what it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// It is not what was written.
    Damaged,
    /// It cannot be read.
    Unreadable,
    /// The history says that the package is installed, and there is no record.
    Missing,
}

/// The packages whose records cannot be used, each with the reason.
///
/// What is asked of a root is answered without them only where the answer does not depend on them.
#[derive(Debug, Clone, Default, PartialEq, Eq, thiserror::Error)]
#[error("it cannot be known what is installed of {}", self.names())]
pub struct UnknownRecords(BTreeMap<PackageName, (Unknown, Diagnostic)>);

impl UnknownRecords {
    /// Tells whether all records can be used.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Tells why the record of this package cannot be used; `None` where nothing is wrong with it.
    #[must_use]
    pub fn why(&self, name: &PackageName) -> Option<Unknown> {
        self.0.get(name).map(|(why, _)| *why)
    }

    /// Returns each of them by itself.
    #[must_use]
    pub fn each(&self) -> Vec<Diagnostic> {
        self.0.values().map(|(_, found)| found.clone()).collect()
    }

    /// Returns what is wrong with the record of this one alone.
    pub(crate) fn of(&self, name: &PackageName) -> Option<Self> {
        let found = self.0.get(name)?.clone();
        Some(UnknownRecords([(name.clone(), found)].into()))
    }

    pub(crate) fn packages(&self) -> impl Iterator<Item = &PackageName> {
        self.0.keys()
    }

    pub(super) fn damaged(&mut self, name: PackageName, error: &RecordError) {
        self.insert(name, Unknown::Damaged, diagnose(error));
    }

    pub(super) fn unreadable(&mut self, name: PackageName, error: &RootError) {
        self.insert(name, Unknown::Unreadable, diagnose(error));
    }

    pub(super) fn missing(&mut self, name: PackageName, transaction: u64) {
        let message = format!(
            "transaction {transaction} of the history left {name} installed, and its record is gone"
        );
        let found = Diagnostic::error("record-missing", message);
        self.insert(name, Unknown::Missing, found);
    }

    /// Forgets what is missing: while a transaction is carried out, texts come one after the other.
    pub(crate) fn without_missing(mut self) -> Self {
        self.0.retain(|_, (why, _)| *why != Unknown::Missing);
        self
    }

    pub(crate) fn remove(&mut self, name: &PackageName) {
        self.0.remove(name);
    }

    fn insert(&mut self, name: PackageName, why: Unknown, found: Diagnostic) {
        let found = found.at(format!("record of {name}"));
        self.0.insert(name, (why, found));
    }

    fn has(&self, wanted: Unknown) -> bool {
        self.0.values().any(|(why, _)| *why == wanted)
    }

    fn names(&self) -> String {
        let names: Vec<&str> = self.0.keys().map(PackageName::as_str).collect();
        names.join(", ")
    }
}

impl Explain for UnknownRecords {
    fn code(&self) -> &'static str {
        "records-unknown"
    }

    fn hints(&self) -> Vec<String> {
        let mut hints = Vec::new();
        if self.has(Unknown::Unreadable) {
            hints.push("make the named files readable (their modes, the disk)".to_owned());
        }
        if self.has(Unknown::Damaged) || self.has(Unknown::Missing) {
            hints.push(
                "put the records back from a copy of var/lib/igos/packages, or a database that has them".to_owned(),
            );
            hints.push(format!(
                "or forget the packages, and take them up again from their archives: `pkm db rebuild {}`, then `pkm adopt ARCHIVE`",
                self.0
                    .iter()
                    .filter(|(_, (why, _))| *why != Unknown::Unreadable)
                    .map(|(name, _)| format!("--forget {name}"))
                    .collect::<Vec<_>>()
                    .join(" ")
            ));
        }
        hints
    }

    /// Unreadable is never fine, and no answer either.
    fn exit_code(&self) -> u8 {
        if self.has(Unknown::Unreadable) { 4 } else { 1 }
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        let mut all = self.each();
        all.push(diagnose(self));
        all
    }
}
