//! Flags of the commands that sign.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clap::Args;
use igos_cli::{Failure, Globals, Session};
use igos_format::trust::UtcTime;
use igos_repo::publish::{Execution, KeyRing, Lifetimes, Publication, Publisher, Waiting};
use igos_report::Diagnostic;

/// Who signs, when, and for how long.
#[derive(Debug, Args)]
pub(super) struct SigningFlags {
    /// Sign with the keys in DIR and in its `online` and `offline`; may be repeated
    #[arg(long, value_name = "DIR", required = true)]
    keys: Vec<PathBuf>,
    #[command(flatten)]
    times: TimeFlags,
}

/// What time it is, and how long signatures count.
#[derive(Debug, Args)]
pub(super) struct TimeFlags {
    /// Days until metadata of a role expires [default: root=365 targets=90 lists=14 snapshot=14 timestamp=2]
    #[arg(long, value_name = "ROLE=DAYS")]
    expires: Vec<String>,
    /// Take TIME for the clock's, as in 2026-11-21T12:00:00Z: equal inputs at equal times give equal bytes
    #[arg(long, value_name = "TIME")]
    time: Option<UtcTime>,
}

impl TimeFlags {
    /// Returns the time that counts as now.
    pub(super) fn now(&self) -> Result<UtcTime, Failure> {
        if let Some(time) = self.time {
            return Ok(time);
        }
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let seconds = since.map_or(0, |since| since.as_secs());
        i64::try_from(seconds)
            .ok()
            .and_then(|seconds| UtcTime::from_seconds(seconds).ok())
            .ok_or_else(|| Failure::usage("the clock of this machine is wrong"))
    }

    /// Returns how long signatures count.
    pub(super) fn lifetimes(&self) -> Result<Lifetimes, Failure> {
        let mut lifetimes = Lifetimes::DEFAULT;
        for text in &self.expires {
            lifetimes
                .set(text)
                .map_err(|error| Failure::usage(error.to_string()))?;
        }
        Ok(lifetimes)
    }
}

impl SigningFlags {
    /// Returns flags that name these directories of keys and nothing else.
    pub(super) fn of_keys(keys: Vec<PathBuf>) -> Self {
        SigningFlags {
            keys,
            times: TimeFlags {
                expires: Vec::new(),
                time: None,
            },
        }
    }

    /// Calls `work` with the publisher to a repository.
    pub(super) fn publisher<T>(
        &self,
        directory: &Path,
        globals: &Globals,
        session: &Session,
        work: impl FnOnce(Publisher<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let ring = KeyRing::load(&self.keys)?;
        let lifetimes = self.times.lifetimes()?;
        let stop = || session.interrupt().check().is_err();
        work(Publisher {
            directory,
            ring: &ring,
            lifetimes: &lifetimes,
            now: self.times.now()?,
            waiting: waiting(globals),
            execution: execution(globals),
            stop: &stop,
            reporter: session.reporter(),
            jobs: globals.jobs(),
        })
    }

    /// Warns of what expires soon and takes offline keys to renew.
    pub(super) fn warn(
        &self,
        directory: &Path,
        publication: &Publication,
        session: &Session,
    ) -> Result<(), Failure> {
        let (now, lifetimes) = (self.times.now()?, self.times.lifetimes()?);
        for (role, seconds) in [
            ("root", lifetimes.root_seconds),
            ("targets", lifetimes.targets_seconds),
        ] {
            let Some(expires) = publication.expires.get(role) else {
                continue;
            };
            if expires.seconds() - now.seconds() < seconds / 4 {
                let message = format!("{role} of {} expires at {expires}", directory.display());
                let hint = format!(
                    "take the offline keys and renew it: `igos-build key renew {} --keys DIR --keys OFFLINE`",
                    directory.display()
                );
                session.notice(Diagnostic::warning("metadata-expires-soon", message).hint(hint));
            }
        }
        Ok(())
    }
}

pub(super) fn waiting(globals: &Globals) -> Waiting {
    if globals.wait {
        Waiting::Wait
    } else {
        Waiting::Refuse
    }
}

pub(super) fn execution(globals: &Globals) -> Execution {
    if globals.dry_run {
        Execution::DryRun
    } else {
        Execution::Real
    }
}
