//! What is known of the repositories of the root.

use igos_cli::Failure;
use igos_format::trust::UtcTime;
use igos_repo::repository::{Catalogue, RepositoryPlaces};
use igos_repo::trust::Clock;
use jiff::Timestamp;

use super::Context;

/// When this program was made, where nobody said so: 2026-11-01.
const MADE_SECONDS: i64 = 1_793_491_200;

impl Context<'_> {
    /// Returns where settings, state and cache of repositories are.
    pub(super) fn places(&self) -> RepositoryPlaces {
        RepositoryPlaces::below(&self.root)
    }

    /// Opens what is known of the repositories, and tells what one should know about them.
    pub(super) fn catalogue(&self) -> Result<Catalogue, Failure> {
        let places = self.places();
        let catalogue = Catalogue::open(&places, &places.load()?, &clock()?);
        self.tell(&catalogue.notices());
        Ok(catalogue)
    }
}

/// Returns what this machine knows about the time.
pub(super) fn clock() -> Result<Clock, Failure> {
    let made = option_env!("SOURCE_DATE_EPOCH").and_then(|seconds| seconds.parse().ok());
    let time =
        |seconds| UtcTime::from_seconds(seconds).map_err(|error| Failure::usage(error.to_string()));
    Ok(Clock {
        now: time(Timestamp::now().as_second())?,
        built: time(made.unwrap_or(MADE_SECONDS))?,
    })
}
