//! What a sandboxed program sees and how much it may use: plain data, made by the caller.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

/// What a sandboxed program sees, and how much it may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sandbox {
    /// Directory that relative paths of `root` and `binds` are relative to.
    ///
    /// The child enters it while it still has the caller's rights, so that it may lie below a directory that
    /// [`build_identity`](crate::build_identity) cannot traverse. The directory itself must be searchable by
    /// that identity.
    pub base: PathBuf,
    /// What `/` is inside.
    pub root: RootView,
    /// Directories and files of the host that are visible inside besides `root`.
    pub binds: Vec<Bind>,
    /// How much the program may use before it is stopped.
    pub limits: Limits,
    /// Whether a person sits in front of it.
    pub terminal: Terminal,
    /// Whose rights over files it has.
    pub runs_as: RunsAs,
    /// Which network it reaches.
    pub network: Network,
}

impl Sandbox {
    /// Returns a sandbox without binds and terminal, with the default limits.
    #[must_use]
    pub fn new(base: impl Into<PathBuf>, root: RootView) -> Self {
        Sandbox {
            base: base.into(),
            root,
            binds: Vec::new(),
            limits: Limits::default(),
            terminal: Terminal::None,
            runs_as: RunsAs::BuildIdentity,
            network: Network::None,
        }
    }

    /// Adds a bind.
    #[must_use]
    pub fn bind(
        mut self,
        source: impl Into<PathBuf>,
        target: impl Into<PathBuf>,
        access: Access,
    ) -> Self {
        self.binds.push(Bind {
            source: source.into(),
            target: target.into(),
            access,
        });
        self
    }
}

/// What `/` is inside a sandbox; always read-only, nosuid and nodev.
///
/// Whatever the view, `/dev`, `/proc`, `/run`, `/tmp` and the targets of the binds are ours: a layer that has
/// a symbolic link or a file at one of these paths does not get through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RootView {
    /// Directories stacked by overlayfs, topmost first; at most 490.
    Layers(Vec<PathBuf>),
    /// The host's `/usr` (with `/bin`, `/lib` and so on) and the few files of `/etc` that compilers need.
    Host,
    /// One directory, for example an installed root out of which something is run.
    ///
    /// File systems mounted below it are not visible.
    Directory(PathBuf),
}

impl RootView {
    /// Returns the name used in [`Measures`](crate::Measures).
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            RootView::Layers(_) => "layers",
            RootView::Host => "host",
            RootView::Directory(_) => "directory",
        }
    }
}

/// One directory or file of the host made visible inside.
///
/// File systems mounted below `source` come with it; all are nosuid and nodev.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bind {
    /// Path on the host; relative paths are relative to [`Sandbox::base`]. Its last component must not be a
    /// symbolic link.
    pub source: PathBuf,
    /// Absolute path inside, made of plain names; created in our own skeleton, never in a layer.
    pub target: PathBuf,
    /// What the program may do there.
    pub access: Access,
}

/// What a sandboxed program may do below a [`Bind`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Read and execute.
    Read,
    /// Read, execute, and everything that the files' modes allow.
    Write,
}

/// Whether a person sits in front of the sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Terminal {
    /// Nobody: standard input is `/dev/null`, output goes through a pipe, there is no controlling terminal.
    None,
    /// The caller's standard input is a terminal, which is put into raw mode and passed on to a terminal
    /// of the sandbox's own; what comes out is given to `output`. The log limit is not applied.
    Interactive,
}

/// Whose rights over files a sandboxed program has. Inside, it is user 0 in every case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunsAs {
    /// Those of [`build_identity`](crate::build_identity): where root is the caller, somebody who owns nothing.
    BuildIdentity,
    /// The caller's own. For root all ids of the caller's user namespace exist inside, so that files can be given to
    /// anybody: for programs that maintain an installed root, on the writable binds of which nothing but mounts,
    /// Landlock and the kept capabilities limits them.
    Caller,
}

/// Which network a sandboxed program reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// Its own loopback interface.
    None,
    /// What the caller reaches.
    Caller,
}

