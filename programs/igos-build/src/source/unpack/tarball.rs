//! Tar archives.

use std::io::Read;
use std::path::{Path, PathBuf};

use fs_err as fs;
use igos_format::escape;
use tar::{Archive, Entry, EntryType};

use super::decoder::Decoder;
use super::order::{Strip, UnpackAnswer};
use super::place::{self, ENTRIES_MAX, UnpackError};

/// Unpacks the archive that `source` holds into `directory`.
pub(super) fn unpack(
    source: &mut Decoder,
    directory: &Path,
    strip: Strip,
) -> Result<UnpackAnswer, UnpackError> {
    let path = source.path().to_owned();
    let unreadable = |error| UnpackError::io("read", &path, error);
    let mut archive = Archive::new(source);
    let mut answer = UnpackAnswer::default();
    let mut directories: Vec<(PathBuf, u32, u64)> = Vec::new();
    for entry in archive.entries().map_err(unreadable)? {
        let mut entry = entry.map_err(unreadable)?;
        answer.entries += 1;
        if answer.entries > ENTRIES_MAX {
            return Err(UnpackError::TooMany);
        }
        let header = entry.header();
        let kind = header.entry_type();
        let mode = header.mode().map_err(unreadable)?;
        let time = header.mtime().map_err(unreadable)?;
        let name = entry.path_bytes().into_owned();
        let Some(relative) = place::stripped(&name, kind.is_dir(), strip)? else {
            continue;
        };
        let to = directory.join(relative);
        match kind {
            EntryType::Directory => {
                place::make_room(&to)?;
                place::create_directories(&to)?;
                directories.push((to, mode | 0o700, time));
            }
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                answer.newest = answer.newest.max(Some(time));
                place::write(&mut entry, &to, mode)?;
                place::set_time(&to, time)?;
            }
            EntryType::Symlink => {
                let points_at = link_name(&entry, &name)?;
                place::create_parent(&to)?;
                place::make_room(&to)?;
                place::symlink(&place_of(&points_at), &to)?;
            }
            EntryType::Link => {
                let points_at = link_name(&entry, &name)?;
                link(&points_at, directory, &to, strip)?;
            }
            EntryType::XGlobalHeader => {}
            _ => return Err(UnpackError::Special(escape::escape(&name))),
        }
    }
    // Last and innermost first: writing into a directory changes its time and may need its mode.
    for (path, mode, time) in directories.into_iter().rev() {
        if path.is_dir() {
            place::set_mode(&path, mode)?;
            place::set_time(&path, time)?;
        }
    }
    Ok(answer)
}

fn link_name<R: Read>(entry: &Entry<'_, R>, name: &[u8]) -> Result<Vec<u8>, UnpackError> {
    match entry.link_name_bytes() {
        Some(target) if !target.is_empty() => Ok(target.into_owned()),
        _ => Err(UnpackError::Special(escape::escape(name))),
    }
}

fn place_of(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt as _;

    PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
}

fn link(target: &[u8], directory: &Path, to: &Path, strip: Strip) -> Result<(), UnpackError> {
    let Some(from) = place::stripped(target, false, strip)? else {
        return Err(UnpackError::Escapes(escape::escape(target)));
    };
    let from = directory.join(from);
    if from == to {
        return Ok(());
    }
    place::create_parent(to)?;
    place::make_room(to)?;
    fs::hard_link(&from, to).map_err(|source| UnpackError::io("link", to, source))
}

/// Writes the member `wanted` of the archive that `source` holds to `to`.
pub(super) fn extract_member(
    source: &mut Decoder,
    wanted: &str,
    to: &Path,
) -> Result<(), UnpackError> {
    let path = source.path().to_owned();
    let unreadable = |error| UnpackError::io("read", &path, error);
    let wanted_parts = place::components(wanted.as_bytes())?;
    let mut archive = Archive::new(source);
    for entry in archive.entries().map_err(unreadable)? {
        let mut entry = entry.map_err(unreadable)?;
        let is_file = entry.header().entry_type().is_file();
        let name = entry.path_bytes().into_owned();
        if is_file && place::components(&name).is_ok_and(|parts| parts == wanted_parts) {
            return place::write(&mut entry, to, 0o644);
        }
    }
    Err(UnpackError::NoMember(escape::escape(wanted.as_bytes())))
}
