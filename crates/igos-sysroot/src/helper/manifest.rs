//! What a helper says it made: a small JSON text, strict and bounded.

use igos_format::{Dependency, PackageName, RelPath, Version};
use serde::Deserialize;

/// Longest text, in bytes: ten thousand paths of usual length.
pub(super) const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// Most files and symbolic links together.
pub(super) const ENTRIES_MAX: usize = 10_000;

/// The text's `schema`.
const SCHEMA: u32 = 1;

/// What a helper says it made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelperManifest {
    /// The version of the software.
    pub version: Version,
    /// One line.
    pub description: String,
    /// Its licence.
    pub license: String,
    /// Its page.
    pub homepage: String,
    /// Packages needed to run it.
    pub depends: Vec<Dependency>,
    /// Its files.
    pub files: Vec<RelPath>,
    /// Its symbolic links and where they lead.
    pub symlinks: Vec<(RelPath, String)>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    schema: u32,
    name: String,
    version: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    license: String,
    #[serde(default)]
    homepage: String,
    #[serde(default)]
    depends: Vec<String>,
    #[serde(default)]
    files: Vec<String>,
    #[serde(default)]
    symlinks: Vec<Link>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Link {
    path: String,
    target: String,
}

impl HelperManifest {
    /// Reads the text of the helper `name`.
    pub(super) fn read(text: &[u8], name: &PackageName) -> Result<Self, String> {
        let text: Text = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        if text.schema != SCHEMA {
            return Err(format!(
                "it has schema {}, this program reads {SCHEMA}",
                text.schema
            ));
        }
        if text.name != name.as_str() {
            return Err(format!("it is one of {:?}", text.name));
        }
        let count = text.files.len().saturating_add(text.symlinks.len());
        if count == 0 || count > ENTRIES_MAX {
            return Err(format!(
                "it lists {count} paths, 1 to {ENTRIES_MAX} are taken"
            ));
        }
        let path = |text: &String| text.parse::<RelPath>().map_err(|error| error.to_string());
        let links = text.symlinks.iter();
        Ok(HelperManifest {
            version: text
                .version
                .parse()
                .map_err(|_| format!("{:?} is not a version", text.version))?,
            description: text.description,
            license: text.license,
            homepage: text.homepage,
            depends: text
                .depends
                .iter()
                .map(|one| {
                    one.parse()
                        .map_err(|_| format!("{one:?} is not a dependency"))
                })
                .collect::<Result<_, String>>()?,
            files: text.files.iter().map(path).collect::<Result<_, _>>()?,
            symlinks: links
                .map(|link| Ok((path(&link.path)?, link.target.clone())))
                .collect::<Result<_, String>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{ENTRIES_MAX, HelperManifest};

    const DOCUMENT: &str = include_str!("../../../../docs/formats/helper.md");

    fn example() -> &'static str {
        let (_, rest) = DOCUMENT
            .split_once("```json manifest.json\n")
            .expect("the document has an example");
        rest.split_once("```").expect("the example ends").0
    }

    fn read(text: &str) -> Result<HelperManifest, String> {
        HelperManifest::read(text.as_bytes(), &"chat".parse().expect("a name"))
    }

    #[test]
    fn example_of_the_document_is_a_manifest() {
        let manifest = read(example()).expect("the document is right");
        assert_eq!(manifest.files.len(), 2);
        assert_eq!(manifest.symlinks[0].1, "../../opt/chat/chat");
    }

    #[test]
    fn whatever_is_not_exactly_a_manifest_is_refused() {
        for (from, to) in [
            ("\"schema\": 1", "\"schema\": 2"),
            ("\"name\": \"chat\"", "\"name\": \"other\""),
            ("\"files\"", "\"paths\""),
            ("\"version\": \"1.4\"", "\"version\": \"\""),
            ("opt/chat/chat\",", "../opt/chat\","),
            ("opt/chat/chat\",", "/opt/chat\","),
        ] {
            let changed = example().replacen(from, to, 1);
            assert_ne!(changed, example(), "{from}");
            assert!(read(&changed).is_err(), "{to}");
        }
        assert!(read("").is_err());
        let many = vec!["\"a\""; ENTRIES_MAX + 1].join(",");
        let text =
            format!("{{\"schema\":1,\"name\":\"chat\",\"version\":\"1\",\"files\":[{many}]}}");
        assert!(read(&text).is_err_and(|error| error.contains("10001")));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let name = "chat".parse().expect("a name");
            prop_assert!(HelperManifest::read(&bytes, &name).is_err() || !bytes.is_empty());
        }
    }
}
