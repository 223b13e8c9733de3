//! What time it is, when the machine's clock may be wrong.

use igos_format::trust::UtcTime;

/// The machine's clock, and a time that it cannot be before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    /// What the machine's clock says.
    pub now: UtcTime,
    /// When this program was made. A machine whose clock starts in 1970 takes this time instead.
    pub built: UtcTime,
}

impl Clock {
    /// Returns the latest of the clock's time, the program's, and the time that signed metadata was made at.
    ///
    /// A clock that is behind would otherwise keep expired metadata alive for ever.
    #[must_use]
    pub fn time(&self, created: Option<UtcTime>) -> UtcTime {
        let time = self.now.max(self.built);
        created.map_or(time, |created| time.max(created))
    }
}
