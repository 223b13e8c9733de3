//! The order of providers, what was tried, and the one admission.

use std::io;
use std::path::Path;

use igos_format::{Digest, RelPath, Sha256};
use igos_report::{Diagnostic, Task};

use crate::debian::SourceFile;
use crate::fetch::error::{Attempt, FetchError};
use crate::fetch::fetcher::{Fetched, Fetcher, Provider};
use crate::fetch::partial::Partial;
use crate::request::{AlternativeLocation, Location, SourceRequest, Unpinned, test_url};
use crate::store::{AdmitError, Expected, Lookup, Note, StoreError, Stored};

/// What is looked for right now: the source itself or one of its alternatives.
#[derive(Debug, Clone)]
pub(super) struct Goal {
    pub(super) digest: Digest,
    /// Name of the file as mirrors keep it.
    pub(super) file_name: String,
    pub(super) alternative: Option<usize>,
}

/// The search for one source.
pub(in crate::fetch) struct Hunt<'a> {
    pub(super) fetcher: &'a Fetcher<'a>,
    pub(super) request: &'a SourceRequest,
    pub(super) task: &'a Task<'a>,
    pub(super) file_name: String,
    pub(super) attempts: Vec<Attempt>,
}

pub(super) type Found = Result<Option<Fetched>, FetchError>;

impl<'a> Hunt<'a> {
    pub(in crate::fetch) fn new(
        fetcher: &'a Fetcher<'a>,
        request: &'a SourceRequest,
        task: &'a Task<'a>,
    ) -> Result<Self, FetchError> {
        let is_unpinned = request.digest.is_none() && request.location.commit().is_none();
        if is_unpinned && request.unpinned == Unpinned::Refuse {
            return Err(FetchError::Unpinned {
                package: request.package.clone(),
                location: request.location.to_string(),
            });
        }
        let file_name = file_name(&request.cache_name).ok_or_else(|| FetchError::CacheName {
            package: request.package.clone(),
            cache_name: request.cache_name.clone(),
        })?;
        for (index, alternative) in request.alternatives.iter().enumerate() {
            if let AlternativeLocation::Url(url) = &alternative.location {
                test_url(url).map_err(|source| FetchError::Alternative {
                    package: request.package.clone(),
                    cache_name: request.cache_name.clone(),
                    number: index + 1,
                    source,
                })?;
            }
        }
        Ok(Hunt {
            fetcher,
            request,
            task,
            file_name,
            attempts: Vec::new(),
        })
    }

    pub(in crate::fetch) fn run(mut self) -> Result<Fetched, FetchError> {
        match self.search()? {
            Some(fetched) => Ok(fetched),
            None => Err(self.give_up()),
        }
    }

    fn search(&mut self) -> Found {
        match &self.request.location {
            Location::Git { url, reference } => return self.search_git(url, reference.as_deref()),
            Location::Http(_) | Location::Debian { .. } => {}
        }
        let Some(digest) = self.request.digest else {
            return self.search_unpinned();
        };
        let goal = Goal {
            digest,
            file_name: self.file_name.clone(),
            alternative: None,
        };
        let alternatives = self.alternatives();
        // What is here already comes before all that has to be fetched.
        for goal in std::iter::once(&goal).chain(&alternatives) {
            if let Some(found) = self.ask_store(goal)? {
                return Ok(Some(found));
            }
        }
        let mut partial = self.open_partial(&digest.to_string())?;
        let mut found = self.search_goal(&goal, None, &mut partial)?;
        self.close_partial(partial)?;
        for goal in &alternatives {
            if found.is_some() {
                break;
            }
            let mut partial = self.open_partial(&goal.digest.to_string())?;
            found = self.search_goal(goal, goal.alternative, &mut partial)?;
            self.close_partial(partial)?;
        }
        Ok(found)
    }

    fn alternatives(&self) -> Vec<Goal> {
        let goal = |(index, alternative): (usize, &crate::Alternative)| {
            let place = match &alternative.location {
                AlternativeLocation::Url(text) | AlternativeLocation::Debian(text) => text,
            };
            Goal {
                digest: Digest::Sha256(alternative.sha256),
                file_name: file_name(place).unwrap_or_else(|| self.file_name.clone()),
                alternative: Some(index),
            }
        };
        self.request
            .alternatives
            .iter()
            .enumerate()
            .map(goal)
            .collect()
    }

    fn search_goal(
        &mut self,
        goal: &Goal,
        alternative: Option<usize>,
        partial: &mut Partial,
    ) -> Found {
        // Whoever held the lock on the partial file before us may just have finished.
        if let Some(found) = self.ask_store(goal)? {
            return Ok(Some(found));
        }
        for mirror in &self.fetcher.settings.mirrors {
            if let Some(found) = self.ask_mirror(mirror, goal, partial)? {
                return Ok(Some(found));
            }
        }
        let request = self.request;
        let location = alternative.map(|index| &request.alternatives[index].location);
        match (location, &request.location) {
            (None, Location::Debian { path, size }) => {
                let Digest::Sha256(sha256) = goal.digest else {
                    return Ok(None);
                };
                let file = SourceFile {
                    path: path.clone(),
                    sha256,
                    size: *size,
                };
                return self.try_debian_file(goal, &file);
            }
            (Some(AlternativeLocation::Url(url)), _) | (None, Location::Http(url)) => {
                let provider = Provider::Url(url.clone());
                if let Some(found) = self.ask_url(url, goal, partial, provider)? {
                    return Ok(Some(found));
                }
            }
            (Some(AlternativeLocation::Debian(_)), _) | (None, Location::Git { .. }) => {}
        }
        self.ask_debian(goal)
    }

