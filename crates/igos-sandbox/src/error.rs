//! Why a sandbox could not be made or could not tell how it ended.

use std::io;
use std::path::PathBuf;

use igos_report::Explain;

use crate::MissingFeature;

/// Why a program was not run, or its end is not known.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The kernel or its settings lack something; nothing was run.
    #[error("cannot make a sandbox: the kernel does not give us {0}")]
    MissingFeature(MissingFeature),
    /// A step of the setup failed; nothing was run.
    #[error("cannot make a sandbox: cannot {step}")]
    Setup {
        /// The step, as a verb phrase.
        step: String,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// A path or a number of the [`Sandbox`](crate::Sandbox) makes no sense.
    #[error("cannot make a sandbox: {reason}")]
    Invalid {
        /// What is wrong with what.
        reason: String,
    },
    /// The program could not be executed inside.
    #[error("cannot start {} in the sandbox", program.display())]
    CannotStart {
        /// The program.
        program: PathBuf,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// The helper did its work and says no.
    #[error("{message}")]
    HelperFailed {
        /// Name of the helper.
        name: String,
        /// Its answer.
        message: String,
    },
    /// The child could not be started, watched or listened to.
    #[error("cannot {step}")]
    Parent {
        /// The step, as a verb phrase.
        step: &'static str,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// The child ended without saying why.
    #[error("the sandbox ended before the program was started: {detail}")]
    Lost {
        /// What is known.
        detail: String,
    },
    /// [`Terminal::Interactive`](crate::Terminal::Interactive) needs a terminal.
    #[error("cannot open an interactive sandbox: standard input is not a terminal")]
    NoTerminal,
    /// The program did not call [`init_if_child`](crate::init_if_child) first.
    #[error("this program cannot make sandboxes: it did not call `init_if_child`")]
    NotInitialised,
}

impl Explain for SandboxError {
    fn code(&self) -> &'static str {
        match self {
            SandboxError::MissingFeature(_) => "sandbox-feature-missing",
            SandboxError::Setup { .. } => "sandbox-setup-failed",
            SandboxError::Invalid { .. } => "sandbox-invalid",
            SandboxError::CannotStart { .. } => "sandbox-cannot-start-program",
            SandboxError::HelperFailed { .. } => "sandbox-helper-failed",
            SandboxError::Parent { .. } => "sandbox-unwatchable",
            SandboxError::Lost { .. } => "sandbox-lost",
            SandboxError::NoTerminal => "sandbox-no-terminal",
            SandboxError::NotInitialised => "sandbox-not-initialised",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            SandboxError::MissingFeature(missing) => vec![missing.remedy.clone()],
            SandboxError::NoTerminal => vec!["run the command in a terminal".to_owned()],
            _ => Vec::new(),
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            SandboxError::CannotStart { .. } | SandboxError::HelperFailed { .. } => 1,
            SandboxError::NotInitialised | SandboxError::Invalid { .. } => 70,
            _ => 4,
        }
    }
}
