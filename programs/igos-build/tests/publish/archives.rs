//! Small archives, written without building anything.

use std::io::{self, Cursor, Read};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use igos_format::archive::{Compression, CompressionFormat, write_archive};
use igos_format::manifest::{Manifest, Origin};
use igos_format::{Arch, FileEntry, PackageId, Sha256};

/// Writes the archive of an empty package, named `NAME VERSION`, that offers and needs features, into `directory`.
pub(crate) fn archive(
    directory: &Path,
    package: &str,
    provenance: &str,
    change: impl FnOnce(&mut Manifest),
) -> PathBuf {
    let (name, version) = package.split_once(' ').expect("name and version");
    let id = PackageId {
        name: name.parse().expect("a name"),
        epoch: 0,
        version: version.parse().expect("a version"),
        release: "1".parse().expect("a release"),
        arch: Arch::X86_64,
    };
    let path = directory.join(format!("{}.igos.tar.zst", id.file_stem()));
    let mut manifest = Manifest::new(id, Origin::Built, Sha256::of(b"key"));
    change(&mut manifest);
    let open = |_: &FileEntry| -> io::Result<Box<dyn Read + Send>> { Ok(Box::new(io::empty())) };
    let mut bytes = Vec::new();
    write_archive(
        &manifest,
        provenance.as_bytes(),
        &open,
        Compression::new(CompressionFormat::Zstd, 1).expect("a level"),
        NonZeroUsize::MIN,
        &mut Cursor::new(Vec::new()),
        &mut bytes,
    )
    .expect("the archive can be written");
    fs_err::create_dir_all(directory).expect("it is ours");
    fs_err::write(&path, bytes).expect("it is ours");
    path
}
