//! Upstream's version in a version of Debian's.

use std::cmp::Ordering;

use igos_format::Version;
use serde::Serialize;

/// What Debian appends when it changes upstream's archive, or rebuilds for a suite.
const CHANGES: [&str; 7] = ["dfsg", "ds", "repack", "repacked", "deb", "debian", "nmu"];
/// What stands before a date or number that names no release.
const REVISIONS: [&str; 6] = ["git", "svn", "hg", "bzr", "cvs", "snapshot"];
/// Digits of a date, as in `20250216`.
const DATE_DIGITS: usize = 8;

/// What is to be said about an offered version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Remark {
    /// It is upstream's work between two releases.
    Snapshot,
    /// It comes before a release.
    PreRelease,
}

/// Upstream's version in a version of Debian's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    /// The version, as far as it names a release.
    pub version: Version,
    /// The version with what names a snapshot after it.
    whole: Version,
    /// What is to be said about it.
    pub remark: Option<Remark>,
}

impl Upstream {
    /// Reads `[EPOCH:]UPSTREAM[-REVISION]` (Debian Policy 5.6.12); `None` for what is no version of ours.
    ///
    /// Epoch and revision are Debian's own count. `1.3.dfsg+really1.3.1` is 1.3.1: what Debian went back to without
    /// an epoch. Endings for archives that Debian packed anew (`+dfsg`, `+ds`, `+repack`) and for updates of suites
    /// (`+deb12u1`) do not count.
    #[must_use]
    pub fn of_debian(text: &str) -> Option<Self> {
        let text = match text.split_once(':') {
            Some((epoch, rest)) if epoch.bytes().all(|byte| byte.is_ascii_digit()) => rest,
            _ => text,
        };
        let text = text.rsplit_once('-').map_or(text, |(upstream, _)| upstream);
        let text = match text.rsplit_once("really") {
            Some((_, real)) if real.starts_with(|c: char| c.is_ascii_digit()) => real,
            _ => text,
        };
        let mut text = text;
        while let Some(at) = ending(text, &CHANGES) {
            text = &text[..at];
        }
        let release = snapshot(text).map_or(text, |at| &text[..at]);
        let remark = if release.len() < text.len() {
            Some(Remark::Snapshot)
        } else if is_before_release(text) {
            Some(Remark::PreRelease)
        } else {
            None
        };
        Some(Upstream {
            version: release.parse().ok()?,
            whole: text.parse().ok()?,
            remark,
        })
    }

    /// Returns how it compares with the version of a recipe.
    ///
    /// Where the recipe's version is a release, so is what it is compared with: work after a release is not a newer
    /// one. Which marks stand between numbers does not matter: `1.3.4-20250131` is `1.3.4.20250131`.
    #[must_use]
    pub fn compare(&self, recipe: &Version) -> Ordering {
        let own = if has_date(recipe.as_str()) {
            &self.whole
        } else {
            &self.version
        };
        comparable(own).cmp(&comparable(recipe))
    }
}

/// Returns a version with the same marks everywhere; `~` has a meaning and stays.
fn comparable(version: &Version) -> Version {
    let text = version.as_str().replace(['-', '_', '+'], ".");
    // The same marks are allowed, so it stays a version.
    text.parse().unwrap_or_else(|_| version.clone())
}

/// Returns where an ending begins that is one of `words`, and after it digits and dots alone.
fn ending(text: &str, words: &[&str]) -> Option<usize> {
    let starts = text
        .char_indices()
        .filter(|(at, c)| *at > 0 && "+~.-".contains(*c));
    starts
        .filter(|(at, _)| {
            let rest = &text[at + 1..];
            let letters = rest
                .find(|c: char| !c.is_ascii_alphabetic())
                .unwrap_or(rest.len());
            let (word, number) = rest.split_at(letters);
            // `deb12u1` is the only one with a letter in its number.
            let is_number = |c: char| c.is_ascii_digit() || c == '.' || (word == "deb" && c == 'u');
            words.contains(&word) && number.chars().all(is_number)
        })
        .map(|(at, _)| at)
        .next_back()
}

