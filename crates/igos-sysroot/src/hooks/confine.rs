//! Running one program of a root, confined: the one place that decides what hooks may do.
//!
//! The program sees the target root as `/`, runs as the caller (root's own ids for root), without network, terminal
//! and standard input, with the environment it is given, and is stopped when its time is over. After a transaction
//! it may write below the top-level directories of the root; before one, nowhere. The package manager's own is out of its
//! reach in every case (`guard.rs`). `docs/formats/hooks.md` says all of it.

use std::collections::BTreeMap;
use std::fmt;
use std::os::fd::{AsFd, AsRawFd};
use std::path::PathBuf;
use std::time::Duration;

use igos_format::RelPath;
use igos_root::{Kind, RootDir, RootError};
use igos_sandbox::{
    Access, HostProgram, Limits, RootView, RunsAs, Sandbox, SandboxError, Status, Work,
};

use super::builtin::PROGRAM_DIRECTORIES;
use super::error::HookError;
use super::guard::Guard;
use super::output::Output;

/// How long a hook may run; the slowest known, building the cache of a font collection, takes a minute.
const TIME_LIMIT: Duration = Duration::from_secs(300);

/// Top-level directories that hooks cannot write to: not packages' business, or made anew for each hook.
const NOT_WRITABLE: [&[u8]; 11] = [
    b"dev",
    b"home",
    b"lost+found",
    b"media",
    b"mnt",
    b"proc",
    b"root",
    b"run",
    b"srv",
    b"sys",
    b"tmp",
];

/// What a hook may write to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Writes {
    /// Nothing but its own `/tmp`; these staged files, by where they are below the root, stand where they will be.
    Nothing(Vec<(RelPath, RelPath)>),
    /// The root.
    Root,
}

/// One program to run in a root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookCall {
    /// The program, absolute below the root, and its arguments.
    pub run: Vec<String>,
    /// Its environment besides `PATH`.
    pub environment: BTreeMap<String, String>,
    /// What it may write to.
    pub writes: Writes,
}

/// How a hook ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookOutcome {
    /// Why it counts as failed; `None` if it did what it is for.
    pub problem: Option<String>,
    /// What it printed: all, or the beginning and the end.
    pub output: Vec<u8>,
}

/// What runs the hooks of a root; tests put something else in its place.
pub trait RunHooks: fmt::Debug + Send + Sync {
    /// Tells whether hooks can be run at all, before anything is changed.
    ///
    /// # Errors
    ///
    /// Returns what is missing.
    fn check(&self) -> Result<(), HookError>;

    /// Runs one program in a root and returns when every process of it is dead.
    ///
    /// # Errors
    ///
    /// Returns why it could not be confined; a hook that fails is no error.
    fn run(&self, root: &RootDir, call: &HookCall) -> Result<HookOutcome, HookError>;

    /// Runs one program of the running system, outside of any sandbox: for what talks to its service manager.
    ///
    /// # Errors
    ///
    /// As for [`RunHooks::run`].
    fn run_on_host(&self, call: &HookCall) -> Result<HookOutcome, HookError>;
}

/// Runs hooks in the sandbox.
#[derive(Debug, Clone)]
pub struct Confined {
    /// How long each may run.
    pub time_limit: Duration,
}

impl Default for Confined {
    fn default() -> Self {
        Confined {
            time_limit: TIME_LIMIT,
        }
    }
}

impl RunHooks for Confined {
    fn check(&self) -> Result<(), HookError> {
        igos_sandbox::probe()
            .map(|_| ())
            .map_err(|missing| HookError::NoSandbox { missing })
    }

    fn run(&self, root: &RootDir, call: &HookCall) -> Result<HookOutcome, HookError> {
        let sandbox = self.sandbox(root, &call.writes)?;
        let work = Work::Program {
            argv: call.run.iter().map(Into::into).collect(),
            env: environment(call)
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
            cwd: "/".into(),
        };
        let mut output = Output::default();
        let ended = igos_sandbox::run(&sandbox, &work, &mut |bytes| output.take(bytes));
        let problem = match ended {
            Ok(ended) => problem(ended.status),
            Err(SandboxError::CannotStart { source, .. }) => {
                Some(format!("cannot start {}: {source}", call.run.join(" ")))
            }
            Err(source) => {
                return Err(HookError::Sandbox {
                    job: call.run.join(" "),
                    source,
                });
            }
        };
        Ok(HookOutcome {
            problem,
            output: output.into_bytes(),
        })
    }

