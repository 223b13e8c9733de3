//! Inputs that give what they have in pieces.

use std::io::{self, Read};

use igos_format::Sha256;
use igos_format::archive::CompressionFormat;

use crate::cases::case::package;
use crate::cases::honest;
use crate::forge::{BLOCK, member};
use crate::support::read_from;

/// Gives one byte each time it is asked.
struct Drops<'a>(&'a [u8]);

impl Read for Drops<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = buffer.len().min(1);
        self.0.read(&mut buffer[..count])
    }
}

#[test]
fn archive_that_comes_byte_by_byte_is_the_same_archive() {
    let package = package();
    let key = Sha256::of(b"key");
    let text = format!("igos-signatures 1 1\nsignature ed25519 {key} {key}{key}\n");
    for format in CompressionFormat::ALL {
        let archive = honest(format).change(|forge| {
            forge.tail = member(".igos/signatures", text.as_bytes());
            forge.tail.extend([0; 2 * BLOCK]);
        });
        let (manifest, contents, signatures) =
            read_from(Drops(&archive)).expect("nothing of it is missing");
        assert_eq!(manifest, package.manifest, "{format}");
        assert_eq!(contents, package.contents, "{format}");
        assert_eq!(signatures.len(), 1, "{format}");
    }
}
