//! `igos-build key show`

use std::fmt;
use std::path::PathBuf;

use clap::Args;
use igos_cli::{Answer, Failure, Render};
use igos_format::trust::KeyId;
use igos_repo::publish::{KeyRing, RoleState, roles};
use serde::Serialize;

/// Show the roles of a repository, their keys, and which of them are at hand
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  igos-build key show repository --keys keys")]
pub(super) struct ShowCommand {
    /// The directory of the repository; of keys, where nothing is published yet
    directory: PathBuf,
    /// Look for keys in DIR; may be repeated
    #[arg(long, value_name = "DIR")]
    keys: Vec<PathBuf>,
}

#[derive(Debug, Serialize)]
struct ShowAnswer {
    roles: Vec<RoleAnswer>,
}

#[derive(Debug, Serialize)]
struct RoleAnswer {
    name: &'static str,
    threshold: u64,
    keys: Vec<KeyAnswer>,
}

#[derive(Debug, Serialize)]
struct KeyAnswer {
    id: String,
    file: Option<PathBuf>,
}

impl ShowCommand {
    pub(super) fn execute(self) -> Result<Answer, Failure> {
        let mut directories = self.keys;
        if directories.is_empty() {
            directories.push(self.directory.clone());
        }
        let ring = KeyRing::load(&directories)?;
        let roles = roles(&self.directory, &ring)?;
        Ok(Answer::from(ShowAnswer {
            roles: roles.into_iter().map(RoleAnswer::from).collect(),
        }))
    }
}

impl From<RoleState> for RoleAnswer {
    fn from(role: RoleState) -> Self {
        let key = |(id, file): (KeyId, Option<PathBuf>)| KeyAnswer {
            id: id.to_string(),
            file,
        };
        RoleAnswer {
            name: role.name,
            threshold: role.threshold,
            keys: role.keys.into_iter().map(key).collect(),
        }
    }
}

impl Render for ShowAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        for role in &self.roles {
            writeln!(
                out,
                "{}: {} of {} must sign",
                role.name,
                role.threshold,
                role.keys.len()
            )?;
            for key in &role.keys {
                match &key.file {
                    Some(file) => writeln!(out, "    {}  {}", key.id, file.display())?,
                    None => writeln!(out, "    {}  not at hand", key.id)?,
                }
            }
        }
        Ok(())
    }
}
