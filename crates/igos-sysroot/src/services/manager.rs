//! The service managers: which one runs, which service a process belongs to, and restarting one.

use std::collections::BTreeMap;

use igos_format::RelPath;
use igos_report::Explain;
use igos_root::{RootDir, RootError};
use igos_sandbox::{HostProgram, HostProgramError};
use serde::Serialize;

/// Longest file of OpenRC's state, in bytes.
const STATE_MAX_BYTES: u64 = 64 * 1024;

/// What starts and stops services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ServiceManager {
    /// systemd.
    Systemd,
    /// OpenRC.
    OpenRc,
}

/// A service was not restarted, or it is not known which could be.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// `/proc` or `/run` cannot be read.
    #[error("cannot look at the running system")]
    Read {
        /// Why.
        #[source]
        source: RootError,
    },
    /// The name cannot be one of a service.
    #[error("{name:?} is not the name of a service")]
    Name {
        /// The name.
        name: String,
    },
    /// The service manager's program is not there.
    #[error("cannot restart {name}: the system has no {program}")]
    NoProgram {
        /// The service.
        name: String,
        /// The program.
        program: &'static str,
    },
    /// The program could not be run to its end.
    #[error("cannot restart {name}")]
    Program {
        /// The service.
        name: String,
        /// Why.
        #[source]
        source: HostProgramError,
    },
    /// The service manager refused.
    #[error("cannot restart {name}: {program} {problem}{said}")]
    Refused {
        /// The service.
        name: String,
        /// The program.
        program: &'static str,
        /// How it ended.
        problem: String,
        /// What it said, after a colon.
        said: String,
    },
}

impl Explain for ServiceError {
    fn code(&self) -> &'static str {
        match self {
            ServiceError::Read { .. } => "services-unreadable",
            ServiceError::Name { .. } => "service-name",
            ServiceError::NoProgram { .. } => "service-manager-absent",
            ServiceError::Program { source, .. } => source.code(),
            ServiceError::Refused { .. } => "service-not-restarted",
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            ServiceError::Name { .. } => 2,
            ServiceError::Refused { .. } => 1,
            _ => 4,
        }
    }
}

impl std::fmt::Display for ServiceManager {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            ServiceManager::Systemd => "systemd",
            ServiceManager::OpenRc => "OpenRC",
        })
    }
}

impl ServiceManager {
    /// Returns the one that runs, by what it keeps in `/run`.
    pub(super) fn running(run: &RootDir) -> Option<Self> {
        let has = |path: &str| {
            let path: RelPath = path.parse().expect("it is a path");
            // What cannot be looked at does not run.
            matches!(run.metadata(&path), Ok(Some(_)))
        };
        if has("systemd/system") {
            Some(ServiceManager::Systemd)
        } else if has("openrc/softlevel") || has("openrc/daemons") {
            Some(ServiceManager::OpenRc)
        } else {
            None
        }
    }

    /// Returns the program that restarts services, and the arguments with the service's name.
    fn command(self, name: &str) -> (&'static str, Vec<String>) {
        let words = |words: [&str; 2]| words.map(str::to_owned).to_vec();
        match self {
            ServiceManager::Systemd => ("systemctl", words(["restart", name])),
            ServiceManager::OpenRc => ("rc-service", words([name, "restart"])),
        }
    }
}

/// Returns the unit of the system that a control group is of, from `/proc/PID/cgroup`.
///
/// Units of users' own managers are not the administrator's to restart.
pub(super) fn systemd_unit(cgroup: &str) -> Option<String> {
    let path = cgroup.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':');
        let (_, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
        matches!(controllers, "" | "name=systemd").then_some(path)
    })?;
    if path.starts_with("/user.slice/") {
        return None;
    }
    path.split('/')
        .rfind(|part| part.ends_with(".service"))
        .filter(|unit| is_name(unit))
        .map(str::to_owned)
}

