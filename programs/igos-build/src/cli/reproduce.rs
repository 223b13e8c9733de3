//! `igos-build reproduce`

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use clap::Args;
use fs_err as fs;
use igos_cli::{Answer, Exit, Failure, Globals, Session};
use igos_format::archive::Head;
use igos_format::{PackageName, Sha256, Tier};
use igos_report::{Diagnostic, Explain};

use super::build::{Goal, Work};
use super::recipes::RecipeFlags;
use super::reproduce_answer::{ArchiveAnswer, ReproduceAnswer, Verdict};
use super::workshop::{PolicyFlags, Workshop, WorkshopFlags, require_sandbox};
use crate::cache::{Cache, CacheError};
use crate::reproduce::{
    DIFFOSCOPE, Likeness, Original, Remade, ReproduceError, Scratch, describe, reproduce,
};
use crate::schedule::{Again, BuildGraph, OnFailure};
use crate::tree::Tree;

/// What is in the customary name of every archive, and in that of no package of ours.
const ARCHIVE: &str = ".igos.tar.";

/// Make archives again and see whether the same comes out
///
/// The recipe is built once more from the same inputs, in a directory of its own, with another number of jobs and at
/// a later time; the result is compared with the archive byte by byte and then deleted. The cache gives sources and
/// dependencies; its own build of the package is not used, and what is made does not go into it. What differs first is
/// shown; where the program `diffoscope` is installed, its report is added.
///
/// The answer is no where an archive differs. An archive that cannot be made again, because the cache lacks what it
/// needs or the recipe is not the one it was made from, is neither.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  igos-build --recipes packages reproduce zlib make\n  igos-build --recipes packages reproduce --tier core\n  igos-build --recipes packages reproduce ./zlib-1.3.1-1.x86_64.igos.tar.zst --output differing\n\nExit codes: 0 all are identical, 1 one differs, 4 one cannot be made again and none differs"
)]
pub(super) struct ReproduceCommand {
    /// Packages of the cache, or paths of archives: with a slash, or with `.igos.tar.` in them
    #[arg(required_unless_present = "tier", value_name = "NAME-OR-ARCHIVE")]
    names: Vec<String>,
    /// All packages of this tier that the cache has
    #[arg(long)]
    tier: Option<Tier>,
    /// Give each build N jobs [default: one more than there are processors]
    #[arg(long, value_name = "N")]
    build_jobs: Option<NonZeroUsize>,
    /// Build below DIR, perhaps on another file system [default: in the cache]
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
    /// Put archives that were made again and differ into DIR
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Do not ask `diffoscope`, also where it is installed
    #[arg(long)]
    no_diffoscope: bool,
    #[command(flatten)]
    policy: PolicyFlags,
}

/// What is compared with the outcome of one build.
#[derive(Debug)]
struct Target {
    node: usize,
    key: Sha256,
    originals: Vec<Original>,
}

/// An archive that was named cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read archive {}", path.display())]
struct UnreadableArchive {
    path: PathBuf,
    #[source]
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl Explain for UnreadableArchive {
    fn code(&self) -> &'static str {
        "archive-unreadable"
    }

    fn exit_code(&self) -> u8 {
        4
    }
}

impl ReproduceCommand {
    pub(super) fn execute(
        self,
        globals: &Globals,
        workshop: &WorkshopFlags,
        recipes: &RecipeFlags,
        session: &Session,
    ) -> Result<Answer, Failure> {
        let tree = recipes.load(session)?;
        let (named, archives) = self.wanted(&tree)?;
        let recipes_of_archives = archives.iter().map(|one| one.recipe.to_string());
        let names: Vec<String> = named.iter().cloned().chain(recipes_of_archives).collect();
        let goal = Goal::new(&tree, &names, false).map_err(not_compared)?;
        let workshop = workshop.open(globals, recipes, session)?;
        let mut settings = workshop.build_settings(&self.policy)?;
        settings.processors = self
            .build_jobs
            .unwrap_or_else(|| settings.processors.saturating_add(1));
        require_sandbox(settings.confinement)?;
        let _lock = workshop
            .cache
            .lock_for_use(workshop.waiting, session.reporter())?;
        let toolchain = workshop.toolchain(settings.mode)?;
        let graph = goal.graph(&tree, toolchain.as_ref(), OnFailure::KeepGoing)?;
        let work = Work {
            workshop: &workshop,
            settings: &settings,
            tree: &tree,
            graph: &graph,
        };
        let started = Instant::now();
        let mut answer = ReproduceAnswer::new(settings.processors.get());
        work.run(toolchain.as_ref(), &BTreeSet::new(), session, |run| {
            let again = Again::new(run)?;
            let targets = targets(&graph, &again, &named, &archives, &mut answer, session)?;
            for target in targets {
                if globals.dry_run {
                    let planned = target.originals.iter();
                    let rows = planned.map(|one| ArchiveAnswer::new(one, Verdict::Planned));
                    answer.archives.extend(rows);
                    continue;
                }
                self.make_again(target, &again, &workshop, &mut answer, session)?;
            }
            Ok(())
        })?;
        answer.close(started.elapsed());
        Ok(Answer::from(answer))
    }

