//! `pkm repair`: files that are not as recorded become so again.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use clap::Args;
use igos_cli::{Exit, Failure, Render, complete_names};
use igos_format::{PackageName, RelPath, Sha256};
use igos_sysroot::{
    Applied, Change, Difference, Finding, Ownership, Plan, RepairConfiguration, RepairPlan,
    RepairRequest, Unmanaged,
};
use serde::Serialize;

use super::Context;
use super::completion;
use super::config_diff::path_below_root;
use super::context::Begin;
use super::plan;
use super::plan_why::Grounds;
use crate::archives::Archives;
use crate::remote::Remote;

/// Make files that are not as recorded so again
///
/// Missing and changed files, modes, owners and links are made anew, and damaged records restored from the database. Contents come from other files of the root that
/// have them, from the kept configuration files, and else from the archive of the package: in the directories given
/// with --archives or in the settings, in var/cache/igos/archives, or in a repository that offers it still. Every content is compared with its recorded
/// digest. Edited configuration files are left alone unless --config is given. Ends with 1 if something cannot be
/// repaired by making files anew.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  pkm --dry-run repair\n  pkm repair zlib\n  pkm repair /usr/bin/make --archives ./archives"
)]
pub(super) struct Repair {
    /// Packages, or paths (which contain a `/`); everything if nothing is named
    #[arg(add = complete_names(completion::installed), value_name = "NAME|PATH")]
    targets: Vec<OsString>,
    /// Look for archives in this directory; can be given several times
    #[arg(long, value_name = "DIR")]
    archives: Vec<PathBuf>,
    /// Also make configuration files anew; what is there is kept beside as NAME.pkmold
    #[arg(long)]
    config: bool,
}

impl Repair {
    pub(super) fn run(self, context: &Context<'_>) -> Result<RepairAnswer, Failure> {
        let mut request = RepairRequest {
            packages: Default::default(),
            paths: Default::default(),
            configuration: if self.config {
                RepairConfiguration::Restore
            } else {
                RepairConfiguration::Leave
            },
            ownership: Ownership::of_caller(),
        };
        for target in &self.targets {
            match Target::parse(target)? {
                Target::Package(name) => request.packages.insert(name),
                Target::Path(path) => request.paths.insert(path),
            };
        }
        let mut planned = planned(&request, context)?;
        let is_record = |left: &Finding| left.what == Difference::RecordDisagrees;
        if !context.is_dry_run() && planned.left.iter().any(is_record) {
            context.tell(&context.locked(Begin::Refuse)?.restore_texts()?);
            planned = self::planned(&request, context)?;
        }
        let mut archives = Archives::default();
        if !planned.lacking.is_empty() {
            archives = archives_of(&self.archives, context)?;
            archives.remote = remote(&planned.plan, &planned.lacking, &archives, context)?;
        }
        let answer = context.carry_out(planned.plan, &archives, Begin::Refuse)?;
        let (plan, applied) = answer.into_parts();
        Ok(RepairAnswer {
            digest: plan.digest(),
            plan,
            left: planned.left,
            applied,
        })
    }
}

fn planned(request: &RepairRequest, context: &Context<'_>) -> Result<RepairPlan, Failure> {
    let sysroot = context.sysroot(Unmanaged::Refuse)?;
    let reporter = context.session.reporter();
    let plan = context
        .threads()?
        .install(move || sysroot.plan_repair(request, reporter))?;
    Ok(plan)
}

/// Reads the heads of all archives at hand: in these directories, in those of the settings, and kept in the root.
pub(super) fn archives_of(
    directories: &[PathBuf],
    context: &Context<'_>,
) -> Result<Archives, Failure> {
    let mut archives = Archives::default();
    let settings = context.settings()?.settings;
    let refuse = &mut |refused| context.session.notice(refused);
    for directory in directories.iter().chain(&settings.archives) {
        archives.add_directory(directory, refuse)?;
    }
    archives.add_kept(context.kept_archives(), refuse);
    Ok(archives)
}

/// Fetches the heads of what no archive at hand has and a repository offers still, exactly as it was installed.
fn remote(
    plan: &Plan,
    lacking: &BTreeSet<PackageName>,
    archives: &Archives,
    context: &Context<'_>,
) -> Result<Remote, Failure> {
    let is_elsewhere = |change: &&Change| {
        lacking.contains(&change.package.name)
            && change
                .seal
                .is_some_and(|seal| archives.candidate(&seal).is_none())
    };
    let mut changes = plan.changes.iter().filter(is_elsewhere).peekable();
    if changes.peek().is_none() {
        return Ok(Remote::default());
    }
    let catalogue = context.catalogue()?;
    let mut offered = Vec::new();
    for change in changes {
        let found = catalogue.named(&change.package.name)?.into_iter();
        offered.extend(
            found
                .filter(|offer| Some(offer.entry.seal) == change.seal)
                .take(1),
        );
    }
    if offered.is_empty() {
        return Ok(Remote::default());
    }
    let client = context.client(context.places().load()?)?;
    Remote::fetch_heads(client, &catalogue, &offered, context.session.reporter()).map_err(
        |diagnostics| Failure {
            exit: Exit::Unfinished,
            diagnostics,
        },
    )
}

enum Target {
    Package(PackageName),
    Path(RelPath),
}

impl Target {
    fn parse(text: &OsString) -> Result<Self, Failure> {
        if text.as_encoded_bytes().contains(&b'/') {
            return path_below_root(text).map(Target::Path);
        }
        let name = text.to_str().map(str::parse::<PackageName>);
        match name {
            Some(Ok(name)) => Ok(Target::Package(name)),
            Some(Err(error)) => Err(Failure::usage(error.to_string())),
            None => Err(Failure::usage(format!(
                "{} is not the name of a package",
                text.display()
            ))),
        }
    }
}

/// What was made anew, and what was not.
#[derive(Debug, Serialize)]
pub(super) struct RepairAnswer {
    digest: Sha256,
    plan: Plan,
    /// What cannot be repaired by making files anew.
    left: Vec<Finding>,
    applied: Option<Applied>,
}

impl Render for RepairAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        if self.plan.is_empty() {
            writeln!(out, "there is nothing to make anew")?;
        } else if self.applied.is_none() {
            out.write_str(&plan::text(&self.plan, &Grounds::default(), &[]))?;
            for action in &self.plan.paths {
                writeln!(out, "/{} of {}", action.place, action.package)?;
            }
            writeln!(out, "nothing was changed (dry run)")?;
        } else {
            for action in &self.plan.paths {
                writeln!(out, "made /{} of {} anew", action.place, action.package)?;
            }
        }
        for finding in &self.left {
            let package = finding
                .package
                .as_ref()
                .map_or("nobody", PackageName::as_str);
            writeln!(
                out,
                "left /{} of {package}: {}, expected {}, found {}",
                finding.path, finding.what, finding.expected, finding.observed
            )?;
        }
        Ok(())
    }

    fn exit(&self) -> Exit {
        if self.left.is_empty() {
            Exit::Done
        } else {
            Exit::No
        }
    }
}
