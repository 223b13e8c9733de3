//! Asking repositories for what is new: metadata first, then the index files that it names.

use std::sync::Mutex;

use igos_report::{Diagnostic, Outcome, Reporter, Subject, Task};
use serde::Serialize;

use super::copies::{Blame, FailedCopy};
use super::index_files::{IndexFile, IndexFileError, IndexFiles};
use super::places::LOCK;
use super::sync_error::SyncError;
use super::transport::{Transport, TransportError};
use super::{Enabled, RepositoryAddress, RepositoryClient, RepositoryName, RepositorySettings};
use crate::below::FileBelow;
use crate::fetch::http::{HttpError, Status};
use crate::lock::{self, Waiting, Work};
use crate::trust::{
    MetadataSource, Refresh, RefreshError, RefreshOptions, SourceError, Trusted, TrustedRepository,
    Update, WentBack,
};

/// How to synchronise.
#[derive(Debug, Clone, Copy)]
pub struct SyncOptions {
    /// How metadata are judged.
    pub refresh: RefreshOptions,
    /// Whether to wait for another process that synchronises the same repository.
    pub waiting: Waiting,
}

/// What came of synchronising one repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Synced {
    /// The repository.
    pub repository: RepositoryName,
    /// Whether something changed.
    pub change: SyncChange,
    /// The version of what is known now.
    pub version: u64,
    /// Roles whose versions went back, because a person allowed it.
    pub went_back: Vec<String>,
    /// Copies that were asked in vain.
    pub failed: Vec<FailedCopy>,
}

/// Whether something changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SyncChange {
    /// What was known is the newest.
    Unchanged,
    /// There is something new.
    Updated,
}

/// One copy of a repository, as a source of metadata.
struct CopySource<'a> {
    transport: &'a Transport,
    copy: &'a RepositoryAddress,
}

impl MetadataSource for CopySource<'_> {
    fn fetch(&self, name: &str, max_bytes: u64) -> Result<Vec<u8>, SourceError> {
        let path = format!("metadata/{name}");
        let read = self.transport.read(self.copy, &path, max_bytes);
        read.map_err(|error| match error {
            TransportError::NotThere => SourceError::Absent,
            // Stores of objects answer so when they have none, lest somebody learn which there are.
            TransportError::Http(HttpError::Status {
                status: Status(403),
            }) => SourceError::Absent,
            TransportError::TooLarge { limit, .. }
            | TransportError::Http(HttpError::TooLarge { limit, .. }) => {
                SourceError::TooLarge { limit }
            }
            other => SourceError::Failed(Box::new(other)),
        })
    }
}

impl RepositoryClient {
    /// Synchronises all repositories that are enabled, several at once; returns what came of each, by name.
    pub fn sync(
        &self,
        options: &SyncOptions,
        reporter: &dyn Reporter,
    ) -> Vec<(RepositoryName, Result<Synced, SyncError>)> {
        let enabled = self.repositories.iter();
        let enabled: Vec<&RepositorySettings> = enabled
            .filter(|settings| settings.enabled == Enabled::Yes)
            .collect();
        self.each(&enabled, |settings| {
            let subject = Subject::Fetch(format!("index of {}", settings.name));
            let task = Task::start(reporter, None, subject);
            let result = self.sync_one(settings, options, &task);
            task.finish(match &result {
                Ok(synced) if synced.change == SyncChange::Unchanged => {
                    Outcome::Skipped("nothing is new".into())
                }
                Ok(_) => Outcome::Done,
                Err(error) => Outcome::Failed(error.to_string()),
            });
            (settings.name.clone(), result)
        })
    }

    fn sync_one(
        &self,
        settings: &RepositorySettings,
        options: &SyncOptions,
        task: &Task<'_>,
    ) -> Result<Synced, SyncError> {
        let anchor = self.places.trusted_root(settings)?;
        let (state, opened) = self.places.make_state(&settings.name)?;
        let _lock = lock::take(
            opened.open_or_create_file(LOCK.as_bytes()),
            &state.file(LOCK).path(),
            Work::Synchronising,
            options.waiting,
            task.reporter(),
        )?;
        let in_store = |source| SyncError::Store {
            repository: settings.name.clone(),
            source,
        };
        let opened = TrustedRepository::open(state.join("trust"), &anchor);
        let mut trusted = opened.map_err(in_store)?;
        let (refresh, mut failed) = self.refresh(settings, &mut trusted, options)?;
        let files = IndexFiles::below(&state);
        let mut synced = Synced {
            repository: settings.name.clone(),
            change: SyncChange::Unchanged,
            version: 0,
            went_back: Vec::new(),
            failed: Vec::new(),
        };
        if let Refresh::Newer(update) = refresh {
            failed.extend(self.fetch_index(settings, &files, update.trusted(), task)?);
            synced.change = SyncChange::Updated;
            synced.went_back = went_back(&update);
            trusted.adopt(*update).map_err(in_store)?;
        } else if let Some(known) = trusted.trusted() {
            // Somebody may have deleted them.
            failed.extend(self.fetch_index(settings, &files, known, task)?);
        }
        if let Some(known) = trusted.trusted() {
            synced.version = known.timestamp().version;
            let tidied = files.keep_only(&listed_files(&files, known));
            tidied.map_err(|source| SyncError::Tidy {
                repository: settings.name.clone(),
                source,
            })?;
        }
        for failed in &failed {
            let message = format!("a copy of repository {} is of no use", settings.name);
            task.notice(
                Diagnostic::warning("repository-copy-failed", message).because(failed.to_string()),
            );
        }
        synced.failed = failed;
        Ok(synced)
    }

