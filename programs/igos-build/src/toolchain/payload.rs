//! The files of a package on their way into an archive: entries in memory, contents in one temporary file.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use igos_format::{EntryKind, FileEntry, Hasher, Owner, RelPath, Sha256, Xattrs};

/// Bytes read at a time.
const BUFFER_BYTES: usize = 128 * 1024;

/// Entries by path, and the contents of their files.
#[derive(Debug)]
pub(super) struct Payload {
    pub(super) entries: BTreeMap<RelPath, FileEntry>,
    spool: Arc<File>,
    end: u64,
    /// Where in the spool the content with a digest begins, and its length.
    places: BTreeMap<Sha256, (u64, u64)>,
}

impl Payload {
    /// Returns an empty one; the temporary file has no name and goes away with it.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Payload {
            entries: BTreeMap::new(),
            spool: Arc::new(tempfile::tempfile()?),
            end: 0,
            places: BTreeMap::new(),
        })
    }

    /// Takes the content of a file, of at most `limit` bytes, and returns its digest and size.
    pub(super) fn add_content(
        &mut self,
        content: &mut dyn Read,
        limit: u64,
    ) -> io::Result<(Sha256, u64)> {
        let mut hasher = Hasher::new();
        let mut buffer = vec![0; BUFFER_BYTES];
        let mut out = &*self.spool;
        loop {
            let count = content.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            hasher.update(&buffer[..count]);
            if hasher.length() > limit {
                return Err(io::Error::other("it is larger than it says"));
            }
            out.write_all(&buffer[..count])?;
        }
        let (sha256, size) = (hasher.sha256(), hasher.length());
        self.places.entry(sha256).or_insert((self.end, size));
        self.end += size;
        Ok((sha256, size))
    }

    /// Returns a reader of the content with this digest.
    pub(super) fn open(&self, sha256: &Sha256) -> io::Result<Section> {
        let place = self.places.get(sha256).ok_or(io::ErrorKind::NotFound)?;
        Ok(Section {
            file: self.spool.clone(),
            offset: place.0,
            end: place.0 + place.1,
        })
    }
}

/// Part of the temporary file.
#[derive(Debug)]
pub(super) struct Section {
    file: Arc<File>,
    offset: u64,
    end: u64,
}

impl Read for Section {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = usize::try_from(self.end - self.offset).unwrap_or(usize::MAX);
        let length = buffer.len().min(rest);
        let count = self.file.read_at(&mut buffer[..length], self.offset)?;
        self.offset += count as u64;
        Ok(count)
    }
}

/// Returns an entry of `root:root` without anything special.
pub(super) fn plain_entry(path: RelPath, kind: EntryKind, mode: u16) -> FileEntry {
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
