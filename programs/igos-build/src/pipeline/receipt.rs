//! Receipts: what a phase was made from and what it made, each naming the receipt before it.
//!
//! `docs/formats/pipeline.md` is the normative description.

use std::io::Read;
use std::path::{Path, PathBuf};

use fs_err as fs;
use igos_format::{PackageName, Sha256, escape};

use super::{Facts, Phase};
use crate::cache::{Cache, CacheError};

const HEADER: &str = "igos phase receipt 1";

/// Largest receipt, in bytes: a hundred thousand facts.
const RECEIPT_MAX_BYTES: u64 = 32 << 20;

/// What one phase was made from and what it made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The phase.
    pub phase: Phase,
    /// The profile.
    pub profile: PackageName,
    /// The digest of the receipt of the phase before; `None` for the first one.
    pub previous: Option<Sha256>,
    /// What it was made from.
    pub inputs: Facts,
    /// What it made.
    pub outputs: Facts,
}

/// What was found where a receipt should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A receipt.
    Receipt(Box<Receipt>),
    /// Nothing.
    Absent,
    /// Something that is no receipt of this phase.
    Damaged(String),
}

impl Receipt {
    /// Returns the text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = self.body();
        let digest = Sha256::of(text.as_bytes());
        text.push_str(&format!("digest {digest}\n"));
        text
    }

    /// Returns what the next receipt names: the digest of everything before the last line.
    #[must_use]
    pub fn digest(&self) -> Sha256 {
        Sha256::of(self.body().as_bytes())
    }

    fn body(&self) -> String {
        let previous = self
            .previous
            .map_or_else(|| "none".to_owned(), |digest| digest.to_string());
        let mut text = format!(
            "{HEADER}\nphase {}\nprofile {}\nprevious {previous}\n",
            self.phase, self.profile
        );
        for (word, facts) in [("input", &self.inputs), ("output", &self.outputs)] {
            for (kind, name, value) in facts.iter() {
                let fields = [kind, name, value].map(|field| escape::escape(field.as_bytes()));
                text.push_str(&format!("{word} {}\n", fields.join(" ")));
            }
        }
        text
    }

    /// Reads a receipt.
    ///
    /// # Errors
    ///
    /// Returns in words what is wrong with the text; one that was written by [`Receipt::text`] and not changed since
    /// has nothing wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (body, last) = text
            .strip_suffix('\n')
            .and_then(|text| text.rsplit_once('\n'))
            .ok_or("it is not complete")?;
        let digest = last
            .strip_prefix("digest ")
            .ok_or("its last line is no digest")?;
        let body = format!("{body}\n");
        let actual = Sha256::of(body.as_bytes());
        if digest != actual.to_string() {
            return Err(format!(
                "its digest is {actual}, its last line says {digest}"
            ));
        }
        let mut lines = body.lines();
        if lines.next() != Some(HEADER) {
            return Err("it is of another format".to_owned());
        }
        let mut head = |name: &str| {
            lines
                .next()
                .and_then(|line| line.strip_prefix(name)?.strip_prefix(' '))
                .ok_or_else(|| format!("it does not say its {name}"))
        };
        let phase: Phase = parsed(head("phase")?)?;
        let profile: PackageName = parsed(head("profile")?)?;
        let previous = match head("previous")? {
            "none" => None,
            digest => Some(parsed(digest)?),
        };
        let mut receipt = Receipt {
            phase,
            profile,
            previous,
            inputs: Facts::default(),
            outputs: Facts::default(),
        };
        for line in lines {
            receipt.take(line)?;
        }
        Ok(receipt)
    }

    fn take(&mut self, line: &str) -> Result<(), String> {
        let odd = || format!("it has a line {line:?}");
        let fields: Vec<&str> = line.split(' ').collect();
        let [word, kind, name, value] = fields.as_slice() else {
            return Err(odd());
        };
        let facts = match *word {
            "input" => &mut self.inputs,
            "output" => &mut self.outputs,
            _ => return Err(odd()),
        };
        let plain = |field: &str| {
            let bytes = escape::unescape(field).map_err(|_| odd())?;
            String::from_utf8(bytes).map_err(|_| odd())
        };
        facts.add(&plain(kind)?, plain(name)?, plain(value)?);
        Ok(())
    }
}

fn parsed<T: std::str::FromStr>(text: &str) -> Result<T, String>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error: T::Err| error.to_string())
}

