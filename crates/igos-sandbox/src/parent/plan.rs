//! From what the caller wants to the plan that the child carries out.

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use crate::control::{
    BindPlan, ConfinementPlan, Plan, ProcessLimits, RootPlan, TerminalSize, WorkPlan,
};
use crate::{Access, Identity, Limits, Network, RootView, RunsAs, Sandbox, SandboxError, Work};

/// Most layers of a root: overlayfs takes 500, some are ours.
const LAYERS_MAX: usize = 490;

/// Directories of the skeleton that no bind may cover or lie in.
const OURS: [&str; 4] = ["/dev", "/proc", "/run", "/tmp"];

/// A plan, and what goes with it.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) plan: Plan,
    /// The input of a helper.
    pub(super) input: Vec<u8>,
    /// What the standard input of a helper is, if it is to be something.
    pub(super) channel: Option<OwnedFd>,
    /// Directories that the program can fill.
    pub(super) writable: Vec<PathBuf>,
}

pub(super) fn confined(
    sandbox: &Sandbox,
    work: &Work,
    identity: Identity,
    terminal: Option<TerminalSize>,
) -> Result<Request, SandboxError> {
    let root = match &sandbox.root {
        RootView::Host => RootPlan::Host,
        RootView::Directory(directory) => RootPlan::Layers(vec![directory.into()]),
        RootView::Layers(layers) if layers.len() > LAYERS_MAX => {
            return Err(invalid(format!(
                "{} layers are more than {LAYERS_MAX}",
                layers.len()
            )));
        }
        RootView::Layers(layers) => {
            RootPlan::Layers(layers.iter().map(|layer| layer.into()).collect())
        }
    };
    let mut binds = Vec::new();
    for bind in &sandbox.binds {
        check_target(&bind.target)?;
        binds.push(BindPlan {
            source: bind.source.clone().into(),
            target: bind.target.clone().into(),
            is_writable: bind.access == Access::Write,
        });
    }
    let is_counted = sandbox.limits.disk_bytes != u64::MAX;
    let writable = sandbox
        .binds
        .iter()
        .filter(|bind| is_counted && bind.access == Access::Write)
        .map(|bind| sandbox.base.join(&bind.source))
        .collect();
    let confinement = ConfinementPlan {
        root,
        binds,
        tmp_bytes: sandbox.limits.tmp_bytes,
        terminal,
        has_all_ids: sandbox.runs_as == RunsAs::Caller && identity.uid == 0,
        shares_network: sandbox.network == Network::Caller,
    };
    Ok(request(
        &sandbox.base,
        Some(confinement),
        &sandbox.limits,
        work,
        identity,
        writable,
    ))
}

pub(super) fn unconfined(
    base: &Path,
    watched: &[&Path],
    limits: &Limits,
    work: &Work,
    identity: Identity,
) -> Result<Request, SandboxError> {
    let writable = watched.iter().map(|path| base.join(path)).collect();
    Ok(request(base, None, limits, work, identity, writable))
}

fn request(
    base: &Path,
    confinement: Option<ConfinementPlan>,
    limits: &Limits,
    work: &Work,
    identity: Identity,
    writable: Vec<PathBuf>,
) -> Request {
    let (work, input) = match work {
        Work::Program { argv, env, cwd } => (
            WorkPlan::Program {
                argv: argv.clone(),
                env: env.clone().into_iter().collect(),
                cwd: cwd.clone().into(),
            },
            Vec::new(),
        ),
        Work::Helper { name, input } => (WorkPlan::Helper { name: name.clone() }, input.clone()),
    };
    let plan = Plan {
        parent: rustix::process::getpid().as_raw_nonzero().get(),
        base: base.into(),
        identity,
        limits: ProcessLimits {
            // Outside of a user namespace the kernel would count everything that the user runs.
            processes: confinement.is_some().then_some(limits.processes),
            open_files: limits.open_files,
            file_bytes: limits.disk_bytes,
            data_bytes: Some(limits.memory_bytes),
        },
        confinement,
        work,
    };
    Request {
        plan,
        input,
        channel: None,
        writable,
    }
}

fn check_target(target: &Path) -> Result<(), SandboxError> {
    let mut components = target.components();
    let is_plain = components.next() == Some(Component::RootDir)
        && components.clone().next().is_some()
        && components.all(|component| matches!(component, Component::Normal(_)))
        && !target.as_os_str().as_bytes().contains(&0);
    if !is_plain {
        return Err(invalid(format!(
            "the target {} of a bind is not an absolute path of plain names",
            target.display()
        )));
    }
    if OURS.iter().any(|ours| target.starts_with(OsStr::new(ours))) {
        return Err(invalid(format!(
            "the target {} of a bind lies in {}",
            target.display(),
            OURS.join(", ")
        )));
    }
    Ok(())
}

fn invalid(reason: String) -> SandboxError {
    SandboxError::Invalid { reason }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::check_target;

    #[test]
    fn targets_are_absolute_plain_and_not_ours() {
        for target in ["/build", "/usr/share/x", "/devices", "/a b"] {
            assert!(check_target(Path::new(target)).is_ok(), "{target}");
        }
        for target in [
            "",
            "build",
            "/",
            "/a/../b",
            "..",
            "/dev",
            "/proc/self",
            "/tmp/x",
        ] {
            assert!(check_target(Path::new(target)).is_err(), "{target}");
        }
    }
}
