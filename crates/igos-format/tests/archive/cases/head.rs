//! Heads that contradict themselves.

use igos_format::Sha256;
use igos_format::archive::CompressionFormat::{Xz, Zstd};
use igos_format::archive::{Part, ReadArchiveError as E};
use igos_format::manifest::{LineProblem, ManifestError};

use super::case::{ALL, Case, cases};
use crate::forge::{BLOCK, member, put, put_size, put_sum};

pub(crate) fn heads_that_contradict_themselves() -> Vec<Case> {
    cases! {
        "another mode on the seal" "P13 X6" ALL, |f| f.change_members(|m| {
            put(&mut m[0], 100, "0000600");
            put_sum(&mut m[0]);
        }) => E::MemberHeader { part: Part::Seal },
        "a wrong sum on the seal" "X5 X6" ALL, |f| f.change_members(|m| put(&mut m[0], 148, "000000"))
            => E::MemberHeader { part: Part::Seal },
        "a seal of 5 GiB" "X7 X8" ALL, |f| f.change_members(|m| put_size(&mut m[0], 5 << 30))
            => E::TooLong { part: Part::Seal, .. },
        "a seal with a size of letters" "X5 X8" ALL, |f| f.change_members(|m| put(&mut m[0], 124, "size"))
            => E::MemberHeader { part: Part::Seal },
        "a seal for a newer reader" "X5 X6" ALL,
            |f| f.change_seal(|s| s.replace("igos-archive 1 1", "igos-archive 2 2"))
            => E::NewerFormat { part: Part::Seal, needed: 2, known: 1 },
        "an empty seal" "X5 X6" ALL, |f| f.change_seal(|_| String::new())
            => E::NotCanonical { part: Part::Seal, line: 1 },
        "a seal with a line more" "X5 X6" ALL, |f| f.change_seal(|s| s + "x\n")
            => E::NotCanonical { part: Part::Seal, line: 5 },
        "a seal with a line less" "X5 X6" ALL,
            |f| f.change_seal(|s| s.lines().take(3).map(|l| format!("{l}\n")).collect())
            => E::NotCanonical { part: Part::Seal, line: 4 },
        "a seal with carriage returns" "P13 X5" ALL, |f| f.change_seal(|s| s.replace('\n', "\r\n"))
            => E::NotCanonical { part: Part::Seal, .. },
        "a seal with leading zeros" "X5 X6" ALL, |f| f.change_seal(|s| s.trim_end().to_owned().replace("provenance ", "provenance  ") + "\n")
            => E::NotCanonical { part: Part::Seal, line: 3 },
        "a seal with capitals" "X5 X6" ALL, |f| f.change_seal(|s| {
            let (first, rest) = s.split_once('\n').expect("it has lines");
            format!("{first}\n{}", rest.replace(['a', 'b', 'c'], "A"))
        }) => E::NotCanonical { part: Part::Seal, line: 2 },
        "another digest of the manifest" "X6 P5" ALL, |f| f.change_seal(|s| {
            let digest = Sha256::of(&f.manifest).to_string();
            s.replace(&digest, &Sha256::of(b"").to_string())
        }) => E::Digest { part: Part::Manifest, .. },
        "another size of the manifest" "X5 X6" ALL, |f| f.change_seal(|s| {
            let size = f.manifest.len();
            s.replace(&format!(" {size}\n"), &format!(" {}\n", size - 1))
        }) => E::TooLong { part: Part::Manifest, .. },
        "more metadata than allowed" "X7" ALL, |f| f.change_seal(|s| {
            let size = f.manifest.len();
            s.replace(&format!(" {size}\n"), " 16777216\n")
        }) => E::TooLong { part: Part::Manifest, .. },
        "sizes that overflow together" "X8" ALL, |f| f.change_seal(|s| {
            let size = f.provenance.len();
            s.replace(&format!(" {size}\n"), " 18446744073709551615\n")
        }) => E::TooLong { part: Part::Provenance, .. },
        "changed provenance" "X6 P5" ALL, |f| f.change_members(|m| m[2][BLOCK + 2] ^= 1)
            => E::Digest { part: Part::Provenance, .. },
        "a changed frame table" "X6 P5" ALL, |f| f.change_members(|m| {
            let last = m[3].iter().rposition(|b| b.is_ascii_digit()).expect("there are digits");
            m[3][last] ^= 1;
        }) => E::Digest { part: Part::Frames, .. },
        "members exchanged" "X6 P5" ALL, |f| f.change_members(|m| m.swap(1, 2))
            => E::MemberHeader { part: Part::Manifest } | E::TooLong { part: Part::Manifest, .. },
        "a member left out" "X5 X6" ALL, |f| f.change_members(|m| m.truncate(3))
            => E::TooShort { part: Part::Head },
        "a member more" "X5 X6" ALL, |f| f.change_members(|m| m.push(member(".igos/more", b"x")))
            => E::TooLong { part: Part::Head, .. },
        "a payload member in the head" "X5 X6" ALL, |f| f.change_members(|m| m.insert(1, member("etc/passwd", b"x")))
            => E::MemberHeader { part: Part::Manifest },
        "a pax header before the manifest" "X5" ALL, |f| f.change_members(|m| {
            let mut pax = member("x", b"12 path=a/b\n");
            put(&mut pax, 156, "x");
            put_sum(&mut pax);
            m.insert(1, pax);
        }) => E::MemberHeader { part: Part::Manifest },
        "a head padded with a message" "X5" ALL, |f| f.change_members(|m| *m[1].last_mut().expect("it is padded") = 1)
            => E::Padding { part: Part::Head },
        "a manifest with an unknown key" "X5 X6" ALL, |f| f.change(|f| {
            let text = String::from_utf8(f.manifest.clone()).expect("it is text");
            let (body, _) = text.rsplit_once("end ").expect("it has an end");
            let body = body.replace("origin built\n", "origin built\ncolour red\n");
            let end = Sha256::of(body.as_bytes());
            f.manifest = format!("{body}end {end}\n").into_bytes();
        }) => E::Manifest { source: ManifestError::Line { problem: LineProblem::Missing { .. } | LineProblem::UnknownKey { .. }, .. } },
        "provenance that is a list" "X5 X6" ALL, |f| f.change(|f| f.provenance = b"[]".to_vec())
            => E::Provenance { .. },
        "provenance that is not UTF-8" "X5 X6" ALL, |f| f.change(|f| f.provenance = b"{\"a\":\"\xff\"}".to_vec())
            => E::Provenance { .. },
        "provenance that is two objects" "X5 X6" ALL, |f| f.change(|f| f.provenance = b"{}{}".to_vec())
            => E::Provenance { .. },
        "provenance with raw control bytes" "P13 X5" ALL, |f| f.change(|f| f.provenance = b"{\"a\":\"\x1b\"}".to_vec())
            => E::Provenance { .. },
        "provenance nested without end" "X7" ALL, |f| f.change(|f| {
            f.provenance = [b"{\"a\":".as_slice(), &b"[".repeat(200_000)].concat();
        }) => E::Provenance { .. },
        "empty provenance" "X5 X6" ALL, |f| f.change(|f| f.provenance = Vec::new())
            => E::Provenance { .. },
    }
}

