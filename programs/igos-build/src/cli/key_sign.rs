//! `igos-build key sign`

use std::fmt;
use std::path::PathBuf;

use clap::Args;
use igos_cli::{Answer, Failure, Globals, Render, Session};
use igos_repo::publish::OfflineChange;
use igos_repo::trust::SecretKey;
use serde::Serialize;

use super::key_draft::DraftAnswer;

/// Add a signature to a key draft
///
/// Says everything that the draft changes, and asks: versions, times of expiry, keys that come and go, thresholds.
/// The draft has what is published too; with `--root` that is compared with a root that you have from elsewhere.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  igos-build key sign root-2.draft --key anna.key --root root.json\n  igos-build --dry-run key sign root-2.draft --key anna.key"
)]
pub(super) struct SignCommand {
    /// The key draft; it is replaced by one with the signature
    file: PathBuf,
    /// Sign with the key in FILE
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Refuse a draft that does not follow the root in FILE
    #[arg(long, value_name = "FILE")]
    root: Option<PathBuf>,
}

/// A draft with one signature more.
#[derive(Debug, Serialize)]
struct SignAnswer {
    key: String,
    signed: Vec<&'static str>,
    #[serde(flatten)]
    draft: DraftAnswer,
}

impl SignCommand {
    pub(super) fn execute(self, globals: &Globals, session: &Session) -> Result<Answer, Failure> {
        let mut change = OfflineChange::load(&self.file)?;
        if let Some(root) = &self.root {
            change.test_root_file(root)?;
        }
        let key = SecretKey::load(&self.key)?;
        let before = DraftAnswer::new(&self.file, &change, globals);
        let roles = change.sign(&key)?;
        if !globals.dry_run {
            let question = format!("Sign this with key {}?", key.id());
            session.confirm(&before.text(), &question)?;
            change.store(&self.file)?;
        }
        Ok(Answer::from(SignAnswer {
            key: key.id().to_string(),
            signed: roles.into_iter().map(|role| role.name()).collect(),
            draft: DraftAnswer::new(&self.file, &change, globals),
        }))
    }
}

impl Render for SignAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        self.draft.render(out)?;
        let verb = self.draft.verb("signed");
        writeln!(
            out,
            "{} {verb} with {}",
            self.signed.join(" and "),
            self.key
        )
    }
}
