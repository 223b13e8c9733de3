//! What every command needs: the root, the flags of all commands, the session.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use igos_cli::settings::{Layers, Loaded};
use igos_cli::{Failure, Globals, NetworkFlags, Session};
use igos_format::RelPath;
use igos_repo::FileBelow;
use igos_repo::repository::CacheContents;
use igos_report::{Diagnostic, Explain, diagnose};
use igos_root::RootDir;
use igos_sysroot::{
    ChangeOptions, Durability, Forget, HookError, HookPolicy, JobState, LockedSysroot, Retry,
    Sysroot, Unmanaged, Wait,
};
use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

use super::plan_hooks::RanHooks;
use crate::settings::PkmSettings;

/// The root, the flags of all commands, the session.
#[derive(Debug)]
pub(super) struct Context<'a> {
    pub(super) root: PathBuf,
    pub(super) hooks: HookPolicy,
    durability: Durability,
    globals: Globals,
    network: NetworkFlags,
    pub(super) session: &'a Session,
}

/// The system does not give us threads.
#[derive(Debug, thiserror::Error)]
#[error("cannot start threads")]
struct ThreadsError {
    #[source]
    source: ThreadPoolBuildError,
}

impl Explain for ThreadsError {
    fn code(&self) -> &'static str {
        "threads-unavailable"
    }
}

/// Whether a transaction may begin the record of a root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Begin {
    /// It may: something is installed.
    Allow,
    /// It may not.
    Refuse,
}

impl<'a> Context<'a> {
    pub(super) fn new(
        root: PathBuf,
        hooks: HookPolicy,
        durability: Durability,
        globals: Globals,
        network: NetworkFlags,
        session: &'a Session,
    ) -> Self {
        Context {
            root,
            hooks,
            durability,
            globals,
            network,
            session,
        }
    }

    /// Tells whether nothing may be changed.
    pub(super) fn is_dry_run(&self) -> bool {
        self.globals.dry_run
    }

    /// Tells whether the root is that of the running machine.
    pub(super) fn is_this_machine(&self) -> bool {
        self.root.as_os_str() == "/"
    }

    /// Tells whether the network is not to be used.
    pub(super) fn is_offline(&self) -> bool {
        self.network.offline
    }

    /// Tells whether servers may be met with the rights of this program.
    pub(super) fn is_unconfined(&self) -> bool {
        self.network.unsafe_unconfined_downloads
    }

    /// Tells whether to wait for a lock that another program has.
    pub(super) fn is_waiting(&self) -> bool {
        self.globals.wait
    }

    /// Loads the settings in force.
    pub(super) fn settings(&self) -> Result<Loaded<PkmSettings>, Failure> {
        let jobs = self
            .globals
            .jobs
            .and_then(|jobs| i64::try_from(jobs.get()).ok());
        let flags = jobs.map(|jobs| ("jobs", "--jobs", jobs.into()));
        Layers {
            root: &self.root,
            tree_file: None,
            environment: self.session.environment(),
            flags: flags.into_iter().collect(),
        }
        .load()
    }

    /// Returns how many things to work on at a time.
    pub(super) fn jobs(&self) -> Result<NonZeroUsize, Failure> {
        let set = self.settings()?.settings.jobs;
        Ok(set.unwrap_or_else(|| self.globals.jobs()))
    }

    /// Returns as many threads as there may be things to work on at a time.
    pub(super) fn threads(&self) -> Result<ThreadPool, Failure> {
        Ok(ThreadPoolBuilder::new()
            .num_threads(self.jobs()?.get())
            .build()
            .map_err(|source| ThreadsError { source })?)
    }

    /// Opens the root directory.
    pub(super) fn root_directory(&self) -> Result<RootDir, Failure> {
        Ok(RootDir::open(&self.root)?)
    }

    /// Opens the root to read; `unmanaged` says what a root without a record is.
    pub(super) fn sysroot(&self, unmanaged: Unmanaged) -> Result<Sysroot, Failure> {
        let sysroot = Sysroot::open(RootDir::open(&self.root)?, unmanaged)?;
        self.tell(sysroot.notices());
        Ok(sysroot)
    }

    /// Opens the root to change, which finishes or undoes what an interrupted transaction left.
    pub(super) fn locked(&self, begin: Begin) -> Result<LockedSysroot, Failure> {
        self.locked_to_forget(begin, None)
    }

