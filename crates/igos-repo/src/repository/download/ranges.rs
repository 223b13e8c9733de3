//! The ranges of one archive from one copy: several at once, each compared frame by frame.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use igos_format::archive::Head;

use super::error::CopyError;
use super::frame_file::FrameFile;
use super::plan::{FramePlan, range_of};
use super::progress::Share;
use crate::fetch::http::Ranged;
use crate::repository::transport::TransportError;
use crate::repository::{RepositoryAddress, RepositoryClient};

/// Most ranges that a client asks for at once beside the one that each archive under way has in any case: with the
/// default of four archives no server has more than eight connections.
const BESIDE_MAX: usize = 4;

/// How many more ranges may be asked for at once, whatever archive they are of.
#[derive(Debug)]
pub(in crate::repository) struct Spare(AtomicUsize);

impl Default for Spare {
    fn default() -> Self {
        Spare(AtomicUsize::new(BESIDE_MAX))
    }
}

impl Spare {
    fn take(&self) -> Option<Taken<'_>> {
        let less = |left: usize| left.checked_sub(1);
        let taken = self
            .0
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, less);
        taken.is_ok().then_some(Taken(self))
    }
}

/// One more range at once, until it is dropped.
struct Taken<'a>(&'a Spare);

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// The ranges of one archive that one copy is asked for.
pub(super) struct RangesOfCopy<'a> {
    client: &'a RepositoryClient,
    copy: &'a RepositoryAddress,
    path: String,
    head: &'a Head,
    plan: &'a FramePlan,
    file: &'a FrameFile,
    share: &'a Share<'a, 'a>,
    done_bytes: Mutex<u64>,
    /// Set with the first error: what else is under way is given up with its next bytes.
    is_over: AtomicBool,
}

impl<'a> RangesOfCopy<'a> {
    pub(super) fn new(
        client: &'a RepositoryClient,
        copy: &'a RepositoryAddress,
        path: String,
        head: &'a Head,
        plan: &'a FramePlan,
        file: &'a FrameFile,
        share: &'a Share<'a, 'a>,
    ) -> Self {
        RangesOfCopy {
            client,
            copy,
            path,
            head,
            plan,
            file,
            share,
            done_bytes: Mutex::new(0),
            is_over: AtomicBool::new(false),
        }
    }

    /// Fetches all ranges. Whoever answers the first one with anything but its bytes is asked for no other.
    pub(super) fn fetch(&self) -> Result<(), CopyError> {
        let Some((first, others)) = self.plan.ranges.split_first() else {
            return Ok(());
        };
        self.fetch_one(first)?;
        let next = AtomicUsize::new(0);
        let first_error = Mutex::new(None);
        let take_one = || {
            let is_over = self.is_over.load(Ordering::SeqCst);
            let index = next.fetch_add(1, Ordering::SeqCst);
            others.get(index).filter(|_| !is_over)
        };
        let fetch_next = |range: &Range<u64>| {
            if let Err(error) = self.fetch_one(range) {
                let mut first = first_error.lock().expect("setting it does not panic");
                first.get_or_insert(error);
                self.is_over.store(true, Ordering::SeqCst);
            }
        };
        let help = |_taken: Taken<'_>| {
            while let Some(range) = take_one() {
                fetch_next(range);
            }
        };
        std::thread::scope(|scope| {
            let mut helpers = 0;
            while let Some(range) = take_one() {
                // Others may have ended meanwhile, and left room for more.
                while helpers < others.len().saturating_sub(next.load(Ordering::SeqCst))
                    && let Some(taken) = self.client.spare.take()
                {
                    helpers += 1;
                    scope.spawn(move || help(taken));
                }
                fetch_next(range);
            }
        });
        let first_error = first_error.into_inner();
        first_error
            .expect("setting it does not panic")
            .map_or(Ok(()), Err)
    }

    /// Fetches one range, and compares the frames in it.
    fn fetch_one(&self, range: &Range<u64>) -> Result<(), CopyError> {
        let mut take = |at: u64, chunk: &[u8]| {
            if self.is_over.load(Ordering::SeqCst) {
                return Err(std::io::Error::other(TransportError::Stopped));
            }
            self.file.write(at, chunk)?;
            let mut done_bytes = self.done_bytes.lock().expect("reporters do not panic");
            *done_bytes += chunk.len() as u64;
            self.share.advance(*done_bytes);
            Ok(())
        };
        let transport = &self.client.transport;
        let answer = transport.read_range(self.copy, &self.path, range.clone(), &mut take)?;
        if answer == Ranged::Whole {
            return Err(CopyError::NoRanges);
        }
        for frame in &self.plan.frames {
            let place = range_of(self.head, *frame);
            let is_inside = range.start <= place.start && place.end <= range.end;
            if is_inside && !self.file.verify(*frame).map_err(CopyError::Keep)? {
                return Err(CopyError::Frame { number: *frame });
            }
        }
        Ok(())
    }
}
