//! Why a package has to be built again: two key documents compared, in words.

use std::collections::BTreeMap;

use igos_format::escape;
use serde::Serialize;

use super::key::HEADER;

/// One input of a build that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct KeyChange {
    /// What kind of input: `recipe`, `source`, `dependency`, `toolchain`, `flag`, `policy` and so on.
    pub kind: String,
    /// Which one.
    pub name: String,
    /// What it was, absent if it is new.
    pub before: Option<String>,
    /// What it is, absent if it is gone.
    pub after: Option<String>,
    /// The change in words.
    pub explanation: String,
}

/// Returns what differs between the key documents of the last and of the next build, sorted by kind and name.
#[must_use]
pub fn explain(last: &str, next: &str) -> Vec<KeyChange> {
    let (before, after) = (entries(last), entries(next));
    let mut keys: Vec<_> = before.keys().chain(after.keys()).collect();
    keys.sort();
    keys.dedup();
    keys.into_iter()
        .filter(|key| before.get(*key) != after.get(*key))
        .map(|(kind, name)| {
            let key = (kind.clone(), name.clone());
            let change = (before.get(&key).cloned(), after.get(&key).cloned());
            KeyChange {
                explanation: words(kind, name, change.0.as_deref(), change.1.as_deref()),
                kind: kind.clone(),
                name: name.clone(),
                before: change.0,
                after: change.1,
            }
        })
        .collect()
}

/// Returns the changes in one line, the first few by name.
#[must_use]
pub fn summarise(changes: &[KeyChange]) -> String {
    const SHOWN: usize = 3;
    let mut parts: Vec<&str> = changes
        .iter()
        .take(SHOWN)
        .map(|change| change.explanation.as_str())
        .collect();
    let rest = match changes.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!("{more} more"),
    };
    if !rest.is_empty() {
        parts.push(&rest);
    }
    parts.join("; ")
}

fn entries(document: &str) -> BTreeMap<(String, String), String> {
    let plain = |text: &str| match escape::unescape(text) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        // A line that this program did not write is shown as it stands.
        Err(_) => text.to_owned(),
    };
    let mut lines = document.lines();
    let mut entries = BTreeMap::new();
    match lines.next() {
        Some(HEADER) => {}
        first => {
            let found = first.unwrap_or_default().to_owned();
            entries.insert(("format".to_owned(), "key".to_owned()), found);
        }
    }
    for line in lines {
        let mut fields = line.splitn(3, ' ');
        if let (Some(kind), Some(name), Some(value)) = (fields.next(), fields.next(), fields.next())
        {
            entries.insert((kind.to_owned(), plain(name)), plain(value));
        }
    }
    entries
}

fn words(kind: &str, name: &str, before: Option<&str>, after: Option<&str>) -> String {
    let thing = match kind {
        "builder" => "igos-build itself".to_owned(),
        "recipe" => format!("recipe file {name}"),
        "source" => format!(
            "source {}",
            name.split_once(':').map_or(name, |(_, location)| location)
        ),
        "dependency" => format!("dependency {name}"),
        "toolchain" => "the toolchain".to_owned(),
        "flag" => format!("compiler flag variable {name}"),
        "environment" => format!("environment variable {name}"),
        "policy" => "the sandbox policy".to_owned(),
        "sandbox" => format!("the sandbox's {name}"),
        "limit" => format!("the limit {name}"),
        "check" => "whether tests run".to_owned(),
        "compression" => "the compression of archives".to_owned(),
        "triple" => format!("the {name} triple"),
        "package" => format!("the package's {name}"),
        other => format!("{other} {name}"),
    };
    match (kind, before, after) {
        ("dependency", Some(_), Some(_)) => format!("{thing} was rebuilt"),
        (
            "flag" | "environment" | "limit" | "check" | "package" | "sandbox" | "triple"
            | "compression",
            Some(before),
            Some(after),
        ) => {
            format!("{thing} is {after:?}, was {before:?}")
        }
        (_, Some(_), Some(_)) => format!("{thing} changed"),
        (_, None, _) => format!("{thing} is new"),
        (_, _, None) => format!("{thing} is gone"),
    }
}

#[cfg(test)]
mod tests {
    use super::{explain, summarise};

    const LAST: &str = "igos build key 1\n\
        dependency zlib 1111\n\
        flag CFLAGS -O2\n\
        recipe build.sh executable:aa\n\
        recipe old.patch file:bb\n\
        source 1:https://example.org/a.tar cc::a.tar\n";

    #[test]
    fn each_changed_line_is_told_in_words() {
        let next = "igos build key 1\n\
            dependency zlib 2222\n\
            environment LANG POSIX\n\
            flag CFLAGS -O2\\x20-g\n\
            recipe build.sh executable:ab\n\
            source 1:https://example.org/a.tar cc::a.tar\n";
        let explanations: Vec<String> = explain(LAST, next)
            .into_iter()
            .map(|change| change.explanation)
            .collect();
        assert_eq!(
            explanations,
            [
                "dependency zlib was rebuilt",
                "environment variable LANG is new",
                "compiler flag variable CFLAGS is \"-O2 -g\", was \"-O2\"",
                "recipe file build.sh changed",
                "recipe file old.patch is gone",
            ]
        );
    }

    #[test]
    fn equal_documents_have_no_changes() {
        assert_eq!(explain(LAST, LAST), []);
    }

    #[test]
    fn document_of_another_format_is_a_change() {
        let changes = explain("igos build key 0\n", "igos build key 1\n");
        assert_eq!(changes.len(), 1);
        assert_eq!(changes[0].kind, "format");
    }

    #[test]
    fn summary_names_three_and_counts_the_rest() {
        let changes = explain(LAST, "igos build key 1\n");
        assert_eq!(
            summarise(&changes),
            "dependency zlib is gone; compiler flag variable CFLAGS is gone; recipe file build.sh is gone; 2 more"
        );
    }
}
