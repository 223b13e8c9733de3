//! One source, one provider after the other.

use std::io;
use std::path::Path;

use igos_format::{Digest, RelPath, Sha256};
use igos_report::{Diagnostic, Task};

use super::error::{Attempt, FetchError};
use super::fetcher::{Fetched, Fetcher, Provider};
use super::http::HttpError;
use super::mirror;
use super::partial::Partial;
use super::settings::{Mirror, Network};
use crate::debian::SourceFile;
use crate::host::chain;
use crate::request::{AlternativeLocation, Location, SourceRequest, Unpinned, test_url};
use crate::store::{AdmitError, Expected, Lookup, Note, StoreError, Stored};

/// Fewest bytes between two reports of progress.
const PROGRESS_STEP_BYTES: u64 = 256 * 1024;

/// How the Debian archive is called in the list of who was asked.
const DEBIAN: &str = "Debian archive";

/// What is looked for right now: the source itself or one of its alternatives.
#[derive(Debug, Clone)]
struct Goal {
    digest: Digest,
    /// Name of the file as mirrors keep it.
    file_name: String,
    alternative: Option<usize>,
}

/// The search for one source.
pub(super) struct Hunt<'a> {
    fetcher: &'a Fetcher<'a>,
    request: &'a SourceRequest,
    task: &'a Task<'a>,
    file_name: String,
    attempts: Vec<Attempt>,
}

type Found = Result<Option<Fetched>, FetchError>;

