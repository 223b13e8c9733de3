//! `pkm restart-services`: what still uses replaced files.

use std::fmt;
use std::path::Path;

use clap::Args;
use igos_cli::{Exit, Failure, Render};
use igos_root::RootDir;
use igos_sysroot::{
    ServiceManager, StaleProcess, StaleServices, is_live, restart_service, stale_services,
};
use serde::Serialize;

use super::Context;

/// Files of one process that people are shown.
const FILES_SHOWN: usize = 3;

/// Show or restart services that still use files which were replaced or removed
///
/// Nothing is ever restarted by itself. Without privilege only your own processes can be looked at. systemd and OpenRC
/// are known. Ends with 1 if a service was not restarted.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  pkm restart-services --list\n  pkm restart-services nginx.service sshd.service\n  \
        pkm restart-services --all --yes"
)]
pub(super) struct RestartServices {
    /// Restart these services
    #[arg(value_name = "UNIT", conflicts_with_all = ["all", "list"])]
    units: Vec<String>,
    /// Show what could be restarted, and restart nothing; the default
    #[arg(long)]
    list: bool,
    /// Restart all that are shown
    #[arg(long, conflicts_with = "list")]
    all: bool,
}

impl RestartServices {
    pub(super) fn run(self, context: &Context<'_>) -> Result<RestartServicesAnswer, Failure> {
        let root = context.root_directory()?;
        if !is_live(&root) {
            return Err(Failure::usage(format!(
                "{root} is not the root of the running system, nothing runs from it"
            ))
            .hint("leave out `--root`"));
        }
        let open = |path: &str| RootDir::open(Path::new(path));
        let found = stale_services(&open("/proc")?, &open("/run")?)?;
        let mut answer = RestartServicesAnswer {
            found,
            restarted: Vec::new(),
            failed: Vec::new(),
        };
        let names = if self.all {
            let services = answer.found.services.iter();
            services.map(|service| service.name.clone()).collect()
        } else {
            self.units
        };
        if names.is_empty() || context.is_dry_run() {
            return Ok(answer);
        }
        let Some(manager) = answer.found.manager else {
            return Err(Failure::usage(
                "neither systemd nor OpenRC runs here, which could restart something",
            ));
        };
        let plan = format!("restart {}\n", names.join(", "));
        context.session.confirm(&plan, "Restart them?")?;
        for name in names {
            match restart_service(manager, &name) {
                Ok(()) => answer.restarted.push(name),
                Err(error) => {
                    for diagnostic in igos_report::Explain::diagnostics(&error) {
                        context.session.notice(diagnostic);
                    }
                    answer.failed.push(name);
                }
            }
        }
        Ok(answer)
    }
}

/// What was found, and what became of it.
#[derive(Debug, Serialize)]
pub(super) struct RestartServicesAnswer {
    #[serde(flatten)]
    found: StaleServices,
    restarted: Vec<String>,
    failed: Vec<String>,
}

impl Render for RestartServicesAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        if !self.restarted.is_empty() || !self.failed.is_empty() {
            for name in &self.restarted {
                writeln!(out, "restarted {name}")?;
            }
            return self
                .failed
                .iter()
                .try_for_each(|name| writeln!(out, "not restarted {name}"));
        }
        for service in &self.found.services {
            writeln!(out, "{}", service.name)?;
            processes(out, &service.processes)?;
        }
        if !self.found.others.is_empty() {
            match self.found.manager {
                Some(ServiceManager::Systemd | ServiceManager::OpenRc) => {
                    writeln!(out, "no service of the system:")?;
                }
                None => writeln!(out, "processes:")?,
            }
            processes(out, &self.found.others)?;
        }
        if self.found.services.is_empty() && self.found.others.is_empty() {
            writeln!(out, "nothing uses replaced files")?;
        }
        match self.found.unreadable {
            0 => Ok(()),
            1 => writeln!(out, "1 process cannot be looked at without privilege"),
            count => writeln!(
                out,
                "{count} processes cannot be looked at without privilege"
            ),
        }
    }

    fn exit(&self) -> Exit {
        if self.failed.is_empty() {
            Exit::Done
        } else {
            Exit::No
        }
    }
}

fn processes(out: &mut dyn fmt::Write, processes: &[StaleProcess]) -> fmt::Result {
    for process in processes {
        let shown: Vec<&str> = process
            .files
            .iter()
            .take(FILES_SHOWN)
            .map(String::as_str)
            .collect();
        write!(
            out,
            "  {} {}: {}",
            process.pid,
            process.name,
            shown.join(", ")
        )?;
        match process.files.len().saturating_sub(FILES_SHOWN) {
            0 => writeln!(out)?,
            more => writeln!(out, " and {more} more")?,
        }
    }
    Ok(())
}
