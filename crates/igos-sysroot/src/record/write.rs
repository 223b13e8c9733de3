//! Printing records.

use std::fmt::{Display, Write as _};

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
    /// Returns the oldest format that can say what this record says.
    fn format(&self) -> u32 {
        let installed = &self.installed;
        let is_first = !installed.held
            && installed.repository.is_none()
            && installed.signature.is_none()
            && installed.sealed.is_none()
            && installed.excluded.is_empty();
        if is_first { 1 } else { FORMAT }
    }

    /// Returns the text of the record, as docs/formats/record.md describes it.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.head().into_bytes();
        if let Some(sealed) = &self.installed.sealed {
            let text = sealed.to_bytes();
            bytes.extend_from_slice(format!("seal-text {}\n", text.len()).as_bytes());
            bytes.extend_from_slice(&text);
        }
        bytes.extend_from_slice(format!("manifest {}\n", self.manifest_bytes.len()).as_bytes());
        // Exactly, with room for the last line: a manifest may have 16 MiB.
        bytes.reserve_exact(self.manifest_bytes.len() + 128);
        bytes.extend_from_slice(&self.manifest_bytes);
        let digest = Sha256::of(&bytes);
        bytes.extend_from_slice(format!("end {digest}\n").as_bytes());
        bytes
    }

    fn head(&self) -> String {
        let installed = &self.installed;
        let format = self.format();
        let mut head = format!("igos-record {format} {format}\n");
        let mut line = |key: &str, value: &dyn Display| {
            writeln!(head, "{key} {value}").expect("writing to a string cannot fail");
        };
        line("reason", &installed.reason.as_str());
        if installed.held {
            line("held", &"yes");
        }
        line("installed", &time_text(installed.installed));
        line("transaction", &installed.transaction);
        if let Some(repository) = &installed.repository {
            line("repository", repository);
        }
        line("seal", &installed.seal);
        if let Some(signature) = &installed.signature {
            line("signature", signature);
        }
        line("trust", &installed.trust);
        line("ownership", &installed.ownership.as_str());
        for name in &installed.yielded_to {
            line("yielded", name);
        }
        for pattern in installed.excluded.texts() {
            line("excluded", &pattern);
        }
        head
    }
}
