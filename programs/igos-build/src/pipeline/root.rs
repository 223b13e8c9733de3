//! The root that a pipeline installs into: brought to a declared set, whatever it was before.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use fs_err as fs;
use igos_format::{PackageName, Sha256, manifest};
use igos_report::{Diagnostic, Reporter};
use igos_root::RootDir;
use igos_sysroot::{
    ArchiveSource, Change, ChangeOptions, Difference, Downgrade, Essential, HookPolicy,
    LockedSysroot, Plan, PlanError, Policy, Reason, Request, Retry, RunningKernel, Sysroot,
    Unmanaged, Unsigned, VerifyRequest,
};

use super::archives::Shelf;
use super::{Phase, PhaseError};

/// Findings of a verification that are shown one by one.
const FINDINGS_SHOWN: usize = 20;

/// What a root shall be.
pub(super) struct Wanted<'a> {
    /// Packages with their archives.
    pub(super) shelf: &'a Shelf,
    /// The packages that are there for their own sake.
    pub(super) requested: &'a BTreeSet<PackageName>,
    /// Those, and all that they need.
    pub(super) packages: &'a BTreeSet<PackageName>,
    /// Packages that may stay if they are there: later phases decide about them.
    pub(super) later: &'a dyn Fn(&PackageName) -> bool,
    /// Seconds since 1970 that records say.
    pub(super) time: i64,
}

/// A package that is installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct InRoot {
    /// The digest of its seal.
    seal: Sha256,
    /// The digest of its contents.
    pub(super) contents: Sha256,
}

/// Returns the installed packages; none where there is no root.
pub(super) fn installed(root: &Path) -> Result<BTreeMap<PackageName, InRoot>, PhaseError> {
    if !root.exists() {
        return Ok(BTreeMap::new());
    }
    let directory = RootDir::open(root).map_err(PhaseError::of)?;
    let sysroot = Sysroot::open(directory, Unmanaged::Empty).map_err(PhaseError::of)?;
    let listed = sysroot.list().map_err(PhaseError::of)?;
    listed
        .into_iter()
        .map(|one| {
            let name = one.package.name;
            let record = sysroot.record(&name).map_err(PhaseError::of)?;
            let found = InRoot {
                seal: record.installed.seal,
                contents: manifest::contents_digest(&record.manifest_bytes),
            };
            Ok((name, found))
        })
        .collect()
}

/// Brings the root to what is wanted, runs what has to run then, and verifies every file of it.
pub(super) fn bring(
    root: &Path,
    phase: Phase,
    wanted: &Wanted<'_>,
    interrupted: &Arc<AtomicBool>,
    reporter: &dyn Reporter,
) -> Result<(), PhaseError> {
    make(root)?;
    let options = ChangeOptions {
        interrupted: Arc::clone(interrupted),
        ..ChangeOptions::default()
    };
    let directory = RootDir::open(root).map_err(PhaseError::of)?;
    let mut locked = LockedSysroot::create_or_open(directory, options).map_err(PhaseError::of)?;
    let there = installed(root)?;
    let plan = match plan(&locked, wanted, &there, wanted.later) {
        Ok(plan) => plan,
        // Packages of later phases stand against the new state: they go, and come back in their phase.
        Err(_) => plan(&locked, wanted, &there, &|_| false).map_err(PhaseError::of)?,
    };
    if !plan.is_empty() {
        apply(&mut locked, wanted, plan, reporter)?;
    }
    let hooks = locked
        .run_hooks(Retry::Failed, reporter)
        .map_err(PhaseError::of)?;
    let failed: Vec<Diagnostic> = hooks
        .iter()
        .filter(|result| result.is_failed())
        .map(|result| {
            let message = format!("{} failed", result.what);
            Diagnostic::error("hook-failed", message).because(result.output.clone())
        })
        .collect();
    if !failed.is_empty() {
        return Err(PhaseError::Refused {
            phase,
            findings: failed,
        });
    }
    drop(locked);
    verify(root, phase, reporter)
}

