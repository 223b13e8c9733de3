//! Stopping when the user says so.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use igos_report::Explain;
use signal_hook::SigId;
use signal_hook::consts::signal::{SIGHUP, SIGINT, SIGTERM};

use crate::Exit;

/// Whether the user asked the program to stop.
///
/// The first `SIGINT`, `SIGTERM` or `SIGHUP` sets a flag, which long work polls; the second one ends the process at
/// once with exit code 130, as a power cut would: whatever changes a root is prepared for that. Work that does not
/// poll, and has nothing to finish, begins with [`Interrupt::end_at_once`]; work that must not be cut short begins
/// with [`Interrupt::must_finish`]. A `SIGHUP` that was ignored when the program was started stays ignored (`nohup`).
#[derive(Debug, Clone, Default)]
pub struct Interrupt {
    is_asked: Arc<AtomicBool>,
    ends_at_once: Arc<AtomicBool>,
    /// What makes the second signal end the process.
    arming: Arc<Mutex<Vec<SigId>>>,
}

impl Interrupt {
    /// Starts listening to `SIGINT`, `SIGTERM` and `SIGHUP`.
    pub(crate) fn listen(&self) -> io::Result<()> {
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            if signal == SIGHUP && is_ignored(signal) {
                continue;
            }
            // Handlers run in order of registration: the shutdown sees what the signal before has set.
            signal_hook::flag::register_conditional_shutdown(
                signal,
                i32::from(Exit::Interrupted.code()),
                Arc::clone(&self.ends_at_once),
            )?;
            signal_hook::flag::register(signal, Arc::clone(&self.is_asked))?;
            let arming = signal_hook::flag::register(signal, Arc::clone(&self.ends_at_once))?;
            self.arming
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(arming);
        }
        Ok(())
    }

    /// Lets the first signal end the process at once, for work that changes nothing.
    pub fn end_at_once(&self) {
        self.ends_at_once.store(true, Ordering::SeqCst);
    }

    /// Lets no signal end the process any more, however many come: they set the flag, which the work polls as long as
    /// it has changed nothing.
    pub fn must_finish(&self) {
        let mut arming = self.arming.lock().unwrap_or_else(PoisonError::into_inner);
        for id in arming.drain(..) {
            signal_hook::low_level::unregister(id);
        }
        self.ends_at_once.store(false, Ordering::SeqCst);
    }

    /// Returns whether the user asked to stop.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.is_asked.load(Ordering::SeqCst)
    }

    /// Returns the flag itself, for libraries that know nothing of programs.
    #[must_use]
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.is_asked)
    }

    /// Stops the caller if the user asked to.
    ///
    /// # Errors
    ///
    /// Returns [`Interrupted`] once the user asked to stop.
    pub fn check(&self) -> Result<(), Interrupted> {
        if self.is_set() {
            Err(Interrupted)
        } else {
            Ok(())
        }
    }
}

/// Tells whether a signal was ignored when the program was started; where that cannot be told, it was not.
fn is_ignored(signal: i32) -> bool {
    let Ok(status) = fs_err::read_to_string("/proc/self/status") else {
        return false;
    };
    let ignored = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

/// The user asked the program to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("interrupted")]
pub struct Interrupted;

impl Explain for Interrupted {
    fn code(&self) -> &'static str {
        "interrupted"
    }

    fn exit_code(&self) -> u8 {
        Exit::Interrupted.code()
    }
}
