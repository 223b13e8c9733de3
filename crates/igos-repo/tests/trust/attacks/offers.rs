//! R7 and R8: an index that lies about packages, archives that are others.

use igos_format::archive::Head;
use igos_format::index::{ArchiveLocation, IndexEntry};
use igos_format::{Dependency, Sha256};
use igos_repo::trust::{SealKeys, SecretKey, verify_offer};
use igos_report::Explain;

use crate::forge::{PACKAGES, STRANGER, key};
use crate::packages::{noise, package};

/// Returns a package's head and what an honest index says of it.
fn offer() -> (Head, IndexEntry) {
    let archive = package("zlib 1.3")
        .provides("libz")
        .file("usr/bin/minigzip", noise(1, 500));
    let archive = archive.bytes();
    let head = Head::read(archive.as_slice()).expect("we wrote it");
    let location = ArchiveLocation {
        file_name: "zlib-1.3-1.x86_64.igos.tar.zst".parse().expect("a name"),
        sha256: Sha256::of(&archive),
        size_bytes: archive.len() as u64,
        head_sha256: Sha256::of(&archive[..head.length() as usize]),
        head_bytes: head.length(),
    };
    let mut entry = IndexEntry::of(&head, location);
    entry.signature = Some(key(PACKAGES).sign_seal(&head.seal().to_bytes()));
    (head, entry)
}

fn keys(authorised: &[SecretKey], retired: &[SecretKey]) -> SealKeys {
    let named = |key: &SecretKey| (key.id(), key.public());
    SealKeys {
        authorised: authorised.iter().map(named).collect(),
        retired: retired.iter().map(named).collect(),
    }
}

/// Returns the code and the text of what is said of an entry that was changed.
fn refusal(change: impl FnOnce(&mut IndexEntry)) -> (&'static str, String) {
    let (head, mut entry) = offer();
    change(&mut entry);
    let error = verify_offer(&entry, &head, &keys(&[key(PACKAGES)], &[]));
    let error = error.expect_err("it was changed");
    (error.code(), error.to_string())
}

#[test]
fn what_an_honest_index_offers_is_taken() {
    let (head, entry) = offer();
    assert_eq!(
        verify_offer(&entry, &head, &keys(&[key(PACKAGES)], &[])).ok(),
        entry.signature.as_ref()
    );
}

#[test]
fn r7_an_index_adds_no_dependency_to_a_package_and_takes_none_away() {
    let evil: Dependency = "evil".parse().expect("a dependency");
    for (refused, field) in [
        (
            refusal(|entry| entry.depends.extend([evil.clone()])),
            "dependencies",
        ),
        (
            refusal(|entry| entry.conflicts.extend([evil.clone()])),
            "conflicts",
        ),
        (
            refusal(|entry| entry.supersedes.extend([evil.name.clone()])),
            "superseded packages",
        ),
        (refusal(|entry| entry.provides.clear()), "provided names"),
        (refusal(|entry| entry.is_essential = true), "kinds"),
        (refusal(|entry| entry.installed_bytes += 1), "sizes"),
        (refusal(|entry| entry.programs.clear()), "programs"),
        (
            refusal(|entry| entry.description = "\u{1b}[2J".into()),
            "texts",
        ),
    ] {
        let (code, message) = refused;
        assert_eq!(code, "package-differs-from-index", "{field}");
        assert!(
            message.ends_with(&format!("than the package itself: its {field} differ")),
            "{message}"
        );
    }
}

#[test]
fn r8_a_package_is_not_passed_off_as_another() {
    let (code, message) = refusal(|entry| entry.package.name = "openssl".parse().expect("a name"));
    assert_eq!(code, "package-differs-from-index");
    assert!(
        message.ends_with("its names and versions differ"),
        "{message}"
    );
    let (code, _) = refusal(|entry| entry.package.version = "9.9".parse().expect("a version"));
    assert_eq!(code, "package-differs-from-index");
    let (code, _) = refusal(|entry| entry.seal = Sha256::of(b"another archive"));
    assert_eq!(code, "package-not-the-offered-one");
}

#[test]
fn r1_a_package_without_the_signature_of_a_present_key_is_refused() {
    let (code, _) = refusal(|entry| entry.signature = None);
    assert_eq!(code, "package-unsigned");
    let (head, _) = offer();
    let seal = head.seal().to_bytes();
    let stranger = key(STRANGER).sign_seal(&seal);
    let (code, _) = refusal(|entry| entry.signature = Some(stranger));
    assert_eq!(code, "seal-key-unknown");
    let (code, _) = refusal(|entry| {
        let signature = entry.signature.as_mut().expect("it is signed");
        signature.value[0] ^= 1;
    });
    assert_eq!(code, "seal-signature-bad");
    // A retired key vouches for what is installed, and for nothing new.
    let (head, entry) = offer();
    let error = verify_offer(&entry, &head, &keys(&[key(17)], &[key(PACKAGES)]));
    assert_eq!(
        error.map_err(|error| error.code()),
        Err("package-key-retired")
    );
}
