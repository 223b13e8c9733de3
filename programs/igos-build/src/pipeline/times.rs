//! How long phases took when they last ran: for estimates, and no part of any receipt.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::Phase;
use crate::cache::Cache;

/// Largest file of times, in bytes.
const TIMES_MAX_BYTES: u64 = 64 * 1024;

/// Seconds by phase.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Times(BTreeMap<String, f64>);

impl Times {
    fn path(directory: &Path) -> PathBuf {
        directory.join("times.json")
    }

    /// Reads the times of earlier runs; what cannot be read is as good as never run.
    pub(super) fn read(directory: &Path) -> Self {
        let mut text = String::new();
        let read = fs_err::File::open(Self::path(directory))
            .and_then(|file| file.take(TIMES_MAX_BYTES).read_to_string(&mut text));
        match read {
            Ok(_) => Times(serde_json::from_str(&text).unwrap_or_default()),
            Err(_) => Times::default(),
        }
    }

    /// Notes how long a phase took.
    pub(super) fn set(&mut self, phase: Phase, seconds: f64) {
        self.0.insert(phase.as_str().to_owned(), seconds);
    }

    /// Returns how long a phase took.
    pub(super) fn get(&self, phase: Phase) -> Option<f64> {
        self.0.get(phase.as_str()).copied()
    }

    /// Writes the times; a disk that does not take them costs an estimate.
    pub(super) fn write(&self, cache: &Cache, directory: &Path) {
        if let Ok(text) = serde_json::to_vec(&self.0) {
            let _written = cache.write_file(&Self::path(directory), &text).is_ok();
        }
    }
}
