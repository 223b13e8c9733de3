//! The caller's side: start the child, feed it, listen, stop it at a limit, and see that nothing is left.
//!
//! Everything happens in the thread that calls [`run`]: one loop waits for output, for messages, and for the end, and
//! looks at the usage a few times a second (`watch.rs`). What the kernel can limit it limits (`cgroup/`); the loop's own
//! sampling (`usage.rs`, `disk.rs`) does the rest.

mod cgroup;
mod disk;
mod executable;
mod gauges;
mod plan;
mod spawn;
mod terminal;
mod usage;
mod watch;

use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use crate::child;
use crate::control::{CHILD_NAME, Refusal};
use crate::{
    Confinement, Ended, HelperFn, Identity, Limits, Measures, MissingFeature, Network, RunsAs,
    Sandbox, SandboxError, Terminal, Work,
};

/// Set by [`init_if_child`]. Without it a child would run the whole program again.
static INITIALISED: OnceLock<()> = OnceLock::new();

/// Turns this process into the inside of a sandbox if that is what it was started for.
///
/// Must be the first statement of `main` of every program that calls [`run`], while the process has one thread. Returns at once in
/// the program itself, and never in a child. `helpers` are the functions that [`Work::Helper`] can name.
pub fn init_if_child(helpers: &[(&'static str, HelperFn)]) {
    if std::env::args_os()
        .next()
        .is_some_and(|name| name == CHILD_NAME)
    {
        child::main(helpers);
    }
    // A second call changes nothing.
    INITIALISED.get_or_init(|| ());
}

/// Set by [`stop_when`].
static STOP: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// Stops everything that this process runs in a sandbox, now and later, within a fifth of a second once `flag` is
/// set: what ends that way has [`Status::Interrupted`](crate::Status::Interrupted). The first flag counts.
pub fn stop_when(flag: Arc<AtomicBool>) {
    // A second flag changes nothing.
    STOP.get_or_init(|| flag);
}

/// Tells whether the user asked to stop.
fn is_stop_wanted() -> bool {
    STOP.get().is_some_and(|flag| flag.load(Ordering::SeqCst))
}

/// Runs `work` in the sandbox, and returns when every process of it is dead and its cgroup is gone.
///
/// `output` gets what the program prints, in pieces of any size, standard output and standard error mixed as they come.
///
/// # Errors
///
/// [`SandboxError::MissingFeature`] names what the kernel lacks; [`SandboxError::CannotStart`] that the program does not
/// exist inside; [`SandboxError::HelperFailed`] carries the error text of a helper. A program that fails or hits a
/// limit is no error, see [`Ended::status`].
pub fn run(
    sandbox: &Sandbox,
    work: &Work,
    output: &mut dyn FnMut(&[u8]),
) -> Result<Ended, SandboxError> {
    run_with(sandbox, work, None, output)
}

/// Runs a helper as [`run`] does, with one end of a socket as its standard input: what holds the other end can ask the
/// helper and be answered while it runs. This process has its copy of `channel` closed when the helper is started.
///
/// # Errors
///
/// As for [`run`].
pub fn serve(
    sandbox: &Sandbox,
    name: &str,
    input: &[u8],
    channel: OwnedFd,
    output: &mut dyn FnMut(&[u8]),
) -> Result<Ended, SandboxError> {
    let work = Work::Helper {
        name: name.to_owned(),
        input: input.to_owned(),
    };
    run_with(sandbox, &work, Some(channel), output)
}

fn run_with(
    sandbox: &Sandbox,
    work: &Work,
    channel: Option<OwnedFd>,
    output: &mut dyn FnMut(&[u8]),
) -> Result<Ended, SandboxError> {
    check_initialised()?;
    let identity = match sandbox.runs_as {
        RunsAs::BuildIdentity => build_identity(),
        RunsAs::Caller => child::caller_identity(),
    };
    let mut measures =
        expected_measures(sandbox.root.name(), identity).map_err(SandboxError::from)?;
    if sandbox.network == Network::Caller {
        measures.namespaces.retain(|name| name != "net");
    }
    let terminal = match sandbox.terminal {
        Terminal::None => None,
        Terminal::Interactive => Some(terminal::UserTerminal::open()?),
    };
    let size = terminal.as_ref().map(terminal::UserTerminal::size);
    let mut request = plan::confined(sandbox, work, identity, size)?;
    request.channel = channel;
    watch::run(request, &sandbox.limits, measures, terminal, output)
}

/// Runs `work` as a plain process, with limits but without any lock; for `--unsafe-no-sandbox` only.
///
/// `base` is the directory that the program's working directory and the writable directories `watched` for the disk limit are
/// relative to. Paths in `work` are paths of the host.
///
/// # Errors
///
/// As for [`run`].
pub fn run_unconfined(
    base: &Path,
    watched: &[&Path],
    limits: &Limits,
    work: &Work,
    output: &mut dyn FnMut(&[u8]),
) -> Result<Ended, SandboxError> {
    check_initialised()?;
    let identity = build_identity();
    let measures = Measures {
        confinement: Confinement::None,
        root_view: "none".to_owned(),
        namespaces: Vec::new(),
        system_call_filter: 0,
        landlock_abi: 0,
        identity,
        limits: Default::default(),
    };
    let request = plan::unconfined(base, watched, limits, work, identity)?;
    watch::run(request, limits, measures, None, output)
}

/// Returns the host ids that builds run as: the caller's, or dedicated unprivileged ones when the caller is root.
///
/// Directories bound for writing must belong to them.
#[must_use]
pub fn build_identity() -> Identity {
    child::build_identity()
}

/// Returns the canonical description of the policy in force, to be part of build keys.
///
/// It depends on this program and the architecture alone: system calls, Landlock rights asked for, capabilities kept, namespaces. Limits
/// are not part of it.
#[must_use]
pub fn policy_digest_text() -> String {
    format!(
        "igos-sandbox 1\nnamespaces={} ids=0\ncapabilities={}\n{}{}",
        child::NAMESPACES.join(","),
        child::rights::KEPT_NAMES.join(","),
        child::landlock::describe(),
        child::seccomp::describe(),
    )
}

/// Returns what a build would get here, or everything that is missing, by trying it.
///
/// # Errors
///
/// Returns the features whose absence makes [`run`] refuse.
pub fn probe() -> Result<Measures, Vec<MissingFeature>> {
    let mut missing = Vec::new();
    let mut note = |result| {
        if let Err(Refusal::Missing(feature)) = result {
            missing.push(feature);
        }
    };
    note(child::landlock::abi_in_force().map(|_| ()));
    note(child::seccomp::check());
    let sandbox = Sandbox::new("/", crate::RootView::Host);
    let nothing = Work::Helper {
        name: String::new(),
        input: Vec::new(),
    };
    // The helper does not exist: whoever asks for it has come through all locks.
    let request = plan::confined(&sandbox, &nothing, build_identity(), None);
    let tried = check_initialised().and(request).and_then(|request| {
        let measures = expected_measures("host", build_identity()).map_err(SandboxError::from)?;
        watch::try_out(request, &sandbox.limits, measures)
    });
    match tried {
        Ok(measures) if missing.is_empty() => return Ok(measures),
        Ok(_) => {}
        Err(SandboxError::MissingFeature(feature)) if missing.contains(&feature) => {}
        Err(SandboxError::MissingFeature(feature)) => missing.push(feature),
        Err(error) => missing.push(MissingFeature {
            feature: "a working sandbox".to_owned(),
            detail: match std::error::Error::source(&error) {
                Some(source) => format!("{error}: {source}"),
                None => error.to_string(),
            },
            remedy: "look at the detail; root in a plain Linux system has all that is needed"
                .to_owned(),
        }),
    }
    Err(missing)
}

fn check_initialised() -> Result<(), SandboxError> {
    INITIALISED
        .get()
        .copied()
        .ok_or(SandboxError::NotInitialised)
}

/// Returns the locks that the child puts on; it refuses to run anything without them.
fn expected_measures(root_view: &str, identity: Identity) -> Result<Measures, Refusal> {
    child::seccomp::check()?;
    Ok(Measures {
        confinement: Confinement::Sandbox,
        root_view: root_view.to_owned(),
        namespaces: child::NAMESPACES.map(str::to_owned).to_vec(),
        system_call_filter: child::seccomp::FILTER_VERSION,
        landlock_abi: child::landlock::abi_in_force()?,
        identity,
        limits: Default::default(),
    })
}
