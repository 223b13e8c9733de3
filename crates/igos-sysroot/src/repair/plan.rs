//! From findings of verification to a plan.

use std::collections::{BTreeMap, BTreeSet};

use igos_format::{EntryKind, FileEntry, PackageName, RelPath, Sha256};
use igos_report::{Explain, Reporter};
use igos_root::{FollowedLinks, Kind, RootError};

use crate::configuration::{backup_name, free_name};
use crate::hooks::directories_job;
use crate::places::place_of;
use crate::plan::marked;
use crate::state_text::parse_path;
use crate::{
    ChangeAction, Class, DatabaseError, Difference, Extras, Finding, Ownership, PathAction,
    PathChange, Plan, PlanError, QueryError, Record, Sysroot, VerifyError, VerifyRequest, Was,
    layout,
};

/// Whether configuration files are repaired too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RepairConfiguration {
    /// They are the administrator's business.
    Leave,
    /// They become as their packages brought them; what is there is kept beside as `NAME.pkmold`.
    Restore,
}

/// What to repair.
#[derive(Debug, Clone)]
pub struct RepairRequest {
    /// The packages; with no paths either, all.
    pub packages: BTreeSet<PackageName>,
    /// Single paths.
    pub paths: BTreeSet<RelPath>,
    /// Whether configuration files are repaired too.
    pub configuration: RepairConfiguration,
    /// Whether owners and special bits are applied.
    pub ownership: Ownership,
}

/// A plan that makes files as they are recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepairPlan {
    /// What will be done.
    pub plan: Plan,
    /// What cannot be repaired by replacing files.
    pub left: Vec<Finding>,
    /// Packages of which the root lacks a content, so that their archives are needed.
    pub lacking: BTreeSet<PackageName>,
}

/// A repair cannot be planned.
#[derive(Debug, thiserror::Error)]
pub enum RepairError {
    /// Verification cannot begin.
    #[error("cannot find out what there is to repair")]
    Verify {
        /// Why.
        #[source]
        source: VerifyError,
    },
    /// What a package is to have cannot be found out.
    #[error("cannot find out how it should be")]
    Query {
        /// Why.
        #[source]
        source: QueryError,
    },
    /// It cannot be planned.
    #[error("cannot plan the repair")]
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
}

impl Explain for RepairError {
    fn code(&self) -> &'static str {
        match self {
            RepairError::Verify { source } => source.code(),
            RepairError::Query { source } => source.code(),
            RepairError::Plan { source } => source.code(),
            RepairError::Read { source } => source.code(),
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            RepairError::Verify { source } => source.hints(),
            RepairError::Query { source } => source.hints(),
            RepairError::Plan { source } => source.hints(),
            RepairError::Read { .. } => Vec::new(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            RepairError::Verify { source } => source.exit_code(),
            RepairError::Query { source } => source.exit_code(),
            RepairError::Plan { source } => source.exit_code(),
            RepairError::Read { .. } => 4,
        }
    }
}

fn query(source: QueryError) -> RepairError {
    RepairError::Query { source }
}

fn read(source: RootError) -> RepairError {
    RepairError::Read { source }
}

