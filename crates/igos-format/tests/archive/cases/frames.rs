//! Compressed frames that are not the canonical ones.

use igos_format::Sha256;
use igos_format::archive::CompressionFormat::{Gzip, Xz, Zstd};
use igos_format::archive::{Part, ReadArchiveError as E};

use super::case::{ALL, Case, cases};
use crate::forge::{BLOCK, compress, compress_gzip, compress_xz, compress_zstd};

pub(crate) fn frames_that_are_not_the_canonical_ones() -> Vec<Case> {
    cases! {
        "a flipped bit in a stored frame" "X5" ALL, |f| {
            let stored = f.stored();
            let mut flipped = stored.clone();
            let middle = flipped[2].len() / 2;
            flipped[2][middle] ^= 1;
            f.with_table(&f.table(&stored), &flipped)
        } => E::Decompress { part: Part::Frame(2), .. } | E::Digest { part: Part::Frame(2), .. }
            | E::Content { .. } | E::Header { .. },
        "another encoding of the same bytes" "X5" ALL, |f| {
            let stored = f.stored();
            let mut other = stored.clone();
            other[2] = match f.format {
                Zstd => compress_zstd(&f.payload[2], 1, true, true),
                Gzip => { other[2][8] ^= 2; other[2].clone() }
                Xz => {
                    let mut other = stored[2].clone();
                    other[9] ^= 1;
                    other
                }
            };
            let mut table = f.table(&other);
            table.frames[2].sha256 = Sha256::of(&stored[2]);
            f.with_table(&table, &other)
        } => E::Digest { part: Part::Frame(2), .. } | E::Decompress { part: Part::Frame(2), .. },
        "frames exchanged" "X6 P5" ALL, |f| {
            let mut stored = f.stored();
            let table = f.table(&stored);
            stored.swap(0, 2);
            f.with_table(&table, &stored)
        } => E::FrameStart { .. } | E::TooLong { .. } | E::Header { .. } | E::TooShort { .. },
        "no checksum" "X5" &[Zstd], |f| f.change_stored(|s| s[2] = compress_zstd(&f.payload[2], 3, true, false))
            => E::FrameStart { part: Part::Frame(2), .. },
        "no content size" "X5" &[Zstd], |f| f.change_stored(|s| s[2] = compress_zstd(&f.payload[2], 3, false, true))
            => E::FrameStart { part: Part::Frame(2), .. },
        "a window of 256 MiB" "X9" &[Zstd], |f| f.change_stored(|s| {
            // Magic, 4-byte content size and checksum, window of 2^28, size, one raw block, sum.
            let raw = &f.payload[2];
            let block = (raw.len() as u32) << 3 | 1;
            s[2] = [
                b"\x28\xb5\x2f\xfd\x84\x90".as_slice(),
                &(raw.len() as u32).to_le_bytes(),
                &block.to_le_bytes()[..3],
                raw,
                &[0; 4],
            ].concat();
        }) => E::Decompress { part: Part::Frame(2), .. },
        "a dictionary" "X5" &[Zstd], |f| f.change_stored(|s| s[2][4] |= 1)
            => E::FrameStart { part: Part::Frame(2), .. },
        "a wrong checksum" "X5" ALL, |f| f.change_stored(|s| {
            // The last bytes but those that say how long everything is.
            let at = s[2].len() - match f.format { Zstd => 1, Gzip => 5, Xz => 13 };
            s[2][at] ^= 1;
        }) => E::Decompress { part: Part::Frame(2), .. },
        "a name in the gzip header" "X5" &[Gzip], |f| f.change_stored(|s| {
            s[2] = compress_gzip(flate2::GzBuilder::new().filename("x"), &f.payload[2]);
        }) => E::FrameStart { part: Part::Frame(2), .. },
        "a time in the gzip header" "X5" &[Gzip], |f| f.change_stored(|s| {
            s[2] = compress_gzip(flate2::GzBuilder::new().mtime(5), &f.payload[2]);
        }) => E::FrameStart { part: Part::Frame(2), .. },
        "a comment in the gzip header" "X5" &[Gzip], |f| f.change_stored(|s| {
            s[2] = compress_gzip(flate2::GzBuilder::new().comment("x"), &f.payload[2]);
        }) => E::FrameStart { part: Part::Frame(2), .. },
        "an operating system in the gzip header" "X5" &[Gzip], |f| f.change_stored(|s| s[2][9] = 3)
            => E::FrameStart { part: Part::Frame(2), .. },
        "CRC32 in xz" "X5" &[Xz], |f| f.change_stored(|s| {
            s[2] = compress_xz(&f.payload[2], liblzma::stream::Check::Crc32);
        }) => E::FrameStart { part: Part::Frame(2), .. },
        "no check in xz" "X5" &[Xz], |f| f.change_stored(|s| {
            s[2] = compress_xz(&f.payload[2], liblzma::stream::Check::None);
        }) => E::FrameStart { part: Part::Frame(2), .. },
        "a frame in two" "X5" ALL, |f| f.change_stored(|s| {
            let (one, two) = f.payload[2].split_at(BLOCK);
            s[2] = [compress(f.format, one), compress(f.format, two)].concat();
        }) => E::FrameStart { part: Part::Frame(2), .. } | E::TooShort { part: Part::Frame(2) },
        "a frame with a bomb behind it" "X9" ALL, |f| {
            let mut bomb = f.clone();
            bomb.payload[2].extend(vec![0; 50_000_000]);
            let stored = bomb.stored();
            let mut table = bomb.table(&stored);
            table.frames[2].uncompressed = f.payload[2].len() as u64;
            f.with_table(&table, &stored)
        } => E::FrameStart { part: Part::Frame(2), .. } | E::TooLong { part: Part::Frame(2), .. },
        "a head with a bomb behind it" "X9" ALL, |f| f.change_members(|m| m.push(vec![0; 50_000_000]))
            => E::TooLong { part: Part::Head, .. },
        "a tail with a bomb behind it" "X9" ALL, |f| f.change(|f| f.tail.extend(vec![0; 50_000_000]))
            => E::TooLong { part: Part::Tail, .. },
        "a frame that ends early" "X8" ALL, |f| {
            let mut short = f.clone();
            short.payload[2].truncate(BLOCK);
            let stored = short.stored();
            f.with_table(&f.table(&stored), &stored)
        } => E::FrameStart { part: Part::Frame(2), .. } | E::TooShort { part: Part::Frame(2) },
        "zeros at the end of a payload frame" "X5" ALL, |f| {
            let mut long = f.clone();
            long.payload[2].extend([0; 1024]);
            let stored = long.stored();
            f.with_table(&f.table(&stored), &stored)
        } => E::FrameStart { part: Part::Frame(2), .. } | E::TooLong { part: Part::Frame(2), .. },
    }
}
