//! Reads the files of one recipe directory, and nothing outside the search path.

use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use fs_err::os::unix::fs::OpenOptionsExt;
use igos_recipe::{FileKind, FileList, RECIPE_MAX_BYTES};
use igos_report::Diagnostic;

/// Deepest directory below a recipe's directory that is listed.
const DEPTH_MAX: usize = 16;
/// Most entries of one recipe's directory.
const ENTRIES_MAX: usize = 20_000;

/// The directories that links may lead to, without links themselves.
#[derive(Debug, Clone, Default)]
pub(super) struct Bounds(Vec<PathBuf>);

impl Bounds {
    /// Returns the bounds of directories that exist; others are reported when they are scanned.
    pub(super) fn new(directories: &[PathBuf]) -> Self {
        let found = directories
            .iter()
            .filter_map(|directory| fs_err::canonicalize(directory).ok());
        Bounds(found.collect())
    }

    /// Tells whether `path` lies inside, all links followed.
    pub(super) fn contain(&self, path: &Path) -> io::Result<bool> {
        let real = fs_err::canonicalize(path)?;
        Ok(self.0.iter().any(|bound| real.starts_with(bound)))
    }
}

/// Returns what a path is, links followed, `None` for what recipes cannot have.
pub(super) fn kind_of(metadata: &std::fs::Metadata) -> Option<FileKind> {
    if metadata.is_dir() {
        Some(FileKind::Directory)
    } else if !metadata.is_file() {
        None
    } else if metadata.permissions().mode() & 0o100 != 0 {
        Some(FileKind::Executable)
    } else {
        Some(FileKind::File)
    }
}

/// Lists everything below a recipe's directory.
pub(super) fn list(
    directory: &Path,
    bounds: &Bounds,
    diagnostics: &mut Vec<Diagnostic>,
) -> FileList {
    let mut listing = Listing {
        bounds,
        found: FileList::new(),
        diagnostics,
    };
    let mut waiting = vec![(directory.to_owned(), String::new(), 0)];
    while let Some((path, prefix, depth)) = waiting.pop() {
        let result = listing.directory(&path, &prefix, depth, &mut waiting);
        if let Err(error) = result {
            listing.unreadable(&path, &error);
        }
        if listing.found.len() > ENTRIES_MAX {
            let message = format!("the recipe has more than {ENTRIES_MAX} files");
            listing.refuse("recipe-too-large", message, directory);
            break;
        }
    }
    listing.found
}

struct Listing<'a> {
    bounds: &'a Bounds,
    found: FileList,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl Listing<'_> {
    fn refuse(&mut self, code: &str, message: String, path: &Path) {
        let place = path.display().to_string();
        self.diagnostics
            .push(Diagnostic::error(code, message).at(place));
    }

    fn unreadable(&mut self, path: &Path, error: &io::Error) {
        let diagnostic = Diagnostic::error("recipe-unreadable", "cannot read a file of the recipe");
        let place = path.display().to_string();
        self.diagnostics
            .push(diagnostic.because(error.to_string()).at(place));
    }

    fn directory(
        &mut self,
        path: &Path,
        prefix: &str,
        depth: usize,
        waiting: &mut Vec<(PathBuf, String, usize)>,
    ) -> io::Result<()> {
        for entry in fs_err::read_dir(path)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else {
                self.refuse(
                    "recipe-file-name",
                    "a file name is not UTF-8".to_owned(),
                    &entry.path(),
                );
                continue;
            };
            let is_link = entry.file_type()?.is_symlink();
            let shown = format!("{prefix}{name}");
            let path = entry.path();
            let metadata = match fs_err::metadata(&path) {
                Ok(metadata) => metadata,
                Err(error) => {
                    self.unreadable(&path, &error);
                    continue;
                }
            };
            if is_link && !self.bounds.contain(&path)? {
                let message = format!("`{shown}` is a link that leads out of the recipes");
                self.refuse("recipe-file-outside", message, &path);
                continue;
            }
            let Some(kind) = kind_of(&metadata) else {
                let message = format!("`{shown}` is neither a file nor a directory");
                self.refuse("recipe-file-irregular", message, &path);
                continue;
            };
            if kind == FileKind::Directory && depth < DEPTH_MAX {
                waiting.push((path, format!("{shown}/"), depth + 1));
            }
            self.found.insert(shown, kind);
        }
        Ok(())
    }
}

/// Reads a file that [`list`] found, up to [`RECIPE_MAX_BYTES`].
pub(super) fn read(
    directory: &Path,
    name: &str,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Vec<u8>> {
    let path = directory.join(name);
    let place = path.display().to_string();
    match read_bounded(&path) {
        Ok(Some(bytes)) => Some(bytes),
        Ok(None) => {
            let message = format!("`{name}` has more than {RECIPE_MAX_BYTES} bytes");
            diagnostics.push(Diagnostic::error("recipe-too-large", message).at(place));
            None
        }
        Err(error) => {
            let diagnostic =
                Diagnostic::error("recipe-unreadable", "cannot read a file of the recipe");
            diagnostics.push(diagnostic.because(error.to_string()).at(place));
            None
        }
    }
}

/// Reads a file, `None` if it is too long.
pub(super) fn read_bounded(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let nonblocking = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    // A pipe put in the place of the file since it was listed must not hold us up.
    let file = fs_err::OpenOptions::new()
        .read(true)
        .custom_flags(nonblocking)
        .open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is not a regular file",
        ));
    }
    if metadata.len() > RECIPE_MAX_BYTES {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    let read = file.take(RECIPE_MAX_BYTES + 1).read_to_end(&mut bytes)?;
    Ok((read as u64 <= RECIPE_MAX_BYTES).then_some(bytes))
}
