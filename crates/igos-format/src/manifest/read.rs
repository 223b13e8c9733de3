//! Reading the text: every field is parsed, every rule is tested, and then the manifest is written again and
//! compared, so that there is exactly one text for it.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::str::{FromStr, Split};

use super::{
    FORMAT, LineProblem, MAX_BYTES, MAX_ENTRIES, Manifest, ManifestError, ManifestRule, Origin,
    validate, write,
};
use crate::declaration::{
    AlternativeDeclaration, GroupDeclaration, ServiceDeclaration, TriggerDeclaration,
    UserDeclaration,
};
use crate::escape::unescape;
use crate::{Capabilities, EntryKind, FileEntry, Owner, PackageId, RelPath, Sha256, Xattrs};

/// Keys that later formats will give a meaning; a text that has one is for a later reader.
pub(crate) const RESERVED_KEYS: [&str; 8] = [
    "block",
    "character",
    "fifo",
    "hook",
    "recommends",
    "socket",
    "suggests",
    "verity",
];

/// The keys of this format.
const KEYS: [&str; 30] = [
    "igos-manifest",
    "name",
    "epoch",
    "version",
    "release",
    "arch",
    "recipe",
    "description",
    "license",
    "homepage",
    "tier",
    "origin",
    "build-key",
    "source-date-epoch",
    "essential",
    "depends",
    "provides",
    "conflicts",
    "supersedes",
    "feature-provided",
    "feature-required",
    "user",
    "group",
    "service",
    "alternative",
    "trigger",
    "directory",
    "file",
    "symlink",
    "end",
];

/// Longest piece of a text that an error message repeats, in characters.
const SHOWN_MAX: usize = 200;

/// Returns the manifest that `bytes` are the text of.
///
/// # Errors
///
/// Refuses everything that [`write`] does not write: naming the line and the reason.
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
        entries: Vec::new(),
    };
    let first;
    (manifest.entries, first) = read_entries(&mut lines)?;
    if lines.rest.peek().is_some() {
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
    // There is no older format than the first, and of a newer one we know no text, whatever it asks for.
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

fn shown(text: &str) -> String {
    text.chars().take(SHOWN_MAX).collect()
}

fn parse<T>(field: &'static str, text: &str) -> Result<T, LineProblem>
where
    T: FromStr<Err: Display>,
{
    text.parse().map_err(|error: T::Err| LineProblem::Value {
        field,
        text: shown(text),
        reason: error.to_string(),
    })
}

fn refuse(field: &'static str, text: &str, reason: &str) -> LineProblem {
    LineProblem::Value {
        field,
        text: shown(text),
        reason: reason.to_owned(),
    }
}

fn bytes(field: &'static str, text: &str) -> Result<Vec<u8>, LineProblem> {
    unescape(text).map_err(|_| refuse(field, text, "not in canonical escaped form"))
}

fn words(field: &'static str, text: &str) -> Result<String, LineProblem> {
    String::from_utf8(bytes(field, text)?).map_err(|_| refuse(field, text, "not UTF-8"))
}

fn path(text: &str) -> Result<RelPath, LineProblem> {
    RelPath::from_bytes(&bytes("path", text)?)
        .map_err(|error| refuse("path", text, &error.to_string()))
}

fn next<'a>(fields: &mut Split<'a, char>, field: &'static str) -> Result<&'a str, LineProblem> {
    fields.next().ok_or(LineProblem::Missing { field })
}

fn key_value<'a>(field: &'static str, text: &'a str) -> Result<(&'a str, &'a str), LineProblem> {
    text.split_once('=')
        .ok_or_else(|| refuse(field, text, "not KEY=VALUE"))
}

/// The lines of the text, each taken once, in the order in which they must come.
struct Lines<'a> {
    rest: std::iter::Peekable<std::iter::Zip<std::ops::RangeFrom<usize>, Split<'a, char>>>,
    last: usize,
}

impl<'a> Lines<'a> {
    fn new(body: &'a str) -> Self {
        let lines = body.strip_suffix('\n').unwrap_or(body).split('\n');
        Lines {
            rest: (1..).zip(lines).peekable(),
            last: 0,
        }
    }

