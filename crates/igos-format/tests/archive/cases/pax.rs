//! Extended headers that are not ours, and members that the manifest does not have.

use igos_format::archive::ReadArchiveError as E;

use super::case::{ALL, Case, cases};
use crate::forge::{BLOCK, Forge, member, put, put_size, put_sum};

/// An archive whose extended header of `x` has other records; its length is made right.
fn records(forge: &Forge, records: &[u8]) -> Vec<u8> {
    forge.change(|forge| {
        let (frame, at) = forge.find("x");
        let header = &mut forge.payload[frame][at - 2 * BLOCK..at];
        header[BLOCK..].fill(0);
        header[BLOCK..BLOCK + records.len()].copy_from_slice(records);
        put_size(&mut header[..BLOCK], records.len() as u64);
    })
}

/// An archive whose extended header of `x` has a block that `change` changed.
fn extended(forge: &Forge, change: impl Fn(&mut [u8])) -> Vec<u8> {
    forge.change(|forge| {
        let (frame, at) = forge.find("x");
        let block = &mut forge.payload[frame][at - 2 * BLOCK..at - BLOCK];
        change(block);
        put_sum(block);
    })
}

/// A member of another type, made right in itself.
fn of_type(flag: u8, name: &str, content: &[u8]) -> Vec<u8> {
    let mut bytes = member(name, content);
    bytes[156] = flag;
    put_sum(&mut bytes[..BLOCK]);
    bytes
}

/// An archive with more bytes before the header of a path, of which frame table and seal know.
fn before(forge: &Forge, path: &str, bytes: &[u8]) -> Vec<u8> {
    forge.change(|forge| {
        let (frame, at) = forge.find(path);
        forge.payload[frame].splice(at..at, bytes.iter().copied());
    })
}

/// An archive with other bytes in the place of the directories `y` and `z` at the end, so that all lengths are right.
fn instead(forge: &Forge, bytes: &[u8]) -> Vec<u8> {
    assert_eq!(bytes.len(), 2 * BLOCK, "the length stays");
    forge.change(|forge| {
        let (frame, at) = forge.find("y/");
        forge.payload[frame].splice(at..at + 2 * BLOCK, bytes.iter().copied());
    })
}

/// A change of one field of the header of `bin/a`.
fn field(forge: &Forge, at: usize, bytes: &[u8]) -> Vec<u8> {
    forge.change_header("bin/a", |block| {
        block[at..at + bytes.len()].copy_from_slice(bytes);
    })
}

pub(crate) fn headers_of_other_programs() -> Vec<Case> {
    [pax_records(), pax_headers(), members(), fields()]
        .into_iter()
        .flatten()
        .collect()
}

