//! Asking before something changes.

use std::io::{self, BufRead, IsTerminal, Write};

use igos_report::Explain;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::{Exit, Interrupt, Interrupted, escape_text};

/// What the user says to a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// `--yes` was given.
    Given,
    /// The user has to be asked.
    Ask,
}

/// The user did not agree to a plan.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    /// There is nobody to ask.
    #[error("the plan needs a yes, and there is no terminal to ask on")]
    NobodyToAsk,
    /// The user said no.
    #[error("the plan was declined; nothing changed")]
    Declined,
    /// The user asked to stop.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// The terminal cannot be read or written.
    #[error("cannot ask on this terminal")]
    Terminal {
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Explain for PromptError {
    fn code(&self) -> &'static str {
        match self {
            PromptError::NobodyToAsk => "consent-needed",
            PromptError::Declined => "declined",
            PromptError::Interrupted(interrupted) => interrupted.code(),
            PromptError::Terminal { .. } => "prompt-failed",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            PromptError::NobodyToAsk => {
                vec![
                    "look at the plan: `--dry-run`".to_owned(),
                    "agree to it beforehand: `--yes`".to_owned(),
                ]
            }
            _ => Vec::new(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            PromptError::NobodyToAsk => Exit::Usage,
            PromptError::Declined => Exit::No,
            PromptError::Interrupted(_) => Exit::Interrupted,
            PromptError::Terminal { .. } => Exit::Unfinished,
        }
        .code()
    }
}

/// Shows the plan on standard error and asks whether to carry it out; anything but a clear yes is a no.
pub(crate) fn confirm(
    plan: &str,
    question: &str,
    consent: Consent,
    interrupt: &Interrupt,
) -> Result<(), PromptError> {
    if consent == Consent::Given {
        return Ok(());
    }
    let terminal = |source| PromptError::Terminal { source };
    let stdin = io::stdin();
    if !stdin.is_terminal() || !io::stderr().is_terminal() {
        return Err(PromptError::NobodyToAsk);
    }
    let mut stderr = io::stderr().lock();
    write!(
        stderr,
        "{}{} [y/N] ",
        escape_text(plan),
        escape_text(question)
    )
    .map_err(terminal)?;
    stderr.flush().map_err(terminal)?;
    // A read is restarted after a signal: wait in slices, so that an interrupt is seen.
    let slice = Timespec {
        tv_sec: 0,
        tv_nsec: 100_000_000,
    };
    while let Ok(0) = poll(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(&slice)) {
        interrupt.check()?;
    }
    interrupt.check()?;
    let mut line = String::new();
    stdin.lock().read_line(&mut line).map_err(terminal)?;
    if is_yes(&line) {
        Ok(())
    } else {
        Err(PromptError::Declined)
    }
}

fn is_yes(line: &str) -> bool {
    matches!(line.trim(), "y" | "Y" | "yes" | "Yes" | "YES")
}

#[cfg(test)]
mod tests {
    use super::is_yes;

    #[test]
    fn only_a_clear_yes_is_a_yes() {
        assert!(is_yes("y\n") && is_yes(" yes "));
        for line in ["", "\n", "n", "ye", "yess", "j", "no yes"] {
            assert!(!is_yes(line), "{line:?}");
        }
    }
}
