//! Variables in texts of recipes.

use igos_format::{PackageName, Release, Version};

/// A text names a variable that there is not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown variable ${{{name}}}; variables are ${{name}}, ${{version}}, ${{version_major}}, ${{version_major_minor}} and ${{version_patch}}"
)]
pub(crate) struct UnknownVariable {
    name: String,
}

/// What the variables of a `package.yml` stand for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Variables {
    values: [(&'static str, String); 5],
}

impl Variables {
    /// Returns the variables for this name and version.
    pub(crate) fn new(name: &PackageName, version: &Version) -> Self {
        let version = version.as_str();
        let mut parts = version.splitn(3, '.');
        let major = parts.next().unwrap_or_default();
        let minor = parts.next();
        let patch = version.split('.').nth(2).unwrap_or("0");
        let major_minor = match minor {
            Some(minor) => format!("{major}.{minor}"),
            None => version.to_owned(),
        };
        Variables {
            values: [
                ("name", name.to_string()),
                ("version", version.to_owned()),
                ("version_major", major.to_owned()),
                ("version_major_minor", major_minor),
                ("version_patch", patch.to_owned()),
            ],
        }
    }

    /// Returns `text` with `${…}` replaced. A dollar sign without a name in braces stands for itself.
    pub(crate) fn apply(&self, text: &str) -> Result<String, UnknownVariable> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            let (before, from) = rest.split_at(at);
            out.push_str(before);
            let name_length = from[2..]
                .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .filter(|length| *length > 0 && from[2 + length..].starts_with('}'));
            let Some(length) = name_length else {
                out.push_str("${");
                rest = &from[2..];
                continue;
            };
            let name = &from[2..2 + length];
            let value = self.values.iter().find(|(known, _)| *known == name);
            let (_, value) = value.ok_or_else(|| UnknownVariable {
                name: name.to_owned(),
            })?;
            out.push_str(value);
            rest = &from[3 + length..];
        }
        out.push_str(rest);
        Ok(out)
    }
}

/// Returns the source of a classic KISS recipe with its markers replaced, wherever they stand in the text.
///
/// One marker after the other, as the original does: first `\VERSION` is set aside, then `VERSION` is replaced,
/// then what was set aside becomes `VERSION`; then the same for the next marker.
pub(crate) fn kiss_markers(
    text: &str,
    name: &PackageName,
    version: &Version,
    release: &Release,
) -> String {
    let [major, minor, patch, ident] = split_version(version.as_str());
    let markers = [
        ("VERSION", version.as_str()),
        ("RELEASE", release.as_str()),
        ("MAJOR", major),
        ("MINOR", minor),
        ("PATCH", patch),
        ("IDENT", ident),
        ("PACKAGE", name.as_str()),
    ];
    let mut text = text.to_owned();
    for (marker, value) in markers {
        // A source cannot hold a blank: blanks separate it from its destination.
        text = text
            .replace(&format!("\\{marker}"), " ")
            .replace(marker, value)
            .replace(' ', marker);
    }
    text
}

/// Returns the four parts of a version cut at `.`, `+`, `-` and `_`; the last keeps what is left, marks included.
fn split_version(version: &str) -> [&str; 4] {
    let mut parts = version.splitn(4, ['.', '+', '-', '_']);
    [(); 4].map(|()| parts.next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::{Variables, kiss_markers, split_version};

    fn apply(version: &str, text: &str) -> Result<String, String> {
        let name = "x".parse().expect("a name");
        let version = version.parse().expect("a version");
        Variables::new(&name, &version)
            .apply(text)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn variables_are_replaced_and_unknown_ones_refused() {
        for (version, text, expected) in [
            ("1.2.3.4", "${name}-${version}", "x-1.2.3.4"),
            (
                "1.2.3.4",
                "${version_major}|${version_major_minor}|${version_patch}",
                "1|1.2|3",
            ),
            (
                "7",
                "${version_major}|${version_major_minor}|${version_patch}",
                "7|7|0",
            ),
            (
                "1-2",
                "$name $${ ${} ${a-b} ${version",
                "$name $${ ${} ${a-b} ${version",
            ),
        ] {
            assert_eq!(apply(version, text).as_deref(), Ok(expected), "{text}");
        }
        assert_eq!(
            apply("1", "a${ver}b"),
            Err("unknown variable ${ver}; variables are ${name}, ${version}, ${version_major}, ${version_major_minor} and ${version_patch}".into())
        );
    }

    #[test]
    fn markers_are_replaced_blindly_and_escaped_ones_kept() {
        let markers = |text: &str, version: &str| {
            kiss_markers(
                text,
                &"xpat".parse().expect("a name"),
                &version.parse().expect("a version"),
                &"3".parse().expect("a release"),
            )
        };
        for (text, version, expected) in [
            (
                "https://h/PACKAGE-VERSION.tar.gz",
                "1.2",
                "https://h/xpat-1.2.tar.gz",
            ),
            ("a/\\VERSION/VERSION", "1.2", "a/VERSION/1.2"),
            ("patches/CONVERSION.patch", "9", "patches/CON9.patch"),
            (
                "vMAJOR.MINOR.PATCH-IDENT-RELEASE",
                "1.2.3.4_5",
                "v1.2.3-4_5-3",
            ),
            ("vMAJOR.MINOR.PATCHIDENT", "1", "v1.."),
            ("\\PACKAGE\\PACKAGE", "1", "PACKAGEPACKAGE"),
        ] {
            assert_eq!(markers(text, version), expected, "{text}");
        }
    }

    #[test]
    fn version_is_cut_into_four() {
        assert_eq!(split_version("1.2+3-4_5.6"), ["1", "2", "3", "4_5.6"]);
        assert_eq!(split_version("git"), ["git", "", "", ""]);
    }
}
