//! Payloads that are not what the manifest says.

use igos_format::archive::{Part, ReadArchiveError as E};

use super::case::{ALL, Case, cases};
use crate::forge::{BLOCK, put, put_size, put_sum};

pub(crate) fn payloads_that_are_not_what_the_manifest_says() -> Vec<Case> {
    cases! {
        "another path" "X6" ALL, |f| f.change_header("bin/a", |b| put(b, 0, "bin/A")) => E::Header { .. },
        "an absolute path" "X1 X6" ALL, |f| f.change_header("bin/a", |b| put(b, 0, "/in/a")) => E::Header { .. },
        "a path that climbs" "X1 X6" ALL, |f| f.change_header("bin/a", |b| put(b, 0, "../ab")) => E::Header { .. },
        "a path cut in prefix and name" "X6" ALL, |f| f.change_header("bin/a", |b| {
            put(b, 0, "a\0\0\0\0");
            put(b, 345, "bin");
        }) => E::Header { .. },
        "another mode" "P13 X6" ALL, |f| f.change_header("bin/a", |b| put(b, 100, "0004755")) => E::Header { .. },
        "a mode with type bits" "P13 X6" ALL, |f| f.change_header("bin/a", |b| put(b, 100, "0100755")) => E::Header { .. },
        "another user" "P13 X6" ALL, |f| f.change_header("bin/a", |b| put(b, 108, "0001750")) => E::Header { .. },
        "another group" "P13 X6" ALL, |f| f.change_header("bin/a", |b| put(b, 116, "0001750")) => E::Header { .. },
        "another user name" "P13 X6" ALL, |f| f.change_header("bin/a", |b| put(b, 265, "mail")) => E::Header { .. },
        "another time" "X6" ALL, |f| f.change_header("bin/a", |b| put(b, 136, "07777777777")) => E::Header { .. },
        "another size" "X6" ALL, |f| f.change_header("bin/a", |b| put(b, 124, "00000000013")) => E::Header { .. },
        "a size in base 256" "X5 X8" ALL, |f| f.change_header("bin/a", |b| b[124] = 0x80) => E::Header { .. },
        "numbers with spaces" "X5 X8" ALL, |f| f.change_header("bin/a", |b| put(b, 108, "      0")) => E::Header { .. },
        "device numbers" "E17 X6" ALL, |f| f.change_header("bin/a", |b| put(b, 329, "0000001")) => E::Header { .. },
        "the magic of GNU" "X5" ALL, |f| f.change_header("bin/a", |b| put(b, 257, "ustar  \0")) => E::Header { .. },
        "the old type of files" "X6" ALL, |f| f.change_header("bin/a", |b| b[156] = 0) => E::Header { .. },
        "a character device" "E17 X6" ALL, |f| f.change_header("bin/a", |b| b[156] = b'3') => E::Header { .. },
        "a FIFO" "E17 X6" ALL, |f| f.change_header("bin/a", |b| b[156] = b'6') => E::Header { .. },
        "a contiguous file" "X6" ALL, |f| f.change_header("bin/a", |b| b[156] = b'7') => E::Header { .. },
        "a sparse file of GNU" "X5 X8" ALL, |f| f.change_header("bin/a", |b| b[156] = b'S') => E::Header { .. },
        "a long name of GNU" "X5" ALL, |f| f.change_header("bin/a", |b| b[156] = b'L') => E::Header { .. },
        "a global pax header" "X5" ALL, |f| f.change_header("bin/a", |b| b[156] = b'g') => E::Header { .. },
        "a pax header in the place of a file" "X5" ALL, |f| f.change_header("bin/a", |b| b[156] = b'x') => E::Header { .. },
        "a symbolic link in the place of a file" "X1 X6" ALL, |f| f.change_header("bin/a", |b| {
            b[156] = b'2';
            put(b, 157, "/etc/passwd");
        }) => E::Header { .. },
        "a symbolic link with another target" "X1 X6" ALL, |f| f.change_header("bin/b", |b| put(b, 157, "/")) => E::Header { .. },
        "a directory that is a symbolic link" "X1 X6" ALL, |f| f.change_header("y/", |b| {
            b[156] = b'2';
            put(b, 157, "/tmp");
        }) => E::Header { .. },
        "a hard link to another file" "X4 X6" ALL, |f| f.change_header("bin/f", |b| put(b, 157, "bin/d")) => E::Header { .. },
        "a hard link out of the archive" "X1 X6" ALL, |f| f.change_header("bin/f", |b| put(b, 157, "../etc/shadow")) => E::Header { .. },
        "a hard link to a later file" "X4 X6" ALL, |f| f.change_header("bin/c", |b| put(b, 157, "lib\0\0")) => E::Header { .. },
        "a hard link with a size" "X4 X6" ALL, |f| f.change_header("bin/f", |b| put(b, 124, "00000000006")) => E::Header { .. },
        "a wrong sum" "X6" ALL, |f| f.change(|f| {
            let (frame, at) = f.find("bin/a");
            put(&mut f.payload[frame][at..], 148, "000000");
        }) => E::Header { .. },
        "bytes after the header's fields" "X6" ALL, |f| f.change_header("bin/a", |b| b[511] = 1) => E::Header { .. },
        "another value in a pax record" "X5" ALL, |f| f.change(|f| {
            let (frame, at) = f.find("x");
            let record = &mut f.payload[frame][at - BLOCK..at];
            let value = record.iter().position(|b| *b == b'=').expect("it is a record") + 1;
            record[value] ^= 1;
        }) => E::Header { .. },
        "another key in a pax record" "X5" ALL, |f| f.change(|f| {
            let (frame, at) = f.find("x");
            put(&mut f.payload[frame][at - BLOCK..at], 3, "LIBARCHIVE.xat");
        }) => E::Header { .. },
        "a record twice" "X5" ALL, |f| f.change(|f| {
            let (frame, at) = f.find("x");
            let pax = &mut f.payload[frame][at - 2 * BLOCK..at];
            let length = pax[BLOCK..].iter().position(|b| *b == 0).expect("it is padded");
            pax.copy_within(BLOCK..BLOCK + length, BLOCK + length);
            put_size(&mut pax[..BLOCK], 2 * length as u64);
        }) => E::Header { .. },
        "a message behind the pax records" "X5" ALL, |f| f.change(|f| {
            let (frame, at) = f.find("x");
            f.payload[frame][at - 1] = 1;
        }) => E::Header { .. },
        "other content" "X6 P5" ALL, |f| f.change(|f| {
            let (frame, at) = f.find("bin/a");
            f.payload[frame][at + BLOCK] ^= 1;
        }) => E::Content { .. },
        "other content in a large file" "X6 P5" ALL, |f| f.change(|f| f.payload[1][60_000] ^= 1) => E::Content { .. },
        "content padded with a message" "X5" ALL, |f| f.change(|f| {
            let (frame, at) = f.find("bin/a");
            f.payload[frame][at + 2 * BLOCK - 1] = 1;
        }) => E::Padding { part: Part::Frame(0) },
        "entries exchanged" "X6 P5" ALL, |f| f.change(|f| {
            let (frame, y) = f.find("y/");
            let (_, z) = f.find("z/");
            let bytes = &mut f.payload[frame];
            let (first, second) = bytes.split_at_mut(z);
            first[y..y + BLOCK].swap_with_slice(&mut second[..BLOCK]);
        }) => E::Header { .. },
        "an entry left out" "X6" ALL, |f| f.change(|f| {
            let (frame, y) = f.find("y/");
            f.payload[frame].drain(y..y + BLOCK);
            f.entries[frame] -= 1;
        }) => E::FrameRow { .. },
        "an entry twice" "X6" ALL, |f| f.change(|f| {
            let (frame, y) = f.find("y/");
            let again = f.payload[frame][y..y + BLOCK].to_vec();
            f.payload[frame].extend(again);
        }) => E::FrameRow { .. },
        "an entry twice in the place of another" "X6" ALL, |f| f.change(|f| {
            let (frame, y) = f.find("y/");
            f.payload[frame].copy_within(y..y + BLOCK, y + BLOCK);
        }) => E::Header { .. },
        "a shared content stored again" "X6" ALL, |f| f.change(|f| {
            let (frame, a) = f.find("bin/a");
            let (_, c) = f.find("bin/c");
            let stored = f.payload[frame][a..a + 2 * BLOCK].to_vec();
            f.payload[frame].splice(c..c + BLOCK, stored);
            put(&mut f.payload[frame], c, "bin/c");
            put_sum(&mut f.payload[frame][c..c + BLOCK]);
        }) => E::FrameRow { .. },
    }
}
