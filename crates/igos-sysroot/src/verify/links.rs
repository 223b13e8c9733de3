//! The links of alternatives.

use std::collections::{BTreeMap, BTreeSet};

use igos_format::{PackageName, RelPath, escape};
use igos_root::{Kind, RootDir, RootError};

use super::{Class, Difference, Finding};
use crate::alternatives::Link;

/// Compares the links that lead to packages of `names` with the disk.
pub(super) fn own_link_findings(
    root: &RootDir,
    links: &BTreeMap<RelPath, Link>,
    names: &BTreeSet<PackageName>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (place, link) in links {
        if !names.contains(&link.package) {
            continue;
        }
        let finding = |what, observed: String| Finding {
            path: link.path.to_string(),
            package: Some(link.package.clone()),
            what,
            expected: escape::escape(&link.target),
            observed,
            class: Class::Code,
        };
        findings.extend(match look(root, place) {
            Ok(None) => Some(finding(Difference::Missing, "nothing".to_owned())),
            Ok(Some(Seen::Other(kind))) => Some(finding(Difference::Type, kind.to_string())),
            Ok(Some(Seen::Link(target))) if target == link.target => None,
            Ok(Some(Seen::Link(target))) => {
                Some(finding(Difference::Target, escape::escape(&target)))
            }
            Err(error) if error.is_way_blocked() => Some(finding(
                Difference::Missing,
                "nothing: something on the way is not a directory".to_owned(),
            )),
            Err(error) => Some(finding(Difference::Unreadable, error.into_io().to_string())),
        });
    }
    findings
}

enum Seen {
    Link(Vec<u8>),
    Other(Kind),
}

fn look(root: &RootDir, place: &RelPath) -> Result<Option<Seen>, RootError> {
    match root.metadata(place)?.map(|found| found.kind) {
        None => Ok(None),
        Some(Kind::Symlink) => Ok(root.read_link(place)?.map(Seen::Link)),
        Some(other) => Ok(Some(Seen::Other(other))),
    }
}