    pub(super) fn ask_store(&mut self, goal: &Goal) -> Found {
        let lookup = self.fetcher.store.find(&goal.digest);
        match lookup.map_err(|error| self.store_failed(error))? {
            Lookup::Absent => Ok(None),
            Lookup::Found(stored) => Ok(Some(
                Fetched::new(stored, Provider::Store, Some(goal.digest))
                    .with_alternative(goal.alternative),
            )),
            Lookup::Damaged { aside, actual } => {
                self.note_attempt(
                    "store",
                    format!("the copy there is damaged: it has digest {actual}"),
                );
                self.task.notice(
                    Diagnostic::warning(
                        "source-store-damaged",
                        format!(
                            "source {} in the store no longer has digest {}",
                            goal.file_name, goal.digest
                        ),
                    )
                    .at(self.fetcher.store.directory().display().to_string())
                    .because(format!("its digest is {actual}"))
                    .hint(format!(
                        "it is fetched again; the damaged copy is kept as {}",
                        aside.display()
                    )),
                );
                Ok(None)
            }
        }
    }

    /// Gives a delivered file to the store's admission: the only place where that is done.
    pub(super) fn admit(&mut self, path: &Path, expected: Expected, provider: Provider) -> Found {
        let pin = match expected {
            Expected::Digest(digest) => Some(digest),
            Expected::Anything => None,
        };
        match self.fetcher.store.admit(path, expected) {
            Ok(stored) => Ok(Some(self.prove(stored, provider, pin))),
            Err(AdmitError::Store(error)) => Err(self.store_failed(error)),
            Err(AdmitError::Mismatch(mismatch)) => {
                self.attempts.push(Attempt {
                    provider: provider.to_string(),
                    reason: format!(
                        "delivers {} bytes with digest {}, expected {}",
                        mismatch.size, mismatch.actual, mismatch.expected
                    ),
                    // A candidate from the Debian archive was a guess of ours: that it differs is nobody's fault.
                    wrong: (!matches!(provider, Provider::Debian(_)))
                        .then_some((mismatch.expected, mismatch.actual)),
                });
                Ok(None)
            }
        }
    }

    fn prove(&self, stored: Stored, provider: Provider, pin: Option<Digest>) -> Fetched {
        self.task.advance(stored.size, Some(stored.size));
        Fetched::new(stored, provider, pin)
    }

    fn give_up(self) -> FetchError {
        let (package, cache_name) = (self.request.package.clone(), self.file_name);
        let wrong = self.attempts.iter().find_map(|attempt| attempt.wrong);
        match wrong {
            Some((expected, actual)) => FetchError::WrongDigest {
                package,
                cache_name,
                expected,
                actual,
                attempts: self.attempts,
            },
            None => FetchError::Exhausted {
                package,
                cache_name,
                expected: self.request.digest,
                attempts: self.attempts,
            },
        }
    }

    pub(super) fn note_attempt(&mut self, provider: impl Into<String>, reason: String) {
        self.attempts.push(Attempt {
            provider: provider.into(),
            reason,
            wrong: None,
        });
    }

    pub(super) fn keep_note(&self, note: &Note, sha256: &Sha256) -> Result<(), FetchError> {
        self.fetcher
            .store
            .note(note, sha256)
            .map_err(|error| self.store_failed(error))
    }

    pub(super) fn fresh_partial(&self) -> Result<tempfile::TempPath, FetchError> {
        let made = self.fetcher.store.fresh_partial();
        made.map_err(|error| self.store_failed(error))
    }

    pub(super) fn open_partial(&self, name: &str) -> Result<Partial, FetchError> {
        let place = self.fetcher.store.partial(name);
        let place = place.map_err(|error| self.store_failed(error))?;
        Partial::open(&place).map_err(|error| self.unusable("open", &place.path(), error))
    }

    pub(super) fn close_partial(&self, partial: Partial) -> Result<(), FetchError> {
        let path = partial.path().to_owned();
        let closed = partial.close();
        closed.map_err(|error| self.unusable("close", &path, error))
    }

    pub(super) fn unusable(
        &self,
        action: &'static str,
        path: &Path,
        source: io::Error,
    ) -> FetchError {
        self.store_failed(StoreError::Io {
            action,
            path: path.to_owned(),
            source,
        })
    }

    pub(super) fn store_failed(&self, source: StoreError) -> FetchError {
        FetchError::Store {
            package: self.request.package.clone(),
            cache_name: self.file_name.clone(),
            source,
        }
    }
}

/// Returns the last component of a name that may have directories before it, `None` if it is no file name.
fn file_name(name: &str) -> Option<String> {
    let last = name.rsplit('/').next()?;
    last.parse::<RelPath>().ok()?;
    Some(last.to_owned())
}
