//! Unpacking an archive where no privilege is needed: verified and written by a confined process of our own.
//!
//! The process sees the archive, read-only, and one new directory; it has no network and no other file, a list of allowed
//! system calls, Landlock rules, and 256 MiB of memory. Decompressors (zstd and xz are C) run in there alone, so that
//! a hole in one of them gives nobody more than the directory that was asked for. `docs/decisions/0007-confined-decoding.md` tells
//! why, and what is planned for installing.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use igos_format::{PackageId, Sha256};
use igos_report::{Diagnostic, Explain, diagnose};
use igos_root::{Directory, RootDir, RootError, delete_tree};
use igos_sandbox::{
    Access, Limits, Measures, RootView, RunsAs, Sandbox, SandboxError, Status, Work,
};
use serde::{Deserialize, Serialize};

use crate::{LayerOwner, MaterialiseError, MaterialiseSummary, materialise};

/// The name under which [`unpack_helper`] is registered with the sandbox.
pub const UNPACK_HELPER: &str = "unpack-archive";

/// Where the confined process sees the archive and the new directory.
const ARCHIVE: &str = "/archive";
const TARGET: &str = "/target";

/// Memory that it may take, in bytes (threats note, X9): a window of 128 MiB, buffers, and our own program.
const MEMORY_BYTES: u64 = 256 * 1024 * 1024;

/// How long it may take: an archive of 100 GiB does.
const TIME_LIMIT: Duration = Duration::from_secs(60 * 60);

/// What a confined process says it unpacked.
#[derive(Debug, Serialize, Deserialize)]
struct Answer {
    name: String,
    epoch: u32,
    version: String,
    release: String,
    arch: String,
    seal: Sha256,
    paths: usize,
    bytes: u64,
}

/// What was unpacked, and which locks were in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpacked {
    /// What was unpacked.
    pub summary: MaterialiseSummary,
    /// The locks.
    pub measures: Measures,
}

/// An archive cannot be unpacked; nothing is left of what was begun.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// The directory cannot be made, because it is there or because of where it would be.
    #[error("cannot make directory {}", directory.display())]
    Directory {
        /// The directory.
        directory: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The place of the archive or the directory cannot be opened.
    #[error("cannot open the directory that holds {}", path.display())]
    Place {
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        source: RootError,
    },
    /// A path has no name in it.
    #[error("{} does not name a file or directory", path.display())]
    NoName {
        /// The path.
        path: PathBuf,
    },
    /// Where a path leads to cannot be said.
    #[error("cannot find {}", path.display())]
    NoPlace {
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The process cannot be confined, or did not come to an end.
    #[error("cannot unpack {}", archive.display())]
    Sandbox {
        /// The archive.
        archive: PathBuf,
        /// Why.
        #[source]
        source: SandboxError,
    },
    /// The process was stopped, or ended without an answer that makes sense.
    #[error("unpacking {} {problem}", archive.display())]
    Stopped {
        /// The archive.
        archive: PathBuf,
        /// How it ended.
        problem: String,
    },
    /// The archive is refused, or a path of it cannot be made.
    #[error("cannot unpack {}: {}", archive.display(), refusal.message)]
    Refused {
        /// The archive.
        archive: PathBuf,
        /// What the process said.
        refusal: Refusal,
    },
}

/// What a confined process said about an archive, as [`MaterialiseError`] would.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    code: String,
    message: String,
    hints: Vec<String>,
    exit_code: u8,
}

impl Explain for UnpackError {
    fn code(&self) -> &'static str {
        match self {
            UnpackError::Directory { .. } => "unpack-directory",
            UnpackError::Place { source, .. } => source.code(),
            UnpackError::NoName { .. } => "unpack-no-name",
            UnpackError::NoPlace { .. } => "unpack-no-place",
            UnpackError::Sandbox { source, .. } => source.code(),
            UnpackError::Stopped { .. } => "unpack-stopped",
            UnpackError::Refused { .. } => "unpack-refused",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            UnpackError::Directory { .. } => {
                vec!["name a directory that is not there yet".to_owned()]
            }
            UnpackError::Sandbox { source, .. } => source.hints(),
            UnpackError::Refused { refusal, .. } => refusal.hints.clone(),
            _ => Vec::new(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            UnpackError::Refused { refusal, .. } if refusal.exit_code == 1 => 1,
            UnpackError::NoName { .. } => 2,
            _ => 4,
        }
    }

    fn diagnostics(&self) -> Vec<Diagnostic> {
        let mut diagnostic = diagnose(self);
        if let UnpackError::Refused { refusal, .. } = self {
            diagnostic.code.clone_from(&refusal.code);
        }
        vec![diagnostic]
    }
}

impl Answer {
    fn of(summary: &MaterialiseSummary) -> Self {
        let package = &summary.package;
        Answer {
            name: package.name.to_string(),
            epoch: package.epoch,
            version: package.version.to_string(),
            release: package.release.to_string(),
            arch: package.arch.to_string(),
            seal: summary.seal,
            paths: summary.paths,
            bytes: summary.bytes,
        }
    }

    /// Returns what it says; `None` if its words are none of ours.
    fn into_summary(self) -> Option<MaterialiseSummary> {
        Some(MaterialiseSummary {
            package: PackageId {
                name: self.name.parse().ok()?,
                epoch: self.epoch,
                version: self.version.parse().ok()?,
                release: self.release.parse().ok()?,
                arch: self.arch.parse().ok()?,
            },
            seal: self.seal,
            paths: self.paths,
            bytes: self.bytes,
        })
    }
}

