//! Puts a site into a directory: all of it, or nothing.
//!
//! The site is written beside its place and exchanged with what is there in one step, so that a reader sees the old
//! site or the new one. A list in the directory names every file that was written; a directory with anything else in it
//! is somebody's, and is left alone.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use fs_err as fs;
use igos_root::{Directory, RootDir, delete_tree};

use super::{Site, WriteReferenceError};

/// The file that makes a directory ours: a line with the format, and then every other file in it.
const LIST: &str = "igos-reference.txt";
/// The first line of it.
const HEADER: &str = "igos package reference 1";
/// Longest list, in bytes; two hundred thousand packages need less.
const LIST_MAX_BYTES: u64 = 64 << 20;

/// What was in the place of a site before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replaced {
    /// Nothing.
    Nothing,
    /// A site.
    Site,
}

/// Writes a site to `directory`, which is made, or was empty, or holds an earlier site and nothing else.
///
/// # Errors
///
/// [`WriteReferenceError::Foreign`] for a directory with something else in it; nothing is changed then.
pub fn write(site: &Site, directory: &Path) -> Result<Replaced, WriteReferenceError> {
    let replaced = look(directory)?;
    let (parent, name) = place(directory)?;
    let partial = format!("{}.partial-{}", name, std::process::id());
    let root = RootDir::open(&parent)
        .map_err(|error| WriteReferenceError::io("open", &parent)(error.into_io()))?;
    let top = root.top();
    let delete = |name: &str| {
        delete_tree(top, name.as_bytes())
            .map_err(WriteReferenceError::io("delete", parent.join(name)))
    };
    delete(&partial)?;
    write_files(site, &parent.join(&partial))?;
    put(top, &partial, &name, replaced, &parent)?;
    delete(&partial)?;
    top.sync()
        .map_err(WriteReferenceError::io("sync", &parent))?;
    Ok(replaced)
}

/// Exchanges the new site with what is in its place.
fn put(
    top: &Directory,
    partial: &str,
    name: &str,
    replaced: Replaced,
    parent: &Path,
) -> Result<(), WriteReferenceError> {
    let failed = || WriteReferenceError::io("put a site at", parent.join(name));
    let (partial, name) = (partial.as_bytes(), name.as_bytes());
    let is_there = top.metadata_if_present(name).map_err(failed())?.is_some();
    match replaced {
        Replaced::Site => top.exchange(partial, top, name).map_err(failed()),
        Replaced::Nothing => {
            if is_there {
                // It was empty, and this fails if it is not any more.
                top.delete_directory(name).map_err(failed())?;
            }
            top.rename_new(partial, top, name).map_err(failed())
        }
    }
}

/// Returns the directory that a site lies in, and its name there.
fn place(directory: &Path) -> Result<(PathBuf, String), WriteReferenceError> {
    let name = directory.file_name().and_then(|name| name.to_str());
    let Some(name) = name else {
        return Err(WriteReferenceError::Foreign {
            directory: directory.to_owned(),
            reason: "its path does not end in a name".to_owned(),
        });
    };
    let parent = match directory.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(parent).map_err(WriteReferenceError::io("make", parent))?;
    let parent = fs::canonicalize(parent).map_err(WriteReferenceError::io("find", parent))?;
    Ok((parent, name.to_owned()))
}

fn write_files(site: &Site, directory: &Path) -> Result<(), WriteReferenceError> {
    fs::create_dir(directory).map_err(WriteReferenceError::io("make", directory))?;
    let mut list = format!("{HEADER}\n");
    for (path, bytes) in site {
        list.push_str(path);
        list.push('\n');
        let path = directory.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(WriteReferenceError::io("make", parent))?;
        }
        fs::write(&path, bytes).map_err(WriteReferenceError::io("write", &path))?;
    }
    let path = directory.join(LIST);
    let mut file = fs::File::create(&path).map_err(WriteReferenceError::io("write", &path))?;
    file.write_all(list.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(WriteReferenceError::io("write", &path))
}

/// Tells what is at the place of a site.
fn look(directory: &Path) -> Result<Replaced, WriteReferenceError> {
    let foreign = |reason: &str| WriteReferenceError::Foreign {
        directory: directory.to_owned(),
        reason: reason.to_owned(),
    };
    match fs::symlink_metadata(directory) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Replaced::Nothing),
        Err(error) => return Err(WriteReferenceError::io("look at", directory)(error)),
        Ok(found) if !found.is_dir() => return Err(foreign("it is no directory")),
        Ok(_) => {}
    }
    let mut there = BTreeSet::new();
    files(directory, "", &mut there)?;
    if there.is_empty() {
        return Ok(Replaced::Nothing);
    }
    if !there.remove(LIST) {
        return Err(foreign(&format!("it has no {LIST}")));
    }
    let path = directory.join(LIST);
    let size = fs::metadata(&path)
        .map_err(WriteReferenceError::io("look at", &path))?
        .len();
    if size > LIST_MAX_BYTES {
        return Err(foreign(&format!("its {LIST} is too long")));
    }
    let text = fs::read(&path).map_err(WriteReferenceError::io("read", &path))?;
    let text = String::from_utf8_lossy(&text);
    let mut lines = text.lines();
    if lines.next() != Some(HEADER) {
        return Err(foreign(&format!("its {LIST} is of another format")));
    }
    let listed: BTreeSet<&str> = lines.collect();
    match there.iter().find(|path| !listed.contains(path.as_str())) {
        Some(other) => Err(foreign(&format!("it has {other}"))),
        None => Ok(Replaced::Site),
    }
}

/// Finds everything below a directory that is no directory, and directories with nothing in them.
fn files(top: &Path, below: &str, found: &mut BTreeSet<String>) -> Result<(), WriteReferenceError> {
    let directory = top.join(below);
    let entries = fs::read_dir(&directory).map_err(WriteReferenceError::io("read", &directory))?;
    let mut count = 0;
    for entry in entries {
        let entry = entry.map_err(WriteReferenceError::io("read", &directory))?;
        count += 1;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if below.is_empty() {
            name
        } else {
            format!("{below}/{name}")
        };
        let kind = entry
            .file_type()
            .map_err(WriteReferenceError::io("look at", entry.path()))?;
        // A site has directories in its own directory and none in those.
        if kind.is_dir() && below.is_empty() {
            files(top, &path, found)?;
        } else {
            found.insert(path);
        }
    }
    if count == 0 && !below.is_empty() {
        found.insert(format!("{below}/"));
    }
    Ok(())
}
