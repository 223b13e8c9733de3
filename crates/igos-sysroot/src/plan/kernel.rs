//! The running kernel: without its modules and its image the machine works until it needs one of them, and then
//! cannot even be started again.

use igos_format::RelPath;

use super::{PathAction, PathChange, PlanError, RunningKernel};

/// Refuses a plan in which a path of the running kernel goes.
pub(super) fn refuse_running(
    running: &RunningKernel,
    actions: &[PathAction],
) -> Result<(), PlanError> {
    let RunningKernel::Keep { release } = running else {
        return Ok(());
    };
    let gone = actions
        .iter()
        .filter(|action| action.change == PathChange::Remove)
        .find(|action| is_of_kernel(&action.place, release));
    match gone {
        None => Ok(()),
        Some(action) => Err(PlanError::RunningKernel {
            name: action.package.clone(),
            release: release.clone(),
            path: action.path.clone(),
        }),
    }
}

/// Tells whether a place is the directory of a kernel's modules, below it, or the kernel's image.
pub(super) fn is_of_kernel(place: &RelPath, release: &str) -> bool {
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
