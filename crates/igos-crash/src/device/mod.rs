//! Power cuts under real file systems.
//!
//! A disk is a file that this process serves through FUSE ([`Served`]) and that a loop device makes a disk of; it
//! remembers everything that it is told ([`Recorder`]). A file system of the kernel is made on it, and transactions are
//! carried out on that. Afterwards the power is cut anywhere ([`cut`]): what was written before the last flush is on
//! the medium, of the rest anything. The file system mounts the result with its own log, the subject recovers, and the
//! root has to be exactly as it was before or after the transaction that was cut off; what was told to be done is done.
//!
//! Needs root. All mounts are in a namespace of one thread, and loop devices go with their mounts: nothing outlives the
//! process, however it ends.

pub mod cut;
mod filesystem;
mod image;
mod log;
mod served;

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use fs_err as fs;
use nix::mount::MsFlags;
use nix::sched::CloneFlags;

pub use filesystem::FileSystem;
pub use image::Image;
pub use log::{Event, Recorder, Recording};
pub use served::Served;

use crate::workload::{Operation, State, StateError, Subject, SubjectError, operations};
use cut::{Cut, Known, Replay};
use filesystem::{Access, Mounted};

/// What is cut off, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Experiment {
    /// Under what.
    pub file_system: FileSystem,
    /// Who changes the root.
    pub subject: Subject,
    /// How many cuts.
    pub cuts: usize,
    /// What chance is drawn from.
    pub seed: u64,
    /// What to do after a loss.
    pub after_loss: AfterLoss,
    /// A directory in memory.
    pub scratch: PathBuf,
}

/// What to do after a loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterLoss {
    /// Look for others.
    GoOn,
    /// That is enough.
    Stop,
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// How many transactions and edits were recorded.
    pub operations: usize,
    /// How many writes the disk was told.
    pub writes: usize,
    /// How many flushes.
    pub flushes: usize,
    /// How many cuts were made.
    pub cuts: usize,
    /// After how many of them an operation that had begun had not happened.
    pub old: usize,
    /// After how many of them it had.
    pub new: usize,
    /// How many were between operations.
    pub between: usize,
    /// What was neither.
    pub losses: Vec<Loss>,
}

/// A root that is neither as before nor as afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// The cut.
    pub cut: Cut,
    /// What had begun and was told.
    pub known: Known,
    /// What is wrong.
    pub what: String,
}

