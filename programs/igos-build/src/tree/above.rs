//! What a recipe may name above its own directory: the directories that hold its whole tree, as a workspace holds the
//! recipes of its own programs.

use std::io;
use std::path::{Component, Path, PathBuf};

use igos_recipe::LockAbsent;

use super::files::read_bounded;

/// A directory above a recipe cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum AboveError {
    /// It is not there, or cannot be looked at.
    #[error("cannot find {}", path.display())]
    Absent {
        /// The path.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The tree of the recipe does not lie in it.
    #[error("{} does not hold the recipe tree {}", path.display(), tree.display())]
    Apart {
        /// The path.
        path: PathBuf,
        /// The tree.
        tree: PathBuf,
    },
}

/// Returns the directory that `steps`, which is made of `..` alone, means for a recipe in `directory`, a part of
/// `tree`. Its path has no links.
///
/// # Errors
///
/// Returns that it cannot be found or does not hold the tree.
pub(crate) fn above(directory: &Path, tree: &Path, steps: &Path) -> Result<PathBuf, AboveError> {
    let real = |path: &Path| {
        fs_err::canonicalize(path).map_err(|source| AboveError::Absent {
            path: path.to_owned(),
            source,
        })
    };
    let path = real(&directory.join(steps))?;
    let tree = real(tree)?;
    if tree.starts_with(&path) {
        Ok(path)
    } else {
        Err(AboveError::Apart { path, tree })
    }
}

/// Reads the `Cargo.lock` at `location`, which lies in the recipe's directory or in one that holds its tree.
///
/// # Errors
///
/// Returns that it is not there, or why it is refused.
pub(super) fn read_lock(
    directory: &Path,
    tree: &Path,
    location: &str,
) -> Result<Vec<u8>, LockAbsent> {
    let refused = |reason: &str| LockAbsent::Refused(reason.to_owned());
    let failed = |error: &io::Error| match error.kind() {
        io::ErrorKind::NotFound => LockAbsent::Missing,
        _ => LockAbsent::Refused(error.to_string()),
    };
    let path = Path::new(location);
    let is_step = |component: &Component<'_>| *component == Component::ParentDir;
    let steps: PathBuf = path.components().take_while(is_step).collect();
    let rest: PathBuf = path.components().skip_while(is_step).collect();
    let is_plain = |component| matches!(component, Component::Normal(_));
    if rest.as_os_str().is_empty() || !rest.components().all(is_plain) {
        return Err(refused("it is no path of a file"));
    }
    let base = if steps.as_os_str().is_empty() {
        fs_err::canonicalize(directory).map_err(|error| failed(&error))?
    } else {
        above(directory, tree, &steps).map_err(|error| match error {
            AboveError::Absent { source, .. } => failed(&source),
            AboveError::Apart { .. } => LockAbsent::Refused(error.to_string()),
        })?
    };
    let file = base.join(rest);
    if fs_err::canonicalize(&file).map_err(|error| failed(&error))? != file {
        return Err(refused("it is a link, or lies behind one"));
    }
    match read_bounded(&file) {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => Err(refused("it is too large")),
        Err(error) => Err(failed(&error)),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use fs_err as fs;
    use igos_recipe::LockAbsent;

    use super::{AboveError, above, read_lock};

    /// Returns a workspace with a recipe tree in it.
    fn workspace() -> tempfile::TempDir {
        let top = tempfile::tempdir().expect("a temporary directory");
        fs::create_dir_all(top.path().join("packages/core/a/files")).expect("made");
        fs::write(top.path().join("Cargo.lock"), "version = 4\n").expect("written");
        top
    }

    fn read(top: &Path, location: &str) -> Result<Vec<u8>, LockAbsent> {
        let (recipe, tree) = (top.join("packages/core/a"), top.join("packages"));
        read_lock(&recipe, &tree, location)
    }

    fn refusal(top: &Path, location: &str) -> String {
        match read(top, location) {
            Err(LockAbsent::Refused(reason)) => reason,
            other => panic!("{location}: {other:?}"),
        }
    }

    #[test]
    fn directories_that_hold_the_whole_tree_can_be_named() {
        let top = workspace();
        let (recipe, tree) = (
            top.path().join("packages/core/a"),
            top.path().join("packages"),
        );
        let found = above(&recipe, &tree, Path::new("../../..")).expect("it holds the tree");
        assert_eq!(found, fs::canonicalize(top.path()).expect("it is there"));
        above(&recipe, &tree, Path::new("../..")).expect("the tree holds itself");
        for steps in ["..", "../../core"] {
            let refused = above(&recipe, &tree, Path::new(steps));
            assert!(matches!(refused, Err(AboveError::Apart { .. })), "{steps}");
        }
    }

    #[test]
    fn lock_is_read_beside_the_recipe_and_above_its_tree() {
        let top = workspace();
        let text = b"version = 4\n".to_vec();
        assert_eq!(read(top.path(), "../../../Cargo.lock"), Ok(text.clone()));
        let own = top.path().join("packages/core/a/files/Cargo.lock");
        fs::write(own, &text).expect("written");
        assert_eq!(read(top.path(), "files/Cargo.lock"), Ok(text));
        for absent in ["Cargo.lock", "../../../other/Cargo.lock"] {
            assert_eq!(
                read(top.path(), absent),
                Err(LockAbsent::Missing),
                "{absent}"
            );
        }
    }

    #[test]
    fn lock_elsewhere_or_behind_links_is_refused() {
        let top = workspace();
        let lock = top.path().join("packages/core/Cargo.lock");
        fs::write(&lock, "version = 4\n").expect("written");
        let reason = refusal(top.path(), "../Cargo.lock");
        assert!(reason.contains("does not hold the recipe tree"), "{reason}");
        symlink(&lock, top.path().join("link.lock")).expect("linked");
        symlink("packages", top.path().join("other")).expect("linked");
        for location in ["../../../link.lock", "../../../other/core/Cargo.lock"] {
            assert_eq!(
                refusal(top.path(), location),
                "it is a link, or lies behind one"
            );
        }
        let shown = lock.display().to_string();
        for location in ["..", "../../..", "../../../packages/../Cargo.lock", &shown] {
            assert_eq!(refusal(top.path(), location), "it is no path of a file");
        }
    }
}