/// How much a sandboxed program may use before it is stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Processes and threads at one time. Default 4096: a parallel build of a large C++ program uses hundreds.
    pub processes: u64,
    /// Memory of all processes together, in bytes. Default 16 GiB: a linker of a browser stays below.
    pub memory_bytes: u64,
    /// Time on the clock. Default 12 hours: longer than the slowest package, shorter than a lost weekend.
    pub wall: Duration,
    /// Bytes of disk in all writable binds together, by blocks used. Default 64 GiB. With `u64::MAX` neither bytes nor
    /// entries are counted: for binds that hold much that the program did not make.
    pub disk_bytes: u64,
    /// Files and directories in all writable binds together. Default 4 million.
    pub disk_entries: u64,
    /// Bytes of standard output and standard error together. Default 256 MiB.
    pub log_bytes: u64,
    /// Size of `/tmp` and `/dev/shm`, each, in bytes. Default 2 GiB.
    pub tmp_bytes: u64,
    /// Descriptors open in one process. Default 4096.
    pub open_files: u64,
}

impl Default for Limits {
    fn default() -> Self {
        const GIB: u64 = 1024 * 1024 * 1024;
        Limits {
            processes: 4096,
            memory_bytes: 16 * GIB,
            wall: Duration::from_secs(12 * 60 * 60),
            disk_bytes: 64 * GIB,
            disk_entries: 4_000_000,
            log_bytes: GIB / 4,
            tmp_bytes: 2 * GIB,
            open_files: 4096,
        }
    }
}

/// One of the [`Limits`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Limit {
    /// [`Limits::processes`].
    Processes,
    /// [`Limits::memory_bytes`].
    Memory,
    /// [`Limits::wall`].
    Time,
    /// [`Limits::disk_bytes`] or [`Limits::disk_entries`].
    Disk,
    /// [`Limits::log_bytes`].
    Log,
}

impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Limit::Processes => "number of processes",
            Limit::Memory => "memory",
            Limit::Time => "time",
            Limit::Disk => "disk space",
            Limit::Log => "log size",
        })
    }
}

/// A function that does part of our own work inside a sandbox, for example unpacking a hostile tarball.
///
/// It runs after all locks are on, in a process of its own, as the only thread. What it prints goes to
/// `output` of [`run`](crate::run); what it returns, at most [`HELPER_OUTPUT_MAX_BYTES`], is untrusted.
pub type HelperFn = fn(input: &[u8]) -> Result<Vec<u8>, String>;

/// Largest answer or error text of a helper, in bytes; tested before allocating.
///
/// A listing of four million files takes less; answers are lists and digests, contents go to files.
pub const HELPER_OUTPUT_MAX_BYTES: usize = 256 * 1024 * 1024;

/// What to do in the sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// Execute a program.
    Program {
        /// The program and its arguments. A program without a slash is searched in `PATH` of `env`, inside.
        argv: Vec<OsString>,
        /// The whole environment.
        env: BTreeMap<OsString, OsString>,
        /// Working directory, inside.
        cwd: PathBuf,
    },
    /// Call a function registered with [`init_if_child`](crate::init_if_child).
    Helper {
        /// Its name.
        name: String,
        /// Its argument.
        input: Vec<u8>,
    },
}

/// How the program ended, and what was measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// How it ended.
    pub status: Status,
    /// What the helper returned; empty for a program. Untrusted.
    pub helper_output: Vec<u8>,
    /// What it used.
    pub usage: Usage,
    /// Which locks and limits were in force.
    pub measures: crate::Measures,
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// By itself, with this code.
    Exited(i32),
    /// Killed by this signal.
    Signaled(i32),
    /// Stopped by us, because it hit this limit.
    Stopped(Limit),
    /// Stopped by us, because the user asked to stop; see [`stop_when`](crate::stop_when).
    Interrupted,
}

impl Status {
    /// Returns whether it ended by itself with code 0.
    #[must_use]
    pub fn is_success(self) -> bool {
        self == Status::Exited(0)
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Status::Exited(code) => write!(f, "exited with code {code}"),
            Status::Signaled(signal) => write!(f, "killed by signal {signal}"),
            Status::Stopped(limit) => write!(f, "stopped at the limit on {limit}"),
            Status::Interrupted => f.write_str("interrupted"),
        }
    }
}

/// What a sandboxed program used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Time on the clock, in milliseconds.
    pub wall_ms: u64,
    /// Largest memory seen for all processes together, in bytes; a sample, exact only with a cgroup.
    pub memory_peak_bytes: u64,
    /// Largest number of processes and threads seen; a sample.
    pub processes_peak: u64,
    /// Bytes printed.
    pub log_bytes: u64,
}

/// Host ids that builds run as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Identity {
    /// User id on the host.
    pub uid: u32,
    /// Group id on the host.
    pub gid: u32,
}
