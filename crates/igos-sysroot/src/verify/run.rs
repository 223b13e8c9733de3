//! Verification from request to report.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};

use igos_format::{EntryKind, FileEntry, PackageName, RelPath};
use igos_report::{Explain, Outcome, Reporter, Subject, Task};
use igos_root::{FollowedLinks, RootError};
use rayon::prelude::*;

use super::compare::{Expected, Mismatch, compare};
use super::declared::Declarations;
use super::expected::{ExpectedPackage, expected_packages};
use super::extra::extras;
use super::links::own_link_findings;
use super::observe::{Observed, Unobserved, observe};
use super::{Class, Counts, Difference, Extras, Finding, VerifyReport, VerifyRequest};
use crate::owners::Owners;
use crate::places::place_of;
use crate::{DatabaseError, Ownership, QueryError, Sysroot, layout};

/// Progress is told after as many paths.
const PROGRESS_STEP: u64 = 256;

/// Verification cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// A package that was named is not installed.
    #[error("{name} is not installed")]
    NotInstalled {
        /// The package.
        name: PackageName,
    },
    /// The database cannot be read.
    #[error("cannot verify: the database cannot be read")]
    Database {
        /// Why.
        #[source]
        source: DatabaseError,
    },
    /// Which alternatives there are cannot be found out.
    #[error("cannot verify: the alternatives cannot be found out")]
    Alternatives {
        /// Why.
        #[source]
        source: QueryError,
    },
    /// The root cannot be read.
    #[error("cannot verify: the root cannot be read")]
    Read {
        /// Why.
        #[source]
        source: RootError,
    },
}

impl Explain for VerifyError {
    fn code(&self) -> &'static str {
        match self {
            VerifyError::NotInstalled { .. } => "not-installed",
            VerifyError::Database { source } => source.code(),
            VerifyError::Read { source } => source.code(),
            VerifyError::Alternatives { source } => source.code(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            VerifyError::NotInstalled { .. } => 1,
            _ => 4,
        }
    }
}

/// One path to look at.
struct Item<'a> {
    package: &'a ExpectedPackage,
    entry: &'a FileEntry,
    place: RelPath,
    /// It need not be there; what is there has to be as the manifest says all the same.
    is_left_out: bool,
}

impl Item<'_> {
    fn name(&self) -> &PackageName {
        &self.package.record.manifest.package.name
    }

    fn finding(&self, what: Difference, expected: String, observed: String) -> Finding {
        Finding {
            path: self.entry.path.to_string(),
            package: Some(self.name().clone()),
            what,
            expected,
            observed,
            class: if self.entry.is_configuration {
                Class::Configuration
            } else {
                Class::Code
            },
        }
    }
}

/// What looking at one path gave.
struct Looked {
    mismatches: Vec<Mismatch>,
    observed: Option<Observed>,
}

impl Sysroot {
    /// Compares disk and record; needs no lock and no privilege beyond reading.
    ///
    /// # Errors
    ///
    /// Returns why it cannot begin; everything found later is in the report.
    pub fn verify(
        &self,
        request: &VerifyRequest,
        reporter: &dyn Reporter,
    ) -> Result<VerifyReport, VerifyError> {
        let subject = Subject::Verify(self.root.to_string());
        let task = Task::start(reporter, None, subject);
        let result = self.verify_with(request, &task);
        task.finish(match &result {
            Ok(report) if report.findings.is_empty() => Outcome::Done,
            Ok(report) => Outcome::Failed(format!("{} findings", report.findings.len())),
            Err(error) => Outcome::Failed(error.to_string()),
        });
        result
    }

