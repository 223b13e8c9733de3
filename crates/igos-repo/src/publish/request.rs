//! What is asked of a publisher, and what it answers.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use igos_format::trust::UtcTime;
use igos_format::{PackageId, PackageName};

use super::advisories::Advisories;
use super::choose::Allowances;
use super::commit::Renewal;
use super::findings::Finding;
use super::sources::CorrespondingSources;

/// Whether anything changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Execution {
    /// It does.
    Real,
    /// Only what would change is told.
    DryRun,
}

/// What to do with archives that need a library that is not rebuilt yet, or that others need in its old form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Staging {
    /// Refuse them.
    Refuse,
    /// Let them wait.
    Collect,
}

/// What is to be published.
pub struct PublishRequest<'a> {
    /// Archives, and directories that have some.
    pub archives: Vec<PathBuf>,
    /// Packages that are taken out.
    pub remove: BTreeSet<PackageName>,
    /// What is allowed although it is unusual.
    pub allow: Allowances,
    /// What happens to archives that have to wait.
    pub staging: Staging,
    /// How many older states of the packages are kept for readers.
    pub keep: usize,
    /// Whether unchanged metadata is signed again.
    pub renewal: Renewal,
    /// What is known about defects from now on; as before where absent.
    pub advisories: Option<Advisories>,
    /// Where corresponding sources come from; none are added where absent.
    pub sources: Option<&'a dyn CorrespondingSources>,
    /// Published repositories that users of this one have too.
    pub beside: Vec<PathBuf>,
}

impl std::fmt::Debug for PublishRequest<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PublishRequest")
            .field("archives", &self.archives)
            .finish_non_exhaustive()
    }
}

impl PublishRequest<'_> {
    /// How many older states of the packages are kept where nobody says.
    pub const KEEP: usize = 3;

    /// Returns the request to publish these archives.
    #[must_use]
    pub fn new(archives: Vec<PathBuf>) -> Self {
        PublishRequest {
            archives,
            remove: BTreeSet::new(),
            allow: Allowances::default(),
            staging: Staging::Refuse,
            keep: Self::KEEP,
            renewal: Renewal::None,
            advisories: None,
            sources: None,
            beside: Vec::new(),
        }
    }
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// Version of the newest snapshot.
    pub snapshot: u64,
    /// Whether metadata changed.
    pub has_changed: bool,
    /// Packages that came.
    pub added: Vec<PackageId>,
    /// Packages that went, for other versions or for good.
    pub gone: Vec<PackageId>,
    /// How many there are now.
    pub packages: usize,
    /// Archives that wait in the staging area, and why.
    pub staged: Vec<PackageId>,
    /// What they wait for.
    pub awaits: Vec<Finding>,
    /// Files that were deleted.
    pub deleted: Vec<PathBuf>,
    /// What they had.
    pub deleted_bytes: u64,
    /// From when on metadata is not to be relied on, by role.
    pub expires: BTreeMap<&'static str, UtcTime>,
}

impl Publication {
    pub(super) fn empty(packages: usize) -> Self {
        Publication {
            snapshot: 0,
            has_changed: false,
            added: Vec::new(),
            gone: Vec::new(),
            packages,
            staged: Vec::new(),
            awaits: Vec::new(),
            deleted: Vec::new(),
            deleted_bytes: 0,
            expires: BTreeMap::new(),
        }
    }
}