pub(crate) fn frame_tables_that_do_not_fit() -> Vec<Case> {
    cases! {
        "another compression" "X5 X6" ALL, |f| f.change_table(|t| {
            t.compression = if t.compression == Xz { Zstd } else { Xz };
        }) => E::NotCanonical { part: Part::Frames, line: 2 },
        "a table for a newer reader" "X5 X6" ALL, |f| {
            let stored = f.stored();
            let text = f.table(&stored).to_text().replace("igos-frames 1 1", "igos-frames 1 9");
            f.with_table_text(text.as_bytes(), &stored)
        } => E::NewerFormat { part: Part::Frames, needed: 9, known: 1 },
        "a table with an unknown row" "X5 X6" ALL, |f| {
            let stored = f.stored();
            let text = f.table(&stored).to_text() + "frame 1 2 3\n";
            f.with_table_text(text.as_bytes(), &stored)
        } => E::NotCanonical { part: Part::Frames, line: 6 },
        "a table with a plus sign" "X5 X6" ALL, |f| {
            let stored = f.stored();
            let text = f.table(&stored).to_text().replace("frame 0", "frame +0");
            f.with_table_text(text.as_bytes(), &stored)
        } => E::NotCanonical { part: Part::Frames, line: 3 },
        "a gap" "X5 X6" ALL, |f| f.change_table(|t| t.frames[1].offset += 1) => E::FrameRow { row: 1 },
        "an overlap" "X5 X6" ALL, |f| f.change_table(|t| t.frames[1].offset = 0) => E::FrameRow { row: 1 },
        "an empty frame" "X5" ALL, |f| f.change_table(|t| t.frames[2].compressed = 0) => E::FrameRow { row: 2 },
        "a frame without entries" "X5 X6" ALL, |f| f.change_table(|t| t.frames[2].entries = 0) => E::FrameRow { row: 2 },
        "offsets that overflow" "X8" ALL, |f| f.change_table(|t| {
            t.frames[0].compressed = u64::MAX;
            t.frames[1].offset = u64::MAX;
        }) => E::FrameRow { row: 1 },
        "an entry too many" "X5 X6" ALL, |f| f.change_table(|t| t.frames[2].entries += 1) => E::FrameRow { row: 2 },
        "entries without number" "X8" ALL, |f| f.change_table(|t| t.frames[2].entries = usize::MAX) => E::FrameRow { row: 2 },
        "an entry too few" "X5 X6" ALL, |f| f.change_table(|t| t.frames[2].entries -= 1) => E::FrameRow { row: 2 },
        "a length that is not the manifest's" "X5 X6" ALL, |f| f.change_table(|t| t.frames[1].uncompressed += 512)
            => E::FrameRow { row: 1 },
        "a row too few" "X5 X6" ALL, |f| f.change_table(|t| t.frames.truncate(2)) => E::FrameRow { row: 2 },
        "no rows" "X5 X6" ALL, |f| f.change_table(|t| t.frames.clear()) => E::FrameRow { row: 0 },
        "another digest of a frame" "X6 P5" ALL, |f| f.change_table(|t| t.frames[0].sha256 = Sha256::of(b""))
            => E::Digest { part: Part::Frame(0), .. },
        "a stored length one less" "X5 X6" ALL, |f| f.change_table(|t| t.frames[2].compressed -= 1)
            => E::TooLong { part: Part::Frame(2), .. },
        "a stored length one more" "X5 X6" ALL, |f| f.change_table(|t| t.frames[2].compressed += 1)
            => E::TooShort { part: Part::Frame(2) },
    }
}
