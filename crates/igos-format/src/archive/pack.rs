//! Packing frames, on several threads but always into the same bytes.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::num::NonZeroUsize;
use std::sync::{Mutex, mpsc};
use std::thread;

use super::encoder::Encoder;
use super::layout::{self, Cut, Place};
use super::tar::padding;
use super::write::{Measured, OpenContent};
use super::{Compression, Frame, Part, WriteArchiveError};
use crate::manifest::Manifest;
use crate::{EntryKind, FileEntry, Hasher, Sha256};

/// Frames up to this length are compressed into memory, in bytes; longer ones, of one huge file each, are
/// compressed straight into the spool.
const IN_MEMORY_BYTES: u64 = 32 * 1024 * 1024;

/// How much may be in memory at once besides one frame, in bytes: what bounds the memory of packing.
const IN_FLIGHT_BYTES: u64 = 64 * 1024 * 1024;

/// How much of a file is read at once, in bytes.
const BUFFER_BYTES: usize = 64 * 1024;

const NO_CONTENT: [u8; 512] = [0; 512];

/// Everything that packing a frame needs.
#[derive(Clone, Copy)]
pub(super) struct Pack<'a> {
    pub(super) manifest: &'a Manifest,
    pub(super) places: &'a [Place],
    pub(super) cuts: &'a [Cut],
    pub(super) open: &'a OpenContent<'a>,
    pub(super) compression: Compression,
}

impl Pack<'_> {
    /// Compresses one frame.
    fn frame<W: Write>(&self, number: usize, out: W) -> Result<W, WriteArchiveError> {
        let cut = &self.cuts[number];
        let failed = |source| WriteArchiveError::Compress {
            part: Part::Frame(number),
            source,
        };
        let mut encoder = Encoder::new(self.compression, cut.uncompressed, out).map_err(failed)?;
        for index in cut.entries.clone() {
            let header = layout::header(self.manifest, self.places, index);
            encoder.write_all(&header.bytes).map_err(failed)?;
            let entry = &self.manifest.entries[index];
            if let (EntryKind::File { sha256, size, .. }, Place::Here) =
                (&entry.kind, self.places[index])
            {
                self.content(entry, *sha256, *size, |bytes| {
                    encoder.write_all(bytes).map_err(failed)
                })?;
                encoder
                    .write_all(&NO_CONTENT[..padding(*size)])
                    .map_err(failed)?;
            }
        }
        encoder.finish().map_err(failed)
    }

    /// Reads one file and compares it with the manifest.
    fn content(
        &self,
        entry: &FileEntry,
        expected: Sha256,
        expected_size: u64,
        mut take: impl FnMut(&[u8]) -> Result<(), WriteArchiveError>,
    ) -> Result<(), WriteArchiveError> {
        let unreadable = |source| WriteArchiveError::ReadFile {
            path: entry.path.clone(),
            source,
        };
        let file = (self.open)(entry).map_err(unreadable)?;
        // One byte more than expected tells a file that grew; no more than that is read of it.
        let mut file = file.take(expected_size.saturating_add(1));
        let mut hasher = Hasher::new();
        let mut buffer = [0; BUFFER_BYTES];
        loop {
            let count = match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(source) => return Err(unreadable(source)),
            };
            hasher.update(&buffer[..count]);
            if hasher.length() <= expected_size {
                take(&buffer[..count])?;
            }
        }
        if hasher.length() == expected_size && hasher.sha256() == expected {
            return Ok(());
        }
        Err(WriteArchiveError::FileChanged {
            path: entry.path.clone(),
            expected,
            actual: hasher.sha256(),
            expected_size,
            actual_size: hasher.length(),
        })
    }
}

/// The spool, and the rows of the frames in it.
struct Packed<'s, S> {
    spool: &'s mut S,
    frames: Vec<Frame>,
    offset: u64,
}

