//! The records of kernels that stay though their package has others.

use std::io;

use super::ApplyError;
use super::apply::{Transaction, state};
use super::preflight::{OwnFile, PreFlight};
use super::records::read_record;
use super::stage::Stager;
use crate::database::Database;
use crate::{Plan, layout};

impl Transaction<'_> {
    /// Stages the records of kernels that are kept, and lets those go that are not any more.
    pub(super) fn stage_kernels(
        &self,
        plan: &Plan,
        database: &Database,
        stager: &mut Stager<'_>,
        preflight: &mut PreFlight<'_>,
    ) -> Result<(), ApplyError> {
        let place_of = |release: &str| {
            let unusable = || io::Error::other(format!("{release:?} is not a release"));
            layout::kernel(release).ok_or_else(|| state("keep the running kernel", unusable()))
        };
        for (release, package) in &plan.kernels.keep {
            let place = place_of(release)?;
            let Some(record) = read_record(self.root, database, package)? else {
                continue;
            };
            let staged = stager
                .stage_bytes(&place, &record.to_bytes())
                .map_err(|source| ApplyError::Stage {
                    path: place.clone(),
                    source,
                })?;
            preflight.add_own(OwnFile::Put(place, staged), &mut stager.staging)?;
        }
        for release in &plan.kernels.forget {
            let place = place_of(release)?;
            preflight.add_own(OwnFile::Remove(place), &mut stager.staging)?;
        }
        Ok(())
    }
}
