//! Taking up packages whose files are on disk already: out of archives, or of text manifests for roots that were
//! made by other means.
//!
//! Nothing is believed: every path is compared with the manifest first, and a package of which one differs is not
//! taken up. Configuration files may differ; they count as edited.

use std::collections::BTreeMap;

use igos_format::archive::{Head, Seal};
use igos_format::manifest::{self, Manifest, ManifestError};
use igos_format::{EntryKind, PackageName, RelPath, Sha256, installed_bytes};
use igos_report::{Diagnostic, Explain, diagnose};
use igos_root::{FollowedLinks, RootError};
use rayon::prelude::*;

use crate::owners::Owners;
use crate::places::{implied_directories, place_of};
use crate::plan::{Spellings, marked};
use crate::verify::{Unobserved, observe};
use crate::{
    Change, ChangeAction, Class, Conflict, DatabaseError, Difference, Exclusions, Expected,
    Finding, Installed, Ownership, Plan, PlanError, PristineFile, Reason, Record, Sysroot, Vouch,
    compare,
};

/// A package that may be taken up.
#[derive(Debug, Clone)]
pub struct Adoption {
    manifest: Manifest,
    manifest_bytes: Vec<u8>,
    seal: Sha256,
    sealed: Option<Seal>,
    vouch: Vouch,
}

impl Adoption {
    /// Returns the package of an archive; `vouch` is what the caller found out about it.
    #[must_use]
    pub fn of(head: &Head, vouch: Vouch) -> Self {
        Adoption {
            manifest: Manifest::clone(head.manifest()),
            manifest_bytes: head.manifest_bytes().to_vec(),
            seal: head.seal_digest(),
            sealed: Some(*head.seal()),
            vouch,
        }
    }

    /// Returns the package that a text manifest describes; the digest of the text stands for the seal, so that an
    /// archive is never taken for it.
    ///
    /// # Errors
    ///
    /// Returns what is wrong with the manifest.
    pub fn of_manifest(bytes: &[u8]) -> Result<Self, ManifestError> {
        Ok(Adoption {
            manifest: manifest::read(bytes)?,
            manifest_bytes: bytes.to_vec(),
            seal: Sha256::of(bytes),
            sealed: None,
            vouch: Vouch::unsigned(),
        })
    }

    /// Returns the name of the package.
    #[must_use]
    pub fn name(&self) -> &PackageName {
        &self.manifest.package.name
    }
}

/// A plan that takes up packages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AdoptPlan {
    /// What will be taken up: packages whose files are all as they should be.
    pub plan: Plan,
    /// Where the disk differs; packages that have such a path are not taken up.
    pub differences: Vec<Finding>,
}

/// Packages cannot be taken up.
#[derive(Debug, thiserror::Error)]
pub enum AdoptError {
    /// One is installed.
    #[error("{name} is installed already")]
    Installed {
        /// The package.
        name: PackageName,
    },
    /// It cannot be planned.
    #[error("cannot plan to take up packages")]
    Plan {
        /// Why.
        #[source]
        source: PlanError,
    },
    /// The root cannot be read.
    #[error("the root cannot be read")]
    Read {
        /// Why.
        #[source]
        source: RootError,
    },
    /// The database cannot be read.
    #[error("the database cannot be read")]
    Database {
        /// Why.
        #[source]
        source: DatabaseError,
    },
}

impl Explain for AdoptError {
    fn code(&self) -> &'static str {
        match self {
            AdoptError::Installed { .. } => "package-installed",
            AdoptError::Plan { source } => source.code(),
            AdoptError::Read { source } => source.code(),
            AdoptError::Database { source } => source.code(),
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            AdoptError::Installed { name } => {
                vec![format!("make its files as recorded: `pkm repair {name}`")]
            }
            AdoptError::Plan { source } => source.hints(),
            AdoptError::Read { .. } | AdoptError::Database { .. } => Vec::new(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            AdoptError::Installed { .. } => 1,
            AdoptError::Plan { source } => source.exit_code(),
            AdoptError::Read { .. } | AdoptError::Database { .. } => 4,
        }
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        match self {
            AdoptError::Plan { source } => source.diagnostics(),
            _ => vec![diagnose(self)],
        }
    }
}

