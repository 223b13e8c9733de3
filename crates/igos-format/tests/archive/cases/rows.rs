//! Rows of the manifest that no package may have; headers say the same.

use igos_format::archive::ReadArchiveError as E;
use igos_format::manifest::{LineProblem, ManifestError, ManifestRule};

use super::case::{ALL, Case, cases};
use super::manifest::{line, rule, say};
use crate::forge::{Forge, put_sum};

/// An archive where the path `from` is `to` in manifest and header; `shown` is how the manifest writes it.
fn renamed(forge: &Forge, from: &str, to: &[u8], shown: &str) -> Vec<u8> {
    forge.change(|forge| {
        let (frame, at) = forge.find(from.trim_end_matches('\n'));
        let block = &mut forge.payload[frame][at..at + 512];
        let length = to.len().min(100);
        block[..100].fill(0);
        block[..length].copy_from_slice(&to[..length]);
        put_sum(block);
        let row = from.trim_end_matches('/');
        say(forge, &format!(" {row}\n"), format!(" {shown}\n"));
    })
}

fn named(forge: &Forge, to: &str) -> Vec<u8> {
    renamed(forge, "bin/d", to.as_bytes(), to)
}

/// An archive where the last file but the directories has another path: it sorts behind `lib`.
fn last(forge: &Forge, to: &str) -> Vec<u8> {
    renamed(forge, "x", to.as_bytes(), to)
}

/// An archive where the symbolic link has another target, in header and manifest.
fn leads(forge: &Forge, to: &[u8], shown: &str) -> Vec<u8> {
    forge.change(|forge| {
        let (frame, at) = forge.find("bin/b");
        let block = &mut forge.payload[frame][at..at + 512];
        let length = to.len().min(100);
        block[157..257].fill(0);
        block[157..157 + length].copy_from_slice(&to[..length]);
        put_sum(block);
        say(forge, " bin/b a\n", format!(" bin/b {shown}\n"));
    })
}

/// An archive where the directory `y` is something of another type, in header and manifest.
fn turned(forge: &Forge, flag: u8, row: &str) -> Vec<u8> {
    forge.change(|forge| {
        let (frame, at) = forge.find("y/");
        let block = &mut forge.payload[frame][at..at + 512];
        block[1] = 0;
        block[156] = flag;
        put_sum(block);
        say(
            forge,
            "directory 0755 root 0 root 0 y\n",
            format!("{row} y\n"),
        );
    })
}

/// An archive whose manifest has other words in the row of `y`.
fn y(forge: &Forge, row: &str) -> Vec<u8> {
    forge.change(|forge| {
        say(
            forge,
            "directory 0755 root 0 root 0 y\n",
            format!("{row}\n"),
        )
    })
}

/// An archive whose manifest has `to` for `from`.
fn said(forge: &Forge, from: &str, to: &str) -> Vec<u8> {
    forge.change(|forge| say(forge, from, to))
}

/// An archive whose manifest gives another digest or size to `bin/d`, by changing the fields of its row.
fn fields(forge: &Forge, change: impl Fn(&mut Vec<String>)) -> Vec<u8> {
    forge.change(|forge| {
        let text = String::from_utf8(forge.manifest.clone()).expect("it is text");
        let row = text
            .lines()
            .find(|line| line.ends_with(" bin/d"))
            .expect("it has this path");
        let mut words = row.split(' ').map(str::to_owned).collect();
        change(&mut words);
        say(forge, row, words.join(" "));
    })
}

pub(crate) fn rows_that_no_package_may_have() -> Vec<Case> {
    [paths(), reserved(), kinds(), numbers(), flags()]
        .into_iter()
        .flatten()
        .collect()
}

