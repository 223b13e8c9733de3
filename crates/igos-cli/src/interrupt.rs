//! Stopping when the user says so.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use igos_report::Explain;
use signal_hook::consts::signal::{SIGINT, SIGTERM};

use crate::Exit;

/// Whether the user asked the program to stop.
///
/// The first `SIGINT` or `SIGTERM` sets a flag, which long work polls; the second one ends the process at once with
/// exit code 130, as a power cut would: whatever changes a root is prepared for that. Work that does not poll, and
/// has nothing to finish, begins with [`Interrupt::end_at_once`].
#[derive(Debug, Clone, Default)]
pub struct Interrupt {
    is_asked: Arc<AtomicBool>,
    ends_at_once: Arc<AtomicBool>,
}

impl Interrupt {
    /// Starts listening to `SIGINT` and `SIGTERM`.
    pub(crate) fn listen(&self) -> io::Result<()> {
        for signal in [SIGINT, SIGTERM] {
            // Handlers run in order of registration: the shutdown sees what the signal before has set.
            signal_hook::flag::register_conditional_shutdown(
                signal,
                i32::from(Exit::Interrupted.code()),
                Arc::clone(&self.ends_at_once),
            )?;
            signal_hook::flag::register(signal, Arc::clone(&self.is_asked))?;
            signal_hook::flag::register(signal, Arc::clone(&self.ends_at_once))?;
        }
        Ok(())
    }

    /// Lets the first signal end the process at once, for work that changes nothing.
    pub fn end_at_once(&self) {
        self.ends_at_once.store(true, Ordering::SeqCst);
    }

    /// Lets the first signal set the flag alone again, for work that polls or must not stop half-way.
    pub fn finish_first(&self) {
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
