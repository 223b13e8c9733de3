//! The list of scripts.

use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use fs_err as fs;
use igos_format::RelPath;
use igos_recipe::{FileKind, FileList};
use igos_report::Diagnostic;

use super::ScriptsError;
use crate::source::RecipeFiles;

/// Largest order file, in bytes; the longest known one has a hundred lines.
const FILE_MAX_BYTES: u64 = 1024 * 1024;
/// Most files beside an order file.
const FILES_MAX: usize = 100_000;
/// Most scripts of one order file.
const SCRIPTS_MAX: usize = 10_000;

/// A list of scripts, all of which are there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderFile {
    /// The directory that it lies in, and that paths are relative to.
    pub directory: PathBuf,
    /// Its own name.
    pub name: String,
    /// The scripts in their order.
    pub scripts: Vec<Script>,
}

/// One script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// Its path below the directory.
    pub path: String,
    /// What runs it.
    pub interpreter: &'static str,
}

impl OrderFile {
    /// Reads a file: one path of a script on each line, `.sh` or `.py`; lines that are empty or begin with `#` say
    /// nothing, and a carriage return at the end of a line does not belong to it.
    ///
    /// # Errors
    ///
    /// Returns everything that is wrong with it, scripts that are not there among it.
    pub fn load(file: &Path) -> Result<Self, ScriptsError> {
        let size = fs::metadata(file)
            .map_err(ScriptsError::io("look at", file))?
            .len();
        let invalid = |problems| ScriptsError::Order {
            file: file.to_owned(),
            problems,
        };
        if size > FILE_MAX_BYTES {
            let message = format!("it is larger than {FILE_MAX_BYTES} bytes");
            return Err(invalid(vec![Diagnostic::error(
                "order-file-invalid",
                message,
            )]));
        }
        let text = fs::read_to_string(file).map_err(ScriptsError::io("read", file))?;
        let place = fs::canonicalize(file).map_err(ScriptsError::io("find", file))?;
        let directory = place.parent().unwrap_or(Path::new("/")).to_owned();
        let name = place.file_name().unwrap_or_default();
        let name = name.to_string_lossy().into_owned();
        let shown = file.display().to_string();
        let mut problems = Vec::new();
        let mut scripts = Vec::new();
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            let path = line.trim();
            let start = at + (line.len() - line.trim_start().len());
            at += line.len();
            if path.is_empty() || path.starts_with('#') {
                continue;
            }
            match script(&directory, path) {
                Ok(script) => scripts.push(script),
                Err(reason) => {
                    let message = format!("{path:?} {reason}");
                    let problem = Diagnostic::error("order-file-invalid", message);
                    problems.push(problem.at_source(&shown, &text, start..start + path.len()));
                }
            }
        }
        if scripts.len() > SCRIPTS_MAX {
            let message = format!("it names more than {SCRIPTS_MAX} scripts");
            problems.push(Diagnostic::error("order-file-invalid", message).at(&shown));
        }
        if scripts.is_empty() && problems.is_empty() {
            let message = "it names no script";
            problems.push(Diagnostic::error("order-file-invalid", message).at(&shown));
        }
        if problems.is_empty() {
            Ok(OrderFile {
                directory,
                name,
                scripts,
            })
        } else {
            Err(invalid(problems))
        }
    }

    /// Reads everything beside the order file, but neither that nor `.git`: what scripts can see. Links to directories
    /// are left out.
    ///
    /// # Errors
    ///
    /// Returns what cannot be read, lies elsewhere or is too much.
    pub fn files(&self) -> Result<RecipeFiles, ScriptsError> {
        let mut listed = FileList::new();
        let mut open = vec![String::new()];
        while let Some(below) = open.pop() {
            let directory = self.directory.join(&below);
            let failed = || ScriptsError::io("read", &directory);
            for entry in fs::read_dir(&directory).map_err(failed())? {
                let entry = entry.map_err(failed())?;
                let Ok(name) = entry.file_name().into_string() else {
                    let source = io::Error::other("its name is not UTF-8");
                    return Err(ScriptsError::io("read", entry.path())(source));
                };
                let path = match below.as_str() {
                    "" => name,
                    below => format!("{below}/{name}"),
                };
                if path == ".git" || path == self.name {
                    continue;
                }
                let kind = entry.file_type().map_err(failed())?;
                let found = fs::metadata(entry.path()).map_err(failed())?;
                if kind.is_dir() {
                    listed.insert(path.clone(), FileKind::Directory);
                    open.push(path);
                } else if found.is_file() {
                    let is_executable = found.permissions().mode() & 0o100 != 0;
                    let kind = match is_executable {
                        true => FileKind::Executable,
                        false => FileKind::File,
                    };
                    listed.insert(path, kind);
                }
                if listed.len() > FILES_MAX {
                    let reason =
                        format!("there are more than {FILES_MAX} files beside the scripts");
                    let source = io::Error::other(reason);
                    return Err(ScriptsError::io("read", &self.directory)(source));
                }
            }
        }
        let trees = std::slice::from_ref(&self.directory);
        Ok(RecipeFiles::read(&self.directory, &listed, trees)?)
    }
}

