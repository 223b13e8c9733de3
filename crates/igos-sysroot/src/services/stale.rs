//! Which services use files that are not there any more.

use std::collections::BTreeMap;

use igos_root::{RootDir, RootError};
use serde::Serialize;

use super::manager::{ServiceError, ServiceManager, openrc_daemons, systemd_unit};
use super::process::{Look, Process, StaleProcess, look_at};

/// Most ancestors of a process that are looked at.
const ANCESTORS_MAX: usize = 64;

/// A service with processes that use replaced files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StaleService {
    /// Its name for the service manager.
    pub name: String,
    /// The processes, by number.
    pub processes: Vec<StaleProcess>,
}

/// What uses replaced files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct StaleServices {
    /// The service manager that runs, if it is one we know.
    pub manager: Option<ServiceManager>,
    /// Services, by name.
    pub services: Vec<StaleService>,
    /// Processes of no service of the system: of users, or the first process itself.
    pub others: Vec<StaleProcess>,
    /// How many processes could not be looked at.
    pub unreadable: usize,
}

/// Finds the services with processes that use files which packages had and have not any more.
///
/// `proc` and `run` are `/proc` and `/run` of the running system.
///
/// # Errors
///
/// Returns why that cannot be found out; single processes that are closed to the caller are counted.
pub fn stale_services(proc: &RootDir, run: &RootDir) -> Result<StaleServices, ServiceError> {
    let read = |source| ServiceError::Read {
        source: RootError::new("list", proc.to_string(), source),
    };
    let mut processes: BTreeMap<u32, Process> = BTreeMap::new();
    let mut stale = StaleServices {
        manager: ServiceManager::running(run),
        ..StaleServices::default()
    };
    for entry in proc.top().entries().map_err(read)? {
        let name = std::str::from_utf8(&entry.name).ok();
        let Some(pid) = name.and_then(|name| name.parse().ok()) else {
            continue;
        };
        match look_at(proc, pid) {
            Look::Known(process) => {
                processes.insert(pid, process);
            }
            Look::Closed => stale.unreadable += 1,
            Look::Gone => {}
        }
    }
    let daemons = match stale.manager {
        Some(ServiceManager::OpenRc) => openrc_daemons(run)?,
        _ => BTreeMap::new(),
    };
    let mut services: BTreeMap<String, Vec<StaleProcess>> = BTreeMap::new();
    for (pid, process) in &processes {
        if process.stale.files.is_empty() {
            continue;
        }
        let service = match stale.manager {
            Some(ServiceManager::Systemd) => systemd_unit(&process.cgroup),
            Some(ServiceManager::OpenRc) => of_daemon(*pid, &processes, &daemons),
            None => None,
        };
        match service {
            Some(name) => services
                .entry(name)
                .or_default()
                .push(process.stale.clone()),
            None => stale.others.push(process.stale.clone()),
        }
    }
    let services = services.into_iter();
    stale.services = services
        .map(|(name, processes)| StaleService { name, processes })
        .collect();
    Ok(stale)
}

/// Returns the service whose main process is this one or an ancestor of it.
fn of_daemon(
    pid: u32,
    processes: &BTreeMap<u32, Process>,
    daemons: &BTreeMap<u32, String>,
) -> Option<String> {
    let mut here = pid;
    for _ in 0..ANCESTORS_MAX {
        if let Some(name) = daemons.get(&here) {
            return Some(name.clone());
        }
        here = processes.get(&here)?.parent;
    }
    None
}
