//! Whether a root is as before a transaction or as after it.

use std::fmt;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use fs_err as fs;
use igos_format::Sha256;
use igos_root::RootDir;
use igos_sysroot::{OpenError, Sysroot, Unmanaged, check_database};

/// Where a root keeps its record.
pub(crate) const STATE: &str = "var/lib/igos";

/// Everything about a root that a transaction changes, as text.
///
/// Times, which no two runs have alike, read `TIME`, and the digests of texts that they stand in `DIGEST`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Every path with kind, mode, owner, count of links, extended attributes, and content or target.
    pub tree: String,
    /// Records, history, and what else is kept as text, byte for byte.
    pub records: String,
    /// What the database answers.
    pub answers: String,
    /// The contents that are kept to undo transactions: a full disk may cost some of them.
    pub kept: Vec<String>,
    /// What an interrupted transaction left, or how the database differs from the records.
    pub remains: Vec<String>,
}

/// Which of two states a root is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// As before.
    Old,
    /// As after.
    New,
    /// Neither: how it differs from both.
    Mixed(String),
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Found::Old => f.write_str("as before"),
            Found::New => f.write_str("as after"),
            Found::Mixed(_) => f.write_str("neither as before nor as after"),
        }
    }
}

/// A root cannot be looked at.
#[derive(Debug, thiserror::Error)]
pub enum JudgeError {
    /// A file cannot be read; the cause names it.
    #[error("cannot look at the root")]
    File(#[source] io::Error),
    /// The record cannot be opened.
    #[error("cannot open the record")]
    Open(#[source] OpenError),
    /// The database does not answer.
    #[error("the database does not answer: {0}")]
    Database(String),
}

impl State {
    /// Looks at a root.
    ///
    /// # Errors
    ///
    /// Returns what cannot be read.
    pub fn of(root: &Path) -> Result<Self, JudgeError> {
        let mut tree = Vec::new();
        list(root, Path::new(""), &mut |at, line| {
            if !at.starts_with(STATE) {
                tree.push(line);
            }
        })
        .map_err(JudgeError::File)?;
        let Texts {
            records,
            kept,
            mut remains,
        } = texts(root).map_err(JudgeError::File)?;
        let directory =
            || RootDir::open(root).map_err(|error| JudgeError::File(io::Error::other(error)));
        let checked = check_database(&directory()?).map_err(JudgeError::Open)?;
        if !checked.is_clean() {
            remains.push(format!("the database: {checked:?}"));
        }
        let sysroot = Sysroot::open(directory()?, Unmanaged::Refuse).map_err(JudgeError::Open)?;
        let failed = |error: &dyn std::fmt::Display| JudgeError::Database(error.to_string());
        let listed = sysroot.list().map_err(|error| failed(&error))?;
        let mut answers = String::new();
        for package in &listed {
            let files = sysroot.files(&package.package.name);
            let files = files.map_err(|error| failed(&error))?;
            // Lists and histories have times; the records, which are compared byte for byte, have all of it.
            answers.push_str(&format!("{} {files:?}\n", package.package));
        }
        Ok(State {
            tree: tree.join("\n"),
            records: records.join("\n"),
            answers,
            kept,
            remains,
        })
    }

    /// Tells which of two states this is.
    #[must_use]
    pub fn compare(&self, old: &State, new: &State) -> Found {
        let parts = |state: &State| {
            let State {
                tree,
                records,
                answers,
                remains,
                ..
            } = state.clone();
            (tree, records, answers, remains)
        };
        if parts(self) == parts(old) {
            return Found::Old;
        }
        if parts(self) == parts(new) {
            return Found::New;
        }
        let [of_old, of_new] =
            [(old, "old"), (new, "new")].map(|(other, name)| self.differences(other, name));
        // It is like one of them, mostly.
        let mut lines = if of_old.len() < of_new.len() {
            of_old
        } else {
            of_new
        };
        lines.extend(
            self.remains
                .iter()
                .map(|remains| format!("left: {remains}")),
        );
        Found::Mixed(lines.join("\n"))
    }

    fn differences(&self, other: &State, name: &str) -> Vec<String> {
        let pairs = [
            (&self.tree, &other.tree),
            (&self.records, &other.records),
            (&self.answers, &other.answers),
        ];
        let mut lines = Vec::new();
        for (own, others) in pairs {
            let is_in = |line: &str, text: &str| text.lines().any(|other| other == line);
            let lacking = others.lines().filter(|line| !is_in(line, own));
            lines.extend(lacking.map(|line| format!("{name} has, this has not: {line}")));
            let added = own.lines().filter(|line| !is_in(line, others));
            lines.extend(added.map(|line| format!("{name} has not, this has: {line}")));
        }
        lines
    }
}

/// What is in the state directory.
#[derive(Default)]
struct Texts {
    records: Vec<String>,
    kept: Vec<String>,
    /// What should not be there.
    remains: Vec<String>,
}

fn texts(root: &Path) -> io::Result<Texts> {
    let mut texts = Texts::default();
    list(&root.join(STATE), Path::new(""), &mut |at, line| {
        let names: Vec<_> = at.iter().map(|name| name.to_string_lossy()).collect();
        let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
        match names.as_slice() {
            // Compared by what it answers; the lock tells who has it.
            ["pkm.db" | "pkm.db-wal" | "pkm.db-shm" | "lock"] | ["staging"] => {}
            // What the database took up of a transaction that is undone is kept beside.
            [name] if name.starts_with("pkm.db.undone-") => {}
            [
                "staging" | "staging-places" | "journal" | "journal.new" | "journal.done",
                ..,
            ]
            | ["record.new" | "pkm.db.new" | "pkm.db.new-wal" | "pkm.db.new-shm"] => {
                texts.remains.push(line)
            }
            ["undo", _, content] if *content != "before" => texts.kept.push(line),
            _ => texts.records.push(line),
        }
    })?;
    Ok(texts)
}

/// Tells every path below a directory, sorted.
pub(crate) fn list(
    directory: &Path,
    below: &Path,
    tell: &mut dyn FnMut(&Path, String),
) -> io::Result<()> {
    let mut names: Vec<_> = match fs::read_dir(directory) {
        Ok(entries) => entries
            .map(|entry| entry.map(|entry| entry.file_name()))
            .collect::<io::Result<_>>()?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    names.sort();
    for name in names {
        let (path, at) = (directory.join(&name), below.join(&name));
        let found = fs::symlink_metadata(&path)?;
        let content = if found.is_symlink() {
            format!("-> {}", fs::read_link(&path)?.display())
        } else if found.is_file() {
            content(&fs::read(&path)?)
        } else {
            String::new()
        };
        // Directories count what is in them, in ways of the file system.
        let links = if found.is_dir() { 1 } else { found.nlink() };
        let line = format!(
            "{} {:o} {}:{} {links} {} {content}",
            at.display(),
            found.mode(),
            found.uid(),
            found.gid(),
            attributes(&path)?
        );
        tell(&at, line);
        if found.is_dir() {
            list(&path, &at, tell)?;
        }
    }
    Ok(())
}

/// Returns the content of a small text with its times left out, or the digest.
fn content(bytes: &[u8]) -> String {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Sha256::of(bytes).to_string();
    };
    if !text.starts_with("igos-") {
        return Sha256::of(bytes).to_string();
    }
    let lines: Vec<String> = text.lines().map(timeless).collect();
    lines.join(" | ")
}

fn timeless(line: &str) -> String {
    if line.starts_with("end ") {
        return "end DIGEST".to_owned();
    }
    match line.split_once(' ') {
        Some((word @ ("time" | "installed"), _)) => format!("{word} TIME"),
        // A place of a transaction's own, counted anew in each.
        Some(("content", rest)) => match rest.rsplit_once(' ') {
            Some((content, _slot)) => format!("content {content} SLOT"),
            None => line.to_owned(),
        },
        _ => line.to_owned(),
    }
}

fn attributes(path: &Path) -> io::Result<String> {
    let mut buffer = vec![0; 64 * 1024];
    let names = match rustix::fs::llistxattr(path, &mut buffer) {
        Ok(length) => buffer[..length].to_vec(),
        Err(rustix::io::Errno::NOTSUP) => return Ok(String::new()),
        Err(error) => return Err(error.into()),
    };
    let mut found = Vec::new();
    for name in names
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty())
    {
        let name = String::from_utf8_lossy(name).into_owned();
        let mut value = vec![0; 64 * 1024];
        let length = rustix::fs::lgetxattr(path, name.as_str(), &mut value)?;
        found.push(format!("{name}={}", Sha256::of(&value[..length])));
    }
    found.sort();
    Ok(found.join(","))
}

/// Tells whether an interrupted transaction left anything that the next start will deal with.
#[must_use]
pub fn needs_recovery(root: &Path) -> bool {
    let is_there = |name: &str| root.join(STATE).join(name).exists();
    let staging: PathBuf = root.join(STATE).join("staging");
    let has_slots = fs::read_dir(staging).is_ok_and(|mut entries| entries.next().is_some());
    has_slots
        || ["journal", "journal.new", "journal.done"]
            .into_iter()
            .any(is_there)
}
