//! `igos-build key`

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use igos_cli::{Answer, Failure, Globals, Render, Session};
use igos_format::trust::KeyId;
use igos_repo::publish::{
    Farewell, KeyRing, MadeKeys, NewKeys, Replace, Replaced, RoleState, new_keys, roles,
};
use serde::Serialize;

use super::publish::PublishAnswer;
use super::signing::{SigningFlags, TimeFlags, execution};

/// Make, show and replace the keys that sign a repository
#[derive(Debug, Subcommand)]
pub(super) enum KeyCommand {
    New(NewCommand),
    Show(ShowCommand),
    Rotate(RotateCommand),
    Revoke(RevokeCommand),
    Renew(RenewCommand),
}

/// Make all keys of a new repository
///
/// `DIR/offline` gets the keys that say which keys count: copy it to a medium that lies in a safe place, and delete it
/// here. `DIR/online` gets the keys that sign every publication, and `root.json`, which users of the repository begin
/// with.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  igos-build key new keys\n  igos-build key new keys --root-keys 3 --root-threshold 2"
)]
pub(super) struct NewCommand {
    /// A new or empty directory
    directory: PathBuf,
    /// Make N keys of the root, for N people or places
    #[arg(long, value_name = "N", default_value_t = 1)]
    root_keys: u32,
    /// N of them must sign a new root
    #[arg(long, value_name = "N", default_value_t = 1)]
    root_threshold: u32,
    /// Make N keys of targets
    #[arg(long, value_name = "N", default_value_t = 1)]
    targets_keys: u32,
    /// N of them must sign new targets
    #[arg(long, value_name = "N", default_value_t = 1)]
    targets_threshold: u32,
    #[command(flatten)]
    times: TimeFlags,
}

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

/// Replace a key that nobody has stolen by a new one
///
/// What the old key signed stays what it is. New roots are signed with the keys of the old one and of the new one, so
/// that users follow by themselves. It takes the keys of the root, for `packages` and `archives` those of targets, and
/// the online keys.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  igos-build key rotate timestamp repository --keys keys/online --keys /media/safe\n  igos-build key rotate root repository --key 4b1f…  --keys keys/online --keys /media/safe"
)]
pub(super) struct RotateCommand {
    /// The role: root, targets, packages, archives, snapshot or timestamp
    role: String,
    /// The directory of the repository
    directory: PathBuf,
    /// Replace this one of several keys
    #[arg(long, value_name = "KEYID")]
    key: Option<KeyId>,
    #[command(flatten)]
    replace: ReplaceFlags,
}

/// Replace a key that somebody else may have
///
/// As `key rotate`, and nothing that the old key signed counts any more: packages that were signed with it have to be
/// fetched again to be verified from their signatures.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  igos-build --yes key revoke 4b1f… repository --keys keys/online --keys /media/safe"
)]
pub(super) struct RevokeCommand {
    /// The key, as `key show` names it
    key: KeyId,
    /// The directory of the repository
    directory: PathBuf,
    #[command(flatten)]
    replace: ReplaceFlags,
}

#[derive(Debug, Args)]
struct ReplaceFlags {
    #[command(flatten)]
    signing: SigningFlags,
    /// Write the new key into DIR [default: where the old one is]
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
}

/// Sign root and targets again, so that they expire later
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  igos-build key renew repository --keys keys/online --keys /media/safe"
)]
pub(super) struct RenewCommand {
    /// The directory of the repository
    directory: PathBuf,
    #[command(flatten)]
    signing: SigningFlags,
}

