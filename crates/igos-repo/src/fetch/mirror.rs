//! Where a mirror keeps a file.

use std::io;
use std::path::Path;

use igos_format::Digest;

use crate::store::open_regular;

/// Returns the relative paths below a mirror at which a file may be, in the order in which they are tried.
pub(super) fn names(digest: Digest, package: &str, file_name: &str) -> Vec<String> {
    let mut names = Vec::new();
    if let Digest::Sha256(sha256) = digest {
        let text = sha256.to_string();
        names.push(format!("sha256/{}/{text}", &text[..2]));
    }
    names.push(format!("{package}/{file_name}"));
    names.push(file_name.to_owned());
    names
}

/// Copies the regular file `from` over the file `to`.
pub(super) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut from = open_regular(from)?;
    let mut to = fs_err::File::create(to)?;
    io::copy(&mut from, &mut to).map(drop)
}

/// Returns `name` for use in an address: bytes that would end the path or be refused are percent-encoded.
pub(crate) fn encode(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~+=@:,!".contains(&byte);
    name.bytes()
        .map(|byte| {
            if plain(byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use igos_format::{Blake3, Digest, Sha256};

    use super::{encode, names};

    #[test]
    fn mirrors_are_asked_by_digest_and_by_name() {
        let digest = Sha256::of(b"");
        assert_eq!(
            names(Digest::Sha256(digest), "zlib", "zlib-1.3.1.tar.gz"),
            [
                format!("sha256/e3/{digest}"),
                "zlib/zlib-1.3.1.tar.gz".to_owned(),
                "zlib-1.3.1.tar.gz".to_owned()
            ]
        );
        assert_eq!(
            names(Digest::Blake3(Blake3::of(b"")), "a", "b"),
            ["a/b", "b"]
        );
    }

    #[test]
    fn names_in_addresses_are_encoded() {
        assert_eq!(
            encode("gtk+/a b?no-extract#é%"),
            "gtk+/a%20b%3Fno-extract%23%C3%A9%25"
        );
    }
}
