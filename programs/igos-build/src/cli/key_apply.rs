//! `igos-build key apply`

use std::path::PathBuf;

use clap::Args;
use igos_cli::{Answer, Failure, Globals, Session};
use igos_repo::publish::OfflineChange;

use super::publish::PublishAnswer;
use super::signing::SigningFlags;

/// Publish a key draft that all who must have signed
///
/// What follows from it is signed with the online keys. While signatures are missing nothing is changed, and the
/// message says whose.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  igos-build key apply root-2.draft repository --keys keys/online"
)]
pub(super) struct ApplyCommand {
    /// The key draft
    file: PathBuf,
    /// The directory of the repository
    directory: PathBuf,
    #[command(flatten)]
    signing: SigningFlags,
}

impl ApplyCommand {
    pub(super) fn execute(self, globals: &Globals, session: &Session) -> Result<Answer, Failure> {
        let change = OfflineChange::load(&self.file)?;
        let (directory, signing) = (&self.directory, &self.signing);
        let publication = signing.publisher(directory, globals, session, |publisher| {
            Ok(publisher.apply_change(change)?)
        })?;
        Ok(Answer::from(PublishAnswer::new(
            directory,
            publication,
            globals,
        )))
    }
}
