//! `pkm world`: what a root is, as `pkm apply` takes it.

use std::collections::BTreeMap;
use std::fmt;

use clap::Args;
use igos_cli::{Failure, Render};
use igos_format::Arch;
use igos_repo::repository::OfferedRoot;
use igos_solve::Reason;
use igos_sysroot::Unmanaged;
use serde::Serialize;

use super::Context;
use crate::world::{Declared, Definition};

/// Print what this root is: packages that were asked for, holds, repositories, paths that are left out
///
/// `pkm apply` brings another root to the same, also one that has no record yet: repositories are printed with the keys
/// that they are trusted by.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  pkm world > world.toml\n  pkm --root /mnt/target world --json"
)]
pub(super) struct World {}

impl World {
    pub(super) fn run(self, context: &Context<'_>) -> Result<WorldAnswer, Failure> {
        let World {} = self;
        let sysroot = context.sysroot(Unmanaged::Refuse)?;
        let universe = sysroot.universe(Arch::native(), &|_| None)?;
        let packages = universe.packages.iter();
        let explicit = packages
            .clone()
            .filter(|(_, it)| it.reason == Reason::Explicit);
        let exclusions = sysroot.exclusions()?;
        Ok(WorldAnswer(Declared {
            packages: explicit.map(|(name, _)| name.to_string()).collect(),
            holds: packages
                .filter(|(_, it)| it.is_held)
                .map(|(name, _)| name.clone())
                .collect(),
            repository: definitions(context)?,
            exclude: exclusions
                .patterns()
                .iter()
                .map(|pattern| pattern.as_str().to_owned())
                .collect(),
            ..Declared::empty()
        }))
    }
}

/// Returns the definitions of all repositories, with the roots that they are trusted by to begin with.
fn definitions(context: &Context<'_>) -> Result<BTreeMap<String, Definition>, Failure> {
    let places = context.places();
    let mut definitions = BTreeMap::new();
    for settings in places.load()? {
        let root = places.trusted_root(&settings)?;
        let root = OfferedRoot::read(&settings.name, root)?;
        // A root that was understood is JSON, which is UTF-8.
        let root = String::from_utf8_lossy(root.bytes()).into_owned();
        let name = settings.name.to_string();
        definitions.insert(name, Definition::of(&settings, root));
    }
    Ok(definitions)
}

/// What a root is.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct WorldAnswer(Declared);

impl Render for WorldAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        out.write_str(&self.0.to_text())
    }
}
