//! Reading settings files below a root, whatever links the root holds.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Dir, Mode, OFlags, ResolveFlags, openat2};

use super::SettingsError;

/// Largest settings file we read, in bytes; a larger one is a mistake.
const FILE_MAX_BYTES: u64 = 1024 * 1024;

/// One settings file: how to name it, and what it says.
#[derive(Debug)]
pub(super) struct SettingsFile {
    pub(super) path: PathBuf,
    pub(super) text: String,
}

/// Reads the file at `path` below `root`; `None` if it is not there.
pub(super) fn read(root: &Path, path: &str) -> Result<Option<SettingsFile>, SettingsError> {
    let named = root.join(path);
    let failed = |source| SettingsError::Read {
        file: named.clone(),
        source,
    };
    let Some(file) = open(root, path, OFlags::RDONLY | OFlags::NONBLOCK).map_err(failed)? else {
        return Ok(None);
    };
    let mut text = String::new();
    File::from(file)
        .take(FILE_MAX_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(failed)?;
    if text.len() as u64 > FILE_MAX_BYTES {
        return Err(failed(io::Error::other(format!(
            "it is larger than {FILE_MAX_BYTES} bytes"
        ))));
    }
    Ok(Some(SettingsFile { path: named, text }))
}

/// Returns the names of the `.toml` files in the directory at `path` below `root`, sorted.
pub(super) fn list(root: &Path, path: &str) -> Result<Vec<String>, SettingsError> {
    let failed = |source| SettingsError::Read {
        file: root.join(path),
        source,
    };
    let Some(directory) = open(root, path, OFlags::RDONLY | OFlags::DIRECTORY).map_err(failed)?
    else {
        return Ok(Vec::new());
    };
    let mut names = Vec::new();
    for entry in Dir::read_from(&directory).map_err(|error| failed(error.into()))? {
        let entry = entry.map_err(|error| failed(error.into()))?;
        if let Ok(name) = entry.file_name().to_str()
            && name.ends_with(".toml")
            && !name.starts_with('.')
        {
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Opens `path` as if `root` were `/`: links cannot lead out of it.
fn open(root: &Path, path: &str, flags: OFlags) -> io::Result<Option<OwnedFd>> {
    let found = openat2(
        CWD,
        root,
        OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
        ResolveFlags::empty(),
    )
    .and_then(|root| {
        openat2(
            &root,
            path,
            flags | OFlags::CLOEXEC,
            Mode::empty(),
            ResolveFlags::IN_ROOT,
        )
    });
    match found {
        Ok(file) => Ok(Some(file)),
        Err(rustix::io::Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
