//! What a person is asked to agree to, and carrying it out.

use std::io;

use igos_cli::{Failure, Size};
use igos_report::diagnose;
use igos_sysroot::{Applied, ApplyError, ArchiveSource, Change, Plan, Retry};
use jiff::Timestamp;

use super::Context;
use super::context::Begin;
use super::plan::{self, PlanAnswer};
use super::plan_hooks::RanHooks;
use super::plan_why::Grounds;
use super::repository_changes::RepositoryChanges;
use crate::archives::Archives;

/// What a person is asked to agree to: a plan, why it is so, and what changes about the repositories.
#[derive(Debug)]
pub(super) struct Proposal {
    pub(super) plan: Plan,
    /// Why it changes what it changes.
    pub(super) grounds: Grounds,
    /// What changes before it is carried out.
    pub(super) repositories: RepositoryChanges,
}

impl Proposal {
    /// Tells whether there is nothing to do.
    pub(super) fn is_empty(&self) -> bool {
        self.plan.is_empty() && self.repositories.is_empty()
    }
}

/// A plan that nothing was chosen for.
impl From<Plan> for Proposal {
    fn from(plan: Plan) -> Self {
        Proposal {
            plan,
            grounds: Grounds::default(),
            repositories: RepositoryChanges::default(),
        }
    }
}

impl Context<'_> {
    /// Returns what is shown before anybody agrees to it, with what is fetched for it at most.
    fn shown(&self, proposal: &Proposal, archives: &Archives) -> String {
        let Proposal {
            plan,
            grounds,
            repositories,
        } = proposal;
        let text = plan::text(plan, grounds, repositories.changes());
        match archives.remote.archive_bytes(plan) {
            0 => text,
            bytes => format!("{text}at most {} are fetched\n", Size(bytes)),
        }
    }

    /// Shows what is proposed, asks, and carries it out; with `--dry-run` it is the answer.
    pub(super) fn carry_out(
        &self,
        proposal: impl Into<Proposal>,
        archives: &Archives,
        begin: Begin,
    ) -> Result<PlanAnswer, Failure> {
        let mut proposal = proposal.into();
        self.tell(&proposal.plan.notices);
        proposal.plan.hooks.policy = self.hooks;
        if proposal.is_empty() || self.is_dry_run() {
            return Ok(PlanAnswer::planned(proposal));
        }
        self.session
            .confirm(&self.shown(&proposal, archives), "Carry out this plan?")?;
        proposal.repositories.carry_out(self)?;
        let applied = match proposal.plan.is_empty() {
            true => None,
            false => Some(self.apply(&proposal.plan, archives, begin)?),
        };
        Ok(PlanAnswer::carried_out(proposal, applied))
    }

    /// Changes the root as planned, and runs what has to run then.
    fn apply(
        &self,
        plan: &Plan,
        archives: &Archives,
        begin: Begin,
    ) -> Result<(Applied, RanHooks), Failure> {
        let mut locked = self.locked(begin)?;
        // Before the transaction is in force being interrupted leaves everything as it was; after, it is finished.
        self.session.interrupt().must_finish();
        let open = |change: &Change| match &change.seal {
            Some(seal) => Ok(ArchiveSource::Whole(Box::new(archives.open(seal)?))),
            None => Err(io::Error::other("a removal has no archive")),
        };
        let digest = plan.digest();
        let now = Timestamp::now().as_second();
        let reporter = self.session.reporter();
        let remote = &archives.remote;
        let missing = remote.missing(&locked, plan)?;
        let mut apply = |missing| {
            remote.while_fetching(missing, &open, reporter, |open| {
                locked.apply(plan, digest, open, now, reporter)
            })
        };
        let applied = match apply(&missing) {
            // The root has less than its record says: then the archives have to have it.
            Err(ApplyError::ContentGone { .. }) if !missing.is_empty() => apply(&missing.whole())?,
            applied => applied?,
        };
        if let Err(error) = locked.settle() {
            // The transaction is in force; the next command that changes the root lets the old files go.
            let mut diagnostic = diagnose(&error);
            diagnostic.severity = igos_report::Severity::Warning;
            self.session.notice(diagnostic);
        }
        if let Err(error) = remote.forget(&missing) {
            // What was to be done is done: this is for the cache alone.
            let mut diagnostic = diagnose(&error);
            diagnostic.severity = igos_report::Severity::Warning;
            self.session.notice(diagnostic);
        }
        let hooks = self.run_hooks(&mut locked, Retry::Interrupted, |number| {
            number == applied.transaction
        })?;
        Ok((applied, hooks))
    }
}
