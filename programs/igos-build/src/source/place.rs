//! Copies of verified sources in the directory of a build.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use fs_err as fs;
use igos_format::{Hasher, PackageName, Sha256};
use igos_recipe::{Recipe, SourceKind};
use igos_report::Explain;

use super::directory::DirectoryError;
use super::gather::{ReadySource, SourceBytes};
use super::unpack::{Strip, UnpackItem, UnpackKind};
use crate::execute::PatchPlace;

/// A verified source cannot be given to a build.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// A file cannot be read or made.
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
    /// A file changed after it was verified.
    #[error("source {} of {package} changed after it was verified", path.display())]
    Changed {
        /// The package.
        package: PackageName,
        /// The file.
        path: PathBuf,
    },
    /// A patch is not what the recipe says.
    #[error("patch {file} of {package} has digest {actual}, recipe says {expected}")]
    WrongPatch {
        /// The package.
        package: PackageName,
        /// The patch, as the recipe names it.
        file: String,
        /// What the recipe says.
        expected: Sha256,
        /// What it is.
        actual: Sha256,
    },
    /// A patch is not there.
    #[error("patch {file} of {package} is neither in the recipe nor among its sources")]
    NoPatch {
        /// The package.
        package: PackageName,
        /// The patch.
        file: String,
    },
}

impl Explain for PlaceError {
    fn code(&self) -> &'static str {
        match self {
            PlaceError::Io { .. } => "source-not-copied",
            PlaceError::Changed { .. } => "source-changed",
            PlaceError::WrongPatch { .. } => "patch-digest-mismatch",
            PlaceError::NoPatch { .. } => "patch-missing",
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            PlaceError::Io { .. } => Vec::new(),
            PlaceError::Changed { .. } => vec!["run the command again".into()],
            PlaceError::WrongPatch { package, .. } | PlaceError::NoPatch { package, .. } => {
                vec![format!(
                    "correct the recipe: `igos-build recipe checksum {package}`"
                )]
            }
        }
    }

    fn exit_code(&self) -> u8 {
        match self {
            PlaceError::WrongPatch { .. } | PlaceError::NoPatch { .. } => 1,
            PlaceError::Io { .. } | PlaceError::Changed { .. } => 4,
        }
    }
}

fn io(action: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> PlaceError {
    let path = path.to_owned();
    move |source| PlaceError::Io {
        action,
        path,
        source,
    }
}

/// Copies the sources into `directory`, which the sandbox sees as `seen`, and returns what unpacking has to do.
///
/// # Errors
///
/// Returns what cannot be copied, and a source that changed after it was verified.
pub fn place_sources(
    recipe: &Recipe,
    sources: &[ReadySource],
    directory: &Path,
    seen: &str,
) -> Result<Vec<UnpackItem>, PlaceError> {
    let mut items = Vec::new();
    for (number, (source, ready)) in recipe.sources.iter().zip(sources).enumerate() {
        let name = free_name(
            directory,
            &ready.input,
            number + 1,
            recipe.dialect.is_kiss(),
        );
        let to = directory.join(&name);
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent).map_err(io("make", parent))?;
        }
        let kind = match &ready.bytes {
            SourceBytes::Fetched(fetched) => {
                copy_verified(&recipe.name, fetched.path(), &to, ready.input.content)?;
                let is_archive = source.extract || matches!(source.kind, SourceKind::Git { .. });
                if source.kind == SourceKind::Crate {
                    UnpackKind::Crate(ready.input.content)
                } else if is_archive {
                    UnpackKind::Archive
                } else {
                    UnpackKind::File
                }
            }
            SourceBytes::File(path) => {
                copy_verified(&recipe.name, path, &to, ready.input.content)?;
                if source.extract {
                    UnpackKind::Archive
                } else {
                    UnpackKind::File
                }
            }
            SourceBytes::Directory(directory) => {
                let failed = |error: DirectoryError| io(error.action, &error.path)(error.source);
                directory.copy_to(&to).map_err(failed)?;
                if directory.at(&to).digest().map_err(failed)? != ready.input.content {
                    return Err(PlaceError::Changed {
                        package: recipe.name.clone(),
                        path: directory.path().to_owned(),
                    });
                }
                UnpackKind::Directory
            }
        };
        items.push(UnpackItem {
            file: format!("{seen}/{name}"),
            name: ready.input.file_name.clone(),
            destination: ready.input.destination.clone(),
            kind,
            strip: strip(recipe, &source.kind),
            member: None,
        });
    }
    Ok(items)
}