fn pax_records() -> Vec<Case> {
    cases! {
        "a record with a climbing path" "X5 X1" ALL, |f| records(f, b"16 path=../../x\n") => E::Header { .. },
        "a record with an absolute path" "X5 X1" ALL, |f| records(f, b"20 path=/etc/passwd\n") => E::Header { .. },
        "a record with the path itself" "X5" ALL, |f| records(f, b"10 path=x\n") => E::Header { .. },
        "a record with a link's target" "X5 X4" ALL, |f| records(f, b"24 linkpath=/etc/shadow\n") => E::Header { .. },
        "a record with another size" "X5 X8" ALL, |f| records(f, b"10 size=0\n") => E::Header { .. },
        "a record with the same size" "X5 X8" ALL, |f| records(f, b"12 size=600\n") => E::Header { .. },
        "a record with a size below zero" "X5 X8" ALL, |f| records(f, b"11 size=-1\n") => E::Header { .. },
        "a record with a size of 2^64" "X5 X8" ALL, |f| records(f, b"29 size=18446744073709551616\n") => E::Header { .. },
        "a record with a time of a fraction" "X5" ALL, |f| records(f, b"13 mtime=1.5\n") => E::Header { .. },
        "a record with an owner" "X5 P13" ALL, |f| records(f, b"9 uid=0\n") => E::Header { .. },
        "a record with a user name" "X5 P13" ALL, |f| records(f, b"14 uname=mail\n") => E::Header { .. },
        "a record of a character set" "X5" ALL, |f| records(f, b"21 hdrcharset=BINARY\n") => E::Header { .. },
        "a comment" "X5" ALL, |f| records(f, b"13 comment=a\n") => E::Header { .. },
        "a record of a vendor" "X5" ALL, |f| records(f, b"12 IGOS.a=b\n") => E::Header { .. },
        "a record of a sparse file" "X5 X8" ALL, |f| records(f, b"22 GNU.sparse.major=1\n") => E::Header { .. },
        "a record of a sparse size" "X5 X8" ALL, |f| records(f, b"30 GNU.sparse.realsize=9999999\n") => E::Header { .. },
        "a record of an access list" "X5 E15" ALL, |f| records(f, b"33 SCHILY.acl.access=user::rwx,x\n") => E::Header { .. },
        "a record of file flags" "X5 E18" ALL, |f| records(f, b"27 SCHILY.fflags=immutable\n") => E::Header { .. },
        "a record of capabilities" "X5 P13" ALL, |f| records(f, b"36 SCHILY.xattr.security.capability=\n") => E::Header { .. },
        "a record of an attribute of overlays" "X5 E15" ALL, |f| records(f, b"41 SCHILY.xattr.trusted.overlay.redirect=a\n") => E::Header { .. },
        "a record without a key" "X5" ALL, |f| records(f, b"5 =x\n") => E::Header { .. },
        "a record without a value" "X5" ALL, |f| records(f, b"7 path\n") => E::Header { .. },
        "a record without its line feed" "X5" ALL, |f| records(f, b"27 SCHILY.xattr.user.a=b ") => E::Header { .. },
        "a record of length zero" "X5 X8" ALL, |f| records(f, b"0 SCHILY.xattr.user.a=b\n") => E::Header { .. },
        "a record of negative length" "X5 X8" ALL, |f| records(f, b"-25 SCHILY.xattr.user.a=b\n") => E::Header { .. },
        "a record with a length of zeros before it" "X5 X8" ALL, |f| records(f, b"026 SCHILY.xattr.user.a=b\n") => E::Header { .. },
        "a record longer than its header" "X5 X8" ALL, |f| records(f, b"99 SCHILY.xattr.user.a=b\n") => E::Header { .. },
        "a record with a length of 2^64" "X5 X8" ALL, |f| records(f, b"18446744073709551641 SCHILY.xattr.user.a=b\n") => E::Header { .. },
        "a record with a NUL in its value" "X5 E12" ALL, |f| records(f, b"12 path=a\0b\n") => E::Header { .. },
        "a record before the right one" "X5" ALL, |f| records(f, b"10 path=x\n25 SCHILY.xattr.user.a=b\n") => E::Header { .. },
        "a record behind the right one" "X5" ALL, |f| records(f, b"25 SCHILY.xattr.user.a=b\n10 path=x\n") => E::Header { .. },
        "no records in an extended header" "X5" ALL, |f| records(f, b"") => E::Header { .. },
    }
}

