//! A repository in a temporary directory, archives to publish, and a client that reads it.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use igos_format::archive::{Compression, CompressionFormat, write_archive};
use igos_format::index::{IndexEntry, IndexReader};
use igos_format::manifest::{self, Manifest, Origin};
use igos_format::trust::UtcTime;
use igos_format::{Arch, EntryKind, FileEntry, Owner, PackageId, RelPath, Sha256};
use igos_repo::DirectoryBelow;
use igos_repo::publish::{
    Execution, KeyRing, Lifetimes, NewKeys, Publication, PublishError, PublishRequest, Publisher,
    Waiting, new_keys,
};
use igos_repo::trust::{Clock, Expiry, Refresh, RefreshOptions, Rollback, TrustedRepository};
use igos_report::{Explain, Quiet};

use crate::directory::DirectorySource;

/// A day in 2026 on which everything happens.
pub(crate) const NOW: i64 = 1_790_000_000;
pub(crate) const DAY: i64 = 86_400;

pub(crate) fn time(seconds: i64) -> UtcTime {
    UtcTime::from_seconds(seconds).expect("it is a time")
}

/// A package to be.
#[derive(Clone)]
pub(crate) struct Package {
    pub(crate) manifest: Manifest,
    contents: BTreeMap<RelPath, Vec<u8>>,
    provenance: Vec<u8>,
}

/// Returns a package without contents, as `name version`.
pub(crate) fn package(text: &str) -> Package {
    let (name, version) = text.split_once(' ').expect("name and version");
    let id = PackageId {
        name: name.parse().expect("a name"),
        epoch: 0,
        version: version.parse().expect("a version"),
        release: "1".parse().expect("a release"),
        arch: Arch::X86_64,
    };
    Package {
        manifest: Manifest::new(id, Origin::Built, Sha256::of(b"key")),
        contents: BTreeMap::new(),
        provenance: b"{}".to_vec(),
    }
}

impl Package {
    pub(crate) fn with(mut self, change: impl FnOnce(&mut Manifest)) -> Self {
        change(&mut self.manifest);
        self
    }

    pub(crate) fn depends(self, on: &str) -> Self {
        let on = on.parse().expect("a dependency");
        self.with(|manifest| {
            manifest.depends.insert(on);
        })
    }

    pub(crate) fn offers(self, feature: &str) -> Self {
        let feature = feature.parse().expect("a feature");
        self.with(|manifest| {
            manifest.features_provided.insert(feature);
        })
    }

    pub(crate) fn needs(self, feature: &str) -> Self {
        let feature = feature.parse().expect("a feature");
        self.with(|manifest| {
            manifest.features_required.insert(feature);
        })
    }

    pub(crate) fn release(self, release: &str) -> Self {
        let release = release.parse().expect("a release");
        self.with(|manifest| manifest.package.release = release)
    }

    pub(crate) fn arch(self, arch: Arch) -> Self {
        self.with(|manifest| manifest.package.arch = arch)
    }

    /// Adds a file whose content is `text`.
    pub(crate) fn file(mut self, path: &str, text: &str) -> Self {
        let path: RelPath = path.parse().expect("a path");
        self.manifest.entries.push(FileEntry {
            path: path.clone(),
            kind: EntryKind::File {
                sha256: Sha256::of(text.as_bytes()),
                size: text.len() as u64,
                link_group: None,
            },
            mode: 0o755,
            owner: Owner::root(),
            is_configuration: false,
            capabilities: None,
            xattrs: BTreeMap::new(),
        });
        self.contents.insert(path, text.into());
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut manifest = self.manifest.clone();
        manifest::normalise(&mut manifest);
        let open = |entry: &FileEntry| -> io::Result<Box<dyn Read + Send>> {
            Ok(Box::new(Cursor::new(self.contents[&entry.path].clone())))
        };
        let mut bytes = Vec::new();
        write_archive(
            &manifest,
            &self.provenance,
            &open,
            Compression::new(CompressionFormat::Zstd, 1).expect("a level"),
            NonZeroUsize::MIN,
            &mut Cursor::new(Vec::new()),
            &mut bytes,
        )
        .expect("the archive can be written");
        bytes
    }
}

