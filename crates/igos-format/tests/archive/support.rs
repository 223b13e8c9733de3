//! Packages made in memory, and archives of them.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};
use std::num::NonZeroUsize;

use igos_format::archive::{
    ArchiveReader, ArchiveSummary, Compression, Content, ReadArchiveError, Signatures,
    WriteArchiveError, write_archive,
};
use igos_format::manifest::{Manifest, Origin, normalise};
use igos_format::{Arch, EntryKind, FileEntry, Owner, PackageId, RelPath, Sha256, Xattrs};

/// The provenance of all archives of the tests.
pub(crate) const PROVENANCE: &[u8] = b"{\"builder\":\"test\"}\n";

/// A package and the contents of its files.
#[derive(Debug, Clone)]
pub(crate) struct Package {
    pub(crate) manifest: Manifest,
    pub(crate) contents: BTreeMap<RelPath, Vec<u8>>,
}

pub(crate) fn path(text: impl AsRef<[u8]>) -> RelPath {
    RelPath::from_bytes(text.as_ref()).expect("the test gives a path")
}

pub(crate) fn empty_manifest() -> Manifest {
    let name = |text: &str| text.parse().expect("the test gives a name");
    Manifest {
        recipe: name("tiny"),
        source_date_epoch: 1_700_000_000,
        ..Manifest::new(
            PackageId {
                name: name("tiny"),
                epoch: 0,
                version: "1.0".parse().expect("this is a version"),
                release: "1".parse().expect("this is a release"),
                arch: Arch::Any,
            },
            Origin::Built,
            Sha256::of(b"key"),
        )
    }
}

fn entry(path: RelPath, kind: EntryKind, mode: u16) -> FileEntry {
    FileEntry {
        path,
        kind,
        mode,
        owner: Owner::root(),
        is_configuration: false,
        capabilities: None,
        xattrs: Xattrs::new(),
    }
}

impl Package {
    pub(crate) fn empty() -> Self {
        Package {
            manifest: empty_manifest(),
            contents: BTreeMap::new(),
        }
    }

    pub(crate) fn directory(&mut self, at: impl AsRef<[u8]>) -> &mut FileEntry {
        self.push(entry(path(at), EntryKind::Directory, 0o755))
    }

    pub(crate) fn symlink(&mut self, at: impl AsRef<[u8]>, target: impl AsRef<[u8]>) {
        let target = target.as_ref().to_vec();
        self.push(entry(path(at), EntryKind::Symlink { target }, 0o777));
    }

    pub(crate) fn file(
        &mut self,
        at: impl AsRef<[u8]>,
        content: impl AsRef<[u8]>,
    ) -> &mut FileEntry {
        let content = content.as_ref().to_vec();
        let kind = EntryKind::File {
            sha256: Sha256::of(&content),
            size: content.len() as u64,
            link_group: None,
        };
        self.contents.insert(path(&at), content);
        self.push(entry(path(at), kind, 0o644))
    }

    /// Adds a file that is a hard link of all others with this number.
    pub(crate) fn linked(&mut self, at: impl AsRef<[u8]>, content: impl AsRef<[u8]>, group: u32) {
        if let EntryKind::File { link_group, .. } = &mut self.file(at, content).kind {
            *link_group = Some(group);
        }
    }

    fn push(&mut self, entry: FileEntry) -> &mut FileEntry {
        self.manifest.entries.push(entry);
        self.manifest
            .entries
            .last_mut()
            .expect("one was just added")
    }

    /// Brings the entries into their order.
    pub(crate) fn sorted(mut self) -> Self {
        normalise(&mut self.manifest);
        self
    }

    /// The example of `docs/formats/archive.md`.
    pub(crate) fn of_document() -> Self {
        let mut package = Package::empty();
        package.directory("bin");
        package.file("bin/tiny", "hello\n").mode = 0o755;
        package.linked("lib/one", "linked\n", 1);
        package.linked("lib/two", "linked\n", 1);
        package.symlink("sbin", "bin");
        package.file("share/note", "hello\n").xattrs =
            [("user.note".to_owned(), b"x".to_vec())].into();
        package.sorted()
    }

