//! What a package is, apart from what it was made from.

use super::{Manifest, write};
use crate::{Hasher, Sha256};

/// Lines that say what a package was made from, and the digest over them.
const OF_THE_MAKING: [&[u8]; 2] = [b"build-key ", b"end "];

impl Manifest {
    /// Returns the digest of everything in the text but the key of the build: equal for two builds that gave the same
    /// package, whatever they were made from.
    ///
    /// What sees a package while it is built sees nothing else of it, so this is what enters keys of builds. It does not
    /// identify an archive; the digest of the seal does.
    #[must_use]
    pub fn contents_digest(&self) -> Sha256 {
        contents_digest(&write(self))
    }
}

/// Returns [`Manifest::contents_digest`] of the manifest with this text.
#[must_use]
pub fn contents_digest(text: &[u8]) -> Sha256 {
    let mut hasher = Hasher::new();
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        if !OF_THE_MAKING.iter().any(|key| line.starts_with(key)) {
            hasher.update(line);
        }
    }
    hasher.sha256()
}

#[cfg(test)]
mod tests {
    use super::super::Origin;
    use super::*;
    use crate::{Arch, PackageId};

    fn manifest(build_key: &[u8]) -> Manifest {
        let package = PackageId {
            name: "tiny".parse().expect("a name"),
            epoch: 0,
            version: "1.0".parse().expect("a version"),
            release: "1".parse().expect("a release"),
            arch: Arch::Any,
        };
        Manifest::new(package, Origin::Built, Sha256::of(build_key))
    }

    #[test]
    fn key_of_the_build_is_all_that_does_not_count() {
        let one = manifest(b"one");
        assert_eq!(one.contents_digest(), manifest(b"other").contents_digest());
        let text = String::from_utf8(write(&one)).expect("manifests are UTF-8");
        let kept: String = text
            .split_inclusive('\n')
            .filter(|line| !line.starts_with("build-key") && !line.starts_with("end"))
            .collect();
        assert_eq!(kept.lines().count() + 2, text.lines().count());
        assert_eq!(one.contents_digest(), Sha256::of(kept.as_bytes()));
    }

    #[test]
    fn everything_else_counts() {
        let one = manifest(b"one");
        let mut described = one.clone();
        described.description = "end of it".into();
        let mut imported = one.clone();
        imported.origin = Origin::Imported;
        let mut later = one.clone();
        later.source_date_epoch = 1;
        for other in [described, imported, later] {
            assert_ne!(one.contents_digest(), other.contents_digest());
        }
    }
}
