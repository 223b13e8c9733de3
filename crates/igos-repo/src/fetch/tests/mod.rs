//! Fetching from servers and mirrors that do everything wrong, and from some that do not.

mod git;
mod http;
mod providers;
pub(super) mod server;

use std::path::Path;
use std::time::Duration;

use igos_format::{Blake3, Digest, Sha256};
use igos_report::Recorder;

use super::{Downloader, FetchError, FetchSettings, Fetched, Fetcher, HttpLimits, Mirror, Network};
use crate::request::{Location, SourceRequest, Unpinned};
use crate::store::SourceStore;

/// A store in a directory of its own, and how to fetch into it.
struct World {
    directory: tempfile::TempDir,
    store: SourceStore,
    settings: FetchSettings,
    reporter: Recorder,
}

impl World {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("there is room for a directory");
        let mut settings = FetchSettings::new(directory.path());
        settings.downloader = Downloader::Unconfined;
        settings.http = HttpLimits {
            connect: Duration::from_secs(10),
            silence: Duration::from_secs(10),
            tries: 3,
            backoff: Duration::ZERO,
            ..HttpLimits::default()
        };
        World {
            store: SourceStore::open(directory.path().join("sources")).expect("it can be made"),
            directory,
            settings,
            reporter: Recorder::default(),
        }
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn fetch(&self, request: &SourceRequest) -> Result<Fetched, FetchError> {
        Fetcher::new(&self.store, self.settings.clone(), None).fetch(request, &self.reporter, None)
    }

    fn fetched(&self, request: &SourceRequest) -> Fetched {
        let fetched = self.fetch(request);
        fetched.unwrap_or_else(|error| panic!("{error}: {:?}", error.attempts()))
    }

    fn refused(&self, request: &SourceRequest) -> FetchError {
        self.fetch(request).expect_err("this cannot be fetched")
    }

    /// Makes a directory that serves as mirror, with these files.
    fn mirror(&mut self, files: &[(&str, &[u8])]) -> std::path::PathBuf {
        let number = self.settings.mirrors.len();
        let directory = self.path().join(format!("mirror{number}"));
        for (name, content) in files {
            let file = directory.join(name);
            let parent = file.parent().expect("a file lies in a directory");
            fs_err::create_dir_all(parent).expect("it can be made");
            fs_err::write(&file, content).expect("it can be written");
        }
        self.settings
            .mirrors
            .push(Mirror::Directory(directory.clone()));
        directory
    }

    /// Returns the names below `partial`, where nothing may stay behind.
    fn partials(&self) -> Vec<String> {
        let directory = self.store.directory().join("partial");
        let entries = fs_err::read_dir(directory).expect("it is there");
        entries
            .map(|entry| {
                entry
                    .expect("it can be read")
                    .file_name()
                    .to_string_lossy()
                    .into_owned()
            })
            .collect()
    }

    fn offline(&mut self) {
        self.settings.network = Network::Offline;
    }
}

fn request(url: &str, digest: Option<Digest>) -> SourceRequest {
    SourceRequest {
        package: "pigz".parse().expect("it is a name"),
        version: "2.8".into(),
        cache_name: "pigz-2.8.tar.gz".into(),
        location: Location::http(url).expect("the test gives an address"),
        digest,
        alternatives: Vec::new(),
        unpinned: Unpinned::Refuse,
    }
}

fn sha256(content: &[u8]) -> Option<Digest> {
    Some(Digest::Sha256(Sha256::of(content)))
}

fn blake3(content: &[u8]) -> Option<Digest> {
    Some(Digest::Blake3(Blake3::of(content)))
}

fn content(fetched: &Fetched) -> Vec<u8> {
    fs_err::read(fetched.path()).expect("it is in the store")
}

/// Content long enough to be cut anywhere.
fn long() -> Vec<u8> {
    (0..300_000_u32).flat_map(u32::to_le_bytes).collect()
}

const NOT_A_COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
