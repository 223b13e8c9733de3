//! The loop that listens to a running sandbox and stops it at a limit.

use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use rustix::event::Timespec;
use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;

use super::gauges::Gauges;
use super::plan::Request;
use super::spawn::Spawned;
use super::terminal::UserTerminal;
use crate::control::{Blocks, ChildStatus, Message, Received};
use crate::{Ended, Limit, Limits, Measures, SandboxError, Status, Usage};

/// How often usage is sampled.
///
/// A runaway process fills memory at some GiB a second; a fifth of a second bounds the overshoot to what a machine with a swap-free
/// limit can bear, at under one percent of one core.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(200);

/// Size of one read of output, in bytes: the size of a pipe.
const CHUNK_BYTES: usize = 64 * 1024;

struct Watch<'a> {
    spawned: Spawned,
    limits: &'a Limits,
    output: &'a mut dyn FnMut(&[u8]),
    started: Instant,
    next_sample: Instant,
    usage: Usage,
    measures: Measures,
    gauges: Gauges,
    stopped: Option<Limit>,
    is_interrupted: bool,
    result: Option<Result<(ChildStatus, Vec<u8>), SandboxError>>,
    is_output_open: bool,
    is_control_open: bool,
}

/// Runs a request to its end.
pub(super) fn run(
    mut request: Request,
    limits: &Limits,
    measures: Measures,
    mut terminal: Option<UserTerminal>,
    output: &mut dyn FnMut(&[u8]),
) -> Result<Ended, SandboxError> {
    let mut watch = Watch::start(&mut request, limits, measures, output)?;
    watch.until_end(&mut terminal)?;
    drop(terminal);
    watch.finish()
}

/// Makes a sandbox for a helper that does not exist; returns the measures that would have been in force for one that does.
pub(super) fn try_out(
    mut request: Request,
    limits: &Limits,
    measures: Measures,
) -> Result<Measures, SandboxError> {
    let mut ignore = |_: &[u8]| {};
    let mut watch = Watch::start(&mut request, limits, measures, &mut ignore)?;
    let measures = watch.measures.clone();
    watch.until_end(&mut None)?;
    match watch.finish() {
        Ok(_) | Err(SandboxError::Invalid { .. }) => Ok(measures),
        Err(error) => Err(error),
    }
}

fn failed(step: &'static str) -> impl FnOnce(io::Error) -> SandboxError {
    move |source| SandboxError::Parent { step, source }
}

/// What a wait found.
#[derive(Debug, Default)]
struct Ready {
    output: bool,
    control: bool,
    end: bool,
}

impl<'a> Watch<'a> {
    /// Starts a child, with its limits around it, and gives it the plan.
    fn start(
        request: &mut Request,
        limits: &'a Limits,
        mut measures: Measures,
        output: &'a mut dyn FnMut(&[u8]),
    ) -> Result<Self, SandboxError> {
        let spawned = Spawned::start(request.plan.identity)?;
        let started = Instant::now();
        let gauges = Gauges::start(request, limits, spawned.id());
        measures.limits = gauges.means();
        if gauges.has_memory_group() {
            // Sanitizers reserve more than any limit and use little of it; a group counts what is used.
            request.plan.limits.data_bytes = None;
        }
        // Only the child has it afterwards.
        let channel = request.channel.take();
        let passed = channel.as_ref().map(AsFd::as_fd);
        spawned
            .control
            .send(&request.plan, &request.input, passed)
            .map_err(failed("send the plan to the child"))?;
        Ok(Watch {
            spawned,
            limits,
            output,
            started,
            next_sample: started + SAMPLE_INTERVAL,
            usage: Usage::default(),
            measures,
            gauges,
            stopped: None,
            is_interrupted: false,
            result: None,
            is_output_open: true,
            is_control_open: true,
        })
    }

    /// Listens until every process is dead.
    fn until_end(&mut self, terminal: &mut Option<UserTerminal>) -> Result<(), SandboxError> {
        loop {
            let ready = self.wait(terminal.as_ref())?;
            if ready.output {
                self.read_output()?;
            }
            if ready.control {
                self.read_control(terminal)?;
            }
            if let Some(terminal) = terminal {
                terminal.pass_on(self.output)?;
            }
            if ready.end {
                break;
            }
            self.sample()?;
        }
        // What was said and printed before the end is still to be heard.
        while self.is_control_open && self.read_control(terminal)? {}
        while self.is_output_open && self.read_output()? {}
        if let Some(terminal) = terminal {
            terminal.pass_on(self.output)?;
        }
        Ok(())
    }

    /// Waits for something to happen, at most until the next sample is due.
    fn wait(&self, terminal: Option<&UserTerminal>) -> Result<Ready, SandboxError> {
        let timeout = self.next_sample.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(timeout).map_err(|_| SandboxError::Lost {
            detail: "the clock is broken".to_owned(),
        })?;
        let (end, control) = (self.spawned.end(), self.spawned.control.as_fd());
        let mut events = vec![PollFd::new(&end, PollFlags::IN)];
        let control_at = self.is_control_open.then(|| {
            events.push(PollFd::new(&control, PollFlags::IN));
            events.len() - 1
        });
        let output_at = self.is_output_open.then(|| {
            events.push(PollFd::new(&self.spawned.output, PollFlags::IN));
            events.len() - 1
        });
        let terminal_ends = terminal.map(UserTerminal::descriptors).unwrap_or_default();
        for descriptor in &terminal_ends {
            events.push(PollFd::new(descriptor, PollFlags::IN));
        }
        match rustix::event::poll(&mut events, Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(failed("wait for the sandbox")(error.into())),
        }
        let is_ready = |at: Option<usize>| at.is_some_and(|at| !events[at].revents().is_empty());
        Ok(Ready {
            output: is_ready(output_at),
            control: is_ready(control_at),
            end: is_ready(Some(0)),
        })
    }

