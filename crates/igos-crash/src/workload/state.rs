//! What a root is, as text to compare.

use std::fmt::Write as _;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use fs_err as fs;
use igos_format::Sha256;
use igos_report::Quiet;
use igos_root::{RootDir, RootError};
use igos_sysroot::{OpenError, Sysroot, Unmanaged, VerifyError, VerifyRequest, check_database};

/// Where the record of a root is.
const RECORD: &str = "var/lib/igos";
/// What of it is compared: everything but the database, which is compared by its content, and old files.
const COMPARED: [&str; 9] = [
    "packages",
    "history",
    "pristine",
    "configuration",
    "alternatives",
    "excluded",
    "staging",
    "journal",
    "journal.done",
];

/// A root: the tree, the records, what the database and the verification say, and what transactions left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State(String);

/// A root cannot be looked at.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// A file.
    #[error("cannot look at a file")]
    File(#[source] io::Error),
    /// The root.
    #[error("cannot open the root")]
    Root(#[source] RootError),
    /// Its record.
    #[error("cannot read the record")]
    Record(#[source] OpenError),
    /// Its files.
    #[error("cannot verify")]
    Verify(#[source] VerifyError),
}

impl State {
    /// Looks at a root.
    ///
    /// # Errors
    ///
    /// Returns what cannot be looked at.
    pub fn read(root: &Path) -> Result<Self, StateError> {
        let mut text = String::new();
        list(root, Path::new(""), &mut text).map_err(StateError::File)?;
        // A record that was begun and never held anything is like none.
        if is_empty(&root.join(RECORD).join("packages"))
            && is_empty(&root.join(RECORD).join("history"))
        {
            return Ok(State(text));
        }
        for name in COMPARED {
            let at = Path::new(RECORD).join(name);
            list_one(root, &at, &mut text).map_err(StateError::File)?;
        }
        let directory = RootDir::open(root).map_err(StateError::Root)?;
        let database = check_database(&directory).map_err(StateError::Record)?;
        let _ = writeln!(
            text,
            "database {:?}",
            database.is_clean().then_some(()).ok_or(database)
        );
        let sysroot = Sysroot::open(directory, Unmanaged::Refuse).map_err(StateError::Record)?;
        let _ = writeln!(text, "notices {:?}", sysroot.notices());
        let report = sysroot
            .verify(&VerifyRequest::all(), &Quiet)
            .map_err(StateError::Verify)?;
        for found in report.findings {
            let _ = writeln!(text, "finding {} {}", found.path, found.what);
        }
        Ok(State(text))
    }

    /// Returns the lines that only one of two states has.
    #[must_use]
    pub fn difference(&self, other: &State) -> Vec<String> {
        let only = |sign, one: &State, two: &State| {
            let lines = one
                .0
                .lines()
                .filter(|line| !two.0.lines().any(|other| other == *line));
            lines
                .map(|line| format!("{sign}{line}"))
                .collect::<Vec<_>>()
        };
        [only('-', self, other), only('+', other, self)].concat()
    }
}

fn is_empty(directory: &Path) -> bool {
    !fs::read_dir(directory).is_ok_and(|mut entries| entries.next().is_some())
}

/// Lists what is below a directory, but for the record.
fn list(root: &Path, below: &Path, text: &mut String) -> io::Result<()> {
    let mut names: Vec<PathBuf> = fs::read_dir(root.join(below))?
        .map(|entry| entry.map(|entry| below.join(entry.file_name())))
        .collect::<io::Result<_>>()?;
    names.sort();
    for name in names {
        // What a file system makes for itself.
        if name != Path::new("lost+found") && name != Path::new("var") {
            list_one(root, &name, text)?;
        }
    }
    Ok(())
}

fn list_one(root: &Path, at: &Path, text: &mut String) -> io::Result<()> {
    let path = root.join(at);
    let found = match fs::symlink_metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found?,
    };
    let content = if found.is_symlink() {
        fs::read_link(&path)?.display().to_string()
    } else if found.is_file() {
        Sha256::of(&fs::read(&path)?).to_string()
    } else {
        String::new()
    };
    let links = if found.is_dir() { 0 } else { found.nlink() };
    let _ = writeln!(
        text,
        "{} {:o} {}:{} {links} {content}",
        at.display(),
        found.mode(),
        found.uid(),
        found.gid()
    );
    if found.is_dir() {
        list(root, at, text)?;
    }
    Ok(())
}