fn paths() -> Vec<Case> {
    cases! {
        "a row with a climbing path" "X1" ALL, |f| named(f, "../d") => line!(Value),
        "a row that climbs in the middle" "X1" ALL, |f| named(f, "bin/../../d") => line!(Value),
        "a row that climbs at the end" "X1" ALL, |f| named(f, "bin/d/..") => line!(Value),
        "a row that is two dots" "X1" ALL, |f| named(f, "..") => line!(Value),
        "a row that is a dot" "X1" ALL, |f| named(f, ".") => line!(Value),
        "a row that begins with a dot" "X1" ALL, |f| named(f, "./bin/d") => line!(Value),
        "a row with a dot in the middle" "X1" ALL, |f| named(f, "bin/./d") => line!(Value),
        "a row with an absolute path" "X1" ALL, |f| named(f, "/etc/d") => line!(Value),
        "a row that is the root" "X1" ALL, |f| named(f, "/") => line!(Value),
        "a row with two slashes" "X1" ALL, |f| named(f, "bin//d") => line!(Value),
        "a row with a slash at the end" "X1" ALL, |f| named(f, "bin/d/") => line!(Value),
        "a row without a path" "X1" ALL, |f| named(f, "") => line!(Value),
        "a row with a climbing path escaped" "X1 E12" ALL, |f| renamed(f, "bin/d", b"../d", "\\x2e\\x2e/d") => line!(Value),
        "a row with a component of 256 bytes" "X7 E11" ALL, |f| named(f, &"d".repeat(256)) => line!(Value),
        "a row of 4096 bytes" "X7 E11" ALL, |f| {
            let parents = format!("{}/", "d".repeat(255)).repeat(15);
            named(f, &format!("{parents}{}/{}", "d".repeat(128), "d".repeat(127)))
        } => line!(Value),
        "a row of 257 components" "X7 E11" ALL, |f| named(f, &["d"; 257].join("/")) => line!(Value),
        "a row with a NUL" "E12 P13" ALL, |f| renamed(f, "bin/d", b"bin/d\0e", "bin/d\\x00e") => line!(Value),
        "a row with a line feed" "E12 P13" ALL, |f| renamed(f, "bin/d", b"bin/d\ne", "bin/d\\x0ae") => line!(Value),
        "a row with a tab" "E12 P13" ALL, |f| renamed(f, "bin/d", b"bin/d\te", "bin/d\\x09e") => line!(Value),
        "a row with ESC" "E12 P13" ALL, |f| renamed(f, "bin/d", b"bin/\x1b[2J", "bin/\\x1b[2J") => line!(Value),
        "a row with DEL" "E12 P13" ALL, |f| renamed(f, "bin/d", b"bin/\x7f", "bin/\\x7f") => line!(Value),
        "a row with a raw C1 control" "E12 P13" ALL, |f| renamed(f, "bin/d", "bin/\u{9b}".as_bytes(), "bin/\u{9b}") => line!(Value),
        "a row with a raw space" "E12 X5" ALL, |f| renamed(f, "bin/d", b"bin/d e", "bin/d e") => line!(Value),
        "a row escaped needlessly" "E12 X5" ALL, |f| renamed(f, "bin/d", b"bin/d", "bin/\\x64") => line!(Value),
        "a row escaped with capitals" "E12 X5" ALL, |f| renamed(f, "bin/d", b"bin/\xff", "bin/\\xFF") => line!(Value),
        "a path twice" "X6" ALL, |f| named(f, "bin/c") => rule!(Order),
        "paths out of order" "X6" ALL, |f| named(f, "bin/g") => rule!(Order),
        "a path below a symbolic link of the archive" "X1 X3" ALL, |f| renamed(f, "bin/c", b"bin/b/c", "bin/b/c") => rule!(BelowFile),
        "a path below a file of the archive" "X1" ALL, |f| last(f, "lib/x") => rule!(BelowFile),
        "a directory turned into a link below which there are files" "X1 X3" ALL,
            |f| said(f, "directory 0755 root 0 root 0 bin\n", "symlink 0777 root 0 root 0 bin /etc\n") => rule!(BelowFile),
    }
}

fn reserved() -> Vec<Case> {
    cases! {
        "the database of the package manager" "P3" ALL, |f| last(f, "var/lib/igos/db") => rule!(ReservedPath),
        "the manifest of another package" "P3" ALL, |f| last(f, "var/lib/igos/packages/other") => rule!(ReservedPath),
        "the journal" "P3" ALL, |f| last(f, "var/lib/igos/journal") => rule!(ReservedPath),
        "the directory of the record itself" "P3" ALL, |f| last(f, "var/lib/igos") => rule!(ReservedPath),
        "the cache of repositories" "P3" ALL, |f| last(f, "var/cache/igos/repositories") => rule!(ReservedPath),
        "a repository of the package manager" "P3" ALL, |f| renamed(f, "lib", b"etc/igos/repositories.d/evil.toml", "etc/igos/repositories.d/evil.toml") => rule!(ReservedPath),
        "a name of the staging directory" "P2" ALL, |f| last(f, "usr/.igos-stage") => rule!(ReservedPath),
        "a name below the staging directory" "P2" ALL, |f| last(f, "usr/.igos-stage/1") => rule!(ReservedPath),
        "a temporary name" "P2" ALL, |f| last(f, "usr/.pkm-new") => rule!(ReservedPath),
        "a member of the archive itself" "P3" ALL, |f| last(f, "usr/.igos/manifest") => rule!(ReservedPath),
    }
}