    /// A package with one of everything: small, but with more than one frame.
    pub(crate) fn of_everything() -> Self {
        let mut package = Package::empty();
        package.directory("etc");
        package.file("etc/tiny.conf", "same").is_configuration = true;
        package.file("etc/zz.conf", "same").is_configuration = true;
        package.directory("usr");
        package.directory("usr/bin");
        package
            .file(
                "usr/bin/tiny",
                [b"\x7fELF".as_slice(), &noise(3000, 1)].concat(),
            )
            .mode = 0o755;
        package.symlink("usr/bin/ty", "tiny");
        package.directory("usr/share");
        package.file("usr/share/a", noise(700_000, 2));
        package.file("usr/share/b", noise(700_000, 3));
        package.file("usr/share/big", noise(1_500_000, 4));
        package.file("usr/share/copy", noise(700_000, 2));
        package.file("usr/share/empty", "");
        package.linked("usr/share/h1", "linked", 7);
        package.linked("usr/share/h2", "linked", 7);
        package.linked("usr/share/i1", "linked", 9);
        package.linked("usr/share/i2", "linked", 9);
        package.file("usr/share/x", "attributes").xattrs =
            [("user.note".to_owned(), b"a\0\n\xff=b".to_vec())].into();
        package.file("usr/share/y", "capable").capabilities =
            Some("cap_net_raw=ep".parse().expect("these are capabilities"));
        package.sorted()
    }

    pub(crate) fn try_write(
        &self,
        compression: Compression,
        threads: usize,
    ) -> Result<(Vec<u8>, ArchiveSummary), WriteArchiveError> {
        let open = |entry: &FileEntry| -> io::Result<Box<dyn Read + Send>> {
            match self.contents.get(&entry.path) {
                Some(content) => Ok(Box::new(Cursor::new(content.clone()))),
                None => Err(io::ErrorKind::NotFound.into()),
            }
        };
        let mut out = Vec::new();
        let summary = write_archive(
            &self.manifest,
            PROVENANCE,
            &open,
            compression,
            NonZeroUsize::new(threads).expect("the test gives a thread"),
            &mut Cursor::new(Vec::new()),
            &mut out,
        )?;
        Ok((out, summary))
    }

    pub(crate) fn write(&self, compression: impl Into<Compression>) -> Vec<u8> {
        self.try_write(compression.into(), 2)
            .expect("the package can be packed")
            .0
    }
}

/// What an archive says: contents by path, those of links and copies included.
pub(crate) type Found = (Manifest, BTreeMap<RelPath, Vec<u8>>, Signatures);

/// Reads a whole archive.
pub(crate) fn read_all(archive: &[u8]) -> Result<Found, ReadArchiveError> {
    read_from(archive)
}

/// Reads a whole archive from any input.
pub(crate) fn read_from(input: impl Read) -> Result<Found, ReadArchiveError> {
    let mut reader = ArchiveReader::open(input)?;
    let mut contents: BTreeMap<RelPath, Vec<u8>> = BTreeMap::new();
    let paths: Vec<RelPath> = reader
        .manifest()
        .entries
        .iter()
        .map(|entry| entry.path.clone())
        .collect();
    while let Some(entry) = reader.next_entry()? {
        let path = entry.entry.path.clone();
        match entry.content {
            Content::Nothing => {}
            Content::Bytes(mut bytes) => {
                let mut content = Vec::new();
                while let Some(chunk) = bytes.next_chunk()? {
                    content.extend_from_slice(chunk);
                }
                contents.insert(path, content);
            }
            Content::HardLink(first) | Content::SameAs(first) => {
                let content = contents[&paths[first]].clone();
                contents.insert(path, content);
            }
        }
    }
    let manifest = reader.manifest().clone();
    let signatures = reader.finish()?;
    Ok((manifest, contents, signatures))
}

/// Bytes without a pattern, the same for the same seed (xorshift64).
pub(crate) fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}