/// Returns where the name of a snapshot begins: `+git20240101.abc`, `+20250216`.
fn snapshot(text: &str) -> Option<usize> {
    let mut starts = text
        .char_indices()
        .filter(|(at, c)| *at > 0 && "+~".contains(*c));
    starts
        .find(|(at, _)| {
            let rest = &text[at + 1..];
            let is_named = REVISIONS.iter().any(|word| rest.starts_with(word));
            is_named || has_date(rest)
        })
        .map(|(at, _)| at)
}

fn has_date(text: &str) -> bool {
    let mut runs = text.split(|c: char| !c.is_ascii_digit());
    runs.any(|run| run.len() == DATE_DIGITS && (run.starts_with("19") || run.starts_with("20")))
}

/// Tells whether a version says of itself that it comes before a release.
fn is_before_release(text: &str) -> bool {
    let Some(released) = text.find(['~', 'a', 'b', 'p', 'r', 'd', 'A', 'B', 'P', 'R', 'D']) else {
        return false;
    };
    let (Ok(whole), Ok(before)) = (
        text.parse::<Version>(),
        text[..released]
            .trim_end_matches(['.', '-', '_', '+'])
            .parse::<Version>(),
    ) else {
        return false;
    };
    // Our order knows which words those are.
    whole < before
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use super::{Remark, Upstream};

    #[test]
    fn upstream_s_version_is_found_in_debian_s() {
        for (debian, upstream, remark) in [
            ("1:1.3.dfsg+really1.3.1-1", "1.3.1", None),
            ("5.2.37-2+b1", "5.2.37", None),
            ("8.6.16+dfsg-1", "8.6.16", None),
            ("4.99.4+dfsg-2", "4.99.4", None),
            ("1.2.dfsg.1-3", "1.2", None),
            ("3.0+ds1-1", "3.0", None),
            ("1.26.3-3+deb13u1", "1.26.3", None),
            ("20230311+deb12u1", "20230311", None),
            ("5:8.0.2-3", "8.0.2", None),
            ("6.5+20250216-2", "6.5", Some(Remark::Snapshot)),
            ("0.69+git20240101.abcdef-1", "0.69", Some(Remark::Snapshot)),
            ("2.43~rc1-1", "2.43~rc1", Some(Remark::PreRelease)),
            ("1.0-rc1-1", "1.0-rc1", Some(Remark::PreRelease)),
            ("1:10.0p1-7", "10.0p1", None),
            ("59c-42", "59c", None),
            ("2.4.1-really-1", "2.4.1-really", None),
        ] {
            let found = Upstream::of_debian(debian).expect("it is a version");
            assert_eq!(found.version.as_str(), upstream, "{debian}");
            assert_eq!(found.remark, remark, "{debian}");
        }
        for odd in ["", "-1", "1:", "é-1"] {
            assert_eq!(Upstream::of_debian(odd), None, "{odd:?}");
        }
    }

    #[test]
    fn marks_and_work_after_a_release_make_no_newer_version() {
        for (debian, recipe, expected) in [
            ("1.3.4.20250131-1", "1.3.4-20250131", Ordering::Equal),
            ("6.5+20250216-2", "6.5", Ordering::Equal),
            ("6.5+20250216-2", "6.4", Ordering::Greater),
            ("6.5+20250216-2", "6.5-20250101", Ordering::Greater),
            ("1:10.0p1-7", "10.0p2", Ordering::Less),
            ("2.44-3", "2.44", Ordering::Equal),
            ("2.44~rc1-3", "2.44", Ordering::Less),
        ] {
            let found = Upstream::of_debian(debian).expect("it is a version");
            let recipe = recipe.parse().expect("a version");
            assert_eq!(found.compare(&recipe), expected, "{debian} and {recipe}");
        }
    }
}
