//! Running a helper, and making an archive of what it leaves.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::num::NonZeroUsize;
use std::os::fd::{AsFd, AsRawFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use igos_format::archive::{Compression, CompressionFormat, write_archive};
use igos_format::manifest::{Manifest, Origin, normalise};
use igos_format::{Arch, FileEntry, PackageId, RelPath};
use igos_root::{Directory, Kind, RootDir, RootError, delete_tree, set_owner};
use igos_sandbox::{Access, Limits, Network, RootView, Sandbox, Status, Work, build_identity};

use super::collect::{collect, open};
use super::declared::Helper;
use super::error::HelperError;
use super::manifest::{HelperManifest, MAX_BYTES};
use crate::hooks::{Output, PROGRAM_DIRECTORIES, last_lines};

/// Where helpers work, below the root.
const WORK: &str = "var/cache/igos/helpers";

/// Where a helper sees its directory.
const INSIDE: &str = "/helper";

/// How long a helper may run: downloads are slow.
const TIME_LIMIT: Duration = Duration::from_secs(60 * 60);

/// Most bytes a helper may stage.
const STAGED_MAX_BYTES: u64 = 16 * 1024 * 1024 * 1024;

/// Where resolvers keep what `/etc/resolv.conf` says or leads to.
const RESOLVER_FILES: [&str; 4] = [
    "etc/resolv.conf",
    "run/systemd/resolve/stub-resolv.conf",
    "run/NetworkManager/resolv.conf",
    "run/resolvconf/resolv.conf",
];

/// How hard the archive is compressed: it is read once.
const COMPRESSION_LEVEL: u8 = 3;

/// What came of a helper.
#[derive(Debug)]
pub struct HelperOutput {
    /// What it said it made.
    pub manifest: HelperManifest,
    /// The archive, an unnamed file at its beginning.
    pub archive: File,
}

/// A directory that goes when this does.
struct WorkDirectory {
    parent: Directory,
    name: Vec<u8>,
    directory: Directory,
    place: RelPath,
}

impl Drop for WorkDirectory {
    fn drop(&mut self) {
        // What cannot be deleted now is only in the way of nobody: names are not used twice.
        delete_tree(&self.parent, &self.name).ok();
    }
}

/// Runs a helper of a root and packs what it leaves; nothing is installed.
///
/// # Errors
///
/// Returns why there is no archive. Whatever the helper left is deleted.
pub fn run_helper(root: &RootDir, helper: &Helper) -> Result<HelperOutput, HelperError> {
    let work = WorkDirectory::make(root, helper)?;
    let mut output = Output::default();
    let ended = igos_sandbox::run(
        &sandbox(root, helper, &work),
        &work_of(helper),
        &mut |bytes| output.take(bytes),
    )
    .map_err(|source| HelperError::Sandbox {
        name: helper.name.clone(),
        source,
    })?;
    if ended.status != Status::Exited(0) {
        return Err(HelperError::Failed {
            name: helper.name.clone(),
            problem: ended.status.to_string(),
            output: last_lines(&output.into_bytes()),
        });
    }
    let manifest = read_manifest(&work, helper)?;
    let refused = |problem| HelperError::Staged {
        name: helper.name.clone(),
        problem,
    };
    let stage = work.directory.open_directory(b"stage");
    let stage = RootDir::from_directory(stage.map_err(failed("open what was staged"))?, "stage");
    let entries = collect(&stage, &manifest).map_err(refused)?;
    let archive = pack(&work, helper, &manifest, entries, &stage)?;
    Ok(HelperOutput { manifest, archive })
}

fn failed(operation: &'static str) -> impl FnOnce(io::Error) -> HelperError {
    move |source| HelperError::Work { operation, source }
}

impl WorkDirectory {
    /// Makes a new directory with what a helper may write to, which belongs to whom it runs as.
    fn make(root: &RootDir, helper: &Helper) -> Result<Self, HelperError> {
        let make = || -> io::Result<WorkDirectory> {
            let at: RelPath = WORK.parse().map_err(io::Error::other)?;
            let parent = root
                .create_directories(&at, 0o755)
                .map_err(RootError::into_io)?;
            let name = format!("{}.{}", helper.name, std::process::id()).into_bytes();
            delete_tree(&parent, &name)?;
            let directory = parent.create_directory(&name, 0o755)?;
            let identity = build_identity();
            for inner in ["stage", "out"] {
                let inner = directory.create_directory(inner.as_bytes(), 0o755)?;
                if rustix::process::geteuid().is_root() {
                    set_owner(inner.as_fd(), identity.uid, identity.gid)?;
                }
            }
            let place = at.join(&name).map_err(io::Error::other)?;
            Ok(WorkDirectory {
                parent,
                name,
                directory,
                place,
            })
        };
        make().map_err(failed("make the directory of a helper"))
    }
}

fn sandbox(root: &RootDir, helper: &Helper, work: &WorkDirectory) -> Sandbox {
    // By descriptor: what the root is was decided when it was opened.
    let base = format!(
        "/proc/{}/fd/{}",
        std::process::id(),
        root.top().as_fd().as_raw_fd()
    );
    let mut sandbox = Sandbox::new(base, RootView::Directory(PathBuf::from(".")));
    for name in ["stage", "out"] {
        let source = PathBuf::from(work.place.to_string()).join(name);
        sandbox = sandbox.bind(source, format!("{INSIDE}/{name}"), Access::Write);
    }
    sandbox.limits = Limits {
        wall: TIME_LIMIT,
        disk_bytes: STAGED_MAX_BYTES,
        ..Limits::default()
    };
    if helper.network {
        sandbox.network = Network::Caller;
        if let Some(file) = resolver_file() {
            sandbox = sandbox.bind(file, "/etc/resolv.conf", Access::Read);
        }
    }
    sandbox
}

/// Returns the file that says where names are asked for: often `/etc/resolv.conf` is a link into `/run`, which is
/// another one inside.
fn resolver_file() -> Option<String> {
    let host = RootDir::open(Path::new("/")).ok()?;
    let is_file = |path: &&&str| {
        let path = path.parse::<RelPath>();
        path.is_ok_and(
            |path| matches!(host.metadata(&path), Ok(Some(found)) if found.kind == Kind::File),
        )
    };
    let found = RESOLVER_FILES.iter().find(is_file)?;
    Some(format!("/{found}"))
}

fn work_of(helper: &Helper) -> Work {
    let directories = PROGRAM_DIRECTORIES.map(|directory| format!("/{directory}"));
    let env = [
        ("PATH", directories.join(":")),
        ("HOME", "/tmp".to_owned()),
        ("PKM_HELPER_STAGE", format!("{INSIDE}/stage")),
        ("PKM_HELPER_MANIFEST", format!("{INSIDE}/out/manifest.json")),
    ];
    Work::Program {
        argv: vec![OsString::from(format!("/{}", helper.program))],
        env: env
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect::<BTreeMap<OsString, OsString>>(),
        cwd: PathBuf::from("/tmp"),
    }
}

fn read_manifest(work: &WorkDirectory, helper: &Helper) -> Result<HelperManifest, HelperError> {
    let refused = |problem: String| HelperError::Manifest {
        name: helper.name.clone(),
        problem,
    };
    let read = || -> io::Result<Vec<u8>> {
        let file = work
            .directory
            .open_directory(b"out")?
            .open_file(b"manifest.json")?;
        let mut text = Vec::new();
        io::Read::read_to_end(&mut io::Read::take(file, MAX_BYTES + 1), &mut text)?;
        Ok(text)
    };
    let text = read().map_err(|error| refused(error.to_string()))?;
    if text.len() as u64 > MAX_BYTES {
        return Err(refused(format!("it has more than {MAX_BYTES} bytes")));
    }
    HelperManifest::read(&text, &helper.name).map_err(refused)
}

fn pack(
    work: &WorkDirectory,
    helper: &Helper,
    made: &HelperManifest,
    entries: Vec<FileEntry>,
    stage: &RootDir,
) -> Result<File, HelperError> {
    let package = PackageId {
        name: helper.name.clone(),
        epoch: 0,
        version: made.version.clone(),
        release: "1".parse().expect("it is a release"),
        arch: Arch::native(),
    };
    let mut manifest = Manifest {
        description: made.description.clone(),
        license: made.license.clone(),
        homepage: made.homepage.clone(),
        depends: made.depends.iter().cloned().collect(),
        entries,
        ..Manifest::new(package, Origin::Imported, helper.sha256)
    };
    normalise(&mut manifest);
    let unnamed = |name: &[u8]| -> io::Result<File> {
        let file = work.directory.create_file(name)?;
        work.directory.delete(name)?;
        Ok(file)
    };
    let mut spool = unnamed(b"spool").map_err(failed("make a file for the archive"))?;
    let mut archive = unnamed(b"archive").map_err(failed("make a file for the archive"))?;
    let provenance = serde_json::json!({
        "helper": helper.name,
        "helper_package": helper.package,
        "helper_sha256": helper.sha256,
        "network": helper.network,
    });
    let open_content = |entry: &FileEntry| -> io::Result<Box<dyn io::Read + Send>> {
        Ok(Box::new(open(stage, entry)?))
    };
    write_archive(
        &manifest,
        provenance.to_string().as_bytes(),
        &open_content,
        Compression::new(CompressionFormat::Zstd, COMPRESSION_LEVEL)
            .expect("it is a level of this format"),
        NonZeroUsize::MIN,
        &mut spool,
        &mut archive,
    )
    .map_err(|source| HelperError::Archive {
        name: helper.name.clone(),
        source,
    })?;
    io::Seek::rewind(&mut archive).map_err(failed("read the archive"))?;
    Ok(archive)
}
