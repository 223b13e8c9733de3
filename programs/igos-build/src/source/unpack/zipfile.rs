//! Zip archives.

use std::path::{Path, PathBuf};

use fs_err as fs;
use igos_format::escape;
use zip::ZipArchive;

use super::order::{Strip, UnpackAnswer};
use super::place::{self, ENTRIES_MAX, UnpackError};

/// Longest target of a symbolic link, in bytes (`PATH_MAX`).
const LINK_MAX_BYTES: u64 = 4096;

/// Unpacks a zip archive into `directory`.
pub(super) fn unpack(
    (path, file): (PathBuf, Option<fs::File>),
    directory: &Path,
    strip: Strip,
) -> Result<UnpackAnswer, UnpackError> {
    let unreadable = |error: std::io::Error| UnpackError::io("read", &path, error);
    let file = file.ok_or_else(|| unreadable(std::io::ErrorKind::InvalidData.into()))?;
    let mut archive =
        ZipArchive::new(std::io::BufReader::new(file)).map_err(|error| unreadable(error.into()))?;
    let mut answer = UnpackAnswer::default();
    if archive.len() as u64 > ENTRIES_MAX {
        return Err(UnpackError::TooMany);
    }
    for index in 0..archive.len() {
        let mut entry = archive
            .by_index(index)
            .map_err(|error| unreadable(error.into()))?;
        answer.entries += 1;
        let name = entry.name_raw().to_owned();
        let Some(relative) = place::stripped(&name, entry.is_dir(), strip)? else {
            continue;
        };
        let to = directory.join(relative);
        let time = entry.last_modified().and_then(seconds);
        let mode = entry.unix_mode();
        if entry.is_dir() {
            place::create_directories(&to)?;
        } else if entry.is_symlink() {
            let mut target = Vec::new();
            std::io::copy(
                &mut std::io::Read::take(&mut entry, LINK_MAX_BYTES),
                &mut target,
            )
            .map_err(unreadable)?;
            place::make_room(&to)?;
            let points_at = String::from_utf8(target)
                .map_err(|_| UnpackError::Special(escape::escape(&name)))?;
            place::symlink(Path::new(&points_at), &to)?;
        } else {
            answer.newest = answer.newest.max(time);
            place::write(&mut entry, &to, mode.unwrap_or(0o644))?;
            if let Some(time) = time {
                place::set_time(&to, time)?;
            }
        }
    }
    Ok(answer)
}

/// Returns the seconds since 1970 of a zip archive's time, which has no zone and is taken as UTC: any other choice
/// would depend on the machine.
fn seconds(time: zip::DateTime) -> Option<u64> {
    let (year, month, day) = (
        i64::from(time.year()),
        i64::from(time.month()),
        i64::from(time.day()),
    );
    // Days from the civil date (H. Hinnant, "chrono-compatible low-level date algorithms").
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let year_of_era = shifted.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = era * 146_097 + day_of_era - 719_468;
    let seconds = days * 86_400
        + i64::from(time.hour()) * 3600
        + i64::from(time.minute()) * 60
        + i64::from(time.second());
    u64::try_from(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn zip_times_are_utc() {
        let time =
            zip::DateTime::from_date_and_time(2024, 2, 29, 12, 34, 56).expect("a valid time");
        assert_eq!(seconds(time), Some(1_709_210_096));
        let first = zip::DateTime::from_date_and_time(1980, 1, 1, 0, 0, 0).expect("a valid time");
        assert_eq!(seconds(first), Some(315_532_800));
    }
}