impl Sysroot {
    /// Plans that packages are taken up whose files are on disk.
    ///
    /// # Errors
    ///
    /// Returns what stands against all of them.
    pub fn plan_adopt(
        &self,
        adoptions: &[Adoption],
        ownership: Ownership,
    ) -> Result<AdoptPlan, AdoptError> {
        let ground = self
            .ground()
            .map_err(|source| AdoptError::Plan { source })?;
        let links =
            FollowedLinks::read(&self.root).map_err(|source| AdoptError::Read { source })?;
        let owners = Owners::read(&self.root).map_err(|source| AdoptError::Read { source })?;
        let database = |source| AdoptError::Database { source };
        self.refuse_owned(adoptions, &links)?;
        let mut plan = ground.nothing(ownership);
        let mut differences = Vec::new();
        for adoption in adoptions {
            let name = adoption.name();
            if self.database.record(name).map_err(database)?.is_some() {
                return Err(AdoptError::Installed { name: name.clone() });
            }
            let looked = self.look(adoption, ownership, &links, &owners);
            let is_clean = looked
                .iter()
                .all(|finding| finding.class == Class::Configuration);
            if is_clean {
                plan.pristine
                    .extend(pristine(adoption, &looked).filter(|file| {
                        let stored = crate::layout::pristine(&file.sha256);
                        matches!(self.root.metadata(&stored), Ok(None))
                    }));
                plan.changes.push(adopted(adoption, ownership));
            }
            differences.extend(looked);
        }
        plan.pristine.sort_by_key(|file| file.sha256);
        plan.pristine.dedup_by_key(|file| file.sha256);
        if !plan.changes.is_empty() {
            plan.notices.push(Diagnostic::note(
                "packages-taken-up",
                "nobody vouches for how these files came to be; they are recorded as unsigned unless their archive is signed",
            ));
        }
        Ok(AdoptPlan { plan, differences })
    }

    /// Refuses paths that belong to installed packages, or to two of these.
    fn refuse_owned(
        &self,
        adoptions: &[Adoption],
        links: &FollowedLinks,
    ) -> Result<(), AdoptError> {
        let mut conflicts = Vec::new();
        let mut claimed: BTreeMap<RelPath, &PackageName> = BTreeMap::new();
        for adoption in adoptions {
            let package = adoption.name();
            for entry in &adoption.manifest.entries {
                if entry.kind == EntryKind::Directory {
                    continue;
                }
                let place = place_of(&adoption.manifest, entry, links);
                let owner = self
                    .database
                    .owner(&place)
                    .map_err(|source| AdoptError::Database { source })?;
                if let Some(row) = owner {
                    conflicts.push(Conflict::Owned {
                        package: package.clone(),
                        path: entry.path.clone(),
                        owner: row.package,
                    });
                }
                if let Some(other) = claimed.insert(place, package) {
                    conflicts.push(Conflict::Both {
                        package: package.clone(),
                        other: other.clone(),
                        path: entry.path.clone(),
                    });
                }
            }
        }
        let failed = |source| AdoptError::Plan { source };
        let spellings = Spellings::new(&self.root, &self.database);
        for adoption in adoptions {
            let folded = self.folded(adoption, links, &spellings);
            conflicts.extend(folded.map_err(failed)?);
        }
        if conflicts.is_empty() {
            return Ok(());
        }
        Err(failed(PlanError::Conflicts(conflicts)))
    }

