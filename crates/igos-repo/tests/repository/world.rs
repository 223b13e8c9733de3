//! A repository in a temporary directory, and a root whose client reads it.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use igos_format::trust::UtcTime;
use igos_repo::publish::{
    Execution, KeyRing, Lifetimes, NewKeys, PublishRequest, Publisher, new_keys,
};
use igos_repo::repository::{
    Catalogue, ClientSettings, FetchedHead, OfferedRoot, RepositoryClient, RepositoryPlaces,
    RepositorySettings, SyncError, SyncOptions, Synced, TrustedRoot, Waiting, WantedArchive,
};
use igos_repo::trust::{Clock, Expiry, RefreshOptions, Rollback};
use igos_repo::{Downloader, HttpLimits, Network};
use igos_report::{Quiet, Recorder};

use crate::packages::Package;

/// A day in 2026 on which everything happens.
pub(crate) const NOW: i64 = 1_790_000_000;
pub(crate) const DAY: i64 = 86_400;

pub(crate) fn time(seconds: i64) -> UtcTime {
    UtcTime::from_seconds(seconds).expect("it is a time")
}

pub(crate) fn clock(now: i64) -> Clock {
    Clock {
        now: time(now),
        built: time(0),
    }
}

pub(crate) fn options(now: i64) -> SyncOptions {
    SyncOptions {
        refresh: RefreshOptions {
            clock: clock(now),
            rollback: Rollback::Refuse,
            expiry: Expiry::Refuse,
        },
        waiting: Waiting::Refuse,
    }
}

/// A published repository.
pub(crate) struct Published {
    directory: tempfile::TempDir,
}

impl Published {
    pub(crate) fn new(packages: &[&Package]) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let published = Published { directory };
        let keys = published.path("keys");
        let lifetimes = Lifetimes::default();
        new_keys(
            &keys,
            NewKeys::default(),
            &lifetimes,
            time(NOW),
            Execution::Real,
        )
        .expect("the directory is new");
        fs_err::create_dir(published.repository()).expect("the directory is ours");
        published.publish(packages);
        published
    }

    fn path(&self, at: &str) -> PathBuf {
        self.directory.path().join(at)
    }

    pub(crate) fn repository(&self) -> PathBuf {
        self.path("repository")
    }

    pub(crate) fn root(&self) -> Vec<u8> {
        fs_err::read(self.repository().join("metadata/1.root.json")).expect("it was published")
    }

    pub(crate) fn publish(&self, packages: &[&Package]) {
        let archives = tempfile::tempdir().expect("a temporary directory");
        for package in packages {
            let stem = package.manifest.package.file_stem();
            let path = archives.path().join(format!("{stem}.igos.tar.zst"));
            fs_err::write(path, package.bytes()).expect("the directory is ours");
        }
        let ring = KeyRing::load(&[self.path("keys")]).expect("the keys are sound");
        let publisher = Publisher {
            directory: &self.repository(),
            ring: &ring,
            lifetimes: &Lifetimes::default(),
            now: time(NOW),
            // A process that another test starts has our locks too, until it executes its program.
            waiting: Waiting::Wait,
            execution: Execution::Real,
            stop: &|| false,
            reporter: &Quiet,
            jobs: NonZeroUsize::MIN,
        };
        publisher
            .publish(PublishRequest::new(vec![archives.path().to_owned()]))
            .expect("the packages fit together");
    }

    /// Returns the bytes of a file of the repository; how the test's web server serves it.
    pub(crate) fn file(repository: &Path, path: &str) -> Option<Vec<u8>> {
        fs_err::read(repository.join(path)).ok()
    }
}

/// A root and its settings.
pub(crate) struct Machine {
    directory: tempfile::TempDir,
    pub(crate) settings: ClientSettings,
    pub(crate) reporter: Recorder,
}

impl Machine {
    pub(crate) fn new() -> Self {
        Machine {
            directory: tempfile::tempdir().expect("a temporary directory"),
            settings: ClientSettings {
                jobs: NonZeroUsize::MIN.saturating_add(1),
                http: HttpLimits {
                    connect: Duration::from_secs(10),
                    silence: Duration::from_millis(400),
                    tries: 1,
                    backoff: Duration::ZERO,
                    ..HttpLimits::default()
                },
                downloader: Downloader::Unconfined,
                ..ClientSettings::default()
            },
            reporter: Recorder::default(),
        }
    }

    pub(crate) fn root(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn places(&self) -> RepositoryPlaces {
        RepositoryPlaces::below(self.root())
    }

    pub(crate) fn offline(&mut self) {
        self.settings.network = Network::Offline;
    }

    /// Adds the repository `name` at an address, trusted by the published root.
    pub(crate) fn add(&self, name: &str, url: &str, published: &Published) {
        self.add_with(name, url, published, |_| {});
    }

    pub(crate) fn add_with(
        &self,
        name: &str,
        url: &str,
        published: &Published,
        change: impl FnOnce(&mut RepositorySettings),
    ) {
        let mut settings = RepositorySettings::new(
            name.parse().expect("a name"),
            url.parse().expect("an address"),
            TrustedRoot::Inline(String::new()),
        );
        change(&mut settings);
        let root = OfferedRoot::read(&settings.name, published.root()).expect("it is sound");
        self.places()
            .add(&settings, &root)
            .expect("the name is free");
    }

    pub(crate) fn client(&self) -> RepositoryClient {
        let settings = self.places().load().expect("the settings are sound");
        RepositoryClient::new(self.places(), settings, self.settings.clone())
            .expect("the root is ours")
    }

    pub(crate) fn sync_all(&self, now: i64) -> Vec<Result<Synced, SyncError>> {
        let synced = self.client().sync(&options(now), &self.reporter);
        synced.into_iter().map(|(_, result)| result).collect()
    }

    /// Synchronises the only repository there is.
    pub(crate) fn sync(&self) -> Result<Synced, SyncError> {
        let mut all = self.sync_all(NOW);
        assert_eq!(all.len(), 1);
        all.remove(0)
    }

    pub(crate) fn catalogue(&self) -> Catalogue {
        let settings = self.places().load().expect("the settings are sound");
        Catalogue::open(&self.places(), &settings, &clock(NOW))
    }

    /// Returns the newest package of this name that is offered.
    pub(crate) fn wanted(&self, name: &str) -> WantedArchive {
        let catalogue = self.catalogue();
        let name = name.parse().expect("a name");
        let offered = catalogue.named(&name).expect("the index is sound");
        let offered = offered.last().expect("it is offered");
        WantedArchive::of(&offered.repository, &offered.entry)
    }

    pub(crate) fn head(&self, client: &RepositoryClient, name: &str) -> FetchedHead {
        let mut heads = client.fetch_heads(&[self.wanted(name)], &self.reporter);
        heads.remove(0).expect("it is served")
    }

    /// Returns the names below a directory of the cache.
    pub(crate) fn cached(&self, part: &str) -> Vec<String> {
        let directory = self.root().join("var/cache/igos").join(part);
        let Ok(entries) = fs_err::read_dir(directory) else {
            return Vec::new();
        };
        let name = |entry: std::io::Result<fs_err::DirEntry>| {
            let entry = entry.expect("it can be listed");
            entry.file_name().to_string_lossy().into_owned()
        };
        entries.map(name).collect()
    }
}
