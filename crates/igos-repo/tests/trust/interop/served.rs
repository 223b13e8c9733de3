//! Repositories of the forge on the disk, as a static file server has them, and the reference client that follows.

use std::path::{Path, PathBuf};

use fs_err as fs;
use igos_format::Sha256;
use igos_format::trust::{Delegation, KeyId, PublicKey, RoleKeys, Scope, TargetFile};
use tempfile::TempDir;

use super::python::say;
use crate::forge::{Forge, INDEX, PACKAGES, key, time};

/// The beginning of the year 2200: these tests ask the machine's clock, as the reference client does.
const FAR: i64 = 7_258_118_400;
/// An archive's path, and what stands for its bytes.
pub(crate) const ARCHIVE: &str = "archives/zlib-1.3.1-1.x86_64.igos.tar.zst";
pub(crate) const ARCHIVE_BYTES: &[u8] = b"not really an archive";

/// Delegates archives as well, and lets nothing expire before 2200.
pub(crate) fn whole() -> Forge {
    let mut forge = Forge::new();
    let far = time(FAR);
    forge.root.expires = far;
    forge.timestamp.expires = far;
    forge.timestamp.created = Some(time(0));
    forge.snapshot.expires = far;
    forge.targets.expires = far;
    forge.packages.expires = far;
    forge.publish_root();
    let delegations = &mut forge.targets.delegations;
    delegations.roles.push(Delegation {
        name: "archives".into(),
        keys: RoleKeys::new([key(PACKAGES).id()], 1),
        is_terminating: true,
        scope: Scope::Paths(vec!["archives/*".into(), "sources/*".into()]),
    });
    let retired: PublicKey = key(50).public();
    let retired: (KeyId, PublicKey) = (retired.id(), retired);
    forge.targets.retired_keys = [retired].into();
    forge
}

/// Publishes `archives` beside `packages`, then everything.
pub(crate) fn publish(forge: &mut Forge) {
    let mut archives = forge.packages.clone();
    archives.version += 1;
    archives.targets = [(ARCHIVE.to_owned(), TargetFile::of(ARCHIVE_BYTES))].into();
    forge.publish_delegated("archives", &archives);
    forge.publish_all();
}

/// Writes a repository to a directory as a static file server would have it.
pub(crate) fn write(forge: &Forge, directory: &Path) {
    for (name, bytes) in &forge.files {
        put(&directory.join("metadata").join(name), bytes);
    }
    for (path, bytes) in [(INDEX, &forge.index[..]), (ARCHIVE, ARCHIVE_BYTES)] {
        let (parent, name) = path.split_once('/').expect("it is below a directory");
        let name = format!("{}.{name}", Sha256::of(bytes));
        put(&directory.join("targets").join(parent).join(name), bytes);
    }
}

fn put(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().expect("it is below a directory")).expect("there is room");
    fs::write(path, bytes).expect("there is room");
}

/// A repository that is served, and what the reference client was told of it.
pub(crate) struct Served {
    python: &'static Path,
    directory: TempDir,
}

impl Served {
    pub(crate) fn new(python: &'static Path, forge: &Forge) -> Self {
        let directory = tempfile::tempdir().expect("there is room");
        put(&directory.path().join("anchor.json"), &forge.anchor());
        let served = Served { python, directory };
        served.serve(forge);
        served
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Serves this state from now on.
    pub(crate) fn serve(&self, forge: &Forge) {
        write(forge, &self.path("repository"));
    }

    /// Returns what the reference client says when it follows and downloads these targets.
    pub(crate) fn follow(&self, targets: &[&str]) -> String {
        let places = ["repository", "state", "anchor.json"].map(|name| self.path(name));
        let places = places.iter().map(PathBuf::as_path);
        let arguments: Vec<&Path> = places.chain(targets.iter().map(Path::new)).collect();
        let said = say(self.python, "follow.py", &arguments, "");
        said.trim_end().to_owned()
    }
}
