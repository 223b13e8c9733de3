//! Sources that are directories of this machine: listed, digested and copied.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use fs_err as fs;
use igos_format::{Hasher, PathPattern, RelPath, Sha256, escape};

/// Most files that a directory with a selection gives.
const FILES_MAX: usize = 50_000;
/// What marks a directory of files that some program can make again ("Cache Directory Tagging Specification").
const CACHE_TAG: &str = "CACHEDIR.TAG";
/// Where git keeps what it knows.
const GIT: &str = ".git";

/// Something in a directory cannot be read or copied.
#[derive(Debug)]
pub(crate) struct DirectoryError {
    /// What was tried.
    pub(crate) action: &'static str,
    /// The path.
    pub(crate) path: PathBuf,
    /// Why not.
    pub(crate) source: io::Error,
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> DirectoryError {
    let path = path.to_owned();
    move |source| DirectoryError {
        action,
        path,
        source,
    }
}

/// A directory that is a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalDirectory {
    path: PathBuf,
    /// The files that are taken; everything where empty.
    only: Vec<PathPattern>,
}

enum Kind {
    Directory,
    File,
    Link,
}

impl LocalDirectory {
    /// Returns the directory at `path`, of which those files count that match one of `only`; all and everything
    /// where there is none.
    #[must_use]
    pub fn new(path: PathBuf, only: &[PathPattern]) -> Self {
        LocalDirectory {
            path,
            only: only.to_vec(),
        }
    }

    /// Returns the same selection of a copy.
    pub(super) fn at(&self, path: &Path) -> Self {
        Self::new(path.to_owned(), &self.only)
    }

    /// Returns where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns its digest: of a line for each entry with path, kind, executable bit and content.
    pub(crate) fn digest(&self) -> Result<Sha256, DirectoryError> {
        let mut lines = BTreeSet::new();
        for (relative, kind) in self.entries()? {
            let path = self.path.join(&relative);
            let shown = escape::escape(relative.as_os_str().as_encoded_bytes());
            lines.insert(match kind {
                Kind::Directory => format!("{shown} directory"),
                Kind::Link => {
                    let target = fs::read_link(&path).map_err(failed("read", &path))?;
                    let target = escape::escape(target.as_os_str().as_encoded_bytes());
                    format!("{shown} link {target}")
                }
                Kind::File => file_line(&shown, &path).map_err(failed("read", &path))?,
            });
        }
        let mut hasher = Hasher::new();
        for line in lines {
            hasher.update(line.as_bytes());
            hasher.update(b"\n");
        }
        Ok(hasher.sha256())
    }

    /// Copies it to the directory `to`, which is made.
    pub(super) fn copy_to(&self, to: &Path) -> Result<(), DirectoryError> {
        fs::create_dir_all(to).map_err(failed("make", to))?;
        for (relative, kind) in self.entries()? {
            let (path, target) = (self.path.join(&relative), to.join(&relative));
            if let Some(parent) = target.parent() {
                fs::create_dir_all(parent).map_err(failed("make", parent))?;
            }
            match kind {
                Kind::Directory => fs::create_dir_all(&target).map_err(failed("make", &target))?,
                Kind::Link => {
                    let points_at = fs::read_link(&path).map_err(failed("read", &path))?;
                    fs::os::unix::fs::symlink(points_at, &target)
                        .map_err(failed("make", &target))?;
                }
                Kind::File => {
                    fs::copy(&path, &target).map_err(failed("copy", &path))?;
                }
            }
        }
        Ok(())
    }

    /// Returns the files that are taken, by their paths below the directory, each with whether it can be executed.
    ///
    /// # Errors
    ///
    /// Returns the first that cannot be looked at.
    pub(crate) fn files(&self) -> Result<BTreeMap<PathBuf, bool>, io::Error> {
        let entries = self.entries().map_err(|error| error.source)?;
        let files = entries
            .into_iter()
            .filter(|(_, kind)| matches!(kind, Kind::File));
        files
            .map(|(relative, _)| {
                let metadata = fs::metadata(self.path.join(&relative))?;
                Ok((relative, is_executable(&metadata)))
            })
            .collect()
    }

    /// Returns what is taken, by paths below the directory; directories come before what is in them.
    fn entries(&self) -> Result<BTreeMap<PathBuf, Kind>, DirectoryError> {
        let mut found = BTreeMap::new();
        let mut pending = vec![PathBuf::new()];
        while let Some(below) = pending.pop() {
            let directory = self.path.join(&below);
            let refuse = || failed("read", &directory);
            for entry in fs::read_dir(&directory).map_err(refuse())? {
                let entry = entry.map_err(refuse())?;
                let kind = entry.file_type().map_err(refuse())?;
                let relative = below.join(entry.file_name());
                if self.only.is_empty() {
                    if kind.is_dir() {
                        pending.push(relative.clone());
                    }
                    found.insert(relative, kind_of(kind));
                } else if self.is_selected(&relative, kind)? {
                    if kind.is_dir() {
                        pending.push(relative);
                    } else {
                        found.insert(relative, Kind::File);
                    }
                    if found.len() > FILES_MAX {
                        let many =
                            io::Error::other(format!("more than {FILES_MAX} files are selected"));
                        return Err(failed("read", &self.path)(many));
                    }
                }
            }
        }
        Ok(found)
    }

