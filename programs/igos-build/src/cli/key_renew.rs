//! `igos-build key renew`

use std::path::PathBuf;

use clap::Args;
use igos_cli::{Answer, Failure, Globals, Session};

use super::key_draft::DraftAnswer;
use super::publish::PublishAnswer;
use super::signing::SigningFlags;

/// Sign root and targets again, so that they expire later
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  igos-build key renew repository --keys keys/online --keys /media/safe\n  igos-build key renew repository --keys keys/online --draft root-2.draft"
)]
pub(super) struct RenewCommand {
    /// The directory of the repository
    directory: PathBuf,
    #[command(flatten)]
    signing: SigningFlags,
    /// Publish nothing: write what has to be signed into FILE, for `key sign` and `key apply`
    #[arg(long, value_name = "FILE")]
    draft: Option<PathBuf>,
}

impl RenewCommand {
    pub(super) fn execute(self, globals: &Globals, session: &Session) -> Result<Answer, Failure> {
        let (directory, signing) = (&self.directory, &self.signing);
        if let Some(file) = &self.draft {
            let change = signing.publisher(directory, globals, session, |publisher| {
                Ok(publisher.draft_renewal()?)
            })?;
            if !globals.dry_run {
                change.store(file)?;
            }
            return Ok(Answer::from(DraftAnswer::new(file, &change, globals)));
        }
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
