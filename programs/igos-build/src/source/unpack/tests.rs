//! Archives made in memory, unpacked into a temporary directory.

use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use fs_err as fs;

use super::{Strip, UnpackAnswer, UnpackItem, UnpackKind, UnpackOrder, unpack};

const TIME: u64 = 1_580_608_922;

struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        Place { directory }
    }

    fn unpack(&self, name: &str, bytes: &[u8], strip: Strip) -> Result<UnpackAnswer, String> {
        self.carry_out(name, bytes, strip, UnpackKind::Archive, "", None)
    }

    fn carry_out(
        &self,
        name: &str,
        bytes: &[u8],
        strip: Strip,
        kind: UnpackKind,
        destination: &str,
        member: Option<&str>,
    ) -> Result<UnpackAnswer, String> {
        let file = self.directory.path().join(name);
        fs::write(&file, bytes).expect("the directory is ours");
        let order = UnpackOrder {
            target: self.target().display().to_string(),
            items: vec![UnpackItem {
                file: file.display().to_string(),
                name: name.to_owned(),
                destination: destination.to_owned(),
                kind,
                strip,
                member: member.map(str::to_owned),
            }],
        };
        let input = serde_json::to_vec(&order).expect("an order is JSON");
        unpack(&input).map(|output| serde_json::from_slice(&output).expect("an answer is JSON"))
    }

    fn target(&self) -> std::path::PathBuf {
        self.directory.path().join("target")
    }

    /// Returns every path below the target, sorted.
    fn listing(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut pending = vec![self.target()];
        while let Some(directory) = pending.pop() {
            for entry in fs::read_dir(&directory).expect("it is there") {
                let path = entry.expect("it can be read").path();
                let relative = path.strip_prefix(self.target()).expect("it is below");
                found.push(relative.display().to_string());
                if path.symlink_metadata().expect("it is there").is_dir() {
                    pending.push(path);
                }
            }
        }
        found.sort();
        found
    }
}