    fn verify_with(
        &self,
        request: &VerifyRequest,
        task: &Task<'_>,
    ) -> Result<VerifyReport, VerifyError> {
        let read = |source| VerifyError::Read { source };
        let names = self.names_to_verify(request)?;
        let links = FollowedLinks::read(&self.root).map_err(read)?;
        let owners = Owners::read(&self.root).map_err(read)?;
        let (packages, mut findings) = expected_packages(self, &names)?;
        let items = self.items(&packages, &links)?;
        let mut counts = count(&packages, &items);

        let (done, bytes) = (AtomicU64::new(0), AtomicU64::new(0));
        let root = &self.root;
        let looked: Vec<Looked> = items
            .par_iter()
            .map(|item| {
                let looked = look(root, item, &owners, &bytes);
                let now = done.fetch_add(1, Ordering::Relaxed) + 1;
                if now.is_multiple_of(PROGRESS_STEP) {
                    task.advance(now, Some(items.len() as u64));
                }
                looked
            })
            .collect();
        counts.bytes = bytes.into_inner();

        let declared = Declarations::of(self);
        findings.extend(link_findings(&items, &looked));
        for (item, looked) in items.iter().zip(looked) {
            let found = looked.observed.as_ref().map(|observed| observed.metadata);
            let mismatches = self.without_shared(item, looked, &owners)?;
            let expected = Expected {
                entry: item.entry,
                ownership: item.package.record.installed.ownership,
                numbers: owners.numbers(&item.entry.owner),
            };
            let mismatches =
                declared.without_declared(&item.place, &expected, found.as_ref(), mismatches);
            findings.extend(
                mismatches
                    .into_iter()
                    .map(|found| item.finding(found.what, found.expected, found.observed)),
            );
        }
        let own_links = self
            .own_links(&links)
            .map_err(|source| VerifyError::Alternatives { source })?;
        findings.extend(own_link_findings(root, &own_links, &names));
        // Whose a path is that belongs to nobody known cannot be said while somebody is unknown.
        let asked = match self.unknown.is_empty() {
            true => request.extras,
            false => Extras::No,
        };
        findings.extend(extras(self, &names, asked, &links, &own_links, &declared)?);
        findings.sort();
        for finding in &findings {
            match (finding.what, finding.class) {
                (Difference::Unreadable, _) => counts.unreadable += 1,
                (_, Class::Configuration) => counts.configuration_findings += 1,
                (_, Class::Code) => counts.code_findings += 1,
                (_, Class::Trust) => counts.trust_findings += 1,
            }
        }
        Ok(VerifyReport { findings, counts })
    }

    fn names_to_verify(
        &self,
        request: &VerifyRequest,
    ) -> Result<BTreeSet<PackageName>, VerifyError> {
        let database = |source| VerifyError::Database { source };
        let installed: BTreeSet<PackageName> = self
            .database
            .packages(None)
            .map_err(database)?
            .into_iter()
            .map(|row| row.package.name)
            .chain(self.unknown.packages().cloned())
            .collect();
        match &request.packages {
            Some(names) => match names.difference(&installed).next() {
                Some(name) => Err(VerifyError::NotInstalled { name: name.clone() }),
                None => Ok(names.clone()),
            },
            None => {
                // A text record the database does not know is verified too, and disagrees.
                let mut names = installed;
                if let Ok(directory) = self.root.directory(&layout::records()) {
                    let entries = directory.entries().map_err(|source| VerifyError::Read {
                        source: RootError::new(
                            "read directory",
                            layout::records().to_string(),
                            source,
                        ),
                    })?;
                    names.extend(
                        entries.iter().filter_map(|entry| {
                            std::str::from_utf8(&entry.name).ok()?.parse().ok()
                        }),
                    );
                }
                Ok(names)
            }
        }
    }

    /// Returns the paths to look at.
    fn items<'a>(
        &self,
        packages: &'a [ExpectedPackage],
        links: &FollowedLinks,
    ) -> Result<Vec<Item<'a>>, VerifyError> {
        let mut items = Vec::new();
        for package in packages {
            let record = &package.record;
            for entry in &record.manifest.entries {
                let is_left_out = record.installed.excluded.leaves_out(entry);
                let place = place_of(&record.manifest, entry, links);
                let is_somebodys = match (is_left_out, &entry.kind) {
                    (true, EntryKind::Directory) => true,
                    (true, _) => self
                        .database
                        .owner(&place)
                        .map_err(|source| VerifyError::Database { source })?
                        .is_some(),
                    (false, EntryKind::Directory) => false,
                    (false, _) => !package.own.contains(&entry.path),
                };
                if !is_somebodys {
                    items.push(Item {
                        package,
                        entry,
                        place,
                        is_left_out,
                    });
                }
            }
        }
        Ok(items)
    }

    /// A directory that several packages declare differently is as one of them says.
    fn without_shared(
        &self,
        item: &Item<'_>,
        looked: Looked,
        owners: &Owners,
    ) -> Result<Vec<Mismatch>, VerifyError> {
        let database = |source| VerifyError::Database { source };
        let Looked {
            mismatches,
            observed: Some(observed),
        } = looked
        else {
            return Ok(looked.mismatches);
        };
        if mismatches.is_empty() || item.entry.kind != EntryKind::Directory {
            return Ok(mismatches);
        }
        for name in self
            .database
            .directory_owners(&item.place)
            .map_err(database)?
        {
            if name == *item.name() {
                continue;
            }
            let Ok(record) = self.record(&name) else {
                // Its damage is a finding of its own.
                continue;
            };
            let agrees = record
                .manifest
                .entries
                .iter()
                .filter(|entry| entry.path == item.entry.path)
                .any(|entry| {
                    let expected = Expected {
                        entry,
                        ownership: record.installed.ownership,
                        numbers: owners.numbers(&entry.owner),
                    };
                    compare(&expected, &observed).is_empty()
                });
            if agrees {
                return Ok(Vec::new());
            }
        }
        Ok(mismatches)
    }
}

