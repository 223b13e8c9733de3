//! `diffoscope`, which sees into more kinds of files than we do; a help where it is installed, never needed.

use std::path::Path;
use std::time::Duration;

use igos_sandbox::{HostProgram, HostProgramError, Status};

/// The name of the program.
pub const DIFFOSCOPE: &str = "diffoscope";

/// Most of its report that it writes, in bytes.
const REPORT_MAX_BYTES: usize = 256 * 1024;
/// How long it may take.
const TIME_LIMIT: Duration = Duration::from_secs(600);

/// Returns what `diffoscope`, which lies at `program`, says of two archives; `None` if it sees no difference or ends
/// in trouble of its own. `path` is where it finds the programs that it asks.
///
/// # Errors
///
/// Returns why it was not run to its end.
pub fn describe(
    program: &Path,
    path: &str,
    first: &Path,
    second: &Path,
) -> Result<Option<String>, HostProgramError> {
    let output = HostProgram::new(program)
        .argument("--no-progress")
        .argument("--max-text-report-size")
        .argument(REPORT_MAX_BYTES.to_string())
        .arguments(["--text", "-"])
        .argument(first)
        .argument(second)
        .variable("PATH", path)
        .variable("LC_ALL", "C.UTF-8")
        .time_limit(TIME_LIMIT)
        .run()?;
    // Its manual: 0 without differences, 1 with some, 2 after trouble.
    let is_told = output.status == Status::Exited(1);
    Ok(is_told.then(|| String::from_utf8_lossy(&output.stdout).into_owned()))
}
