//! `pkm repository keys`.

use std::fmt;

use clap::Args;
use igos_cli::{Failure, Render};
use igos_format::trust::{KeyId, RoleKeys, TopRole};
use igos_repo::repository::{Catalogue, OfferedRoot, RepositoryName};
use serde::Serialize;

use super::Context;
use super::catalogue::clock;
use super::client::parse_name;

/// Show the keys by which a repository is believed
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  pkm repository keys main\n  pkm repository keys main --json")]
pub(super) struct RepositoryKeys {
    /// Its name on this machine
    #[arg(value_name = "NAME", value_parser = parse_name)]
    name: RepositoryName,
}

impl RepositoryKeys {
    pub(super) fn run(self, context: &Context<'_>) -> Result<RepositoryKeysAnswer, Failure> {
        let places = context.places();
        let settings = places.load_one(&self.name)?;
        let catalogue = Catalogue::open(&places, std::slice::from_ref(&settings), &clock()?);
        let named = OfferedRoot::read(&self.name, places.trusted_root(&settings)?)?;
        let opened = catalogue.repository(&self.name);
        let root = opened.map_or_else(|| named.root(), |opened| opened.trusted().root());
        let mut roles: Vec<Role> = TopRole::ALL
            .into_iter()
            .map(|role| Role::new(role.name(), root.role(role)))
            .collect();
        let seals = opened.map(|opened| opened.seal_keys());
        let ids = |keys: Option<Vec<&KeyId>>| {
            let keys = keys.into_iter().flatten();
            keys.map(ToString::to_string).collect::<Vec<String>>()
        };
        let packages = ids(seals.map(|keys| keys.authorised.keys().collect()));
        if !packages.is_empty() {
            roles.push(Role {
                role: "packages",
                threshold: 1,
                keys: packages,
            });
        }
        Ok(RepositoryKeysAnswer {
            retired: ids(seals.map(|keys| keys.retired.keys().collect())),
            root_version: root.version,
            expires: root.expires.to_string(),
            name: self.name,
            roles,
        })
    }
}

/// The keys by which a repository is believed.
#[derive(Debug, Serialize)]
pub(super) struct RepositoryKeysAnswer {
    name: RepositoryName,
    root_version: u64,
    expires: String,
    roles: Vec<Role>,
    retired: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Role {
    role: &'static str,
    threshold: u64,
    keys: Vec<String>,
}

impl Role {
    fn new(role: &'static str, keys: &RoleKeys) -> Self {
        Role {
            role,
            threshold: keys.threshold,
            keys: keys.keys.iter().map(ToString::to_string).collect(),
        }
    }
}

impl Render for RepositoryKeysAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        let (name, version, expires) = (&self.name, self.root_version, &self.expires);
        writeln!(out, "{name}: root version {version}, until {expires}")?;
        for role in &self.roles {
            writeln!(out, "  {} ({} must sign)", role.role, role.threshold)?;
            for key in &role.keys {
                writeln!(out, "    {key}")?;
            }
        }
        if !self.retired.is_empty() {
            writeln!(out, "  retired, good for what is installed")?;
            for key in &self.retired {
                writeln!(out, "    {key}")?;
            }
        }
        Ok(())
    }
}
