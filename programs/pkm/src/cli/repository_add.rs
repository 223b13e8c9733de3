//! `pkm repository add`.

use std::fmt;
use std::path::PathBuf;

use clap::Args;
use igos_cli::{Exit, Failure, Render};
use igos_format::trust::{KeyId, TopRole};
use igos_repo::repository::{
    NamePattern, OfferedRoot, Priority, RepositoryAddress, RepositoryName, RepositorySettings,
    TrustedRoot,
};
use igos_report::Diagnostic;
use serde::Serialize;

use super::Context;
use super::client::parse_name;

/// Add a repository
///
/// The root of its keys has to come from somewhere that you trust: either as a file, or fetched from the repository and
/// compared with the fingerprints of keys that you name. Without either, the fingerprints are told and nothing is written.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  pkm repository add main https://packages.example.org/igos --root-key ./root.json\n  \
        pkm repository add main https://packages.example.org/igos --fingerprint KEYID --fingerprint KEYID\n  \
        pkm repository add testing /srv/testing --root-key ./root.json --priority 60 --pin 'linux-*'"
)]
pub(super) struct RepositoryAdd {
    /// Its name on this machine
    #[arg(value_name = "NAME", value_parser = parse_name)]
    name: RepositoryName,
    /// Where it is: https://HOST/PATH, http://HOST/PATH, file:///PATH or an absolute path
    #[arg(value_name = "URL")]
    url: RepositoryAddress,
    /// Trust it by this root.json
    #[arg(long, value_name = "FILE", conflicts_with = "fingerprint")]
    root_key: Option<PathBuf>,
    /// Trust a root that has this key; all that are needed have to be named
    #[arg(long, value_name = "KEYID")]
    fingerprint: Vec<KeyId>,
    /// A copy of it, asked when URL fails; can be given several times
    #[arg(long, value_name = "URL")]
    mirror: Vec<RepositoryAddress>,
    /// Its priority: the highest that has a package provides it [default: 50]
    #[arg(long, value_name = "N")]
    priority: Option<u16>,
    /// Let it provide packages of this name alone; can be given several times
    #[arg(long, value_name = "PATTERN")]
    pin: Vec<NamePattern>,
}

impl RepositoryAdd {
    pub(super) fn run(self, context: &Context<'_>) -> Result<RepositoryAddAnswer, Failure> {
        let trusted_root = TrustedRoot::Inline(String::new());
        let mut settings = RepositorySettings::new(self.name, self.url, trusted_root);
        settings.mirrors = self.mirror;
        settings.pins = self.pin;
        if let Some(priority) = self.priority {
            settings.priority = Priority(priority);
        }
        let root = match &self.root_key {
            Some(file) => {
                let bytes = fs_err::read(file).map_err(|error| {
                    let diagnostic = Diagnostic::error("root-key-unreadable", error.to_string());
                    Failure::new(Exit::Unfinished, diagnostic)
                })?;
                OfferedRoot::read(&settings.name, bytes)?
            }
            None => {
                let client = context.client(vec![settings.clone()])?;
                client.offered_root(&settings.name, &self.fingerprint)?
            }
        };
        let file = if context.is_dry_run() {
            None
        } else {
            Some(context.places().add(&settings, &root)?)
        };
        Ok(RepositoryAddAnswer {
            name: settings.name,
            root_version: root.root().version,
            threshold: root.root().role(TopRole::Root).threshold,
            keys: root.keys().iter().map(ToString::to_string).collect(),
            file,
        })
    }
}

/// What was added.
#[derive(Debug, Serialize)]
pub(super) struct RepositoryAddAnswer {
    name: RepositoryName,
    root_version: u64,
    threshold: u64,
    keys: Vec<String>,
    file: Option<PathBuf>,
}

impl Render for RepositoryAddAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        let (name, version, threshold) = (&self.name, self.root_version, self.threshold);
        writeln!(
            out,
            "repository {name} is trusted by root version {version}, which {threshold} of these keys sign:"
        )?;
        for key in &self.keys {
            writeln!(out, "  {key}")?;
        }
        match &self.file {
            Some(file) => writeln!(out, "written: {}; next: `pkm sync`", file.display()),
            None => writeln!(out, "nothing is written"),
        }
    }
}
