//! Archives taken apart and put together again with one thing changed.
//!
//! Compression here is by the codecs directly and tar headers are edited as bytes, so that the writer under test
//! has no part in it. Each `with_…` takes one changed piece and makes everything that follows from it consistent.

use std::io::{Read, Write};

use igos_format::Sha256;
use igos_format::archive::{CompressionFormat, Frame, FrameTable, Head, Seal, Sealed};

use crate::support::Package;

pub(crate) const BLOCK: usize = 512;

/// An honest archive in pieces, decompressed.
#[derive(Debug, Clone)]
pub(crate) struct Forge {
    pub(crate) format: CompressionFormat,
    pub(crate) manifest: Vec<u8>,
    pub(crate) provenance: Vec<u8>,
    /// Payload frames.
    pub(crate) payload: Vec<Vec<u8>>,
    /// How many entries each has.
    pub(crate) entries: Vec<usize>,
    pub(crate) tail: Vec<u8>,
}

impl Forge {
    pub(crate) fn new(package: &Package, format: CompressionFormat) -> Self {
        let archive = package.write(format);
        let head = Head::read(archive.as_slice()).expect("we wrote it");
        let payload = head.frames().frames.iter().map(|frame| {
            let start = (head.length() + frame.offset) as usize;
            decompress(format, &archive[start..start + frame.compressed as usize])
        });
        Forge {
            format,
            manifest: head.manifest_bytes().to_vec(),
            provenance: head.provenance().to_vec(),
            payload: payload.collect(),
            entries: head
                .frames()
                .frames
                .iter()
                .map(|frame| frame.entries)
                .collect(),
            tail: decompress(format, &archive[head.tail_offset() as usize..]),
        }
    }

    /// The payload frames as stored.
    pub(crate) fn stored(&self) -> Vec<Vec<u8>> {
        self.payload
            .iter()
            .map(|frame| compress(self.format, frame))
            .collect()
    }

    pub(crate) fn table(&self, stored: &[Vec<u8>]) -> FrameTable {
        let mut offset = 0;
        let rows = stored.iter().zip(&self.payload).zip(&self.entries);
        let frames = rows.map(|((stored, raw), entries)| {
            let frame = Frame {
                offset,
                compressed: stored.len() as u64,
                uncompressed: raw.len() as u64,
                sha256: Sha256::of(stored),
                entries: *entries,
            };
            offset += frame.compressed;
            frame
        });
        FrameTable {
            compression: self.format,
            frames: frames.collect(),
        }
    }

    pub(crate) fn seal(&self, table: &[u8]) -> Seal {
        let sealed = |bytes: &[u8]| Sealed {
            sha256: Sha256::of(bytes),
            size: bytes.len() as u64,
        };
        Seal {
            manifest: sealed(&self.manifest),
            provenance: sealed(&self.provenance),
            frames: sealed(table),
        }
    }

    /// The members of the head, decompressed: header, content, padding of each.
    pub(crate) fn members(&self, seal: &[u8], table: &[u8]) -> Vec<Vec<u8>> {
        [
            (".igos/seal", seal),
            (".igos/manifest", &self.manifest),
            (".igos/provenance.json", &self.provenance),
            (".igos/frames", table),
        ]
        .map(|(name, content)| member(name, content))
        .into()
    }

    pub(crate) fn with_head(&self, head: &[u8], stored: &[Vec<u8>]) -> Vec<u8> {
        [
            compress(self.format, head),
            stored.concat(),
            compress(self.format, &self.tail),
        ]
        .concat()
    }

    pub(crate) fn with_seal(&self, seal: &[u8], table: &[u8], stored: &[Vec<u8>]) -> Vec<u8> {
        self.with_head(&self.members(seal, table).concat(), stored)
    }

    pub(crate) fn with_table_text(&self, table: &[u8], stored: &[Vec<u8>]) -> Vec<u8> {
        self.with_seal(&self.seal(table).to_bytes(), table, stored)
    }

    pub(crate) fn with_table(&self, table: &FrameTable, stored: &[Vec<u8>]) -> Vec<u8> {
        self.with_table_text(table.to_text().as_bytes(), stored)
    }

    pub(crate) fn with_stored(&self, stored: &[Vec<u8>]) -> Vec<u8> {
        self.with_table(&self.table(stored), stored)
    }

    /// Everything consistent with the pieces as they are.
    pub(crate) fn build(&self) -> Vec<u8> {
        self.with_stored(&self.stored())
    }

    /// Changes the table and makes the rest consistent with that.
    pub(crate) fn change_table(&self, change: impl FnOnce(&mut FrameTable)) -> Vec<u8> {
        let stored = self.stored();
        let mut table = self.table(&stored);
        change(&mut table);
        self.with_table(&table, &stored)
    }

    /// Changes the seal's text.
    pub(crate) fn change_seal(&self, change: impl FnOnce(String) -> String) -> Vec<u8> {
        let stored = self.stored();
        let table = self.table(&stored).to_text();
        let seal = String::from_utf8(self.seal(table.as_bytes()).to_bytes()).expect("it is text");
        self.with_seal(change(seal).as_bytes(), table.as_bytes(), &stored)
    }

