//! The record of one package: lines of keys and values, in one order and one spelling.

use std::collections::BTreeSet;
use std::fmt::{Display, Write as _};
use std::str::{FromStr, Split};

use super::directory::RECORD_MAX_BYTES;
use super::{ArchiveLocation, IndexEntry, RecordError, SourceLocation};
use crate::escape::{escape, unescape};
use crate::manifest::Origin;
use crate::{PackageId, RelPath};

/// Longest piece of a text that an error repeats, in characters.
const SHOWN_MAX: usize = 200;

/// Longest description, licence or home page, in bytes.
const TEXT_MAX_BYTES: usize = 4096;

/// Returns the record of a package.
///
/// # Errors
///
/// Refuses values that [`read`] would not give back.
pub fn write(entry: &IndexEntry) -> Result<String, RecordError> {
    let text = text(entry);
    read(&text).map(|_| text)
}

/// Writes the record, whatever the values.
fn text(entry: &IndexEntry) -> String {
    let mut record = Record(String::new());
    let package = &entry.package;
    record.line("name", &package.name);
    record.line("epoch", package.epoch);
    record.line("version", &package.version);
    record.line("release", &package.release);
    record.line("arch", package.arch);
    record.line("recipe", &entry.recipe);
    record.words("description", &entry.description);
    record.words("license", &entry.license);
    record.words("homepage", &entry.homepage);
    record.set("tier", entry.tier);
    record.line("origin", entry.origin.as_str());
    record.set("essential", entry.is_essential.then_some("yes"));
    record.line("installed-bytes", entry.installed_bytes);
    record.line("seal", entry.seal);
    record.set("signature", &entry.signature);
    let archive = &entry.archive;
    record.line(
        "archive",
        format_args!(
            "{} {} {}",
            archive.sha256, archive.size_bytes, archive.file_name
        ),
    );
    record.line(
        "head",
        format_args!("{} {}", archive.head_sha256, archive.head_bytes),
    );
    record.set("source", entry.sources.iter().map(source));
    record.set("depends", &entry.depends);
    record.set("provides", &entry.provides);
    record.set("conflicts", &entry.conflicts);
    record.set("supersedes", &entry.supersedes);
    record.set("feature-provided", &entry.features_provided);
    record.set("feature-required", &entry.features_required);
    record.set("path", &entry.paths);
    let programs = entry.programs.iter().map(|name| escape(name.as_bytes()));
    record.set("program", programs);
    record.set("advisory", &entry.advisories);
    record.0.push('\n');
    record.0
}

struct Record(String);

impl Record {
    fn line(&mut self, key: &str, value: impl Display) {
        writeln!(self.0, "{key} {value}").expect("writing to a string cannot fail");
    }

    fn words(&mut self, key: &str, words: &str) {
        if !words.is_empty() {
            self.line(key, words);
        }
    }

    /// Writes one line for each member, sorted by the text of the line.
    fn set(&mut self, key: &str, members: impl IntoIterator<Item = impl ToString>) {
        let mut values: Vec<String> = members.into_iter().map(|m| m.to_string()).collect();
        values.sort_unstable();
        for value in values {
            self.line(key, value);
        }
    }
}

fn source(source: &SourceLocation) -> String {
    format!(
        "{} {} {}",
        source.sha256, source.size_bytes, source.file_name
    )
}

/// Returns the package that a record is of.
///
/// # Errors
///
/// Refuses everything that [`write()`] does not write.
pub fn read(record: &str) -> Result<IndexEntry, RecordError> {
    if record.len() > RECORD_MAX_BYTES {
        return Err(RecordError::TooLong {
            length: record.len(),
            limit: RECORD_MAX_BYTES,
        });
    }
    let mut lines = Lines::new(record);
    let package = PackageId {
        name: lines.value("name")?,
        epoch: lines.value("epoch")?,
        version: lines.value("version")?,
        release: lines.value("release")?,
        arch: lines.value("arch")?,
    };
    let entry = IndexEntry {
        package,
        recipe: lines.value("recipe")?,
        description: lines.words("description")?,
        license: lines.words("license")?,
        homepage: lines.words("homepage")?,
        tier: lines.optional("tier")?,
        origin: lines.required("origin", origin)?,
        is_essential: lines.take("essential").is_some(),
        installed_bytes: lines.value("installed-bytes")?,
        seal: lines.value("seal")?,
        signature: lines.optional("signature")?,
        archive: archive(&mut lines)?,
        sources: lines.set("source", parse_source)?,
        depends: lines.set("depends", parse)?,
        provides: lines.set("provides", parse)?,
        conflicts: lines.set("conflicts", parse)?,
        supersedes: lines.set("supersedes", parse)?,
        features_provided: lines.set("feature-provided", parse)?,
        features_required: lines.set("feature-required", parse)?,
        paths: lines.set("path", path)?,
        programs: lines.set("program", program)?,
        advisories: lines.set("advisory", parse)?,
    };
    compare(&text(&entry), record)?;
    Ok(entry)
}

