//! Files that are longer or shorter than the archive.

use igos_format::archive::CompressionFormat::{Gzip, Xz, Zstd};
use igos_format::archive::{Part, ReadArchiveError as E};

use super::case::{ALL, Case, cases};
use crate::forge::{Forge, compress, member};
use crate::support::noise;

/// Removes `count` bytes at the end of what `build` gives.
fn cut(mut archive: Vec<u8>, count: usize) -> Vec<u8> {
    archive.truncate(archive.len() - count);
    archive
}

fn head_length(forge: &Forge) -> usize {
    let stored = forge.stored();
    let table = forge.table(&stored).to_text();
    let seal = forge.seal(table.as_bytes()).to_bytes();
    compress(
        forge.format,
        &forge.members(&seal, table.as_bytes()).concat(),
    )
    .len()
}

const SKIPPABLE: &[u8] = b"\x50\x2a\x4d\x18\x04\0\0\0hide";

pub(crate) fn files_that_are_longer_or_shorter_than_the_archive() -> Vec<Case> {
    cases! {
        "nothing" "X5 X8" ALL, |_| Vec::new() => E::NotAnArchive,
        "noise" "X5 X8" ALL, |_| noise(4000, 9) => E::NotAnArchive,
        "an uncompressed tar" "X5 X8" ALL, |_| member(".igos/seal", b"") => E::NotAnArchive,
        "end inside the head" "X8" ALL, |f| f.build()[..200].to_vec()
            => E::Truncated { part: Part::Head },
        "end after the head" "X8" ALL, |f| f.build()[..head_length(f)].to_vec()
            => E::Truncated { part: Part::Frame(0) },
        "end inside the payload" "X8" ALL, |f| f.build()[..head_length(f) + 40].to_vec()
            => E::Truncated { part: Part::Frame(0) },
        "end before the tail" "X8" ALL,
            |f| cut(f.build(), compress(f.format, &f.tail).len())
            => E::Truncated { part: Part::Tail },
        "last byte lost" "X8" ALL, |f| cut(f.build(), 1) => E::Truncated { part: Part::Tail },
        "a byte more" "X5" ALL, |f| [f.build(), vec![0]].concat() => E::TrailingBytes,
        "zeros after the end" "X5" ALL, |f| [f.build(), vec![0; 1024]].concat() => E::TrailingBytes,
        "a second tail" "X5" ALL, |f| [f.build(), compress(f.format, &f.tail)].concat()
            => E::TrailingBytes,
        "a second archive" "X5" ALL, |f| [f.build(), f.build()].concat() => E::TrailingBytes,
        "a skippable frame first" "X5" &[Zstd], |f| [SKIPPABLE.to_vec(), f.build()].concat()
            => E::NotAnArchive,
        "a skippable frame last" "X5" &[Zstd], |f| [f.build(), SKIPPABLE.to_vec()].concat()
            => E::TrailingBytes,
        "a skippable frame after the head" "X5" &[Zstd], |f| {
            let mut archive = f.build();
            let at = head_length(f);
            archive.splice(at..at, SKIPPABLE.iter().copied());
            archive
        } => E::FrameStart { part: Part::Frame(0), .. },
        "an empty frame after the head" "X5" &[Gzip, Xz], |f| {
            let mut archive = f.build();
            let at = head_length(f);
            archive.splice(at..at, compress(f.format, b""));
            archive
        } => E::TooShort { part: Part::Frame(0) },
        "stream padding of xz" "X5 X8" &[Xz], |f| {
            let mut archive = f.build();
            let at = head_length(f);
            archive.splice(at..at, [0; 4]);
            archive
        } => E::FrameStart { part: Part::Frame(0), .. },
    }
}
