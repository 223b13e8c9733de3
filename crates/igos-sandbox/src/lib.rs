//! Run one program with exactly these rights.

mod error;
mod host;
mod measures;
mod sandbox;

pub use error::SandboxError;
pub use host::{HostOutput, HostProgram, HostProgramError};
pub use measures::{Confinement, Measures, MissingFeature};
pub use sandbox::{
    Access, Bind, Ended, HELPER_OUTPUT_MAX_BYTES, HelperFn, Identity, Limit, Limits, RootView,
    Sandbox, Status, Terminal, Usage, Work,
};

/// Turns this process into the inside of a sandbox if that is what it was started for.
///
/// Must be the first statement of `main` of every program that calls [`run`].
pub fn init_if_child(helpers: &[(&'static str, HelperFn)]) {
    let _registered = helpers;
}

/// Runs `work` in the sandbox, and returns when every process of it is dead.
///
/// # Errors
///
/// See [`SandboxError`].
pub fn run(
    _sandbox: &Sandbox,
    _work: &Work,
    _output: &mut dyn FnMut(&[u8]),
) -> Result<Ended, SandboxError> {
    Err(SandboxError::NotInitialised)
}

/// Runs `work` as a plain process below `base`, with limits but without any lock.
///
/// # Errors
///
/// See [`SandboxError`].
pub fn run_unconfined(
    _base: &std::path::Path,
    _limits: &Limits,
    _work: &Work,
    _output: &mut dyn FnMut(&[u8]),
) -> Result<Ended, SandboxError> {
    Err(SandboxError::NotInitialised)
}

/// Returns what a build would get here, or everything that is missing.
///
/// # Errors
///
/// Returns all missing features.
pub fn probe() -> Result<Measures, Vec<MissingFeature>> {
    Err(Vec::new())
}

/// Returns the canonical description of the policy in force, to be part of build keys.
#[must_use]
pub fn policy_digest_text() -> String {
    String::new()
}

/// Returns the host ids that builds run as: the caller's, or a dedicated unprivileged id when that is root.
#[must_use]
pub fn build_identity() -> Identity {
    Identity {
        uid: rustix::process::geteuid().as_raw(),
        gid: rustix::process::getegid().as_raw(),
    }
}

impl HostProgram {
    /// Runs the program to its end.
    ///
    /// # Errors
    ///
    /// See [`HostProgramError`].
    pub fn run(&self) -> Result<HostOutput, HostProgramError> {
        Err(HostProgramError::CannotStart {
            program: self.path().to_owned(),
            source: std::io::ErrorKind::Unsupported.into(),
        })
    }
}
