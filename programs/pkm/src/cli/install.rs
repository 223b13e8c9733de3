//! `pkm install`: packages from repositories and archives, with what they need.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::Args;
use igos_cli::{Failure, complete_names};
use igos_format::{Dependency, PackageId, PackageName, Sha256};
use igos_solve::{Request, Wanted, Which};

use super::Context;
use super::completion;
use super::context::Begin;
use super::plan::PlanAnswer;
use super::rules::{From, Rules};
use super::target::{self, Target};
use crate::archives::Archives;

/// Install packages, with what they need
///
/// NAME is looked up in the repositories, and in the directories of archives given with `--archives` or in the
/// settings; so is everything that the packages need. NAME=VERSION asks for one version, with or without its release,
/// and NAME>=VERSION for the newest of some. FILE is an archive. DIR, which has to contain a `/`, is a directory of
/// archives, the newest of each name of which are installed. What is asked for is upgraded if it is installed in an
/// older version. A root without a record gets one.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    pkm install nginx\n  \
    pkm install python=3.13.2 'openssl>=3.2'\n  \
    pkm install ./zlib-1.3.1-1.x86_64.igos.tar.zst --allow-unsigned\n  \
    pkm install --archives ./archives pigz make\n  \
    pkm --root ./root --yes install ./archives/ --allow-unsigned")]
pub(super) struct Install {
    /// Names of packages, archives, directories of archives
    #[arg(add = complete_names(completion::offered), value_name = "NAME|FILE|DIR", required_unless_present = "archive")]
    targets: Vec<OsString>,
    /// Install this archive, whatever its name; can be given several times
    #[arg(long, value_name = "FILE")]
    archive: Vec<PathBuf>,
    #[command(flatten)]
    from: From,
    #[command(flatten)]
    rules: Rules,
}

impl Install {
    pub(super) fn run(self, context: &Context<'_>) -> Result<PlanAnswer, Failure> {
        let mut archives = self.from.read(context)?;
        let mut wanted = Vec::new();
        for file in &self.archive {
            wanted.push(of_file(file, &mut archives)?);
        }
        for target in &self.targets {
            wanted.extend(resolve(target, &mut archives, context)?);
        }
        let request = Request::install(wanted);
        let asked = self.rules.ask(request, &self.from, context)?;
        context.change(asked, archives, Begin::Allow)
    }
}

fn of_file(file: &Path, archives: &mut Archives) -> Result<Wanted, Failure> {
    let seal = archives.add_file(file)?;
    let name = archives
        .candidate(&seal)
        .map(|found| found.manifest().package.name.clone());
    Ok(Wanted {
        name: name.expect("it was just added"),
        which: Which::Seal(seal),
    })
}

/// Returns what one word of the command line asks for; archives that it names are added to the others.
fn resolve(
    target: &OsStr,
    archives: &mut Archives,
    context: &Context<'_>,
) -> Result<Vec<Wanted>, Failure> {
    let path = match Target::of(target)? {
        Target::Name(text) => return Ok(vec![by_name(text)?]),
        Target::Path(path) => path,
    };
    if !path.is_dir() {
        return Ok(vec![of_file(path, archives)?]);
    }
    let seals = archives.add_directory(path, &mut |refused| context.session.notice(refused))?;
    // A directory may hold several versions of a package: the newest is meant.
    let mut newest: BTreeMap<PackageName, (PackageId, Sha256)> = BTreeMap::new();
    for seal in seals {
        let Some(found) = archives.candidate(&seal) else {
            continue;
        };
        let package = &found.manifest().package;
        let known = newest.get(&package.name);
        if known.is_none_or(|(known, _)| package.compare_versions(known).is_gt()) {
            newest.insert(package.name.clone(), (package.clone(), seal));
        }
    }
    let wanted = newest.into_iter().map(|(name, (_, seal))| Wanted {
        name,
        which: Which::Seal(seal),
    });
    Ok(wanted.collect())
}

/// Reads `NAME`, `NAME=VERSION` and `NAME>=VERSION`.
pub(super) fn by_name(text: &str) -> Result<Wanted, Failure> {
    if !text.contains(['<', '=', '>']) {
        return Ok(Wanted {
            name: target::name(text)?,
            which: Which::Newest,
        });
    }
    if let Some((name, version)) = text.split_once('=')
        && !name.ends_with(['<', '>'])
        && !version.is_empty()
    {
        return Ok(Wanted {
            name: target::name(name)?,
            which: Which::Version(version.to_owned()),
        });
    }
    let dependency = text
        .parse::<Dependency>()
        .map_err(|error| Failure::usage(format!("{error}")))?;
    Ok(Wanted {
        name: dependency.name,
        which: dependency
            .constraint
            .map_or(Which::Newest, Which::Constraint),
    })
}
