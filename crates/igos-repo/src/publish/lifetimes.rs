//! How long metadata can be relied on.

use igos_format::trust::UtcTime;

const DAY: i64 = 24 * 60 * 60;

/// From signing to expiry, in seconds, by role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    /// The root: as long as its keys may rest in their safe.
    pub root_seconds: i64,
    /// Who may sign what below it.
    pub targets_seconds: i64,
    /// Lists of files: as long as a publisher may be ill.
    pub lists_seconds: i64,
    /// Which lists belong together.
    pub snapshot_seconds: i64,
    /// Which snapshot is the newest: how long an attacker can hide it.
    pub timestamp_seconds: i64,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Lifetimes::DEFAULT
    }
}

/// A text is not the lifetime of a role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not ROLE=DAYS with root, targets, lists, snapshot or timestamp and 1 to 36500 days"
)]
pub struct LifetimeError {
    text: String,
}

impl Lifetimes {
    /// A year, 90 days, twice 14 days, 2 days.
    pub const DEFAULT: Lifetimes = Lifetimes {
        root_seconds: 365 * DAY,
        targets_seconds: 90 * DAY,
        lists_seconds: 14 * DAY,
        snapshot_seconds: 14 * DAY,
        timestamp_seconds: 2 * DAY,
    };

    /// Sets one lifetime by a text like `timestamp=7`, in days; `lists` are the roles `packages` and `archives`.
    ///
    /// # Errors
    ///
    /// Refuses unknown roles and numbers that are none or too large.
    pub fn set(&mut self, text: &str) -> Result<(), LifetimeError> {
        let error = || LifetimeError {
            text: text.to_owned(),
        };
        let (role, days) = text.split_once('=').ok_or_else(error)?;
        let days: i64 = days.parse().map_err(|_| error())?;
        if !(1..=36500).contains(&days) {
            return Err(error());
        }
        let seconds = match role {
            "root" => &mut self.root_seconds,
            "targets" => &mut self.targets_seconds,
            "lists" => &mut self.lists_seconds,
            "snapshot" => &mut self.snapshot_seconds,
            "timestamp" => &mut self.timestamp_seconds,
            _ => return Err(error()),
        };
        *seconds = days * DAY;
        Ok(())
    }
}

/// Returns the time `seconds` after `now`; the last possible one if there is none.
pub(super) fn after(now: UtcTime, seconds: i64) -> UtcTime {
    UtcTime::from_seconds(now.seconds().saturating_add(seconds)).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::Lifetimes;

    #[test]
    fn lifetimes_are_set_by_role_in_days() {
        let mut lifetimes = Lifetimes::default();
        lifetimes.set("timestamp=7").expect("a role and days");
        assert_eq!(lifetimes.timestamp_seconds, 7 * 86_400);
        for text in [
            "",
            "timestamp",
            "timestamp=0",
            "timestamp=x",
            "mirror=1",
            "root=36501",
        ] {
            assert!(lifetimes.set(text).is_err(), "{text:?}");
        }
    }
}