/// A repository, its keys, and a directory of archives.
pub(crate) struct World {
    directory: tempfile::TempDir,
    batches: AtomicUsize,
}

/// Keys do not depend on anything a test says, so that one set does for many.
impl World {
    pub(crate) fn new() -> Self {
        World::with_keys(NewKeys::default())
    }

    pub(crate) fn with_keys(wanted: NewKeys) -> Self {
        // Test repositories need not survive power cuts: nothing waits for the disk where there is such a place.
        let directory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        let directory = directory.expect("a temporary directory");
        let world = World {
            directory,
            batches: AtomicUsize::new(0),
        };
        new_keys(
            &world.keys(),
            wanted,
            &Lifetimes::default(),
            time(NOW),
            Execution::Real,
        )
        .expect("the directory is new");
        fs_err::create_dir(world.repository()).expect("the world is ours");
        world
    }

    pub(crate) fn path(&self, at: &str) -> PathBuf {
        self.directory.path().join(at)
    }

    pub(crate) fn repository(&self) -> PathBuf {
        self.path("repository")
    }

    pub(crate) fn keys(&self) -> PathBuf {
        self.path("keys")
    }

    pub(crate) fn ring(&self) -> KeyRing {
        KeyRing::load(&[self.keys()]).expect("the keys are sound")
    }

    /// Writes archives into a new directory.
    pub(crate) fn archives(&self, packages: &[&Package]) -> PathBuf {
        let number = self.batches.fetch_add(1, Ordering::Relaxed);
        let directory = self.path(&format!("archives-{number}"));
        fs_err::create_dir(&directory).expect("the world is ours");
        for package in packages {
            let stem = package.manifest.package.file_stem();
            let path = directory.join(format!("{stem}.igos.tar.zst"));
            fs_err::write(path, package.bytes()).expect("the world is ours");
        }
        directory
    }

    pub(crate) fn request(&self, packages: &[&Package]) -> PublishRequest<'static> {
        PublishRequest::new(vec![self.archives(packages)])
    }

    pub(crate) fn publish(&self, packages: &[&Package]) -> Publication {
        self.try_publish(self.request(packages))
            .expect("the packages fit together")
    }

    pub(crate) fn try_publish(
        &self,
        request: PublishRequest<'_>,
    ) -> Result<Publication, PublishError> {
        self.publish_at(NOW, request, &|| false)
    }

    pub(crate) fn publish_at(
        &self,
        now: i64,
        request: PublishRequest<'_>,
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Result<Publication, PublishError> {
        let (ring, repository) = (self.ring(), self.repository());
        publisher(&repository, &ring, now, stop).publish(request)
    }

    /// Returns the codes of everything that is wrong with a request.
    pub(crate) fn refusal(&self, request: PublishRequest<'_>) -> Vec<String> {
        match self.try_publish(request) {
            Ok(publication) => panic!("it was published: {publication:?}"),
            Err(error) => {
                let all = error.diagnostics();
                all.into_iter()
                    .map(|d| format!("{}: {}", d.code, d.message))
                    .collect()
            }
        }
    }

    /// Returns a client that has seen nothing of the repository yet.
    pub(crate) fn client(&self) -> Client {
        let anchor = self.repository().join("metadata/1.root.json");
        let anchor = fs_err::read(anchor)
            .or_else(|_| fs_err::read(self.keys().join("online/root.json")))
            .expect("there is a first root");
        let store = tempfile::tempdir().expect("a temporary directory");
        let trusted = TrustedRepository::open(
            DirectoryBelow::make_at(store.path()).expect("it can be made"),
            &anchor,
        )
        .expect("the root is sound");
        Client {
            repository: self.repository(),
            trusted,
            _store: store,
        }
    }

    /// Returns every file of the repository that readers can see, with its bytes.
    pub(crate) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        read_tree(&self.repository(), &self.repository(), &mut files);
        files.retain(|path, _| !path.starts_with(".publishing"));
        files
    }
}