    /// Asks the copies for newer metadata, until one says something that can be believed.
    fn refresh(
        &self,
        settings: &RepositorySettings,
        trusted: &mut TrustedRepository,
        options: &SyncOptions,
    ) -> Result<(Refresh, Vec<FailedCopy>), SyncError> {
        let copies = self.copies(&settings.name);
        let copies = copies.expect("the client has the copies of its repositories");
        let mut errors: Vec<RefreshError> = Vec::new();
        let asked = copies.ask(
            |copy| {
                let source = CopySource {
                    transport: &self.transport,
                    copy,
                };
                trusted.refresh(&source, &options.refresh).map_err(|error| {
                    let told = Told {
                        text: crate::host::chain(&error),
                        blame: if error.concerns_mirror() {
                            Blame::Copy
                        } else {
                            Blame::Us
                        },
                    };
                    errors.push(error);
                    told
                })
            },
            |told| told.blame,
        );
        asked.map_err(|failed| {
            let is_answer = |error: &RefreshError| {
                !matches!(
                    error,
                    RefreshError::Unreachable { .. } | RefreshError::Absent { .. }
                )
            };
            let most_telling = errors.iter().position(is_answer).unwrap_or(0);
            SyncError::Refused {
                repository: settings.name.clone(),
                source: errors.swap_remove(most_telling),
                failed,
            }
        })
    }

    /// Fetches the index files that are not there yet.
    fn fetch_index(
        &self,
        settings: &RepositorySettings,
        files: &IndexFiles,
        trusted: &Trusted,
        task: &Task<'_>,
    ) -> Result<Vec<FailedCopy>, SyncError> {
        if IndexFile::Packages.listed(trusted).is_none() {
            return Err(SyncError::NotListed {
                repository: settings.name.clone(),
            });
        }
        let listed = IndexFile::ALL.map(|file| Some((file, file.listed(trusted)?)));
        let missing: Vec<_> = listed
            .into_iter()
            .flatten()
            .filter(|(file, listed)| !files.has(*file, listed))
            .collect();
        let total = missing.iter().map(|(_, listed)| listed.length).sum();
        let copies = self.copies(&settings.name);
        let copies = copies.expect("the client has the copies of its repositories");
        let (mut before, mut all_failed) = (0, Vec::new());
        for (file, listed) in missing {
            let reported = Mutex::new(before);
            let advance = |done: u64| {
                let mut reported = reported.lock().expect("adding does not panic");
                let done = before + done;
                if done >= *reported + PROGRESS_STEP_BYTES || done == total {
                    *reported = done;
                    task.advance(done, Some(total));
                }
            };
            let asked = copies.ask(
                |copy| files.fetch(file, &listed, &self.transport, copy, &advance),
                |error| match error {
                    IndexFileError::Keep { .. } | IndexFileError::Index { .. } => Blame::Us,
                    IndexFileError::Transport(error) if error.is_ours() => Blame::Us,
                    IndexFileError::Transport(TransportError::NotThere) => Blame::File,
                    _ => Blame::Copy,
                },
            );
            match asked {
                Ok(((), failed)) => all_failed.extend(failed),
                Err(failed) => {
                    return Err(SyncError::NoIndex {
                        repository: settings.name.clone(),
                        failed,
                    });
                }
            }
            before += listed.length;
        }
        Ok(all_failed)
    }
}

/// Fewest bytes between two reports of progress.
const PROGRESS_STEP_BYTES: u64 = 256 * 1024;

/// An error that was told and is kept elsewhere.
struct Told {
    text: String,
    blame: Blame,
}

impl std::fmt::Display for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

fn listed_files(files: &IndexFiles, trusted: &Trusted) -> Vec<FileBelow> {
    let listed = |file: IndexFile| Some(files.file(file, &file.listed(trusted)?));
    IndexFile::ALL.into_iter().filter_map(listed).collect()
}

fn went_back(update: &Update) -> Vec<String> {
    let told = |role: &WentBack| format!("{} from version {} to {}", role.file, role.from, role.to);
    update.went_back().iter().map(told).collect()
}
