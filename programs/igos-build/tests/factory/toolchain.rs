//! A toolchain made in a moment out of a shell and the small tools of this machine, in the form of an imported one.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use igos_format::archive::{Compression, CompressionFormat, write_archive};
use igos_format::manifest::{Manifest, Origin};
use igos_format::{Arch, EntryKind, FileEntry, Owner, PackageId, RelPath, Sha256};
use object::endian::Endianness;
use object::read::elf::{Dyn, FileHeader, ProgramHeader};

/// What the scripts of tinyworld call, and what packing calls.
const PROGRAMS: [&str; 19] = [
    "bash", "cat", "chmod", "cp", "dash", "env", "head", "id", "install", "ln", "ls", "mkdir",
    "objcopy", "patch", "printf", "rm", "sleep", "strip", "touch",
];

const LIBRARIES: [&str; 6] = [
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib64",
    "/usr/lib/aarch64-linux-gnu",
    "/lib64",
    "/usr/lib",
    "/lib",
];

/// Returns why a toolchain cannot be made here, `None` if it can.
pub(crate) fn obstacle() -> Option<String> {
    PROGRAMS
        .iter()
        .find(|name| !Path::new("/usr/bin").join(name).exists())
        .map(|name| format!("this machine has no /usr/bin/{name}"))
}

/// Puts a toolchain called `name` into a cache; `note` is the content of one more file in it.
pub(crate) fn make(cache: &Path, name: &str, note: &str) {
    let mut files: BTreeMap<String, PathBuf> = BTreeMap::new();
    let mut pending: Vec<PathBuf> = PROGRAMS
        .iter()
        .map(|name| Path::new("/usr/bin").join(name))
        .collect();
    for program in &pending {
        let name = program
            .file_name()
            .expect("programs have names")
            .to_string_lossy();
        files.insert(format!("usr/bin/{name}"), program.clone());
    }
    let mut seen = BTreeSet::new();
    while let Some(path) = pending.pop() {
        for library in needed(&path) {
            if !seen.insert(library.clone()) {
                continue;
            }
            let found = find_library(&library);
            let target = match Path::new(&library).is_absolute() {
                true => format!("usr{library}"),
                false => format!("usr/lib/{library}"),
            };
            files.insert(target, found.clone());
            pending.push(found);
        }
    }
    let directory = cache.join("toolchains").join(name);
    let archives = directory.join("archives");
    fs_err::create_dir_all(&archives).expect("the cache is ours");
    let note_file = directory.join("note");
    fs_err::write(&note_file, note).expect("the cache is ours");
    files.insert("usr/share/note".into(), note_file);
    write_toolchain(name, &directory, &archives, &files);
}

fn write_toolchain(
    name: &str,
    directory: &Path,
    archives: &Path,
    files: &BTreeMap<String, PathBuf>,
) {
    let manifest = manifest(files);
    let partial = archives.join("partial");
    let mut out = fs_err::File::create(&partial).expect("the cache is ours");
    let mut spool = tempfile::tempfile().expect("there is room");
    let open = |entry: &FileEntry| -> std::io::Result<Box<dyn std::io::Read + Send>> {
        Ok(Box::new(fs_err::File::open(
            &files[&entry.path.to_string()],
        )?))
    };
    let compression = Compression::new(CompressionFormat::Zstd, 1).expect("zstd has this level");
    let summary = write_archive(
        &manifest,
        b"{}\n",
        &open,
        compression,
        NonZeroUsize::MIN,
        &mut spool,
        &mut out,
    )
    .expect("the manifest says what the files are");
    let archive = archives.join(format!("{}.igos.tar.zst", summary.seal));
    fs_err::rename(&partial, &archive).expect("the cache is ours");
    let arch = Arch::native();
    let contents = manifest.contents_digest();
    let digest = Sha256::of(format!("igos toolchain 2\narch {arch}\ntiny {contents}\n").as_bytes());
    let document = serde_json::json!({
        "schema": 2,
        "name": name,
        "arch": arch,
        "digest": digest,
        "inputs": Sha256::of(b"this machine"),
        "archives": [{
            "name": "tiny",
            "version": "1-1",
            "arch": arch,
            "seal": summary.seal,
            "contents": contents,
            "sha256": summary.sha256,
            "size": summary.size,
            "installed_size": summary.installed_size,
            "origin": null,
        }],
    });
    fs_err::write(directory.join("toolchain.json"), document.to_string())
        .expect("the cache is ours");
}