fn read_tree(top: &Path, directory: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs_err::read_dir(directory).expect("it can be listed") {
        let path = entry.expect("it can be listed").path();
        if path.is_dir() {
            read_tree(top, &path, files);
        } else {
            let name = path.strip_prefix(top).expect("it is below");
            let bytes = fs_err::read(&path).expect("it can be read");
            files.insert(name.display().to_string(), bytes);
        }
    }
}

pub(crate) const JOBS: NonZeroUsize = NonZeroUsize::MIN;

pub(crate) fn publisher<'a>(
    repository: &'a Path,
    ring: &'a KeyRing,
    now: i64,
    stop: &'a (dyn Fn() -> bool + Sync),
) -> Publisher<'a> {
    const LIFETIMES: &Lifetimes = &Lifetimes::DEFAULT;
    Publisher {
        directory: repository,
        ring,
        lifetimes: LIFETIMES,
        now: time(now),
        // A process that another test starts has our locks too, until it executes its program.
        waiting: Waiting::Wait,
        execution: Execution::Real,
        stop,
        reporter: &Quiet,
        jobs: JOBS,
    }
}

/// A reader: what an installed system does with a repository.
pub(crate) struct Client {
    repository: PathBuf,
    trusted: TrustedRepository,
    _store: tempfile::TempDir,
}

impl Client {
    /// Asks for what is new, and reads the whole index and every archive.
    pub(crate) fn sync(&mut self, now: i64) -> Result<Vec<IndexEntry>, String> {
        let source = DirectorySource(self.repository.join("metadata"));
        let clock = Clock {
            now: time(now),
            built: time(0),
        };
        let options = RefreshOptions {
            clock,
            rollback: Rollback::Refuse,
            expiry: Expiry::Refuse,
        };
        let refresh = self.trusted.refresh(&source, &options);
        match refresh.map_err(|error| error.code().to_owned())? {
            Refresh::Unchanged => {}
            Refresh::Newer(update) => {
                self.trusted.adopt(*update).map_err(|e| e.to_string())?;
            }
        }
        self.entries()
    }

    /// Reads what was synced last.
    pub(crate) fn entries(&self) -> Result<Vec<IndexEntry>, String> {
        let trusted = self.trusted.trusted().ok_or("nothing was synced")?;
        let mut entries = Vec::new();
        let bytes = self.target(
            &trusted
                .file("index/packages.index")
                .ok_or("no index")?
                .sha256,
            "index",
            "packages.index",
        )?;
        let reader = IndexReader::open(bytes).map_err(|error| error.to_string())?;
        reader
            .entries(|entry| {
                entries.push(entry);
                ControlFlow::Continue(())
            })
            .map_err(|error| error.to_string())?;
        for entry in &entries {
            let archive = &entry.archive;
            self.target(&archive.sha256, "archives", archive.file_name.as_str())?;
            for source in &entry.sources {
                self.target(&source.sha256, "sources", source.file_name.as_str())?;
            }
        }
        Ok(entries)
    }

    fn target(&self, sha256: &Sha256, directory: &str, name: &str) -> Result<Vec<u8>, String> {
        let path = format!("targets/{directory}/{sha256}.{name}");
        let bytes = fs_err::read(self.repository.join(&path)).map_err(|e| e.to_string())?;
        if Sha256::of(&bytes) != *sha256 {
            return Err(format!("{path} has another digest"));
        }
        Ok(bytes)
    }

    pub(crate) fn trusted(&self) -> &TrustedRepository {
        &self.trusted
    }
}

/// Returns `name version-release` of each entry.
pub(crate) fn names(entries: &[IndexEntry]) -> Vec<String> {
    entries
        .iter()
        .map(|entry| entry.package.to_string())
        .collect()
}
