//! Records of trees: manifests, and contents under their digests.
//!
//! A tree is made anew from its record for every script, and every content is compared with its digest on the way, so
//! that what a script is given depends on nothing but the record. Owners, times and extended attributes are no part of
//! it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use fs_err as fs;
use igos_format::manifest::{self, Manifest, Origin};
use igos_format::{Arch, EntryKind, FileEntry, Hasher, Owner, PackageId, PackageName, Sha256};
use igos_root::{RootDir, delete_tree, set_mode, set_owner};
use igos_sandbox::Identity;

use super::ScriptsError;
use crate::cache::Cache;
use crate::stage::{Item, ItemKind, collect};

/// Trees of one order file.
#[derive(Debug)]
pub struct Store<'a> {
    cache: &'a Cache,
    name: PackageName,
    directory: PathBuf,
}

impl<'a> Store<'a> {
    /// Returns the trees of the order file called `name`.
    #[must_use]
    pub fn new(cache: &'a Cache, name: &PackageName) -> Self {
        Store {
            cache,
            name: name.clone(),
            directory: cache.root().join("scripts").join(name.as_str()),
        }
    }

    /// Returns the directory of everything that is kept.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    fn record(&self, tree: &Sha256) -> PathBuf {
        self.directory.join("trees").join(tree.to_string())
    }

    fn object(&self, sha256: &Sha256) -> PathBuf {
        let text = sha256.to_string();
        self.directory.join("objects").join(&text[..2]).join(&text)
    }

    /// Returns the digest of the record of an empty tree.
    #[must_use]
    pub fn empty(&self) -> Sha256 {
        Sha256::of(&manifest::write(&self.manifest()))
    }

    /// Records an empty tree.
    ///
    /// # Errors
    ///
    /// Returns what cannot be written.
    pub fn save_empty(&self) -> Result<Sha256, ScriptsError> {
        self.write(&self.manifest())
    }

    fn manifest(&self) -> Manifest {
        Manifest::new(package(&self.name), Origin::BuiltWeakened, Sha256::of(b""))
    }

    fn write(&self, manifest: &Manifest) -> Result<Sha256, ScriptsError> {
        manifest::validate(manifest).map_err(ScriptsError::Rule)?;
        let text = manifest::write(manifest);
        let tree = Sha256::of(&text);
        let record = self.record(&tree);
        make_parent(&record)?;
        self.cache.write_file(&record, &text)?;
        Ok(tree)
    }

    /// Makes a tree where people find it, in `tree` of our directory, unless it is there.
    ///
    /// # Errors
    ///
    /// Returns what cannot be deleted or made.
    pub fn show(&self, tree: &Sha256) -> Result<PathBuf, ScriptsError> {
        let shown = self.directory.join("tree");
        let note = self.directory.join("tree.digest");
        let text = format!("{tree}\n");
        if shown.is_dir() && fs::read_to_string(&note).is_ok_and(|there| there == text) {
            return Ok(shown);
        }
        if note.exists() {
            // From here on nobody knows what is there.
            fs::remove_file(&note).map_err(ScriptsError::io("delete", &note))?;
        }
        let top = open(&self.directory)?;
        delete_tree(top.top(), b"tree").map_err(ScriptsError::io("delete", &shown))?;
        fs::create_dir(&shown).map_err(ScriptsError::io("make", &shown))?;
        self.restore(tree, &shown, self.cache.identity())?;
        self.cache.write_file(&note, text.as_bytes())?;
        Ok(shown)
    }

    /// Records the tree below `top`.
    ///
    /// # Errors
    ///
    /// Returns what cannot be read or kept; `script` is who left it.
    pub fn save(&self, top: &Path, script: &str) -> Result<Sha256, ScriptsError> {
        let root = open(top)?;
        let collected = collect(&root).map_err(ScriptsError::Collect)?;
        if !collected.problems.is_empty() {
            return Err(ScriptsError::Unkeepable {
                script: script.to_owned(),
                problems: collected.problems,
            });
        }
        let mut manifest = self.manifest();
        let mut links: BTreeMap<u64, u32> = BTreeMap::new();
        for item in collected.items {
            let next = links.len() as u32;
            let kind = match &item.kind {
                ItemKind::Directory => EntryKind::Directory,
                ItemKind::Symlink { target } => EntryKind::Symlink {
                    target: target.clone(),
                },
                ItemKind::File { inode } => {
                    let link_group = Some(*links.entry(*inode).or_insert(next));
                    let (sha256, size) = self.keep(&root, &item)?;
                    EntryKind::File {
                        sha256,
                        size,
                        link_group,
                    }
                }
            };
            let mode = match kind {
                EntryKind::Symlink { .. } => 0o777,
                _ => item.mode,
            };
            manifest.entries.push(FileEntry {
                path: item.path,
                kind,
                mode,
                owner: Owner::root(),
                is_configuration: false,
                capabilities: None,
                xattrs: BTreeMap::new(),
            });
        }
        manifest::normalise(&mut manifest);
        self.write(&manifest)
    }

    /// Keeps the content of a file; returns its digest and size.
    fn keep(&self, root: &RootDir, item: &Item) -> Result<(Sha256, u64), ScriptsError> {
        let shown = root.shown().join(item.path.as_path());
        let failed = || ScriptsError::io("read", &shown);
        let mut hasher = Hasher::new();
        open_file(root, item)
            .and_then(|mut file| copy(&mut file, &mut io::sink(), &mut hasher))
            .map_err(failed())?;
        let object = self.object(&hasher.sha256());
        if !object.exists() {
            make_parent(&object)?;
            let partial = object.with_added_extension("partial");
            let written = fs::File::create(&partial).and_then(|mut file| {
                let mut again = Hasher::new();
                copy(&mut open_file(root, item)?, &mut file, &mut again)?;
                file.sync_all()?;
                if again.sha256() == hasher.sha256() {
                    Ok(())
                } else {
                    Err(io::Error::other("it changed while it was read"))
                }
            });
            written.map_err(failed())?;
            fs::rename(&partial, &object).map_err(ScriptsError::io("rename", &partial))?;
        }
        Ok((hasher.sha256(), hasher.length()))
    }

    /// Tells whether a tree can be made again: its record is there, and every content of it by its size.
    #[must_use]
    pub fn has(&self, tree: &Sha256) -> bool {
        let Ok(manifest) = self.read(tree) else {
            return false;
        };
        manifest.entries.iter().all(|entry| match &entry.kind {
            EntryKind::File { sha256, size, .. } => {
                fs::metadata(self.object(sha256)).is_ok_and(|found| found.len() == *size)
            }
            _ => true,
        })
    }

    fn read(&self, tree: &Sha256) -> Result<Manifest, ScriptsError> {
        let path = self.record(tree);
        let mut text = Vec::new();
        fs::File::open(&path)
            .and_then(|file| {
                let most = manifest::MAX_BYTES as u64 + 1;
                file.take(most).read_to_end(&mut text)
            })
            .map_err(ScriptsError::io("read", &path))?;
        if Sha256::of(&text) != *tree {
            return Err(ScriptsError::Damaged { path });
        }
        manifest::read(&text).map_err(|source| ScriptsError::Record { path, source })
    }

    /// Makes a tree below the empty directory `top`; what is in it belongs to `owner` where root asks.
    ///
    /// # Errors
    ///
    /// Returns what is damaged or cannot be made.
    pub fn restore(&self, tree: &Sha256, top: &Path, owner: Identity) -> Result<(), ScriptsError> {
        let manifest = self.read(tree)?;
        let root = open(top)?;
        let mut firsts: BTreeMap<u32, &FileEntry> = BTreeMap::new();
        for entry in &manifest.entries {
            let failed = || ScriptsError::io("make", top.join(entry.path.as_path()));
            let parent = root
                .parent_of(&entry.path)
                .map_err(|error| failed()(error.into_io()))?;
            let name = entry.path.file_name();
            match &entry.kind {
                EntryKind::Directory => {
                    parent.create_directory(name, 0o755).map_err(failed())?;
                }
                EntryKind::Symlink { target } => {
                    parent.create_symlink(target, name).map_err(failed())?;
                }
                EntryKind::File {
                    sha256, link_group, ..
                } => {
                    let first = link_group.and_then(|group| firsts.get(&group));
                    if let Some(first) = first {
                        let from = root
                            .parent_of(&first.path)
                            .map_err(|error| failed()(error.into_io()))?;
                        from.link(first.path.file_name(), &parent, name)
                            .map_err(failed())?;
                        continue;
                    }
                    let mut file = parent.create_file(name).map_err(failed())?;
                    self.write_object(sha256, &mut file)?;
                    give(&file, owner).map_err(failed())?;
                    set_mode(&file, entry.mode).map_err(failed())?;
                    if let Some(group) = link_group {
                        firsts.insert(*group, entry);
                    }
                }
            }
        }
        // Last, and inner ones first: a directory that nobody may write to is filled by then.
        for entry in manifest.entries.iter().rev() {
            if entry.kind == EntryKind::Directory {
                let failed = || ScriptsError::io("make", top.join(entry.path.as_path()));
                let directory = root
                    .directory(&entry.path)
                    .map_err(|error| failed()(error.into_io()))?;
                give(&directory, owner).map_err(failed())?;
                set_mode(&directory, entry.mode).map_err(failed())?;
            }
        }
        Ok(())
    }

    fn write_object(&self, sha256: &Sha256, out: &mut impl Write) -> Result<(), ScriptsError> {
        let path = self.object(sha256);
        let mut hasher = Hasher::new();
        fs::File::open(&path)
            .and_then(|mut file| copy(&mut file, out, &mut hasher))
            .map_err(ScriptsError::io("copy", &path))?;
        if hasher.sha256() == *sha256 {
            Ok(())
        } else {
            Err(ScriptsError::Damaged { path })
        }
    }

    /// Deletes records and contents that none of `trees` needs.
    ///
    /// # Errors
    ///
    /// Returns what cannot be read or deleted.
    pub fn delete_others(&self, trees: &BTreeSet<Sha256>) -> Result<(), ScriptsError> {
        let mut kept = BTreeSet::new();
        for tree in trees {
            kept.insert(self.record(tree));
            for entry in self.read(tree)?.entries {
                if let EntryKind::File { sha256, .. } = entry.kind {
                    kept.insert(self.object(&sha256));
                }
            }
        }
        let mut directories = vec![self.directory.join("trees")];
        let objects = self.directory.join("objects");
        if objects.exists() {
            directories.extend(children(&objects)?);
        }
        for directory in directories {
            for path in children(&directory)? {
                if !kept.contains(&path) {
                    fs::remove_file(&path).map_err(ScriptsError::io("delete", &path))?;
                }
            }
        }
        Ok(())
    }
}