/// The receipts of one profile.
#[derive(Debug, Clone)]
pub struct Receipts {
    directory: PathBuf,
    profile: PackageName,
}

impl Receipts {
    /// Returns the receipts below the work directory of a profile.
    #[must_use]
    pub fn new(work: &Path, profile: &PackageName) -> Self {
        Receipts {
            directory: work.join("receipts"),
            profile: profile.clone(),
        }
    }

    /// Returns the file of a phase's receipt.
    #[must_use]
    pub fn path(&self, phase: Phase) -> PathBuf {
        self.directory
            .join(format!("{:02}-{phase}", phase.number()))
    }

    /// Reads the receipt of a phase.
    ///
    /// # Errors
    ///
    /// Returns what the kernel says, except that the file is absent.
    pub fn read(&self, phase: Phase) -> Result<Found, CacheError> {
        let path = self.path(phase);
        let mut bytes = Vec::new();
        let file = match fs::File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Found::Absent);
            }
            Err(error) => return Err(CacheError::io("open", &path)(error)),
        };
        file.take(RECEIPT_MAX_BYTES)
            .read_to_end(&mut bytes)
            .map_err(CacheError::io("read", &path))?;
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(_) => return Ok(Found::Damaged("it is not UTF-8".to_owned())),
        };
        Ok(match Receipt::parse(&text) {
            Err(reason) => Found::Damaged(reason),
            Ok(receipt) if receipt.phase != phase || receipt.profile != self.profile => {
                Found::Damaged(format!(
                    "it is that of phase {} of profile {}",
                    receipt.phase, receipt.profile
                ))
            }
            Ok(receipt) => Found::Receipt(Box::new(receipt)),
        })
    }

    /// Deletes what runs that were killed left half written; for whoever holds the lock.
    ///
    /// # Errors
    ///
    /// Returns what cannot be deleted.
    pub fn delete_partial(&self) -> Result<(), CacheError> {
        let Ok(entries) = fs::read_dir(&self.directory) else {
            // Nothing was ever written.
            return Ok(());
        };
        for entry in entries {
            let path = entry
                .map_err(CacheError::io("read", &self.directory))?
                .path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.contains(".partial-") {
                fs::remove_file(&path).map_err(CacheError::io("delete", &path))?;
            }
        }
        Ok(())
    }

    /// Writes a receipt; others see all of it or the one before.
    ///
    /// # Errors
    ///
    /// Returns what cannot be written.
    pub fn write(&self, cache: &Cache, receipt: &Receipt) -> Result<(), CacheError> {
        fs::create_dir_all(&self.directory).map_err(CacheError::io("make", &self.directory))?;
        cache.write_file(&self.path(receipt.phase), receipt.text().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use igos_format::Sha256;
    use proptest::prelude::*;

    use super::{Facts, Phase, Receipt};

    fn receipt(inputs: &[(String, String)]) -> Receipt {
        let mut facts = Facts::default();
        for (name, value) in inputs {
            facts.add("recipe", name, value);
        }
        Receipt {
            phase: Phase::Core,
            profile: "minimal".parse().expect("a name"),
            previous: Some(Sha256::of(b"before")),
            outputs: facts.clone(),
            inputs: facts,
        }
    }

    proptest! {
        #[test]
        fn written_receipts_are_read_back(inputs in prop::collection::vec((".{0,8}", ".{0,8}"), 0..4)) {
            let written = receipt(&inputs);
            prop_assert_eq!(Receipt::parse(&written.text()), Ok(written));
        }
    }

    #[test]
    fn example_of_the_document_is_read_and_written_alike() {
        let document = include_str!("../../../../docs/formats/pipeline.md");
        let example = document
            .split("```text\n")
            .nth(1)
            .and_then(|rest| rest.split("```").next())
            .expect("the document has an example");
        let receipt = Receipt::parse(example).expect("the example is valid");
        assert_eq!(receipt.phase, Phase::Config);
        assert_eq!(receipt.text(), example);
    }

    #[test]
    fn every_changed_or_missing_byte_is_found() {
        let text = receipt(&[("a".into(), "1".into())]).text();
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1;
            let changed = String::from_utf8(bytes).expect("the text is ASCII");
            assert!(Receipt::parse(&changed).is_err(), "byte {at}");
            assert!(Receipt::parse(&text[..at]).is_err(), "cut at {at}");
        }
    }
}
