//! Stopping when the user says so.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use igos_report::Explain;
use signal_hook::consts::signal::{SIGINT, SIGTERM};

use crate::Exit;

/// Whether the user asked the program to stop.
///
/// The first `SIGINT` or `SIGTERM` sets the flag, which long work polls; the second one ends the process at once
/// with exit code 130, as a power cut would: whatever changes a root is prepared for that.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Starts listening to `SIGINT` and `SIGTERM`.
    pub(crate) fn listen(&self) -> io::Result<()> {
        for signal in [SIGINT, SIGTERM] {
            // Handlers run in order of registration: the shutdown sees the flag of the signal before.
            signal_hook::flag::register_conditional_shutdown(
                signal,
                i32::from(Exit::Interrupted.code()),
                Arc::clone(&self.0),
            )?;
            signal_hook::flag::register(signal, Arc::clone(&self.0))?;
        }
        Ok(())
    }

    /// Returns whether the user asked to stop.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// Returns the flag itself, for libraries that know nothing of programs.
    #[must_use]
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
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
