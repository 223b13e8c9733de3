//! The files of a recipe's directory, with their digests.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use fs_err as fs;
use igos_format::{Hasher, Sha256};
use igos_recipe::{FileKind, FileList};
use igos_report::Explain;

use crate::plan::RecipeFile;

/// Largest file of a recipe's directory, in bytes: sources that a tree carries itself are the largest.
const FILE_MAX_BYTES: u64 = 1 << 30;

/// Every file of a recipe's directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecipeFiles {
    directory: PathBuf,
    files: BTreeMap<String, RecipeFile>,
    directories: Vec<String>,
}

/// The directory of a recipe cannot be taken into a build.
#[derive(Debug, thiserror::Error)]
pub enum RecipeFilesError {
    /// A file cannot be read or copied.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The path.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A symbolic link leads out of the recipe trees: its target is none of the recipe's business.
    #[error("recipe file {} is a link to {}, which lies in no recipe tree", path.display(), target.display())]
    Elsewhere {
        /// The link.
        path: PathBuf,
        /// Where it leads.
        target: PathBuf,
    },
    /// A file is larger than the limit.
    #[error("recipe file {} is larger than {FILE_MAX_BYTES} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// A file changed after its digest was taken.
    #[error("recipe file {} changed while it was read", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
}

impl Explain for RecipeFilesError {
    fn code(&self) -> &'static str {
        match self {
            RecipeFilesError::Io { .. } => "recipe-unreadable",
            RecipeFilesError::Elsewhere { .. } => "recipe-file-elsewhere",
            RecipeFilesError::TooLarge { .. } => "recipe-file-too-large",
            RecipeFilesError::Changed { .. } => "recipe-changed",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            RecipeFilesError::Io { .. } => Vec::new(),
            RecipeFilesError::Elsewhere { .. } => {
                vec![
                    "copy the file into the recipe, or add the tree it lies in to `--recipes`"
                        .into(),
                ]
            }
            RecipeFilesError::TooLarge { .. } => vec!["list it among the sources".into()],
            RecipeFilesError::Changed { .. } => vec!["run the command again".into()],
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            RecipeFilesError::Elsewhere { .. } | RecipeFilesError::TooLarge { .. } => 1,
            RecipeFilesError::Io { .. } | RecipeFilesError::Changed { .. } => 4,
        }
    }
}

fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> RecipeFilesError {
    let path = path.to_owned();
    move |source| RecipeFilesError::Io {
        action,
        path,
        source,
    }
}

impl RecipeFiles {
    /// Reads the files that `listed` names in `directory`. Symbolic links may lead to files of any of `trees`:
    /// KISS recipes share files that way.
    ///
    /// # Errors
    ///
    /// Returns what cannot be read, is too large, or lies elsewhere.
    pub fn read(
        directory: &Path,
        listed: &FileList,
        trees: &[PathBuf],
    ) -> Result<Self, RecipeFilesError> {
        let trees: Vec<PathBuf> = trees
            .iter()
            .map(|tree| fs::canonicalize(tree).map_err(io("find", tree)))
            .collect::<Result<_, _>>()?;
        let mut recipe = RecipeFiles {
            directory: directory.to_owned(),
            files: BTreeMap::new(),
            directories: Vec::new(),
        };
        for (name, kind) in listed {
            let path = directory.join(name);
            if *kind == FileKind::Directory {
                recipe.directories.push(name.clone());
                continue;
            }
            let target = fs::canonicalize(&path).map_err(io("find", &path))?;
            if !trees.iter().any(|tree| target.starts_with(tree)) {
                return Err(RecipeFilesError::Elsewhere { path, target });
            }
            let sha256 = digest(&path, &mut std::io::sink())?;
            let is_executable = *kind == FileKind::Executable;
            recipe.files.insert(
                name.clone(),
                RecipeFile {
                    sha256,
                    is_executable,
                },
            );
        }
        Ok(recipe)
    }

    /// Returns those files whose paths are wanted, and all directories.
    pub(crate) fn only(&self, is_wanted: impl Fn(&str) -> bool) -> Self {
        let mut some = self.clone();
        some.files.retain(|path, _| is_wanted(path));
        some
    }

    /// Returns every file by its path below the directory.
    #[must_use]
    pub fn files(&self) -> &BTreeMap<String, RecipeFile> {
        &self.files
    }

    /// Returns the directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Copies the files into the existing directory `to`, with the same modes everywhere.
    ///
    /// # Errors
    ///
    /// Returns what cannot be copied, and a file that changed after its digest was taken.
    pub fn copy_to(&self, to: &Path) -> Result<(), RecipeFilesError> {
        for name in &self.directories {
            let path = to.join(name);
            fs::create_dir_all(&path).map_err(io("make", &path))?;
            set_mode(&path, 0o755)?;
        }
        for (name, file) in &self.files {
            let target = to.join(name);
            let mut out = fs::File::create_new(&target).map_err(io("make", &target))?;
            if digest(&self.directory.join(name), &mut out)? != file.sha256 {
                return Err(RecipeFilesError::Changed {
                    path: self.directory.join(name),
                });
            }
            set_mode(&target, if file.is_executable { 0o755 } else { 0o644 })?;
        }
        Ok(())
    }
}

fn set_mode(path: &Path, mode: u32) -> Result<(), RecipeFilesError> {
    use std::os::unix::fs::PermissionsExt as _;

    fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
        .map_err(io("set the mode of", path))
}

/// Returns the digest of a file, copying it to `out`.
fn digest(path: &Path, out: &mut dyn std::io::Write) -> Result<Sha256, RecipeFilesError> {
    let file = fs::File::open(path).map_err(io("open", path))?;
    let mut reader = file.take(FILE_MAX_BYTES + 1);
    let mut hasher = Hasher::new();
    let mut buffer = vec![0; 128 * 1024];
    loop {
        let count = reader.read(&mut buffer).map_err(io("read", path))?;
        if count == 0 {
            break;
        }
        hasher.update(&buffer[..count]);
        out.write_all(&buffer[..count]).map_err(io("copy", path))?;
    }
    if hasher.length() > FILE_MAX_BYTES {
        return Err(RecipeFilesError::TooLarge {
            path: path.to_owned(),
        });
    }
    Ok(hasher.sha256())
}
