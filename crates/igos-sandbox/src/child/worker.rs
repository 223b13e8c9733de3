//! The process that gives up its rights and becomes the program, or calls the helper.

use std::ffi::{CStr, CString, OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::panic::AssertUnwindSafe;

use rustix::event::Timespec;
use rustix::event::{PollFd, PollFlags};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{DumpableBehavior, Pid, PidfdFlags, WaitOptions, WaitStatus};

use super::start::leave;
use super::{landlock, rights, seccomp};
use crate::control::{ChildStatus, ConfinementPlan, Plan, Refusal, WorkPlan};
use crate::locks::{Lock, is_on};
use crate::syscall::{self, Fork};
use crate::{HELPER_OUTPUT_MAX_BYTES, HelperFn};

/// First byte of what a worker reports: why it did not start, in JSON.
const REFUSED: u8 = b'R';
/// First byte of what a worker reports: the helper's output.
const OUTPUT: u8 = b'O';
/// First byte of what a worker reports: the helper's error text.
const FAILED: u8 = b'F';

/// Exit code of a worker that did not start; nobody sees it, because the report comes first.
const REFUSED_EXIT_CODE: i32 = 126;

/// How often processes that lost their parent are reaped when nothing else happens.
const REAP_INTERVAL: Timespec = Timespec {
    tv_sec: 1,
    tv_nsec: 0,
};

/// A running worker.
pub(super) struct Worker {
    pid: Pid,
    descriptor: OwnedFd,
    report: Option<OwnedFd>,
    reported: Vec<u8>,
}

/// What the standard input of a worker is.
#[derive(Clone, Copy)]
pub(super) enum Streams<'a> {
    /// `/dev/null`; output goes to the caller.
    Nothing,
    /// One end of a socket of the caller's; output goes to the caller.
    Channel(&'a OwnedFd),
    /// A terminal, which output goes to as well.
    Terminal(&'a OwnedFd),
}

/// What helpers there are, and what the one that the plan names is given.
#[derive(Clone, Copy)]
pub(super) struct Work<'a> {
    pub(super) input: &'a [u8],
    pub(super) helpers: &'a [(&'static str, HelperFn)],
}

/// Starts a worker; `confinement` says with which locks.
pub(super) fn start(
    plan: &Plan,
    confinement: Option<&ConfinementPlan>,
    streams: Streams<'_>,
    given: Work<'_>,
) -> Result<Worker, Refusal> {
    let (report, report_writer) =
        pipe_with(PipeFlags::CLOEXEC).map_err(Refusal::during("make a pipe"))?;
    match syscall::fork().map_err(Refusal::during("start the worker"))? {
        Fork::Child => {
            let writer = report_writer.as_fd();
            let result = prepare(plan, confinement, streams, writer)
                .and_then(|()| work(plan, given, writer));
            leave(result.unwrap_or_else(|refusal| {
                report_refusal(writer, &refusal);
                REFUSED_EXIT_CODE
            }))
        }
        Fork::Parent(pid) => {
            drop(report_writer);
            rustix::io::ioctl_fionbio(&report, true)
                .map_err(Refusal::during("read from a pipe without waiting"))?;
            let descriptor = rustix::process::pidfd_open(pid, PidfdFlags::empty())
                .map_err(Refusal::during("watch the worker"))?;
            Ok(Worker {
                pid,
                descriptor,
                report: Some(report),
                reported: Vec::new(),
            })
        }
    }
}

