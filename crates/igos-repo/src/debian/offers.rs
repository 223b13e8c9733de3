//! Which source packages there are, in which versions.

use super::control::paragraphs;

/// A source package of one suite.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourcePackage {
    /// The suite.
    pub suite: String,
    /// Its name.
    pub name: String,
    /// Its version as Debian writes it: `[EPOCH:]UPSTREAM[-REVISION]`.
    pub version: String,
}

/// Returns the source packages of an index, in its order; paragraphs without name or version are passed over.
pub(super) fn read<'a>(suite: &'a str, index: &'a str) -> impl Iterator<Item = SourcePackage> + 'a {
    paragraphs(index, &["Package", "Version"]).filter_map(|paragraph| {
        Some(SourcePackage {
            suite: suite.to_owned(),
            name: paragraph.field("Package")?.to_owned(),
            version: paragraph.field("Version")?.to_owned(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn packages_are_read_with_their_versions_and_others_passed_over() {
        let text = "Package: zlib\nBinary: zlib1g,\n lib64z1\nVersion: 1:1.2.13.dfsg-1\n\nPackage: odd\n\nVersion: 1\n";
        let found: Vec<_> = read("bookworm", text).collect();
        let told: Vec<_> = found
            .iter()
            .map(|one| (one.suite.as_str(), one.name.as_str(), one.version.as_str()))
            .collect();
        assert_eq!(told, [("bookworm", "zlib", "1:1.2.13.dfsg-1")]);
    }
}
