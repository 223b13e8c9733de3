//! Other programs see in our archives what the manifest says: GNU tar, bsdtar (libarchive), zstd, gzip and xz.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use igos_format::archive::{Compression, CompressionFormat};
use igos_format::{EntryKind, FileEntry, RelPath, Sha256};
use tempfile::TempDir;

use crate::support::{Package, noise};

/// Our own members, which other programs see as files.
const OUR_OWN: [&str; 4] = [
    ".igos/seal",
    ".igos/manifest",
    ".igos/provenance.json",
    ".igos/frames",
];

/// Names and sizes at every limit of the tar headers.
fn package() -> Package {
    let long = |letter: &str, length: usize| letter.repeat(length);
    let mut package = Package::of_everything();
    package.directory("a b").mode = 0o1777;
    package.file("a b/back\\slash", "1").mode = 0o4755;
    package.file("a b/\u{e9}\u{1f4e6}", "2").mode = 0o2755;
    package.file("a b/*?'\"$(x)", "3").mode = 0o600;
    package.file("-rf", "4");
    package.file(long("n", 100), "5");
    package.file(long("o", 101), "6");
    package.directory(long("p", 155));
    package.file(format!("{}/{}", long("p", 155), long("q", 100)), "7");
    package.file(format!("{}/{}", long("p", 155), long("r", 101)), "8");
    package.directory(long("s", 99));
    package.directory(long("t", 100));
    package.directory(format!("{}/{}", long("t", 100), long("u", 99)));
    package.directory(format!("{}/{}", long("t", 100), long("v", 100)));
    package.file(
        format!("{}/{}", long("\u{e9}", 100), long("\u{e8}", 100)),
        "9",
    );
    package.symlink("l100", long("x", 100));
    package.symlink("l101", long("y", 101));
    package.symlink("dangling", "/nowhere/\u{e9}");
    package.file("z511", noise(511, 1));
    package.file("z512", noise(512, 1));
    package.file("z513", noise(513, 1));
    package.linked(format!("{}/{}", long("p", 155), long("w", 150)), "far", 3);
    package.linked("zz", "far", 3);
    package.sorted()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the programs are what our archives are compared with"
)]
fn start(program: &str, arguments: &[&OsStr], directory: &Path) -> Option<Output> {
    let started = Command::new(program)
        .args(arguments)
        .current_dir(directory)
        .env_remove("TAR_OPTIONS")
        .env("LC_ALL", "C.UTF-8")
        .output();
    match started {
        Ok(output) => Some(output),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            skip(program);
            None
        }
        Err(error) => panic!("{program}: {error}"),
    }
}

#[expect(clippy::print_stderr, reason = "a skipped test says why")]
fn skip(program: &str) {
    eprintln!("skipped: {program} is not installed");
}

/// Runs a program that must have nothing to complain about; `None` if it is not installed.
fn run(program: &str, arguments: &[&str], archive: &Path, directory: &Path) -> Option<Vec<u8>> {
    let mut arguments: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
    arguments.push(archive.as_os_str());
    let output = start(program, &arguments, directory)?;
    let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {complaints}"
    );
    assert_eq!(complaints, "", "{program} {arguments:?}");
    Some(output.stdout)
}

struct Written {
    directory: TempDir,
    archive: PathBuf,
}

fn write(package: &Package, format: CompressionFormat) -> Written {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let archive = directory
        .path()
        .join(format.file_name(&package.manifest.package));
    let level = if format == CompressionFormat::Xz {
        0
    } else {
        1
    };
    let compression = Compression::new(format, level).expect("the level exists");
    fs_err::write(&archive, package.write(compression)).expect("there is space");
    Written { directory, archive }
}

#[test]
fn codecs_accept_the_whole_archive() {
    for (format, program) in [
        (CompressionFormat::Zstd, "zstd"),
        (CompressionFormat::Gzip, "gzip"),
        (CompressionFormat::Xz, "xz"),
    ] {
        let written = write(&package(), format);
        // `-q`: zstd reports success on stderr.
        run(
            program,
            &["-q", "-t"],
            &written.archive,
            written.directory.path(),
        );
    }
}