impl Sysroot {
    /// Plans that files of packages become as they are recorded.
    ///
    /// # Errors
    ///
    /// Returns why it cannot be planned.
    pub fn plan_repair(
        &self,
        request: &RepairRequest,
        reporter: &dyn Reporter,
    ) -> Result<RepairPlan, RepairError> {
        let links = FollowedLinks::read(&self.root).map_err(read)?;
        let mut paths = BTreeSet::new();
        let mut packages = request.packages.clone();
        for path in &request.paths {
            let owned = self.owner(path).map_err(query)?;
            packages.extend(owned.packages);
            paths.insert(owned.place);
        }
        let is_all = packages.is_empty();
        let report = self
            .verify(
                &VerifyRequest {
                    packages: (!is_all).then_some(packages),
                    extras: Extras::No,
                },
                reporter,
            )
            .map_err(|source| RepairError::Verify { source })?;
        let mut repairing = Repairing {
            sysroot: self,
            request,
            links,
            actions: BTreeMap::new(),
            directories: BTreeSet::new(),
            left: Vec::new(),
        };
        let mut by_package: BTreeMap<PackageName, Vec<Finding>> = BTreeMap::new();
        for finding in report.findings {
            if let Some(package) = &finding.package {
                by_package.entry(package.clone()).or_default().push(finding);
            }
        }
        let ground = self
            .ground()
            .map_err(|source| RepairError::Plan { source })?;
        let mut plan = ground.nothing(request.ownership);
        let mut lacking = BTreeSet::new();
        for (name, findings) in by_package {
            let record = self.record(&name).map_err(query)?;
            let is_named = request.packages.contains(&name) || is_all;
            let before = repairing.count();
            repairing.package(&record, findings, (!is_named).then_some(&paths))?;
            if repairing.count() != before {
                plan.changes.push(marked(&record, ChangeAction::Repair));
                if self.lacks_for_repair(&record, &repairing.actions)? {
                    lacking.insert(name);
                }
            }
        }
        plan.hooks
            .jobs
            .extend(directories_job(repairing.directories));
        plan.paths = repairing.actions.into_values().collect();
        Ok(RepairPlan {
            plan,
            left: repairing.left,
            lacking,
        })
    }

