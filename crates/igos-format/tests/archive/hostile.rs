//! Archives that are honest but for one thing are refused, for the right reason.

use igos_format::Sha256;
use igos_format::archive::CompressionFormat::{self, Gzip, Xz, Zstd};
use igos_format::archive::{Part, ReadArchiveError as E};
use igos_format::manifest::{LineProblem, ManifestError};

use crate::forge::{
    BLOCK, Forge, compress, compress_gzip, compress_xz, compress_zstd, member, put, put_size,
    put_sum,
};
use crate::support::{Package, noise, read_all};

/// Small but for one file, so that there are three payload frames.
fn package() -> Package {
    let mut package = Package::empty();
    package.directory("bin");
    package.file("bin/a", "content of a").mode = 0o755;
    package.symlink("bin/b", "a");
    package.file("bin/c", "content of a").mode = 0o755;
    package.file("bin/d", "other");
    package.linked("bin/e", "linked", 1);
    package.linked("bin/f", "linked", 1);
    package.file("lib", b"pattern ".repeat(140_000));
    package.file("x", noise(600, 1)).xattrs = [("user.a".to_owned(), b"b".to_vec())].into();
    package.directory("y");
    package.directory("z");
    package.sorted()
}

type Build = Box<dyn Fn(&Forge) -> Vec<u8>>;

struct Case {
    name: &'static str,
    formats: &'static [CompressionFormat],
    build: Build,
    is_expected: fn(&E) -> bool,
}

const ALL: &[CompressionFormat] = &CompressionFormat::ALL;

macro_rules! cases {
    ($($name:literal $formats:expr, $build:expr => $pattern:pat),* $(,)?) => {
        vec![$(Case {
            name: $name,
            formats: $formats,
            build: Box::new($build),
            is_expected: |error| matches!(error, $pattern),
        }),*]
    };
}

fn run(cases: Vec<Case>) {
    let package = package();
    let mut count = 0;
    for format in CompressionFormat::ALL {
        let forge = Forge::new(&package, format);
        let (manifest, contents, _) =
            read_all(&forge.build()).expect("what the test puts together is an archive");
        assert_eq!(
            (manifest, contents),
            (package.manifest.clone(), package.contents.clone())
        );
        for case in cases.iter().filter(|case| case.formats.contains(&format)) {
            let name = case.name;
            match read_all(&(case.build)(&forge)) {
                Ok(_) => panic!("{format}: {name}: was accepted"),
                Err(error) => {
                    assert!((case.is_expected)(&error), "{format}: {name}: {error:?}");
                }
            }
            count += 1;
        }
    }
    assert!(count >= cases.len(), "every case ran");
}

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

#[test]
fn files_that_are_longer_or_shorter_than_the_archive() {
    run(cases! {
        "nothing" ALL, |_| Vec::new() => E::NotAnArchive,
        "noise" ALL, |_| noise(4000, 9) => E::NotAnArchive,
        "an uncompressed tar" ALL, |_| member(".igos/seal", b"") => E::NotAnArchive,
        "end inside the head" ALL, |f| f.build()[..200].to_vec()
            => E::Truncated { part: Part::Head },
        "end after the head" ALL, |f| f.build()[..head_length(f)].to_vec()
            => E::Truncated { part: Part::Frame(0) },
        "end inside the payload" ALL, |f| f.build()[..head_length(f) + 40].to_vec()
            => E::Truncated { part: Part::Frame(0) },
        "end before the tail" ALL,
            |f| cut(f.build(), compress(f.format, &f.tail).len())
            => E::Truncated { part: Part::Tail },
        "last byte lost" ALL, |f| cut(f.build(), 1) => E::Truncated { part: Part::Tail },
        "a byte more" ALL, |f| [f.build(), vec![0]].concat() => E::TrailingBytes,
        "zeros after the end" ALL, |f| [f.build(), vec![0; 1024]].concat() => E::TrailingBytes,
        "a second tail" ALL, |f| [f.build(), compress(f.format, &f.tail)].concat()
            => E::TrailingBytes,
        "a second archive" ALL, |f| [f.build(), f.build()].concat() => E::TrailingBytes,
        "a skippable frame first" &[Zstd], |f| [SKIPPABLE.to_vec(), f.build()].concat()
            => E::NotAnArchive,
        "a skippable frame last" &[Zstd], |f| [f.build(), SKIPPABLE.to_vec()].concat()
            => E::TrailingBytes,
        "a skippable frame after the head" &[Zstd], |f| {
            let mut archive = f.build();
            let at = head_length(f);
            archive.splice(at..at, SKIPPABLE.iter().copied());
            archive
        } => E::FrameStart { part: Part::Frame(0), .. },
        "an empty frame after the head" &[Gzip, Xz], |f| {
            let mut archive = f.build();
            let at = head_length(f);
            archive.splice(at..at, compress(f.format, b""));
            archive
        } => E::TooShort { part: Part::Frame(0) },
        "stream padding of xz" &[Xz], |f| {
            let mut archive = f.build();
            let at = head_length(f);
            archive.splice(at..at, [0; 4]);
            archive
        } => E::FrameStart { part: Part::Frame(0), .. },
    });
}

