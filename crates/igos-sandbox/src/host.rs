//! Trusted programs of the host: `apt-get`, `git`, `gpgv`. The only way to start one outside the sandbox.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use igos_report::Explain;

use crate::{Identity, Status};

/// A trusted program of the host with everything it gets: arguments, environment, bounds.
///
/// Standard input is `/dev/null` or `input`, the environment is what is listed, the program is a process group of
/// its own. When time or output runs over, the whole group is killed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostProgram {
    program: PathBuf,
    arguments: Vec<OsString>,
    environment: BTreeMap<OsString, OsString>,
    directory: PathBuf,
    identity: Option<Identity>,
    output_max_bytes: usize,
    time_limit: Duration,
}

/// What a host program said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostOutput {
    /// How it ended.
    pub status: Status,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: Vec<u8>,
}

/// Why a host program was not run to its end.
#[derive(Debug, thiserror::Error)]
pub enum HostProgramError {
    /// It could not be started.
    #[error("cannot start {}", program.display())]
    CannotStart {
        /// The program.
        program: PathBuf,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// Its output could not be read or its end not be awaited.
    #[error("cannot listen to {}", program.display())]
    Unwatchable {
        /// The program.
        program: PathBuf,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// It took longer than allowed and was killed.
    #[error("{} took longer than {} s and was killed", program.display(), time_limit.as_secs())]
    TimeLimit {
        /// The program.
        program: PathBuf,
        /// The limit.
        time_limit: Duration,
    },
    /// It printed more than allowed and was killed.
    #[error("{} printed more than {output_max_bytes} bytes and was killed", program.display())]
    OutputLimit {
        /// The program.
        program: PathBuf,
        /// The limit.
        output_max_bytes: usize,
    },
}

impl Explain for HostProgramError {
    fn code(&self) -> &'static str {
        match self {
            HostProgramError::CannotStart { .. } => "host-program-cannot-start",
            HostProgramError::Unwatchable { .. } => "host-program-unwatchable",
            HostProgramError::TimeLimit { .. } => "host-program-time-limit",
            HostProgramError::OutputLimit { .. } => "host-program-output-limit",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            HostProgramError::CannotStart { program, source }
                if source.kind() == io::ErrorKind::NotFound =>
            {
                vec![format!(
                    "install the package of the host that has `{}`",
                    program.display()
                )]
            }
            _ => Vec::new(),
        }
    }
}

impl HostProgram {
    /// Returns a program that gets no arguments and no environment, runs in `/`, and is given 10 minutes and 64 MiB of
    /// output. `program` is an absolute path; nothing is searched.
    #[must_use]
    pub fn new(program: impl Into<PathBuf>) -> Self {
        HostProgram {
            program: program.into(),
            arguments: Vec::new(),
            environment: BTreeMap::new(),
            directory: PathBuf::from("/"),
            identity: None,
            output_max_bytes: 64 * 1024 * 1024,
            time_limit: Duration::from_secs(600),
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn argument(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn arguments<A: Into<OsString>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Sets a variable of the environment.
    #[must_use]
    pub fn variable(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.insert(name.into(), value.into());
        self
    }

    /// Sets the working directory.
    #[must_use]
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.directory = directory.into();
        self
    }

    /// Runs the program as another user, without supplementary groups. Needs root.
    #[must_use]
    pub fn identity(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Sets how many bytes the program may print on each of its two streams.
    #[must_use]
    pub fn output_max_bytes(mut self, output_max_bytes: usize) -> Self {
        self.output_max_bytes = output_max_bytes;
        self
    }

    /// Sets how long the program may run.
    #[must_use]
    pub fn time_limit(mut self, time_limit: Duration) -> Self {
        self.time_limit = time_limit;
        self
    }

    /// Returns the path of the program.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.program
    }
}

impl HostProgram {
    /// Runs the program to its end.
    ///
    /// # Errors
    ///
    /// See [`HostProgramError`].
    pub fn run(&self) -> Result<HostOutput, HostProgramError> {
        Err(HostProgramError::CannotStart {
            program: self.path().to_owned(),
            source: std::io::ErrorKind::Unsupported.into(),
        })
    }
}