/// Lines in the order in which they must come. What is out of order, repeated or unknown is left over and shows
/// when the record is written again and compared.
struct Lines<'a> {
    rest: std::iter::Peekable<Split<'a, char>>,
}

impl<'a> Lines<'a> {
    fn new(record: &'a str) -> Self {
        Lines {
            rest: record.split('\n').peekable(),
        }
    }

    /// Takes the value of the next line if it has this key.
    fn take(&mut self, key: &str) -> Option<&'a str> {
        let (found, value) = self.rest.peek()?.split_once(' ')?;
        (found == key).then_some(())?;
        self.rest.next();
        Some(value)
    }

    fn required<T>(
        &mut self,
        field: &'static str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<T, RecordError> {
        let text = self.take(field).ok_or(RecordError::Missing { field })?;
        parse(text).map_err(|reason| refuse(field, text, reason))
    }

    fn value<T: FromStr<Err: Display>>(&mut self, field: &'static str) -> Result<T, RecordError> {
        self.required(field, parse)
    }

    fn optional<T>(&mut self, field: &'static str) -> Result<Option<T>, RecordError>
    where
        T: FromStr<Err: Display>,
    {
        self.take(field)
            .map(|text| parse(text).map_err(|reason| refuse(field, text, reason)))
            .transpose()
    }

    fn words(&mut self, field: &'static str) -> Result<String, RecordError> {
        let text = self.take(field).unwrap_or_default();
        if text.len() > TEXT_MAX_BYTES {
            return Err(refuse(field, text, "longer than 4096 bytes".to_owned()));
        }
        if text.chars().any(char::is_control) {
            return Err(refuse(field, text, "a control character".to_owned()));
        }
        Ok(text.to_owned())
    }

    fn set<T: Ord>(
        &mut self,
        field: &'static str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Result<BTreeSet<T>, RecordError> {
        let mut members = BTreeSet::new();
        while let Some(text) = self.take(field) {
            members.insert(parse(text).map_err(|reason| refuse(field, text, reason))?);
        }
        Ok(members)
    }
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN_MAX).collect()
}

fn refuse(field: &'static str, text: &str, reason: String) -> RecordError {
    RecordError::Value {
        field,
        text: shown(text),
        reason,
    }
}

fn parse<T: FromStr<Err: Display>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: T::Err| error.to_string())
}

fn origin(text: &str) -> Result<Origin, String> {
    Origin::ALL
        .into_iter()
        .find(|origin| origin.as_str() == text)
        .ok_or_else(|| "not built, built-weakened or imported".to_owned())
}

/// Returns the archive, of which two lines tell.
fn archive(lines: &mut Lines<'_>) -> Result<ArchiveLocation, RecordError> {
    let (sha256, size_bytes, file_name) = lines.required("archive", |text| {
        let [sha256, size_bytes, file_name] = fields(text)?;
        Ok((parse(sha256)?, parse(size_bytes)?, parse(file_name)?))
    })?;
    let (head_sha256, head_bytes) = lines.required("head", |text| {
        let [sha256, bytes] = fields(text)?;
        let bytes = parse(bytes)?;
        match bytes == 0 || bytes > size_bytes {
            true => Err("the head is empty or longer than the archive".to_owned()),
            false => Ok((parse(sha256)?, bytes)),
        }
    })?;
    Ok(ArchiveLocation {
        file_name,
        sha256,
        size_bytes,
        head_sha256,
        head_bytes,
    })
}

fn parse_source(text: &str) -> Result<SourceLocation, String> {
    let [sha256, size_bytes, file_name] = fields(text)?;
    Ok(SourceLocation {
        file_name: parse(file_name)?,
        sha256: parse(sha256)?,
        size_bytes: parse(size_bytes)?,
    })
}

fn fields<const N: usize>(text: &str) -> Result<[&str; N], String> {
    let fields: Vec<&str> = text.splitn(N, ' ').collect();
    fields.try_into().map_err(|_| format!("not {N} fields"))
}

fn path(text: &str) -> Result<RelPath, String> {
    let bytes = unescape(text).map_err(|error| error.to_string())?;
    RelPath::from_bytes(&bytes).map_err(|error| error.to_string())
}

fn program(text: &str) -> Result<String, String> {
    let name = unescape(text).map_err(|error| error.to_string())?;
    let name = String::from_utf8(name).map_err(|error| error.to_string())?;
    let is_name = path(text).is_ok_and(|path| path.components().count() == 1);
    if is_name && !name.chars().any(char::is_control) {
        Ok(name)
    } else {
        Err("not the name of a program".to_owned())
    }
}

/// Compares a record with the one its values are written as.
fn compare(expected: &str, found: &str) -> Result<(), RecordError> {
    if expected == found {
        return Ok(());
    }
    let mut expected = expected.split('\n');
    let mut found = found.split('\n');
    loop {
        let (expected, found) = (expected.next(), found.next());
        if expected != found {
            return Err(RecordError::NotCanonical {
                found: shown(found.unwrap_or_default()),
                expected: shown(expected.unwrap_or_default()),
            });
        }
    }
}