/// The machine for power cuts does not work.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// Mounts cannot be kept from others.
    #[error("cannot make a namespace of mounts; this needs root")]
    Namespace(#[source] io::Error),
    /// A file or directory.
    #[error("cannot prepare a disk")]
    File(#[source] io::Error),
    /// The disk cannot be served.
    #[error("cannot serve a disk through FUSE")]
    Serve(#[source] io::Error),
    /// A program cannot be started.
    #[error("cannot start {program}")]
    Start {
        /// Which.
        program: &'static str,
        /// Why.
        source: io::Error,
    },
    /// A program failed.
    #[error("{program} failed: {printed}")]
    Failed {
        /// Which.
        program: &'static str,
        /// What it printed.
        printed: String,
    },
    /// The loop device does not go round the page cache: the order of writes would not be that of the file system.
    #[error("the loop device has no direct access to the disk")]
    NotDirect,
    /// It cannot be mounted.
    #[error("cannot mount {file_system}")]
    Mount {
        /// What.
        file_system: FileSystem,
        /// Why.
        source: io::Error,
    },
    /// It cannot be unmounted.
    #[error("cannot unmount")]
    Unmount {
        /// Why.
        source: io::Error,
    },
    /// An operation failed before any cut.
    #[error("operation {number} failed on the recorded disk")]
    Operation {
        /// Which.
        number: usize,
        /// Why.
        source: SubjectError,
    },
    /// The recorded root cannot be looked at.
    #[error("cannot look at the recorded root")]
    State(#[source] StateError),
}

/// Says why this machine cannot cut the power of a file system, if it cannot.
#[must_use]
pub fn lacks(file_system: FileSystem) -> Option<String> {
    if !nix::unistd::geteuid().is_root() {
        return Some("mounting needs root".to_owned());
    }
    let devices = ["/dev/fuse", "/dev/loop-control"];
    let lacking = devices
        .into_iter()
        .find(|device| !Path::new(device).exists());
    lacking
        .map(|device| format!("there is no {device}"))
        .or_else(|| file_system.lacks())
}

/// Records transactions, cuts the power as often as asked for, and judges each root.
///
/// # Errors
///
/// Returns why the machine does not work; a loss is no error.
pub fn run(experiment: &Experiment) -> Result<Report, DeviceError> {
    let work = || {
        nix::sched::unshare(CloneFlags::CLONE_NEWNS)
            .and_then(|()| {
                let flags = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
                nix::mount::mount(None::<&str>, "/", None::<&str>, flags, None::<&str>)
            })
            .map_err(|error| DeviceError::Namespace(error.into()))?;
        experiment.run()
    };
    // One at a time: a program that another thread is just starting still has what this one wants to unmount.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    // The namespace is that of one thread and what it starts.
    let ended = std::thread::scope(|scope| scope.spawn(work).join());
    ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// A recording, and how the root was before and after each operation.
#[derive(Debug)]
struct Recorded {
    recording: Recording,
    states: Vec<State>,
}

impl Experiment {
    fn run(&self) -> Result<Report, DeviceError> {
        let directory = tempfile::Builder::new()
            .prefix("igos-crash-")
            .tempdir_in(&self.scratch)
            .map_err(DeviceError::File)?;
        let place = directory.path();
        let operations = operations(&place.join("archives")).map_err(DeviceError::File)?;
        let recorded = self.record(&operations, place)?;
        let count = |is_counted: fn(&Event) -> bool| {
            let events = recorded.recording.events.iter();
            events.filter(|event| is_counted(event)).count()
        };
        let mut report = Report {
            operations: operations.len(),
            writes: count(|event| matches!(event, Event::Write { .. })),
            flushes: count(|event| matches!(event, Event::Flush)),
            ..Report::default()
        };
        let mut replay = Replay::new(&recorded.recording, self.file_system.sector());
        for cut in cut::choose(&recorded.recording, self.cuts, self.seed) {
            let image = place.join("cut");
            replay
                .image(&cut)
                .write(&image)
                .map_err(DeviceError::File)?;
            let known = replay.known(&cut);
            report.cuts += 1;
            match self.judge(&image, place, known, &recorded.states)? {
                Ok(_) if known.begun == known.told => report.between += 1,
                Ok(state) if state == known.told => report.old += 1,
                Ok(_) => report.new += 1,
                Err(what) => {
                    report.losses.push(Loss { cut, known, what });
                    if self.after_loss == AfterLoss::Stop {
                        break;
                    }
                }
            }
        }
        Ok(report)
    }

    /// Carries out all operations on a recorded disk.
    fn record(&self, operations: &[Operation], place: &Path) -> Result<Recorded, DeviceError> {
        let made = |name: &str| {
            let path = place.join(name);
            fs::create_dir(&path).map_err(DeviceError::File)?;
            Ok::<_, DeviceError>(path)
        };
        let (served_at, root) = (made("served")?, made("root")?);
        let file = place.join("made");
        self.file_system.make(&file)?;
        let mounted = Mounted::mount(self.file_system, &file, Access::Cached, &root)?;
        fs::create_dir(root.join("var")).map_err(DeviceError::File)?;
        mounted.unmount()?;
        let base = Image::read(&file).map_err(DeviceError::File)?;
        fs::remove_file(&file).map_err(DeviceError::File)?;

        let recorder = Recorder::new(base);
        let served = Served::mount(recorder.clone(), &served_at).map_err(DeviceError::Serve)?;
        let mounted = Mounted::mount(self.file_system, served.file(), Access::Direct, &root)?;
        let mut states = vec![State::read(&root).map_err(DeviceError::State)?];
        for (number, operation) in operations.iter().enumerate() {
            recorder.add(Event::Begun(number));
            let mut told = || recorder.add(Event::Told(number));
            self.subject
                .perform(&root, operation, &mut told)
                .map_err(|source| DeviceError::Operation { number, source })?;
            states.push(State::read(&root).map_err(DeviceError::State)?);
        }
        // What comes after the last operation is of no interest, and neither is unmounting.
        let recording = recorder.recording();
        mounted.unmount()?;
        Ok(Recorded { recording, states })
    }

    /// Recovers a root after a cut; returns which of the states it has, or what is wrong with it.
    fn judge(
        &self,
        image: &Path,
        place: &Path,
        known: Known,
        states: &[State],
    ) -> Result<Result<usize, String>, DeviceError> {
        let root = place.join("root");
        let mounted = match Mounted::mount(self.file_system, image, Access::Cached, &root) {
            Ok(mounted) => mounted,
            Err(error @ DeviceError::Mount { .. }) => return Ok(Err(error.to_string())),
            Err(error) => return Err(error),
        };
        let found = match self.recover(&root)? {
            Err(problem) => Err(problem),
            Ok(()) => State::read(&root).map_err(|error| crate::chain(&error)),
        };
        mounted.unmount()?;
        let judged = found.and_then(|found| {
            let possible = known.told..=known.begun;
            let state = possible.clone().find(|number| states[*number] == found);
            state.ok_or_else(|| {
                let is_other = states.iter().position(|state| *state == found);
                let lines: Vec<String> = match is_other {
                    Some(other) => vec![format!("it is state {other}, not one of {possible:?}")],
                    None => states[known.begun].difference(&found),
                };
                lines.join("\n")
            })
        });
        Ok(match self.file_system.check(image) {
            Err(DeviceError::Failed { printed, .. }) => Err(format!("damaged: {printed}")),
            Err(error) => return Err(error),
            Ok(()) => judged,
        })
    }

    /// Recovers the root, unless nothing was ever installed.
    fn recover(&self, root: &Path) -> Result<Result<(), String>, DeviceError> {
        if !root.join("var/lib/igos/packages").exists() {
            return Ok(Ok(()));
        }
        let (program, arguments) = self.subject.recovery(root);
        #[expect(
            clippy::disallowed_methods,
            reason = "a machine for tests starts programs"
        )]
        let mut command = Command::new(program);
        let output = command
            .args(arguments)
            .env_clear()
            .stdin(Stdio::null())
            .output()
            .map_err(|source| DeviceError::Start {
                program: "the recovery",
                source,
            })?;
        if output.status.success() {
            return Ok(Ok(()));
        }
        let code = output.status.code().or_else(|| output.status.signal());
        let printed = String::from_utf8_lossy(&output.stderr);
        Ok(Err(format!("recovery ended with {code:?}: {printed}")))
    }
}