/// Returns which directories of an archive are left out: none of a git checkout; else as the dialect does.
fn strip(recipe: &Recipe, kind: &SourceKind) -> Strip {
    match (kind, recipe.dialect) {
        (SourceKind::Git { .. }, _) => Strip::Nothing,
        (_, igos_recipe::Dialect::KissNg) => Strip::OnlyTop,
        _ => Strip::EachTop,
    }
}

/// Returns the path of a source among the sources: its file name, below its destination for KISS, and below its
/// number if that is taken.
fn free_name(
    directory: &Path,
    input: &crate::plan::SourceInput,
    number: usize,
    is_kiss: bool,
) -> String {
    let plain = input.file_name.trim_start_matches('.').to_owned();
    let plain = if plain.is_empty() {
        format!("source-{number}")
    } else {
        plain
    };
    let name = match input.destination.trim_matches('/') {
        destination
            if is_kiss
                && !destination.is_empty()
                && !destination.split('/').any(|part| part == "..") =>
        {
            format!("{destination}/{plain}")
        }
        _ => plain.clone(),
    };
    if directory.join(&name).exists() {
        format!("{number}/{plain}")
    } else {
        name
    }
}

/// Copies the patches of a recipe, out of its directory or from among its sources, and returns what has to be
/// decompressed.
///
/// # Errors
///
/// Returns a patch that is missing or is not what the recipe says.
pub fn place_patches(
    recipe: &Recipe,
    recipe_copy: &Path,
    directory: &Path,
    seen: &str,
) -> Result<Vec<UnpackItem>, PlaceError> {
    let mut items = Vec::new();
    for (index, patch) in recipe.patches.iter().enumerate() {
        let place = PatchPlace::of(&recipe.patches, index);
        let name = place.name;
        let below = place.directory.clone().unwrap_or_default();
        let among_sources = directory.join(&below).join(name);
        let own = [
            recipe_copy.join(&patch.file),
            recipe_copy.join("patches").join(name),
        ];
        if let Some(own) = own.iter().find(|path| path.is_file())
            && !among_sources.exists()
        {
            let parent = directory.join(&below);
            fs::create_dir_all(&parent).map_err(io("make", &parent))?;
            fs::copy(own, &among_sources).map_err(io("copy", own))?;
        }
        if !among_sources.is_file() {
            return Err(PlaceError::NoPatch {
                package: recipe.name.clone(),
                file: patch.file.clone(),
            });
        }
        if let Some(expected) = patch.sha256 {
            let actual = copy_hashing(&among_sources, &mut std::io::sink())?;
            if actual != expected {
                return Err(PlaceError::WrongPatch {
                    package: recipe.name.clone(),
                    file: patch.file.clone(),
                    expected,
                    actual,
                });
            }
        }
        if place.is_compressed() {
            let file = Path::new(seen).join(&below).join(name);
            items.push(UnpackItem {
                file: file.display().to_string(),
                name: place.plain_name().to_owned(),
                destination: below,
                kind: UnpackKind::Decompress,
                strip: Strip::Nothing,
                member: None,
            });
        }
    }
    Ok(items)
}

/// Copies a file and compares the copy with the digest it must have.
fn copy_verified(
    package: &PackageName,
    from: &Path,
    to: &Path,
    expected: Sha256,
) -> Result<(), PlaceError> {
    use std::os::unix::fs::PermissionsExt as _;

    let mut out = fs::File::create_new(to).map_err(io("make", to))?;
    if copy_hashing(from, &mut out)? != expected {
        return Err(PlaceError::Changed {
            package: package.clone(),
            path: from.to_owned(),
        });
    }
    // Scripts of a recipe stay executable; files of the store never are.
    let mode = fs::metadata(from)
        .map_err(io("look at", from))?
        .permissions()
        .mode();
    let mode = if mode & 0o100 == 0 { 0o644 } else { 0o755 };
    fs::set_permissions(to, std::fs::Permissions::from_mode(mode))
        .map_err(io("set the mode of", to))
}

fn copy_hashing(from: &Path, out: &mut dyn Write) -> Result<Sha256, PlaceError> {
    let mut file = fs::File::open(from).map_err(io("open", from))?;
    let mut hasher = Hasher::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let count = file.read(&mut buffer).map_err(io("read", from))?;
        if count == 0 {
            return Ok(hasher.sha256());
        }
        hasher.update(&buffer[..count]);
        out.write_all(&buffer[..count]).map_err(io("copy", from))?;
    }
}
