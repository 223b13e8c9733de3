//! Downloads that go on while the caller works on what has arrived.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard};

use igos_format::Sha256;
use igos_report::{Diagnostic, Outcome, Reporter};

use super::progress::{Share, Total, mebibytes};
use super::{DownloadError, FetchedFrames, FetchedHead, WantedArchive};
use crate::below::FileBelow;
use crate::repository::RepositoryClient;

/// Fewest bytes saved that people are told of: what is less is the ends of archives, which are not fetched either.
const SAVED_TOLD_BYTES: u64 = 64 * 1024;

/// What to fetch of one archive.
#[derive(Debug, Clone)]
pub enum ArchiveJob {
    /// All of it.
    Whole(WantedArchive),
    /// The frames with contents that are not on disk.
    Parts(FetchedHead),
}

/// An archive, or what is needed of it.
#[derive(Debug)]
pub enum FetchedArchive {
    /// The whole archive, compared with its digest.
    Whole(WholeArchive),
    /// The frames with contents that are not on disk.
    Frames(FetchedFrames),
}

/// A whole archive in the cache, compared with its digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WholeArchive {
    file: FileBelow,
}

/// Downloads under way.
#[derive(Debug)]
pub struct Downloads {
    results: Mutex<BTreeMap<Sha256, Slot>>,
    arrived: Condvar,
}

#[derive(Debug)]
enum Slot {
    Waiting,
    Ready(Box<Result<FetchedArchive, DownloadError>>),
    Taken,
}

impl ArchiveJob {
    /// Returns which archive it is about.
    #[must_use]
    pub fn wanted(&self) -> &WantedArchive {
        match self {
            ArchiveJob::Whole(wanted) => wanted,
            ArchiveJob::Parts(head) => head.wanted(),
        }
    }
}

impl FetchedArchive {
    /// Returns how many bytes less were fetched than the whole archive has.
    #[must_use]
    pub fn saved_bytes(&self) -> u64 {
        match self {
            FetchedArchive::Whole(_) => 0,
            FetchedArchive::Frames(frames) => frames.saved_bytes(),
        }
    }
}

impl WholeArchive {
    /// Returns its path in the cache, for messages alone.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.file.path()
    }

    /// Opens it.
    ///
    /// # Errors
    ///
    /// Returns why it cannot be opened.
    pub fn open(&self) -> io::Result<std::fs::File> {
        self.file.open()
    }
}

impl Downloads {
    fn new(jobs: &[ArchiveJob]) -> Self {
        let slots = jobs.iter().map(|job| (job.wanted().seal, Slot::Waiting));
        Downloads {
            results: Mutex::new(slots.collect()),
            arrived: Condvar::new(),
        }
    }

    /// Waits for the archive with this seal, and hands it out; `None` if it was not asked for, or handed out
    /// before.
    ///
    /// # Errors
    ///
    /// Returns why it could not be had.
    #[must_use = "an archive is handed out once"]
    pub fn wait_for(&self, seal: &Sha256) -> Option<Result<FetchedArchive, DownloadError>> {
        let mut results = self.results();
        loop {
            match results.get_mut(seal) {
                None | Some(Slot::Taken) => return None,
                Some(Slot::Waiting) => {}
                Some(slot) => {
                    if let Slot::Ready(result) = std::mem::replace(slot, Slot::Taken) {
                        return Some(*result);
                    }
                }
            }
            results = self
                .arrived
                .wait(results)
                .expect("no thread panics while it holds this lock");
        }
    }

    fn put(&self, seal: Sha256, result: Result<FetchedArchive, DownloadError>) {
        self.results().insert(seal, Slot::Ready(Box::new(result)));
        self.arrived.notify_all();
    }

    fn results(&self) -> MutexGuard<'_, BTreeMap<Sha256, Slot>> {
        self.results
            .lock()
            .expect("no thread panics while it holds this lock")
    }
}

/// Puts something into the slot of a job whatever happens, so that nobody waits for ever.
struct Promise<'a> {
    downloads: &'a Downloads,
    job: &'a ArchiveJob,
    result: Option<Result<FetchedArchive, DownloadError>>,
}

impl Drop for Promise<'_> {
    fn drop(&mut self) {
        let wanted = self.job.wanted();
        let stopped = || {
            Err(DownloadError::Stopped {
                package: wanted.package.clone(),
            })
        };
        let result = self.result.take().unwrap_or_else(stopped);
        self.downloads.put(wanted.seal, result);
    }
}