/// The inside: unpacks what is bound at fixed places. To be registered with [`igos_sandbox::init_if_child`].
///
/// # Errors
///
/// None: what is wrong with the archive is part of the answer.
pub fn unpack_helper(expected: &[u8]) -> Result<Vec<u8>, String> {
    let target = RootDir::open(Path::new(TARGET)).map_err(|error| error.to_string())?;
    let found = identity_of(target.top()).map_err(|error| error.to_string())?;
    if found.as_bytes() != expected {
        return Err("it is not the directory that was made".to_owned());
    }
    let answer = unpack_into(&target)
        .map(|summary| Answer::of(&summary))
        .map_err(|error| refusal_of(&error));
    serde_json::to_vec(&answer).map_err(|error| error.to_string())
}

fn unpack_into(target: &RootDir) -> Result<MaterialiseSummary, MaterialiseError> {
    let archive = RootDir::open(Path::new("/"))
        .map_err(RootError::into_io)
        .and_then(|top| top.top().open_file(&ARCHIVE.as_bytes()[1..]))
        .map_err(|source| MaterialiseError::Archive {
            source: igos_format::archive::ReadArchiveError::Input { source },
        })?;
    materialise(archive, target, LayerOwner::Caller)
}

/// Tells one open directory from all others: a path that leads elsewhere by now leads to a different one.
fn identity_of(directory: &Directory) -> std::io::Result<String> {
    let found = directory.own_metadata()?;
    Ok(format!("{}:{}", found.device, found.inode))
}

fn refusal_of(error: &MaterialiseError) -> Refusal {
    let mut message = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(source) = cause {
        message.push_str(&format!(": {source}"));
        cause = source.source();
    }
    Refusal {
        code: error.code().to_owned(),
        message,
        hints: error.hints(),
        exit_code: error.exit_code(),
    }
}

/// Unpacks an archive into a new directory, in a confined process with the caller's own rights over that directory.
///
/// As for [`materialise()`], setuid and setgid bits, capabilities and extended attributes are left out, and everything
/// belongs to the caller; nobody else can enter the directory.
///
/// # Errors
///
/// Returns why there is no such directory; nothing is left of one that was begun.
pub fn unpack(archive: &Path, directory: &Path) -> Result<Unpacked, UnpackError> {
    // Whoever can exchange the archive meanwhile gives another one, which is verified like this one.
    let from = absolute(archive)?;
    let to = Named::of(directory)?;
    let made = |source| UnpackError::Directory {
        directory: directory.to_owned(),
        source,
    };
    let parent = to.parent.top();
    // Nobody else enters it, not even later: what was made in there was made beside decoders of hostile bytes.
    let target = parent.create_directory(&to.name, 0o700).map_err(made)?;
    let unpacked = identity_of(&target)
        .map_err(made)
        .and_then(|identity| run(archive, &from, &to, identity));
    if unpacked.is_err() {
        // What is left can only be deleted by hand; the error says why there is no directory.
        delete_tree(parent, &to.name).ok();
    }
    unpacked
}

/// A path: its name in an open directory, and where that was when it was opened.
struct Named {
    parent: RootDir,
    place: PathBuf,
    name: Vec<u8>,
}

impl Named {
    fn of(path: &Path) -> Result<Self, UnpackError> {
        let name = path.file_name().ok_or_else(|| UnpackError::NoName {
            path: path.to_owned(),
        })?;
        let parent = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        let opened = RootDir::open(parent).map_err(|source| UnpackError::Place {
            path: path.to_owned(),
            source,
        })?;
        Ok(Named {
            parent: opened,
            place: absolute(parent)?,
            name: name.as_bytes().to_vec(),
        })
    }

    fn name(&self) -> PathBuf {
        OsStr::from_bytes(&self.name).into()
    }
}

fn absolute(path: &Path) -> Result<PathBuf, UnpackError> {
    std::path::absolute(path).map_err(|source| UnpackError::NoPlace {
        path: path.to_owned(),
        source,
    })
}

fn run(archive: &Path, from: &Path, to: &Named, target: String) -> Result<Unpacked, UnpackError> {
    // Nothing but the two is to be seen.
    let mut sandbox = Sandbox::new(&to.place, RootView::Layers(Vec::new()))
        .bind(from, ARCHIVE, Access::Read)
        .bind(to.name(), TARGET, Access::Write);
    sandbox.runs_as = RunsAs::Caller;
    sandbox.limits = Limits {
        processes: 1,
        memory_bytes: MEMORY_BYTES,
        wall: TIME_LIMIT,
        disk_bytes: u64::MAX,
        ..Limits::default()
    };
    let work = Work::Helper {
        name: UNPACK_HELPER.to_owned(),
        input: target.into_bytes(),
    };
    let ended =
        igos_sandbox::run(&sandbox, &work, &mut |_| {}).map_err(|source| UnpackError::Sandbox {
            archive: archive.to_owned(),
            source,
        })?;
    let stopped = |problem: String| UnpackError::Stopped {
        archive: archive.to_owned(),
        problem,
    };
    if ended.status != Status::Exited(0) {
        return Err(stopped(format!("was {}", ended.status)));
    }
    let nonsense = || stopped("gave an answer that makes no sense".to_owned());
    // Whatever the answer, it comes from where hostile bytes were decoded.
    let answer: Result<Answer, Refusal> =
        serde_json::from_slice(&ended.helper_output).map_err(|_| nonsense())?;
    match answer {
        Ok(answer) => Ok(Unpacked {
            summary: answer.into_summary().ok_or_else(nonsense)?,
            measures: ended.measures,
        }),
        Err(refusal) => Err(UnpackError::Refused {
            archive: archive.to_owned(),
            refusal,
        }),
    }
}
