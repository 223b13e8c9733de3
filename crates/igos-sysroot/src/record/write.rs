//! Printing records.

use igos_format::Sha256;
use jiff::Timestamp;

use super::{FORMAT, Record};

/// Returns the RFC 3339 text of a time in seconds since 1970, in UTC.
pub(crate) fn time_text(seconds: i64) -> String {
    // Outside the years -9999 to 9999 there is no such text; a clock that says so is as good as none.
    Timestamp::from_second(seconds)
        .unwrap_or(Timestamp::UNIX_EPOCH)
        .to_string()
}

impl Record {
    /// Returns the text of the record, as docs/formats/record.md describes it.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let installed = &self.installed;
        let mut head = format!(
            "igos-record {FORMAT} {FORMAT}\nreason {}\ninstalled {}\ntransaction {}\nseal {}\ntrust {}\nownership {}\n",
            installed.reason.as_str(),
            time_text(installed.installed),
            installed.transaction,
            installed.seal,
            installed.trust,
            installed.ownership.as_str(),
        );
        for name in &installed.yielded_to {
            head.push_str("yielded ");
            head.push_str(name.as_str());
            head.push('\n');
        }
        head.push_str(&format!("manifest {}\n", self.manifest_bytes.len()));
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(&self.manifest_bytes);
        let digest = Sha256::of(&bytes);
        bytes.extend_from_slice(format!("end {digest}\n").as_bytes());
        bytes
    }
}
