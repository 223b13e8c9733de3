//! Runs a program and stops it at its system calls that may change something.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::OsString;
use std::io::{self, Read, Seek};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::decode::{After, Begun, Meaning, meaning};
use super::event::{Action, Call, Outcome, Trace, Warning};
use super::resolve::Objects;
use crate::{memory, registers};

/// What is run, and what is watched.
#[derive(Debug, Clone)]
pub struct Program {
    /// The program `igos-crash`, which lets itself be traced and becomes the program to run.
    pub launcher: PathBuf,
    /// The program and its arguments.
    pub command: Vec<OsString>,
    /// All of its environment.
    pub environment: BTreeMap<OsString, OsString>,
    /// The directory it starts in.
    pub directory: PathBuf,
    /// The directories whose changes count.
    pub watched: Vec<PathBuf>,
}

/// What is to become of a program at one of its calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on.
    Go,
    /// It and everything it started is killed here.
    Kill,
    /// The call does nothing and fails with this `errno` (but a file is closed); at the end of a call the same as
    /// [`Verdict::Go`].
    Fail(i32),
}

/// Who watches a program.
pub trait Observer {
    /// Is asked before a call; its outcome is [`Outcome::Unknown`].
    fn before(&mut self, call: &Call) -> Verdict {
        let _ = call;
        Verdict::Go
    }

    /// Is asked after a call.
    fn after(&mut self, call: &Call) -> Verdict {
        let _ = call;
        Verdict::Go
    }
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Its exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// Whether it was killed because an observer said so.
    pub is_killed: bool,
    /// What it printed.
    pub stdout: String,
    /// What it told.
    pub stderr: String,
}

/// A program cannot be traced.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// It cannot be started.
    #[error("cannot start {}", program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The kernel refuses to trace.
    #[error("cannot {operation}")]
    Kernel {
        /// What was tried.
        operation: &'static str,
        /// Why.
        #[source]
        source: Errno,
    },
    /// What a call is about cannot be found out.
    #[error("cannot look into the program")]
    Look {
        /// Why.
        #[source]
        source: io::Error,
    },
}

fn kernel(operation: &'static str) -> impl FnOnce(Errno) -> TraceError {
    move |source| TraceError::Kernel { operation, source }
}

fn look(source: io::Error) -> TraceError {
    TraceError::Look { source }
}

/// Runs a program to its end and records what it changes.
///
/// # Errors
///
/// Returns why it cannot be run or traced.
pub fn record(program: &Program) -> Result<(Ended, Trace), TraceError> {
    struct Nothing;
    impl Observer for Nothing {}
    trace(program, &mut Nothing)
}

/// Runs a program under the eyes of an observer, and records what it changes.
///
/// # Errors
///
/// Returns why it cannot be run or traced.
pub fn trace(program: &Program, observer: &mut dyn Observer) -> Result<(Ended, Trace), TraceError> {
    let objects = Objects::of(&program.watched).map_err(look)?;
    let mut stdout = tempfile::tempfile().map_err(look)?;
    let mut stderr = tempfile::tempfile().map_err(look)?;
    let main = start(program, &stdout, &stderr)?;
    let mut tracer = Tracer {
        objects,
        observer,
        trace: Trace::default(),
        threads: BTreeSet::from([main.as_raw()]),
        main,
        own: HashMap::new(),
        begun: HashMap::new(),
        is_killed: false,
    };
    tracer.trace.before = tracer.objects.before.clone();
    let code = match tracer.run(main) {
        Ok(code) => code,
        Err(error) => {
            tracer.kill_all();
            return Err(error);
        }
    };
    let text = |file: &mut std::fs::File| {
        let mut bytes = Vec::new();
        file.rewind()?;
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let ended = Ended {
        code,
        is_killed: tracer.is_killed,
        stdout: text(&mut stdout).map_err(look)?,
        stderr: text(&mut stderr).map_err(look)?,
    };
    let mut trace = tracer.trace;
    trace.devices = tracer.objects.devices;
    trace.inodes = tracer.objects.inodes;
    Ok((ended, trace))
}

/// Starts the program, stopped before its first instruction.
fn start(
    program: &Program,
    stdout: &std::fs::File,
    stderr: &std::fs::File,
) -> Result<Pid, TraceError> {
    let failed = |source| TraceError::Start {
        program: program.launcher.clone(),
        source,
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "this crate starts programs to kill them"
    )]
    let mut command = Command::new(&program.launcher);
    let child = command
        .arg("launch")
        .args(&program.command)
        .env_clear()
        .envs(&program.environment)
        .current_dir(&program.directory)
        .stdin(Stdio::null())
        .stdout(stdout.try_clone().map_err(failed)?)
        .stderr(stderr.try_clone().map_err(failed)?)
        .spawn()
        .map_err(failed)?;
    let main = Pid::from_raw(child.id().cast_signed());
    match waitpid(main, Some(WaitPidFlag::__WALL)).map_err(kernel("wait for the program"))? {
        WaitStatus::Stopped(_, Signal::SIGTRAP) => {}
        other => return Err(failed(io::Error::other(format!("it is {other:?}")))),
    }
    let options = Options::PTRACE_O_TRACESYSGOOD
        | Options::PTRACE_O_TRACECLONE
        | Options::PTRACE_O_TRACEFORK
        | Options::PTRACE_O_TRACEVFORK
        | Options::PTRACE_O_TRACEEXEC
        | Options::PTRACE_O_TRACESECCOMP
        | Options::PTRACE_O_EXITKILL;
    ptrace::setoptions(main, options).map_err(kernel("trace the program"))?;
    ptrace::cont(main, None).map_err(kernel("go on"))?;
    Ok(main)
}