#[test]
fn frames_that_are_not_the_canonical_ones() {
    run(cases! {
        "a flipped bit in a stored frame" ALL, |f| {
            let stored = f.stored();
            let mut flipped = stored.clone();
            let middle = flipped[2].len() / 2;
            flipped[2][middle] ^= 1;
            f.with_table(&f.table(&stored), &flipped)
        } => E::Decompress { part: Part::Frame(2), .. } | E::Digest { part: Part::Frame(2), .. }
            | E::Content { .. } | E::Header { .. },
        "another encoding of the same bytes" ALL, |f| {
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
        "frames exchanged" ALL, |f| {
            let mut stored = f.stored();
            let table = f.table(&stored);
            stored.swap(0, 2);
            f.with_table(&table, &stored)
        } => E::FrameStart { .. } | E::TooLong { .. } | E::Header { .. } | E::TooShort { .. },
        "no checksum" &[Zstd], |f| f.change_stored(|s| s[2] = compress_zstd(&f.payload[2], 3, true, false))
            => E::FrameStart { part: Part::Frame(2), .. },
        "no content size" &[Zstd], |f| f.change_stored(|s| s[2] = compress_zstd(&f.payload[2], 3, false, true))
            => E::FrameStart { part: Part::Frame(2), .. },
        "a window of 256 MiB" &[Zstd], |f| f.change_stored(|s| {
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
        "a dictionary" &[Zstd], |f| f.change_stored(|s| s[2][4] |= 1)
            => E::FrameStart { part: Part::Frame(2), .. },
        "a wrong checksum" ALL, |f| f.change_stored(|s| {
            // The last bytes but those that say how long everything is.
            let at = s[2].len() - match f.format { Zstd => 1, Gzip => 5, Xz => 13 };
            s[2][at] ^= 1;
        }) => E::Decompress { part: Part::Frame(2), .. },
        "a name in the gzip header" &[Gzip], |f| f.change_stored(|s| {
            s[2] = compress_gzip(flate2::GzBuilder::new().filename("x"), &f.payload[2]);
        }) => E::FrameStart { part: Part::Frame(2), .. },
        "a time in the gzip header" &[Gzip], |f| f.change_stored(|s| {
            s[2] = compress_gzip(flate2::GzBuilder::new().mtime(5), &f.payload[2]);
        }) => E::FrameStart { part: Part::Frame(2), .. },
        "a comment in the gzip header" &[Gzip], |f| f.change_stored(|s| {
            s[2] = compress_gzip(flate2::GzBuilder::new().comment("x"), &f.payload[2]);
        }) => E::FrameStart { part: Part::Frame(2), .. },
        "an operating system in the gzip header" &[Gzip], |f| f.change_stored(|s| s[2][9] = 3)
            => E::FrameStart { part: Part::Frame(2), .. },
        "CRC32 in xz" &[Xz], |f| f.change_stored(|s| {
            s[2] = compress_xz(&f.payload[2], liblzma::stream::Check::Crc32);
        }) => E::FrameStart { part: Part::Frame(2), .. },
        "no check in xz" &[Xz], |f| f.change_stored(|s| {
            s[2] = compress_xz(&f.payload[2], liblzma::stream::Check::None);
        }) => E::FrameStart { part: Part::Frame(2), .. },
        "a frame in two" ALL, |f| f.change_stored(|s| {
            let (one, two) = f.payload[2].split_at(BLOCK);
            s[2] = [compress(f.format, one), compress(f.format, two)].concat();
        }) => E::FrameStart { part: Part::Frame(2), .. } | E::TooShort { part: Part::Frame(2) },
        "a frame with a bomb behind it" ALL, |f| {
            let mut bomb = f.clone();
            bomb.payload[2].extend(vec![0; 50_000_000]);
            let stored = bomb.stored();
            let mut table = bomb.table(&stored);
            table.frames[2].uncompressed = f.payload[2].len() as u64;
            f.with_table(&table, &stored)
        } => E::FrameStart { part: Part::Frame(2), .. } | E::TooLong { part: Part::Frame(2), .. },
        "a head with a bomb behind it" ALL, |f| f.change_members(|m| m.push(vec![0; 50_000_000]))
            => E::TooLong { part: Part::Head, .. },
        "a tail with a bomb behind it" ALL, |f| f.change(|f| f.tail.extend(vec![0; 50_000_000]))
            => E::TooLong { part: Part::Tail, .. },
        "a frame that ends early" ALL, |f| {
            let mut short = f.clone();
            short.payload[2].truncate(BLOCK);
            let stored = short.stored();
            f.with_table(&f.table(&stored), &stored)
        } => E::FrameStart { part: Part::Frame(2), .. } | E::TooShort { part: Part::Frame(2) },
        "zeros at the end of a payload frame" ALL, |f| {
            let mut long = f.clone();
            long.payload[2].extend([0; 1024]);
            let stored = long.stored();
            f.with_table(&f.table(&stored), &stored)
        } => E::FrameStart { part: Part::Frame(2), .. } | E::TooLong { part: Part::Frame(2), .. },
    });
}

#[test]
fn heads_that_contradict_themselves() {
    run(cases! {
        "another mode on the seal" ALL, |f| f.change_members(|m| {
            put(&mut m[0], 100, "0000600");
            put_sum(&mut m[0]);
        }) => E::MemberHeader { part: Part::Seal },
        "a wrong sum on the seal" ALL, |f| f.change_members(|m| put(&mut m[0], 148, "000000"))
            => E::MemberHeader { part: Part::Seal },
        "a seal of 5 GiB" ALL, |f| f.change_members(|m| put_size(&mut m[0], 5 << 30))
            => E::TooLong { part: Part::Seal, .. },
        "a seal with a size of letters" ALL, |f| f.change_members(|m| put(&mut m[0], 124, "size"))
            => E::MemberHeader { part: Part::Seal },
        "a seal for a newer reader" ALL,
            |f| f.change_seal(|s| s.replace("igos-archive 1 1", "igos-archive 2 2"))
            => E::NewerFormat { part: Part::Seal, needed: 2, known: 1 },
        "an empty seal" ALL, |f| f.change_seal(|_| String::new())
            => E::NotCanonical { part: Part::Seal, line: 1 },
        "a seal with a line more" ALL, |f| f.change_seal(|s| s + "x\n")
            => E::NotCanonical { part: Part::Seal, line: 5 },
        "a seal with a line less" ALL,
            |f| f.change_seal(|s| s.lines().take(3).map(|l| format!("{l}\n")).collect())
            => E::NotCanonical { part: Part::Seal, line: 4 },
        "a seal with carriage returns" ALL, |f| f.change_seal(|s| s.replace('\n', "\r\n"))
            => E::NotCanonical { part: Part::Seal, .. },
        "a seal with leading zeros" ALL, |f| f.change_seal(|s| s.trim_end().to_owned().replace("provenance ", "provenance  ") + "\n")
            => E::NotCanonical { part: Part::Seal, line: 3 },
        "a seal with capitals" ALL, |f| f.change_seal(|s| {
            let (first, rest) = s.split_once('\n').expect("it has lines");
            format!("{first}\n{}", rest.replace(['a', 'b', 'c'], "A"))
        }) => E::NotCanonical { part: Part::Seal, line: 2 },
        "another digest of the manifest" ALL, |f| f.change_seal(|s| {
            let digest = Sha256::of(&f.manifest).to_string();
            s.replace(&digest, &Sha256::of(b"").to_string())
        }) => E::Digest { part: Part::Manifest, .. },
        "another size of the manifest" ALL, |f| f.change_seal(|s| {
            let size = f.manifest.len();
            s.replace(&format!(" {size}\n"), &format!(" {}\n", size - 1))
        }) => E::TooLong { part: Part::Manifest, .. },
        "more metadata than allowed" ALL, |f| f.change_seal(|s| {
            let size = f.manifest.len();
            s.replace(&format!(" {size}\n"), " 16777216\n")
        }) => E::TooLong { part: Part::Manifest, .. },
        "sizes that overflow together" ALL, |f| f.change_seal(|s| {
            let size = f.provenance.len();
            s.replace(&format!(" {size}\n"), " 18446744073709551615\n")
        }) => E::TooLong { part: Part::Provenance, .. },
        "changed provenance" ALL, |f| f.change_members(|m| m[2][BLOCK + 2] ^= 1)
            => E::Digest { part: Part::Provenance, .. },
        "a changed frame table" ALL, |f| f.change_members(|m| {
            let last = m[3].iter().rposition(|b| b.is_ascii_digit()).expect("there are digits");
            m[3][last] ^= 1;
        }) => E::Digest { part: Part::Frames, .. },
        "members exchanged" ALL, |f| f.change_members(|m| m.swap(1, 2))
            => E::MemberHeader { part: Part::Manifest } | E::TooLong { part: Part::Manifest, .. },
        "a member left out" ALL, |f| f.change_members(|m| m.truncate(3))
            => E::TooShort { part: Part::Head },
        "a member more" ALL, |f| f.change_members(|m| m.push(member(".igos/more", b"x")))
            => E::TooLong { part: Part::Head, .. },
        "a payload member in the head" ALL, |f| f.change_members(|m| m.insert(1, member("etc/passwd", b"x")))
            => E::MemberHeader { part: Part::Manifest },
        "a pax header before the manifest" ALL, |f| f.change_members(|m| {
            let mut pax = member("x", b"12 path=a/b\n");
            put(&mut pax, 156, "x");
            put_sum(&mut pax);
            m.insert(1, pax);
        }) => E::MemberHeader { part: Part::Manifest },
        "padding with a message" ALL, |f| f.change_members(|m| *m[1].last_mut().expect("it is padded") = 1)
            => E::Padding { part: Part::Head },
        "a manifest with an unknown key" ALL, |f| f.change(|f| {
            let text = String::from_utf8(f.manifest.clone()).expect("it is text");
            let (body, _) = text.rsplit_once("end ").expect("it has an end");
            let body = body.replace("origin built\n", "origin built\ncolour red\n");
            let end = Sha256::of(body.as_bytes());
            f.manifest = format!("{body}end {end}\n").into_bytes();
        }) => E::Manifest { source: ManifestError::Line { problem: LineProblem::Missing { .. } | LineProblem::UnknownKey { .. }, .. } },
        "provenance that is a list" ALL, |f| f.change(|f| f.provenance = b"[]".to_vec())
            => E::Provenance { .. },
        "provenance that is not UTF-8" ALL, |f| f.change(|f| f.provenance = b"{\"a\":\"\xff\"}".to_vec())
            => E::Provenance { .. },
        "provenance that is two objects" ALL, |f| f.change(|f| f.provenance = b"{}{}".to_vec())
            => E::Provenance { .. },
        "provenance with raw control bytes" ALL, |f| f.change(|f| f.provenance = b"{\"a\":\"\x1b\"}".to_vec())
            => E::Provenance { .. },
        "provenance nested without end" ALL, |f| f.change(|f| {
            f.provenance = [b"{\"a\":".as_slice(), &b"[".repeat(200_000)].concat();
        }) => E::Provenance { .. },
        "empty provenance" ALL, |f| f.change(|f| f.provenance = Vec::new())
            => E::Provenance { .. },
    });
}

#[test]
fn frame_tables_that_do_not_fit() {
    run(cases! {
        "another compression" ALL, |f| f.change_table(|t| {
            t.compression = if t.compression == Xz { Zstd } else { Xz };
        }) => E::NotCanonical { part: Part::Frames, line: 2 },
        "a table for a newer reader" ALL, |f| {
            let stored = f.stored();
            let text = f.table(&stored).to_text().replace("igos-frames 1 1", "igos-frames 1 9");
            f.with_table_text(text.as_bytes(), &stored)
        } => E::NewerFormat { part: Part::Frames, needed: 9, known: 1 },
        "a table with an unknown row" ALL, |f| {
            let stored = f.stored();
            let text = f.table(&stored).to_text() + "frame 1 2 3\n";
            f.with_table_text(text.as_bytes(), &stored)
        } => E::NotCanonical { part: Part::Frames, line: 6 },
        "a table with a plus sign" ALL, |f| {
            let stored = f.stored();
            let text = f.table(&stored).to_text().replace("frame 0", "frame +0");
            f.with_table_text(text.as_bytes(), &stored)
        } => E::NotCanonical { part: Part::Frames, line: 3 },
        "a gap" ALL, |f| f.change_table(|t| t.frames[1].offset += 1) => E::FrameRow { row: 1 },
        "an overlap" ALL, |f| f.change_table(|t| t.frames[1].offset = 0) => E::FrameRow { row: 1 },
        "an empty frame" ALL, |f| f.change_table(|t| t.frames[2].compressed = 0) => E::FrameRow { row: 2 },
        "a frame without entries" ALL, |f| f.change_table(|t| t.frames[2].entries = 0) => E::FrameRow { row: 2 },
        "offsets that overflow" ALL, |f| f.change_table(|t| {
            t.frames[0].compressed = u64::MAX;
            t.frames[1].offset = u64::MAX;
        }) => E::FrameRow { row: 1 },
        "an entry too many" ALL, |f| f.change_table(|t| t.frames[2].entries += 1) => E::FrameRow { row: 2 },
        "entries without number" ALL, |f| f.change_table(|t| t.frames[2].entries = usize::MAX) => E::FrameRow { row: 2 },
        "an entry too few" ALL, |f| f.change_table(|t| t.frames[2].entries -= 1) => E::FrameRow { row: 2 },
        "a length that is not the manifest's" ALL, |f| f.change_table(|t| t.frames[1].uncompressed += 512)
            => E::FrameRow { row: 1 },
        "a row too few" ALL, |f| f.change_table(|t| t.frames.truncate(2)) => E::FrameRow { row: 2 },
        "no rows" ALL, |f| f.change_table(|t| t.frames.clear()) => E::FrameRow { row: 0 },
        "another digest of a frame" ALL, |f| f.change_table(|t| t.frames[0].sha256 = Sha256::of(b""))
            => E::Digest { part: Part::Frame(0), .. },
        "a stored length one less" ALL, |f| f.change_table(|t| t.frames[2].compressed -= 1)
            => E::TooLong { part: Part::Frame(2), .. },
        "a stored length one more" ALL, |f| f.change_table(|t| t.frames[2].compressed += 1)
            => E::TooShort { part: Part::Frame(2) },
    });
}

#[test]
fn payloads_that_are_not_what_the_manifest_says() {
    run(cases! {
        "another path" ALL, |f| f.change_header("bin/a", |b| put(b, 0, "bin/A")) => E::Header { .. },
        "an absolute path" ALL, |f| f.change_header("bin/a", |b| put(b, 0, "/in/a")) => E::Header { .. },
        "a path that climbs" ALL, |f| f.change_header("bin/a", |b| put(b, 0, "../ab")) => E::Header { .. },
        "a path cut in prefix and name" ALL, |f| f.change_header("bin/a", |b| {
            put(b, 0, "a\0\0\0\0");
            put(b, 345, "bin");
        }) => E::Header { .. },
        "another mode" ALL, |f| f.change_header("bin/a", |b| put(b, 100, "0004755")) => E::Header { .. },
        "a mode with type bits" ALL, |f| f.change_header("bin/a", |b| put(b, 100, "0100755")) => E::Header { .. },
        "another user" ALL, |f| f.change_header("bin/a", |b| put(b, 108, "0001750")) => E::Header { .. },
        "another group" ALL, |f| f.change_header("bin/a", |b| put(b, 116, "0001750")) => E::Header { .. },
        "another user name" ALL, |f| f.change_header("bin/a", |b| put(b, 265, "mail")) => E::Header { .. },
        "another time" ALL, |f| f.change_header("bin/a", |b| put(b, 136, "07777777777")) => E::Header { .. },
        "another size" ALL, |f| f.change_header("bin/a", |b| put(b, 124, "00000000013")) => E::Header { .. },
        "a size in base 256" ALL, |f| f.change_header("bin/a", |b| b[124] = 0x80) => E::Header { .. },
        "numbers with spaces" ALL, |f| f.change_header("bin/a", |b| put(b, 108, "      0")) => E::Header { .. },
        "device numbers" ALL, |f| f.change_header("bin/a", |b| put(b, 329, "0000001")) => E::Header { .. },
        "the magic of GNU" ALL, |f| f.change_header("bin/a", |b| put(b, 257, "ustar  \0")) => E::Header { .. },
        "the old type of files" ALL, |f| f.change_header("bin/a", |b| b[156] = 0) => E::Header { .. },
        "a character device" ALL, |f| f.change_header("bin/a", |b| b[156] = b'3') => E::Header { .. },
        "a FIFO" ALL, |f| f.change_header("bin/a", |b| b[156] = b'6') => E::Header { .. },
        "a contiguous file" ALL, |f| f.change_header("bin/a", |b| b[156] = b'7') => E::Header { .. },
        "a sparse file of GNU" ALL, |f| f.change_header("bin/a", |b| b[156] = b'S') => E::Header { .. },
        "a long name of GNU" ALL, |f| f.change_header("bin/a", |b| b[156] = b'L') => E::Header { .. },
        "a global pax header" ALL, |f| f.change_header("bin/a", |b| b[156] = b'g') => E::Header { .. },
        "a pax header in the place of a file" ALL, |f| f.change_header("bin/a", |b| b[156] = b'x') => E::Header { .. },
        "a symbolic link in the place of a file" ALL, |f| f.change_header("bin/a", |b| {
            b[156] = b'2';
            put(b, 157, "/etc/passwd");
        }) => E::Header { .. },
        "a symbolic link with another target" ALL, |f| f.change_header("bin/b", |b| put(b, 157, "/")) => E::Header { .. },
        "a directory that is a symbolic link" ALL, |f| f.change_header("y/", |b| {
            b[156] = b'2';
            put(b, 157, "/tmp");
        }) => E::Header { .. },
        "a hard link to another file" ALL, |f| f.change_header("bin/f", |b| put(b, 157, "bin/d")) => E::Header { .. },
        "a hard link out of the archive" ALL, |f| f.change_header("bin/f", |b| put(b, 157, "../etc/shadow")) => E::Header { .. },
        "a hard link to a later file" ALL, |f| f.change_header("bin/c", |b| put(b, 157, "lib\0\0")) => E::Header { .. },
        "a hard link with a size" ALL, |f| f.change_header("bin/f", |b| put(b, 124, "00000000006")) => E::Header { .. },
        "a wrong sum" ALL, |f| f.change(|f| {
            let (frame, at) = f.find("bin/a");
            put(&mut f.payload[frame][at..], 148, "000000");
        }) => E::Header { .. },
        "bytes after the header's fields" ALL, |f| f.change_header("bin/a", |b| b[511] = 1) => E::Header { .. },
        "another value in a pax record" ALL, |f| f.change(|f| {
            let (frame, at) = f.find("x");
            let record = &mut f.payload[frame][at - BLOCK..at];
            let value = record.iter().position(|b| *b == b'=').expect("it is a record") + 1;
            record[value] ^= 1;
        }) => E::Header { .. },
        "another key in a pax record" ALL, |f| f.change(|f| {
            let (frame, at) = f.find("x");
            put(&mut f.payload[frame][at - BLOCK..at], 3, "LIBARCHIVE.xat");
        }) => E::Header { .. },
        "a record twice" ALL, |f| f.change(|f| {
            let (frame, at) = f.find("x");
            let pax = &mut f.payload[frame][at - 2 * BLOCK..at];
            let length = pax[BLOCK..].iter().position(|b| *b == 0).expect("it is padded");
            pax.copy_within(BLOCK..BLOCK + length, BLOCK + length);
            put_size(&mut pax[..BLOCK], 2 * length as u64);
        }) => E::Header { .. },
        "a message behind the pax records" ALL, |f| f.change(|f| {
            let (frame, at) = f.find("x");
            f.payload[frame][at - 1] = 1;
        }) => E::Header { .. },
        "other content" ALL, |f| f.change(|f| {
            let (frame, at) = f.find("bin/a");
            f.payload[frame][at + BLOCK] ^= 1;
        }) => E::Content { .. },
        "other content in a large file" ALL, |f| f.change(|f| f.payload[1][600_000] ^= 1) => E::Content { .. },
        "padding with a message" ALL, |f| f.change(|f| {
            let (frame, at) = f.find("bin/a");
            f.payload[frame][at + 2 * BLOCK - 1] = 1;
        }) => E::Padding { part: Part::Frame(0) },
        "entries exchanged" ALL, |f| f.change(|f| {
            let (frame, y) = f.find("y/");
            let (_, z) = f.find("z/");
            let bytes = &mut f.payload[frame];
            let (first, second) = bytes.split_at_mut(z);
            first[y..y + BLOCK].swap_with_slice(&mut second[..BLOCK]);
        }) => E::Header { .. },
        "an entry left out" ALL, |f| f.change(|f| {
            let (frame, y) = f.find("y/");
            f.payload[frame].drain(y..y + BLOCK);
            f.entries[frame] -= 1;
        }) => E::FrameRow { .. },
        "an entry twice" ALL, |f| f.change(|f| {
            let (frame, y) = f.find("y/");
            let again = f.payload[frame][y..y + BLOCK].to_vec();
            f.payload[frame].extend(again);
        }) => E::FrameRow { .. },
        "an entry twice in the place of another" ALL, |f| f.change(|f| {
            let (frame, y) = f.find("y/");
            f.payload[frame].copy_within(y..y + BLOCK, y + BLOCK);
        }) => E::Header { .. },
        "a shared content stored again" ALL, |f| f.change(|f| {
            let (frame, a) = f.find("bin/a");
            let (_, c) = f.find("bin/c");
            let stored = f.payload[frame][a..a + 2 * BLOCK].to_vec();
            f.payload[frame].splice(c..c + BLOCK, stored);
            put(&mut f.payload[frame], c, "bin/c");
            put_sum(&mut f.payload[frame][c..c + BLOCK]);
        }) => E::FrameRow { .. },
    });
}

fn signatures(lines: &str) -> Vec<u8> {
    [member(".igos/signatures", lines.as_bytes()), vec![0; 1024]].concat()
}

fn signature(key: &str) -> String {
    let key = Sha256::of(key.as_bytes());
    format!("signature ed25519 {key} {key}{key}\n")
}

#[test]
fn tails_that_are_not_an_end() {
    run(cases! {
        "an empty tail" ALL, |f| f.change(|f| f.tail.clear()) => E::TooShort { part: Part::Tail },
        "one block of zeros" ALL, |f| f.change(|f| f.tail.truncate(512)) => E::TooShort { part: Part::Tail },
        "three blocks of zeros" ALL, |f| f.change(|f| f.tail.extend([0; 512])) => E::TooLong { part: Part::Tail, .. },
        "a message in the end" ALL, |f| f.change(|f| f.tail[1000] = 1) => E::Padding { part: Part::Tail },
        "a file after the payload" ALL, |f| f.change(|f| {
            f.tail = [member("etc/passwd", b"x"), vec![0; 1024]].concat();
        }) => E::MemberHeader { part: Part::Signatures },
        "a file after the end" ALL, |f| f.change(|f| f.tail.extend(member("etc/passwd", b"x")))
            => E::TooLong { part: Part::Tail, .. },
        "signatures of 5 GiB" ALL, |f| f.change(|f| {
            f.tail = signatures("");
            put_size(&mut f.tail[..BLOCK], 5 << 30);
        }) => E::TooLong { part: Part::Signatures, .. },
        "no signatures in the slot" ALL, |f| f.change(|f| f.tail = signatures("igos-signatures 1 1\n"))
            => E::NotCanonical { part: Part::Signatures, line: 2 },
        "signatures for a newer reader" ALL, |f| f.change(|f| f.tail = signatures("igos-signatures 2 2\nx\n"))
            => E::NewerFormat { part: Part::Signatures, needed: 2, known: 1 },
        "an unknown kind of signature" ALL, |f| f.change(|f| {
            f.tail = signatures("igos-signatures 1 1\nsignature md5 0 0\n");
        }) => E::NotCanonical { part: Part::Signatures, line: 2 },
        "a signature twice" ALL, |f| f.change(|f| {
            f.tail = signatures(&format!("igos-signatures 1 1\n{}", signature("a").repeat(2)));
        }) => E::NotCanonical { part: Part::Signatures, line: 3 },
        "signatures out of order" ALL, |f| f.change(|f| {
            let mut lines = [signature("a"), signature("b")];
            lines.sort();
            lines.reverse();
            f.tail = signatures(&format!("igos-signatures 1 1\n{}", lines.concat()));
        }) => E::NotCanonical { part: Part::Signatures, line: 2 },
        "a signature that is too short" ALL, |f| f.change(|f| {
            f.tail = signatures(&format!("igos-signatures 1 1\n{}", signature("a").replace("\n", "").split_at(200).0));
        }) => E::NotCanonical { part: Part::Signatures, .. },
        "a message behind the signatures" ALL, |f| f.change(|f| {
            f.tail = signatures(&format!("igos-signatures 1 1\n{}", signature("a")));
            f.tail[BLOCK * 2 - 1] = 1;
        }) => E::Padding { part: Part::Tail },
    });
}

#[test]
fn every_truncation_is_refused() {
    let mut package = Package::empty();
    package.directory("a");
    package.file("a/b", "content");
    let package = package.sorted();
    for format in CompressionFormat::ALL {
        let archive = package.write(format);
        for length in 0..archive.len() {
            let error = read_all(&archive[..length]).expect_err("a piece is missing");
            assert!(
                matches!(
                    error,
                    E::Truncated { .. } | E::NotAnArchive | E::FrameStart { .. }
                ),
                "{format} {length}: {error:?}"
            );
        }
    }
}

#[test]
fn flipped_bits_never_change_what_is_read() {
    let mut package = Package::empty();
    package.directory("a");
    package.file("a/b", "content");
    let package = package.sorted();
    for format in CompressionFormat::ALL {
        let mut archive = package.write(format);
        let mut refused = 0;
        for at in 0..archive.len() {
            for bit in 0..8 {
                archive[at] ^= 1 << bit;
                match read_all(&archive) {
                    // Some bits of compressed forms mean nothing, and head and tail are not hashed as stored.
                    Ok((manifest, contents, signatures)) => {
                        assert_eq!(manifest, package.manifest);
                        assert_eq!(contents, package.contents);
                        assert!(signatures.is_empty());
                    }
                    Err(_) => refused += 1,
                }
                archive[at] ^= 1 << bit;
            }
        }
        assert!(
            refused > archive.len() * 79 / 10,
            "{format}: {refused} of {}",
            archive.len() * 8
        );
    }
}
