//! Everything a disk was told, in order.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::image::Image;

/// One thing a disk was told, or somebody remarked.
#[derive(Debug, Clone)]
pub enum Event {
    /// Bytes to write; until the next flush they may be on the medium or not, or some of their sectors.
    Write {
        /// Where.
        offset: u64,
        /// What.
        bytes: Arc<[u8]>,
    },
    /// Everything before it is on the medium.
    Flush,
    /// The operation of this number begins.
    Begun(usize),
    /// Somebody was told that the operation of this number is done.
    Told(usize),
}

/// The disk before, and everything it was told.
#[derive(Debug, Clone)]
pub struct Recording {
    /// The disk before.
    pub base: Image,
    /// In the order of arrival.
    pub events: Vec<Event>,
}

/// A disk that remembers; handed to the file system that serves it and to whoever remarks.
#[derive(Debug, Clone)]
pub struct Recorder {
    inner: Arc<Mutex<Recorded>>,
}

#[derive(Debug)]
struct Recorded {
    base: Image,
    now: Image,
    events: Vec<Event>,
}

impl Recorder {
    /// Begins with a disk.
    #[must_use]
    pub fn new(base: Image) -> Self {
        let recorded = Recorded {
            now: base.clone(),
            base,
            events: Vec::new(),
        };
        Recorder {
            inner: Arc::new(Mutex::new(recorded)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Recorded> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns how many bytes the disk has.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.lock().now.length()
    }

    /// Returns bytes as they are now.
    #[must_use]
    pub fn bytes(&self, offset: u64, count: usize) -> Vec<u8> {
        self.lock().now.bytes(offset, count)
    }

    /// Writes bytes.
    pub fn write(&self, offset: u64, bytes: &[u8]) {
        let mut recorded = self.lock();
        recorded.now.put(offset, bytes);
        let bytes = Arc::from(bytes);
        recorded.events.push(Event::Write { offset, bytes });
    }

    /// Adds a flush or a remark.
    pub fn add(&self, event: Event) {
        self.lock().events.push(event);
    }

    /// Returns everything until now.
    #[must_use]
    pub fn recording(&self) -> Recording {
        let recorded = self.lock();
        Recording {
            base: recorded.base.clone(),
            events: recorded.events.clone(),
        }
    }
}