/// Returns which service of OpenRC each of the main processes it knows belongs to: `/run/openrc/daemons/NAME/NUMBER`
/// says where the process's number stands, and where the system's `start-stop-daemon` does not write that (Debian's
/// does not), `/run/openrc/options/NAME/pidfile`.
pub(super) fn openrc_daemons(run: &RootDir) -> Result<BTreeMap<u32, String>, ServiceError> {
    let read = |source| ServiceError::Read { source };
    let path = |text: &str| -> RelPath { text.parse().expect("it is a path") };
    let list = |path: &RelPath| -> Result<Vec<RelPath>, ServiceError> {
        let directory = match run.directory(path) {
            Ok(directory) => directory,
            Err(error) if error.is_not_found() => return Ok(Vec::new()),
            Err(source) => return Err(read(source)),
        };
        let entries = directory
            .entries()
            .map_err(|source| read(RootError::new("list", path.to_string(), source)))?;
        let entries = entries.into_iter();
        Ok(entries
            .filter_map(|entry| path.join(&entry.name).ok())
            .collect())
    };
    let mut found = BTreeMap::new();
    let mut add = |service: &RelPath, pid: Option<u32>| {
        let name = String::from_utf8_lossy(service.file_name()).into_owned();
        found.extend(pid.filter(|_| is_name(&name)).map(|pid| (pid, name)));
    };
    for service in list(&path("openrc/options"))? {
        if let Ok(option) = service.join(b"pidfile") {
            let file = state_text(run, &option);
            add(&service, file.and_then(|file| pid_in(run, file.trim())));
        }
    }
    for service in list(&path("openrc/daemons"))? {
        for daemon in list(&service)? {
            let text = state_text(run, &daemon).unwrap_or_default();
            let file = text.lines().find_map(|line| line.strip_prefix("pidfile="));
            add(&service, file.and_then(|file| pid_in(run, file)));
        }
    }
    Ok(found)
}

/// Returns a file of OpenRC's state; a daemon that ended meanwhile has none.
fn state_text(run: &RootDir, path: &RelPath) -> Option<String> {
    let text = run.read_file(path, STATE_MAX_BYTES).ok().flatten()?;
    String::from_utf8(text).ok()
}

/// Returns the number of the process that a file named by its absolute path has.
fn pid_in(run: &RootDir, file: &str) -> Option<u32> {
    let file = ["/run/", "/var/run/"]
        .iter()
        .find_map(|run| file.strip_prefix(run))?;
    state_text(run, &file.parse().ok()?)?.trim().parse().ok()
}

fn is_name(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "@._:\\-+".contains(c);
    !name.is_empty() && name.len() <= 255 && !name.starts_with('-') && name.chars().all(is_plain)
}

/// Restarts one service of the running system.
///
/// # Errors
///
/// Returns why it was not restarted; what the service does afterwards is its own business.
pub fn restart_service(manager: ServiceManager, name: &str) -> Result<(), ServiceError> {
    if !is_name(name) {
        return Err(ServiceError::Name {
            name: name.to_owned(),
        });
    }
    let (program, arguments) = manager.command(name);
    let candidates = ["/usr/bin", "/usr/sbin", "/bin", "/sbin"];
    let mut run = candidates.iter().map(|directory| {
        HostProgram::new(format!("{directory}/{program}"))
            .arguments(arguments.clone())
            .variable("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .run()
    });
    let is_absent = |result: &Result<_, HostProgramError>| {
        matches!(result, Err(HostProgramError::CannotStart { source, .. })
            if source.kind() == std::io::ErrorKind::NotFound)
    };
    let output = run
        .find(|result| !is_absent(result))
        .ok_or(ServiceError::NoProgram {
            name: name.to_owned(),
            program,
        })?
        .map_err(|source| ServiceError::Program {
            name: name.to_owned(),
            source,
        })?;
    if output.status.is_success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = said.lines().next().unwrap_or_default();
    Err(ServiceError::Refused {
        name: name.to_owned(),
        program,
        problem: output.status.to_string(),
        said: if said.is_empty() {
            String::new()
        } else {
            format!(": {said}")
        },
    })
}

#[cfg(test)]
mod tests {
    use super::{ServiceError, ServiceManager, restart_service, systemd_unit};

    #[test]
    fn units_are_found_in_control_groups_of_both_versions() {
        for (cgroup, expected) in [
            ("0::/system.slice/nginx.service\n", Some("nginx.service")),
            (
                "12:pids:/x\n1:name=systemd:/system.slice/ssh.service\n0::/\n",
                Some("ssh.service"),
            ),
            (
                "0::/system.slice/system-getty.slice/getty@tty1.service",
                Some("getty@tty1.service"),
            ),
            (
                "0::/system.slice/docker.service/inner",
                Some("docker.service"),
            ),
            (
                "0::/user.slice/user-1000.slice/user@1000.service/app.slice/a.service",
                None,
            ),
            ("0::/init.scope", None),
            ("0::/system.slice/--help.service", None),
            ("", None),
        ] {
            assert_eq!(systemd_unit(cgroup).as_deref(), expected, "{cgroup}");
        }
    }

    #[test]
    fn names_that_read_like_options_or_paths_are_refused_before_anything_is_run() {
        for name in ["", "-H", "a b", "../x", "a;b", "a\nb"] {
            let refused = restart_service(ServiceManager::Systemd, name);
            assert!(
                matches!(refused, Err(ServiceError::Name { .. })),
                "{name:?}"
            );
        }
    }
}
