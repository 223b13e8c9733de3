//! Which package serves which path.

use std::collections::BTreeMap;

use igos_format::manifest::Manifest;
use igos_format::{PackageName, RelPath};
use igos_root::FollowedLinks;

use super::Choices;
use super::services::{is_on_request, offers};
use crate::Exclusions;
use crate::places::target_place;

/// One package's offer to serve a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Declared {
    /// The path that is served, as the manifest has it.
    pub(crate) path: RelPath,
    /// The package.
    pub(crate) package: PackageName,
    /// Where its file is.
    pub(crate) target: RelPath,
    /// The highest wins.
    pub(crate) priority: i32,
}

impl Declared {
    /// Returns what a package offers in a root; what it does not have, or what is left out, it cannot offer.
    pub(crate) fn all_of(
        manifest: &Manifest,
        exclusions: &Exclusions,
        links: &FollowedLinks,
    ) -> Vec<Self> {
        let is_left_out = |target: &RelPath| {
            let entries = &manifest.entries;
            entries
                .binary_search_by(|entry| entry.path.cmp(target))
                .is_ok_and(|at| exclusions.leaves_out(&entries[at]))
        };
        let alternatives = manifest.alternatives.iter().map(|declared| {
            let (path, target) = (declared.path.clone(), declared.target.clone());
            (path, target, declared.priority)
        });
        let services = offers(manifest).into_iter();
        alternatives
            .chain(services.map(|(path, target)| (path, target, 0)))
            .filter(|(_, target, _)| !is_left_out(target))
            .filter_map(|(path, target, priority)| {
                Some(Declared {
                    path,
                    package: manifest.package.name.clone(),
                    target: target_place(manifest, &target, links)?,
                    priority,
                })
            })
            .collect()
    }
}

/// A link of ours, as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    /// The path as manifests have it.
    pub(crate) path: RelPath,
    /// The package it leads to.
    pub(crate) package: PackageName,
    /// What the link holds.
    pub(crate) target: Vec<u8>,
}

/// Returns the links by place: of the packages that offer a path, the chosen one serves it, else the one with the
/// highest priority, else the first by name. Links that enable services are there only if they were chosen.
pub(crate) fn links_of(
    declared: &[Declared],
    choices: &Choices,
    links: &FollowedLinks,
) -> BTreeMap<RelPath, Link> {
    let mut best: BTreeMap<RelPath, &Declared> = BTreeMap::new();
    for offer in declared {
        let place = links.place(&offer.path);
        // A package cannot serve a path with itself where no room was made for the link.
        if place == offer.target {
            continue;
        }
        if is_on_request(&place) && choices.packages.get(&place) != Some(&offer.package) {
            continue;
        }
        let is_better = best
            .get(&place)
            .is_none_or(|other| rank(offer, &place, choices) > rank(other, &place, choices));
        if is_better {
            best.insert(place, offer);
        }
    }
    best.into_iter()
        .map(|(place, offer)| {
            let link = Link {
                path: offer.path.clone(),
                package: offer.package.clone(),
                target: relative_target(&place, &offer.target),
            };
            (place, link)
        })
        .collect()
}

fn rank<'a>(
    offer: &'a Declared,
    place: &RelPath,
    choices: &Choices,
) -> (bool, i32, std::cmp::Reverse<&'a PackageName>) {
    let is_chosen = choices.packages.get(place) == Some(&offer.package);
    (is_chosen, offer.priority, std::cmp::Reverse(&offer.package))
}

/// Returns what a link at `place` holds to lead to `target`, without leaving the root: `../lib/x`.
pub(crate) fn relative_target(place: &RelPath, target: &RelPath) -> Vec<u8> {
    let from: Vec<&[u8]> = place.components().collect();
    let to: Vec<&[u8]> = target.components().collect();
    let directories = &from[..from.len() - 1];
    let shared = directories
        .iter()
        .zip(&to[..to.len() - 1])
        .take_while(|(a, b)| a == b)
        .count();
    let up = std::iter::repeat_n(&b".."[..], directories.len() - shared);
    let down = to[shared..].iter().copied();
    up.chain(down).collect::<Vec<_>>().join(&b'/')
}

#[cfg(test)]
mod tests {
    use igos_root::FollowedLinks;

    use super::{Choices, Declared, links_of, relative_target};

    fn offer(path: &str, package: &str, target: &str, priority: i32) -> Declared {
        Declared {
            path: path.parse().expect("a path"),
            package: package.parse().expect("a name"),
            target: target.parse().expect("a path"),
            priority,
        }
    }

    #[test]
    fn links_are_relative_and_as_short_as_they_can_be() {
        for (place, target, expected) in [
            ("usr/bin/vi", "usr/bin/vim", "vim"),
            ("usr/bin/vi", "usr/libexec/vi", "../libexec/vi"),
            ("vi", "usr/bin/vim", "usr/bin/vim"),
            ("a/b/c/d", "e", "../../../e"),
            ("usr/bin/vi", "usr/bin/vi/x", "vi/x"),
        ] {
            let [place, target] = [place, target].map(|text| text.parse().expect("a path"));
            assert_eq!(relative_target(&place, &target), expected.as_bytes());
        }
    }

    #[test]
    fn links_that_enable_services_are_there_only_if_they_were_chosen() {
        let declared = [
            offer("etc/runlevels/default/web", "web", "etc/init.d/web", 0),
            offer(
                "etc/systemd/system/multi-user.target.wants/web.service",
                "web",
                "usr/lib/systemd/system/web.service",
                9,
            ),
        ];
        let links = FollowedLinks::default();
        let mut choices = Choices::default();
        assert!(links_of(&declared, &choices, &links).is_empty());
        let place = declared[0].path.clone();
        choices
            .packages
            .insert(place.clone(), "web".parse().expect("a name"));
        let found = links_of(&declared, &choices, &links);
        assert_eq!(found.len(), 1);
        assert_eq!(found[&place].target, b"../../init.d/web");
    }

    #[test]
    fn choice_beats_priority_and_priority_beats_name() {
        let declared = [
            offer("usr/bin/vi", "nvi", "usr/bin/nvi", 10),
            offer("usr/bin/vi", "busybox", "usr/bin/busybox", 10),
            offer("usr/bin/vi", "vim", "usr/bin/vim", 5),
            offer("usr/bin/self", "self", "usr/bin/self", 1),
        ];
        let links = FollowedLinks::default();
        let winner = |choices: &Choices| {
            let found = links_of(&declared, choices, &links);
            assert_eq!(found.len(), 1, "no link leads to itself");
            let link = found.into_values().next().expect("there is one");
            (
                link.package.to_string(),
                String::from_utf8(link.target).expect("text"),
            )
        };
        let mut choices = Choices::default();
        assert_eq!(
            winner(&choices),
            ("busybox".to_owned(), "busybox".to_owned())
        );
        let vi = declared[0].path.clone();
        choices
            .packages
            .insert(vi.clone(), "vim".parse().expect("a name"));
        assert_eq!(winner(&choices), ("vim".to_owned(), "vim".to_owned()));
        // A choice that nobody offers any more counts for nothing.
        choices.packages.insert(vi, "joe".parse().expect("a name"));
        assert_eq!(winner(&choices).0, "busybox");
    }
}
