//! `igos-build key rotate` and `igos-build key revoke`

use std::fmt;
use std::path::{Path, PathBuf};

use clap::Args;
use igos_cli::{Answer, Failure, Globals, Render, Session};
use igos_format::trust::{KeyId, PublicKey};
use igos_repo::publish::{Farewell, NewKey, Replace, Replaced};
use serde::Serialize;

use super::key_draft::DraftAnswer;
use super::publish::PublishAnswer;
use super::signing::SigningFlags;

/// Replace a key that nobody has stolen by a new one
///
/// What the old key signed stays what it is. New roots are signed with the keys of the old one and of the new one, so
/// that users follow by themselves. It takes the keys of the root, for `packages` and `archives` those of targets, and
/// the online keys; if the offline ones are not all here, write a draft and have their holders sign it.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  igos-build key rotate timestamp repository --keys keys/online --keys /media/safe\n  igos-build key rotate root repository --key 4b1f…  --keys keys/online --keys /media/safe\n  igos-build key rotate root repository --key 4b1f…  --new 8a88… --keys keys/online --draft root-2.draft"
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
    /// Take this public key of somebody else for the new one, as `key make` prints it
    #[arg(long, value_name = "PUBLIC", conflicts_with = "into")]
    new: Option<PublicKey>,
    /// Publish nothing: write what has to be signed into FILE, for `key sign` and `key apply`
    #[arg(long, value_name = "FILE")]
    draft: Option<PathBuf>,
}

#[derive(Debug, Serialize)]
struct ReplaceAnswer {
    replaced: Vec<ReplacedAnswer>,
    repository: Option<PublishAnswer>,
    draft: Option<DraftAnswer>,
}

#[derive(Debug, Serialize)]
struct ReplacedAnswer {
    role: String,
    old: String,
    new: String,
    file: Option<PathBuf>,
}

impl RotateCommand {
    pub(super) fn execute(self, globals: &Globals, session: &Session) -> Result<Answer, Failure> {
        let replace = Replace::OfRole(self.role, self.key);
        let flags = self.replace;
        flags.execute(
            &self.directory,
            &replace,
            Farewell::Retire,
            globals,
            session,
        )
    }
}

impl RevokeCommand {
    pub(super) fn execute(self, globals: &Globals, session: &Session) -> Result<Answer, Failure> {
        if !globals.dry_run && self.replace.draft.is_none() {
            let plan = format!("nothing that key {} signed will count any more\n", self.key);
            session.confirm(&plan, "Revoke it?")?;
        }
        let (replace, flags) = (Replace::Key(self.key), self.replace);
        flags.execute(
            &self.directory,
            &replace,
            Farewell::Revoke,
            globals,
            session,
        )
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
        let new = match (self.new, self.into) {
            (Some(public), _) => NewKey::Public(public),
            (None, into) => NewKey::Made { into },
        };
        let signing = &self.signing;
        if let Some(file) = &self.draft {
            let (replaced, change) =
                signing.publisher(directory, globals, session, |publisher| {
                    Ok(publisher.draft_replacement(replace, farewell, &new)?)
                })?;
            if !globals.dry_run {
                change.store(file)?;
            }
            return Ok(Answer::from(ReplaceAnswer {
                replaced: replaced.into_iter().map(ReplacedAnswer::from).collect(),
                repository: None,
                draft: Some(DraftAnswer::new(file, &change, globals)),
            }));
        }
        let (replaced, publication) =
            signing.publisher(directory, globals, session, |publisher| {
                Ok(publisher.replace_keys(replace, farewell, &new)?)
            })?;
        Ok(Answer::from(ReplaceAnswer {
            replaced: replaced.into_iter().map(ReplacedAnswer::from).collect(),
            repository: Some(PublishAnswer::new(directory, publication, globals)),
            draft: None,
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

impl Render for ReplaceAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        for one in &self.replaced {
            writeln!(out, "{}: {} replaced by {}", one.role, one.old, one.new)?;
            if let Some(file) = &one.file {
                writeln!(out, "    {}", file.display())?;
            }
        }
        if let Some(repository) = &self.repository {
            repository.render(out)?;
        }
        self.draft
            .as_ref()
            .map_or(Ok(()), |draft| draft.render(out))
    }
}
