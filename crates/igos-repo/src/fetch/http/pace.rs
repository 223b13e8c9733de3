//! How slow and how long a download may be.

use std::time::Instant;

use super::HttpError;
use crate::fetch::settings::HttpLimits;

/// Watches bytes arrive: too slow for too long, or too long in all, is an error.
pub(super) struct Pace<'a> {
    limits: &'a HttpLimits,
    /// When the first try of this download began.
    started: Instant,
    /// When the current window began, and how many bytes had arrived then.
    window: (Instant, u64),
}

impl<'a> Pace<'a> {
    pub(super) fn new(limits: &'a HttpLimits, started: Instant, arrived: u64) -> Self {
        Pace {
            limits,
            started,
            window: (Instant::now(), arrived),
        }
    }

    /// Notes that `arrived` bytes are there.
    pub(super) fn note(&mut self, arrived: u64) -> Result<(), HttpError> {
        if self.started.elapsed() > self.limits.total {
            return Err(HttpError::TooLong {
                seconds: self.limits.total.as_secs(),
            });
        }
        let elapsed = self.window.0.elapsed();
        if elapsed >= self.limits.silence {
            let received = arrived.saturating_sub(self.window.1);
            if u128::from(received) * 1000 < u128::from(self.limits.min_rate) * elapsed.as_millis()
            {
                return Err(HttpError::Slow {
                    rate: self.limits.min_rate,
                });
            }
            self.window = (Instant::now(), arrived);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Pace;
    use crate::fetch::http::HttpError;
    use crate::fetch::settings::HttpLimits;

    /// Lets endless data arrive under these limits.
    fn arrive(limits: &HttpLimits) -> HttpError {
        let mut pace = Pace::new(limits, Instant::now(), 0);
        (1..)
            .find_map(|arrived| pace.note(arrived).err())
            .expect("the data never end")
    }

    #[test]
    fn rate_and_time_of_a_download_are_limited() {
        let slow = arrive(&HttpLimits {
            silence: Duration::from_millis(1),
            // Nothing is faster than this.
            min_rate: u64::MAX,
            ..HttpLimits::default()
        });
        assert!(matches!(slow, HttpError::Slow { .. }), "{slow}");
        let long = arrive(&HttpLimits {
            total: Duration::ZERO,
            ..HttpLimits::default()
        });
        assert!(matches!(long, HttpError::TooLong { .. }), "{long}");
    }
}
