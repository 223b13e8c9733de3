//! Archives: any bytes, and honest archives with a piece changed.

use std::io::Read;
use std::sync::LazyLock;

use igos_format::archive::{CompressionFormat, Head};
use igos_format::{EntryKind, FileEntry, Sha256};

use crate::forge::{BLOCK, Forge, decompress, put_sum};
use crate::support::{Package, read_all};

/// Reads bytes as an archive.
pub fn archive(data: &[u8]) {
    if read_all(data).is_ok() {
        compare_with_tar(data);
    }
}

static HONEST: LazyLock<[Forge; 3]> = LazyLock::new(|| {
    let package = Package::of_document();
    CompressionFormat::ALL.map(|format| Forge::new(&package, format))
});

/// What a change is made to.
#[derive(Clone, Copy)]
enum Piece {
    Seal,
    Table,
    Members,
    Manifest,
    Provenance,
    Payload,
    Header,
    Stored,
    Tail,
}

const PIECES: [Piece; 9] = [
    Piece::Seal,
    Piece::Table,
    Piece::Members,
    Piece::Manifest,
    Piece::Provenance,
    Piece::Payload,
    Piece::Header,
    Piece::Stored,
    Piece::Tail,
];

/// Changes one piece of an honest archive and makes all that follows from it consistent: whatever is accepted, a
/// second reader of tar sees the same.
pub fn archive_pieces(data: &[u8]) {
    let [format, piece, low, high, removed, added @ ..] = data else {
        return;
    };
    let forge = &HONEST[usize::from(*format) % HONEST.len()];
    let at = usize::from(u16::from_le_bytes([*low, *high]));
    let splice = |bytes: &mut Vec<u8>| {
        let start = at.min(bytes.len());
        let end = (start + usize::from(*removed)).min(bytes.len());
        bytes.splice(start..end, added.iter().copied());
    };
    let archive = match PIECES[usize::from(*piece) % PIECES.len()] {
        Piece::Seal => forge.change_seal(|seal| {
            let mut bytes = seal.into_bytes();
            splice(&mut bytes);
            String::from_utf8_lossy(&bytes).into_owned()
        }),
        Piece::Table => {
            let stored = forge.stored();
            let mut table = forge.table(&stored).to_text().into_bytes();
            splice(&mut table);
            forge.with_table_text(&table, &stored)
        }
        Piece::Members => forge.change_members(|members| {
            let mut bytes = members.concat();
            splice(&mut bytes);
            *members = vec![bytes];
        }),
        Piece::Manifest => forge.change(|forge| {
            let length = forge.manifest.len() - 69;
            forge.manifest.truncate(length);
            splice(&mut forge.manifest);
            let end = format!("end {}\n", Sha256::of(&forge.manifest));
            forge.manifest.extend(end.into_bytes());
        }),
        Piece::Provenance => forge.change(|forge| splice(&mut forge.provenance)),
        Piece::Payload => forge.change(|forge| splice(&mut forge.payload[0])),
        Piece::Header => forge.change(|forge| {
            let block = at / BLOCK * BLOCK % forge.payload[0].len();
            let block = &mut forge.payload[0][block..block + BLOCK];
            for (byte, new) in block.iter_mut().skip(at % BLOCK).zip(added) {
                *byte = *new;
            }
            put_sum(block);
        }),
        Piece::Stored => forge.change_stored(|stored| splice(&mut stored[0])),
        Piece::Tail => forge.change(|forge| splice(&mut forge.tail)),
    };
    if read_all(&archive).is_ok() {
        compare_with_tar(&archive);
    }
}

/// Reads an accepted archive as the tar that it is.
fn compare_with_tar(archive: &[u8]) {
    let head = Head::read(archive).expect("the archive was accepted");
    let format = head.compression();
    let mut bytes = decompress(format, &archive[..head.length() as usize]);
    for frame in &head.frames().frames {
        let start = (head.length() + frame.offset) as usize;
        bytes.extend(decompress(
            format,
            &archive[start..start + frame.compressed as usize],
        ));
    }
    bytes.extend(decompress(format, &archive[head.tail_offset() as usize..]));

    let mut tar = tar::Archive::new(bytes.as_slice());
    let mut members = tar
        .entries()
        .expect("it is a tar")
        .map(|member| member.expect("its headers can be read"));
    for name in [
        ".igos/seal",
        ".igos/manifest",
        ".igos/provenance.json",
        ".igos/frames",
    ] {
        let member = members.next().expect("the head has four members");
        assert_eq!(*member.path_bytes(), *name.as_bytes());
    }
    for entry in &head.manifest().entries {
        let mut member = members.next().expect("every row has a member");
        compare_member(entry, &mut member);
    }
    let signatures = members.filter(|member| *member.path_bytes() != *b".igos/signatures");
    assert_eq!(
        signatures.count(),
        0,
        "nothing is there that the manifest does not say"
    );
}

fn compare_member(entry: &FileEntry, member: &mut tar::Entry<'_, &[u8]>) {
    let mut path = entry.path.as_bytes().to_vec();
    if entry.kind == EntryKind::Directory {
        path.push(b'/');
    }
    assert_eq!(*member.path_bytes(), *path);
    let header = member.header().clone();
    assert_eq!(header.mode().ok(), Some(entry.mode.into()));
    match &entry.kind {
        EntryKind::Directory => assert!(header.entry_type().is_dir()),
        EntryKind::Symlink { target } => {
            assert!(header.entry_type().is_symlink());
            assert_eq!(member.link_name_bytes().as_deref(), Some(target.as_slice()));
        }
        EntryKind::File { sha256, size, .. } if header.entry_type().is_file() => {
            assert_eq!(member.size(), *size);
            let mut content = Vec::new();
            member.read_to_end(&mut content).expect("it was accepted");
            assert_eq!(Sha256::of(&content), *sha256);
        }
        EntryKind::File { .. } => {
            assert!(header.entry_type().is_hard_link());
            assert_eq!(member.size(), 0);
        }
    }
}
