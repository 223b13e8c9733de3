//! Programs of the host that do work for us: `git`, `apt-get`, `apt-helper`.
//!
//! They get an absolute path, a list of arguments, the variables named here and nothing else.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use igos_sandbox::{HostProgram, HostProgramError, Status};

/// A program of the host did not do its work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HostError {
    /// It is not there.
    #[error("program {} is not installed", program.display())]
    Missing { program: PathBuf },
    /// It ended with an error.
    #[error("{} failed: {message}", program.display())]
    Failed { program: PathBuf, message: String },
    /// It could not be run to its end.
    #[error(transparent)]
    Run(HostProgramError),
}

/// Runs a program and returns what it printed.
pub(crate) fn run(
    program: &Path,
    args: &[&str],
    env: &[(&str, &str)],
    output_max_bytes: usize,
    timeout: Duration,
) -> Result<Vec<u8>, HostError> {
    let command = HostProgram::new(program)
        .arguments(args)
        .output_max_bytes(output_max_bytes)
        .time_limit(timeout);
    let command = env.iter().fold(command, |command, (name, value)| {
        command.variable(name, value)
    });
    let output = command.run().map_err(|error| match error {
        HostProgramError::CannotStart { program, source }
            if source.kind() == io::ErrorKind::NotFound =>
        {
            HostError::Missing { program }
        }
        error => HostError::Run(error),
    })?;
    match output.status {
        Status::Exited(0) => Ok(output.stdout),
        Status::Exited(_) | Status::Signaled(_) | Status::Stopped(_) | Status::Interrupted => {
            Err(HostError::Failed {
                program: program.to_owned(),
                message: last_lines(&output.stderr),
            })
        }
    }
}

/// Returns the end of what a program said, as one line for people.
fn last_lines(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let last = &lines[lines.len().saturating_sub(4)..];
    last.join("; ").replace(|c: char| c.is_control(), " ")
}

/// Returns an error and its causes as one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        text = format!("{text}: {source}");
        cause = source.source();
    }
    text
}