    fn run_on_host(&self, call: &HookCall) -> Result<HookOutcome, HookError> {
        let mut words = call.run.iter();
        let mut program = HostProgram::new(words.next().cloned().unwrap_or_default())
            .arguments(words)
            .time_limit(self.time_limit);
        for (name, value) in environment(call) {
            program = program.variable(name, value);
        }
        let mut output = Output::default();
        let problem = match program.run() {
            Ok(said) => {
                output.take(&said.stdout);
                output.take(&said.stderr);
                problem(said.status)
            }
            Err(error) => Some(error.to_string()),
        };
        Ok(HookOutcome {
            problem,
            output: output.into_bytes(),
        })
    }
}

impl Confined {
    fn sandbox(&self, root: &RootDir, writes: &Writes) -> Result<Sandbox, HookError> {
        // By descriptor: what the root is was decided when it was opened.
        let base = format!(
            "/proc/{}/fd/{}",
            std::process::id(),
            root.top().as_fd().as_raw_fd()
        );
        let mut sandbox = Sandbox::new(base, RootView::Directory(PathBuf::from(".")));
        sandbox.runs_as = RunsAs::Caller;
        sandbox.limits = self.limits();
        match writes {
            Writes::Nothing(staged) => {
                for (source, place) in staged {
                    let target = PathBuf::from("/").join(path(place));
                    sandbox = sandbox.bind(path(source), target, Access::Read);
                }
            }
            Writes::Root => {
                let guard = Guard::set(root)?;
                let mut binds: BTreeMap<PathBuf, Access> = BTreeMap::new();
                for name in writable(root)? {
                    binds.insert(name, Access::Write);
                }
                for (place, access) in guard.mounts() {
                    binds.insert(path(place), access);
                }
                for (name, access) in binds {
                    let target = PathBuf::from("/").join(&name);
                    sandbox = sandbox.bind(name, target, access);
                }
            }
        }
        Ok(sandbox)
    }

    fn limits(&self) -> Limits {
        const MIB: u64 = 1024 * 1024;
        Limits {
            processes: 1024,
            memory_bytes: 4096 * MIB,
            wall: self.time_limit,
            // The binds are the whole root: what a hook adds to it cannot be told from what was there.
            disk_bytes: u64::MAX,
            log_bytes: 64 * MIB,
            tmp_bytes: 512 * MIB,
            ..Limits::default()
        }
    }
}

/// Returns the top-level directories of a root that hooks may write to.
fn writable(root: &RootDir) -> Result<Vec<PathBuf>, HookError> {
    let failed = |source| HookError::Read {
        source: RootError::new("list", root.to_string(), source),
    };
    let mut names = Vec::new();
    for entry in root.top().entries().map_err(failed)? {
        let found = root.top().metadata(&entry.name).map_err(failed)?;
        if found.kind == Kind::Directory && !NOT_WRITABLE.contains(&entry.name.as_slice()) {
            names.push(PathBuf::from(std::ffi::OsString::from(os(&entry.name))));
        }
    }
    Ok(names)
}

fn os(bytes: &[u8]) -> &std::ffi::OsStr {
    std::os::unix::ffi::OsStrExt::from_bytes(bytes)
}

fn path(path: &RelPath) -> PathBuf {
    PathBuf::from(os(path.as_bytes()))
}

/// Returns the whole environment of a call.
fn environment(call: &HookCall) -> BTreeMap<String, String> {
    let mut environment = call.environment.clone();
    let directories = PROGRAM_DIRECTORIES.map(|directory| format!("/{directory}"));
    environment.insert("PATH".to_owned(), directories.join(":"));
    environment
}

fn problem(status: Status) -> Option<String> {
    (!status.is_success()).then(|| status.to_string())
}
