//! Trusted programs of the host: `apt-get`, `git`, `gpgv`. The only way to start one outside the sandbox.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use igos_report::Explain;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal};

use crate::{Identity, Status};

/// How often the time limit is looked at.
const LISTEN_INTERVAL: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 100_000_000,
};

/// Most reads of a pipe in one go: 4 MiB.
const READS_MAX: usize = 64;

/// A trusted program of the host with everything it gets: arguments, environment, bounds.
///
/// Standard input is `/dev/null`, the environment is what is listed, the program is a process group of
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

    /// Runs the program to its end.
    ///
    /// # Errors
    ///
    /// See [`HostProgramError`]. A program that fails is no error, see [`HostOutput::status`].
    pub fn run(&self) -> Result<HostOutput, HostProgramError> {
        let unwatchable = |source: io::Error| HostProgramError::Unwatchable {
            program: self.program.clone(),
            source,
        };
        let cannot_start = |source: io::Error| HostProgramError::CannotStart {
            program: self.program.clone(),
            source,
        };
        if !self.program.is_absolute() {
            return Err(cannot_start(io::ErrorKind::InvalidInput.into()));
        }
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .env_clear()
            .envs(&self.environment)
            .current_dir(&self.directory)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        if let Some(identity) = self.identity {
            // As root this also gives up the supplementary groups.
            command.uid(identity.uid).gid(identity.gid);
        }
        let mut running =
            Running::new(command.spawn().map_err(cannot_start)?).map_err(unwatchable)?;
        let started = Instant::now();
        loop {
            let has_ended = running.listen().map_err(unwatchable)?;
            if running.stdout.len().max(running.stderr.len()) > self.output_max_bytes {
                return Err(HostProgramError::OutputLimit {
                    program: self.program.clone(),
                    output_max_bytes: self.output_max_bytes,
                });
            }
            if has_ended {
                return running.finish().map_err(unwatchable);
            }
            if started.elapsed() >= self.time_limit {
                return Err(HostProgramError::TimeLimit {
                    program: self.program.clone(),
                    time_limit: self.time_limit,
                });
            }
        }
    }
}

/// A started program; its whole group is killed when this is dropped before the end.
struct Running {
    child: Child,
    group: Pid,
    end: OwnedFd,
    stdout_pipe: Option<OwnedFd>,
    stderr_pipe: Option<OwnedFd>,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    is_finished: bool,
}

impl Running {
    fn new(mut child: Child) -> io::Result<Self> {
        let group = i32::try_from(child.id())
            .ok()
            .and_then(Pid::from_raw)
            .ok_or(io::ErrorKind::InvalidData)?;
        let stdout_pipe = child.stdout.take().map(OwnedFd::from);
        let stderr_pipe = child.stderr.take().map(OwnedFd::from);
        for pipe in stdout_pipe.iter().chain(&stderr_pipe) {
            rustix::io::ioctl_fionbio(pipe, true)?;
        }
        Ok(Running {
            child,
            group,
            end: rustix::process::pidfd_open(group, PidfdFlags::empty())?,
            stdout_pipe,
            stderr_pipe,
            stdout: Vec::new(),
            stderr: Vec::new(),
            is_finished: false,
        })
    }

    /// Waits a moment for output or the end, and reads what there is; returns whether the program has ended.
    fn listen(&mut self) -> io::Result<bool> {
        let mut events = vec![PollFd::new(&self.end, PollFlags::IN)];
        for pipe in self.stdout_pipe.iter().chain(&self.stderr_pipe) {
            events.push(PollFd::new(pipe, PollFlags::IN));
        }
        match rustix::event::poll(&mut events, Some(&LISTEN_INTERVAL)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let has_ended = !events[0].revents().is_empty();
        drop(events);
        read_some(&mut self.stdout_pipe, &mut self.stdout)?;
        read_some(&mut self.stderr_pipe, &mut self.stderr)?;
        Ok(has_ended)
    }

    /// Reads what is left and reaps. Processes that the program left in its group end with it.
    fn finish(mut self) -> io::Result<HostOutput> {
        for (pipe, bytes) in [
            (&mut self.stdout_pipe, &mut self.stdout),
            (&mut self.stderr_pipe, &mut self.stderr),
        ] {
            read_some(pipe, bytes)?;
        }
        self.kill_group();
        let status = self.child.wait()?;
        self.is_finished = true;
        let status = match (status.code(), status.signal()) {
            (Some(code), _) => Status::Exited(code),
            (None, signal) => Status::Signaled(signal.unwrap_or_default()),
        };
        Ok(HostOutput {
            status,
            stdout: std::mem::take(&mut self.stdout),
            stderr: std::mem::take(&mut self.stderr),
        })
    }

    fn kill_group(&self) {
        // Nobody being left in the group is what we want.
        rustix::process::kill_process_group(self.group, Signal::KILL).ok();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.is_finished {
            self.kill_group();
            // The caller hears of another error already.
            self.child.wait().ok();
        }
    }
}

/// Reads all that is in a pipe now; a pipe that has ended is closed.
fn read_some(pipe: &mut Option<OwnedFd>, bytes: &mut Vec<u8>) -> io::Result<()> {
    let mut chunk = [0_u8; 64 * 1024];
    // A bound on one call, so that a program that never stops printing does not keep us from our limits.
    for _ in 0..READS_MAX {
        let Some(descriptor) = pipe.as_ref() else {
            return Ok(());
        };
        match rustix::io::read(descriptor, &mut chunk) {
            Ok(0) => *pipe = None,
            Ok(count) => bytes.extend_from_slice(&chunk[..count]),
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{HostOutput, HostProgram, HostProgramError};
    use crate::Status;

    #[test]
    fn output_status_and_environment_are_exactly_what_was_asked_for() {
        let output = HostProgram::new("/bin/sh")
            .arguments([
                "-c",
                "echo \"$1 $NAME $HOME\"; echo error >&2; exit 3",
                "sh",
                "a b",
            ])
            .variable("NAME", "value")
            .run()
            .expect("a shell exists");
        let expected = HostOutput {
            status: Status::Exited(3),
            stdout: b"a b value \n".to_vec(),
            stderr: b"error\n".to_vec(),
        };
        assert_eq!(output, expected);
    }

    #[test]
    fn time_and_output_are_limited_and_nothing_is_searched() {
        let slow = HostProgram::new("/bin/sh")
            .arguments(["-c", "sleep 60 & sleep 60"])
            .time_limit(Duration::from_millis(200));
        assert!(matches!(
            slow.run(),
            Err(HostProgramError::TimeLimit { .. })
        ));
        let loud = HostProgram::new("/bin/sh")
            .arguments(["-c", "while :; do echo line; done"])
            .output_max_bytes(1000);
        assert!(matches!(
            loud.run(),
            Err(HostProgramError::OutputLimit { .. })
        ));
        let relative = HostProgram::new("sh");
        assert!(matches!(
            relative.run(),
            Err(HostProgramError::CannotStart { .. })
        ));
    }
}
