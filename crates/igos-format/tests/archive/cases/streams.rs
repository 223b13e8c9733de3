//! Compressed streams of other programs, cut streams, and streams that ask for much.

use igos_format::archive::CompressionFormat::{Gzip, Xz, Zstd};
use igos_format::archive::{Part, ReadArchiveError as E};

use super::case::{ALL, Case, cases};
use crate::forge::{Forge, compress, member};

/// An archive whose second payload frame is changed as stored; table and seal know of it.
fn second(forge: &Forge, change: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
    forge.change_stored(|stored| change(&mut stored[1]))
}

/// Where each frame begins, the end of the last one too.
fn starts(forge: &Forge) -> Vec<usize> {
    let archive = forge.build();
    let head = igos_format::archive::Head::read(archive.as_slice()).expect("it is honest");
    let mut starts: Vec<usize> = head
        .frames()
        .frames
        .iter()
        .map(|frame| (head.length() + frame.offset) as usize)
        .collect();
    starts.push(head.tail_offset() as usize);
    starts
}

/// An archive cut `extra` bytes after the start of a frame.
fn cut(forge: &Forge, frame: usize, extra: usize) -> Vec<u8> {
    let mut archive = forge.build();
    archive.truncate(starts(forge)[frame] + extra);
    archive
}

/// An archive with bytes put between two frames.
fn between(forge: &Forge, frame: usize, bytes: &[u8]) -> Vec<u8> {
    let mut archive = forge.build();
    let at = starts(forge)[frame];
    archive.splice(at..at, bytes.iter().copied());
    archive
}

/// A zstd frame of `blocks` blocks of 128 KiB that say "one zero, again and again", in four bytes each.
fn endless(blocks: u32) -> Vec<u8> {
    let block: u32 = ((128 * 1024) << 3) | (1 << 1);
    let mut frame = b"\x28\xb5\x2f\xfd\xc4\x38".to_vec();
    frame.extend((u64::from(blocks) * 128 * 1024).to_le_bytes());
    for number in 1..=blocks {
        let word = block | u32::from(number == blocks);
        frame.extend(&word.to_le_bytes()[..3]);
        frame.push(0);
    }
    frame.extend([0; 4]);
    frame
}

/// Puts `code` as dictionary size into an xz stream's first block header, whose sum is made right.
fn xz_dictionary(stream: &mut [u8], code: u8) {
    // Stream header of 12 bytes; size, flags, filter LZMA2 (0x21) with one byte of properties.
    let length = (usize::from(stream[12]) + 1) * 4;
    let header = &mut stream[12..12 + length];
    let filter = header
        .iter()
        .position(|byte| *byte == 0x21)
        .expect("it is LZMA2");
    header[filter + 2] = code;
    let mut crc = flate2::Crc::new();
    crc.update(&header[..length - 4]);
    header[length - 4..].copy_from_slice(&crc.sum().to_le_bytes());
}

/// All of the archive behind other bytes.
fn behind(forge: &Forge, bytes: &[u8]) -> Vec<u8> {
    [bytes, &forge.build()].concat()
}

pub(crate) fn streams_of_other_programs() -> Vec<Case> {
    [cuts(), forms(), zstd(), gzip(), xz()]
        .into_iter()
        .flatten()
        .collect()
}

