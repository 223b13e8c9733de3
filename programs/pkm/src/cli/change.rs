//! From a request to a transaction: what the solver chooses, planned, shown and carried out.

use std::collections::{BTreeMap, BTreeSet};

use igos_cli::{Exit, Failure};
use igos_format::{Arch, PackageName};
use igos_repo::repository::{Catalogue, Offered, RepositoryName};
use igos_report::Diagnostic;
use igos_solve::{Downgrades, Essentials, RemovalWhy, Solution, Source, solve};
use igos_sysroot::{
    Downgrade, EditedConfiguration, Essential, Exclusions, Hold, Policy, Reason, Request,
    RunningKernel, Sysroot, Unmanaged, Unowned, Unsigned,
};

use super::Context;
use super::context::Begin;
use super::plan::PlanAnswer;
use super::plan_why::Grounds;
use super::proposal::Proposal;
use super::repository_changes::RepositoryChanges;
use crate::archives::Archives;
use crate::remote::Remote;
use crate::selection::{Shelf, source_of};

/// What a command asks for: packages, marks, and rules of the plan.
#[derive(Debug)]
pub(super) struct Asked {
    /// Which packages.
    pub(super) request: igos_solve::Request,
    /// Packages whose reason changes.
    pub(super) reasons: BTreeMap<PackageName, Reason>,
    /// Packages that are held or released.
    pub(super) holds: BTreeMap<PackageName, Hold>,
    /// Whether unsigned archives are accepted.
    pub(super) unsigned: Unsigned,
    /// What to do about unowned files in the way.
    pub(super) unowned: Unowned,
    /// What to do about edited configuration files.
    pub(super) edited: EditedConfiguration,
    /// Paths that are left out from now on.
    pub(super) exclusions: Option<Exclusions>,
    /// What changes about the repositories before that.
    pub(super) repositories: RepositoryChanges,
    /// The kernel that has to stay.
    pub(super) kernel: RunningKernel,
}

/// A solution, and what of it comes from repositories.
pub(super) type Found = (Solution, Vec<Offered>);

impl Asked {
    /// Returns the strictest request for these packages.
    pub(super) fn new(request: igos_solve::Request, kernel: RunningKernel) -> Self {
        Asked {
            request,
            reasons: BTreeMap::new(),
            holds: BTreeMap::new(),
            unsigned: Unsigned::Refuse,
            unowned: Unowned::Refuse,
            edited: EditedConfiguration::Keep,
            exclusions: None,
            repositories: RepositoryChanges::default(),
            kernel,
        }
    }

    fn policy(&self) -> Policy {
        let policy = &self.request.policy;
        Policy {
            unsigned: self.unsigned,
            unowned: self.unowned,
            edited: self.edited,
            exclusions: self.exclusions.clone(),
            downgrade: match policy.downgrades {
                Downgrades::Allow => Downgrade::Allow,
                Downgrades::Refuse => Downgrade::Refuse,
            },
            essential: match policy.essentials {
                Essentials::Remove => Essential::Remove,
                Essentials::Keep => Essential::Keep,
            },
            ..Policy::strict(self.kernel.clone())
        }
    }
}