    /// Tells whether a content that a package needs for these actions is nowhere in the root.
    fn lacks_for_repair(
        &self,
        record: &Record,
        actions: &BTreeMap<RelPath, PathAction>,
    ) -> Result<bool, RepairError> {
        let name = &record.manifest.package.name;
        let wanted: BTreeSet<&RelPath> = actions
            .values()
            .filter(|action| action.package == *name && action.kind == Kind::File)
            .map(|action| &action.path)
            .collect();
        for entry in record
            .entries()
            .filter(|entry| wanted.contains(&entry.path))
        {
            if let EntryKind::File { sha256, size, .. } = entry.kind
                && size > 0
                && !self
                    .is_content_here(&sha256)
                    .map_err(|source| query(QueryError::Database { source }))?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Tells whether a file of the root has this content, having read it.
    pub(crate) fn is_content_here(&self, sha256: &Sha256) -> Result<bool, DatabaseError> {
        let places = self.database.places_with(sha256)?;
        for place in places.into_iter().chain([layout::pristine(sha256)]) {
            // A file that cannot be read does not have the content.
            let Ok(Some(file)) = self.root.open_file(&place) else {
                continue;
            };
            if Sha256::read(file).is_ok_and(|digest| digest == *sha256) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

struct Repairing<'a> {
    sysroot: &'a Sysroot,
    request: &'a RepairRequest,
    links: FollowedLinks,
    /// By place.
    actions: BTreeMap<RelPath, PathAction>,
    /// Places of directories whose mode or owner is another than recorded.
    directories: BTreeSet<RelPath>,
    left: Vec<Finding>,
}

impl Repairing<'_> {
    /// Returns how much there is to do.
    fn count(&self) -> usize {
        self.actions.len() + self.directories.len()
    }

    /// Plans the repair of one package, or of those of its places that are in `only`.
    fn package(
        &mut self,
        record: &Record,
        findings: Vec<Finding>,
        only: Option<&BTreeSet<RelPath>>,
    ) -> Result<(), RepairError> {
        let own_links = self.sysroot.own_links(&self.links).map_err(query)?;
        for finding in findings {
            let is_configuration = finding.class == Class::Configuration;
            if is_configuration && self.request.configuration == RepairConfiguration::Leave {
                continue;
            }
            let path = parse_path(&finding.path);
            let entry = record
                .entries()
                .find(|entry| path.as_ref() == Some(&entry.path));
            let place = match (entry, &path) {
                (Some(entry), _) => place_of(&record.manifest, entry, &self.links),
                (None, Some(path)) => self.links.place(path),
                (None, None) => continue,
            };
            let link = own_links.get(&place).filter(|_| {
                entry.is_none_or(|entry| {
                    // A file that serves its own path is elsewhere, and the link is what the finding is about.
                    place_of(&record.manifest, entry, &self.links) != self.links.place(&entry.path)
                })
            });
            if only.is_some_and(|only| !only.contains(&place)) {
                continue;
            }
            match (entry, link) {
                (_, Some(link)) => {
                    let change = PathChange::Link {
                        target: link.target.clone(),
                    };
                    self.replace(record, &finding, &place, Kind::Symlink, change)?;
                }
                (Some(entry), None) => self.entry(record, entry, &place, finding)?,
                (None, None) => self.left.push(finding),
            }
        }
        Ok(())
    }

    fn entry(
        &mut self,
        record: &Record,
        entry: &FileEntry,
        place: &RelPath,
        finding: Finding,
    ) -> Result<(), RepairError> {
        let kind = match entry.kind {
            EntryKind::Directory => Kind::Directory,
            EntryKind::File { .. } => Kind::File,
            EntryKind::Symlink { .. } => Kind::Symlink,
        };
        let is_there = finding.what != Difference::Missing;
        let is_attribute = matches!(finding.what, Difference::Mode | Difference::Owner);
        if kind == Kind::Directory && is_attribute {
            self.directories.insert(place.clone());
            return Ok(());
        }
        if finding.what == Difference::Unreadable || (kind == Kind::Directory && is_there) {
            self.left.push(finding);
            return Ok(());
        }
        // All names of an inode are made anew together, or they would not be one any more.
        let EntryKind::File {
            link_group: Some(group),
            ..
        } = entry.kind
        else {
            return self.replace(record, &finding, place, kind, PathChange::Replace);
        };
        for other in record.entries() {
            if matches!(other.kind, EntryKind::File { link_group: Some(found), .. } if found == group)
            {
                let place = place_of(&record.manifest, other, &self.links);
                let finding = Finding {
                    path: other.path.to_string(),
                    ..finding.clone()
                };
                self.replace(record, &finding, &place, kind, PathChange::Replace)?;
            }
        }
        Ok(())
    }

    /// Plans that a path is made anew, with the directories on the way.
    fn replace(
        &mut self,
        record: &Record,
        finding: &Finding,
        place: &RelPath,
        kind: Kind,
        change: PathChange,
    ) -> Result<(), RepairError> {
        if self.actions.contains_key(place) {
            return Ok(());
        }
        let root = &self.sysroot.root;
        let found = match root.metadata(place) {
            Ok(found) => found,
            Err(error) if error.is_way_blocked() => {
                self.left.push(finding.clone());
                return Ok(());
            }
            Err(error) => return Err(read(error)),
        };
        let is_link = matches!(change, PathChange::Link { .. });
        let (change, was) = match found.map(|found| found.kind) {
            None if is_link => (change, Was::Absent),
            None => (PathChange::Create, Was::Absent),
            Some(Kind::Directory | Kind::Special) => {
                self.left.push(finding.clone());
                return Ok(());
            }
            Some(_) if finding.class == Class::Configuration => {
                match free_name(root, backup_name(place)).map_err(read)? {
                    Some(beside) => (PathChange::Backup { beside }, Was::Other),
                    None => {
                        self.left.push(finding.clone());
                        return Ok(());
                    }
                }
            }
            Some(_) => (change, Was::Other),
        };
        let package = &record.manifest.package.name;
        let above = std::iter::successors(place.parent(), RelPath::parent);
        for directory in above {
            if self.actions.contains_key(&directory)
                || root.metadata(&directory).map_err(read)?.is_some()
            {
                break;
            }
            self.act(
                package,
                &directory,
                &directory,
                Kind::Directory,
                PathChange::Create,
                Was::Absent,
            );
        }
        let path = parse_path(&finding.path).unwrap_or_else(|| place.clone());
        self.act(package, &path, place, kind, change, was);
        Ok(())
    }

    fn act(
        &mut self,
        package: &PackageName,
        path: &RelPath,
        place: &RelPath,
        kind: Kind,
        change: PathChange,
        was: Was,
    ) {
        self.actions.insert(
            place.clone(),
            PathAction {
                path: path.clone(),
                place: place.clone(),
                package: package.clone(),
                kind,
                change,
                was,
            },
        );
    }
}