    /// Returns the paths of a package that the disk has under other names.
    fn folded(
        &self,
        adoption: &Adoption,
        links: &FollowedLinks,
        spellings: &Spellings<'_>,
    ) -> Result<Vec<Conflict>, PlanError> {
        let manifest = &adoption.manifest;
        let mut conflicts = Vec::from_iter(spellings.record_conflict(adoption.name())?);
        let mut places = implied_directories(manifest, &Exclusions::default(), links);
        let entries = manifest.entries.iter();
        places.extend(entries.map(|entry| place_of(manifest, entry, links)));
        for place in places {
            // What cannot be looked at is found where it is compared.
            if let Ok(Some(found)) = self.root.metadata(&place)
                && !self.is_recorded(&place)?
            {
                conflicts.extend(spellings.conflict(&place, &found, adoption.name())?);
            }
        }
        Ok(conflicts)
    }

    fn is_recorded(&self, place: &RelPath) -> Result<bool, PlanError> {
        let failed = |source| PlanError::Database { source };
        Ok(self.database.owner(place).map_err(failed)?.is_some()
            || !self
                .database
                .directory_owners(place)
                .map_err(failed)?
                .is_empty())
    }

    /// Compares every path of a package with the disk.
    fn look(
        &self,
        adoption: &Adoption,
        ownership: Ownership,
        links: &FollowedLinks,
        owners: &Owners,
    ) -> Vec<Finding> {
        let root = &self.root;
        let looked: Vec<Vec<Finding>> = adoption
            .manifest
            .entries
            .par_iter()
            .map(|entry| {
                let finding = |what, expected: String, observed: String| Finding {
                    path: entry.path.to_string(),
                    package: Some(adoption.name().clone()),
                    what,
                    expected,
                    observed,
                    class: if entry.is_configuration {
                        Class::Configuration
                    } else {
                        Class::Code
                    },
                };
                let expected = Expected {
                    entry,
                    ownership,
                    numbers: owners.numbers(&entry.owner),
                };
                match observe(root, &place_of(&adoption.manifest, entry, links), entry) {
                    Ok(observed) => compare(&expected, &observed)
                        .into_iter()
                        .map(|found| finding(found.what, found.expected, found.observed))
                        .collect(),
                    Err(Unobserved::Missing | Unobserved::WayBlocked) => vec![finding(
                        Difference::Missing,
                        "something".to_owned(),
                        "nothing".to_owned(),
                    )],
                    Err(Unobserved::Unreadable(error)) => vec![finding(
                        Difference::Unreadable,
                        "something that can be read".to_owned(),
                        error.to_string(),
                    )],
                }
            })
            .collect();
        looked.into_iter().flatten().collect()
    }
}

/// Returns the configuration files that are on disk as the package has them.
fn pristine<'a>(
    adoption: &'a Adoption,
    looked: &'a [Finding],
) -> impl Iterator<Item = PristineFile> + 'a {
    let entries = adoption.manifest.entries.iter();
    entries
        .filter(|entry| entry.is_configuration)
        .filter(|entry| {
            !looked
                .iter()
                .any(|finding| finding.path == entry.path.to_string())
        })
        .filter_map(|entry| match entry.kind {
            EntryKind::File { sha256, .. } => Some(PristineFile {
                package: adoption.name().clone(),
                path: entry.path.clone(),
                sha256,
            }),
            _ => None,
        })
}

fn adopted(adoption: &Adoption, ownership: Ownership) -> Change {
    let record = Record {
        installed: Installed {
            package: adoption.manifest.package.clone(),
            reason: Reason::Explicit,
            // Both are those of the transaction that takes it up.
            installed: 0,
            transaction: 0,
            repository: adoption.vouch.repository.clone(),
            held: false,
            seal: adoption.seal,
            sealed: adoption.sealed,
            signature: adoption.vouch.signature.clone(),
            trust: adoption.vouch.trust.clone(),
            ownership,
            yielded_to: Default::default(),
            excluded: Default::default(),
        },
        manifest: adoption.manifest.clone(),
        manifest_bytes: adoption.manifest_bytes.clone(),
    };
    Change {
        installed_bytes: installed_bytes(record.entries()),
        restored: Some(Box::new(record.clone())),
        ..marked(&record, ChangeAction::Adopt)
    }
}