impl Context<'_> {
    /// Chooses packages, plans the transaction, shows it, asks, and carries it out.
    pub(super) fn change(
        &self,
        asked: Asked,
        archives: Archives,
        begin: Begin,
    ) -> Result<PlanAnswer, Failure> {
        let unmanaged = match begin {
            Begin::Allow => Unmanaged::Empty,
            Begin::Refuse => Unmanaged::Refuse,
        };
        let sysroot = self.sysroot(unmanaged)?;
        let catalogue = self.catalogue_for(&asked.request)?;
        let found = self.solve(&sysroot, &archives, &catalogue, &asked.request)?;
        self.transact(asked, found, &sysroot, &catalogue, archives, begin)
    }

    /// Plans what was chosen, shows it, asks, and carries it out.
    pub(super) fn transact(
        &self,
        asked: Asked,
        (solution, chosen): Found,
        sysroot: &Sysroot,
        catalogue: &Catalogue,
        mut archives: Archives,
        begin: Begin,
    ) -> Result<PlanAnswer, Failure> {
        self.tell_kept_back(&solution);
        self.tell_removals(&solution);
        let used: BTreeSet<&RepositoryName> =
            chosen.iter().map(|offered| &offered.repository).collect();
        catalogue.test_current(used)?;
        if !chosen.is_empty() {
            let repositories = match asked.repositories.is_empty() {
                true => self.places().load()?,
                false => asked.repositories.after().to_vec(),
            };
            let client = self.client(repositories)?;
            let reporter = self.session.reporter();
            archives.remote = Remote::fetch_heads(client, catalogue, &chosen, reporter).map_err(
                |diagnostics| Failure {
                    exit: Exit::Unfinished,
                    diagnostics,
                },
            )?;
        }
        let request = Request {
            install: solution
                .install
                .iter()
                .map(|choice| (choice.offer.seal, choice.reason))
                .collect(),
            remove: solution
                .remove
                .iter()
                .map(|removal| removal.package.name.clone())
                .collect(),
            reasons: solution
                .now_explicit
                .iter()
                .map(|name| (name.clone(), Reason::Explicit))
                .chain(asked.reasons.clone())
                .collect(),
            holds: asked.holds.clone(),
            policy: asked.policy(),
        };
        let mut candidates = archives.candidates();
        candidates.extend_from_slice(archives.remote.candidates());
        let mut plan = sysroot.plan(&candidates, &request)?;
        let grounds = Grounds::of(&solution);
        plan.unchanged = solution.unchanged;
        let proposal = Proposal {
            plan,
            grounds,
            repositories: asked.repositories,
        };
        self.carry_out(proposal, &archives, begin)
    }

    /// Opens the repositories if something may come from them.
    pub(super) fn catalogue_for(
        &self,
        request: &igos_solve::Request,
    ) -> Result<Catalogue, Failure> {
        let comes = !request.install.is_empty() || request.upgrade != igos_solve::Upgrade::Nothing;
        if comes {
            self.catalogue()
        } else {
            Ok(Catalogue::default())
        }
    }

    /// Finds the solution of a request, and what of it comes from repositories.
    pub(super) fn solve(
        &self,
        sysroot: &Sysroot,
        archives: &Archives,
        catalogue: &Catalogue,
        request: &igos_solve::Request,
    ) -> Result<Found, Failure> {
        let universe = sysroot.universe(Arch::native(), &|name| source_of(catalogue, name))?;
        let shelf = Shelf::new(sysroot, &universe, archives, catalogue);
        let solution = solve(&universe, &shelf, request)?;
        let chosen = solution
            .install
            .iter()
            .filter(|choice| matches!(choice.offer.source, Source::Repository { .. }))
            .filter_map(|choice| shelf.answered(&choice.offer.seal))
            .collect();
        Ok((solution, chosen))
    }

    /// Tells what goes although nobody asked for it.
    fn tell_removals(&self, solution: &Solution) {
        for removal in &solution.remove {
            let (package, why) = (&removal.package, &removal.why);
            let notice = match why {
                RemovalWhy::Requested | RemovalWhy::Orphaned => continue,
                RemovalWhy::Succeeded { .. } => {
                    Diagnostic::note("package-succeeded", format!("{package} goes: {why}"))
                }
                RemovalWhy::Conflicts { .. } | RemovalWhy::Lacks { .. } => {
                    Diagnostic::warning("package-goes", format!("{package} goes: it {why}"))
                }
            };
            self.session.notice(notice);
        }
    }

    fn tell_kept_back(&self, solution: &Solution) {
        for kept in &solution.kept_back {
            let name = &kept.installed.name;
            let notice = match &kept.why {
                Some(why) => Diagnostic::note(
                    "package-kept",
                    format!("{} stays: {} {why}", kept.installed, kept.offered),
                ),
                None => Diagnostic::note(
                    "package-kept",
                    format!(
                        "{} stays: other packages stand against {}",
                        kept.installed, kept.offered
                    ),
                )
                .hint(format!("learn which: `pkm why-not {name}`")),
            };
            self.session.notice(notice);
        }
    }
}