fn pax_headers() -> Vec<Case> {
    cases! {
        "a global header in the place of an extended one" "X5" ALL, |f| extended(f, |b| b[156] = b'g') => E::Header { .. },
        "an extended header of Solaris" "X5" ALL, |f| extended(f, |b| b[156] = b'X') => E::Header { .. },
        "an extended header with another name" "X5" ALL, |f| extended(f, |b| put(b, 0, "PaxHeaders/x\0")) => E::Header { .. },
        "an extended header that climbs" "X5 X1" ALL, |f| extended(f, |b| put(b, 0, "../../x\0\0")) => E::Header { .. },
        "an extended header with another mode" "X5" ALL, |f| extended(f, |b| put(b, 100, "0000600")) => E::Header { .. },
        "an extended header with another time" "X5" ALL, |f| extended(f, |b| put(b, 136, "00000000000")) => E::Header { .. },
        "an extended header with a size in base 256" "X5 X8" ALL, |f| extended(f, |b| b[124] = 0x80) => E::Header { .. },
        "an extended header with a size below zero" "X5 X8" ALL, |f| extended(f, |b| b[124..136].fill(0xff)) => E::Header { .. },
        "an extended header of 8 GiB" "X5 X7 X8" ALL, |f| extended(f, |b| put(b, 124, "77777777777")) => E::Header { .. },
        "an extended header with a wrong sum" "X5" ALL, |f| f.change(|f| {
            let (frame, at) = f.find("x");
            put(&mut f.payload[frame][at - 2 * BLOCK..], 148, "000000");
        }) => E::Header { .. },
        "an extended header at the end, of nothing" "X5" ALL, |f| instead(f, &of_type(b'x', ".igos/pax", b"12 path=evil\n")) => E::Header { .. },
        "a global header in the place of two directories" "X5" ALL, |f| instead(f, &of_type(b'g', "g", b"12 path=evil\n")) => E::Header { .. },
    }
}

fn members() -> Vec<Case> {
    cases! {
        "a global header more" "X5 X6" ALL, |f| before(f, "bin/a", &of_type(b'g', "g", b"12 path=evil\n")) => E::FrameRow { row: 0 },
        "an extended header more" "X5 X6" ALL, |f| before(f, "bin/a", &of_type(b'x', ".igos/pax", b"12 path=evil\n")) => E::FrameRow { row: 0 },
        "a second extended header" "X5 X6" ALL, |f| before(f, "x", &of_type(b'x', ".igos/pax", b"12 path=evil\n")) => E::FrameRow { row: 2 },
        "a long name of GNU more" "X5 X6" ALL, |f| before(f, "bin/a", &of_type(b'L', "././@LongLink", b"../../evil\0")) => E::FrameRow { row: 0 },
        "a long link of GNU more" "X5 X6" ALL, |f| before(f, "bin/b", &of_type(b'K', "././@LongLink", b"/etc/shadow\0")) => E::FrameRow { row: 0 },
        "a volume's name of GNU more" "X5 X6" ALL, |f| before(f, "bin/a", &of_type(b'V', "volume", b"")) => E::FrameRow { row: 0 },
        "a file more" "X6" ALL, |f| before(f, "bin/b", &of_type(b'0', "bin/aa", b"more")) => E::FrameRow { row: 0 },
        "a directory more" "X6" ALL, |f| before(f, "bin/a", &of_type(b'5', "bin/", b"")) => E::FrameRow { row: 0 },
        "a symbolic link more, to write through" "X1 X3 X6" ALL, |f| {
            let mut link = of_type(b'2', "bin/", b"");
            put(&mut link, 157, "/etc");
            put_sum(&mut link[..BLOCK]);
            before(f, "bin/a", &link)
        } => E::FrameRow { row: 0 },
        "a hard link more, to outside" "X4 X6" ALL, |f| {
            let mut link = of_type(b'1', "bin/aa", b"");
            put(&mut link, 157, "/etc/shadow");
            put_sum(&mut link[..BLOCK]);
            before(f, "bin/b", &link)
        } => E::FrameRow { row: 0 },
        "a device more" "E17 X6" ALL, |f| before(f, "bin/a", &of_type(b'3', "dev-null", b"")) => E::FrameRow { row: 0 },
        "an end in the middle" "X5 X6" ALL, |f| before(f, "bin/c", &[0; 2 * BLOCK]) => E::FrameRow { row: 0 },
        "an end in the place of two directories" "X5 X6" ALL, |f| instead(f, &[0; 2 * BLOCK]) => E::Header { .. },
        "a file in the place of two directories" "X6" ALL, |f| instead(f, &of_type(b'0', "y", b"more")) => E::Header { .. },
        "a directory of GNU's incremental form" "X5" ALL, |f| instead(f, &of_type(b'D', "y/", b"Nevil\0")) => E::Header { .. },
        "a file that goes on from another volume" "X5" ALL, |f| instead(f, &of_type(b'M', "y", b"more")) => E::Header { .. },
        "a name of the old GNU form" "X5" ALL, |f| instead(f, &of_type(b'N', "y", b"Rename a to b\n")) => E::Header { .. },
        "an access list of Solaris" "X5" ALL, |f| instead(f, &of_type(b'A', "y", b"user::rwx")) => E::Header { .. },
        "two directories exchanged for a link and its prey" "X1 X3 X6" ALL, |f| {
            let mut link = of_type(b'2', "y", b"");
            put(&mut link, 157, "/etc");
            put_sum(&mut link[..BLOCK]);
            instead(f, &[link, of_type(b'5', "y/z/", b"")].concat())
        } => E::Header { .. },
    }
}

