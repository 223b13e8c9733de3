//! What a reader takes at most, to the byte: the last one that may be is read, one more is refused.

use igos_format::Sha256;
use igos_format::archive::{ArchiveReader, CompressionFormat, Head, Part, ReadArchiveError};

use crate::cases::honest;
use crate::forge::{BLOCK, Forge, compress, member};
use crate::support::read_all;

/// What the four members of the head, and what signatures may have (`docs/formats/archive.md`).
const METADATA_MAX: usize = 16 * 1024 * 1024;
const SIGNATURES_MAX: usize = 64 * 1024;

/// What the stored form of a head or tail of `bytes` may have: what does not compress grows a little.
fn stored(bytes: usize) -> usize {
    bytes + bytes / 8 + 1024
}

/// A frame of gzip in `length` bytes that gives nothing: blocks of deflate without content (RFC 1951, 3.2.4).
fn frame_of_nothing(length: usize) -> Vec<u8> {
    let mut frame = compress(CompressionFormat::Gzip, b"")[..10].to_vec();
    frame.extend(
        [0, 0, 0, 0xff, 0xff]
            .iter()
            .cycle()
            .take(length - frame.len()),
    );
    frame
}

fn assert_too_long(error: &ReadArchiveError, wanted: Part, bytes: usize) {
    assert!(
        matches!(error, ReadArchiveError::TooLong { part, limit }
            if *part == wanted && *limit == bytes as u64),
        "{error:?}, and not {wanted} at {bytes}"
    );
}

#[test]
fn head_that_gives_nothing_ends_at_what_16_mib_in_four_members_can_have() {
    let limit = stored(METADATA_MAX + 4 * 2 * BLOCK);
    let error = Head::read(frame_of_nothing(limit + 1).as_slice()).expect_err("it has no end");
    assert_too_long(&error, Part::Head, limit);
}

#[test]
fn tail_that_gives_nothing_ends_at_what_64_kib_of_signatures_can_have() {
    let archive = honest(CompressionFormat::Gzip).build();
    let head = Head::read(archive.as_slice()).expect("it is honest");
    let limit = stored(SIGNATURES_MAX + 4 * BLOCK);
    let mut archive = archive[..head.tail_offset() as usize].to_vec();
    archive.extend(frame_of_nothing(limit + 1));
    let error = read_all(&archive).expect_err("the tail has no end");
    assert_too_long(&error, Part::Tail, limit);
}

/// An honest archive with this many signatures.
fn signed(count: usize) -> Vec<u8> {
    let mut lines: Vec<String> = (0..count)
        .map(|number| Sha256::of(&number.to_le_bytes()))
        .map(|key| format!("signature ed25519 {key} {key}{key}\n"))
        .collect();
    lines.sort();
    let text = format!("igos-signatures 1 1\n{}", lines.concat());
    honest(CompressionFormat::Zstd).change(|forge| {
        forge.tail = member(".igos/signatures", text.as_bytes());
        forge.tail.extend([0; 2 * BLOCK]);
    })
}

#[test]
fn signatures_have_at_most_64_kib() {
    // 20 bytes, and 212 for each.
    let most = (SIGNATURES_MAX - 20) / 212;
    let (_, _, signatures) = read_all(&signed(most)).expect("so many are allowed");
    assert_eq!(signatures.len(), most);
    let error = read_all(&signed(most + 1)).expect_err("these are too many");
    assert_too_long(&error, Part::Signatures, SIGNATURES_MAX);
}

/// An honest archive whose metadata have this many bytes, by the length of its provenance.
fn with_metadata(bytes: usize) -> Vec<u8> {
    let mut forge: Forge = honest(CompressionFormat::Zstd);
    let stored = forge.stored();
    let table = forge.table(&stored).to_text();
    let provenance = |length: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(length - 8));
    forge.provenance = provenance(bytes).into();
    let seal = forge.seal(table.as_bytes()).to_bytes();
    // With a few bytes less the number has as many digits, and the seal the same length.
    let rest = seal.len() + forge.manifest.len() + table.len();
    forge.provenance = provenance(bytes - rest).into();
    let seal = forge.seal(table.as_bytes()).to_bytes();
    assert_eq!(
        bytes,
        seal.len() + forge.manifest.len() + forge.provenance.len() + table.len()
    );
    forge.with_seal(&seal, table.as_bytes(), &stored)
}

#[test]
fn seal_manifest_provenance_and_frame_table_have_at_most_16_mib_together() {
    let most = METADATA_MAX;
    let archive = with_metadata(most + 1);
    let error = Head::read(archive.as_slice()).expect_err("there is a byte too much");
    assert_too_long(&error, Part::Frames, most);
    let archive = with_metadata(most);
    let reader = ArchiveReader::open(archive.as_slice()).expect("so much is allowed");
    reader.finish().expect("the rest is honest");
}
