//! Package URLs (ECMA-427), by which other tools name packages.

use igos_format::{Arch, PackageId};

/// Returns the package URL of a package. There is no type of ours in the list of types, so it is `generic`, which the
/// qualifier `distro` tells apart from others.
#[must_use]
pub fn package_url(package: &PackageId) -> String {
    let mut url = format!(
        "pkg:generic/{}@{}",
        encoded(package.name.as_str()),
        encoded(&format!("{}-{}", package.version, package.release))
    );
    // Qualifiers are sorted by name.
    let arch = match package.arch {
        Arch::Any => "noarch",
        arch => arch.as_str(),
    };
    url.push_str(&format!("?arch={arch}&distro=igos"));
    if package.epoch != 0 {
        url.push_str(&format!("&epoch={}", package.epoch));
    }
    url
}

/// Encodes all bytes but those that stand for themselves in every part of a package URL.
fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use igos_format::{Arch, PackageId};

    use super::package_url;

    #[test]
    fn package_url_says_name_version_machine_and_epoch() {
        let mut package = PackageId {
            name: "libstdc++".parse().expect("a name"),
            epoch: 0,
            version: "1.2~rc1".parse().expect("a version"),
            release: "3".parse().expect("a release"),
            arch: Arch::Any,
        };
        assert_eq!(
            package_url(&package),
            "pkg:generic/libstdc%2B%2B@1.2~rc1-3?arch=noarch&distro=igos"
        );
        package.epoch = 2;
        assert_eq!(
            package_url(&package),
            "pkg:generic/libstdc%2B%2B@1.2~rc1-3?arch=noarch&distro=igos&epoch=2"
        );
    }
}
