//! The file `version`: a version and a release.

use super::lines::{File, lines};
use igos_format::{Release, Version};

/// Returns the two words of the first line.
pub(super) fn version(file: &mut File<'_>) -> Option<(Version, Release)> {
    let all = lines(file.text);
    let Some(line) = all.first().filter(|line| !line.first.is_empty()) else {
        file.error(
            "kiss-version-invalid",
            "`version` has no version in its first line",
            &(0..0),
        );
        return None;
    };
    let version = line.first.parse::<Version>();
    if version.is_err() {
        let message = format!("{:?} is not a version", line.first);
        file.error("kiss-version-invalid", message, &line.first_span);
    }
    if line.rest.is_empty() {
        file.error(
            "kiss-version-invalid",
            "`version` has no release after the version",
            &line.span,
        );
        return None;
    }
    let release = line.rest.parse::<Release>();
    if release.is_err() {
        let message = format!("{:?} is not a release", line.rest);
        file.error("kiss-version-invalid", message, &line.span);
    }
    // Both faults are reported above.
    Some((version.ok()?, release.ok()?))
}