fn cuts() -> Vec<Case> {
    cases! {
        "an end after the first byte" "X8" ALL, |f| f.build()[..1].to_vec() => E::NotAnArchive,
        "an end after the magic" "X8" ALL, |f| f.build()[..6].to_vec() => E::FrameStart { part: Part::Head, .. } | E::Truncated { part: Part::Head },
        "an end one byte before the payload" "X8" ALL, |f| { let at = starts(f)[0]; f.build()[..at - 1].to_vec() } => E::Truncated { part: Part::Head },
        "an end after a byte of the payload" "X8" ALL, |f| cut(f, 0, 1) => E::FrameStart { part: Part::Frame(0), .. },
        "an end before the second frame" "X8" ALL, |f| cut(f, 1, 0) => E::Truncated { part: Part::Frame(1) },
        "an end in the header of the second frame" "X8" ALL, |f| cut(f, 1, 3) => E::FrameStart { part: Part::Frame(1), .. },
        "an end in the middle of the second frame" "X8" ALL, |f| cut(f, 1, 60) => E::Truncated { part: Part::Frame(1) },
        "an end before the third frame" "X8" ALL, |f| cut(f, 2, 0) => E::Truncated { part: Part::Frame(2) },
        "an end one byte before the tail" "X8" ALL, |f| { let at = starts(f)[3]; f.build()[..at - 1].to_vec() } => E::Truncated { part: Part::Frame(2) },
        "an end after the magic of the tail" "X8" ALL, |f| cut(f, 3, 6) => E::FrameStart { part: Part::Tail, .. } | E::Truncated { part: Part::Tail },
        "a byte between head and payload" "X5" ALL, |f| between(f, 0, &[0]) => E::FrameStart { part: Part::Frame(0), .. },
        "a byte between payload frames" "X5" ALL, |f| between(f, 1, &[0]) => E::FrameStart { part: Part::Frame(1), .. },
        "a byte before the tail" "X5" ALL, |f| between(f, 3, &[0]) => E::FrameStart { part: Part::Tail, .. },
        "a frame between payload frames" "X5 X6" ALL, |f| between(f, 1, &compress(f.format, &member("evil", b"x")))
            => E::FrameStart { part: Part::Frame(1), .. } | E::Header { .. },
        "a tail between payload frames" "X5 X6" ALL, |f| between(f, 1, &compress(f.format, &f.tail))
            => E::FrameStart { part: Part::Frame(1), .. } | E::Header { .. },
        "a head twice" "X5 X6" ALL, |f| { let at = starts(f)[0]; [&f.build()[..at], &f.build()].concat() }
            => E::FrameStart { part: Part::Frame(0), .. } | E::TooLong { .. } | E::Header { .. },
        "a payload frame twice" "X5 X6" ALL, |f| { let (a, b) = (starts(f)[0], starts(f)[1]); let again = f.build()[a..b].to_vec(); between(f, 0, &again) }
            => E::FrameStart { part: Part::Frame(1), .. } | E::Header { .. },
        "the payload without its last frame" "X6 X8" ALL, |f| { let (a, b) = (starts(f)[2], starts(f)[3]); let mut all = f.build(); all.drain(a..b); all }
            => E::FrameStart { part: Part::Frame(2), .. } | E::TooShort { part: Part::Frame(2) },
    }
}

fn forms() -> Vec<Case> {
    cases! {
        "a byte before the archive" "X5" ALL, |f| behind(f, &[0]) => E::NotAnArchive,
        "a script before the archive" "X5" ALL, |f| behind(f, b"#!/bin/sh\nexit\n") => E::NotAnArchive,
        "the magic of bzip2" "X5" ALL, |f| behind(f, b"BZh91AY&SY") => E::NotAnArchive,
        "the magic of LZ4" "X5" ALL, |f| behind(f, b"\x04\x22\x4d\x18") => E::NotAnArchive,
        "the magic of zip" "X5" ALL, |f| behind(f, b"PK\x03\x04") => E::NotAnArchive,
        "the magic of an older zstd" "X5" ALL, |f| behind(f, b"\x27\xb5\x2f\xfd") => E::NotAnArchive,
        "the magic of compress" "X5" ALL, |f| behind(f, b"\x1f\x9d\x90") => E::NotAnArchive,
        "a payload frame of another form" "X5" ALL, |f| second(f, |s| {
            let other = if f.format == Gzip { Zstd } else { Gzip };
            *s = compress(other, &f.payload[1]);
        }) => E::FrameStart { part: Part::Frame(1), .. },
        "a tail of another form" "X5" ALL, |f| {
            let at = starts(f)[3];
            let other = if f.format == Gzip { Xz } else { Gzip };
            [&f.build()[..at], &compress(other, &f.tail)].concat()
        } => E::FrameStart { part: Part::Tail, .. },
        "a payload frame that is not compressed" "X5" ALL, |f| second(f, |s| s.clone_from(&f.payload[1])) => E::FrameStart { part: Part::Frame(1), .. },
        "a payload frame of noise" "X5" ALL, |f| second(f, |s| {
            let end = s.len();
            s[20..end].copy_from_slice(&crate::support::noise(end - 20, 5));
        }) => E::Decompress { part: Part::Frame(1), .. } | E::TooShort { .. } | E::TooLong { .. } | E::Header { .. } | E::Content { .. } | E::Digest { .. },
    }
}