    /// Reads some output; false when there is none now.
    fn read_output(&mut self) -> Result<bool, SandboxError> {
        let mut chunk = vec![0_u8; CHUNK_BYTES];
        match rustix::io::read(&self.spawned.output, &mut chunk) {
            Ok(0) => {
                self.is_output_open = false;
                Ok(false)
            }
            Ok(count) => {
                let rest = self.limits.log_bytes.saturating_sub(self.usage.log_bytes);
                let taken = count.min(usize::try_from(rest).unwrap_or(usize::MAX));
                self.usage.log_bytes += taken as u64;
                if taken > 0 {
                    (self.output)(&chunk[..taken]);
                }
                if taken < count {
                    self.stop(Limit::Log)?;
                }
                Ok(true)
            }
            Err(Errno::INTR) => Ok(true),
            Err(Errno::AGAIN) => Ok(false),
            Err(error) => Err(failed("read the output of the sandbox")(error.into())),
        }
    }

    /// Takes a message of the child; false when there is none now.
    fn read_control(&mut self, terminal: &mut Option<UserTerminal>) -> Result<bool, SandboxError> {
        let received = self
            .spawned
            .control
            .receive::<Message>(Blocks::No)
            .map_err(failed("listen to the sandbox"))?;
        match received {
            Received::Nothing => Ok(false),
            Received::End => {
                self.is_control_open = false;
                Ok(false)
            }
            Received::Frame(message, blob) => {
                self.take(message, blob, terminal)?;
                Ok(true)
            }
        }
    }

    fn take(
        &mut self,
        message: Message,
        blob: Vec<u8>,
        terminal: &mut Option<UserTerminal>,
    ) -> Result<(), SandboxError> {
        match message {
            Message::Started => {
                if let Some(init) = self.spawned.control.take_descriptor() {
                    self.spawned.init_started(init);
                }
                // If it is dead already, its end says so.
                self.spawned.control.send_bytes(b"g").ok();
            }
            Message::Terminal => {
                if let (Some(terminal), Some(inside)) =
                    (terminal, self.spawned.control.take_descriptor())
                {
                    terminal.connect(inside)?;
                }
            }
            Message::Refused(refusal) => self.result = Some(Err(refusal.into())),
            Message::Ended { status } => self.result = Some(Ok((status, blob))),
        }
        Ok(())
    }

    /// Looks at time and usage, if it is time to.
    fn sample(&mut self) -> Result<(), SandboxError> {
        let now = Instant::now();
        if now < self.next_sample {
            return Ok(());
        }
        self.next_sample = now + SAMPLE_INTERVAL;
        if super::is_stop_wanted() {
            self.is_interrupted = true;
            self.spawned.stop().map_err(failed("stop the sandbox"))?;
        }
        if now - self.started >= self.limits.wall {
            self.stop(Limit::Time)?;
        }
        if let Some(limit) = self.gauges.exceeded(self.limits, &mut self.usage) {
            self.stop(limit)?;
        }
        Ok(())
    }

    /// Stops everything because of a limit; the first one counts.
    fn stop(&mut self, limit: Limit) -> Result<(), SandboxError> {
        self.stopped.get_or_insert(limit);
        self.spawned.stop().map_err(failed("stop the sandbox"))
    }

    /// Reaps, and makes the caller's answer out of what was heard.
    fn finish(mut self) -> Result<Ended, SandboxError> {
        self.spawned
            .reap()
            .map_err(failed("wait for the end of the sandbox"))?;
        // What happened since the last sample, or made the program fail before a sample could see it.
        let may_have_hit_limit = match &self.result {
            None | Some(Err(SandboxError::HelperFailed { .. })) => true,
            Some(Ok(_)) => !is_success(&self.result),
            Some(Err(_)) => false,
        };
        if self.stopped.is_none() && may_have_hit_limit {
            self.stopped = self.gauges.exceeded_at_end(self.limits);
        }
        let wall = self.started.elapsed().as_millis();
        self.usage.wall_ms = u64::try_from(wall).unwrap_or(u64::MAX);
        if self.is_interrupted && !is_success(&self.result) {
            self.result = None;
        }
        let (status, helper_output) = match (self.stopped, self.result) {
            (Some(limit), result) if !is_success(&result) => (Status::Stopped(limit), Vec::new()),
            (_, Some(Ok((ChildStatus::Exited(code), output)))) => (Status::Exited(code), output),
            (_, Some(Ok((ChildStatus::Signaled(signal), output)))) => {
                (Status::Signaled(signal), output)
            }
            (_, Some(Err(error))) => return Err(error),
            (_, None) if self.is_interrupted => (Status::Interrupted, Vec::new()),
            (_, None) => {
                return Err(SandboxError::Lost {
                    detail: "it was killed from outside".to_owned(),
                });
            }
        };
        Ok(Ended {
            status,
            helper_output,
            usage: self.usage,
            measures: self.measures,
        })
    }
}

/// Returns whether the program did what it was to do, whatever limit it touched on its way.
fn is_success(result: &Option<Result<(ChildStatus, Vec<u8>), SandboxError>>) -> bool {
    matches!(result, Some(Ok((ChildStatus::Exited(0), _))))
}