fn fields() -> Vec<Case> {
    cases! {
        "a block device" "E17 X6" ALL, |f| field(f, 156, b"4") => E::Header { .. },
        "a directory in the place of a file" "X6" ALL, |f| field(f, 156, b"5") => E::Header { .. },
        "a hard link with data" "X4 X6" ALL, |f| field(f, 156, b"1") => E::Header { .. },
        "a hard link to itself" "X4 X6" ALL, |f| f.change_header("bin/f", |b| put(b, 157, "bin/f\0")) => E::Header { .. },
        "a hard link to an absolute path" "X4 X6" ALL, |f| f.change_header("bin/f", |b| put(b, 157, "/bin/e")) => E::Header { .. },
        "a hard link to the same path spelt otherwise" "X4 X6" ALL, |f| f.change_header("bin/f", |b| put(b, 157, "bin//e")) => E::Header { .. },
        "a hard link to a directory" "X4 X6" ALL, |f| f.change_header("bin/f", |b| put(b, 157, "bin\0\0\0")) => E::Header { .. },
        "an unknown type" "X5" ALL, |f| field(f, 156, b"Z") => E::Header { .. },
        "a path without its first letters" "X6" ALL, |f| field(f, 0, b"/a\0\0\0") => E::Header { .. },
        "a path with a NUL and more" "X6 E12" ALL, |f| field(f, 6, b"evil") => E::Header { .. },
        "a path with a prefix before it" "X6 X1" ALL, |f| field(f, 345, b"../..") => E::Header { .. },
        "a size below zero in base 256" "X5 X8" ALL, |f| field(f, 124, &[0xff; 12]) => E::Header { .. },
        "a size that is not octal" "X5 X8" ALL, |f| field(f, 124, b"00000000008") => E::Header { .. },
        "a size with spaces" "X5 X8" ALL, |f| field(f, 124, b"         14\0") => E::Header { .. },
        "a size without a NUL" "X5 X8" ALL, |f| field(f, 124, b"000000000014") => E::Header { .. },
        "a mode in base 256" "X5 X8 P13" ALL, |f| field(f, 100, &[0x80, 0, 0, 0, 0, 0, 0x0f, 0xff]) => E::Header { .. },
        "a user in base 256" "X5 X8" ALL, |f| field(f, 108, &[0x80]) => E::Header { .. },
        "a time below zero" "X5 X8" ALL, |f| field(f, 136, &[0xff; 12]) => E::Header { .. },
        "the magic of the old form" "X5" ALL, |f| field(f, 257, &[0; 8]) => E::Header { .. },
        "the sparse fields of GNU" "X5 X8" ALL, |f| field(f, 386, b"00000000000\0") => E::Header { .. },
        "the real size of GNU" "X5 X8" ALL, |f| field(f, 483, b"00000077777\0") => E::Header { .. },
        "a sum with a sign" "X5" ALL, |f| f.change(|f| {
            let (frame, at) = f.find("bin/a");
            put(&mut f.payload[frame][at..], 148, "-1\0\0\0\0");
        }) => E::Header { .. },
        "a sum with spaces before it" "X5" ALL, |f| f.change(|f| {
            let (frame, at) = f.find("bin/a");
            let sum = &mut f.payload[frame][at + 148..at + 156];
            sum.rotate_right(1);
        }) => E::Header { .. },
    }
}