    /// Returns the packages and the archives that were named.
    fn wanted(&self, tree: &Tree) -> Result<(Vec<String>, Vec<NamedArchive>), Failure> {
        let (paths, mut names): (Vec<String>, Vec<String>) = self
            .names
            .iter()
            .cloned()
            .partition(|name| name.contains('/') || name.contains(ARCHIVE));
        let archives = paths.iter().map(|path| NamedArchive::open(Path::new(path)));
        let archives = archives.collect::<Result<Vec<_>, _>>()?;
        if let Some(tier) = self.tier {
            let entries = tree.entries.iter();
            let of_tier = entries.filter(|entry| entry.recipe.tier == Some(tier));
            names.extend(of_tier.map(|entry| entry.recipe.name.to_string()));
        }
        Ok((names, archives))
    }

    /// Makes the archives of one build again and adds what came of it to the answer.
    fn make_again(
        &self,
        target: Target,
        again: &Again<'_>,
        workshop: &Workshop,
        answer: &mut ReproduceAnswer,
        session: &Session,
    ) -> Result<(), Failure> {
        let Some(first) = target.originals.first() else {
            return Ok(());
        };
        let begun = (Instant::now(), SystemTime::now());
        let scratch = Scratch::create(&workshop.cache, &first.name, self.scratch.as_deref())?;
        let originals = target.originals.clone();
        let cache: &Cache = &workshop.cache;
        let result = reproduce(again, target.node, target.key, originals, &scratch, cache);
        let seconds = begun.0.elapsed().as_secs_f64();
        match result {
            Ok(remade) => {
                for one in remade {
                    let row = self.judged(&one, seconds, begun.1, session)?;
                    answer.archives.push(row);
                }
            }
            Err(error) if error.exit_code() == 130 => return Err(error.into()),
            Err(error) => {
                for original in target.originals {
                    let mut row = ArchiveAnswer::new(&original, Verdict::Failed);
                    row.reason = Some(error.to_string());
                    row.seconds = seconds;
                    answer.archives.push(row);
                }
                tell(&error, session);
            }
        }
        Ok(())
    }

    fn judged(
        &self,
        one: &Remade,
        seconds: f64,
        begun: SystemTime,
        session: &Session,
    ) -> Result<ArchiveAnswer, Failure> {
        let (verdict, difference) = match &one.likeness {
            Likeness::Identical => (Verdict::Identical, None),
            Likeness::Different(difference) => (Verdict::Different, Some(difference)),
            Likeness::Missing => (Verdict::Different, None),
        };
        let mut row = ArchiveAnswer::new(&one.original, verdict);
        row.seconds = seconds;
        row.seconds_later = seconds_later(&one.original.archive, begun);
        row.sha256_again = one.again.as_ref().map(|(_, sha256)| *sha256);
        row.difference = difference.map(|difference| (**difference).clone());
        if one.likeness == Likeness::Missing {
            row.reason = Some("the build did not make this package again".to_owned());
        }
        if let (Verdict::Different, Some((archive, _))) = (verdict, &one.again) {
            row.diffoscope = self.asked(&one.original.archive, archive, session);
            row.kept = match &self.output {
                Some(directory) => Some(keep(archive, directory)?),
                None => None,
            };
        }
        Ok(row)
    }

    /// Asks `diffoscope`, if it is there and wanted.
    fn asked(&self, first: &Path, second: &Path, session: &Session) -> Option<String> {
        let path = session.environment().text("PATH")?;
        let program = std::env::split_paths(&path)
            .filter(|directory| directory.is_absolute())
            .map(|directory| directory.join(DIFFOSCOPE))
            .find(|program| program.is_file())
            .filter(|_| !self.no_diffoscope)?;
        match describe(&program, &path, first, second) {
            Ok(told) => told,
            Err(error) => {
                // We have told the difference ourselves: this is no more than a help.
                session.notice(igos_report::diagnose(&error));
                None
            }
        }
    }
}

