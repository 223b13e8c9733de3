//! Files in the form of an index with any content, written from the document alone.

use igos_format::Sha256;

/// A file in the form of an index.
pub(crate) struct Forged {
    /// The first line of the header.
    pub(crate) first: String,
    /// The directory.
    pub(crate) directory: String,
    /// The directory as stored, if it is not simply compressed.
    pub(crate) stored: Option<Vec<u8>>,
    /// What follows the directory.
    pub(crate) frames: Vec<u8>,
}

pub(crate) fn compress(bytes: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(bytes, 1).expect("there is memory")
}

impl Forged {
    /// Returns a file with these tables: their frames with their keys and texts.
    pub(crate) fn new(kind: &str, tables: &[(&str, &[(&str, &str)])]) -> Self {
        let mut forged = Forged {
            first: format!("{kind} 2 2"),
            directory: String::new(),
            stored: None,
            frames: Vec::new(),
        };
        for (table, frames) in tables {
            forged.directory += &format!("table {table}\n");
            for (key, text) in *frames {
                let end = if *table == "packages" { "\n\n" } else { "\n" };
                let records = text.matches(end).count();
                forged.push(key, records, text.len(), &compress(text.as_bytes()));
            }
        }
        forged
    }

    /// Adds a frame to the last table.
    pub(crate) fn push(&mut self, key: &str, records: usize, length: usize, stored: &[u8]) {
        let sha256 = Sha256::of(stored);
        self.directory += &format!("frame {} {length} {records} {sha256} {key}\n", stored.len());
        self.frames.extend(stored);
    }

    /// Returns the bytes of the file.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let stored = match &self.stored {
            Some(stored) => stored.clone(),
            None => compress(self.directory.as_bytes()),
        };
        let text = format!(
            "{}\ndirectory {} {} {}\n",
            self.first,
            stored.len(),
            self.directory.len(),
            Sha256::of(&stored)
        );
        [header(&text), stored, self.frames.clone()].concat()
    }
}

/// Returns a header with this text.
pub(crate) fn header(text: &str) -> Vec<u8> {
    let length = u32::try_from(text.len()).expect("a header is short");
    [
        &[0x50, 0x2a, 0x4d, 0x18][..],
        &length.to_le_bytes(),
        text.as_bytes(),
    ]
    .concat()
}
