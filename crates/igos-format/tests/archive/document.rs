//! The examples of `docs/formats/archive.md`, and archives kept of each version of the format.

use igos_format::archive::{
    ArchiveReader, CompressionFormat, FrameTable, Head, METADATA_MAX_BYTES, Seal, Signatures,
};
use igos_format::escape::unescape;
use igos_format::{Sha256, manifest};

use crate::forge::{BLOCK, Forge, member};
use crate::support::{Package, read_all};

const DOCUMENT: &str = include_str!("../../../../docs/formats/archive.md");

/// One archive of each compressed form, of [`Package::of_document`], as format 1 wrote it.
const KEPT: [(CompressionFormat, &[u8]); 3] = [
    (
        CompressionFormat::Zstd,
        include_bytes!("data/format-1.igos.tar.zst"),
    ),
    (
        CompressionFormat::Gzip,
        include_bytes!("data/format-1.igos.tar.gz"),
    ),
    (
        CompressionFormat::Xz,
        include_bytes!("data/format-1.igos.tar.xz"),
    ),
];

fn example(kind: &str) -> &'static str {
    let (_, rest) = DOCUMENT
        .split_once(&format!("\n```{kind}\n"))
        .expect("the document has the example");
    &rest[..=rest.find("\n```").expect("the example ends")]
}

#[test]
fn kept_archives_are_read() {
    let package = Package::of_document();
    for (format, archive) in KEPT {
        let (manifest, contents, signatures) = read_all(archive).expect("we keep what we wrote");
        assert_eq!(manifest, package.manifest, "{format}");
        assert_eq!(contents, package.contents, "{format}");
        assert_eq!(signatures, Signatures::new());
    }
}

#[test]
fn kept_archives_are_written_again() {
    // If this fails after an update of a codec, every archive that is built from now on differs from those built
    // before: that is worth a line in the change log, and new files here.
    for (format, archive) in KEPT {
        assert!(Package::of_document().write(format) == archive, "{format}");
    }
}

#[test]
fn texts_of_the_document_are_those_of_the_kept_archive() {
    let (_, archive) = KEPT[0];
    let head = Head::read(archive).expect("we keep what we wrote");
    assert_eq!(example("seal").as_bytes(), head.seal().to_bytes());
    assert_eq!(
        Seal::from_bytes(example("seal").as_bytes()).ok(),
        Some(*head.seal())
    );
    assert_eq!(example("frames"), head.frames().to_text());
    assert_eq!(
        FrameTable::from_bytes(example("frames").as_bytes())
            .ok()
            .as_ref(),
        Some(head.frames())
    );
    assert_eq!(example("provenance").as_bytes(), head.provenance());
    assert_eq!(example("manifest").as_bytes(), &**head.manifest_bytes());
    assert_eq!(
        manifest::read(example("manifest").as_bytes()).as_ref(),
        Ok(&**head.manifest())
    );
    let digest = Sha256::of(example("seal").as_bytes());
    assert!(DOCUMENT.contains(&format!("identity of this package is\n`{digest}`")));
    assert_eq!(head.seal_digest(), digest);
    assert_eq!(METADATA_MAX_BYTES, 16 * 1024 * 1024);
}

/// Puts a header block together from lines `OFFSET FIELD TEXT`; what is in no line is zero.
fn block(lines: &str) -> Vec<u8> {
    let mut block = vec![0; BLOCK];
    for line in lines.lines() {
        let fields: Vec<&str> = line.splitn(3, ' ').collect();
        let [at, _, text] = fields[..] else {
            panic!("{line} has three fields");
        };
        let at: usize = at.parse().expect("an offset is a number");
        let text = unescape(text).expect("a text is escaped");
        block[at..at + text.len()].copy_from_slice(&text);
    }
    block
}

#[test]
fn headers_of_the_document_are_those_of_the_kept_archive() {
    for format in CompressionFormat::ALL {
        let forge = Forge::new(&Package::of_document(), format);
        let payload = forge.payload.concat();
        let mut expected = Vec::new();
        for (kind, content) in [
            ("header bin", ""),
            ("header bin/tiny", "hello\n"),
            ("header lib/one", "linked\n"),
            ("header lib/two", ""),
            ("header sbin", ""),
            ("header pax", example("pax share/note")),
            ("header share/note", "hello\n"),
        ] {
            expected.extend(block(example(kind)));
            expected.extend(content.as_bytes());
            expected.resize(expected.len().next_multiple_of(BLOCK), 0);
        }
        assert_eq!(payload.len(), expected.len());
        for (number, (found, expected)) in payload
            .chunks(BLOCK)
            .zip(expected.chunks(BLOCK))
            .enumerate()
        {
            assert_eq!(
                String::from_utf8_lossy(found),
                String::from_utf8_lossy(expected),
                "block {number}"
            );
        }
        assert_eq!(forge.tail, [0; 2 * BLOCK]);
    }
    let seal = example("seal");
    assert_eq!(
        member(".igos/seal", seal.as_bytes())[..BLOCK],
        block(example("header .igos/seal"))
    );
}

#[test]
fn signatures_of_the_document_are_read() {
    let mut forge = Forge::new(&Package::of_document(), CompressionFormat::Zstd);
    let text = example("signatures");
    forge.tail = [
        member(".igos/signatures", text.as_bytes()),
        vec![0; 2 * BLOCK],
    ]
    .concat();
    let archive = forge.build();
    let reader = ArchiveReader::open(archive.as_slice()).expect("it is an archive");
    let signatures = reader.finish().expect("the document is right");
    assert_eq!(signatures.len(), 1);
}
