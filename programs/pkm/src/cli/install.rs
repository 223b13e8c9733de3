//! `pkm install`: packages from local archives, with what they need.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::Args;
use igos_cli::Failure;
use igos_format::PackageName;
use igos_sysroot::{Again, Downgrade, InstallRequest, Unmanaged, Unowned, Unsigned, Wanted};

use super::Context;
use super::context::Begin;
use super::plan::PlanAnswer;
use crate::archives::{Archives, is_archive_name};

/// Install packages from archives, with what they need
///
/// FILE is an archive. DIR, which has to contain a `/`, is a directory of archives, all of which are installed.
/// NAME is looked up in the directories given with `--archives` or in the settings, and so is everything that the
/// packages need. A root without a record gets one.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    pkm install ./zlib-1.3.1-1.x86_64.igos.tar.zst --allow-unsigned\n  \
    pkm install --archives ./archives pigz make\n  \
    pkm --root ./root --yes install ./archives/ --allow-unsigned")]
pub(super) struct Install {
    /// Archives, directories of archives, names of packages
    #[arg(value_name = "FILE|DIR|NAME", required = true)]
    targets: Vec<OsString>,
    #[command(flatten)]
    from: From,
    /// Let an older version take the place of a newer one
    #[arg(long)]
    allow_downgrade: bool,
    /// Keep files that no package owns and that are in the way beside, as NAME.pkmold
    #[arg(long)]
    overwrite_unowned: bool,
}

/// Where archives come from, and which are accepted.
#[derive(Debug, Args)]
pub(super) struct From {
    /// Look up names and dependencies in this directory of archives; can be given several times
    #[arg(long, value_name = "DIR")]
    archives: Vec<PathBuf>,
    /// Accept archives that nobody signed; the history of the root says so
    #[arg(long)]
    allow_unsigned: bool,
}

impl From {
    /// Reads the heads of all archives of the directories.
    pub(super) fn read(&self, context: &Context<'_>) -> Result<Archives, Failure> {
        let mut archives = Archives::default();
        let settings = context.settings()?.settings;
        for directory in self.archives.iter().chain(&settings.archives) {
            archives.add_directory(directory, &mut |refused| context.session.notice(refused))?;
        }
        Ok(archives)
    }

    pub(super) fn unsigned(&self) -> Unsigned {
        if self.allow_unsigned {
            Unsigned::Allow
        } else {
            Unsigned::Refuse
        }
    }
}

impl Install {
    pub(super) fn run(self, context: &Context<'_>) -> Result<PlanAnswer, Failure> {
        let mut archives = self.from.read(context)?;
        let mut wanted = Vec::new();
        for target in &self.targets {
            wanted.extend(resolve(target, &mut archives, context)?);
        }
        let request = InstallRequest {
            again: Again::Skip,
            unsigned: self.from.unsigned(),
            unowned: if self.overwrite_unowned {
                Unowned::Backup
            } else {
                Unowned::Refuse
            },
            downgrade: if self.allow_downgrade {
                Downgrade::Allow
            } else {
                Downgrade::Refuse
            },
            ..InstallRequest::new(wanted)
        };
        let plan = context
            .sysroot(Unmanaged::Empty)?
            .plan_install(&archives.candidates(), &request)?;
        context.carry_out(plan, &archives, Begin::Allow)
    }
}

/// Returns what one word of the command line asks for; archives that it names are added to the others.
fn resolve(
    target: &OsStr,
    archives: &mut Archives,
    context: &Context<'_>,
) -> Result<Vec<Wanted>, Failure> {
    let path = Path::new(target);
    let is_path = path.components().count() > 1
        || target.as_encoded_bytes().contains(&b'/')
        || is_archive_name(path);
    if !is_path {
        let parsed = target.to_str().map(str::parse::<PackageName>);
        return match parsed {
            Some(Ok(name)) => Ok(vec![Wanted::newest(name)]),
            Some(Err(error)) => Err(Failure::usage(error.to_string())),
            None => Err(Failure::usage(format!(
                "{} is not the name of a package",
                target.display()
            ))),
        };
    }
    if path.is_dir() {
        let seals = archives.add_directory(path, &mut |refused| context.session.notice(refused))?;
        let names = seals
            .iter()
            .filter_map(|seal| archives.candidate(seal))
            .map(|found| &found.manifest().package.name);
        // A directory may hold several versions of a package: the newest is meant.
        let names: std::collections::BTreeSet<PackageName> = names.cloned().collect();
        return Ok(names.into_iter().map(Wanted::newest).collect());
    }
    let seal = archives.add_file(path)?;
    let name = archives
        .candidate(&seal)
        .map(|found| found.manifest().package.name.clone());
    Ok(name
        .map(|name| Wanted {
            seal: Some(seal),
            ..Wanted::newest(name)
        })
        .into_iter()
        .collect())
}
