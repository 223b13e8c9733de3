//! Tails that are not an end.

use igos_format::Sha256;
use igos_format::archive::{Part, ReadArchiveError as E};

use super::case::{ALL, Case, cases};
use crate::forge::{BLOCK, member, put_size};

fn signatures(lines: &str) -> Vec<u8> {
    [member(".igos/signatures", lines.as_bytes()), vec![0; 1024]].concat()
}

fn signature(key: &str) -> String {
    let key = Sha256::of(key.as_bytes());
    format!("signature ed25519 {key} {key}{key}\n")
}

pub(crate) fn tails_that_are_not_an_end() -> Vec<Case> {
    cases! {
        "an empty tail" "X5 X6" ALL, |f| f.change(|f| f.tail.clear()) => E::TooShort { part: Part::Tail },
        "one block of zeros" "X5 X6" ALL, |f| f.change(|f| f.tail.truncate(512)) => E::TooShort { part: Part::Tail },
        "three blocks of zeros" "X5 X6" ALL, |f| f.change(|f| f.tail.extend([0; 512])) => E::TooLong { part: Part::Tail, .. },
        "a message in the end" "X5" ALL, |f| f.change(|f| f.tail[1000] = 1) => E::Padding { part: Part::Tail },
        "a file after the payload" "X5 X6" ALL, |f| f.change(|f| {
            f.tail = [member("etc/passwd", b"x"), vec![0; 1024]].concat();
        }) => E::MemberHeader { part: Part::Signatures },
        "a file after the end" "X5 X6" ALL, |f| f.change(|f| f.tail.extend(member("etc/passwd", b"x")))
            => E::TooLong { part: Part::Tail, .. },
        "signatures of 5 GiB" "X7 X8" ALL, |f| f.change(|f| {
            f.tail = signatures("");
            put_size(&mut f.tail[..BLOCK], 5 << 30);
        }) => E::TooLong { part: Part::Signatures, .. },
        "no signatures in the slot" "X5 X6" ALL, |f| f.change(|f| f.tail = signatures("igos-signatures 1 1\n"))
            => E::NotCanonical { part: Part::Signatures, line: 2 },
        "signatures for a newer reader" "X5 X6" ALL, |f| f.change(|f| f.tail = signatures("igos-signatures 2 2\nx\n"))
            => E::NewerFormat { part: Part::Signatures, needed: 2, known: 1 },
        "an unknown kind of signature" "X5 X6" ALL, |f| f.change(|f| {
            f.tail = signatures("igos-signatures 1 1\nsignature md5 0 0\n");
        }) => E::NotCanonical { part: Part::Signatures, line: 2 },
        "a signature twice" "X5 X6" ALL, |f| f.change(|f| {
            f.tail = signatures(&format!("igos-signatures 1 1\n{}", signature("a").repeat(2)));
        }) => E::NotCanonical { part: Part::Signatures, line: 3 },
        "signatures out of order" "X5 X6" ALL, |f| f.change(|f| {
            let mut lines = [signature("a"), signature("b")];
            lines.sort();
            lines.reverse();
            f.tail = signatures(&format!("igos-signatures 1 1\n{}", lines.concat()));
        }) => E::NotCanonical { part: Part::Signatures, line: 2 },
        "a signature that is too short" "X8" ALL, |f| f.change(|f| {
            f.tail = signatures(&format!("igos-signatures 1 1\n{}", signature("a").replace("\n", "").split_at(200).0));
        }) => E::NotCanonical { part: Part::Signatures, .. },
        "a message behind the signatures" "X5" ALL, |f| f.change(|f| {
            f.tail = signatures(&format!("igos-signatures 1 1\n{}", signature("a")));
            f.tail[BLOCK * 2 - 1] = 1;
        }) => E::Padding { part: Part::Tail },
    }
}
