//! Frames of an archive in a file with holes: each at the place that it has in the archive.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex};

use igos_format::archive::Head;
use igos_format::{Hasher, Sha256};
use rustix::fs::FlockOperation;

use super::plan::range_of;
use crate::below::FileBelow;

/// How much is read at once, in bytes.
const BUFFER_BYTES: usize = 128 * 1024;

/// Frames of an archive: some are there, and all that are were compared with the sealed digests.
#[derive(Debug)]
pub(super) struct FrameFile {
    file: File,
    head: Arc<Head>,
    there: Mutex<BTreeSet<usize>>,
}

impl FrameFile {
    /// Opens or makes the file and waits until nobody else works on it. Which of these frames are there, their
    /// digests say.
    pub(super) fn open(place: &FileBelow, head: Arc<Head>, frames: &[usize]) -> io::Result<Self> {
        let directory = place.directory().make()?;
        let file = place.open_to_write(&directory)?;
        igos_root::wait_for_lock(&file)?;
        let opened = FrameFile {
            file,
            there: Mutex::default(),
            head,
        };
        let length = opened.file.metadata()?.len();
        for frame in frames {
            if range_of(&opened.head, *frame).end <= length {
                opened.verify(*frame)?;
            }
        }
        Ok(opened)
    }

    /// Returns the frames that are there.
    pub(super) fn there(&self) -> BTreeSet<usize> {
        self.there.lock().expect("inserting does not panic").clone()
    }

    /// Writes bytes that begin at this place of the archive.
    pub(super) fn write(&self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, at)
    }

    /// Compares a frame with its digest; from then on it is there, if it is the sealed one.
    pub(super) fn verify(&self, frame: usize) -> io::Result<bool> {
        let expected: Sha256 = self.head.frames().frames[frame].sha256;
        let mut hasher = Hasher::new();
        let range = range_of(&self.head, frame);
        let mut buffer = [0; BUFFER_BYTES];
        let mut at = range.start;
        while at < range.end {
            let wanted = buffer.len().min((range.end - at) as usize);
            match self.file.read_at(&mut buffer[..wanted], at)? {
                0 => return Ok(false),
                count => {
                    hasher.update(&buffer[..count]);
                    at += count as u64;
                }
            }
        }
        let is_sealed = hasher.sha256() == expected;
        if is_sealed {
            let mut there = self.there.lock().expect("inserting does not panic");
            there.insert(frame);
        }
        Ok(is_sealed)
    }

    /// Gives up the lock and keeps what is there for reading.
    pub(super) fn close(self, saved_bytes: u64) -> io::Result<FetchedFrames> {
        rustix::fs::flock(&self.file, FlockOperation::Unlock)?;
        Ok(FetchedFrames {
            file: Arc::new(self.file),
            head: self.head,
            there: self.there.into_inner().expect("inserting does not panic"),
            saved_bytes,
        })
    }
}

/// Those frames of an archive that hold contents which were not on disk, each compared with its sealed digest.
#[derive(Debug)]
pub struct FetchedFrames {
    file: Arc<File>,
    head: Arc<Head>,
    there: BTreeSet<usize>,
    saved_bytes: u64,
}

impl FetchedFrames {
    /// Returns the head of the archive.
    #[must_use]
    pub fn head(&self) -> &Arc<Head> {
        &self.head
    }

    /// Returns the stored bytes of a frame; `None` if it was not fetched, because every content in it is on disk.
    #[must_use]
    pub fn frame(&self, frame: usize) -> Option<FrameBytes> {
        self.there.contains(&frame).then(|| FrameBytes {
            file: Arc::clone(&self.file),
            range: range_of(&self.head, frame),
        })
    }

    /// Returns the frames that are there, in order.
    pub fn frames(&self) -> impl Iterator<Item = usize> {
        self.there.iter().copied()
    }

    /// Returns how many bytes less were fetched than the whole archive has.
    #[must_use]
    pub fn saved_bytes(&self) -> u64 {
        self.saved_bytes
    }
}

/// The stored bytes of one frame.
#[derive(Debug)]
pub struct FrameBytes {
    file: Arc<File>,
    range: Range<u64>,
}

impl Read for FrameBytes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.range.end - self.range.start;
        let wanted = buffer
            .len()
            .min(usize::try_from(left).unwrap_or(usize::MAX));
        let count = self.file.read_at(&mut buffer[..wanted], self.range.start)?;
        if count == 0 && wanted > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.range.start += count as u64;
        Ok(count)
    }
}
