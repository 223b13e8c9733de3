//! Whole archives, and how copies are asked for anything.

use std::path::PathBuf;

use igos_report::{Diagnostic, Task};

use super::error::{CopyError, InVain};
use super::progress::Share;
use super::{DownloadError, WantedArchive};
use crate::fetch::partial::Partial;
use crate::repository::cache::{CacheError, digest_of};
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
    ) -> Result<PathBuf, DownloadError> {
        let unusable = |source| DownloadError::Cache {
            package: wanted.package.clone(),
            source,
        };
        let location = &wanted.location;
        let mut partial = self.cache.partial(&location.sha256).map_err(unusable)?;
        // Whoever held the lock may have finished meanwhile.
        if let Some(path) = self.cache.find(location).map_err(unusable)? {
            partial.close().map_err(|source| {
                let place = self.cache.partials();
                unusable(CacheError::new("delete a file in", &place, source))
            })?;
            return Ok(path);
        }
        share.plan(location.size_bytes);
        let asked = self.ask(wanted, share.task(), |copy| {
            self.collect(wanted, copy, &mut partial, share)
        });
        asked.map_err(|vain| vain.error(wanted))?;
        let path = partial.path().to_owned();
        self.cache.admit(&path, location).map_err(unusable)
    }

    /// Lets one copy complete the archive, and compares it.
    fn collect(
        &self,
        wanted: &WantedArchive,
        copy: &RepositoryAddress,
        partial: &mut Partial,
        share: &Share<'_, '_>,
    ) -> Result<(), CopyError> {
        let expected = wanted.location.size_bytes;
        loop {
            if partial.length() > expected {
                partial.clear().map_err(CopyError::Keep)?;
            }
            let is_resumed = partial.length() > 0;
            if partial.length() < expected {
                let progress = |done, _| {
                    share.advance(done);
                    Ok(())
                };
                let path = wanted.path();
                self.transport
                    .download(copy, &path, partial, expected, &progress)?;
            }
            let error = match compare(wanted, partial)? {
                None => return Ok(()),
                Some(error) => error,
            };
            partial.clear().map_err(CopyError::Keep)?;
            // The first part may have come from another copy or an older run: this one deserves a try of its own.
            if !is_resumed {
                return Err(error);
            }
        }
    }
}

/// Returns what is wrong with a collected archive, if anything is.
fn compare(wanted: &WantedArchive, partial: &Partial) -> Result<Option<CopyError>, CopyError> {
    let (expected, found) = (wanted.location.size_bytes, partial.length());
    if expected != found {
        return Ok(Some(CopyError::Size { expected, found }));
    }
    let expected = wanted.location.sha256;
    let actual = digest_of(partial.path()).map_err(CopyError::Keep)?;
    Ok((actual != expected).then_some(CopyError::Digest { expected, actual }))
}
