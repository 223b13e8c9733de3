//! `pkm kernels`, and what every command has to know of the running kernel.

use std::collections::BTreeSet;
use std::fmt;

use clap::Args;
use fs_err as fs;
use igos_cli::{Failure, Render};
use igos_format::{PackageName, Version};
use igos_report::Explain;
use igos_sysroot::{InstalledKernel, RunningKernel, Sysroot, Unmanaged};
use serde::Serialize;

use super::Context;

/// Where the kernel tells its release.
const RELEASE: &str = "/proc/sys/kernel/osrelease";

/// What may become of the running kernel.
#[derive(Debug, Args)]
pub(super) struct Kernel {
    /// Let modules and image of the running kernel go; the machine may then not start again
    #[arg(long)]
    allow_running_kernel: bool,
}

/// The running kernel does not tell its release.
#[derive(Debug, thiserror::Error)]
#[error("cannot find out which kernel is running")]
struct ReleaseError(#[source] std::io::Error);

impl Explain for ReleaseError {
    fn code(&self) -> &'static str {
        "kernel-unknown"
    }
}

impl Kernel {
    /// Returns the kernel that has to stay: the one that runs on this very root.
    pub(super) fn running(&self, context: &Context<'_>) -> Result<RunningKernel, Failure> {
        Ok(match running_release(context)? {
            Some(release) if !self.allow_running_kernel => RunningKernel::Keep { release },
            _ => RunningKernel::Ignore,
        })
    }
}

fn running_release(context: &Context<'_>) -> Result<Option<String>, Failure> {
    if !context.is_this_machine() {
        return Ok(None);
    }
    let release = fs::read_to_string(RELEASE).map_err(ReleaseError)?;
    Ok(Some(release.trim_end().to_owned()))
}

/// Returns the packages of the kernels that stay although nobody asked for them: the running one and the newest.
pub(super) fn kept_kernels(
    context: &Context<'_>,
    sysroot: &Sysroot,
) -> Result<BTreeSet<PackageName>, Failure> {
    let kernels = sysroot.kernels()?;
    let running = running_release(context)?.and_then(|release| kernels.get(&release));
    let newest = kernels
        .iter()
        .max_by_key(|(release, _)| release.parse::<Version>().ok())
        .map(|(_, kernel)| kernel);
    let kept = running.into_iter().chain(newest);
    Ok(kept.flat_map(|kernel| kernel.packages.clone()).collect())
}

/// List the installed kernels
///
/// Kernels of different releases stand side by side. The running one is never removed, unless
/// `--allow-running-kernel` is given; an upgrade leaves it where it is, until another kernel was started.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  pkm kernels\n  pkm --root /mnt/target kernels --json")]
pub(super) struct Kernels {}

/// One kernel.
#[derive(Debug, Serialize)]
struct KernelRow {
    release: String,
    #[serde(flatten)]
    kernel: InstalledKernel,
    is_running: bool,
}

/// Kernels by release.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct KernelsAnswer(Vec<KernelRow>);

impl Kernels {
    pub(super) fn run(self, context: &Context<'_>) -> Result<KernelsAnswer, Failure> {
        let Kernels {} = self;
        let sysroot = context.sysroot(Unmanaged::Refuse)?;
        let running = running_release(context)?;
        let kernel = |(release, kernel)| KernelRow {
            is_running: running.as_ref() == Some(&release),
            release,
            kernel,
        };
        Ok(KernelsAnswer(
            sysroot.kernels()?.into_iter().map(kernel).collect(),
        ))
    }
}

impl Render for KernelsAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        for row in &self.0 {
            write!(out, "{}", row.release)?;
            for package in &row.kernel.packages {
                write!(out, " {package}")?;
            }
            if row.is_running {
                out.write_str(", running")?;
            }
            if row.kernel.is_kept {
                out.write_str(", replaced and kept until another kernel was started")?;
            }
            writeln!(out)?;
        }
        Ok(())
    }
}
