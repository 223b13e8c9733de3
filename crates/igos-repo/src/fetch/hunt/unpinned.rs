//! What no digest pins: git sources, pinned by a commit or not at all, and files that the user allows.

use igos_format::{Digest, Sha256};

use super::search::{Found, Goal, Hunt};
use crate::Provider;
use crate::host::chain;
use crate::store::{Expected, Note};

impl Hunt<'_> {
    pub(super) fn search_unpinned(&mut self) -> Found {
        let url = self.request.location.to_string();
        let note = Note::Unpinned(url.clone());
        if let Some(reason) = self.reason_not_to_ask(true) {
            self.note_attempt(&*url, reason);
            return self.ask_noted(&note, None);
        }
        let mut partial = self.open_partial(&format!("unpinned-{}", Sha256::of(url.as_bytes())))?;
        // Without a pin nothing would show that two halves do not belong together.
        let path = partial.path().to_owned();
        partial
            .clear()
            .map_err(|error| self.unusable("clear", &path, error))?;
        match self.download(&url, &mut partial) {
            Ok(()) => {
                let found = self.admit(&path, Expected::Anything, Provider::Url(url))?;
                if let Some(found) = &found {
                    self.keep_note(&note, &found.sha256())?;
                }
                Ok(found)
            }
            Err(error) => {
                self.note_attempt(url, error.to_string());
                partial
                    .clear()
                    .map_err(|error| self.unusable("clear", &path, error))?;
                self.close_partial(partial)?;
                self.ask_noted(&note, None)
            }
        }
    }

    pub(super) fn search_git(&mut self, url: &str, reference: Option<&str>) -> Found {
        let commit = self.request.location.commit();
        if let Some(commit) = commit {
            let note = Note::Commit(commit.to_owned());
            if let Some(found) = self.ask_noted(&note, Some(commit))? {
                return Ok(Some(found));
            }
        }
        let provider = Provider::Git(url.to_owned());
        let note = Note::Unpinned(self.request.location.to_string());
        if let Some(reason) = self.reason_not_to_ask(true) {
            self.note_attempt(provider.to_string(), reason);
            return if commit.is_none() {
                self.ask_noted(&note, None)
            } else {
                Ok(None)
            };
        }
        let copy = self.fresh_partial()?;
        match self.fetcher.git.archive(url, reference, &copy) {
            Ok(commit) => {
                let expected = self
                    .request
                    .digest
                    .map_or(Expected::Anything, Expected::Digest);
                let found = self.admit(&copy, expected, provider)?;
                if let Some(found) = &found {
                    self.keep_note(&Note::Commit(commit.clone()), &found.sha256())?;
                    self.keep_note(&note, &found.sha256())?;
                }
                Ok(found.map(|found| found.at_commit(Some(commit))))
            }
            Err(error) => {
                self.note_attempt(provider.to_string(), chain(&error));
                Ok(None)
            }
        }
    }

    /// Looks for what a commit or an unpinned address gave before.
    pub(super) fn ask_noted(&mut self, note: &Note, commit: Option<&str>) -> Found {
        let Some(sha256) = self.fetcher.store.noted(note) else {
            return Ok(None);
        };
        let goal = Goal {
            digest: self.request.digest.unwrap_or(Digest::Sha256(sha256)),
            file_name: self.file_name.clone(),
            alternative: None,
        };
        let found = self.ask_store(&goal)?;
        Ok(found.map(|found| {
            found
                .at_commit(commit.map(str::to_owned))
                .pinned_by(self.request.digest)
        }))
    }
}
