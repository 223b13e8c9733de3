//! Where entries go, and making them there.

use std::ffi::OsStr;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use fs_err as fs;
use fs_err::os::unix::fs::OpenOptionsExt as _;
use igos_format::escape;

use super::order::{Strip, UnpackAnswer};

/// Most entries of one archive. The kernel's sources have 90 000.
pub(super) const ENTRIES_MAX: u64 = 4_000_000;

/// A source was not unpacked.
#[derive(Debug, thiserror::Error)]
pub(super) enum UnpackError {
    /// A file cannot be read, made or changed.
    #[error("cannot {action} {}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// An entry's path leads out of the build directory.
    #[error("entry {0} leaves the directory it is unpacked into")]
    Escapes(String),
    /// An entry is neither file nor directory nor link.
    #[error("entry {0} is a device, a pipe or something unknown")]
    Special(String),
    /// There are too many.
    #[error("it has more than {ENTRIES_MAX} entries")]
    TooMany,
    /// The wanted member is not there.
    #[error("it has no member {0}")]
    NoMember(String),
}

impl UnpackError {
    pub(super) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        UnpackError::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }
}

/// Returns the directory that a source's destination names, making it.
pub(super) fn destination(target: &Path, destination: &str) -> Result<PathBuf, UnpackError> {
    let directory = match components(destination.as_bytes())? {
        parts if parts.is_empty() => target.to_owned(),
        parts => target.join(join(&parts)),
    };
    create_directories(&directory)?;
    Ok(directory)
}

/// Returns the components of an entry's path without `.` and leading slashes.
pub(super) fn components(path: &[u8]) -> Result<Vec<&[u8]>, UnpackError> {
    let parts: Vec<&[u8]> = path
        .split(|byte| *byte == b'/')
        .filter(|part| !part.is_empty() && *part != b".")
        .collect();
    if parts.contains(&b"..".as_slice()) {
        return Err(UnpackError::Escapes(escape::escape(path)));
    }
    Ok(parts)
}

/// Returns a relative path made of components.
pub(super) fn join(parts: &[&[u8]]) -> PathBuf {
    parts
        .iter()
        .map(|part| Path::new(OsStr::from_bytes(part)))
        .collect()
}

/// Returns what is left of an entry's path, `None` for a directory that is dissolved itself.
///
/// With [`Strip::OnlyTop`] nothing is left out yet: whether there is only one directory at the top is known at the
/// end, see [`merge_aside`].
pub(super) fn stripped(
    path: &[u8],
    is_directory: bool,
    strip: Strip,
) -> Result<Option<PathBuf>, UnpackError> {
    let parts = components(path)?;
    let kept = match (strip, parts.as_slice()) {
        (_, []) => return Ok(None),
        (Strip::EachTop, [_]) if is_directory => return Ok(None),
        (Strip::EachTop, [_, rest @ ..]) if !rest.is_empty() => rest,
        (_, all) => all,
    };
    Ok(Some(join(kept)))
}

/// Where an archive is unpacked whose top is looked at afterwards.
pub(super) fn aside(directory: &Path) -> PathBuf {
    directory.join(".igos-unpack")
}

/// Moves what was unpacked [`aside`] into `directory`; if that is one directory and nothing else, its contents.
pub(super) fn merge_aside(directory: &Path) -> Result<(), UnpackError> {
    let aside = aside(directory);
    let failed = |source| UnpackError::io("read", directory, source);
    let mut entries = fs::read_dir(&aside).map_err(failed)?;
    let top = match (entries.next(), entries.next()) {
        (Some(only), None) => {
            let only = only.map_err(failed)?;
            if only.file_type().map_err(failed)?.is_dir() {
                only.path()
            } else {
                aside.clone()
            }
        }
        _ => aside.clone(),
    };
    merge(&top, directory)?;
    fs::remove_dir_all(&aside).map_err(failed)
}

