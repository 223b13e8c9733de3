//! Kernels that an upgrade replaced while they were running: their files stay until another kernel runs.
//!
//! `var/lib/igos/kernels/RELEASE` is the record of the package that such a kernel belonged to.

use igos_format::{EntryKind, RelPath};
use igos_root::{FollowedLinks, Kind, RootDir, RootError};

use crate::places::{implied_directories, place_of};
use crate::record::RECORD_MAX_BYTES;
use crate::{Record, layout};

/// A kernel that was replaced while it was running.
#[derive(Debug, Clone)]
pub(crate) struct KeptKernel {
    /// Its release.
    pub(crate) release: String,
    /// What it was installed as.
    pub(crate) record: Record,
}

/// Returns the kernels that are kept; a text that is damaged keeps nothing.
pub(crate) fn kept_kernels(root: &RootDir) -> Result<Vec<KeptKernel>, RootError> {
    let directory = match root.directory(&layout::kernels()) {
        Ok(directory) => directory,
        Err(error) if error.is_not_found() => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let entries = directory.entries().map_err(|source| {
        RootError::new("read directory", layout::kernels().to_string(), source)
    })?;
    let mut kept = Vec::new();
    for entry in entries {
        let Ok(release) = String::from_utf8(entry.name) else {
            continue;
        };
        let Some(place) = layout::kernel(&release) else {
            continue;
        };
        let bytes = root.read_file(&place, RECORD_MAX_BYTES)?;
        if let Ok(record) = Record::read(&bytes.unwrap_or_default()) {
            kept.push(KeptKernel { release, record });
        }
    }
    kept.sort_by(|a, b| a.release.cmp(&b.release));
    Ok(kept)
}

impl KeptKernel {
    /// Returns its paths: as the manifest has them, where they are, and what they are.
    pub(crate) fn paths(&self, links: &FollowedLinks) -> Vec<(RelPath, RelPath, Kind)> {
        let manifest = &self.record.manifest;
        let implied = implied_directories(manifest, &self.record.installed.excluded, links);
        let implied = implied
            .into_iter()
            .map(|place| (place.clone(), place, Kind::Directory));
        self.record
            .entries()
            .map(|entry| {
                let kind = match entry.kind {
                    EntryKind::Directory => Kind::Directory,
                    EntryKind::File { .. } => Kind::File,
                    EntryKind::Symlink { .. } => Kind::Symlink,
                };
                (entry.path.clone(), place_of(manifest, entry, links), kind)
            })
            .chain(implied)
            .filter(|(_, place, _)| is_of_kernel(place, &self.release))
            .collect()
    }
}

/// Tells whether a place is the directory of a kernel's modules, below it, or the kernel's image.
pub(crate) fn is_of_kernel(place: &RelPath, release: &str) -> bool {
    let modules = format!("usr/lib/modules/{release}");
    let bytes = place.as_bytes();
    if let Some(rest) = bytes.strip_prefix(modules.as_bytes()) {
        return rest.is_empty() || rest.starts_with(b"/");
    }
    // `boot/vmlinuz-RELEASE`, `boot/initramfs-RELEASE.img`, `boot/EFI/Linux/igos-RELEASE.efi`: the release stands between
    // what no release goes on with.
    bytes.starts_with(b"boot/") && names_release(place.file_name(), release.as_bytes())
}

fn names_release(name: &[u8], release: &[u8]) -> bool {
    let goes_on = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'+');
    name.windows(release.len()).enumerate().any(|(at, window)| {
        let before = at.checked_sub(1).and_then(|at| name.get(at));
        let rest = &name[at + release.len()..];
        // 6.1 is not in 6.1.5, but it is in 6.1.img.
        let is_longer = matches!(rest, [b'.' | b'-', next, ..] if next.is_ascii_digit());
        window == release
            && !before.is_some_and(|byte| goes_on(byte) || *byte == b'.')
            && !rest.first().is_some_and(goes_on)
            && !is_longer
    })
}

#[cfg(test)]
mod tests {
    use super::is_of_kernel;

    #[test]
    fn paths_of_a_kernel_are_told_from_those_of_its_neighbours() {
        for (path, expected) in [
            ("usr/lib/modules/6.1", true),
            ("usr/lib/modules/6.1/kernel/x.ko", true),
            ("usr/lib/modules/6.1.5/kernel/x.ko", false),
            ("boot/vmlinuz-6.1", true),
            ("boot/initramfs-6.1.img", true),
            ("boot/EFI/Linux/igos-6.1.efi", true),
            ("boot/vmlinuz-6.1.5", false),
            ("boot/vmlinuz-16.1", false),
            ("boot/vmlinuz-5.6.1", false),
            ("boot/vmlinuz-6.1-2", false),
            ("boot/vmlinuz-6.1rc1", false),
            ("usr/share/doc/vmlinuz-6.1", false),
        ] {
            let place = path.parse().expect("a path");
            assert_eq!(is_of_kernel(&place, "6.1"), expected, "{path}");
        }
    }
}
