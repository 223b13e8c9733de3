//! The files of `sysusers.d` and `tmpfiles.d` in a root, one for each name, by precedence.

use std::collections::BTreeMap;

use igos_format::{RelPath, escape};
use igos_root::{FollowedLinks, Kind, RootDir, RootError};
use serde::Serialize;

use super::report::{Place, Unmade};

/// Longest file read, in bytes; the longest known has six thousand.
const FILE_MAX_BYTES: u64 = 256 * 1024;

/// Longest line read, in bytes.
const LINE_MAX_BYTES: usize = 8 * 1024;

/// Most files read.
const FILES_MAX: usize = 4096;

/// Which kind of declarations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DropIn {
    /// Users and groups.
    Sysusers,
    /// Directories, files, links, and their modes and owners.
    Tmpfiles,
}

impl DropIn {
    /// Both, in the order in which they are carried out.
    pub const ALL: [DropIn; 2] = [DropIn::Sysusers, DropIn::Tmpfiles];

    /// Returns the word of journals and documents: `sysusers` or `tmpfiles`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            DropIn::Sysusers => "sysusers",
            DropIn::Tmpfiles => "tmpfiles",
        }
    }

    /// Returns the directories that such files are in, the one that wins first.
    fn directories(self) -> [RelPath; 4] {
        ["etc", "run", "usr/local/lib", "usr/lib"].map(|above| {
            format!("{above}/{}.d", self.as_str())
                .parse()
                .expect("it is a path")
        })
    }

    /// Returns the name of the file that a place is, if it is a file of this kind.
    pub(crate) fn name_at(self, place: &RelPath) -> Option<&str> {
        let parent = place.parent()?;
        let name = file_name(place.file_name())?;
        self.directories().contains(&parent).then_some(name)
    }
}

/// Returns a name that counts: `*.conf`, not hidden.
fn file_name(name: &[u8]) -> Option<&str> {
    std::str::from_utf8(name)
        .ok()
        .filter(|name| name.ends_with(".conf") && !name.starts_with('.'))
}

/// One line that says something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// Where it is.
    pub(super) place: Place,
    /// What it says, without blanks around.
    pub(super) text: Vec<u8>,
}

/// One file.
#[derive(Debug)]
pub(super) struct File {
    /// Its name.
    pub(super) name: String,
    /// Where it is.
    pub(super) path: RelPath,
    /// What it has.
    pub(super) content: Vec<u8>,
}

/// What of a root can be read.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// By name: the first is the one that counts where two say something of the same thing.
    pub(super) files: Vec<File>,
    /// What could not be read, by name.
    pub(super) unread: Vec<(String, Place, Unmade)>,
}

impl Files {
    /// Reads the files of a kind.
    pub(super) fn read(root: &RootDir, kind: DropIn) -> Result<Self, RootError> {
        let links = FollowedLinks::read(root)?;
        let mut places: BTreeMap<String, RelPath> = BTreeMap::new();
        for directory in kind.directories() {
            let directory = links.directory_place(&directory);
            let entries = match root.directory(&directory) {
                Ok(open) => open
                    .entries()
                    .map_err(|source| RootError::new("list", directory.to_string(), source))?,
                Err(error) if error.is_not_found() || error.is_way_blocked() => continue,
                Err(error) => return Err(error),
            };
            for entry in entries {
                let Some(name) = file_name(&entry.name) else {
                    continue;
                };
                if let Ok(place) = directory.join(&entry.name)
                    && places.len() < FILES_MAX
                {
                    places.entry(name.to_owned()).or_insert(place);
                }
            }
        }
        let mut files = Files::default();
        for (name, path) in places {
            match content(root, &path) {
                Ok(Some(content)) => files.files.push(File {
                    name,
                    path,
                    content,
                }),
                Ok(None) => {}
                Err(why) => {
                    let place = Place {
                        file: path,
                        line: 0,
                    };
                    files.unread.push((name, place, Unmade::Failed(why)));
                }
            }
        }
        Ok(files)
    }
}

/// Returns the content of a file; `None` for a link to `/dev/null`, with which the administrator turns a file off.
fn content(root: &RootDir, path: &RelPath) -> Result<Option<Vec<u8>>, String> {
    let failed = |error: RootError| error.into_io().to_string();
    match root.metadata(path).map_err(failed)?.map(|found| found.kind) {
        None => Ok(None),
        Some(Kind::File) => root.read_file(path, FILE_MAX_BYTES).map_err(failed),
        Some(Kind::Symlink) => match root.read_link(path).map_err(failed)? {
            Some(target) if target == b"/dev/null" => Ok(None),
            Some(target) => Err(format!(
                "it is a link to {}, and links are not followed",
                escape::escape(&target)
            )),
            None => Ok(None),
        },
        Some(other) => Err(format!("it is a {other}")),
    }
}

impl File {
    /// Returns the lines that say something; one that is too long is an error in its place.
    pub(super) fn lines(&self) -> impl Iterator<Item = Result<Line, (Place, Unmade)>> {
        let lines = self.content.split(|byte| *byte == b'\n').enumerate();
        lines.filter_map(|(at, text)| {
            let text = text.trim_ascii();
            if text.is_empty() || text.starts_with(b"#") {
                return None;
            }
            let place = Place {
                file: self.path.clone(),
                line: at + 1,
            };
            if text.len() > LINE_MAX_BYTES || text.contains(&0) {
                let why = "it is longer than 8192 bytes, or has a byte 0".to_owned();
                return Some(Err((place, Unmade::Failed(why))));
            }
            Some(Ok(Line {
                place,
                text: text.to_vec(),
            }))
        })
    }
}
