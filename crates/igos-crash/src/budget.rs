//! How often an installation waits for the disk, and how many changing calls it makes.

use std::fmt;

use crate::run::RunError;
use crate::scenario::{Stage, TestPackage};
use crate::schedule::Fault;
use crate::trace::{Action, SyncWhat, Trace, trace};

/// Files in one directory of the package.
const FILES_OF_DIRECTORY: usize = 100;

/// Whether an installation waits for the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waits {
    /// It does.
    Yes,
    /// `--no-sync` is given.
    No,
}

/// What an installation of one package with many files took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// How many files the package has.
    pub files: usize,
    /// Waits before it was told that the transaction is in force: of file systems, then of single files.
    pub before_told: [usize; 2],
    /// The same of the whole run.
    pub in_all: [usize; 2],
    /// Calls that change something.
    pub changing: usize,
    /// What it printed.
    pub stderr: String,
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ([systems, single], [all_systems, all_single]) = (self.before_told, self.in_all);
        write!(
            f,
            "{} files: {systems} syncfs and {single} fsync before it is told, {all_systems} and {all_single} in all; \
             {:.1} calls a file change something",
            self.files,
            self.changing as f64 / self.files as f64
        )
    }
}

/// Installs a package with so many files and counts.
///
/// # Errors
///
/// Returns why it cannot be done.
pub fn measure(stage: &Stage, files: usize, waits: Waits) -> Result<Budget, RunError> {
    let name = format!("many-{files}");
    let mut package = TestPackage::new(&name, "1");
    for number in 0..files {
        let directory = number / FILES_OF_DIRECTORY;
        let path = format!("usr/share/many/{directory}/{number}");
        package = package.file(&path, format!("content {number}\n"), 0o644);
    }
    stage
        .add_archive(&name, &package)
        .map_err(RunError::Stage)?;
    let root = tempfile::tempdir_in(stage.directory()).map_err(RunError::File)?;
    let mut arguments = stage.install(&name);
    if waits == Waits::No {
        arguments.push("--no-sync".into());
    }
    let program = stage.program(root.path(), &arguments);
    let (ended, trace) = trace(&program, &mut Fault::Nothing).map_err(RunError::Trace)?;
    if ended.code != Some(0) {
        return Err(RunError::Undisturbed {
            operation: "install",
            problem: ended.stderr,
        });
    }
    // The reporter says that the transaction was applied; what follows is settling and answering.
    let told = trace
        .told
        .iter()
        .find(|(_, text)| text.trim_start().starts_with("done apply"));
    let Some((told, _)) = told else {
        return Err(RunError::Undisturbed {
            operation: "install",
            problem: format!(
                "it does not tell when the transaction is in force: {:?}",
                trace.told
            ),
        });
    };
    Ok(Budget {
        files,
        before_told: waits_of(&trace, *told),
        in_all: waits_of(&trace, trace.calls.len()),
        changing: trace.calls.len(),
        stderr: ended.stderr,
    })
}

fn waits_of(trace: &Trace, end: usize) -> [usize; 2] {
    let count = |wanted: fn(SyncWhat) -> bool| {
        let calls = trace.calls[..end].iter();
        calls
            .filter(|call| matches!(call.action, Action::Sync { what, .. } if wanted(what)))
            .count()
    };
    [
        count(|what| what == SyncWhat::Filesystem),
        count(|what| matches!(what, SyncWhat::File | SyncWhat::Data)),
    ]
}
