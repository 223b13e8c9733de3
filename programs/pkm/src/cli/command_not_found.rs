//! `pkm command-not-found`: what a shell shows when a program is not there.

use std::collections::BTreeMap;
use std::fmt;

use clap::Args;
use igos_cli::{Exit, Failure, Render};
use igos_format::index::PROGRAM_DIRECTORIES;
use igos_format::{PackageId, PackageName, RelPath};
use igos_repo::repository::{Catalogue, RepositoryName};
use igos_sysroot::{QueryError, Sysroot, Unmanaged};
use serde::Serialize;

use super::Context;

/// Most programs of similar names that are told.
const NEAR_MAX: usize = 5;

/// Tell which package brings a program
///
/// Made for shells to call when a program is not there; suggests programs of similar names if nothing brings it. Ends
/// with 1 then.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  pkm command-not-found pigz\n  \
        In ~/.bashrc:\n    command_not_found_handle() { pkm command-not-found -- \"$1\"; return 127; }")]
pub(super) struct CommandNotFound {
    /// Name of the program
    #[arg(value_name = "NAME")]
    name: String,
}

impl CommandNotFound {
    pub(super) fn run(self, context: &Context<'_>) -> Result<ProgramAnswer, Failure> {
        let catalogue = context.catalogue()?;
        let installed = installed(&context.sysroot(Unmanaged::Empty)?, &self.name)?;
        let offered = catalogue.with_program(&self.name)?;
        let packages: Vec<Bringing> = offered
            .into_iter()
            .map(|offered| Bringing {
                repository: offered.repository,
                package: offered.entry.package,
                description: offered.entry.description,
            })
            .collect();
        let near = if packages.is_empty() && installed.is_empty() {
            near(&catalogue, &self.name)?
        } else {
            Vec::new()
        };
        Ok(ProgramAnswer {
            program: self.name,
            installed,
            packages,
            near,
        })
    }
}

/// Returns where the program is installed all the same: a shell does not look everywhere.
fn installed(sysroot: &Sysroot, name: &str) -> Result<Vec<Installed>, QueryError> {
    let mut found: Vec<Installed> = Vec::new();
    for directory in PROGRAM_DIRECTORIES {
        let path = directory
            .parse::<RelPath>()
            .expect("our own paths are paths");
        let Ok(path) = path.join(name.as_bytes()) else {
            continue;
        };
        match sysroot.owner(&path) {
            Ok(owned) if found.iter().all(|known| known.path != owned.place) => {
                found.push(Installed {
                    path: owned.place,
                    packages: owned.packages,
                });
            }
            Ok(_) | Err(QueryError::NotOwned { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// Returns programs of similar names, the most similar first.
fn near(catalogue: &Catalogue, name: &str) -> Result<Vec<Near>, Failure> {
    let most = if name.len() <= 4 { 1 } else { 2 };
    let mut found: BTreeMap<(usize, String), Vec<PackageName>> = BTreeMap::new();
    catalogue.programs(|program, package| {
        let Ok(package) = package.parse() else {
            return;
        };
        if program.len().abs_diff(name.len()) <= most && shares_letters(program, name, most) {
            let distance = strsim::osa_distance(program, name);
            if distance <= most {
                let packages = found.entry((distance, program.to_owned())).or_default();
                packages.push(package);
            }
        }
    })?;
    let near = found.into_iter().take(NEAR_MAX);
    Ok(near
        .map(|((_, program), mut packages)| {
            packages.sort();
            packages.dedup();
            Near { program, packages }
        })
        .collect())
}

/// Tells whether two words can be as near as that: each change makes at most two letters differ.
fn shares_letters(a: &str, b: &str, distance: usize) -> bool {
    let letters = |word: &str| word.bytes().fold(0_u64, |set, byte| set | 1 << (byte % 64));
    (letters(a) ^ letters(b)).count_ones() as usize <= 2 * distance
}

/// What is known about a program.
#[derive(Debug, Serialize)]
pub(super) struct ProgramAnswer {
    program: String,
    installed: Vec<Installed>,
    packages: Vec<Bringing>,
    near: Vec<Near>,
}

#[derive(Debug, Serialize)]
struct Installed {
    path: RelPath,
    packages: Vec<PackageName>,
}

#[derive(Debug, Serialize)]
struct Bringing {
    repository: RepositoryName,
    package: PackageId,
    description: String,
}

#[derive(Debug, Serialize)]
struct Near {
    program: String,
    packages: Vec<PackageName>,
}

impl Render for ProgramAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        let program = &self.program;
        for installed in &self.installed {
            let packages = join(&installed.packages);
            writeln!(
                out,
                "{program} is installed as /{} by {packages}",
                installed.path
            )?;
        }
        if let [first, ..] = &self.packages[..] {
            writeln!(out, "{program} is in:")?;
            for bringing in &self.packages {
                writeln!(out, "  {}  {}", bringing.package, bringing.repository)?;
            }
            if self.installed.is_empty() {
                writeln!(out, "install it: pkm install {}", first.package.name)?;
            }
        }
        if self.packages.is_empty() && self.installed.is_empty() {
            writeln!(out, "no package brings {program}")?;
        }
        if !self.near.is_empty() {
            writeln!(out, "similar names:")?;
        }
        for near in &self.near {
            writeln!(out, "  {}  from {}", near.program, join(&near.packages))?;
        }
        Ok(())
    }

    fn exit(&self) -> Exit {
        if self.packages.is_empty() && self.installed.is_empty() {
            Exit::No
        } else {
            Exit::Done
        }
    }
}

fn join(packages: &[PackageName]) -> String {
    let names: Vec<&str> = packages.iter().map(PackageName::as_str).collect();
    names.join(", ")
}