impl Worker {
    /// Reaps until the worker has ended; returns nothing if `stop` becomes readable before.
    pub(super) fn wait(
        &mut self,
        stop: Option<BorrowedFd<'_>>,
    ) -> Result<Option<ChildStatus>, Refusal> {
        loop {
            let mut events = vec![PollFd::new(&self.descriptor, PollFlags::IN)];
            if let Some(stop) = &stop {
                events.push(PollFd::new(stop, PollFlags::IN));
            }
            if let Some(report) = &self.report {
                events.push(PollFd::new(report, PollFlags::IN));
            }
            match rustix::event::poll(&mut events, Some(&REAP_INTERVAL)) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(Refusal::during("wait for the worker")(error)),
            }
            let must_stop = stop.is_some() && !events[1].revents().is_empty();
            drop(events);
            self.read_report();
            if let Some(status) = self.reap()? {
                self.read_report();
                return Ok(Some(status));
            }
            if must_stop {
                return Ok(None);
            }
        }
    }

    /// Returns the helper's output, or why there is none.
    pub(super) fn into_output(self, work: &WorkPlan) -> Result<Vec<u8>, Refusal> {
        let Some((kind, rest)) = self.reported.split_first() else {
            return Ok(Vec::new());
        };
        match (*kind, work) {
            (OUTPUT, WorkPlan::Helper { .. }) => Ok(rest.to_vec()),
            (FAILED, WorkPlan::Helper { name }) => Err(Refusal::Helper {
                name: name.clone(),
                message: String::from_utf8_lossy(rest).into_owned(),
            }),
            (REFUSED, _) => Err(serde_json::from_slice(rest).unwrap_or(Refusal::Invalid {
                reason: "the worker refuses and cannot say why".to_owned(),
            })),
            _ => Ok(Vec::new()),
        }
    }

    fn read_report(&mut self) {
        let mut chunk = [0_u8; 64 * 1024];
        while let Some(report) = &self.report {
            match rustix::io::read(report, &mut chunk) {
                Ok(0) => self.report = None,
                Ok(count) => {
                    self.reported.extend_from_slice(&chunk[..count]);
                    // One byte says what it is.
                    if self.reported.len() > HELPER_OUTPUT_MAX_BYTES + 1 {
                        self.reported = vec![FAILED];
                        self.reported
                            .extend_from_slice(b"the helper returns too much");
                        self.report = None;
                    }
                }
                Err(Errno::INTR) => {}
                Err(_) => return,
            }
        }
    }

    /// Reaps every process that has ended; returns the worker's status if it is among them.
    fn reap(&self) -> Result<Option<ChildStatus>, Refusal> {
        let mut ended = None;
        loop {
            match rustix::process::wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) if pid == self.pid => ended = Some(child_status(status)),
                Ok(Some(_)) | Err(Errno::INTR) => {}
                Ok(None) | Err(Errno::CHILD) => return Ok(ended),
                Err(error) => return Err(Refusal::during("reap processes")(error)),
            }
        }
    }
}

fn child_status(status: WaitStatus) -> ChildStatus {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => ChildStatus::Exited(code),
        (None, signal) => ChildStatus::Signaled(signal.unwrap_or_default()),
    }
}

/// Arranges streams, session, limits and locks.
fn prepare(
    plan: &Plan,
    confinement: Option<&ConfinementPlan>,
    streams: Streams<'_>,
    report: BorrowedFd<'_>,
) -> Result<(), Refusal> {
    let arrange = || -> Result<(), Errno> {
        if is_on(Lock::Session) {
            rustix::process::setsid()?;
        }
        match streams {
            Streams::Terminal(terminal) => {
                rustix::process::ioctl_tiocsctty(terminal)?;
                rustix::stdio::dup2_stdin(terminal)?;
                rustix::stdio::dup2_stdout(terminal)?;
                rustix::stdio::dup2_stderr(terminal)?;
            }
            Streams::Channel(channel) => rustix::stdio::dup2_stdin(channel)?,
            Streams::Nothing => {
                // The one of this root: the descriptor so far leads to an inode of the host.
                let flags = OFlags::RDWR | OFlags::CLOEXEC;
                let null = rustix::fs::open("/dev/null", flags, Mode::empty())?;
                rustix::stdio::dup2_stdin(&null)?;
            }
        }
        if !is_on(Lock::Descriptors) {
            return Ok(());
        }
        syscall::close_all_but_streams_and(report)
    };
    arrange().map_err(Refusal::during("arrange the streams"))?;
    if let WorkPlan::Program { cwd, .. } = &plan.work {
        rustix::process::chdir(cwd.as_os_str())
            .map_err(Refusal::during(format!("enter {} inside", cwd.display())))?;
    }
    if is_on(Lock::ProcessLimits) {
        rights::set_limits(&plan.limits)?;
    }
    let Some(confinement) = confinement else {
        return Ok(());
    };
    if is_on(Lock::Capabilities) {
        rights::drop_capabilities(confinement, &plan.work)?;
    }
    if is_on(Lock::NoNewPrivileges) {
        rights::forbid_new_privileges()?;
    }
    if is_on(Lock::Landlock) {
        landlock::restrict(confinement, &plan.work)?;
    }
    if is_on(Lock::Seccomp) {
        seccomp::restrict()?;
    }
    Ok(())
}