fn kinds() -> Vec<Case> {
    cases! {
        "a row of a FIFO" "E17" ALL, |f| turned(f, b'6', "fifo 0644 root 0 root 0") => line!(ReservedKey),
        "a row of a character device" "E17" ALL, |f| turned(f, b'3', "character 0644 root 0 root 0") => line!(ReservedKey),
        "a row of a block device" "E17" ALL, |f| turned(f, b'4', "block 0644 root 0 root 0") => line!(ReservedKey),
        "a row of a socket" "E17" ALL, |f| turned(f, b's', "socket 0644 root 0 root 0") => line!(ReservedKey),
        "a row of a device" "E17" ALL, |f| turned(f, b'3', "device 0644 root 0 root 0 1 3") => line!(UnknownKey),
        "a row of a hard link" "X4 E17" ALL, |f| turned(f, b'1', "hardlink 0644 root 0 root 0 /etc/shadow") => line!(UnknownKey),
        "a row without an owner" "X6" ALL, |f| y(f, "directory 0755 y") => line!(Missing),
        "a link without a target" "X6" ALL, |f| leads(f, b"", "") => rule!(Target),
        "a link with a target of 4096 bytes" "X7" ALL, |f| leads(f, &[b'a'; 4096], &"a".repeat(4096)) => rule!(Target),
        "a link with a NUL in its target" "E12" ALL, |f| leads(f, b"a\0b", "a\\x00b") => rule!(Target),
        "a link with a line feed in its target" "E12 P13" ALL, |f| leads(f, b"a\nb", "a\\x0ab") => rule!(Target),
        "a link with ESC in its target" "E12 P13" ALL, |f| leads(f, b"\x1b[2J", "\\x1b[2J") => rule!(Target),
        "a link with a mode" "P13" ALL, |f| said(f, "symlink 0777 root 0 root 0 bin/b", "symlink 4777 root 0 root 0 bin/b") => rule!(Mode),
    }
}

fn numbers() -> Vec<Case> {
    cases! {
        "a size below zero" "X8" ALL, |f| fields(f, |row| row[6] = "-1".to_owned()) => line!(Value),
        "a size in hexadecimal" "X8" ALL, |f| fields(f, |row| row[6] = "0x5".to_owned()) => line!(Value),
        "a size with a leading zero" "X8 X5" ALL, |f| fields(f, |row| row[6] = "05".to_owned()) => line!(NotCanonical),
        "a size with a plus sign" "X8 X5" ALL, |f| fields(f, |row| row[6] = "+5".to_owned()) => line!(NotCanonical),
        "a size of 2^64" "X8" ALL, |f| fields(f, |row| row[6] = "18446744073709551616".to_owned()) => line!(Value),
        "sizes that are 2^64 together" "X8" ALL, |f| fields(f, |row| row[6] = u64::MAX.to_string()) => E::FrameRow { row: 0 },
        "a size one more" "X6" ALL, |f| fields(f, |row| row[6] = "6".to_owned()) => E::Header { .. },
        "a size of another block more" "X6" ALL, |f| fields(f, |row| row[6] = "600".to_owned()) => E::FrameRow { row: 0 },
        "a size of a pebibyte" "X9 X6" ALL, |f| fields(f, |row| row[6] = (1_u64 << 50).to_string()) => E::FrameRow { row: 0 },
        "a row with another digest" "X6 P9" ALL, |f| fields(f, |row| {
            let first = if row[7].starts_with('0') { "1" } else { "0" };
            row[7].replace_range(..1, first);
        }) => E::Content { .. },
        "a row with a digest of 63 digits" "P9" ALL, |f| fields(f, |row| { row[7].pop(); }) => line!(Value),
        "a row with a digest of 12 digits" "P9" ALL, |f| fields(f, |row| row[7].truncate(12)) => line!(Value),
        "a row with a digest in capitals" "P9" ALL, |f| fields(f, |row| row[7] = "A".repeat(64)) => line!(Value),
        "a row with an empty digest" "P9" ALL, |f| fields(f, |row| row[7].clear()) => line!(Value),
        "a row with a space before its digest" "P9" ALL, |f| fields(f, |row| row[7].insert(0, ' ')) => line!(Value),
        "a row with a mode of five digits" "P13" ALL, |f| fields(f, |row| row[1] = "10644".to_owned()) => rule!(Mode),
        "a row with a mode of three digits" "P13 X5" ALL, |f| fields(f, |row| row[1] = "644".to_owned()) => line!(NotCanonical),
        "a row with a mode that is not octal" "P13 X8" ALL, |f| fields(f, |row| row[1] = "0999".to_owned()) => line!(Value),
        "a row with a mode of 2^16" "P13 X8" ALL, |f| fields(f, |row| row[1] = "200000".to_owned()) => line!(Value),
        "a row that is setuid where the header is not" "P13 X6" ALL, |f| fields(f, |row| row[1] = "4755".to_owned()) => E::Header { .. },
        "a row that others may write where the header does not say so" "P13 X6" ALL, |f| fields(f, |row| row[1] = "0666".to_owned()) => E::Header { .. },
        "a row with a user below zero" "X8" ALL, |f| fields(f, |row| row[3] = "-1".to_owned()) => line!(Value),
        "a row with a user of 2^32" "X8" ALL, |f| fields(f, |row| row[3] = "4294967296".to_owned()) => line!(Value),
        "a row with a user name with a colon" "P13" ALL, |f| fields(f, |row| row[2] = "root:x".to_owned()) => line!(Value),
        "a row with a user name with ESC" "P13" ALL, |f| fields(f, |row| row[2] = "ro\x1bot".to_owned()) => line!(Value),
        "a row of another user than the header" "P13 X6" ALL, |f| fields(f, |row| row[2] = "mail".to_owned()) => E::Header { .. },
        "a row of another group than the header" "P13 X6" ALL, |f| fields(f, |row| row[5] = "8".to_owned()) => E::Header { .. },
    }
}

