//! From what an archive says of its making to the files that it was made from.

use std::collections::BTreeMap;
use std::path::PathBuf;

use igos_cli::{Failure, Globals, Session};
use igos_format::archive::Head;
use igos_format::index::FileName;
use igos_format::manifest::Origin;
use igos_format::{Digest, PackageName, Sha256};
use igos_recipe::SourceKind;
use igos_repo::SourceStore;
use igos_repo::publish::{CorrespondingSources, SourceContent, SourceFile, SourcesAbsent};
use serde::Deserialize;

use super::recipes::RecipeFlags;
use super::workshop::WorkshopFlags;
use crate::source::local_directory;
use crate::tree::{Tree, TreeEntry};

/// Recipes of the search path and the source store of the cache.
pub(super) struct RecipeSources {
    tree: Tree,
    store: SourceStore,
}

/// What is read of a provenance.
#[derive(Deserialize)]
struct Provenance {
    format: u32,
    recipe: Recipe,
    sources: Vec<Source>,
    source_date_epoch: u64,
}

#[derive(Deserialize)]
struct Recipe {
    name: PackageName,
    version: String,
    files: BTreeMap<String, Sha256>,
}

#[derive(Deserialize)]
struct Source {
    location: String,
    sha256: Sha256,
}

impl RecipeSources {
    pub(super) fn open(
        globals: &Globals,
        workshop: &WorkshopFlags,
        recipes: &RecipeFlags,
        session: &Session,
    ) -> Result<Self, Failure> {
        let workshop = workshop.open(globals, recipes, session)?;
        Ok(RecipeSources {
            tree: recipes.load(session)?,
            store: SourceStore::open(workshop.cache.sources())?,
        })
    }
}

impl CorrespondingSources for RecipeSources {
    fn of(&self, head: &Head) -> Result<Vec<SourceFile>, SourcesAbsent> {
        // What was imported has its sources where it came from.
        if head.manifest().origin == Origin::Imported {
            return Ok(Vec::new());
        }
        let provenance: Provenance =
            serde_json::from_slice(head.provenance()).map_err(|_| SourcesAbsent::Provenance)?;
        if provenance.format != 1 {
            return Err(SourcesAbsent::Provenance);
        }
        let entry = self.tree.find(&provenance.recipe.name);
        let mut files = vec![recipe_file(entry, &provenance)?];
        for source in &provenance.sources {
            if self.store.contains(&Digest::Sha256(source.sha256)) {
                files.push(SourceFile {
                    name: file_name(&source.location)?,
                    bytes: SourceContent::File(self.store.path_of(&source.sha256), source.sha256),
                });
            } else if source.location.starts_with("..") {
                files.push(directory_file(entry, &provenance, source)?);
            } else if source.location.contains("://") {
                return Err(SourcesAbsent::Source {
                    name: source.location.clone(),
                    sha256: source.sha256,
                });
            }
            // All else lies in the recipe's directory and was packed with it.
        }
        files.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(files)
    }
}

/// Returns the recipe's directory as one tar file.
fn recipe_file(
    entry: Option<&TreeEntry>,
    provenance: &Provenance,
) -> Result<SourceFile, SourcesAbsent> {
    let recipe = &provenance.recipe;
    let changed = |file: &str| SourcesAbsent::Recipe {
        recipe: recipe.name.to_string(),
        file: file.to_owned(),
    };
    let top = format!("{}-{}.recipe", recipe.name, recipe.version);
    let mut tar = tar::Builder::new(Vec::new());
    for (file, expected) in &recipe.files {
        let entry = entry.ok_or_else(|| changed(file))?;
        let path = entry.directory.join(file);
        let bytes = match fs_err::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(changed(file));
            }
            Err(source) => return Err(SourcesAbsent::Io { path, source }),
        };
        if Sha256::of(&bytes) != *expected {
            return Err(changed(file));
        }
        let is_executable = entry.files.get(file) == Some(&igos_recipe::FileKind::Executable);
        let mut header = header(bytes.len(), is_executable, provenance.source_date_epoch);
        let name = PathBuf::from(&top).join(file);
        tar.append_data(&mut header, &name, bytes.as_slice())
            .map_err(|source| SourcesAbsent::Io { path, source })?;
    }
    let bytes = tar.into_inner().map_err(|source| SourcesAbsent::Io {
        path: PathBuf::from(&top),
        source,
    })?;
    Ok(SourceFile {
        name: file_name(&format!("{top}.tar"))?,
        bytes: SourceContent::Bytes(bytes),
    })
}