impl<S: Write> Packed<'_, S> {
    /// Compresses a frame into the spool.
    fn stream(&mut self, pack: &Pack<'_>, number: usize) -> Result<(), WriteArchiveError> {
        let measured = pack.frame(number, Measured::new(&mut *self.spool))?;
        let hasher = measured.hasher;
        self.add(&pack.cuts[number], &hasher);
        Ok(())
    }

    /// Puts a compressed frame into the spool.
    fn put(&mut self, cut: &Cut, bytes: &[u8]) -> Result<(), WriteArchiveError> {
        let mut hasher = Hasher::new();
        hasher.update(bytes);
        self.spool
            .write_all(bytes)
            .map_err(|source| WriteArchiveError::Spool { source })?;
        self.add(cut, &hasher);
        Ok(())
    }

    fn add(&mut self, cut: &Cut, hasher: &Hasher) {
        self.frames.push(Frame {
            offset: self.offset,
            compressed: hasher.length(),
            uncompressed: cut.uncompressed,
            sha256: hasher.sha256(),
            entries: cut.entries.len(),
        });
        self.offset += hasher.length();
    }
}

type Outcome = Result<Vec<u8>, WriteArchiveError>;

/// A frame that is due, in the order of the archive.
enum Due {
    /// It is being compressed by a worker.
    Elsewhere(usize, mpsc::Receiver<Outcome>),
    /// It is compressed when its turn comes.
    Here(usize),
}

/// Compresses all frames into `spool` and returns their rows.
pub(super) fn pack_frames(
    pack: &Pack<'_>,
    threads: NonZeroUsize,
    spool: &mut impl Write,
) -> Result<Vec<Frame>, WriteArchiveError> {
    let mut packed = Packed {
        spool,
        frames: Vec::new(),
        offset: 0,
    };
    if threads.get() == 1 {
        for number in 0..pack.cuts.len() {
            packed.stream(pack, number)?;
        }
    } else {
        let (sender, receiver) = mpsc::channel();
        let receiver = Mutex::new(receiver);
        thread::scope(|scope| {
            // Dropped when the director returns, which is what ends the workers.
            let sender = sender;
            for _ in 0..threads.get() {
                scope.spawn(|| work(pack, &receiver));
            }
            direct(pack, threads, &sender, &mut packed)
        })?;
    }
    packed
        .spool
        .flush()
        .map_err(|source| WriteArchiveError::Spool { source })?;
    Ok(packed.frames)
}

type Job = (usize, mpsc::Sender<Outcome>);

fn work(pack: &Pack<'_>, jobs: &Mutex<mpsc::Receiver<Job>>) {
    loop {
        let job = jobs
            .lock()
            .expect("no thread panics while it waits for a frame")
            .recv();
        // The director is done, or has gone because of an error.
        let Ok((number, reply)) = job else { return };
        if reply.send(pack.frame(number, Vec::new())).is_err() {
            return;
        }
    }
}

/// Hands out frames ahead of time and collects them in order.
fn direct<S: Write>(
    pack: &Pack<'_>,
    threads: NonZeroUsize,
    workers: &mpsc::Sender<Job>,
    packed: &mut Packed<'_, S>,
) -> Result<(), WriteArchiveError> {
    let mut due = VecDeque::new();
    let mut in_flight = 0;
    let mut next = 0;
    loop {
        while next < pack.cuts.len() && due.len() < 4 * threads.get() {
            let length = pack.cuts[next].uncompressed;
            if length > IN_MEMORY_BYTES {
                due.push_back(Due::Here(next));
            } else if in_flight > 0 && in_flight + length > IN_FLIGHT_BYTES {
                break;
            } else {
                let (reply, outcome) = mpsc::channel();
                workers
                    .send((next, reply))
                    .expect("workers wait until the sender is gone");
                in_flight += length;
                due.push_back(Due::Elsewhere(next, outcome));
            }
            next += 1;
        }
        match due.pop_front() {
            None => return Ok(()),
            Some(Due::Here(number)) => packed.stream(pack, number)?,
            Some(Due::Elsewhere(number, outcome)) => {
                let bytes = outcome
                    .recv()
                    .expect("a worker answers every frame it was given")?;
                in_flight -= pack.cuts[number].uncompressed;
                packed.put(&pack.cuts[number], &bytes)?;
            }
        }
    }
}