#[test]
fn listings_are_the_manifest() {
    let mut package = package();
    // libarchive escapes these in listings, like control bytes.
    let is_shown_by_all = |path: &RelPath| !path.as_bytes().contains(&b'\\');
    package
        .manifest
        .entries
        .retain(|entry| is_shown_by_all(&entry.path));
    for format in CompressionFormat::ALL {
        let written = write(&package, format);
        let mut expected: Vec<u8> = OUR_OWN.map(|name| format!("{name}\n")).concat().into();
        for entry in &package.manifest.entries {
            expected.extend(entry.path.as_bytes());
            expected.extend(match entry.kind {
                EntryKind::Directory => b"/\n".as_slice(),
                _ => b"\n",
            });
        }
        for (program, arguments) in [
            ("tar", ["--quoting-style=literal", "-tf"].as_slice()),
            ("bsdtar", &["-tf"]),
        ] {
            let listed = run(
                program,
                arguments,
                &written.archive,
                written.directory.path(),
            );
            if let Some(listed) = listed {
                assert_eq!(
                    String::from_utf8_lossy(&listed),
                    String::from_utf8_lossy(&expected),
                    "{program} {format}"
                );
            }
        }
    }
}

/// What is on disk: type and permission bits, content or target, and which inode.
#[derive(Debug, PartialEq, Eq)]
struct Found {
    mode: u32,
    content: Vec<u8>,
    time: Option<i64>,
    inode: u64,
}

fn observe(root: &Path, below: &Path, found: &mut BTreeMap<RelPath, Found>) {
    for item in fs_err::read_dir(root.join(below)).expect("it was extracted") {
        let path = below.join(item.expect("it was extracted").file_name());
        let full = root.join(&path);
        let metadata = fs_err::symlink_metadata(&full).expect("it was extracted");
        let content = if metadata.is_symlink() {
            let target = fs_err::read_link(&full).expect("it was extracted");
            target.into_os_string().as_encoded_bytes().to_vec()
        } else if metadata.is_dir() {
            observe(root, &path, found);
            Vec::new()
        } else {
            fs_err::read(&full).expect("it was extracted")
        };
        let key = RelPath::from_bytes(path.as_os_str().as_bytes()).expect("it was packed");
        found.insert(
            key,
            Found {
                mode: metadata.mode(),
                content,
                time: metadata.is_file().then(|| metadata.mtime()),
                inode: metadata.ino(),
            },
        );
    }
}

fn compare(package: &Package, root: &Path, program: &str) {
    let mut found = BTreeMap::new();
    observe(root, Path::new(""), &mut found);
    found.retain(|path, _| !path.as_bytes().starts_with(b".igos"));
    // Directories that no row of the manifest names are made all the same.
    let named: BTreeMap<&RelPath, &FileEntry> = package
        .manifest
        .entries
        .iter()
        .map(|entry| (&entry.path, entry))
        .collect();
    let unnamed = |path: &&RelPath| !named.contains_key(*path);
    for path in found.keys().filter(unnamed) {
        assert!(
            named.keys().any(|other| other.starts_with(path)),
            "{program}: {path} was made"
        );
    }
    let mut groups: BTreeMap<u32, u64> = BTreeMap::new();
    for (path, entry) in named {
        let found = found
            .get(path)
            .unwrap_or_else(|| panic!("{program}: {path} is missing"));
        let (kind, content) = match &entry.kind {
            EntryKind::Directory => (0o040_000, Vec::new()),
            EntryKind::Symlink { target } => (0o120_000, target.clone()),
            EntryKind::File { sha256, .. } => {
                assert_eq!(Sha256::of(&found.content), *sha256, "{program}: {path}");
                (0o100_000, package.contents[path].clone())
            }
        };
        assert_eq!(
            found.mode,
            kind | u32::from(entry.mode),
            "{program}: mode of {path}"
        );
        assert!(found.content == content, "{program}: content of {path}");
        if let Some(time) = found.time {
            assert_eq!(
                time as u64, package.manifest.source_date_epoch,
                "{program}: {path}"
            );
        }
        if let EntryKind::File {
            link_group: Some(group),
            ..
        } = entry.kind
        {
            let first = *groups.entry(group).or_insert(found.inode);
            assert_eq!(first, found.inode, "{program}: {path} is a hard link");
        }
    }
}