fn zstd() -> Vec<Case> {
    cases! {
        "a reserved bit in the header of zstd" "X5" &[Zstd], |f| second(f, |s| s[4] |= 0x08) => E::FrameStart { part: Part::Frame(1), .. },
        "an unused bit in the header of zstd" "X5" &[Zstd], |f| second(f, |s| s[4] |= 0x10) => E::FrameStart { part: Part::Frame(1), .. },
        "a content size one less than the truth" "X8 X9" &[Zstd], |f| second(f, |s| {
            let at = if s[4] & 0x20 == 0 { 6 } else { 5 };
            s[at] ^= 1;
        }) => E::FrameStart { part: Part::Frame(1), .. },
        "a block of the reserved type" "X5" &[Zstd], |f| second(f, |s| {
            let at = if s[4] & 0x20 == 0 { 6 } else { 5 } + 4;
            s[at] |= 0x06;
        }) => E::Decompress { part: Part::Frame(1), .. },
        "a tail of 12 GiB in 400 KiB" "X9" &[Zstd], |f| { let at = starts(f)[3]; [&f.build()[..at], &endless(100_000)].concat() }
            => E::Padding { part: Part::Tail } | E::TooLong { part: Part::Tail, .. },
        "a head of 12 GiB in 400 KiB" "X9" &[Zstd], |_| endless(100_000) => E::MemberHeader { part: Part::Seal },
        "a tail with a window of 2 GiB" "X9" &[Zstd], |f| {
            let at = starts(f)[3];
            let tail = [b"\x28\xb5\x2f\xfd\x84\xa8\x00\x04\0\0".as_slice(), &[0x01, 0x20, 0], &[0; 1024], &[0; 4]].concat();
            [&f.build()[..at], &tail].concat()
        } => E::Decompress { part: Part::Tail, .. },
        "a head with a window of 256 MiB" "X9" &[Zstd], |_| {
            [b"\x28\xb5\x2f\xfd\x84\x90\x00\x04\0\0".as_slice(), &[0x01, 0x20, 0], &[0; 1024], &[0; 4]].concat()
        } => E::Decompress { part: Part::Head, .. },
    }
}

fn gzip() -> Vec<Case> {
    cases! {
        "an extra field in gzip" "X5" &[Gzip], |f| second(f, |s| {
            s[3] = 4;
            s.splice(10..10, [2, 0, b'x', b'y']);
        }) => E::FrameStart { part: Part::Frame(1), .. },
        "a sum of the header in gzip" "X5" &[Gzip], |f| second(f, |s| s[3] = 2) => E::FrameStart { part: Part::Frame(1), .. },
        "a reserved flag in gzip" "X5" &[Gzip], |f| second(f, |s| s[3] = 0x80) => E::FrameStart { part: Part::Frame(1), .. },
        "a method of gzip that is not deflate" "X5" &[Gzip], |f| second(f, |s| s[2] = 7) => E::FrameStart { part: Part::Frame(1), .. },
        "an unknown hint in gzip" "X5" &[Gzip], |f| second(f, |s| s[8] = 1) => E::FrameStart { part: Part::Frame(1), .. },
        "a length in gzip that is not the truth" "X8" &[Gzip], |f| second(f, |s| { let at = s.len() - 1; s[at] ^= 1; }) => E::Decompress { part: Part::Frame(1), .. },
        "a block of deflate of the reserved type" "X5" &[Gzip], |f| second(f, |s| s[10] |= 6) => E::Decompress { part: Part::Frame(1), .. },
    }
}

fn xz() -> Vec<Case> {
    cases! {
        "a dictionary of xz of 1.5 GiB" "X9" &[Xz], |f| second(f, |s| xz_dictionary(s, 37)) => E::Decompress { part: Part::Frame(1), .. },
        "a dictionary of xz of 4 GiB" "X9" &[Xz], |f| second(f, |s| xz_dictionary(s, 40)) => E::Decompress { part: Part::Frame(1), .. },
        "a dictionary of xz that cannot be" "X9 X8" &[Xz], |f| second(f, |s| xz_dictionary(s, 63)) => E::Decompress { part: Part::Frame(1), .. },
        "a head with a dictionary of 4 GiB" "X9" &[Xz], |f| {
            let mut archive = f.build();
            xz_dictionary(&mut archive, 40);
            archive
        } => E::Decompress { part: Part::Head, .. },
        "SHA-256 in xz" "X5" &[Xz], |f| second(f, |s| *s = crate::forge::compress_xz(&f.payload[1], liblzma::stream::Check::Sha256)) => E::FrameStart { part: Part::Frame(1), .. },
        "a reserved flag in xz" "X5" &[Xz], |f| second(f, |s| s[6] = 1) => E::FrameStart { part: Part::Frame(1), .. },
        "a wrong sum of the header of xz" "X5" &[Xz], |f| second(f, |s| s[8] ^= 1) => E::Decompress { part: Part::Frame(1), .. },
        "another magic at the end of xz" "X5" &[Xz], |f| second(f, |s| { let at = s.len() - 1; s[at] ^= 1; }) => E::Decompress { part: Part::Frame(1), .. },
        "a wrong length at the end of xz" "X8" &[Xz], |f| second(f, |s| { let at = s.len() - 8; s[at] ^= 1; }) => E::Decompress { part: Part::Frame(1), .. },
    }
}