    /// Changes the members of the head.
    pub(crate) fn change_members(&self, change: impl FnOnce(&mut Vec<Vec<u8>>)) -> Vec<u8> {
        let stored = self.stored();
        let table = self.table(&stored).to_text();
        let seal = self.seal(table.as_bytes()).to_bytes();
        let mut members = self.members(&seal, table.as_bytes());
        change(&mut members);
        self.with_head(&members.concat(), &stored)
    }

    /// Changes one stored frame.
    pub(crate) fn change_stored(&self, change: impl FnOnce(&mut Vec<Vec<u8>>)) -> Vec<u8> {
        let mut stored = self.stored();
        change(&mut stored);
        self.with_stored(&stored)
    }

    /// Changes the pieces.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Forge)) -> Vec<u8> {
        let mut forge = self.clone();
        change(&mut forge);
        forge.build()
    }

    /// Changes the header block of one path, the last block before its content, and its sum with it.
    pub(crate) fn change_header(&self, path: &str, change: impl FnOnce(&mut [u8])) -> Vec<u8> {
        self.change(|forge| {
            let (frame, at) = forge.find(path);
            let block = &mut forge.payload[frame][at..at + BLOCK];
            change(block);
            put_sum(block);
        })
    }

    /// Returns the frame and the place of a path's header block.
    pub(crate) fn find(&self, path: &str) -> (usize, usize) {
        let name = [path.as_bytes(), b"\0"].concat();
        let blocks = self.payload.iter().enumerate().flat_map(|(number, frame)| {
            (0..frame.len() / BLOCK).map(move |block| (number, block * BLOCK, frame))
        });
        blocks
            .filter(|(_, at, frame)| {
                frame[*at..].starts_with(&name) && &frame[*at + 257..*at + 262] == b"ustar"
            })
            .map(|(number, at, _)| (number, at))
            .next()
            .expect("the package has this path")
    }
}

/// A member of our own, as `docs/formats/archive.md` describes it.
pub(crate) fn member(name: &str, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0; BLOCK];
    bytes[..name.len()].copy_from_slice(name.as_bytes());
    for (at, text) in [
        (100, "0000644"),
        (108, "0000000"),
        (116, "0000000"),
        (136, "00000000001"),
        (156, "0"),
        (257, "ustar\x0000"),
        (265, "root"),
        (297, "root"),
        (329, "0000000"),
        (337, "0000000"),
    ] {
        bytes[at..at + text.len()].copy_from_slice(text.as_bytes());
    }
    put_size(&mut bytes, content.len() as u64);
    bytes.extend(content);
    bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
    bytes
}

pub(crate) fn put(block: &mut [u8], at: usize, text: &str) {
    block[at..at + text.len()].copy_from_slice(text.as_bytes());
}

pub(crate) fn put_size(block: &mut [u8], size: u64) {
    put(block, 124, &format!("{size:011o}"));
    put_sum(block);
}

pub(crate) fn put_sum(block: &mut [u8]) {
    put(block, 148, "        ");
    let sum: u64 = block[..BLOCK].iter().map(|byte| u64::from(*byte)).sum();
    put(block, 148, &format!("{sum:06o}\0 "));
}

pub(crate) fn compress(format: CompressionFormat, bytes: &[u8]) -> Vec<u8> {
    match format {
        CompressionFormat::Zstd => compress_zstd(bytes, 3, true, true),
        CompressionFormat::Gzip => compress_gzip(flate2::GzBuilder::new(), bytes),
        CompressionFormat::Xz => compress_xz(bytes, liblzma::stream::Check::Crc64),
    }
}

pub(crate) fn compress_zstd(bytes: &[u8], level: i32, has_size: bool, has_sum: bool) -> Vec<u8> {
    let mut encoder =
        zstd::stream::write::Encoder::new(Vec::new(), level).expect("the level exists");
    encoder
        .set_pledged_src_size(Some(bytes.len() as u64))
        .and_then(|()| encoder.include_contentsize(has_size))
        .and_then(|()| encoder.include_checksum(has_sum))
        .and_then(|()| encoder.write_all(bytes))
        .expect("memory can be written to");
    encoder.finish().expect("memory can be written to")
}

pub(crate) fn compress_gzip(header: flate2::GzBuilder, bytes: &[u8]) -> Vec<u8> {
    let mut encoder = header
        .operating_system(255)
        .write(Vec::new(), flate2::Compression::new(6));
    encoder.write_all(bytes).expect("memory can be written to");
    encoder.finish().expect("memory can be written to")
}

pub(crate) fn compress_xz(bytes: &[u8], check: liblzma::stream::Check) -> Vec<u8> {
    let stream =
        liblzma::stream::Stream::new_easy_encoder(0, check).expect("the settings are right");
    let mut encoder = liblzma::write::XzEncoder::new_stream(Vec::new(), stream);
    encoder.write_all(bytes).expect("memory can be written to");
    encoder.finish().expect("memory can be written to")
}

pub(crate) fn decompress(format: CompressionFormat, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    match format {
        CompressionFormat::Zstd => zstd::stream::copy_decode(bytes, &mut out),
        CompressionFormat::Gzip => flate2::read::GzDecoder::new(bytes)
            .read_to_end(&mut out)
            .map(drop),
        CompressionFormat::Xz => liblzma::read::XzDecoder::new(bytes)
            .read_to_end(&mut out)
            .map(drop),
    }
    .expect("it was compressed by its codec");
    out
}
