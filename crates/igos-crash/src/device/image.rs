//! The content of a disk, of which most was never written.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;

use fs_err as fs;

/// Bytes of a block of an [`Image`].
const BLOCK: usize = 4096;

/// A disk. Copies share the blocks that neither changes.
#[derive(Debug, Clone)]
pub struct Image {
    length: u64,
    blocks: BTreeMap<u64, Arc<[u8; BLOCK]>>,
}

impl Image {
    /// Reads the image in a file.
    ///
    /// # Errors
    ///
    /// Returns why it cannot be read.
    pub fn read(path: &Path) -> io::Result<Self> {
        let mut file = fs::File::open(path)?;
        let length = file.metadata()?.len();
        let mut blocks = BTreeMap::new();
        let mut block = [0; BLOCK];
        for number in 0..length / BLOCK as u64 {
            file.read_exact(&mut block)?;
            if block != [0; BLOCK] {
                blocks.insert(number, Arc::new(block));
            }
        }
        Ok(Image { length, blocks })
    }

    /// Writes the image into a new file with holes.
    ///
    /// # Errors
    ///
    /// Returns why it cannot be written.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let mut file = fs::File::create(path)?;
        file.set_len(self.length)?;
        for (number, block) in &self.blocks {
            file.seek(SeekFrom::Start(number * BLOCK as u64))?;
            file.write_all(block.as_slice())?;
        }
        Ok(())
    }

    /// Returns how many bytes the disk has.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Returns bytes of the disk, as many of them as there are.
    #[must_use]
    pub fn bytes(&self, offset: u64, count: usize) -> Vec<u8> {
        let end = self.length.min(offset.saturating_add(count as u64));
        let mut found = Vec::with_capacity(count);
        let mut at = offset;
        while at < end {
            let (within, here) = part(at, end);
            match self.blocks.get(&(at / BLOCK as u64)) {
                Some(block) => found.extend_from_slice(&block[within..within + here]),
                None => found.resize(found.len() + here, 0),
            }
            at += here as u64;
        }
        found
    }

    /// Puts bytes on the disk; what would be after its end is not put anywhere.
    pub fn put(&mut self, offset: u64, bytes: &[u8]) {
        let end = self.length.min(offset.saturating_add(bytes.len() as u64));
        let mut at = offset;
        let mut rest = bytes;
        while at < end {
            let (within, here) = part(at, end);
            let (now, later) = rest.split_at(here);
            let block = self
                .blocks
                .entry(at / BLOCK as u64)
                .or_insert_with(|| Arc::new([0; BLOCK]));
            Arc::make_mut(block)[within..within + here].copy_from_slice(now);
            rest = later;
            at += here as u64;
        }
    }
}

/// Returns where in its block an offset is, and how many bytes of the block are before `end`.
fn part(at: u64, end: u64) -> (usize, usize) {
    let within = (at % BLOCK as u64) as usize;
    (within, (BLOCK - within).min((end - at) as usize))
}

#[cfg(test)]
mod tests {
    use super::{BLOCK, Image};

    #[test]
    fn bytes_that_were_put_are_found_across_blocks_and_after_writing_and_reading() {
        let place = tempfile::tempdir().expect("a temporary directory");
        let file = place.path().join("image");
        fs_err::File::create(&file)
            .and_then(|file| file.set_len(3 * BLOCK as u64))
            .expect("a file");
        let mut image = Image::read(&file).expect("an image");
        let before = image.clone();
        image.put(BLOCK as u64 - 2, b"across");
        image.put(3 * BLOCK as u64 - 1, b"end");
        assert_eq!(image.bytes(BLOCK as u64 - 3, 8), b"\0across\0");
        assert_eq!(image.bytes(3 * BLOCK as u64 - 1, 9), b"e");
        assert_eq!(before.bytes(BLOCK as u64, 2), [0, 0], "copies stay");
        image.write(&file).expect("a place");
        let again = Image::read(&file).expect("an image");
        assert_eq!(again.bytes(0, 3 * BLOCK), image.bytes(0, 3 * BLOCK));
    }
}