fn manifest(files: &BTreeMap<String, PathBuf>) -> Manifest {
    let mut entries: BTreeMap<RelPath, FileEntry> = BTreeMap::new();
    let mut add = |path: &str, kind: EntryKind, mode: u16| {
        let path: RelPath = path.parse().expect("the paths of the test are paths");
        let mut parent = path.parent();
        while let Some(directory) = parent {
            parent = directory.parent();
            entries.entry(directory.clone()).or_insert(entry(
                directory,
                EntryKind::Directory,
                0o755,
            ));
        }
        entries.insert(path.clone(), entry(path, kind, mode));
    };
    for (path, from) in files {
        let content = fs_err::read(from).expect("what is installed can be read");
        let kind = EntryKind::File {
            sha256: Sha256::of(&content),
            size: content.len() as u64,
            link_group: None,
        };
        add(path, kind, 0o755);
    }
    let link = |target: &str| EntryKind::Symlink {
        target: target.into(),
    };
    add("usr/bin/sh", link("dash"), 0o777);
    for name in ["bin", "lib", "lib64", "sbin"] {
        add(&format!("usr/{name}/.keep"), EntryKind::Directory, 0o755);
        add(name, link(&format!("usr/{name}")), 0o777);
    }
    Manifest {
        recipe: "tiny".parse().expect("a name"),
        description: "A shell and small tools".into(),
        source_date_epoch: 1_000_000_000,
        entries: entries.into_values().collect(),
        ..Manifest::new(
            PackageId {
                name: "tiny".parse().expect("a name"),
                epoch: 0,
                version: "1".parse().expect("a version"),
                release: "1".parse().expect("a release"),
                arch: Arch::native(),
            },
            Origin::Imported,
            Sha256::of(b"this machine"),
        )
    }
}

fn entry(path: RelPath, kind: EntryKind, mode: u16) -> FileEntry {
    FileEntry {
        path,
        kind,
        mode,
        owner: Owner::root(),
        is_configuration: false,
        capabilities: None,
        xattrs: BTreeMap::new(),
    }
}

fn find_library(name: &str) -> PathBuf {
    if Path::new(name).is_absolute() {
        return fs_err::canonicalize(name).expect("the loader of this machine is there");
    }
    let found = LIBRARIES
        .iter()
        .map(|directory| Path::new(directory).join(name))
        .find(|path| path.exists());
    fs_err::canonicalize(found.unwrap_or_else(|| panic!("{name} is in none of {LIBRARIES:?}")))
        .expect("it exists")
}

/// Returns the libraries and the loader that a program or library names.
fn needed(path: &Path) -> Vec<String> {
    let data = fs_err::read(path).expect("what is installed can be read");
    let Ok(header) = object::elf::FileHeader64::<Endianness>::parse(&*data) else {
        return Vec::new();
    };
    let endian = header.endian().expect("the header was parsed");
    let mut found = Vec::new();
    for segment in header
        .program_headers(endian, &*data)
        .expect("the loader reads it, too")
    {
        if let Ok(Some(interpreter)) = segment.interpreter(endian, &*data) {
            found.push(String::from_utf8_lossy(interpreter).into_owned());
        }
        let Ok(Some(dynamic)) = segment.dynamic(endian, &*data) else {
            continue;
        };
        let sections = header
            .sections(endian, &*data)
            .expect("programs of this machine have sections");
        let strings = sections
            .dynamic(endian, &*data)
            .ok()
            .flatten()
            .map(|(_, index)| {
                sections
                    .strings(endian, &*data, index)
                    .expect("they name their strings")
            });
        let Some(strings) = strings else { continue };
        for row in dynamic
            .iter()
            .filter(|row| row.tag(endian) == object::elf::DT_NEEDED)
        {
            let name = strings.get(row.val(endian) as u32).expect("a name");
            found.push(String::from_utf8_lossy(name).into_owned());
        }
    }
    found
}