fn script(directory: &Path, path: &str) -> Result<Script, &'static str> {
    if path.parse::<RelPath>().is_err() {
        return Err("is no path below the directory of this file");
    }
    let interpreter = match path.rsplit_once('.') {
        Some((_, "sh")) => "bash",
        Some((_, "py")) => "python3",
        _ => return Err("is neither .sh nor .py"),
    };
    // A link could lead out of the directory, of which alone scripts see a copy.
    match fs::symlink_metadata(directory.join(path)) {
        Ok(found) if found.is_file() => Ok(Script {
            path: path.to_owned(),
            interpreter,
        }),
        Ok(_) => Err("is no file"),
        Err(_) => Err("is not there"),
    }
}

#[cfg(test)]
mod tests {
    use super::{OrderFile, ScriptsError};

    fn load(text: &str) -> Result<Vec<(String, &'static str)>, Vec<String>> {
        let directory = tempfile::tempdir().expect("a temporary directory");
        fs_err::create_dir(directory.path().join("steps")).expect("it is ours");
        for name in ["a.sh", "steps/b.py", "c.pl"] {
            fs_err::write(directory.path().join(name), "").expect("it is ours");
        }
        let file = directory.path().join("build_order.txt");
        fs_err::write(&file, text).expect("it is ours");
        match OrderFile::load(&file) {
            Ok(order) => Ok(order
                .scripts
                .into_iter()
                .map(|script| (script.path, script.interpreter))
                .collect()),
            Err(ScriptsError::Order { problems, .. }) => {
                Err(problems.into_iter().map(|one| one.message).collect())
            }
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn comments_and_carriage_returns_are_no_part_of_paths() {
        assert_eq!(
            load("# first\r\na.sh\r\n\n  steps/b.py  \na.sh"),
            Ok(vec![
                ("a.sh".to_owned(), "bash"),
                ("steps/b.py".to_owned(), "python3"),
                ("a.sh".to_owned(), "bash")
            ])
        );
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        assert_eq!(
            load("../a.sh\n/a.sh\nc.pl\nnone.sh\nsteps\na.sh\n"),
            Err(vec![
                "\"../a.sh\" is no path below the directory of this file".to_owned(),
                "\"/a.sh\" is no path below the directory of this file".to_owned(),
                "\"c.pl\" is neither .sh nor .py".to_owned(),
                "\"none.sh\" is not there".to_owned(),
                "\"steps\" is neither .sh nor .py".to_owned(),
            ])
        );
        assert_eq!(
            load("# nothing\n"),
            Err(vec!["it names no script".to_owned()])
        );
    }
}
