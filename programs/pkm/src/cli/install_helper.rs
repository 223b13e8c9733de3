//! `pkm install-helper`: software that cannot be redistributed, brought by a program of a package.

use std::fmt;
use std::os::fd::{AsFd, AsRawFd};
use std::path::PathBuf;

use clap::Args;
use igos_cli::{Answer, Failure, Render};
use igos_format::PackageName;
use igos_solve::{Request, Wanted, Which};
use igos_sysroot::{Helper, Unmanaged, Unsigned, run_helper};
use serde::Serialize;

use super::Context;
use super::change::Asked;
use super::context::Begin;
use super::kernels::Kernel;
use crate::archives::Archives;

/// Let a helper of an installed package bring software, and install that as a package
///
/// A helper is a program in /usr/lib/igos/helpers that fetches what nobody may redistribute. It runs confined and without
/// rights, sees the root read-only, and reaches the network only if it declares so, which is shown before you agree. What it makes
/// is planned, shown and installed as an archive is that nobody signed, and the history says so.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  pkm install-helper chat\n  pkm --root ./root --yes install-helper chat"
)]
pub(super) struct InstallHelper {
    /// The helper
    #[arg(value_name = "NAME")]
    name: PackageName,
    #[command(flatten)]
    kernel: Kernel,
}

impl InstallHelper {
    pub(super) fn run(self, context: &Context<'_>) -> Result<Answer, Failure> {
        let helper = context.sysroot(Unmanaged::Refuse)?.helper(&self.name)?;
        if context.is_dry_run() {
            return Ok(HelperAnswer { helper }.into());
        }
        context.session.confirm(&text(&helper), "Run it?")?;
        let made = run_helper(&context.root_directory()?, &helper)?;
        let mut archives = Archives::default();
        // It has no name, and is there as long as `made` is.
        let archive = format!("/proc/self/fd/{}", made.archive.as_fd().as_raw_fd());
        let seal = archives.add_file(&PathBuf::from(archive))?;
        let wanted = Wanted {
            name: helper.name,
            which: Which::Seal(seal),
        };
        let asked = Asked {
            unsigned: Unsigned::Allow,
            ..Asked::new(
                Request::install(vec![wanted]),
                self.kernel.running(context)?,
            )
        };
        context
            .change(asked, archives, Begin::Refuse)
            .map(Answer::from)
    }
}

/// A helper that was not run; what it would bring is known only once it has.
#[derive(Debug, Serialize)]
struct HelperAnswer {
    helper: Helper,
}

impl Render for HelperAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        out.write_str(&text(&self.helper))?;
        writeln!(out, "nothing was run (dry run)")
    }
}

/// Returns what the user agrees to before a helper is run.
fn text(helper: &Helper) -> String {
    let network = if helper.network {
        "with network"
    } else {
        "without network"
    };
    let mut text = format!(
        "helper {} of package {} is run, confined, {network}\n",
        helper.name, helper.package
    );
    if !helper.description.is_empty() {
        text.push_str(&format!("  {}\n", helper.description));
    }
    text
}
