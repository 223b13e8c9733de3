//! Getting the sources of many recipes at once.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use igos_repo::{Fetcher, Unpinned};
use igos_report::{Explain, Reporter, Task};
use rayon::prelude::{IntoParallelRefIterator, ParallelIterator};
use rayon::{ThreadPoolBuildError, ThreadPoolBuilder};

use super::{GatherError, ReadySource, gather};
use crate::tree::TreeEntry;

/// Packages whose sources are fetched at once, at the least: downloads wait more than they work.
const DOWNLOADS_MIN: usize = 4;

/// With what, and how, sources are gathered.
pub struct GatherAll<'a> {
    /// Gets them.
    pub fetcher: &'a Fetcher<'a>,
    /// Whether sources that nothing pins are taken.
    pub unpinned: Unpinned,
    /// Packages at once, if that is more than downloads are in every case.
    pub jobs: NonZeroUsize,
    /// Set when the user asked to stop.
    pub interrupted: &'a AtomicBool,
    /// Hears what happens.
    pub reporter: &'a dyn Reporter,
}

/// The sources of one recipe; `None` if the user asked to stop before it was its turn.
pub type Gathered<'t> = (&'t TreeEntry, Option<Result<Vec<ReadySource>, GatherError>>);

/// The system does not give us threads.
#[derive(Debug, thiserror::Error)]
#[error("cannot start threads that fetch")]
pub struct GatherThreadsError(#[source] ThreadPoolBuildError);

impl Explain for GatherThreadsError {
    fn code(&self) -> &'static str {
        "threads-refused"
    }

    fn hints(&self) -> Vec<String> {
        vec!["raise the limit of processes of this user".to_owned()]
    }
}

impl std::fmt::Debug for GatherAll<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GatherAll")
            .field("jobs", &self.jobs)
            .finish_non_exhaustive()
    }
}

impl GatherAll<'_> {
    /// Gathers the sources of recipes, in their order; `task` advances by one with each recipe.
    ///
    /// # Errors
    ///
    /// Returns that no threads can be started. What stands against the sources of a recipe is in its place.
    pub fn run<'t>(
        &self,
        entries: &[&'t TreeEntry],
        task: &Task<'_>,
    ) -> Result<Vec<Gathered<'t>>, GatherThreadsError> {
        let total = Some(entries.len() as u64);
        let done = AtomicU64::new(0);
        let one = |entry: &&'t TreeEntry| {
            if self.interrupted.load(Ordering::SeqCst) {
                return (*entry, None);
            }
            let parent = Some(task.id());
            let found = gather(entry, self.fetcher, self.unpinned, self.reporter, parent);
            task.advance(done.fetch_add(1, Ordering::Relaxed) + 1, total);
            (*entry, Some(found))
        };
        let threads = ThreadPoolBuilder::new()
            .num_threads(self.jobs.get().max(DOWNLOADS_MIN))
            .build()
            .map_err(GatherThreadsError)?;
        Ok(threads.install(|| entries.par_iter().map(one).collect()))
    }
}
