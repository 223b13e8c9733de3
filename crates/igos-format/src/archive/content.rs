//! Entries as readers give them out, and their contents.

use std::io::{self, Read};

use super::ReadArchiveError;
use crate::FileEntry;

/// One path of an archive.
#[derive(Debug)]
pub struct Entry<'a> {
    /// The number of its row in the manifest.
    pub index: usize,
    /// Its row of the manifest, with which its tar header was compared.
    pub entry: &'a FileEntry,
    /// What is in it.
    pub content: Content<'a>,
}

/// Where the content of an [`Entry`] is.
#[derive(Debug)]
pub enum Content<'a> {
    /// It has none: a directory or a symbolic link.
    Nothing,
    /// Here. What is not read of it is verified all the same before the next entry is returned.
    Bytes(ContentReader<'a>),
    /// It is a hard link of an earlier path, by the number of its row.
    HardLink(usize),
    /// It is a file of its own with the content of an earlier path, by the number of its row.
    SameAs(usize),
}

/// The content of one file, which ends only after its size and digest were verified.
pub struct ContentReader<'a> {
    source: &'a mut dyn ContentSource,
    /// Bytes of the chunk last returned.
    taken: usize,
}

/// Where contents come from: a cursor of any input.
pub(super) trait ContentSource {
    fn chunk(&mut self) -> Result<&[u8], ReadArchiveError>;
    fn consume(&mut self, count: usize);
}

impl<'a> ContentReader<'a> {
    pub(super) fn new(source: &'a mut dyn ContentSource) -> Self {
        ContentReader { source, taken: 0 }
    }
}

impl ContentReader<'_> {
    /// Returns the next bytes, `None` at the end: only then is the content verified.
    ///
    /// # Errors
    ///
    /// Returns what is wrong with the archive; the bytes returned so far must not be used then.
    pub fn next_chunk(&mut self) -> Result<Option<&[u8]>, ReadArchiveError> {
        self.source.consume(std::mem::take(&mut self.taken));
        let chunk = self.source.chunk()?;
        self.taken = chunk.len();
        Ok(Some(chunk).filter(|chunk| !chunk.is_empty()))
    }
}

impl Read for ContentReader<'_> {
    /// Reads the next bytes; a [`ReadArchiveError`] is the inner error of the one returned.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.source.consume(std::mem::take(&mut self.taken));
        let chunk = self
            .source
            .chunk()
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        let count = chunk.len().min(buffer.len());
        buffer[..count].copy_from_slice(&chunk[..count]);
        self.source.consume(count);
        Ok(count)
    }
}

impl std::fmt::Debug for ContentReader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ContentReader").finish_non_exhaustive()
    }
}