    /// Tells whether an entry of a directory with a selection is a file that is taken, or a directory that may have
    /// such files.
    fn is_selected(
        &self,
        relative: &Path,
        kind: std::fs::FileType,
    ) -> Result<bool, DirectoryError> {
        let path = self.path.join(relative);
        let refuse = |error| failed("read", &path)(io::Error::other(error));
        let Some(shown) = relative.to_str() else {
            return Err(refuse("its name is not UTF-8"));
        };
        let inner: RelPath = shown
            .parse()
            .map_err(|_| refuse("no package can have its name"))?;
        let is_match = self.only.iter().any(|pattern| pattern.is_match(&inner));
        if kind.is_dir() {
            let is_kept_out = inner.file_name() == GIT.as_bytes()
                || fs::symlink_metadata(path.join(CACHE_TAG)).is_ok();
            let has_files = self
                .only
                .iter()
                .any(|pattern| pattern.may_match_below(&inner));
            return Ok(has_files && !is_kept_out);
        }
        if is_match && !kind.is_file() {
            return Err(refuse("it is a link or something else than a file"));
        }
        Ok(is_match)
    }
}

fn kind_of(kind: std::fs::FileType) -> Kind {
    if kind.is_dir() {
        Kind::Directory
    } else if kind.is_symlink() {
        Kind::Link
    } else {
        Kind::File
    }
}

fn is_executable(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;

    metadata.permissions().mode() & 0o100 != 0
}

fn file_line(shown: &str, path: &Path) -> io::Result<String> {
    let mut file = fs::File::open(path)?;
    let kind = match is_executable(&file.metadata()?) {
        true => "executable",
        false => "file",
    };
    let mut hasher = Hasher::new();
    let mut buffer = vec![0; 128 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            count => hasher.update(&buffer[..count]),
        }
    }
    Ok(format!("{shown} {kind} {}", hasher.sha256()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::path::Path;

    use fs_err as fs;
    use igos_format::Sha256;

    use super::LocalDirectory;

    fn write(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().expect("files are in directories")).expect("made");
        fs::write(path, text).expect("written");
    }

    fn selected(top: &Path, only: &[&str]) -> LocalDirectory {
        let only: Vec<_> = only
            .iter()
            .map(|pattern| pattern.parse().expect("the test gives patterns"))
            .collect();
        LocalDirectory::new(top.to_owned(), &only)
    }

    fn files(directory: &LocalDirectory) -> Vec<String> {
        let files = directory.files().expect("it can be read");
        files
            .keys()
            .map(|path| path.display().to_string())
            .collect()
    }

    #[test]
    fn digest_of_a_whole_directory_is_that_of_its_lines() {
        let top = tempfile::tempdir().expect("a temporary directory");
        write(&top.path().join("a b"), "text\n");
        write(&top.path().join("sub/run"), "program\n");
        let run = top.path().join("sub/run");
        fs::set_permissions(&run, std::fs::Permissions::from_mode(0o755)).expect("set");
        symlink("sub/run", top.path().join("link")).expect("linked");
        let lines = format!(
            "a\\x20b file {}\nlink link sub/run\nsub directory\nsub/run executable {}\n",
            Sha256::of(b"text\n"),
            Sha256::of(b"program\n")
        );
        let directory = selected(top.path(), &[]);
        let digest = directory.digest().expect("it can be read");
        assert_eq!(digest, Sha256::of(lines.as_bytes()));
        let copy = top.path().with_extension("copy");
        directory.copy_to(&copy).expect("it can be copied");
        assert_eq!(
            selected(&copy, &[]).digest().expect("it can be read"),
            digest
        );
        fs::remove_dir_all(copy).expect("it is ours");
    }

    #[test]
    fn selection_takes_what_matches_and_its_digest_is_that_of_the_copy() {
        let top = tempfile::tempdir().expect("a temporary directory");
        for file in [
            "Cargo.toml",
            "README",
            "crates/a/lib.rs",
            "other/b",
            "crates/c",
        ] {
            write(&top.path().join(file), file);
        }
        let directory = selected(top.path(), &["Cargo.*", "crates/**"]);
        assert_eq!(
            files(&directory),
            ["Cargo.toml", "crates/a/lib.rs", "crates/c"]
        );
        let digest = directory.digest().expect("it can be read");
        let copy = top.path().join("other/copy");
        directory.copy_to(&copy).expect("it can be copied");
        assert_eq!(files(&selected(&copy, &["**"])), files(&directory));
        assert_eq!(
            directory.at(&copy).digest().expect("it can be read"),
            digest
        );
        write(&top.path().join("README"), "of no concern");
        assert_eq!(directory.digest().expect("it can be read"), digest);
        write(&top.path().join("crates/c"), "changed");
        assert_ne!(directory.digest().expect("it can be read"), digest);
    }

    #[test]
    fn what_can_be_made_again_and_what_git_keeps_is_never_walked() {
        let top = tempfile::tempdir().expect("a temporary directory");
        write(&top.path().join("a"), "");
        write(&top.path().join(".git/config"), "");
        write(&top.path().join("target/CACHEDIR.TAG"), "");
        write(&top.path().join("target/debug/a"), "");
        // Neither is looked into: what is wrong in them does not matter.
        symlink("nowhere", top.path().join("target/debug/link")).expect("linked");
        assert_eq!(files(&selected(top.path(), &["**"])), ["a"]);
        // A directory that cannot have what is wanted is not read either.
        symlink("nowhere", top.path().join("link")).expect("linked");
        assert_eq!(files(&selected(top.path(), &["a", "sub/**"])), ["a"]);
    }

    #[test]
    fn links_in_a_selection_are_refused() {
        let top = tempfile::tempdir().expect("a temporary directory");
        write(&top.path().join("crates/a"), "");
        let link = top.path().join("crates/link");
        symlink("/etc", &link).expect("linked");
        let directory = selected(top.path(), &["crates/**"]);
        let error = directory.digest().expect_err("it has a link");
        assert_eq!(error.path, link);
        let error = directory
            .copy_to(&top.path().join("copy"))
            .expect_err("it has a link");
        assert_eq!(error.path, link);
    }
}
