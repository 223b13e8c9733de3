//! Importing: resolve, fetch, convert, write down.

use std::io::Read;
use std::num::NonZeroUsize;
use std::path::Path;

use fs_err as fs;
use igos_format::archive::{Compression, CompressionFormat, write_archive};
use igos_format::manifest::Manifest;
use igos_format::{Arch, EntryKind, FileEntry, Sha256};
use igos_repo::debian::{BinaryPackage, Refresh, Wanted};
use igos_repo::{DebianArchive, Fetched, Fetcher};
use igos_report::{Outcome, Reporter, Subject, Task};
use rayon::prelude::{IntoParallelRefIterator, ParallelIterator};

use super::convert::{Converted, IMPORTER, convert};
use super::deb::read_deb;
use super::document::{ARCHIVES, DOCUMENT, DebOrigin, Document};
use super::files::{FileError, delete_others, persist, write_document};
use super::links::make_links;
use super::{ImportError, Toolchain, ToolchainArchive, ToolchainList};

/// How archives of a toolchain are compressed: they are read once and never shipped.
const COMPRESSION_LEVEL: u8 = 3;

/// What an import works with.
#[derive(Debug)]
pub struct ImportInput<'a> {
    /// What to import.
    pub list: &'a ToolchainList,
    /// For which machine.
    pub arch: Arch,
    /// Where packages are resolved.
    pub debian: &'a DebianArchive,
    /// When its indices are fetched anew.
    pub refresh: Refresh,
    /// What fetches packages; it must know the same archive.
    pub fetcher: &'a Fetcher<'a>,
    /// The directory of toolchains; the toolchain gets one of its name in it.
    pub toolchains: &'a Path,
    /// How many packages are converted at once.
    pub jobs: NonZeroUsize,
}

/// What came of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Imported {
    /// It was made.
    Made(Toolchain),
    /// It was there already, made from the same.
    Unchanged(Toolchain),
}

impl Imported {
    /// Returns the toolchain.
    #[must_use]
    pub fn toolchain(&self) -> &Toolchain {
        match self {
            Imported::Made(toolchain) | Imported::Unchanged(toolchain) => toolchain,
        }
    }
}

/// Imports a toolchain. Equal inputs give equal bytes, and an import from the same inputs is not repeated.
///
/// # Errors
///
/// Returns why packages cannot be resolved, fetched or converted, or what of them does not fit together.
pub fn import(input: &ImportInput<'_>, reporter: &dyn Reporter) -> Result<Imported, ImportError> {
    let task = Task::start(
        reporter,
        None,
        Subject::Group(format!("import toolchain {}", input.list.name)),
    );
    let result = run(input, reporter, &task);
    task.finish(match &result {
        Ok(Imported::Made(_)) => Outcome::Done,
        Ok(Imported::Unchanged(_)) => {
            Outcome::Skipped("it is there, made from the same packages".into())
        }
        Err(error) => Outcome::Failed(error.to_string()),
    });
    result
}

/// Returns what an import would convert.
///
/// # Errors
///
/// Returns why packages cannot be resolved.
pub fn resolve(
    input: &ImportInput<'_>,
    reporter: &dyn Reporter,
) -> Result<Vec<BinaryPackage>, ImportError> {
    let subject = Subject::Group(format!("resolve toolchain {}", input.list.name));
    let task = Task::start(reporter, None, subject);
    let packages = resolve_packages(input, &task)?;
    task.finish(Outcome::Done);
    Ok(packages)
}

fn resolve_packages(
    input: &ImportInput<'_>,
    task: &Task<'_>,
) -> Result<Vec<BinaryPackage>, ImportError> {
    let list = input.list;
    let wanted = Wanted {
        names: list.packages.clone(),
        without: list.without.clone(),
    };
    input
        .debian
        .resolve_binaries(&list.suite, input.arch, &wanted, input.refresh, task)
        .map_err(ImportError::Closure)
}