fn children(directory: &Path) -> Result<Vec<PathBuf>, ScriptsError> {
    let entries = fs::read_dir(directory).map_err(ScriptsError::io("read", directory))?;
    entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<_>>()
        .map_err(ScriptsError::io("read", directory))
}

/// Returns what a record calls the tree; a manifest is of a package.
fn package(name: &PackageName) -> PackageId {
    PackageId {
        name: name.clone(),
        epoch: 0,
        version: "1".parse().expect("1 is a version"),
        release: "1".parse().expect("1 is a release"),
        arch: Arch::Any,
    }
}

fn open(top: &Path) -> Result<RootDir, ScriptsError> {
    RootDir::open(top).map_err(|error| ScriptsError::io("open", top)(error.into_io()))
}

fn open_file(root: &RootDir, item: &Item) -> io::Result<std::fs::File> {
    match root.open_file(&item.path) {
        Ok(Some(file)) => Ok(file),
        Ok(None) => Err(io::ErrorKind::NotFound.into()),
        Err(error) => Err(error.into_io()),
    }
}

fn make_parent(path: &Path) -> Result<(), ScriptsError> {
    match path.parent() {
        Some(parent) => fs::create_dir_all(parent).map_err(ScriptsError::io("make", parent)),
        None => Ok(()),
    }
}

fn give(file: impl std::os::fd::AsFd, owner: Identity) -> io::Result<()> {
    if rustix::process::geteuid().is_root() {
        set_owner(file, owner.uid, owner.gid)
    } else {
        Ok(())
    }
}

fn copy(from: &mut impl Read, to: &mut impl Write, hasher: &mut Hasher) -> io::Result<()> {
    let mut buffer = vec![0; 128 * 1024];
    loop {
        let count = from.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        hasher.update(&buffer[..count]);
        to.write_all(&buffer[..count])?;
    }
}