    /// Takes the next line if it has this key, and parses its value.
    fn take<T>(
        &mut self,
        key: &str,
        parse: impl FnOnce(&'a str) -> Result<T, LineProblem>,
    ) -> Result<Option<T>, ManifestError> {
        let value = self.rest.peek().and_then(|(line, text)| {
            let (found, value) = text.split_once(' ')?;
            (found == key).then_some((*line, value))
        });
        let Some((line, value)) = value else {
            return Ok(None);
        };
        self.rest.next();
        self.last = line;
        parse(value)
            .map(Some)
            .map_err(|problem| ManifestError::Line { line, problem })
    }

    fn required<T>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&'a str) -> Result<T, LineProblem>,
    ) -> Result<T, ManifestError> {
        match self.take(key, parse)? {
            Some(value) => Ok(value),
            None => Err(self.unexpected(LineProblem::Missing { field: key })),
        }
    }

    fn value<T>(&mut self, key: &'static str) -> Result<T, ManifestError>
    where
        T: FromStr<Err: Display>,
    {
        self.required(key, |text| parse(key, text))
    }

    fn words(&mut self, key: &'static str) -> Result<String, ManifestError> {
        Ok(self.take(key, |text| words(key, text))?.unwrap_or_default())
    }

    fn set<T: Ord>(
        &mut self,
        key: &'static str,
        parse: impl Fn(&'a str) -> Result<T, LineProblem>,
    ) -> Result<BTreeSet<T>, ManifestError> {
        let mut members = BTreeSet::new();
        let mut before = "";
        while let Some(member) = self.take(key, |text| {
            let member = parse(text)?;
            if std::mem::replace(&mut before, text) < text {
                Ok(member)
            } else {
                Err(LineProblem::Order)
            }
        })? {
            members.insert(member);
        }
        Ok(members)
    }

    fn values<T>(&mut self, key: &'static str) -> Result<BTreeSet<T>, ManifestError>
    where
        T: FromStr<Err: Display> + Ord,
    {
        self.set(key, |text| parse(key, text))
    }

    /// Returns what is wrong with the next line, which cannot stand here.
    fn unexpected(&mut self, otherwise: LineProblem) -> ManifestError {
        let Some((line, text)) = self.rest.next() else {
            return ManifestError::Line {
                line: self.last + 1,
                problem: otherwise,
            };
        };
        let key = text.split(' ').next().unwrap_or_default();
        let problem = if RESERVED_KEYS.contains(&key) {
            LineProblem::ReservedKey { key: shown(key) }
        } else if KEYS.contains(&key) {
            otherwise
        } else {
            LineProblem::UnknownKey { key: shown(key) }
        };
        ManifestError::Line { line, problem }
    }
}

fn read_entries(lines: &mut Lines<'_>) -> Result<(Vec<FileEntry>, usize), ManifestError> {
    let first = lines.last + 1;
    let mut entries = Vec::new();
    loop {
        let found = match lines.take("directory", |text| entry("directory", text))? {
            Some(found) => Some(found),
            None => match lines.take("file", |text| entry("file", text))? {
                Some(found) => Some(found),
                None => lines.take("symlink", |text| entry("symlink", text))?,
            },
        };
        let Some(found) = found else {
            return Ok((entries, first));
        };
        if entries.len() == MAX_ENTRIES {
            return Err(ManifestError::Line {
                line: lines.last,
                problem: LineProblem::Rule(ManifestRule::TooManyEntries {
                    count: MAX_ENTRIES + 1,
                    limit: MAX_ENTRIES,
                }),
            });
        }
        entries.push(found);
    }
}

fn entry(kind: &str, text: &str) -> Result<FileEntry, LineProblem> {
    let mut fields = text.split(' ');
    let mode = next(&mut fields, "mode")?;
    let mode =
        u16::from_str_radix(mode, 8).map_err(|_| refuse("mode", mode, "not four octal digits"))?;
    let owner = Owner {
        user: parse("user", next(&mut fields, "user")?)?,
        uid: parse("uid", next(&mut fields, "uid")?)?,
        group: parse("group", next(&mut fields, "group")?)?,
        gid: parse("gid", next(&mut fields, "gid")?)?,
    };
    let mut kind = match kind {
        "directory" => EntryKind::Directory,
        "file" => EntryKind::File {
            size: parse("size", next(&mut fields, "size")?)?,
            sha256: parse("digest", next(&mut fields, "digest")?)?,
            link_group: None,
        },
        _ => EntryKind::Symlink {
            target: bytes("target", last(&mut fields, "target")?)?,
        },
    };
    let path = path(last(&mut fields, "path")?)?;
    let mut entry = FileEntry {
        path,
        kind: EntryKind::Directory,
        mode,
        owner,
        is_configuration: false,
        capabilities: None,
        xattrs: Xattrs::new(),
    };
    for flag in fields {
        match (flag.split_once('='), &mut kind) {
            (None, _) if flag == "config" => entry.is_configuration = true,
            (Some(("link", number)), EntryKind::File { link_group, .. }) => {
                *link_group = Some(parse("link", number)?);
            }
            (Some(("caps", text)), _) => entry.capabilities = Some(capabilities(text)?),
            (Some(("xattr", text)), _) => {
                let (name, value) = key_value("xattr", text)?;
                entry.xattrs.insert(name.to_owned(), hex("xattr", value)?);
            }
            _ => return Err(refuse("flag", flag, "not a flag of this kind of path")),
        }
    }
    entry.kind = kind;
    Ok(entry)
}

fn last<'a>(fields: &mut Split<'a, char>, field: &'static str) -> Result<&'a str, LineProblem> {
    fields.next_back().ok_or(LineProblem::Missing { field })
}

fn capabilities(text: &str) -> Result<Capabilities, LineProblem> {
    let refused = || refuse("caps", text, "not PERMITTED:INHERITABLE:EFFECTIVE");
    let mut fields = text.split(':');
    let mut set = |radix| {
        let field = fields.next()?;
        u64::from_str_radix(field, radix).ok()
    };
    let (Some(permitted), Some(inheritable), Some(effective @ 0..=1)) = (set(16), set(16), set(2))
    else {
        return Err(refused());
    };
    Ok(Capabilities {
        permitted,
        inheritable,
        effective: effective == 1,
    })
}

fn hex(field: &'static str, text: &str) -> Result<Vec<u8>, LineProblem> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|value| value as u8);
    text.as_bytes()
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
            _ => None,
        })
        .collect::<Option<Vec<u8>>>()
        .ok_or_else(|| refuse(field, text, "not pairs of hexadecimal digits"))
}

fn origin(text: &str) -> Result<Origin, LineProblem> {
    Origin::ALL
        .into_iter()
        .find(|origin| origin.as_str() == text)
        .ok_or_else(|| refuse("origin", text, "not built, built-weakened or imported"))
}

fn user(text: &str) -> Result<UserDeclaration, LineProblem> {
    let mut fields = text.split(' ');
    let mut user = UserDeclaration {
        name: parse("user", next(&mut fields, "user")?)?,
        uid: None,
        group: None,
        home: None,
        shell: None,
        description: None,
    };
    for field in fields {
        match key_value("user", field)? {
            ("uid", value) => user.uid = Some(parse("uid", value)?),
            ("group", value) => user.group = Some(parse("group", value)?),
            ("home", value) => user.home = Some(words("home", value)?),
            ("shell", value) => user.shell = Some(words("shell", value)?),
            ("description", value) => user.description = Some(words("description", value)?),
            _ => return Err(refuse("user", field, "not a property of users")),
        }
    }
    Ok(user)
}

fn group(text: &str) -> Result<GroupDeclaration, LineProblem> {
    let (name, gid) = match text.split_once(" gid=") {
        Some((name, gid)) => (name, Some(parse("gid", gid)?)),
        None => (text, None),
    };
    Ok(GroupDeclaration {
        name: parse("group", name)?,
        gid,
    })
}

fn service(text: &str) -> Result<ServiceDeclaration, LineProblem> {
    let (name, enabled) = match text.split_once(' ') {
        Some((name, "enabled")) => (name, true),
        Some((name, "disabled")) => (name, false),
        _ => return Err(refuse("service", text, "not NAME enabled or NAME disabled")),
    };
    Ok(ServiceDeclaration {
        name: parse("service", name)?,
        enabled,
    })
}

fn alternative(text: &str) -> Result<AlternativeDeclaration, LineProblem> {
    let mut fields = text.split(' ');
    Ok(AlternativeDeclaration {
        path: path(next(&mut fields, "path")?)?,
        target: path(next(&mut fields, "target")?)?,
        priority: parse("priority", next(&mut fields, "priority")?)?,
    })
}

fn trigger(text: &str) -> Result<TriggerDeclaration, LineProblem> {
    let mut fields = text.split(' ');
    let mut trigger = TriggerDeclaration {
        name: parse("trigger", next(&mut fields, "trigger")?)?,
        paths: Vec::new(),
        run: Vec::new(),
    };
    for field in fields {
        match key_value("trigger", field)? {
            ("path", value) => trigger.paths.push(words("path", value)?),
            ("run", value) => trigger.run.push(words("run", value)?),
            _ => return Err(refuse("trigger", field, "not a property of triggers")),
        }
    }
    Ok(trigger)
}