#[test]
fn extracted_trees_are_what_the_manifest_says() {
    let mut package = package();
    // As an ordinary user bsdtar leaves setuid away, and complains that it cannot set capabilities even when told to
    // leave attributes alone; that they are there is tested by listing and reading them.
    for entry in &mut package.manifest.entries {
        entry.mode &= 0o1777;
        entry.capabilities = None;
        entry.xattrs.clear();
    }
    for format in CompressionFormat::ALL {
        let written = write(&package, format);
        for program in ["tar", "bsdtar"] {
            let root = written.directory.path().join(program);
            fs_err::create_dir(&root).expect("it is new");
            // Modes as they are; owners are not ours to give away. bsdtar keeps extended attributes under `-p`.
            let arguments: &[&str] = match program {
                "tar" => &["--no-same-owner", "-xpf"],
                _ => &["--no-same-owner", "--no-xattrs", "-xpf"],
            };
            if run(program, arguments, &written.archive, &root).is_some() {
                compare(&package, &root, program);
            }
        }
    }
}

/// Values of `mtree`, which libarchive writes of any archive, with `\ooo` and the like read back.
fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        match (first, after) {
            (b'\\', [a, b, c, after @ ..]) => {
                let digit = |digit: &u8| digit - b'0';
                bytes.push(digit(a) * 64 + digit(b) * 8 + digit(c));
                rest = after;
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    bytes
}

#[test]
fn libarchive_reads_every_field_as_it_was_meant() {
    let mut package = package();
    let special = package.file("zzz", "special");
    special.owner.uid = 4_000_000_000;
    special.owner.gid = 2_097_151;
    special.owner.user = "u".repeat(40).parse().expect("it is a name");
    special.owner.group = "g".repeat(31).parse().expect("it is a name");
    let package = package.sorted();
    let written = write(&package, CompressionFormat::Zstd);
    let options = "--options=mtree:!all,type,mode,uid,gid,uname,gname,size,link,sha256,time";
    let arguments = ["-cf", "-", "--format=mtree", options];
    let input = format!("@{}", written.archive.display());
    let Some(listing) = run(
        "bsdtar",
        &arguments,
        Path::new(&input),
        written.directory.path(),
    ) else {
        return;
    };
    let listing = String::from_utf8(listing).expect("mtree is ASCII");
    let mut seen: BTreeMap<Vec<u8>, BTreeMap<String, String>> = BTreeMap::new();
    for line in listing.lines().filter(|line| line.starts_with("./")) {
        let mut words = line.split(' ');
        let path = unescape(words.next().expect("a line has a path"));
        let values = words.filter_map(|word| word.split_once('='));
        seen.insert(
            path[2..].to_vec(),
            values
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .collect(),
        );
    }
    assert_eq!(seen.len(), package.manifest.entries.len() + OUR_OWN.len());
    for entry in &package.manifest.entries {
        let values = seen.get(entry.path.as_bytes());
        let values = values.unwrap_or_else(|| panic!("{} is missing in {listing}", entry.path));
        let value = |key: &str| values.get(key).map(String::as_str);
        let owner = &entry.owner;
        assert_eq!(
            value("mode"),
            Some(format!("{:o}", entry.mode).as_str()),
            "{}",
            entry.path
        );
        assert_eq!(value("uid"), Some(owner.uid.to_string().as_str()));
        assert_eq!(value("gid"), Some(owner.gid.to_string().as_str()));
        assert_eq!(value("uname"), Some(owner.user.as_str()));
        assert_eq!(value("gname"), Some(owner.group.as_str()));
        assert_eq!(value("time"), Some("1700000000.0"));
        match &entry.kind {
            EntryKind::Directory => assert_eq!(value("type"), Some("dir")),
            EntryKind::Symlink { target } => {
                assert_eq!(value("type"), Some("link"));
                assert_eq!(value("link").map(unescape).as_ref(), Some(target));
            }
            EntryKind::File { .. } => assert_eq!(value("type"), Some("file")),
        }
    }
    assert_eq!(
        seen["zzz".as_bytes()]["sha256digest"],
        Sha256::of(b"special").to_string()
    );
    assert_eq!(seen["z513".as_bytes()]["size"], "513");
}

#[test]
fn tar_reads_extended_attributes_and_capabilities() {
    let written = write(&package(), CompressionFormat::Gzip);
    let arguments = ["--xattrs", "--xattrs-include=*", "-tvvf"];
    let Some(listing) = run(
        "tar",
        &arguments,
        &written.archive,
        written.directory.path(),
    ) else {
        return;
    };
    let listing = String::from_utf8_lossy(&listing);
    let attributes: Vec<&str> = listing
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("x: "))
        .collect();
    assert_eq!(attributes, ["6 user.note", "20 security.capability"]);
}