fn flags() -> Vec<Case> {
    cases! {
        "an unknown flag" "X5" ALL, |f| y(f, "directory 0755 root 0 root 0 immutable y") => line!(Value),
        "a directory as configuration" "X5" ALL, |f| y(f, "directory 0755 root 0 root 0 config y") => rule!(Flag),
        "a directory with capabilities" "P13" ALL, |f| y(f, "directory 0755 root 0 root 0 caps=1:0:1 y") => rule!(Flag),
        "capabilities that the header has not" "P13 E15" ALL, |f| fields(f, |row| row[8].insert_str(0, "caps=2000:0:1 ")) => E::FrameRow { row: 0 },
        "capabilities past 64 bits" "X8" ALL, |f| fields(f, |row| row[8].insert_str(0, "caps=10000000000000000:0:1 ")) => line!(Value),
        "capabilities that are not a number" "X8" ALL, |f| fields(f, |row| row[8].insert_str(0, "caps=all:0:1 ")) => line!(Value),
        "capabilities by the raw attribute" "P13 E15" ALL, |f| said(f, "xattr=user.a=62 x", "xattr=security.capability=62 x") => rule!(Xattr),
        "an attribute of an unknown namespace" "E15" ALL, |f| said(f, "xattr=user.a=62 x", "xattr=other.a=62 x") => rule!(Xattr),
        "an attribute without a name" "E15" ALL, |f| said(f, "xattr=user.a=62 x", "xattr=user.=62 x") => rule!(Xattr),
        "an attribute of half a byte" "E15 X5" ALL, |f| said(f, "xattr=user.a=62 x", "xattr=user.a=6 x") => line!(Value),
        "an attribute twice" "E15 X5" ALL, |f| said(f, "xattr=user.a=62 x", "xattr=user.a=62 xattr=user.a=62 x") => line!(NotCanonical),
        "an attribute that the header has not" "E15 X6" ALL, |f| said(f, "xattr=user.a=62 x", "xattr=user.b=62 x") => E::Header { .. },
        "attributes of 49 KiB" "X7 E15" ALL, |f| {
            let long = format!("xattr=user.a={} x", "62".repeat(49 * 1024));
            said(f, "xattr=user.a=62 x", &long)
        } => rule!(Xattr),
        "a link group of one" "X4" ALL, |f| said(f, "link=1 bin/f", "bin/f") => E::Manifest { .. },
        "a link group of nobody" "X4" ALL, |f| said(f, "link=1 bin/f", "link=0 bin/f") => rule!(LinkNumber),
        "a link group far away" "X4 X8" ALL, |f| said(f, "link=1 bin/f", "link=4294967295 bin/f") => rule!(LinkNumber),
        "a link group of 2^32" "X4 X8" ALL, |f| said(f, "link=1 bin/f", "link=4294967296 bin/f") => line!(Value),
        "a directory in a link group" "X4" ALL, |f| y(f, "directory 0755 root 0 root 0 link=1 y") => line!(Value),
        "a symbolic link in a link group" "X4" ALL, |f| said(f, "0 bin/b a", "0 link=1 bin/b a") => line!(Value),
        "a link group of two contents" "X4 X6" ALL, |f| {
            let digest = igos_format::Sha256::of(b"linked");
            let other = igos_format::Sha256::of(b"leaked");
            said(f, &format!("6 {digest} link=1 bin/f"), &format!("6 {other} link=1 bin/f"))
        } => rule!(LinkDiffers),
    }
}
