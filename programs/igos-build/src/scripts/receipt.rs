//! What a script was given and what it left.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use fs_err as fs;
use igos_format::Sha256;
use serde::{Deserialize, Serialize};

use super::ScriptsError;
use crate::cache::Cache;

const FORMAT: u32 = 1;
/// Largest receipt, in bytes: a hundred thousand files of scripts.
const RECEIPT_MAX_BYTES: u64 = 32 << 20;

/// What a script was given and what it left. Nothing in it differs between machines and times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The version of this text.
    pub format: u32,
    /// The script.
    pub script: String,
    /// The digest of the receipt before it; absent for the first one.
    pub previous: Option<Sha256>,
    /// Everything it was given, by name.
    pub inputs: BTreeMap<String, String>,
    /// The digest of the record of the tree that it left.
    pub tree: Sha256,
}

impl Receipt {
    pub(super) fn new(
        script: &str,
        previous: Option<Sha256>,
        inputs: BTreeMap<String, String>,
        tree: Sha256,
    ) -> Self {
        Receipt {
            format: FORMAT,
            script: script.to_owned(),
            previous,
            inputs,
            tree,
        }
    }

    fn text(&self) -> Vec<u8> {
        let mut text =
            serde_json::to_vec_pretty(self).expect("a receipt has text keys and plain values");
        text.push(b'\n');
        text
    }

    /// Returns what the next receipt names.
    #[must_use]
    pub fn digest(&self) -> Sha256 {
        Sha256::of(&self.text())
    }

    /// Returns in words why a script has to run that is given `inputs`; `None` if it need not.
    pub(super) fn obstacle(
        &self,
        script: &str,
        inputs: &BTreeMap<String, String>,
    ) -> Option<String> {
        if self.script != script {
            return Some(format!("{} stood here before", self.script));
        }
        let mut names: Vec<&String> = self.inputs.keys().chain(inputs.keys()).collect();
        names.sort();
        names.dedup();
        names.retain(|name| self.inputs.get(*name) != inputs.get(*name));
        let first = names.first()?;
        let word = match (self.inputs.get(*first), inputs.get(*first)) {
            (Some(_), Some(_)) => "changed",
            (None, _) => "is new",
            (_, None) => "is gone",
        };
        Some(match names.len() - 1 {
            0 => format!("{first} {word}"),
            more => format!("{first} {word}, and {more} more"),
        })
    }

    /// Reads the receipt of the script of this number; what cannot be read is as good as never run.
    pub(super) fn read(directory: &Path, number: usize) -> Option<Receipt> {
        let file = fs::File::open(path(directory, number)).ok()?;
        let mut bytes = Vec::new();
        file.take(RECEIPT_MAX_BYTES).read_to_end(&mut bytes).ok()?;
        let receipt: Receipt = serde_json::from_slice(&bytes).ok()?;
        (receipt.format == FORMAT && receipt.text() == bytes).then_some(receipt)
    }

    /// Writes the receipt of the script of this number; others see all of it or the one before.
    pub(super) fn write(
        &self,
        cache: &Cache,
        directory: &Path,
        number: usize,
    ) -> Result<(), ScriptsError> {
        fs::create_dir_all(directory).map_err(ScriptsError::io("make", directory))?;
        Ok(cache.write_file(&path(directory, number), &self.text())?)
    }
}

fn path(directory: &Path, number: usize) -> PathBuf {
    directory.join(format!("{number:04}.json"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use igos_format::Sha256;

    use super::Receipt;

    #[test]
    fn first_difference_is_the_reason() {
        let inputs = |rows: &[(&str, &str)]| -> BTreeMap<String, String> {
            let rows = rows.iter();
            rows.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect()
        };
        let receipt = Receipt::new(
            "a.sh",
            None,
            inputs(&[("b", "1"), ("c", "1")]),
            Sha256::of(b""),
        );
        let told = |script: &str, rows: &[(&str, &str)]| receipt.obstacle(script, &inputs(rows));
        assert_eq!(told("a.sh", &[("b", "1"), ("c", "1")]), None);
        assert_eq!(
            told("a.sh", &[("a", "1"), ("b", "1")]),
            Some("a is new, and 1 more".to_owned())
        );
        assert_eq!(
            told("a.sh", &[("b", "2"), ("c", "1")]),
            Some("b changed".to_owned())
        );
        assert_eq!(
            told("b.sh", &[("b", "1"), ("c", "1")]),
            Some("a.sh stood here before".to_owned())
        );
    }
}
