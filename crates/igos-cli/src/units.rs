//! Numbers as people read them.

use std::fmt;
use std::time::Duration;

/// A number of bytes, shown as `17 B`, `1.4 KiB`, `3.0 MiB`, ….
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
        if self.0 < 1024 {
            return f.pad(&format!("{} B", self.0));
        }
        // Integers only: tenths of the unit, rounded half up, so that the same number always reads the same.
        let mut power = 0;
        while power + 1 < UNITS.len() && tenths(self.0, power) >= 10_240 {
            power += 1;
        }
        let tenths = tenths(self.0, power);
        f.pad(&format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[power]))
    }
}

fn tenths(bytes: u64, power: usize) -> u128 {
    let unit = 1_u128 << (10 * (power + 1));
    (u128::from(bytes) * 10 + unit / 2) / unit
}

/// A time that something took, shown as `40 ms`, `3.2 s`, `2 min 5 s`, `1 h 0 min`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Elapsed(pub Duration);

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = self.0.as_millis();
        let seconds = self.0.as_secs();
        f.pad(&match seconds {
            0 => format!("{milliseconds} ms"),
            1..60 => format!("{seconds}.{} s", milliseconds % 1000 / 100),
            60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
            _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Elapsed, Size};

    #[test]
    fn sizes_read_well_at_the_borders_of_units() {
        let shown = |bytes| Size(bytes).to_string();
        assert_eq!(shown(0), "0 B");
        assert_eq!(shown(1023), "1023 B");
        assert_eq!(shown(1024), "1.0 KiB");
        assert_eq!(shown(1536), "1.5 KiB");
        assert_eq!(shown(1024 * 1024 - 1), "1.0 MiB");
        assert_eq!(shown(u64::MAX), "16.0 EiB");
    }

    #[test]
    fn times_read_well_at_the_borders_of_units() {
        let shown = |milliseconds| Elapsed(Duration::from_millis(milliseconds)).to_string();
        assert_eq!(shown(999), "999 ms");
        assert_eq!(shown(1_250), "1.2 s");
        assert_eq!(shown(59_990), "59.9 s");
        assert_eq!(shown(60_000), "1 min 0 s");
        assert_eq!(shown(3_600_000), "1 h 0 min");
    }
}