fn make(root: &Path) -> Result<(), PhaseError> {
    use std::os::unix::fs::PermissionsExt as _;

    let failed = |source| PhaseError::of(crate::cache::CacheError::io("make", root)(source));
    fs::create_dir_all(root).map_err(failed)?;
    // Whatever the umask says: it is the `/` of everybody who will use it.
    fs::set_permissions(root, std::fs::Permissions::from_mode(0o755)).map_err(failed)
}

fn plan(
    sysroot: &Sysroot,
    wanted: &Wanted<'_>,
    there: &BTreeMap<PackageName, InRoot>,
    stays: &dyn Fn(&PackageName) -> bool,
) -> Result<Plan, PlanError> {
    let policy = Policy {
        unsigned: Unsigned::Allow,
        downgrade: Downgrade::Allow,
        essential: Essential::Remove,
        ..Policy::strict(RunningKernel::Ignore)
    };
    let mut request = Request::new(policy);
    let kept = there
        .keys()
        .filter(|name| !wanted.packages.contains(*name) && stays(name));
    let all: BTreeSet<&PackageName> = wanted.packages.iter().chain(kept).collect();
    let mut candidates = Vec::new();
    for name in &all {
        // What stays for a later phase need not have an archive yet.
        let Some(package) = wanted.shelf.get(name) else {
            continue;
        };
        let reason = if wanted.requested.contains(*name) {
            Reason::Explicit
        } else {
            Reason::Automatic
        };
        let seal = package.candidate.seal();
        if there.get(*name).is_some_and(|one| one.seal == seal) {
            request.reasons.insert((*name).clone(), reason);
            continue;
        }
        candidates.push(package.candidate.clone());
        request.install.push((seal, reason));
    }
    request.remove = there
        .keys()
        .filter(|name| !all.contains(name))
        .cloned()
        .collect();
    sysroot.plan(&candidates, &request)
}

fn apply(
    locked: &mut LockedSysroot,
    wanted: &Wanted<'_>,
    mut plan: Plan,
    reporter: &dyn Reporter,
) -> Result<(), PhaseError> {
    plan.hooks.policy = HookPolicy::Run;
    let open = |change: &Change| -> io::Result<ArchiveSource> {
        let package = wanted.shelf.get(&change.package.name);
        let package = package.ok_or_else(|| io::Error::other("there is no archive of it"))?;
        let file = fs::File::open(&package.archive)?;
        Ok(ArchiveSource::Whole(Box::new(io::BufReader::new(file))))
    };
    let digest = plan.digest();
    locked
        .apply(&plan, digest, &open, wanted.time, reporter)
        .map_err(PhaseError::of)?;
    locked.settle().map_err(PhaseError::of)
}

/// Tables that accounts of packages and of the profile are added to: a package brings what they begin with.
const ACCOUNTS: [&str; 4] = ["etc/group", "etc/gshadow", "etc/passwd", "etc/shadow"];

/// Compares every file of the root with what its record says, but for what accounts add to their tables.
pub(super) fn verify(root: &Path, phase: Phase, reporter: &dyn Reporter) -> Result<(), PhaseError> {
    let directory = RootDir::open(root).map_err(PhaseError::of)?;
    let sysroot = Sysroot::open(directory, Unmanaged::Refuse).map_err(PhaseError::of)?;
    let mut report = sysroot
        .verify(&VerifyRequest::all(), reporter)
        .map_err(PhaseError::of)?;
    report.findings.retain(|finding| {
        !(ACCOUNTS.contains(&finding.path.as_str()) && finding.what == Difference::Content)
    });
    if report.findings.is_empty() {
        return Ok(());
    }
    let count = report.findings.len();
    let findings = report.findings.iter().take(FINDINGS_SHOWN).map(|finding| {
        let message = format!(
            "/{} of the root is {}, its record says {}",
            finding.path, finding.observed, finding.expected
        );
        Diagnostic::error("root-drift", message).at(root.display().to_string())
    });
    let mut findings: Vec<Diagnostic> = findings.collect();
    if count > FINDINGS_SHOWN {
        let message = format!("{} more", count - FINDINGS_SHOWN);
        findings.push(Diagnostic::error("root-drift", message));
    }
    Err(PhaseError::Refused { phase, findings })
}