#[derive(Debug, Serialize)]
struct NewAnswer {
    root: PathBuf,
    offline: BTreeMap<&'static str, Vec<PathBuf>>,
    online: BTreeMap<&'static str, Vec<PathBuf>>,
    is_dry_run: bool,
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

#[derive(Debug, Serialize)]
struct ReplaceAnswer {
    replaced: Vec<ReplacedAnswer>,
    repository: PublishAnswer,
}

#[derive(Debug, Serialize)]
struct ReplacedAnswer {
    role: String,
    old: String,
    new: String,
    file: PathBuf,
}

impl KeyCommand {
    pub(super) fn execute(self, globals: &Globals, session: &Session) -> Result<Answer, Failure> {
        match self {
            KeyCommand::New(command) => command.execute(globals),
            KeyCommand::Show(command) => command.execute(),
            KeyCommand::Rotate(command) => {
                let replace = Replace::OfRole(command.role, command.key);
                let flags = command.replace;
                flags.execute(
                    &command.directory,
                    &replace,
                    Farewell::Retire,
                    globals,
                    session,
                )
            }
            KeyCommand::Revoke(command) => {
                let plan = format!(
                    "nothing that key {} signed will count any more\n",
                    command.key
                );
                if !globals.dry_run {
                    session.confirm(&plan, "Revoke it?")?;
                }
                let replace = Replace::Key(command.key);
                let flags = command.replace;
                flags.execute(
                    &command.directory,
                    &replace,
                    Farewell::Revoke,
                    globals,
                    session,
                )
            }
            KeyCommand::Renew(command) => {
                let (directory, signing) = (&command.directory, &command.signing);
                let publication = signing.publisher(directory, globals, session, |publisher| {
                    Ok(publisher.renew()?)
                })?;
                Ok(Answer::from(PublishAnswer::new(
                    directory,
                    publication,
                    globals,
                )))
            }
        }
    }
}

impl NewCommand {
    fn execute(self, globals: &Globals) -> Result<Answer, Failure> {
        let wanted = NewKeys {
            root_keys: self.root_keys,
            root_threshold: self.root_threshold,
            targets_keys: self.targets_keys,
            targets_threshold: self.targets_threshold,
        };
        let (lifetimes, now) = (self.times.lifetimes()?, self.times.now()?);
        let made = new_keys(&self.directory, wanted, &lifetimes, now, execution(globals))?;
        Ok(Answer::from(NewAnswer::new(made, globals.dry_run)))
    }
}

impl NewAnswer {
    fn new(made: MadeKeys, is_dry_run: bool) -> Self {
        let is_offline = |role: &&'static str| matches!(*role, "root" | "targets");
        let (offline, online) = made
            .files
            .into_iter()
            .partition(|(role, _)| is_offline(role));
        NewAnswer {
            root: made.root,
            offline,
            online,
            is_dry_run,
        }
    }
}

impl ShowCommand {
    fn execute(self) -> Result<Answer, Failure> {
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

impl ReplaceFlags {
    fn execute(
        self,
        directory: &Path,
        replace: &Replace,
        farewell: Farewell,
        globals: &Globals,
        session: &Session,
    ) -> Result<Answer, Failure> {
        let into = self.into.as_deref();
        let (replaced, publication) =
            self.signing
                .publisher(directory, globals, session, |publisher| {
                    Ok(publisher.replace_keys(replace, farewell, into)?)
                })?;
        Ok(Answer::from(ReplaceAnswer {
            replaced: replaced.into_iter().map(ReplacedAnswer::from).collect(),
            repository: PublishAnswer::new(directory, publication, globals),
        }))
    }
}

impl From<Replaced> for ReplacedAnswer {
    fn from(replaced: Replaced) -> Self {
        ReplacedAnswer {
            role: replaced.role,
            old: replaced.old.to_string(),
            new: replaced.new.to_string(),
            file: replaced.file,
        }
    }
}

impl Render for NewAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        writeln!(
            out,
            "keep these offline, and delete them here once they are safe:"
        )?;
        for file in self.offline.values().flatten() {
            writeln!(out, "    {}", file.display())?;
        }
        writeln!(out, "these sign every publication:")?;
        for file in self.online.values().flatten() {
            writeln!(out, "    {}", file.display())?;
        }
        writeln!(out, "give this to those who use the repository:")?;
        writeln!(out, "    {}", self.root.display())
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

impl Render for ReplaceAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        for one in &self.replaced {
            writeln!(out, "{}: {} replaced by {}", one.role, one.old, one.new)?;
            writeln!(out, "    {}", one.file.display())?;
        }
        self.repository.render(out)
    }
}
