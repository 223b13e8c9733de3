//! Every truncation and every flipped bit of a small archive.

use igos_format::archive::{CompressionFormat, ReadArchiveError as E};

use crate::support::{Package, read_all};

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