/// Moves the contents of `from` into `to`; what is there already is replaced, except for directories.
fn merge(from: &Path, to: &Path) -> Result<(), UnpackError> {
    let mut pending = vec![(from.to_owned(), to.to_owned())];
    while let Some((from, to)) = pending.pop() {
        let failed = |source| UnpackError::io("move", &from, source);
        for entry in fs::read_dir(&from).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let target = to.join(entry.file_name());
            let is_directory = entry.file_type().map_err(failed)?.is_dir();
            if is_directory && fs::symlink_metadata(&target).is_ok_and(|found| found.is_dir()) {
                pending.push((entry.path(), target));
            } else {
                make_room(&target)?;
                fs::rename(entry.path(), &target).map_err(failed)?;
            }
        }
    }
    Ok(())
}

/// Makes a directory and its parents.
pub(super) fn create_directories(path: &Path) -> Result<(), UnpackError> {
    fs::create_dir_all(path).map_err(|source| UnpackError::io("make", path, source))
}

/// Makes the directory that holds `path`.
pub(super) fn create_parent(path: &Path) -> Result<(), UnpackError> {
    path.parent().map_or(Ok(()), create_directories)
}

/// Writes a file with `mode` in place of whatever is there; setuid, setgid and sticky bits are dropped, and the
/// owner may always read and write.
pub(super) fn write(from: &mut dyn Read, to: &Path, mode: u32) -> Result<(), UnpackError> {
    create_parent(to)?;
    make_room(to)?;
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode & 0o777 | 0o600)
        .open(to)
        .map_err(|source| UnpackError::io("make", to, source))?;
    io::copy(from, &mut file).map_err(|source| UnpackError::io("write", to, source))?;
    set_mode(to, mode)
}

/// Sets the permission bits of a file or directory.
pub(super) fn set_mode(path: &Path, mode: u32) -> Result<(), UnpackError> {
    use std::os::unix::fs::PermissionsExt as _;

    fs::set_permissions(path, std::fs::Permissions::from_mode(mode & 0o777 | 0o600))
        .map_err(|source| UnpackError::io("set the mode of", path, source))
}

/// Sets the modification time of a file or directory.
pub(super) fn set_time(path: &Path, seconds: u64) -> Result<(), UnpackError> {
    let time = std::time::UNIX_EPOCH
        .checked_add(std::time::Duration::from_secs(seconds))
        .unwrap_or(std::time::UNIX_EPOCH);
    fs::File::open(path)
        .and_then(|file| file.set_modified(time))
        .map_err(|source| UnpackError::io("set the time of", path, source))
}

/// Takes away what an earlier entry left at `path`, as tar does; a directory stays.
pub(super) fn make_room(path: &Path) -> Result<(), UnpackError> {
    match fs::symlink_metadata(path) {
        Ok(found) if !found.is_dir() => {
            fs::remove_file(path).map_err(|source| UnpackError::io("replace", path, source))
        }
        _ => Ok(()),
    }
}

/// Copies a file with its permission bits.
pub(super) fn copy(from: &Path, to: &Path) -> Result<(), UnpackError> {
    use std::os::unix::fs::PermissionsExt as _;

    let failed = |source| UnpackError::io("read", from, source);
    let mut file = fs::File::open(from).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.permissions().mode();
    write(&mut file, to, mode)
}

/// Copies the contents of a directory; symbolic links stay what they are.
pub(super) fn copy_directory(from: &Path, to: &Path) -> Result<UnpackAnswer, UnpackError> {
    let mut answer = UnpackAnswer::default();
    let mut pending = vec![(from.to_owned(), to.to_owned())];
    while let Some((from, to)) = pending.pop() {
        create_directories(&to)?;
        let failed = |source| UnpackError::io("read", &from, source);
        for entry in fs::read_dir(&from).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let kind = entry.file_type().map_err(failed)?;
            let target = to.join(entry.file_name());
            answer.entries += 1;
            if kind.is_dir() {
                pending.push((entry.path(), target));
            } else if kind.is_symlink() {
                let points_at = fs::read_link(entry.path()).map_err(failed)?;
                make_room(&target)?;
                symlink(&points_at, &target)?;
            } else if kind.is_file() {
                copy(&entry.path(), &target)?;
            } else {
                return Err(UnpackError::Special(entry.path().display().to_string()));
            }
        }
    }
    Ok(answer)
}

/// Makes a symbolic link.
pub(super) fn symlink(points_at: &Path, at: &Path) -> Result<(), UnpackError> {
    create_parent(at)?;
    fs::os::unix::fs::symlink(points_at, at).map_err(|source| UnpackError::io("make", at, source))
}