/// Returns the files of a directory that holds the recipe tree as one tar file.
fn directory_file(
    entry: Option<&TreeEntry>,
    provenance: &Provenance,
    source: &Source,
) -> Result<SourceFile, SourcesAbsent> {
    let recipe = &provenance.recipe;
    let changed = || SourcesAbsent::Recipe {
        recipe: recipe.name.to_string(),
        file: source.location.clone(),
    };
    let entry = entry.ok_or_else(changed)?;
    let mut sources = entry.recipe.sources.iter();
    let only = sources.find_map(|one| match &one.kind {
        SourceKind::Directory { only } if one.location == source.location => Some(only),
        _ => None,
    });
    let only = only.ok_or_else(changed)?;
    let directory = local_directory(entry, &source.location, only).map_err(|_| changed())?;
    if directory.digest().ok() != Some(source.sha256) {
        return Err(changed());
    }
    let top = format!("{}-{}.source", recipe.name, recipe.version);
    let io = |source| SourcesAbsent::Io {
        path: directory.path().to_owned(),
        source,
    };
    let mut tar = tar::Builder::new(Vec::new());
    for (file, is_executable) in directory.files().map_err(io)? {
        let bytes = fs_err::read(directory.path().join(&file)).map_err(io)?;
        let header = &mut header(bytes.len(), is_executable, provenance.source_date_epoch);
        tar.append_data(header, PathBuf::from(&top).join(file), bytes.as_slice())
            .map_err(io)?;
    }
    Ok(SourceFile {
        name: file_name(&format!("{top}.tar"))?,
        bytes: SourceContent::Bytes(tar.into_inner().map_err(io)?),
    })
}

fn header(size_bytes: usize, is_executable: bool, time: u64) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    header.set_size(size_bytes as u64);
    header.set_mode(if is_executable { 0o755 } else { 0o644 });
    header.set_mtime(time);
    header
}

/// Longest name that is kept, in bytes: published names have 190 at most.
const NAME_MAX: usize = 160;

/// Returns the last component of a location as a name of a published file: what such names cannot have becomes `_`.
fn file_name(location: &str) -> Result<FileName, SourcesAbsent> {
    let path = location.split(['?', '#']).next().unwrap_or_default();
    let last = path
        .trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or_default();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "+._-~@:=,".contains(c);
    let name: String = last
        .chars()
        .map(|c| if is_plain(c) { c } else { '_' })
        .take(NAME_MAX)
        .collect();
    let name = name.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    let name = if name.is_empty() { "source" } else { name };
    Ok(name.parse()?)
}

#[cfg(test)]
mod tests {
    use super::file_name;

    #[test]
    fn locations_become_names_that_can_be_published() {
        for (location, expected) in [
            ("https://example.org/a/zlib-1.3.tar.xz", "zlib-1.3.tar.xz"),
            ("https://example.org/get?file=a.tar#x", "get"),
            ("git+https://example.org/tale.git", "tale.git"),
            ("https://example.org/.hidden%20name/", "hidden_20name"),
            ("https://example.org/?x", "example.org"),
            ("", "source"),
        ] {
            let name = file_name(location).map(|name| name.to_string());
            assert_eq!(name.ok().as_deref(), Some(expected), "{location}");
        }
    }
}
