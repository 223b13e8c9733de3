//! What staging is given and what it returns.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use igos_format::archive::{ArchiveSummary, Compression};
use igos_format::manifest::{Manifest, Origin};
use igos_format::{Arch, Sha256};
use igos_recipe::Recipe;
use igos_report::Task;
use igos_sandbox::SandboxError;

use super::relate::{UndeclaredPolicy, VisiblePackage};

/// A finished build that is to become packages.
#[derive(Debug)]
pub struct StageInput<'a> {
    /// The recipe that was built.
    pub recipe: &'a Recipe,
    /// The machine it was built for.
    pub arch: Arch,
    /// The key of everything that went into the build.
    pub build_key: Sha256,
    /// The modification time of every installed file, in seconds since 1970.
    pub source_date_epoch: u64,
    /// How the packages came to be.
    pub origin: Origin,
    /// The directory that the build installed into. It is hostile: read it through descriptors. Nobody changes
    /// it any more, except for programs that [`Tools`] runs.
    pub destination: PathBuf,
    /// An existing empty directory that takes the archives.
    pub output: PathBuf,
    /// The packages that the build could see, sorted by name.
    pub visible: &'a [VisiblePackage<'a>],
    /// What happens when files need a package that the recipe does not declare.
    pub undeclared: UndeclaredPolicy,
    /// Whether symbols are removed from programs and libraries.
    pub strip: Strip,
    /// The provenance that goes into every archive, as deterministic JSON.
    pub provenance: &'a [u8],
    /// How archives are compressed.
    pub compression: Compression,
    /// How many threads may compress; the bytes do not depend on it.
    pub threads: NonZeroUsize,
    /// The task that progress and notices belong to.
    pub task: &'a Task<'a>,
}

/// Whether symbols are removed from programs and libraries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strip {
    /// They are removed.
    Remove,
    /// What debuggers read of programs and libraries with a build id goes into the package `NAME-debug`; the rest is
    /// removed.
    Split,
    /// They stay: the build left a file `nostrip`, as KISS recipes do.
    Keep,
}

/// One package of a build and its archive.
#[derive(Debug, Clone)]
pub struct StagedPackage {
    /// Everything the package is.
    pub manifest: Manifest,
    /// The archive.
    pub archive: PathBuf,
    /// What was written.
    pub summary: ArchiveSummary,
}

/// Runs programs of the toolchain in the sandbox of the build.
pub trait Tools {
    /// Runs `argv`, where the destination directory is `/dest` and may be written; returns once every process
    /// of it is dead.
    ///
    /// # Errors
    ///
    /// Returns that the sandbox could not be made, or that the program failed.
    fn run(&mut self, argv: Vec<OsString>) -> Result<(), ToolError>;
}

/// A program of the toolchain did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// The sandbox could not be made.
    #[error("cannot run {program} in the sandbox")]
    Sandbox {
        /// The program.
        program: String,
        /// Why not.
        #[source]
        source: SandboxError,
    },
    /// It ended with something else than exit code 0.
    #[error("{program} {ended}: {output}")]
    Failed {
        /// The program.
        program: String,
        /// How it ended, in words.
        ended: String,
        /// The last lines of its output.
        output: String,
    },
}
