//! Points in time, as metadata writes them.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;

/// A point in time with the precision of a second, written `2030-01-31T12:00:00Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UtcTime(Timestamp);

/// A text or a number is not a point in time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a time of the form 2030-01-31T12:00:00Z")]
pub struct UtcTimeError {
    /// What was given.
    text: String,
}

impl UtcTime {
    /// Returns the time this many seconds after the beginning of 1970.
    ///
    /// # Errors
    ///
    /// Returns an error if it lies outside of the years -9999 to 9999.
    pub fn from_seconds(seconds: i64) -> Result<Self, UtcTimeError> {
        Timestamp::from_second(seconds)
            .map(UtcTime)
            .map_err(|_| UtcTimeError {
                text: seconds.to_string(),
            })
    }

    /// Returns the seconds since the beginning of 1970.
    #[must_use]
    pub fn seconds(self) -> i64 {
        self.0.as_second()
    }
}

impl FromStr for UtcTime {
    type Err = UtcTimeError;

    fn from_str(text: &str) -> Result<Self, UtcTimeError> {
        let error = || UtcTimeError {
            text: text.chars().take(80).collect(),
        };
        if text.len() != "2030-01-31T12:00:00Z".len() {
            return Err(error());
        }
        let time = UtcTime(text.parse().map_err(|_| error())?);
        // The parser takes other spellings too.
        if time.to_string() != text {
            return Err(error());
        }
        Ok(time)
    }
}

impl fmt::Display for UtcTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::UtcTime;

    #[test]
    fn there_is_one_spelling_of_a_time() {
        let time = "2030-01-31T12:00:00Z".parse::<UtcTime>();
        assert_eq!(time.as_ref().map(|time| time.seconds()), Ok(1_896_091_200));
        assert_eq!(
            time.map(|time| time.to_string()).as_deref(),
            Ok("2030-01-31T12:00:00Z")
        );
        for text in [
            "2030-01-31 12:00:00Z",
            "2030-01-31t12:00:00z",
            "2030-01-31T12:00:60Z",
            "2030-02-30T12:00:00Z",
            "2030-01-31T12:00+00Z",
            "2030-01-31T24:00:00Z",
            "2030-01-31T12:00:00",
            "2030-01-31T12:00:00.000Z",
            "",
        ] {
            assert!(text.parse::<UtcTime>().is_err(), "{text}");
        }
        assert!(UtcTime::from_seconds(i64::MAX).is_err());
    }
}
