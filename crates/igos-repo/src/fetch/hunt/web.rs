//! Mirrors and addresses.

use std::cell::Cell;
use std::io;

use super::search::{Found, Goal, Hunt};
use crate::Provider;
use crate::fetch::http::HttpError;
use crate::fetch::mirror;
use crate::fetch::partial::Partial;
use crate::fetch::settings::{Mirror, Network, Upstream};
use crate::store::Expected;

/// Fewest bytes between two reports of progress.
const PROGRESS_STEP_BYTES: u64 = 256 * 1024;

impl Hunt<'_> {
    pub(super) fn ask_mirror(
        &mut self,
        mirror: &Mirror,
        goal: &Goal,
        partial: &mut Partial,
    ) -> Found {
        let names = mirror::names(goal.digest, self.request.package.as_str(), &goal.file_name);
        match mirror {
            Mirror::Directory(directory) => {
                for name in names {
                    let path = directory.join(&name);
                    let place = path.display().to_string();
                    let copy = self.fresh_partial()?;
                    match mirror::copy(&path, &copy) {
                        Ok(()) => {
                            let provider = Provider::Mirror(place);
                            if let Some(found) =
                                self.admit(&copy, Expected::Digest(goal.digest), provider)?
                            {
                                return Ok(Some(found.with_alternative(goal.alternative)));
                            }
                        }
                        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                        Err(error) => {
                            self.note_attempt(format!("mirror {place}"), error.to_string())
                        }
                    }
                }
                self.note_attempt(
                    format!("mirror {}", directory.display()),
                    "does not have it".to_owned(),
                );
                Ok(None)
            }
            Mirror::Url(base) => {
                for name in names {
                    let url = format!("{base}/{}", mirror::encode(&name));
                    let provider = Provider::Mirror(url.clone());
                    if let Some(found) = self.ask_url(&url, goal, partial, provider)? {
                        return Ok(Some(found));
                    }
                }
                Ok(None)
            }
        }
    }

    pub(super) fn ask_url(
        &mut self,
        url: &str,
        goal: &Goal,
        partial: &mut Partial,
        provider: Provider,
    ) -> Found {
        let is_upstream = matches!(provider, Provider::Url(_));
        if let Some(reason) = self.reason_not_to_ask(is_upstream) {
            self.note_attempt(url, reason);
            return Ok(None);
        }
        loop {
            let resumed = partial.length() > 0;
            if let Err(error) = self.download(url, partial) {
                self.note_attempt(url, error.to_string());
                return Ok(None);
            }
            let path = partial.path().to_owned();
            let tried = self.attempts.len();
            if let Some(found) =
                self.admit(&path, Expected::Digest(goal.digest), provider.clone())?
            {
                return Ok(Some(found.with_alternative(goal.alternative)));
            }
            partial
                .clear()
                .map_err(|error| self.unusable("clear", &path, error))?;
            // The first part may have come from elsewhere or from an older run: the whole file deserves a try.
            if !resumed {
                return Ok(None);
            }
            self.attempts.truncate(tried);
        }
    }

    /// Returns why the network, or what is upstream there, is not asked.
    pub(super) fn reason_not_to_ask(&self, is_upstream: bool) -> Option<String> {
        let settings = &self.fetcher.settings;
        if settings.network == Network::Offline {
            Some("not asked: offline".to_owned())
        } else if is_upstream && settings.upstream == Upstream::Never {
            Some("not asked: the setting `upstream` is false".to_owned())
        } else {
            None
        }
    }

    pub(super) fn download(&self, url: &str, partial: &mut Partial) -> Result<(), HttpError> {
        let last = Cell::new(0_u64);
        let progress = |done: u64, total: Option<u64>| {
            if done < last.get() || done - last.get() >= PROGRESS_STEP_BYTES || Some(done) == total
            {
                last.set(done);
                self.task.advance(done, total);
            }
            Ok(())
        };
        let max_bytes = self.fetcher.settings.http.max_bytes;
        self.fetcher
            .http
            .download(url, partial, max_bytes, &progress)
    }
}
