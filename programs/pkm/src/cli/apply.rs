//! `pkm apply`: a root becomes what a text declares.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::path::PathBuf;

use clap::Args;
use igos_cli::Failure;
use igos_format::PackageName;
use igos_repo::repository::Catalogue;
use igos_report::Explain;
use igos_solve::{
    Downgrades, Graph, Holds, InstalledPackage, Reason, Removal, RemovalWhy, Request, Solution,
    Universe, Which,
};
use igos_sysroot::{Exclusions, Hold, Unmanaged};

use super::Context;
use super::context::Begin;
use super::install::by_name;
use super::kernels::kept_kernels;
use super::plan::PlanAnswer;
use super::repository_changes::RepositoryChanges;
use super::rules::{From, Rules};
use crate::world::{Declared, WORLD_MAX_BYTES};

/// Bring a root to a declared set
///
/// FILE says which packages are there for their own sake, which are held, which repositories there are and whom they are
/// believed, and which paths are left out (docs/formats/world.md; `pkm world` prints one). Repositories that it defines
/// become known; what is missing is installed, with what it needs; what nothing declared needs goes; marks and holds
/// become as declared. What is installed already stays at its
/// version unless FILE names another. Doing it again changes nothing.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    pkm --dry-run apply world.toml\n  \
    pkm --root /mnt/target --yes apply world.toml")]
pub(super) struct Apply {
    /// The declared set
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    from: From,
    #[command(flatten)]
    rules: Rules,
}

/// The declared set cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the declared set")]
struct ReadError(#[source] io::Error);

impl Explain for ReadError {
    fn code(&self) -> &'static str {
        "world-unreadable"
    }
}

impl Apply {
    pub(super) fn run(self, context: &Context<'_>) -> Result<PlanAnswer, Failure> {
        let file = self.file.display().to_string();
        let declared = Declared::parse(&file, &self.read()?)?;
        let repositories = RepositoryChanges::plan(&declared, &self.file, context)?;
        let exclusions = Exclusions::new(declared.patterns(&file)?);
        let sysroot = context.sysroot(Unmanaged::Empty)?;
        let universe = sysroot.universe(igos_format::Arch::native(), &|_| None)?;
        let (wanted, names) = wanted(&declared, &universe)?;
        let mut asked = self
            .rules
            .ask(Request::install(wanted), &self.from, context)?;
        // What is declared by its version is as good as asked for with it, whatever was held before.
        asked.request.policy.downgrades = Downgrades::Allow;
        asked.request.policy.holds = Holds::Ignore;
        if sysroot.exclusions()? != exclusions {
            asked.exclusions = Some(exclusions);
        }
        let archives = self.from.read(context)?;
        let catalogue = match asked.request.install.is_empty() {
            true => Catalogue::default(),
            false => repositories.catalogue(context)?,
        };
        let (mut solution, chosen) =
            context.solve(&sysroot, &archives, &catalogue, &asked.request)?;
        let kept = kept_kernels(context, &sysroot)?;
        let after = after(&universe, &solution, &declared, &names);
        for name in Graph::of(&after).orphans(&after, &kept) {
            match universe.packages.get(&name) {
                Some(installed) => solution.remove.push(Removal {
                    package: installed.package.clone(),
                    why: RemovalWhy::Orphaned,
                }),
                None => solution
                    .install
                    .retain(|choice| choice.offer.package.name != name),
            }
        }
        asked.repositories = repositories;
        asked.reasons = marks(&after, &universe);
        asked.holds = holds(&after, &universe);
        solution.now_explicit.clear();
        let found = (solution, chosen);
        context.transact(asked, found, &sysroot, &catalogue, archives, Begin::Allow)
    }

    fn read(&self) -> Result<String, Failure> {
        let mut text = String::new();
        fs_err::File::open(&self.file)
            .and_then(|file| file.take(WORLD_MAX_BYTES).read_to_string(&mut text))
            .map_err(ReadError)?;
        Ok(text)
    }
}

/// Returns what has to be installed, and the names of everything that is declared.
fn wanted(
    declared: &Declared,
    universe: &Universe,
) -> Result<(Vec<igos_solve::Wanted>, BTreeSet<PackageName>), Failure> {
    let mut wanted = Vec::new();
    let mut names = BTreeSet::new();
    for text in &declared.packages {
        let one = by_name(text)?;
        names.insert(one.name.clone());
        let installed = universe.packages.get(&one.name);
        let is_there = installed.is_some_and(|installed| {
            one.which == Which::Newest || one.which.accepts(&installed.package, &installed.seal)
        });
        if !is_there {
            wanted.push(one);
        }
    }
    Ok((wanted, names))
}

/// Returns what will be there, with the marks that are declared.
fn after(
    universe: &Universe,
    solution: &Solution,
    declared: &Declared,
    names: &BTreeSet<PackageName>,
) -> Universe {
    let mut after = universe.clone();
    for removal in &solution.remove {
        after.packages.remove(&removal.package.name);
    }
    for choice in &solution.install {
        let offer = &choice.offer;
        let old = universe.packages.get(&offer.package.name);
        after.packages.insert(
            offer.package.name.clone(),
            InstalledPackage {
                package: offer.package.clone(),
                seal: offer.seal,
                relations: offer.relations.clone(),
                reason: choice.reason,
                is_held: false,
                is_essential: old.is_some_and(|old| old.is_essential),
                source: None,
                installed_bytes: offer.installed_bytes,
            },
        );
    }
    for (name, installed) in &mut after.packages {
        installed.reason = match names.contains(name) {
            true => Reason::Explicit,
            false => Reason::Automatic,
        };
        installed.is_held = declared.holds.contains(name);
    }
    after
}

fn marks(after: &Universe, before: &Universe) -> BTreeMap<PackageName, Reason> {
    let changed = after.packages.iter().filter(|(name, installed)| {
        let old = before.packages.get(*name);
        old.is_none_or(|old| old.reason != installed.reason)
    });
    changed
        .map(|(name, installed)| (name.clone(), installed.reason))
        .collect()
}

fn holds(after: &Universe, before: &Universe) -> BTreeMap<PackageName, Hold> {
    let was_held = |name| before.packages.get(name).is_some_and(|old| old.is_held);
    let changed = after
        .packages
        .iter()
        .filter(|(name, installed)| installed.is_held != was_held(*name));
    changed
        .map(|(name, installed)| {
            let hold = match installed.is_held {
                true => Hold::Held,
                false => Hold::Released,
            };
            (name.clone(), hold)
        })
        .collect()
}