/// Becomes the program, or calls the helper; returns the exit code if this process is still ours afterwards.
fn work(plan: &Plan, given: Work<'_>, report: BorrowedFd<'_>) -> Result<i32, Refusal> {
    match &plan.work {
        WorkPlan::Program { argv, env, .. } => {
            syscall::reset_signals();
            Err(execute(argv, env))
        }
        WorkPlan::Helper { name } => {
            let Some((_, helper)) = given.helpers.iter().find(|(known, _)| known == name) else {
                return Err(Refusal::Invalid {
                    reason: format!("there is no helper named {name}"),
                });
            };
            // A program becomes this by being executed; without it the caller could not sample our memory.
            rustix::process::set_dumpable_behavior(DumpableBehavior::Dumpable)
                .map_err(Refusal::during("open the helper to the caller"))?;
            let result = std::panic::catch_unwind(AssertUnwindSafe(|| helper(given.input)))
                .unwrap_or_else(|_| Err(format!("the helper {name} panicked")));
            let (kind, bytes) = match result {
                Ok(output) => (OUTPUT, output),
                Err(message) => (FAILED, message.into_bytes()),
            };
            write_report(report, kind, &bytes);
            Ok(i32::from(kind != OUTPUT))
        }
    }
}

/// Executes a program, searching it in `PATH` of its environment as execvp(3) does; returns why that failed.
fn execute(argv: &[OsString], env: &[(OsString, OsString)]) -> Refusal {
    let Some(program) = argv.first() else {
        return Refusal::Invalid {
            reason: "the list of arguments is empty".to_owned(),
        };
    };
    let refuse = |error: Errno| Refusal::CannotStart {
        program: program.clone(),
        errno: error.raw_os_error(),
    };
    let to_c = |text: &[u8]| CString::new(text).map_err(|_| refuse(Errno::INVAL));
    let inherited: Vec<(OsString, OsString)> = match is_on(Lock::Environment) {
        true => Vec::new(),
        false => std::env::vars_os().collect(),
    };
    let assignments = env
        .iter()
        .chain(&inherited)
        .map(|(name, value)| to_c(&[name.as_bytes(), b"=", value.as_bytes()].concat()));
    let prepared = argv
        .iter()
        .map(|argument| to_c(argument.as_bytes()))
        .collect::<Result<Vec<_>, _>>()
        .and_then(|argv| Ok((argv, assignments.collect::<Result<Vec<_>, _>>()?)));
    let (arguments, environment) = match prepared {
        Ok(prepared) => prepared,
        Err(refusal) => return refusal,
    };
    let arguments: Vec<&CStr> = arguments.iter().map(CString::as_c_str).collect();
    let environment: Vec<&CStr> = environment.iter().map(CString::as_c_str).collect();
    let mut reason = Errno::NOENT;
    for candidate in candidates(program, env) {
        let Ok(candidate) = CString::new(candidate) else {
            return refuse(Errno::INVAL);
        };
        match syscall::execve(&candidate, &arguments, &environment) {
            Ok(never) => match never {},
            Err(Errno::NOENT | Errno::NOTDIR) => {}
            Err(error) => reason = error,
        }
    }
    refuse(reason)
}

fn candidates(program: &OsStr, env: &[(OsString, OsString)]) -> Vec<Vec<u8>> {
    let program = program.as_bytes();
    if program.contains(&b'/') {
        return vec![program.to_vec()];
    }
    env.iter()
        .find(|(name, _)| name == "PATH")
        .map(|(_, path)| path.as_bytes())
        .unwrap_or_default()
        .split(|&byte| byte == b':')
        .filter(|directory| !directory.is_empty())
        .map(|directory| [directory, b"/", program].concat())
        .collect()
}

fn report_refusal(report: BorrowedFd<'_>, refusal: &Refusal) {
    let text = serde_json::to_vec(refusal).unwrap_or_default();
    write_report(report, REFUSED, &text);
}

fn write_report(report: BorrowedFd<'_>, kind: u8, bytes: &[u8]) {
    let message = [&[kind], bytes].concat();
    let mut rest = message.as_slice();
    while !rest.is_empty() {
        match rustix::io::write(report, rest) {
            Ok(count) => rest = &rest[count..],
            Err(Errno::INTR) => {}
            // Init is gone, and with it everything else.
            Err(_) => return,
        }
    }
}