impl RepositoryClient {
    /// Fetches archives in the background, several at once and in the order of `jobs`, while `work` runs, which can
    /// wait for each of them. When `work` returns, what has not arrived is fetched no further.
    ///
    /// `is_on_disk` tells for which contents no frame has to be fetched.
    pub fn in_background<T>(
        &self,
        jobs: &[ArchiveJob],
        is_on_disk: &(dyn Fn(&Sha256) -> bool + Sync),
        reporter: &dyn Reporter,
        work: impl FnOnce(&Downloads) -> T,
    ) -> T {
        let downloads = Downloads::new(jobs);
        let bytes = jobs.iter().map(|job| job.wanted().location.size_bytes);
        let total = Total::start(reporter, format!("{} archives", jobs.len()), bytes.sum());
        let next = AtomicUsize::new(0);
        let saved = Mutex::new(0_u64);
        let fetch = || {
            while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                let mut promise = Promise {
                    downloads: &downloads,
                    job,
                    result: None,
                };
                let result = self.fetch_job(job, is_on_disk, &total);
                if let Ok(archive) = &result {
                    let mut saved = saved.lock().expect("adding does not panic");
                    *saved += archive.saved_bytes();
                }
                promise.result = Some(result);
            }
        };
        let answer = std::thread::scope(|scope| {
            for _ in 0..self.jobs.get().min(jobs.len()) {
                scope.spawn(fetch);
            }
            let answer = work(&downloads);
            let is_waiting = |slot: &Slot| matches!(slot, Slot::Waiting);
            if downloads.results().values().any(is_waiting) {
                self.transport.stop();
            }
            answer
        });
        let saved = saved.into_inner().expect("adding does not panic");
        if saved >= SAVED_TOLD_BYTES {
            let message = format!(
                "{} less than whole archives were fetched: the rest is on the disk already",
                mebibytes(saved)
            );
            total
                .task()
                .notice(Diagnostic::note("parts-fetched", message));
        }
        let is_stopped = self.transport.is_stopped();
        self.transport.go_on();
        total.finish(if is_stopped {
            Outcome::Abandoned
        } else {
            Outcome::Done
        });
        answer
    }

    /// Fetches archives, several at once, and returns them in the order of `jobs`.
    pub fn fetch_archives(
        &self,
        jobs: &[ArchiveJob],
        is_on_disk: &(dyn Fn(&Sha256) -> bool + Sync),
        reporter: &dyn Reporter,
    ) -> Vec<Result<FetchedArchive, DownloadError>> {
        self.in_background(jobs, is_on_disk, reporter, |downloads| {
            let wait = |job: &ArchiveJob| downloads.wait_for(&job.wanted().seal);
            jobs.iter().filter_map(wait).collect()
        })
    }

    /// Deletes what the cache has of these archives besides the archives themselves: it was used.
    ///
    /// # Errors
    ///
    /// Returns the first file that could not be deleted.
    pub fn forget_parts(
        &self,
        wanted: &[WantedArchive],
    ) -> Result<(), crate::repository::CacheError> {
        for wanted in wanted {
            let sha256 = &wanted.location.sha256;
            self.cache.forget_parts(&wanted.seal, sha256)?;
        }
        Ok(())
    }

    fn fetch_job(
        &self,
        job: &ArchiveJob,
        is_on_disk: &(dyn Fn(&Sha256) -> bool + Sync),
        total: &Total<'_>,
    ) -> Result<FetchedArchive, DownloadError> {
        let wanted = job.wanted();
        let what = wanted.package.to_string();
        let share = Share::start(total, what, wanted.location.size_bytes);
        let result = self.fetch_shared(job, is_on_disk, &share);
        share.finish(match &result {
            Ok(_) => Outcome::Done,
            Err(error) => Outcome::Failed(error.to_string()),
        });
        result
    }

    fn fetch_shared(
        &self,
        job: &ArchiveJob,
        is_on_disk: &(dyn Fn(&Sha256) -> bool + Sync),
        share: &Share<'_, '_>,
    ) -> Result<FetchedArchive, DownloadError> {
        let wanted = job.wanted();
        let found = self.cache.find(&wanted.location);
        let found = found.map_err(|source| DownloadError::Cache {
            package: wanted.package.clone(),
            source,
        })?;
        if let Some(file) = found {
            share.plan(0);
            return Ok(FetchedArchive::Whole(WholeArchive { file }));
        }
        if let ArchiveJob::Parts(head) = job
            && let Some(frames) = self.fetch_frames(head, is_on_disk, share)?
        {
            return Ok(FetchedArchive::Frames(frames));
        }
        let file = self.fetch_whole(wanted, share)?;
        Ok(FetchedArchive::Whole(WholeArchive { file }))
    }

    /// Works on `items`, several at once, and returns the results in their order.
    pub(in crate::repository) fn each<I: Sync, T: Send>(
        &self,
        items: &[I],
        work: impl Fn(&I) -> T + Sync,
    ) -> Vec<T> {
        let next = AtomicUsize::new(0);
        let results: Mutex<BTreeMap<usize, T>> = Mutex::default();
        let run = || {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(item) = items.get(index) else { return };
                let result = work(item);
                let mut results = results.lock().expect("inserting does not panic");
                results.insert(index, result);
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..self.jobs.get().min(items.len()).max(1) {
                scope.spawn(run);
            }
            run();
        });
        let results = results.into_inner().expect("inserting does not panic");
        results.into_values().collect()
    }
}