impl<'a> Hunt<'a> {
    pub(super) fn new(
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

    pub(super) fn run(mut self) -> Result<Fetched, FetchError> {
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

    fn ask_store(&mut self, goal: &Goal) -> Found {
        let lookup = self.fetcher.store.find(&goal.digest);
        match lookup.map_err(|error| self.store_failed(error))? {
            Lookup::Absent => Ok(None),
            Lookup::Found(stored) => Ok(Some(
                Fetched::new(stored, Provider::Store, Some(goal.digest))
                    .as_alternative(goal.alternative),
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

    fn ask_mirror(&mut self, mirror: &Mirror, goal: &Goal, partial: &mut Partial) -> Found {
        let names = mirror::names(goal.digest, self.request.package.as_str(), &goal.file_name);
        match mirror {
            Mirror::Directory(directory) => {
                for name in names {
                    let path = directory.join(&name);
                    let place = path.display().to_string();
                    let copy = self.fresh_partial()?;
                    match mirror::copy(&path, &copy) {
                        Ok(()) => {
                            let provider = Provider::Mirror(place);
                            if let Some(found) =
                                self.admit(&copy, Expected::Digest(goal.digest), provider)?
                            {
                                return Ok(Some(found.as_alternative(goal.alternative)));
                            }
                        }
                        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                        Err(error) => {
                            self.note_attempt(format!("mirror {place}"), error.to_string())
                        }
                    }
                }
                self.note_attempt(
                    format!("mirror {}", directory.display()),
                    "does not have it".to_owned(),
                );
                Ok(None)
            }
            Mirror::Url(base) => {
                for name in names {
                    let url = format!("{base}/{}", mirror::encode(&name));
                    let provider = Provider::Mirror(url.clone());
                    if let Some(found) = self.ask_url(&url, goal, partial, provider)? {
                        return Ok(Some(found));
                    }
                }
                Ok(None)
            }
        }
    }

    fn ask_url(
        &mut self,
        url: &str,
        goal: &Goal,
        partial: &mut Partial,
        provider: Provider,
    ) -> Found {
        if self.fetcher.settings.network == Network::Offline {
            self.note_attempt(url, "not asked: offline".to_owned());
            return Ok(None);
        }
        loop {
            let resumed = partial.length() > 0;
            if let Err(error) = self.download(url, partial) {
                self.note_attempt(url, error.to_string());
                return Ok(None);
            }
            let path = partial.path().to_owned();
            let tried = self.attempts.len();
            if let Some(found) =
                self.admit(&path, Expected::Digest(goal.digest), provider.clone())?
            {
                return Ok(Some(found.as_alternative(goal.alternative)));
            }
            partial
                .clear()
                .map_err(|error| self.unusable("clear", &path, error))?;
            // The first part may have come from elsewhere or from an older run: the whole file deserves a try.
            if !resumed {
                return Ok(None);
            }
            self.attempts.truncate(tried);
        }
    }

    fn download(&self, url: &str, partial: &mut Partial) -> Result<(), HttpError> {
        let last = std::cell::Cell::new(0_u64);
        let progress = |done: u64, total: Option<u64>| {
            if done < last.get() || done - last.get() >= PROGRESS_STEP_BYTES || Some(done) == total
            {
                last.set(done);
                self.task.advance(done, total);
            }
        };
        self.fetcher.http.download(url, partial, &progress)
    }

    fn ask_debian(&mut self, goal: &Goal) -> Found {
        let Some(debian) = self.fetcher.debian else {
            return Ok(None);
        };
        if self.fetcher.settings.network == Network::Offline {
            self.note_attempt(DEBIAN, "not asked: offline".to_owned());
            return Ok(None);
        }
        let candidates = match goal.digest {
            Digest::Sha256(sha256) => debian
                .find_source(&sha256, self.task)
                .map(|found| found.into_iter().collect()),
            Digest::Blake3(_) => debian.candidates(
                self.request.package.as_str(),
                &self.request.version,
                &goal.file_name,
                self.task,
            ),
        };
        let candidates: Vec<SourceFile> = match candidates {
            Ok(candidates) => candidates,
            Err(error) => {
                self.note_attempt(DEBIAN, chain(&error));
                return Ok(None);
            }
        };
        if candidates.is_empty() {
            let reason = match goal.digest {
                Digest::Sha256(_) => "no file has this SHA-256",
                Digest::Blake3(_) => "no file is of this name and version",
            };
            self.note_attempt(DEBIAN, format!("{reason} in {}", debian.suites()));
        }
        for candidate in candidates {
            if let Some(found) = self.try_debian_file(goal, &candidate)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Downloads one file of the Debian archive and compares it with the goal.
    fn try_debian_file(&mut self, goal: &Goal, file: &SourceFile) -> Found {
        let place = format!("{DEBIAN} {}", file.path);
        let (Some(debian), Network::Online) = (self.fetcher.debian, self.fetcher.settings.network)
        else {
            self.note_attempt(
                place,
                "not asked: offline, or the provider is switched off".to_owned(),
            );
            return Ok(None);
        };
        let limit = self.fetcher.settings.http.max_bytes;
        if file.size > limit {
            let reason = format!("has {} bytes, more than the limit of {limit}", file.size);
            self.note_attempt(place, reason);
            return Ok(None);
        }
        let copy = self.fresh_partial()?;
        if let Err(error) = debian.download(file, &copy, self.task) {
            self.note_attempt(place, chain(&error));
            return Ok(None);
        }
        let provider = Provider::Debian(file.path.clone());
        let found = self.admit(&copy, Expected::Digest(goal.digest), provider)?;
        Ok(found.map(|found| found.as_alternative(goal.alternative)))
    }

    fn search_unpinned(&mut self) -> Found {
        let url = self.request.location.to_string();
        let note = Note::Unpinned(url.clone());
        if self.fetcher.settings.network == Network::Offline {
            self.note_attempt(&*url, "not asked: offline".to_owned());
            return self.ask_noted(&note, None);
        }
        let mut partial = self.open_partial(&format!("unpinned-{}", Sha256::of(url.as_bytes())))?;
        // Without a pin nothing would show that two halves do not belong together.
        let path = partial.path().to_owned();
        partial
            .clear()
            .map_err(|error| self.unusable("clear", &path, error))?;
        match self.download(&url, &mut partial) {
            Ok(()) => {
                let found = self.admit(&path, Expected::Anything, Provider::Url(url))?;
                if let Some(found) = &found {
                    self.keep_note(&note, &found.sha256())?;
                }
                Ok(found)
            }
            Err(error) => {
                self.note_attempt(url, error.to_string());
                partial
                    .clear()
                    .map_err(|error| self.unusable("clear", &path, error))?;
                self.close_partial(partial)?;
                self.ask_noted(&note, None)
            }
        }
    }

    fn search_git(&mut self, url: &str, reference: Option<&str>) -> Found {
        let commit = self.request.location.commit();
        if let Some(commit) = commit {
            let note = Note::Commit(commit.to_owned());
            if let Some(found) = self.ask_noted(&note, Some(commit))? {
                return Ok(Some(found));
            }
        }
        let provider = Provider::Git(url.to_owned());
        let note = Note::Unpinned(self.request.location.to_string());
        if self.fetcher.settings.network == Network::Offline {
            self.note_attempt(provider.to_string(), "not asked: offline".to_owned());
            return if commit.is_none() {
                self.ask_noted(&note, None)
            } else {
                Ok(None)
            };
        }
        let copy = self.fresh_partial()?;
        match self.fetcher.git.archive(url, reference, &copy) {
            Ok(commit) => {
                let expected = self
                    .request
                    .digest
                    .map_or(Expected::Anything, Expected::Digest);
                let found = self.admit(&copy, expected, provider)?;
                if let Some(found) = &found {
                    self.keep_note(&Note::Commit(commit.clone()), &found.sha256())?;
                    self.keep_note(&note, &found.sha256())?;
                }
                Ok(found.map(|found| found.at_commit(Some(commit))))
            }
            Err(error) => {
                self.note_attempt(provider.to_string(), chain(&error));
                Ok(None)
            }
        }
    }

    /// Looks for what a commit or an unpinned address gave before.
    fn ask_noted(&mut self, note: &Note, commit: Option<&str>) -> Found {
        let Some(sha256) = self.fetcher.store.noted(note) else {
            return Ok(None);
        };
        let goal = Goal {
            digest: self.request.digest.unwrap_or(Digest::Sha256(sha256)),
            file_name: self.file_name.clone(),
            alternative: None,
        };
        let found = self.ask_store(&goal)?;
        Ok(found.map(|found| {
            found
                .at_commit(commit.map(str::to_owned))
                .pinned_by(self.request.digest)
        }))
    }

    /// Gives a delivered file to the store's admission: the only place where that is done.
    fn admit(&mut self, path: &Path, expected: Expected, provider: Provider) -> Found {
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

    fn note_attempt(&mut self, provider: impl Into<String>, reason: String) {
        self.attempts.push(Attempt {
            provider: provider.into(),
            reason,
            wrong: None,
        });
    }

    fn keep_note(&self, note: &Note, sha256: &Sha256) -> Result<(), FetchError> {
        self.fetcher
            .store
            .note(note, sha256)
            .map_err(|error| self.store_failed(error))
    }

    fn fresh_partial(&self) -> Result<tempfile::TempPath, FetchError> {
        let made = self.fetcher.store.fresh_partial();
        made.map_err(|error| self.store_failed(error))
    }

    fn open_partial(&self, name: &str) -> Result<Partial, FetchError> {
        let path = self.fetcher.store.partial(name);
        Partial::open(path.clone()).map_err(|error| self.unusable("open", &path, error))
    }

    fn close_partial(&self, partial: Partial) -> Result<(), FetchError> {
        let path = partial.path().to_owned();
        let closed = partial.close();
        closed.map_err(|error| self.unusable("close", &path, error))
    }

    fn unusable(&self, action: &'static str, path: &Path, source: io::Error) -> FetchError {
        self.store_failed(StoreError::Io {
            action,
            path: path.to_owned(),
            source,
        })
    }

    fn store_failed(&self, source: StoreError) -> FetchError {
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