fn count(packages: &[ExpectedPackage], items: &[Item<'_>]) -> Counts {
    let mut counts = Counts {
        packages: packages.len() as u64,
        paths: items.len() as u64,
        ..Counts::default()
    };
    for item in items {
        match item.entry.kind {
            EntryKind::Directory => counts.directories += 1,
            EntryKind::File { .. } => counts.files += 1,
            EntryKind::Symlink { .. } => counts.symlinks += 1,
        }
        if item.package.record.installed.ownership == Ownership::Recorded {
            counts.owners_not_checked += 1;
            counts.capabilities_not_checked += u64::from(item.entry.capabilities.is_some());
            counts.special_bits_not_checked += u64::from(item.entry.mode & 0o7000 != 0);
        }
    }
    counts
}

fn look(root: &igos_root::RootDir, item: &Item<'_>, owners: &Owners, bytes: &AtomicU64) -> Looked {
    let expected = Expected {
        entry: item.entry,
        ownership: item.package.record.installed.ownership,
        numbers: owners.numbers(&item.entry.owner),
    };
    let alone = |what, observed: String| Looked {
        mismatches: vec![Mismatch {
            what,
            expected: super::compare::kind_of(item.entry).to_string(),
            observed,
        }],
        observed: None,
    };
    match observe(root, &item.place, item.entry) {
        Ok(observed) => {
            if observed.sha256.is_some() {
                bytes.fetch_add(observed.metadata.size, Ordering::Relaxed);
            }
            Looked {
                mismatches: compare(&expected, &observed),
                observed: Some(observed),
            }
        }
        Err(Unobserved::Missing | Unobserved::WayBlocked) if item.is_left_out => Looked {
            mismatches: Vec::new(),
            observed: None,
        },
        Err(Unobserved::Missing) => alone(Difference::Missing, "nothing".to_owned()),
        Err(Unobserved::WayBlocked) => alone(
            Difference::Missing,
            "nothing: something on the way is not a directory".to_owned(),
        ),
        Err(Unobserved::Unreadable(error)) => alone(Difference::Unreadable, error.to_string()),
    }
}

/// Returns the hard links that are not as recorded: files of a group that are not one inode, or that have names
/// which the package does not know.
fn link_findings(items: &[Item<'_>], looked: &[Looked]) -> Vec<Finding> {
    let mut groups: BTreeMap<(&PackageName, u32), Vec<(&Item<'_>, &Observed)>> = BTreeMap::new();
    for (item, looked) in items.iter().zip(looked) {
        if let EntryKind::File {
            link_group: Some(group),
            ..
        } = item.entry.kind
            && let Some(observed) = &looked.observed
            && observed.metadata.kind == igos_root::Kind::File
        {
            groups
                .entry((item.name(), group))
                .or_default()
                .push((item, observed));
        }
    }
    let mut findings = Vec::new();
    for members in groups.values() {
        // Links do not reach across mounts; there the copies are files of their own.
        let mut by_mount: HashMap<u64, Vec<&(&Item<'_>, &Observed)>> = HashMap::new();
        for member in members {
            by_mount
                .entry(member.1.metadata.mount)
                .or_default()
                .push(member);
        }
        for members in by_mount.values() {
            let Some((first, rest)) = members.split_first() else {
                continue;
            };
            for member in rest {
                if member.1.metadata.inode != first.1.metadata.inode {
                    findings.push(member.0.finding(
                        Difference::LinkCount,
                        format!("a hard link of {}", first.0.entry.path),
                        "a file of its own".to_owned(),
                    ));
                }
            }
            let names = members.len() as u32;
            if first.1.metadata.links > names {
                findings.push(first.0.finding(
                    Difference::LinkCount,
                    format!("{names} names"),
                    format!("{} names", first.1.metadata.links),
                ));
            }
        }
    }
    findings
}
