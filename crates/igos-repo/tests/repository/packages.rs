//! Packages to publish, with contents that do not compress.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::num::NonZeroUsize;

use igos_format::archive::{Compression, CompressionFormat, write_archive};
use igos_format::manifest::{self, Manifest, Origin};
use igos_format::{Arch, EntryKind, FileEntry, Owner, PackageId, RelPath, Sha256};

/// A package to be.
#[derive(Clone)]
pub(crate) struct Package {
    pub(crate) manifest: Manifest,
    pub(crate) contents: BTreeMap<RelPath, Vec<u8>>,
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
    }
}

/// Returns bytes that do not compress and depend on the seed alone (xorshift64*, Vigna 2016).
pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        bytes.extend(state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

impl Package {
    pub(crate) fn file(mut self, path: &str, content: Vec<u8>) -> Self {
        let path: RelPath = path.parse().expect("a path");
        self.manifest.entries.push(FileEntry {
            path: path.clone(),
            kind: EntryKind::File {
                sha256: Sha256::of(&content),
                size: content.len() as u64,
                link_group: None,
            },
            mode: 0o755,
            owner: Owner::root(),
            is_configuration: false,
            capabilities: None,
            xattrs: BTreeMap::new(),
        });
        self.contents.insert(path, content);
        self
    }

    pub(crate) fn supersedes(mut self, name: &str) -> Self {
        let name = name.parse().expect("a name");
        self.manifest.supersedes.insert(name);
        self
    }

    pub(crate) fn provides(mut self, name: &str) -> Self {
        let provided = name.parse().expect("a provided name");
        self.manifest.provides.insert(provided);
        self
    }

    /// Returns the digests of all contents.
    pub(crate) fn digests(&self) -> Vec<Sha256> {
        self.contents.values().map(|c| Sha256::of(c)).collect()
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut manifest = self.manifest.clone();
        manifest::normalise(&mut manifest);
        let open = |entry: &FileEntry| -> std::io::Result<Box<dyn Read + Send>> {
            Ok(Box::new(Cursor::new(self.contents[&entry.path].clone())))
        };
        let mut bytes = Vec::new();
        write_archive(
            &manifest,
            b"{}",
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
