//! The Debian archive: files by digest, and candidates by name.

use igos_format::Digest;

use super::search::{Found, Goal, Hunt};
use crate::Provider;
use crate::debian::SourceFile;
use crate::fetch::settings::Network;
use crate::host::chain;
use crate::store::Expected;

/// How the Debian archive is called in the list of who was asked.
const DEBIAN: &str = "Debian archive";

impl Hunt<'_> {
    pub(super) fn ask_debian(&mut self, goal: &Goal) -> Found {
        let Some(debian) = self.fetcher.debian else {
            return Ok(None);
        };
        if self.fetcher.settings.network == Network::Offline {
            self.note_attempt(DEBIAN, "not asked: offline".to_owned());
            return Ok(None);
        }
        let candidates = match goal.digest {
            Digest::Sha256(sha256) => debian
                .find_source(&sha256, self.task)
                .map(|found| found.into_iter().collect()),
            Digest::Blake3(_) => debian.candidates(
                self.request.package.as_str(),
                &self.request.version,
                &goal.file_name,
                self.task,
            ),
        };
        let candidates: Vec<SourceFile> = match candidates {
            Ok(candidates) => candidates,
            Err(error) => {
                self.note_attempt(DEBIAN, chain(&error));
                return Ok(None);
            }
        };
        if candidates.is_empty() {
            let reason = match goal.digest {
                Digest::Sha256(_) => "no file has this SHA-256",
                Digest::Blake3(_) => "no file is of this name and version",
            };
            self.note_attempt(DEBIAN, format!("{reason} in {}", debian.suites()));
        }
        for candidate in candidates {
            if let Some(found) = self.try_debian_file(goal, &candidate)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Downloads one file of the Debian archive and compares it with the goal.
    pub(super) fn try_debian_file(&mut self, goal: &Goal, file: &SourceFile) -> Found {
        let place = format!("{DEBIAN} {}", file.path);
        let (Some(debian), Network::Online) = (self.fetcher.debian, self.fetcher.settings.network)
        else {
            self.note_attempt(
                place,
                "not asked: offline, or the provider is switched off".to_owned(),
            );
            return Ok(None);
        };
        let limit = self.fetcher.settings.http.max_bytes;
        if file.size > limit {
            let reason = format!("has {} bytes, more than the limit of {limit}", file.size);
            self.note_attempt(place, reason);
            return Ok(None);
        }
        let copy = self.fresh_partial()?;
        if let Err(error) = debian.download(file, &copy, self.task) {
            self.note_attempt(place, chain(&error));
            return Ok(None);
        }
        let provider = Provider::Debian(file.path.clone());
        let found = self.admit(&copy, Expected::Digest(goal.digest), provider)?;
        Ok(found.map(|found| found.with_alternative(goal.alternative)))
    }
}