fn run(
    input: &ImportInput<'_>,
    reporter: &dyn Reporter,
    task: &Task<'_>,
) -> Result<Imported, ImportError> {
    let list = input.list;
    let packages = resolve_packages(input, task)?;
    let directory = input.toolchains.join(list.name.as_str());
    let inputs = inputs_digest(list, input.arch, &packages);
    if let Ok(there) = Toolchain::load(&directory)
        && there.inputs() == inputs
    {
        return Ok(Imported::Unchanged(there));
    }
    let total = packages.len() as u64 * 2;
    task.advance(0, Some(total));
    let requests: Vec<_> = packages.iter().map(BinaryPackage::request).collect();
    let mut files = Vec::new();
    let mut errors = Vec::new();
    for result in input
        .fetcher
        .fetch_all(&requests, reporter, Some(task.id()))
    {
        match result {
            Ok(fetched) => files.push(fetched),
            Err(error) => errors.push(error),
        }
    }
    if !errors.is_empty() {
        return Err(ImportError::Fetch { errors });
    }
    task.advance(total / 2, Some(total));

    let archives = directory.join(ARCHIVES);
    fs::create_dir_all(&archives).map_err(FileError::new("make", &archives))?;
    let works: Vec<(&BinaryPackage, &Fetched)> = packages.iter().zip(&files).collect();
    let done = std::sync::atomic::AtomicU64::new(total / 2);
    let convert_one = |(package, file): &(&BinaryPackage, &Fetched)| {
        let made = convert_package(package, file, input, &archives, reporter, task)?;
        let done = done.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
        task.advance(done, Some(total));
        Ok(made)
    };
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(input.jobs.get())
        .build()
        .map_err(|error| {
            FileError::new("start threads for", &directory)(std::io::Error::other(error))
        })?;
    let made: Vec<(Manifest, ToolchainArchive)> = pool.install(|| {
        works
            .par_iter()
            .map(convert_one)
            .collect::<Result<_, ImportError>>()
    })?;

    let (manifests, mut listed): (Vec<_>, Vec<_>) = made.into_iter().unzip();
    let links = make_links(list, &manifests, input.arch)?;
    listed.push(write(&links, None, &archives)?);
    listed.sort_by(|a, b| a.name.cmp(&b.name));
    let document = Document::new(list.name.clone(), input.arch, inputs, listed);
    write_document(&directory, &document)?;
    delete_others(&archives, &document)?;
    let toolchain = Toolchain::load(&directory).map_err(|error| {
        FileError::new("load", directory.join(DOCUMENT))(std::io::Error::other(error))
    })?;
    Ok(Imported::Made(toolchain))
}

/// Returns the digest of everything that the toolchain is made from.
fn inputs_digest(list: &ToolchainList, arch: Arch, packages: &[BinaryPackage]) -> Sha256 {
    let mut text = format!("importer {IMPORTER}\nlist {}\narch {arch}\n", list.sha256);
    for package in packages {
        text.push_str(&format!("{} {}\n", package.name, package.sha256));
    }
    Sha256::of(text.as_bytes())
}

fn convert_package(
    package: &BinaryPackage,
    file: &Fetched,
    input: &ImportInput<'_>,
    archives: &Path,
    reporter: &dyn Reporter,
    parent: &Task<'_>,
) -> Result<(Manifest, ToolchainArchive), ImportError> {
    let task = Task::start(
        reporter,
        Some(parent.id()),
        Subject::Pack(package.name.to_string()),
    );
    let failed = |source| ImportError::Convert {
        package: package.name.to_string(),
        source,
    };
    let files = read_deb(file.path(), input.list).map_err(failed)?;
    let converted = convert(files, package, input.arch)
        .map_err(|error| failed(super::DebError::Keep(error)))?;
    let origin = DebOrigin {
        version: package.version.clone(),
        path: package.path.clone(),
        sha256: package.sha256,
    };
    let archive = write(&converted, Some(origin), archives)?;
    task.finish(Outcome::Done);
    Ok((converted.manifest, archive))
}

/// Writes an archive under the digest of its seal.
pub(super) fn write(
    converted: &Converted,
    origin: Option<DebOrigin>,
    archives: &Path,
) -> Result<ToolchainArchive, ImportError> {
    let package = &converted.manifest.package;
    let open = |entry: &FileEntry| match &entry.kind {
        EntryKind::File { sha256, .. } => converted
            .payload
            .open(sha256)
            .map(|section| Box::new(section) as Box<dyn Read + Send>),
        EntryKind::Directory | EntryKind::Symlink { .. } => {
            Err(std::io::ErrorKind::InvalidInput.into())
        }
    };
    let unwritable = |source| FileError::new("write", archives)(source);
    let mut spool = tempfile::tempfile().map_err(unwritable)?;
    let mut out = tempfile::NamedTempFile::new_in(archives).map_err(unwritable)?;
    let compression =
        Compression::new(CompressionFormat::Zstd, COMPRESSION_LEVEL).expect("zstd has this level");
    let summary = write_archive(
        &converted.manifest,
        &converted.provenance,
        &open,
        compression,
        NonZeroUsize::MIN,
        &mut spool,
        &mut out,
    )
    .map_err(|source| ImportError::Write {
        package: package.name.to_string(),
        source,
    })?;
    let archive = ToolchainArchive {
        name: package.name.clone(),
        version: package.full_version(),
        arch: package.arch,
        seal: summary.seal,
        contents: converted.manifest.contents_digest(),
        sha256: summary.sha256,
        size: summary.size,
        installed_size: summary.installed_size,
        origin,
    };
    persist(out, archives.join(archive.file_name()))?;
    Ok(archive)
}
