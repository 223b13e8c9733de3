//! Whole archives, and how copies are asked for anything.

use igos_report::{Diagnostic, Task};

use super::error::{CopyError, InVain};
use super::progress::Share;
use super::{DownloadError, WantedArchive};
use crate::below::FileBelow;
use crate::fetch::partial::Partial;
use crate::repository::cache::CacheError;
use crate::repository::collected::{Expected, Unlike, complete};
use crate::repository::{RepositoryAddress, RepositoryClient};

impl RepositoryClient {
    /// Asks the copies of a repository one after the other, and tells of each that failed.
    pub(super) fn ask<T>(
        &self,
        wanted: &WantedArchive,
        task: &Task<'_>,
        mut ask: impl FnMut(&RepositoryAddress) -> Result<T, CopyError>,
    ) -> Result<T, InVain> {
        let Some(copies) = self.copies(&wanted.repository) else {
            return Err(InVain::NoRepository);
        };
        let mut is_forged = false;
        let asked = copies.ask(
            |copy| ask(copy).inspect_err(|error| is_forged |= error.is_forged()),
            CopyError::blame,
        );
        match asked {
            Ok((value, failed)) => {
                for failed in failed {
                    let message = format!(
                        "another copy of {} delivers {}",
                        wanted.repository, wanted.package
                    );
                    task.notice(
                        Diagnostic::warning("repository-copy-failed", message)
                            .because(failed.to_string()),
                    );
                }
                Ok(value)
            }
            Err(_) if self.transport.is_stopped() => Err(InVain::Stopped),
            Err(failed) => Err(InVain::Failed { failed, is_forged }),
        }
    }

    /// Fetches a whole archive into the cache, going on from what is there of it.
    pub(super) fn fetch_whole(
        &self,
        wanted: &WantedArchive,
        share: &Share<'_, '_>,
    ) -> Result<FileBelow, DownloadError> {
        let unusable = |source| DownloadError::Cache {
            package: wanted.package.clone(),
            source,
        };
        let location = &wanted.location;
        let mut partial = self.cache.partial(&location.sha256).map_err(unusable)?;
        // Whoever held the lock may have finished meanwhile.
        if let Some(file) = self.cache.find(location).map_err(unusable)? {
            partial.close().map_err(|source| {
                let place = self.cache.partials().shown();
                unusable(CacheError::new("delete a file in", &place, source))
            })?;
            return Ok(file);
        }
        share.plan(location.size_bytes);
        let asked = self.ask(wanted, share.task(), |copy| {
            self.collect(wanted, copy, &mut partial, share)
        });
        asked.map_err(|vain| vain.error(wanted))?;
        self.cache.admit(partial, location).map_err(unusable)
    }

    /// Lets one copy complete the archive, and compares it.
    fn collect(
        &self,
        wanted: &WantedArchive,
        copy: &RepositoryAddress,
        partial: &mut Partial,
        share: &Share<'_, '_>,
    ) -> Result<(), CopyError> {
        let (size_bytes, sha256) = (wanted.location.size_bytes, wanted.location.sha256);
        let expected = Expected { size_bytes, sha256 };
        let refuse = |unlike| match unlike {
            Unlike::Size { expected, found } => CopyError::Size { expected, found },
            Unlike::Digest { expected, actual } => CopyError::Digest { expected, actual },
        };
        complete(partial, expected, CopyError::Keep, refuse, |partial| {
            let progress = |done, _| {
                share.advance(done);
                Ok(())
            };
            let path = wanted.path();
            let fetched = self
                .transport
                .download(copy, &path, partial, size_bytes, &progress);
            Ok(fetched?)
        })
    }
}
