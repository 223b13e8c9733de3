//! Who changes the root: `pkm` itself, or a subject that carries out one transaction with a planted defect.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;

use fs_err as fs;
use igos_report::Quiet;
use igos_root::{RootDir, RootError};
use igos_sysroot::{
    ApplyError, ArchiveSource, Candidate, CandidateError, Change, ChangeOptions, Downgrade,
    LockedSysroot, OpenError, Ownership, Plan, PlanError, Policy, Reason, Request, RollbackRequest,
    RunningKernel, Sysroot, UndoError, Unmanaged, Unsigned, Vouch,
};

use super::Operation;
use super::defect::{Defect, Planted};

/// When all transactions of the subject happen.
const NOW: i64 = 1_750_000_000;
/// What the subject prints when a transaction is in force.
const TOLD: &str = "told";

/// A program that changes a root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// `pkm` at this path. That a transaction is in force is known when it ends.
    Pkm(PathBuf),
    /// `igos-crash` at this path. It says when a transaction is in force, before it is settled.
    Planted(PathBuf, Defect),
}

/// An operation cannot be carried out.
#[derive(Debug, thiserror::Error)]
pub enum SubjectError {
    /// A file.
    #[error("cannot write a file of the administrator")]
    Edit(#[source] io::Error),
    /// The program.
    #[error("cannot run the program")]
    Start(#[source] io::Error),
    /// It ended otherwise than it should.
    #[error("the program ended with {status}:\n{printed}")]
    Ended {
        /// How.
        status: std::process::ExitStatus,
        /// What it printed.
        printed: String,
    },
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Pkm(_) => f.write_str("pkm"),
            Subject::Planted(_, defect) => write!(f, "defect {defect}"),
        }
    }
}

impl Subject {
    /// Returns the program and the arguments for an operation that needs one.
    #[must_use]
    pub fn command(&self, root: &Path, operation: &Operation) -> Option<(PathBuf, Vec<OsString>)> {
        let words: Vec<OsString> = match operation {
            Operation::Install(archives) => std::iter::once("install".into())
                .chain(archives.iter().map(OsString::from))
                .collect(),
            Operation::Remove(names) => std::iter::once("remove".into())
                .chain(names.iter().map(OsString::from))
                .collect(),
            Operation::Rollback(transaction) => {
                vec!["rollback".into(), transaction.to_string().into()]
            }
            Operation::Edit { .. } => return None,
        };
        let (program, mut arguments) = self.on(root);
        arguments.extend(words);
        if matches!(operation, Operation::Install(_)) {
            arguments.push("--allow-unsigned".into());
        }
        Some((program, arguments))
    }

    /// Returns the program and the arguments that finish or undo what an interrupted transaction left.
    #[must_use]
    pub fn recovery(&self, root: &Path) -> (PathBuf, Vec<OsString>) {
        let sound = match self {
            Subject::Pkm(_) => self.clone(),
            Subject::Planted(program, _) => Subject::Planted(program.clone(), Defect::None),
        };
        let (program, mut arguments) = sound.on(root);
        arguments.push("recover".into());
        (program, arguments)
    }

    /// Returns the program, and the arguments before the verb.
    fn on(&self, root: &Path) -> (PathBuf, Vec<OsString>) {
        let (program, mut arguments) = match self {
            Subject::Pkm(program) => (program, Vec::new()),
            Subject::Planted(program, defect) => {
                (program, vec!["subject".into(), defect.to_string().into()])
            }
        };
        arguments.extend(["--root".into(), root.into(), "--yes".into()]);
        (program.clone(), arguments)
    }

    /// Returns a script that carries out operations one after another, and makes a file in `marks` when one begins and
    /// when somebody was told that it is done.
    #[must_use]
    pub fn script(&self, root: &Path, operations: &[Operation], marks: &Path) -> String {
        let mut script = String::new();
        for (number, operation) in operations.iter().enumerate() {
            let mark = |word: &str| marks.join(format!("{word}-{number}")).display().to_string();
            script += &format!(": > {}\n", mark("begun"));
            if let Operation::Edit { path, content } = operation {
                // As a careful editor does.
                let (root, content) = (root.display(), content.trim_end());
                script += &format!(
                    "echo '{content}' > {root}/var/edited\nsync {root}/var/edited\n\
                     mv {root}/var/edited {root}/{path}\nsync -f {root}\n"
                );
            }
            let mut tells = false;
            if let Some((program, mut arguments)) = self.command(root, operation) {
                if matches!(self, Subject::Planted(..)) {
                    arguments.splice(2..2, ["--mark".into(), mark("told").into()]);
                    tells = true;
                }
                script += &format!("{}", program.display());
                for argument in arguments {
                    script += &format!(" '{}'", argument.display());
                }
                script += "\n";
            }
            if !tells {
                script += &format!(": > {}\n", mark("told"));
            }
        }
        script
    }

