//! Specifiers: `%` and a letter, replaced by something that is known of a root.

use std::collections::BTreeMap;

use igos_format::RelPath;
use igos_root::{RootDir, RootError};

/// Longest file that values come from, in bytes.
const FILE_MAX_BYTES: u64 = 64 * 1024;

/// Longest text with its specifiers replaced, in bytes.
const TEXT_MAX_BYTES: usize = 16 * 1024;

/// What specifiers stand for in one root.
#[derive(Debug, Clone, Default)]
pub(super) struct Specifiers {
    machine_id: Option<String>,
    os_release: Option<BTreeMap<String, String>>,
}

impl Specifiers {
    /// Reads what a root says about itself; what is absent, or behind a link, is not known.
    pub(super) fn read(root: &RootDir) -> Self {
        let read = |path: &str| {
            let path: RelPath = path.parse().expect("it is a path");
            let bytes: Result<_, RootError> = root.read_file(&path, FILE_MAX_BYTES);
            // A value that cannot be read is one that is not known; the line that needs it says so.
            bytes
                .ok()
                .flatten()
                .and_then(|bytes| String::from_utf8(bytes).ok())
        };
        let machine_id = read("etc/machine-id")
            .map(|text| text.trim().to_owned())
            .filter(|id| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let os_release = read("etc/os-release").or_else(|| read("usr/lib/os-release"));
        Specifiers {
            machine_id,
            os_release: os_release.as_deref().map(assignments),
        }
    }

    /// Replaces the specifiers of a text.
    ///
    /// # Errors
    ///
    /// Returns the one that is unknown, or means nothing in a root.
    pub(super) fn expand(&self, text: &[u8]) -> Result<Vec<u8>, String> {
        let mut expanded = Vec::with_capacity(text.len());
        let mut rest = text.iter();
        while let Some(byte) = rest.next() {
            if *byte != b'%' {
                expanded.push(*byte);
                continue;
            }
            let letter = rest.next().copied().unwrap_or(b'%');
            expanded.extend_from_slice(self.value(letter)?.as_bytes());
            if expanded.len() > TEXT_MAX_BYTES {
                return Err("it becomes too long".to_owned());
            }
        }
        Ok(expanded)
    }

    fn value(&self, letter: u8) -> Result<&str, String> {
        let release = |key: &str| match &self.os_release {
            Some(values) => Ok(values.get(key).map_or("", String::as_str)),
            None => Err(format!(
                "%{}: the root has no os-release",
                char::from(letter)
            )),
        };
        match letter {
            b'%' => Ok("%"),
            b'a' => Ok(architecture()),
            b'A' => release("IMAGE_VERSION"),
            b'B' => release("BUILD_ID"),
            b'C' => Ok("/var/cache"),
            b'g' | b'u' => Ok("root"),
            b'G' | b'U' => Ok("0"),
            b'h' => Ok("/root"),
            b'L' => Ok("/var/log"),
            b'm' => self
                .machine_id
                .as_deref()
                .ok_or_else(|| "%m: the root has no machine id".to_owned()),
            b'M' => release("IMAGE_ID"),
            b'o' => release("ID"),
            b'S' => Ok("/var/lib"),
            b't' => Ok("/run"),
            b'T' => Ok("/tmp"),
            b'V' => Ok("/var/tmp"),
            b'w' => release("VERSION_ID"),
            b'W' => release("VARIANT_ID"),
            b'b' | b'H' | b'l' | b'q' | b'v' => Err(format!(
                "%{} is about a running machine, not about a root",
                char::from(letter)
            )),
            other => Err(format!(
                "{:?} is no specifier",
                format!("%{}", char::from(other))
            )),
        }
    }
}

/// Returns systemd's word for the architecture.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "x86-64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// Reads `KEY=VALUE` lines, with or without quotes; others are somebody else's business.
fn assignments(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().filter_map(|line| line.split_once('='));
    lines
        .map(|(key, value)| {
            let value = value.trim().trim_matches(['"', '\'']);
            (key.trim().to_owned(), value.to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Specifiers, assignments};

    #[test]
    fn what_is_known_of_a_root_is_replaced_and_what_needs_a_machine_is_refused() {
        let specifiers = Specifiers {
            machine_id: Some("0".repeat(32)),
            os_release: Some(assignments("ID=igos\nVERSION_ID=\"1\"\n# comment\n")),
        };
        let expand = |text: &str| {
            specifiers
                .expand(text.as_bytes())
                .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        };
        assert_eq!(
            expand("%S/%m/%o-%w%%%A").as_deref(),
            Ok(&*format!("/var/lib/{}/igos-1%", "0".repeat(32)))
        );
        for text in ["%b", "%v", "%H", "%z", "%\n"] {
            assert!(expand(text).is_err(), "{text}");
        }
        for text in ["/var/log/%m", "/%o"] {
            assert!(Specifiers::default().expand(text.as_bytes()).is_err());
        }
        assert!(expand(&"%m".repeat(1000)).is_err());
    }
}