    /// Opens the root to change; of packages whose records cannot be used, those that are named are forgotten.
    pub(super) fn locked_to_forget(
        &self,
        begin: Begin,
        forget: Option<Forget>,
    ) -> Result<LockedSysroot, Failure> {
        let wait = if self.globals.wait {
            Wait::Forever
        } else {
            Wait::GiveUp
        };
        if self.durability == Durability::None {
            self.session.notice(
                Diagnostic::note("not-synced", "nothing waits for the disk (--no-sync)")
                    .because("after a power cut the root may be neither as before nor as after"),
            );
        }
        let options = ChangeOptions {
            wait,
            durability: self.durability,
            undo: self.settings()?.settings.undo.limits(),
            interrupted: self.session.interrupt().flag(),
            forget,
            ..ChangeOptions::default()
        };
        let root = RootDir::open(&self.root)?;
        let mut locked = match begin {
            Begin::Allow => LockedSysroot::create_or_open(root, options)?,
            Begin::Refuse => LockedSysroot::open(root, options)?,
        };
        self.tell(locked.notices());
        self.run_interrupted_hooks(&mut locked)?;
        Ok(locked)
    }

    /// Runs what an earlier transaction had to run and was interrupted in; what fails now does not stand against
    /// what comes next.
    fn run_interrupted_hooks(&self, locked: &mut LockedSysroot) -> Result<(), Failure> {
        match locked.run_hooks(Retry::Interrupted, self.session.reporter()) {
            Ok(results) => {
                for result in results.iter().filter(|result| result.is_failed()) {
                    let message = format!(
                        "{} of transaction {}, which was interrupted, failed again",
                        result.what, result.transaction
                    );
                    self.session.notice(
                        Diagnostic::warning("hook-failed", message)
                            .hint("mend what it complains about: `pkm hooks run`"),
                    );
                }
            }
            Err(error @ HookError::OwnExchanged { .. }) => return Err(error.into()),
            Err(error) => self.tell(&error.diagnostics()),
        }
        Ok(())
    }

    /// Runs what is left to be run; what cannot be run is told and stays. Counted as left is what `counts` says, by the
    /// number of the transaction.
    pub(super) fn run_hooks(
        &self,
        locked: &mut LockedSysroot,
        retry: Retry,
        counts: impl Fn(u64) -> bool,
    ) -> Result<RanHooks, Failure> {
        let results = match locked.run_hooks(retry, self.session.reporter()) {
            Ok(results) => results,
            // What would be read next is somebody else's.
            Err(error @ HookError::OwnExchanged { .. }) => return Err(error.into()),
            Err(error) => {
                self.tell(&error.diagnostics());
                Vec::new()
            }
        };
        let is_left = |state: &JobState| matches!(state, JobState::Waiting | JobState::Failed(_));
        let journals = locked.hooks_left()?;
        let left = journals
            .iter()
            .filter(|journal| counts(journal.transaction))
            .flat_map(|journal| &journal.jobs)
            .filter(|(_, state)| is_left(state));
        Ok(RanHooks::new(results, left.count()))
    }

    /// Opens the root to change and runs what is left to be run, failed jobs too.
    pub(super) fn retry_hooks(&self) -> Result<RanHooks, Failure> {
        let mut locked = self.locked(Begin::Refuse)?;
        self.run_hooks(&mut locked, Retry::Failed, |_| true)
    }

    /// Returns the archives that are kept in the root, if their directory is there and in the hands of nobody else.
    pub(super) fn kept_archives(&self) -> Vec<FileBelow> {
        let place: RelPath = "var/cache/igos/archives".parse().expect("it is a path");
        let warn = |error: &dyn Explain| {
            let mut unusable = diagnose(error);
            unusable.severity = igos_report::Severity::Warning;
            self.session.notice(unusable);
            Vec::new()
        };
        match RootDir::open(&self.root).and_then(|root| root.private_directory(&place)) {
            Ok(_) => {}
            Err(error) if error.is_not_found() => return Vec::new(),
            Err(error) => return warn(&error),
        }
        match CacheContents::read(&self.places()) {
            Ok(contents) => contents
                .archives
                .into_iter()
                .map(|kept| kept.file)
                .collect(),
            Err(error) => warn(&error),
        }
    }

    pub(super) fn tell(&self, notices: &[Diagnostic]) {
        for notice in notices {
            self.session.notice(notice.clone());
        }
    }
}