    /// Carries out an operation; calls `told` when somebody was told that it is done.
    ///
    /// # Errors
    ///
    /// Returns why it was not carried out.
    pub fn perform(
        &self,
        root: &Path,
        operation: &Operation,
        told: &mut dyn FnMut(),
    ) -> Result<(), SubjectError> {
        if let Operation::Edit { path, content } = operation {
            edit(root, path, content).map_err(SubjectError::Edit)?;
            told();
            return Ok(());
        }
        let Some((program, arguments)) = self.command(root, operation) else {
            return Ok(());
        };
        #[expect(
            clippy::disallowed_methods,
            reason = "a machine for tests starts programs"
        )]
        let mut command = Command::new(program);
        let child = command
            .args(arguments)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(SubjectError::Start)?;
        let is_told = matches!(self, Subject::Planted(..));
        self.listen(child, is_told.then_some(&mut *told))?;
        if !is_told {
            told();
        }
        Ok(())
    }

    /// Waits for the end of a program; calls `told` when it tells something, and then lets it go on.
    fn listen(
        &self,
        mut child: Child,
        mut told: Option<&mut dyn FnMut()>,
    ) -> Result<(), SubjectError> {
        if let (Some(output), Some(mut input)) = (child.stdout.take(), child.stdin.take()) {
            for line in BufReader::new(output).lines() {
                let line = line.map_err(SubjectError::Start)?;
                if let Some(told) = told.as_mut().filter(|_| line == TOLD) {
                    told();
                    input.write_all(b"\n").map_err(SubjectError::Start)?;
                }
            }
        }
        let output = child.wait_with_output().map_err(SubjectError::Start)?;
        if output.status.success() {
            return Ok(());
        }
        Err(SubjectError::Ended {
            status: output.status,
            printed: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }
}

/// Replaces a file as a careful editor does.
fn edit(root: &Path, path: &str, content: &str) -> io::Result<()> {
    let target = root.join(path);
    // Beside everything that is compared: what is left of an interrupted edit is nobody's loss.
    let temporary = root.join("var/edited");
    let mut file = fs::File::create(&temporary)?;
    file.write_all(content.as_bytes())?;
    let before = fs::metadata(&target)?;
    fs::set_permissions(&temporary, before.permissions())?;
    debug_assert_eq!(before.nlink(), 1, "configuration files have one name");
    file.sync_all()?;
    fs::rename(&temporary, &target)?;
    let directory = RootDir::open(root).map_err(RootError::into_io)?;
    directory.top().sync_filesystem()
}

/// The subject cannot carry out its transaction.
#[derive(Debug, thiserror::Error)]
enum RunError {
    #[error(
        "usage: igos-crash subject DEFECT --root ROOT --yes install|remove|rollback|recover WORD…"
    )]
    Usage,
    #[error("cannot open the root")]
    Root(#[source] RootError),
    #[error("cannot read an archive")]
    File(#[source] io::Error),
    #[error("cannot read an archive")]
    Archive(#[source] CandidateError),
    #[error("cannot open the record")]
    Open(#[source] OpenError),
    #[error("there is no plan")]
    Plan(#[source] PlanError),
    #[error("there is no way back")]
    Undo(#[source] UndoError),
    #[error("cannot carry out the plan")]
    Apply(#[source] ApplyError),
}

/// Carries out one transaction with a defect: the program `igos-crash subject`.
#[must_use]
#[expect(clippy::print_stderr, reason = "a program of tests")]
pub fn run(arguments: &[OsString]) -> ExitCode {
    match transact(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            let mut cause = std::error::Error::source(&error);
            while let Some(error) = cause {
                eprintln!("    {error}");
                cause = error.source();
            }
            ExitCode::from(4)
        }
    }
}

fn transact(arguments: &[OsString]) -> Result<(), RunError> {
    let mut arguments = arguments.to_vec();
    let mark = match arguments.get(1) {
        Some(option) if option == "--mark" => arguments.drain(1..=2).next_back(),
        _ => None,
    };
    let [defect, option, root, _yes, verb, words @ ..] = arguments.as_slice() else {
        return Err(RunError::Usage);
    };
    let defect = defect.to_str().and_then(|text| text.parse().ok());
    let defect: Defect = defect
        .filter(|_| option == "--root")
        .ok_or(RunError::Usage)?;
    let root_directory = || RootDir::open(Path::new(root)).map_err(RunError::Root);
    let archives = match verb.to_str() {
        Some("recover") => {
            let recovered = LockedSysroot::open(root_directory()?, ChangeOptions::default());
            return recovered.map(drop).map_err(RunError::Open);
        }
        Some("install") => read_archives(words)?,
        _ => Vec::new(),
    };
    let plan = plan(root_directory()?, verb, words, &archives)?;
    let options = ChangeOptions {
        mutations: Arc::new(Planted::new(defect)),
        ..ChangeOptions::default()
    };
    let mut sysroot =
        LockedSysroot::create_or_open(root_directory()?, options).map_err(RunError::Open)?;
    let open = |change: &Change| -> io::Result<ArchiveSource> {
        let found = archives
            .iter()
            .find(|(candidate, _)| Some(candidate.seal()) == change.seal)
            .ok_or(io::ErrorKind::NotFound)?;
        Ok(ArchiveSource::Whole(Box::new(io::Cursor::new(
            found.1.clone(),
        ))))
    };
    sysroot
        .apply(&plan, plan.digest(), &open, NOW, &Quiet)
        .map_err(RunError::Apply)?;
    tell(mark.as_deref()).map_err(RunError::File)?;
    sysroot.settle().map_err(RunError::Apply)
}

/// Says that the transaction is in force: makes the file `mark`, or prints it and waits until somebody has taken note, for
/// a line of the input.
#[expect(
    clippy::print_stdout,
    reason = "what it prints is what the machine waits for"
)]
fn tell(mark: Option<&OsStr>) -> io::Result<()> {
    if let Some(mark) = mark {
        return fs::File::create(Path::new(mark)).map(drop);
    }
    println!("{TOLD}");
    io::stdin().read_line(&mut String::new()).map(drop)
}

fn read_archives(files: &[OsString]) -> Result<Vec<(Candidate, Vec<u8>)>, RunError> {
    let read = |file: &OsString| {
        let bytes = fs::read(Path::new(file)).map_err(RunError::File)?;
        let candidate =
            Candidate::read(bytes.as_slice(), Vouch::unsigned()).map_err(RunError::Archive)?;
        Ok((candidate, bytes))
    };
    let files = files.iter().filter(|file| *file != "--allow-unsigned");
    files.map(read).collect()
}

fn plan(
    root: RootDir,
    verb: &OsStr,
    words: &[OsString],
    archives: &[(Candidate, Vec<u8>)],
) -> Result<Plan, RunError> {
    let sysroot = Sysroot::open(root, Unmanaged::Empty).map_err(RunError::Open)?;
    let word = |word: &OsString| word.to_str().ok_or(RunError::Usage).map(str::to_owned);
    let mut request = Request::new(Policy {
        unsigned: Unsigned::Allow,
        downgrade: Downgrade::Allow,
        ownership: Ownership::of_caller(),
        ..Policy::strict(RunningKernel::Ignore)
    });
    match verb.to_str() {
        Some("install") => {
            let seals = archives.iter().map(|(candidate, _)| candidate.seal());
            request.install = seals.map(|seal| (seal, Reason::Explicit)).collect();
        }
        Some("remove") => {
            for name in words {
                let name = word(name)?.parse().map_err(|_| RunError::Usage)?;
                request.remove.insert(name);
            }
        }
        Some("rollback") => {
            let transaction = words.first().ok_or(RunError::Usage)?;
            let request = RollbackRequest {
                transaction: word(transaction)?.parse().map_err(|_| RunError::Usage)?,
                kernel: RunningKernel::Ignore,
                ownership: Ownership::of_caller(),
                at_hand: &|_| false,
            };
            return sysroot.plan_rollback(&request).map_err(RunError::Undo);
        }
        _ => return Err(RunError::Usage),
    }
    let candidates: Vec<Candidate> = archives.iter().map(|(found, _)| found.clone()).collect();
    sysroot.plan(&candidates, &request).map_err(RunError::Plan)
}