/// A call that changes something and that a thread is in.
struct InCall {
    number: usize,
    begun: Box<Begun>,
    fails: Option<i32>,
}

struct Tracer<'a> {
    objects: Objects,
    observer: &'a mut dyn Observer,
    trace: Trace,
    threads: BTreeSet<i32>,
    main: Pid,
    /// Whether a thread is one of the program itself.
    own: HashMap<i32, bool>,
    begun: HashMap<i32, InCall>,
    is_killed: bool,
}

impl Tracer<'_> {
    /// Follows the program and all it starts, until it has ended; returns its exit code.
    fn run(&mut self, main: Pid) -> Result<Option<i32>, TraceError> {
        // Other threads of this process have children of their own.
        let flags = WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD;
        let mut code = None;
        loop {
            let status = match waitpid(None, Some(flags)) {
                Err(Errno::ECHILD) => return Ok(code),
                Err(Errno::EINTR) => continue,
                other => other.map_err(kernel("wait for the program"))?,
            };
            if self.is_killed
                && let Some(pid) = status.pid()
            {
                // One that was being born when the others were killed.
                let _gone = kill(pid, Signal::SIGKILL);
            }
            match status {
                WaitStatus::Exited(pid, exit) => {
                    self.threads.remove(&pid.as_raw());
                    if pid == main {
                        code = Some(exit);
                        // What it left behind is not part of the run.
                        self.kill_all();
                    }
                }
                WaitStatus::Signaled(pid, ..) => {
                    self.threads.remove(&pid.as_raw());
                    if pid == main {
                        self.kill_all();
                    }
                }
                WaitStatus::PtraceEvent(pid, _, libc::PTRACE_EVENT_SECCOMP) => {
                    self.threads.insert(pid.as_raw());
                    self.asks(pid)?;
                }
                WaitStatus::PtraceSyscall(pid) => {
                    if let Some(call) = self.begun.remove(&pid.as_raw()) {
                        self.ends(pid, call)?;
                    }
                    resume(pid, None)?;
                }
                WaitStatus::PtraceEvent(pid, ..) => resume(pid, None)?,
                WaitStatus::Stopped(pid, signal) => {
                    let is_new = self.threads.insert(pid.as_raw());
                    let deliver = !(is_new && signal == Signal::SIGSTOP);
                    resume(pid, deliver.then_some(signal))?;
                }
                _ => {}
            }
        }
    }

    /// Lets a thread go on that asks for a call which the filter stops: to the end of the call, if it changes something.
    fn asks(&mut self, thread: Pid) -> Result<(), TraceError> {
        match self.begins(thread) {
            Ok(Some(call)) => {
                self.begun.insert(thread.as_raw(), call);
                go_on(ptrace::syscall(thread, None))
            }
            Ok(None) => resume(thread, None),
            // Killed meanwhile.
            Err(TraceError::Kernel {
                source: Errno::ESRCH,
                ..
            }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn begins(&mut self, thread: Pid) -> Result<Option<InCall>, TraceError> {
        if self.is_killed {
            return Ok(None);
        }
        let asked = registers::asked(thread).map_err(kernel("read registers"))?;
        let begun = match meaning(&self.objects, thread, asked) {
            Ok(Some(Meaning::Begins(begun))) => begun,
            Ok(Some(Meaning::Warns(warning))) => {
                self.trace.warnings.push(warning);
                return Ok(None);
            }
            Ok(None) => {
                self.listen(thread, asked);
                return Ok(None);
            }
            // An address that leads nowhere: the call fails by itself.
            Err(_) => {
                self.trace.warnings.push(Warning::NotUnderstood {
                    call: asked.number,
                    why: "its arguments cannot be read",
                });
                return Ok(None);
            }
        };
        let number = self.trace.calls.len();
        let call = Call {
            number,
            thread: thread.as_raw(),
            is_own: self.is_own(thread),
            call: begun.call,
            action: begun.action.clone(),
            outcome: Outcome::Unknown,
        };
        let verdict = self.observer.before(&call);
        self.trace.calls.push(call);
        let fails = match verdict {
            Verdict::Go => None,
            Verdict::Kill => {
                self.kill_all();
                return Ok(None);
            }
            Verdict::Fail(errno) => {
                // Linux lets go of a descriptor whatever `close` says.
                if !matches!(begun.action, Action::Close { .. }) {
                    registers::skip(thread).map_err(kernel("write registers"))?;
                }
                Some(errno)
            }
        };
        Ok(Some(InCall {
            number,
            begun,
            fails,
        }))
    }

    /// Tells whether a thread is one of the program, and not of a program that it started.
    fn is_own(&mut self, thread: Pid) -> bool {
        let main = self.main;
        let of_main = || fs_err::symlink_metadata(format!("/proc/{main}/task/{thread}")).is_ok();
        *self.own.entry(thread.as_raw()).or_insert_with(of_main)
    }

    /// Takes down what is written to the standard output and the standard error.
    fn listen(&mut self, thread: Pid, asked: registers::Asked) {
        let [descriptor, address, length, ..] = asked.arguments;
        let is_write = asked.number == libc::SYS_write.cast_unsigned();
        if is_write
            && matches!(descriptor, 1 | 2)
            && let Ok(bytes) = memory::bytes(thread, address, length)
        {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            self.trace.told.push((self.trace.calls.len(), text));
        }
    }

    fn ends(&mut self, thread: Pid, call: InCall) -> Result<(), TraceError> {
        let InCall {
            number,
            begun,
            fails,
        } = call;
        if let Some(errno) = fails {
            registers::fail(thread, errno).map_err(kernel("write registers"))?;
        }
        let outcome = match registers::result(thread).map_err(kernel("read registers"))? {
            Ok(value) => Outcome::Done(value),
            Err(errno) => Outcome::Failed(errno),
        };
        let action = match outcome {
            Outcome::Done(value) => self
                .complete(thread, begun.action, &begun.after, value)
                .map_err(look)?,
            _ => begun.action,
        };
        let call = &mut self.trace.calls[number];
        call.action = action;
        call.outcome = outcome;
        if self.observer.after(call) == Verdict::Kill {
            self.kill_all();
        }
        Ok(())
    }

    /// Fills in what is known only after a call.
    fn complete(
        &mut self,
        thread: Pid,
        mut action: Action,
        after: &After,
        value: u64,
    ) -> io::Result<Action> {
        match (&mut action, after) {
            (Action::Create { object, mode, .. }, After::Made(_) | After::Opened) => {
                let (path, follow) = match after {
                    After::Made(path) => (path.clone(), false),
                    _ => (memory::descriptor(thread, value), true),
                };
                *object = Some(self.objects.made(&path, follow)?);
                let found = match follow {
                    true => fs_err::metadata(&path)?,
                    false => fs_err::symlink_metadata(&path)?,
                };
                *mode = std::os::unix::fs::MetadataExt::mode(&found) & 0o7777;
            }
            (Action::Write { bytes, .. }, After::Written) => {
                bytes.truncate(usize::try_from(value).unwrap_or(usize::MAX));
            }
            (Action::Write { bytes, offset, .. }, After::Copied { descriptor }) => {
                let file = fs_err::File::open(memory::descriptor(thread, *descriptor))?;
                let length = match value {
                    // `ioctl` tells nothing: the whole file was made alike.
                    0 => file.metadata()?.len(),
                    count => count,
                };
                *bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
                file.file().read_exact_at(bytes, *offset)?;
            }
            _ => {}
        }
        Ok(action)
    }

    fn kill_all(&mut self) {
        self.is_killed = true;
        for thread in &self.threads {
            // One that is gone already is as dead as it should be.
            let _gone = kill(Pid::from_raw(*thread), Signal::SIGKILL);
        }
    }
}

/// Lets a thread go on to the next call that the filter stops.
fn resume(thread: Pid, signal: Option<Signal>) -> Result<(), TraceError> {
    go_on(ptrace::cont(thread, signal))
}

fn go_on(result: Result<(), Errno>) -> Result<(), TraceError> {
    match result {
        // Killed meanwhile.
        Ok(()) | Err(Errno::ESRCH) => Ok(()),
        Err(source) => Err(TraceError::Kernel {
            operation: "go on",
            source,
        }),
    }
}