/// An archive that was named by its path.
#[derive(Debug)]
struct NamedArchive {
    recipe: PackageName,
    key: Sha256,
    original: Original,
}

impl NamedArchive {
    fn open(path: &Path) -> Result<Self, UnreadableArchive> {
        let failed = |source: Box<dyn std::error::Error + Send + Sync>| UnreadableArchive {
            path: path.to_owned(),
            source,
        };
        let file = fs::File::open(path).map_err(|error| failed(error.into()))?;
        let head =
            Head::read(std::io::BufReader::new(file)).map_err(|error| failed(error.into()))?;
        let manifest = head.manifest();
        let sha256 = fs::File::open(path).and_then(Sha256::read);
        Ok(NamedArchive {
            recipe: manifest.recipe.clone(),
            key: manifest.build_key,
            original: Original {
                name: manifest.package.name.clone(),
                archive: path.to_owned(),
                sha256: sha256.map_err(|error| failed(error.into()))?,
            },
        })
    }
}

/// Returns what to build and what to compare with it; packages that the cache does not have go into the answer.
fn targets(
    graph: &BuildGraph<'_>,
    again: &Again<'_>,
    named: &[String],
    archives: &[NamedArchive],
    answer: &mut ReproduceAnswer,
    session: &Session,
) -> Result<Vec<Target>, Failure> {
    let mut found: BTreeMap<(usize, Sha256), Vec<Original>> = BTreeMap::new();
    let node_of = |name: &str| -> Result<usize, Failure> {
        let name: Option<PackageName> = name.parse().ok();
        let maker = name.as_ref().and_then(|name| graph.maker(name));
        maker.map(|(node, _)| node).ok_or_else(|| not_planned(name))
    };
    let nodes = named.iter().map(|name| node_of(name));
    for node in nodes.collect::<Result<BTreeSet<usize>, _>>()? {
        match again.first(node) {
            Ok(build) => {
                let receipt = build.receipt();
                let originals = receipt.outputs.iter().map(|output| Original {
                    name: output.name.clone(),
                    archive: build.archive(output),
                    sha256: output.sha256,
                });
                found
                    .entry((node, receipt.key))
                    .or_default()
                    .extend(originals);
            }
            Err(error) => {
                let name = &graph.nodes()[node].entry.recipe.name;
                answer.archives.push(ArchiveAnswer::absent(name, &error));
                tell(&ReproduceError::from(error), session);
            }
        }
    }
    for archive in archives {
        let node = node_of(archive.recipe.as_str())?;
        let originals = found.entry((node, archive.key)).or_default();
        originals.push(archive.original.clone());
    }
    Ok(found
        .into_iter()
        .map(|((node, key), originals)| Target {
            node,
            key,
            originals,
        })
        .collect())
}

fn not_planned(name: Option<PackageName>) -> Failure {
    let name = name.map(|name| name.to_string()).unwrap_or_default();
    let message = format!("{name} is not part of the build order");
    Failure::new(
        Exit::Unfinished,
        Diagnostic::error("package-missing", message),
    )
}

/// Returns a failure with the exit code that says that nothing was compared: elsewhere no is an answer, here it would
/// say that an archive differs.
fn not_compared(failure: Failure) -> Failure {
    Failure {
        exit: match failure.exit {
            Exit::No => Exit::Unfinished,
            other => other,
        },
        ..failure
    }
}

fn tell(error: &ReproduceError, session: &Session) {
    for diagnostic in error.diagnostics() {
        session.notice(diagnostic);
    }
}

/// Returns how much later than the archive's file the build began; `None` if the file is from the future.
fn seconds_later(archive: &Path, begun: SystemTime) -> Option<u64> {
    let modified = fs::metadata(archive)
        .and_then(|file| file.modified())
        .ok()?;
    Some(begun.duration_since(modified).ok()?.as_secs())
}

/// Copies an archive out of the scratch cache before that is deleted.
fn keep(archive: &Path, directory: &Path) -> Result<PathBuf, CacheError> {
    fs::create_dir_all(directory).map_err(CacheError::io("make", directory))?;
    let to = directory.join(archive.file_name().unwrap_or_default());
    fs::copy(archive, &to).map_err(CacheError::io("copy", archive))?;
    Ok(to)
}
