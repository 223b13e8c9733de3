//! The copies of one repository: asked one after the other, until one delivers what signed data say.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use serde::Serialize;

use super::{RepositoryAddress, RepositorySettings};

/// One copy that was asked in vain, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailedCopy {
    /// Where it is.
    pub address: RepositoryAddress,
    /// What was wrong with it.
    pub reason: String,
}

impl std::fmt::Display for FailedCopy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.address, self.reason)
    }
}

/// Whether what went wrong with one copy may go better with the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blame {
    /// This copy has not what was asked for; it may have other things.
    File,
    /// This copy cannot be reached, is too slow, or delivers other bytes than it should: it is asked last from
    /// now on.
    Copy,
    /// The trouble is on our side; nobody else is asked.
    Us,
}

/// All copies of a repository, and how they did in this run.
#[derive(Debug)]
pub(crate) struct Copies {
    addresses: Vec<RepositoryAddress>,
    /// How often each copy was to blame.
    blamed: Mutex<BTreeMap<usize, usize>>,
}

impl Copies {
    pub(crate) fn of(settings: &RepositorySettings) -> Self {
        let mut addresses: Vec<RepositoryAddress> = Vec::new();
        for address in settings.addresses() {
            if !addresses.contains(address) {
                addresses.push(address.clone());
            }
        }
        Copies {
            addresses,
            blamed: Mutex::default(),
        }
    }

    /// Asks one copy after the other until one succeeds; returns what it said and which failed before it, or all
    /// that failed.
    pub(crate) fn ask<T, E: std::fmt::Display>(
        &self,
        mut ask: impl FnMut(&RepositoryAddress) -> Result<T, E>,
        blame: impl Fn(&E) -> Blame,
    ) -> Result<(T, Vec<FailedCopy>), Vec<FailedCopy>> {
        let mut failed = Vec::new();
        for index in self.order() {
            let address = &self.addresses[index];
            let error = match ask(address) {
                Ok(value) => return Ok((value, failed)),
                Err(error) => error,
            };
            failed.push(FailedCopy {
                address: address.clone(),
                reason: error.to_string(),
            });
            match blame(&error) {
                Blame::File => {}
                Blame::Copy => *self.blamed().entry(index).or_default() += 1,
                Blame::Us => break,
            }
        }
        Err(failed)
    }

    /// Returns all copies, those that were to blame least often first and otherwise in the order of the settings.
    fn order(&self) -> Vec<usize> {
        let blamed = self.blamed();
        let mut order: Vec<usize> = (0..self.addresses.len()).collect();
        order.sort_by_key(|index| blamed.get(index).copied().unwrap_or_default());
        order
    }

    fn blamed(&self) -> MutexGuard<'_, BTreeMap<usize, usize>> {
        self.blamed
            .lock()
            .expect("no thread panics while it holds this lock")
    }
}

#[cfg(test)]
mod tests {
    use super::{Blame, Copies};
    use crate::repository::{RepositorySettings, TrustedRoot};

    #[test]
    fn copy_that_is_to_blame_is_asked_last_from_then_on() {
        let mut settings = RepositorySettings::new(
            "a".parse().expect("a name"),
            "/1".parse().expect("an address"),
            TrustedRoot::Inline(String::new()),
        );
        settings.mirrors = ["/2", "/3", "/1"]
            .map(|text| text.parse().expect("an address"))
            .into();
        let copies = Copies::of(&settings);
        let ask = |bad: &str, blame: Blame| {
            let answer = copies.ask(
                |address| match address.to_string() {
                    address if address == bad => Err("bad"),
                    address => Ok(address),
                },
                |_| blame,
            );
            answer.map(|(answer, failed)| {
                let failed: Vec<String> = failed.iter().map(ToString::to_string).collect();
                (answer, failed)
            })
        };
        let failed = vec!["/1: bad".to_owned()];
        assert_eq!(ask("/1", Blame::File), Ok(("/2".into(), failed.clone())));
        assert_eq!(ask("/1", Blame::Copy), Ok(("/2".into(), failed)));
        assert_eq!(ask("/1", Blame::Copy), Ok(("/2".into(), Vec::new())));
        assert_eq!(ask("/2", Blame::Us).map_err(|failed| failed.len()), Err(1));
    }
}
