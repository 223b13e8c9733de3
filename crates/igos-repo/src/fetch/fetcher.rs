//! The fetcher: the order of providers, and the proof that a source was verified.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use igos_format::{Digest, Sha256};
use igos_report::{Outcome, Reporter, Subject, Task, TaskId};

use super::FetchError;
use super::git::Git;
use super::http::Http;
use super::hunt::Hunt;
use super::settings::FetchSettings;
use crate::{DebianArchive, SourceRequest, SourceStore};

/// Who delivered a source.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Provider {
    /// It was in the store already.
    Store,
    /// A mirror; the path or address of the file.
    Mirror(String),
    /// The address that the recipe (or its alternative) gives.
    Url(String),
    /// The git repository that the recipe gives.
    Git(String),
    /// The Debian source archive; the path of the file in it.
    Debian(String),
}

impl std::fmt::Display for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Provider::Store => f.write_str("store"),
            Provider::Mirror(place) => write!(f, "mirror {place}"),
            Provider::Url(url) => f.write_str(url),
            Provider::Git(url) => write!(f, "git+{url}"),
            Provider::Debian(path) => write!(f, "Debian archive {path}"),
        }
    }
}

/// A source whose bytes were compared with what pins it, in the call that returned this.
///
/// There is no other way to make one: what takes a `Fetched` cannot be given unverified bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    path: PathBuf,
    sha256: Sha256,
    size: u64,
    provider: Provider,
    alternative: Option<usize>,
    commit: Option<String>,
    pin: Option<Digest>,
}

impl Fetched {
    /// Returns the file in the store; it must not be changed.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the digest of its bytes.
    #[must_use]
    pub fn sha256(&self) -> Sha256 {
        self.sha256
    }

    /// Returns its size in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Returns who delivered it. This differs between runs; record [`Fetched::sha256`],
    /// [`Fetched::alternative`] and [`Fetched::commit`] where equal inputs must give equal bytes.
    #[must_use]
    pub fn provider(&self) -> &Provider {
        &self.provider
    }

    /// Returns the index of the recipe's alternative whose bytes these are, `None` if they are the source's own.
    #[must_use]
    pub fn alternative(&self) -> Option<usize> {
        self.alternative
    }

    /// Returns the commit whose tree this file holds as a tar file, for a git source.
    #[must_use]
    pub fn commit(&self) -> Option<&str> {
        self.commit.as_deref()
    }

    /// Returns the digest it was compared with, `None` if the recipe has none: then it is a git source or one
    /// that was allowed to be unpinned.
    #[must_use]
    pub fn pin(&self) -> Option<Digest> {
        self.pin
    }

    pub(super) fn new(
        stored: crate::store::Stored,
        provider: Provider,
        pin: Option<Digest>,
    ) -> Self {
        Fetched {
            path: stored.path,
            sha256: stored.sha256,
            size: stored.size,
            provider,
            alternative: None,
            commit: None,
            pin,
        }
    }

    pub(super) fn with_alternative(mut self, index: Option<usize>) -> Self {
        self.alternative = index;
        self
    }

    pub(super) fn pinned_by(mut self, pin: Option<Digest>) -> Self {
        self.pin = pin;
        self
    }

    pub(super) fn at_commit(mut self, commit: Option<String>) -> Self {
        self.commit = commit;
        self
    }
}

/// Fetches sources, several at once.
#[derive(Debug)]
pub struct Fetcher<'a> {
    pub(super) store: &'a SourceStore,
    pub(super) settings: FetchSettings,
    pub(super) debian: Option<&'a DebianArchive>,
    pub(super) http: Http,
    pub(super) git: Git,
}

impl<'a> Fetcher<'a> {
    /// Returns a fetcher into `store` that also asks `debian`, if there is one.
    #[must_use]
    pub fn new(
        store: &'a SourceStore,
        settings: FetchSettings,
        debian: Option<&'a DebianArchive>,
    ) -> Self {
        Fetcher {
            store,
            http: Http::new(
                settings.http.clone(),
                &settings.proxies,
                &settings.downloader,
            ),
            git: Git::new(&settings),
            settings,
            debian,
        }
    }

    /// Fetches one source and compares it with what pins it.
    ///
    /// Reports a task [`Subject::Fetch`] whose unit is bytes.
    ///
    /// # Errors
    ///
    /// Returns what every provider said, or why the request cannot be used.
    pub fn fetch(
        &self,
        request: &SourceRequest,
        reporter: &dyn Reporter,
        parent: Option<TaskId>,
    ) -> Result<Fetched, FetchError> {
        let subject = Subject::Fetch(format!("{}: {}", request.package, request.cache_name));
        let task = Task::start(reporter, parent, subject);
        let result = Hunt::new(self, request, &task).and_then(Hunt::run);
        task.finish(match &result {
            Ok(fetched) if fetched.provider == Provider::Store => {
                Outcome::Skipped("already in the store".into())
            }
            Ok(_) => Outcome::Done,
            Err(error) => Outcome::Failed(error.to_string()),
        });
        result
    }

    /// Fetches all `requests`, as many at once as the settings say, and returns the results in their order.
    ///
    /// One failure does not stop the others. Requests for the same digest are fetched once.
    pub fn fetch_all(
        &self,
        requests: &[SourceRequest],
        reporter: &dyn Reporter,
        parent: Option<TaskId>,
    ) -> Vec<Result<Fetched, FetchError>> {
        let queue = one_per_digest_first(requests);
        let next = AtomicUsize::new(0);
        let results: Mutex<BTreeMap<usize, Result<Fetched, FetchError>>> = Mutex::default();
        let work = || {
            while let Some(&index) = queue.get(next.fetch_add(1, Ordering::Relaxed)) {
                let result = self.fetch(&requests[index], reporter, parent);
                let mut results = results
                    .lock()
                    .expect("no thread panics while it holds this lock");
                results.insert(index, result);
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..self.settings.jobs.min(requests.len()).max(1) {
                scope.spawn(work);
            }
            work();
        });
        results
            .into_inner()
            .expect("no thread panicked, or the scope had")
            .into_values()
            .collect()
    }
}

/// Returns the indices of `requests`, those that repeat a digest last: by then it is likely in the store, and
/// no thread waits for another one's download.
fn one_per_digest_first(requests: &[SourceRequest]) -> Vec<usize> {
    let mut seen = std::collections::BTreeSet::new();
    let (mut order, mut repeated) = (Vec::new(), Vec::new());
    for (index, request) in requests.iter().enumerate() {
        match request.digest {
            Some(digest) if !seen.insert(digest) => repeated.push(index),
            Some(_) | None => order.push(index),
        }
    }
    order.append(&mut repeated);
    order
}