enum Kind<'a> {
    Directory,
    File(&'a [u8]),
    Symlink(&'a str),
    Link(&'a str),
    Fifo,
}

fn tarball(entries: &[(&str, Kind<'_>)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, kind) in entries {
        let mut header = tar::Header::new_ustar();
        header.set_mtime(TIME);
        header.set_mode(0o4755);
        let (entry_type, link, data): (_, _, &[u8]) = match kind {
            Kind::Directory => (tar::EntryType::Directory, None, b""),
            Kind::File(data) => (tar::EntryType::Regular, None, data),
            Kind::Symlink(target) => (tar::EntryType::Symlink, Some(*target), b""),
            Kind::Link(target) => (tar::EntryType::Link, Some(*target), b""),
            Kind::Fifo => (tar::EntryType::Fifo, None, b""),
        };
        header.set_entry_type(entry_type);
        header.set_size(data.len() as u64);
        // Written by hand: the builder refuses what a hostile archive would have.
        let name = &mut header.as_old_mut().name;
        name[..path.len()].copy_from_slice(path.as_bytes());
        if let Some(link) = link {
            header.set_link_name_literal(link).expect("a short name");
        }
        header.set_cksum();
        builder.append(&header, data).expect("memory takes it");
    }
    builder.into_inner().expect("memory takes it")
}

fn sample() -> Vec<u8> {
    tarball(&[
        ("top/", Kind::Directory),
        ("top/a", Kind::File(b"content")),
        ("top/sub/b", Kind::File(b"")),
        ("top/link", Kind::Symlink("a")),
        ("top/hard", Kind::Link("top/a")),
    ])
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

fn lzma(bytes: &[u8]) -> Vec<u8> {
    let options = liblzma::stream::LzmaOptions::new_preset(1).expect("a preset");
    let stream = liblzma::stream::Stream::new_lzma_encoder(&options).expect("an encoder");
    let mut encoder = liblzma::write::XzEncoder::new_stream(Vec::new(), stream);
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

/// Wraps the LZMA stream of `.lzma`, whose header has 13 bytes, as `lzip` does (lzip manual, "File format").
fn lzip(bytes: &[u8]) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    // Version 1; a dictionary of 2^20 bytes, that of preset 1.
    let mut member = b"LZIP\x01\x14".to_vec();
    member.extend_from_slice(&lzma(bytes)[13..]);
    member.extend_from_slice(&crc.sum().to_le_bytes());
    member.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    let size = member.len() as u64 + 8;
    member.extend_from_slice(&size.to_le_bytes());
    member
}

#[test]
fn every_compression_gives_the_same_tree() {
    let bzip2 = {
        let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        encoder.write_all(&sample()).expect("memory takes it");
        encoder.finish().expect("memory takes it")
    };
    let xz = liblzma::encode_all(&sample()[..], 1).expect("memory takes it");
    let zstd = zstd::encode_all(&sample()[..], 1).expect("memory takes it");
    for (name, bytes) in [
        ("a.tar", sample()),
        ("a.tar.gz", gzip(&sample())),
        ("a.tgz", gzip(&sample())),
        ("a.tar.bz2", bzip2),
        ("a.tar.xz", xz),
        ("a.tar.lzma", lzma(&sample())),
        ("a.tar.lz", lzip(&sample())),
        ("a.tar.zst", zstd),
    ] {
        let place = Place::new();
        let answer = place
            .unpack(name, &bytes, Strip::EachTop)
            .expect("it is an archive");
        assert_eq!(
            answer,
            UnpackAnswer {
                entries: 5,
                newest: Some(TIME)
            },
            "{name}"
        );
        assert_eq!(
            place.listing(),
            ["a", "hard", "link", "sub", "sub/b"],
            "{name}"
        );
        let file = place.target().join("a").metadata().expect("it is there");
        assert_eq!(
            file.permissions().mode() & 0o7777,
            0o755,
            "{name}: setuid is dropped"
        );
        assert_eq!((file.mtime(), file.nlink()), (TIME as i64, 2), "{name}");
        let link = fs::read_link(place.target().join("link")).expect("it is a link");
        assert_eq!(link, Path::new("a"));
    }
}

#[test]
fn compressed_file_is_decompressed() {
    let place = Place::new();
    let done = place.carry_out(
        "fix.patch",
        &lzip(b"--- a\n"),
        Strip::Nothing,
        UnpackKind::Decompress,
        "",
        None,
    );
    assert_eq!(
        done,
        Ok(UnpackAnswer {
            entries: 1,
            newest: None
        })
    );
    assert_eq!(
        fs::read(place.target().join("fix.patch")).expect("it is there"),
        b"--- a\n"
    );
}

#[test]
fn directories_at_the_top_are_left_out_as_the_dialect_says() {
    let several = tarball(&[
        ("README", Kind::File(b"top")),
        ("one/README", Kind::File(b"inner")),
        ("./two/b", Kind::File(b"")),
    ]);
    for (strip, expected) in [
        (
            Strip::Nothing,
            vec!["README", "one", "one/README", "two", "two/b"],
        ),
        (Strip::EachTop, vec!["README", "b"]),
        (
            Strip::OnlyTop,
            vec!["README", "one", "one/README", "two", "two/b"],
        ),
    ] {
        let place = Place::new();
        place
            .unpack("a.tar", &several, strip)
            .expect("it is an archive");
        assert_eq!(place.listing(), expected, "{strip:?}");
    }
    let nested = tarball(&[("one/one/a", Kind::File(b"")), ("one/b", Kind::File(b""))]);
    for strip in [Strip::EachTop, Strip::OnlyTop] {
        let place = Place::new();
        place
            .unpack("a.tar", &nested, strip)
            .expect("it is an archive");
        assert_eq!(place.listing(), ["b", "one", "one/a"], "{strip:?}");
    }
}

#[test]
fn second_source_is_merged_into_its_destination() {
    let place = Place::new();
    place
        .unpack("a.tar", &sample(), Strip::OnlyTop)
        .expect("it is an archive");
    let more = tarball(&[
        ("more/sub/c", Kind::File(b"")),
        ("more/a", Kind::File(b"new")),
    ]);
    place
        .unpack("b.tar", &more, Strip::OnlyTop)
        .expect("it is an archive");
    assert_eq!(
        place.listing(),
        ["a", "hard", "link", "sub", "sub/b", "sub/c"]
    );
    assert_eq!(
        fs::read(place.target().join("a")).expect("it is there"),
        b"new"
    );
    assert_eq!(
        fs::read(place.target().join("hard")).expect("it is there"),
        b"content"
    );
    let done = place.carry_out(
        "plain.txt",
        b"text",
        Strip::Nothing,
        UnpackKind::File,
        "files/deep",
        None,
    );
    assert_eq!(
        done,
        Ok(UnpackAnswer {
            entries: 1,
            newest: None
        })
    );
    assert_eq!(
        fs::read(place.target().join("files/deep/plain.txt")).expect("it is there"),
        b"text"
    );
}

#[test]
fn member_of_a_wrapping_archive_is_taken_out() {
    let place = Place::new();
    let inner = gzip(&sample());
    let outer = gzip(&tarball(&[
        ("wrap/other", Kind::File(b"")),
        ("./wrap/inner.tgz", Kind::File(&inner)),
    ]));
    let take = |member| {
        place.carry_out(
            "o.tgz",
            &outer,
            Strip::Nothing,
            UnpackKind::Member,
            "",
            Some(member),
        )
    };
    take("wrap/inner.tgz").expect("it has this member");
    assert_eq!(
        fs::read(place.target().join("o.tgz")).expect("it is there"),
        inner
    );
    let message = take("wrap/absent").expect_err("it has no such member");
    assert!(
        message.ends_with("it has no member wrap/absent"),
        "{message}"
    );
}

#[test]
fn truncated_archives_are_refused() {
    for (name, whole) in [
        ("a.tar.gz", gzip(&sample())),
        (
            "a.tar.xz",
            liblzma::encode_all(&sample()[..], 1).expect("memory"),
        ),
        ("a.tar.lz", lzip(&sample())),
    ] {
        for length in [whole.len() / 2, whole.len() - 1] {
            let place = Place::new();
            let message = place
                .unpack(name, &whole[..length], Strip::EachTop)
                .expect_err("it is cut off");
            assert!(message.contains(name), "{message}");
        }
    }
}

#[test]
fn entries_that_leave_the_directory_or_are_no_files_are_refused() {
    for (path, kind, expected) in [
        ("../evil", Kind::File(b""), "leaves the directory"),
        ("top/../../evil", Kind::File(b""), "leaves the directory"),
        (
            "top/pipe",
            Kind::Fifo,
            "is a device, a pipe or something unknown",
        ),
        (
            "top/hard",
            Kind::Link("../../etc/passwd"),
            "leaves the directory",
        ),
    ] {
        let place = Place::new();
        let message = place
            .unpack("a.tar", &tarball(&[(path, kind)]), Strip::Nothing)
            .expect_err("it is hostile");
        assert!(message.contains(expected), "{message}");
    }
    let place = Place::new();
    place
        .unpack(
            "a.tar",
            &tarball(&[("/etc/a", Kind::File(b""))]),
            Strip::Nothing,
        )
        .expect("the slash is dropped");
    assert_eq!(place.listing(), ["etc", "etc/a"]);
}

#[test]
fn zip_archives_are_unpacked_with_modes_links_and_times() {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let time = zip::DateTime::from_date_and_time(2020, 2, 2, 2, 2, 2).expect("a valid time");
    let options = zip::write::SimpleFileOptions::default()
        .last_modified_time(time)
        .unix_permissions(0o755);
    writer
        .start_file("top/run", options)
        .expect("memory takes it");
    writer.write_all(b"#!/bin/sh\n").expect("memory takes it");
    writer
        .add_symlink("top/link", "run", options)
        .expect("memory takes it");
    let bytes = writer.finish().expect("memory takes it").into_inner();
    let place = Place::new();
    let answer = place
        .unpack("a.zip", &bytes, Strip::EachTop)
        .expect("it is an archive");
    assert_eq!(answer.newest, Some(TIME));
    assert_eq!(place.listing(), ["link", "run"]);
    let mode = place
        .target()
        .join("run")
        .metadata()
        .expect("it is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o755);
    assert_eq!(
        fs::read_link(place.target().join("link")).expect("a link"),
        Path::new("run")
    );
}

#[test]
fn package_of_a_registry_is_laid_out_as_cargo_vendors_it() {
    let place = Place::new();
    let bytes = gzip(&tarball(&[
        ("a-1.0.0/Cargo.toml", Kind::File(b"[package]")),
        ("a-1.0.0/src/lib.rs", Kind::File(b"")),
    ]));
    let sha256 = igos_format::Sha256::of(&bytes);
    let done = place.carry_out(
        "a-1.0.0.crate",
        &bytes,
        Strip::EachTop,
        UnpackKind::Crate(sha256),
        "vendor/a-1.0.0",
        None,
    );
    let answer = UnpackAnswer {
        entries: 3,
        newest: Some(TIME),
    };
    assert_eq!(done, Ok(answer));
    let directory = "vendor/a-1.0.0";
    let files = [".cargo-checksum.json", "Cargo.toml", "src", "src/lib.rs"];
    let expected = files.map(|file| format!("{directory}/{file}"));
    assert_eq!(place.listing()[2..], expected);
    let digests = place.target().join(&expected[0]);
    assert_eq!(
        fs::read_to_string(digests).expect("it is there"),
        format!("{{\"files\":{{}},\"package\":\"{sha256}\"}}")
    );
}
