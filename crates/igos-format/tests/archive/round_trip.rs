//! What is written is read again.

use igos_format::archive::CompressionFormat;

use crate::support::{Package, read_all};

#[test]
fn package_of_everything_survives_in_every_compression() {
    let package = Package::of_everything();
    for format in CompressionFormat::ALL {
        let archive = package.write(format);
        let (manifest, contents, signatures) = read_all(&archive).expect("we wrote it");
        assert_eq!(manifest, package.manifest, "{format}");
        assert_eq!(contents, package.contents, "{format}");
        assert!(signatures.is_empty());
    }
}
