//! Those frames of an archive that hold contents which are not on disk.

use std::io;
use std::sync::Arc;

use igos_format::Sha256;
use igos_format::archive::Head;
use igos_report::Diagnostic;

use super::error::{CopyError, InVain};
use super::frame_file::FrameFile;
use super::plan::{FramePlan, needed};
use super::progress::Share;
use super::ranges::RangesOfCopy;
use super::{DownloadError, FetchedFrames, FetchedHead};
use crate::repository::cache::CacheError;
use crate::repository::{RepositoryAddress, RepositoryClient};

impl RepositoryClient {
    /// Fetches the frames of an archive that hold contents which are not on disk; `None` if the whole archive has to
    /// be fetched instead, of which the reader is told why.
    pub(super) fn fetch_frames(
        &self,
        head: &FetchedHead,
        is_on_disk: &(dyn Fn(&Sha256) -> bool + Sync),
        share: &Share<'_, '_>,
    ) -> Result<Option<FetchedFrames>, DownloadError> {
        let wanted = head.wanted();
        let Ok(parsed) = head.read().map(Arc::new) else {
            // The cache lost it meanwhile, and the whole archive has one too.
            return Ok(None);
        };
        let unusable = |source| DownloadError::Cache {
            package: wanted.package.clone(),
            source,
        };
        let frames = needed(&parsed, is_on_disk);
        let place = self.cache.frames(&wanted.location.sha256);
        let at_path = |source: io::Error| unusable(CacheError::new("use", &place.path(), source));
        let file = FrameFile::open(&place, Arc::clone(&parsed), &frames).map_err(at_path)?;
        let size = wanted.location.size_bytes;
        let plan = FramePlan::new(&parsed, size, frames, &file.there());
        if plan.is_nearly_all {
            return Ok(None);
        }
        let saved = size
            .saturating_sub(plan.range_bytes())
            .saturating_sub(head.fetched_bytes());
        share.plan(plan.range_bytes());
        if plan.ranges.is_empty() {
            return file.close(saved).map(Some).map_err(at_path);
        }
        let asked = self.ask(wanted, share.task(), |copy| {
            self.fetch_missing(head, &parsed, copy, &plan.frames, &file, share)
        });
        match asked {
            Ok(()) => file.close(saved).map(Some).map_err(at_path),
            Err(InVain::Failed { failed, .. }) => {
                let message = format!(
                    "parts of the archive of {} cannot be had, so all of it is fetched",
                    wanted.package
                );
                let mut notice = Diagnostic::note("archive-fetched-whole", message);
                notice.because = failed.iter().map(ToString::to_string).collect();
                share.task().notice(notice);
                Ok(None)
            }
            Err(vain) => Err(vain.error(wanted)),
        }
    }

    /// Fetches from one copy what is not there yet of these frames, and compares each.
    fn fetch_missing(
        &self,
        head: &FetchedHead,
        parsed: &Head,
        copy: &RepositoryAddress,
        frames: &[usize],
        file: &FrameFile,
        share: &Share<'_, '_>,
    ) -> Result<(), CopyError> {
        let wanted = head.wanted();
        let size = wanted.location.size_bytes;
        let plan = FramePlan::new(parsed, size, frames.to_vec(), &file.there());
        RangesOfCopy::new(self, copy, wanted.path(), parsed, &plan, file, share).fetch()
    }
}
