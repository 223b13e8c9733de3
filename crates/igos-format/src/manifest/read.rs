//! Reading the text: every field is parsed, every rule is tested, and then the manifest is written again and
//! compared, so that there is exactly one text for it.

use super::lines::Lines;
use super::values::{
    alternative, entry, group, hook, origin, parse, service, shown, trigger, user,
};
use super::{
    FORMAT, LineProblem, MAX_BYTES, MAX_ENTRIES, Manifest, ManifestError, ManifestRule, validate,
    write,
};
use crate::{FileEntry, PackageId, Sha256};

/// Returns the manifest that `bytes` are the text of.
///
/// # Errors
///
/// Refuses everything that [`super::write()`] does not write: naming the line and the reason.
pub fn read(bytes: &[u8]) -> Result<Manifest, ManifestError> {
    if bytes.len() > MAX_BYTES {
        return Err(ManifestError::TooLarge {
            size: bytes.len(),
            limit: MAX_BYTES,
        });
    }
    read_format(bytes)?;
    let body = verify_end(bytes)?;
    let text = std::str::from_utf8(body).map_err(|error| ManifestError::NotText {
        position: error.valid_up_to(),
    })?;

    let mut lines = Lines::new(text);
    lines.required("igos-manifest", |_| Ok(()))?;
    let mut manifest = Manifest {
        package: PackageId {
            name: lines.value("name")?,
            epoch: lines.value("epoch")?,
            version: lines.value("version")?,
            release: lines.value("release")?,
            arch: lines.value("arch")?,
        },
        recipe: lines.value("recipe")?,
        description: lines.words("description")?,
        license: lines.words("license")?,
        homepage: lines.words("homepage")?,
        tier: lines.take("tier", |text| parse("tier", text))?,
        origin: lines.required("origin", origin)?,
        build_key: lines.value("build-key")?,
        source_date_epoch: lines.value("source-date-epoch")?,
        is_essential: lines.take("essential", |_| Ok(()))?.is_some(),
        depends: lines.values("depends")?,
        provides: lines.values("provides")?,
        conflicts: lines.values("conflicts")?,
        supersedes: lines.values("supersedes")?,
        features_provided: lines.values("feature-provided")?,
        features_required: lines.values("feature-required")?,
        users: lines.set("user", user)?,
        groups: lines.set("group", group)?,
        services: lines.set("service", service)?,
        alternatives: lines.set("alternative", alternative)?,
        triggers: lines.set("trigger", trigger)?,
        hooks: lines.set("hook", hook)?,
        entries: Vec::new(),
    };
    let first;
    (manifest.entries, first) = read_entries(&mut lines)?;
    if !lines.is_empty() {
        return Err(lines.unexpected(LineProblem::Order));
    }
    validate(&manifest).map_err(|error| ManifestError::Line {
        line: error.entry.map_or(1, |entry| first + entry),
        problem: LineProblem::Rule(error.rule),
    })?;
    compare(&write(&manifest), bytes)?;
    Ok(manifest)
}

/// Reads the first line before anything else, so that a text of a later format gets the right message.
fn read_format(bytes: &[u8]) -> Result<(), ManifestError> {
    let rest = bytes
        .strip_prefix(b"igos-manifest ")
        .ok_or(ManifestError::NotAManifest)?;
    let line = rest.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let mut numbers = std::str::from_utf8(line)
        .map_err(|_| ManifestError::NotAManifest)?
        .split(' ')
        .map(|number| number.parse::<u32>());
    let (Some(Ok(version)), Some(Ok(needed)), None) =
        (numbers.next(), numbers.next(), numbers.next())
    else {
        return Err(ManifestError::NotAManifest);
    };
    // Of a newer format we know no text, whatever it asks for. Which of ours this is shows in the comparison at the end.
    if needed > FORMAT || version > FORMAT {
        return Err(ManifestError::NewerFormat {
            needed: needed.max(FORMAT + 1),
            known: FORMAT,
        });
    }
    Ok(())
}

/// Compares the last line with the text before it, which it returns.
fn verify_end(bytes: &[u8]) -> Result<&[u8], ManifestError> {
    let last = bytes
        .strip_suffix(b"\n")
        .and_then(|text| text.iter().rposition(|byte| *byte == b'\n'))
        .ok_or(ManifestError::NoEnd)?
        + 1;
    let (body, line) = bytes.split_at(last);
    let expected: Sha256 = line
        .strip_prefix(b"end ")
        .and_then(|digest| std::str::from_utf8(digest.trim_ascii_end()).ok())
        .and_then(|digest| digest.parse().ok())
        .ok_or(ManifestError::NoEnd)?;
    let actual = Sha256::of(body);
    if actual == expected {
        Ok(body)
    } else {
        Err(ManifestError::Damaged { expected, actual })
    }
}

fn compare(expected: &[u8], found: &[u8]) -> Result<(), ManifestError> {
    if expected == found {
        return Ok(());
    }
    let lines = |bytes| <[u8]>::split(bytes, |byte: &u8| *byte == b'\n');
    let (line, expected) = (1..)
        .zip(lines(expected))
        .zip(lines(found))
        .find(|((_, expected), found)| expected != found)
        .map(|(numbered, _)| numbered)
        .unwrap_or_default();
    Err(ManifestError::Line {
        line,
        problem: LineProblem::NotCanonical {
            expected: shown(&String::from_utf8_lossy(expected)),
        },
    })
}

fn read_entries(lines: &mut Lines<'_>) -> Result<(Vec<FileEntry>, usize), ManifestError> {
    let first = lines.last() + 1;
    let mut entries: Vec<FileEntry> = Vec::new();
    loop {
        let found = match lines.take("directory", |text| entry("directory", text))? {
            Some(found) => Some(found),
            None => match lines.take("file", |text| entry("file", text))? {
                Some(found) => Some(found),
                None => lines.take("symlink", |text| entry("symlink", text))?,
            },
        };
        let Some(mut found) = found else {
            return Ok((entries, first));
        };
        if entries.len() == MAX_ENTRIES {
            return Err(ManifestError::Line {
                line: lines.last(),
                problem: LineProblem::Rule(ManifestRule::TooManyEntries {
                    count: MAX_ENTRIES + 1,
                    limit: MAX_ENTRIES,
                }),
            });
        }
        // Nearly all are of one owner, whose names are then kept once.
        if let Some(before) = entries.last()
            && before.owner == found.owner
        {
            found.owner = before.owner.clone();
        }
        entries.push(found);
    }
}
