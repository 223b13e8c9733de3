//! From what files need to what packages depend on: every need must be met by something declared.

use std::collections::{BTreeMap, BTreeSet};

use igos_format::declaration::{Feature, FeatureKind};
use igos_format::manifest::Manifest;
use igos_format::{Dependency, PackageName, RelPath};

use super::scan::{Requirement, usr_merged};

/// Why a package is visible in the build root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Visibility {
    /// The recipe declares it as needed to run.
    Run,
    /// The recipe declares it as needed while building.
    Build,
    /// A declared dependency needs it to run.
    Transitive,
    /// It is part of the toolchain.
    Toolchain,
}

/// A package that the build could see.
#[derive(Debug, Clone, Copy)]
pub struct VisiblePackage<'a> {
    /// The package.
    pub manifest: &'a Manifest,
    /// Why it was visible.
    pub visibility: Visibility,
}

/// What happens when files need a package that the recipe does not declare for run time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UndeclaredPolicy {
    /// The build fails and names the package to declare, unless it is declared as needed for building: our
    /// own recipes.
    Refuse,
    /// The package is added to the dependencies, as KISS does.
    Add,
}

/// A need that nothing declared meets.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct UnmetNeed {
    /// What is needed.
    pub(crate) feature: Feature,
    /// The file that needs it.
    pub(crate) path: RelPath,
    /// A package in the build root that would meet it.
    pub(crate) provider: Option<PackageName>,
}

/// The answer: dependencies to add, and needs that are not met.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Relations {
    /// Packages that files need and that the recipe does not declare.
    pub(crate) added: BTreeSet<Dependency>,
    /// Needs that nothing declared meets.
    pub(crate) unmet: Vec<UnmetNeed>,
}

/// Everything one package answers to, for looking up needs.
struct Offers<'a> {
    name: &'a PackageName,
    visibility: Visibility,
}

/// Resolves what the files of one output need. Needs met by `inside` (files of the same output) or by another
/// output of the recipe are met; `siblings` lists those outputs with what they offer.
pub(crate) fn relate(
    required: &BTreeSet<Requirement>,
    inside: &BTreeSet<Feature>,
    siblings: &BTreeMap<PackageName, BTreeSet<Feature>>,
    visible: &[VisiblePackage<'_>],
    policy: UndeclaredPolicy,
) -> Relations {
    let wanted: BTreeSet<&Feature> = required
        .iter()
        .map(|requirement| &requirement.feature)
        .collect();
    let providers = index_providers(&wanted, visible);
    let mut relations = Relations::default();
    for Requirement { feature, path } in required {
        if inside.contains(feature) {
            continue;
        }
        if let Some((sibling, _)) = siblings
            .iter()
            .find(|(_, offered)| offered.contains(feature))
        {
            relations.added.insert(Dependency {
                name: sibling.clone(),
                constraint: None,
            });
            continue;
        }
        match providers.get(feature) {
            Some(offer) if offer.visibility == Visibility::Run => {}
            // What a recipe needs for building and its files need afterwards is declared well enough.
            Some(offer)
                if offer.visibility == Visibility::Build || policy == UndeclaredPolicy::Add =>
            {
                relations.added.insert(Dependency {
                    name: offer.name.clone(),
                    constraint: None,
                });
            }
            other => relations.unmet.push(UnmetNeed {
                feature: feature.clone(),
                path: path.clone(),
                provider: other.map(|offer| offer.name.clone()),
            }),
        }
    }
    relations
}

/// For each wanted feature the most declared package that offers it; among equals the first by name.
fn index_providers<'a>(
    wanted: &BTreeSet<&Feature>,
    visible: &[VisiblePackage<'a>],
) -> BTreeMap<Feature, Offers<'a>> {
    let mut sorted: Vec<&VisiblePackage<'a>> = visible.iter().collect();
    sorted.sort_by_key(|package| (package.visibility, &package.manifest.package.name));
    let mut providers: BTreeMap<Feature, Offers<'a>> = BTreeMap::new();
    for VisiblePackage {
        manifest,
        visibility,
    } in sorted
    {
        let mut offer = |feature: &Feature| {
            if wanted.contains(feature) && !providers.contains_key(feature) {
                let offers = Offers {
                    name: &manifest.package.name,
                    visibility: *visibility,
                };
                providers.insert(feature.clone(), offers);
            }
        };
        manifest.features_provided.iter().for_each(&mut offer);
        for entry in &manifest.entries {
            let path = usr_merged(&entry.path.to_string());
            if let Ok(feature) = Feature::new(FeatureKind::Path, path) {
                offer(&feature);
            }
        }
    }
    providers
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use igos_format::declaration::Feature;
    use igos_format::manifest::{Manifest, Origin};
    use igos_format::{Arch, EntryKind, FileEntry, Owner, PackageId, Sha256};

    use super::{Requirement, UndeclaredPolicy, UnmetNeed, Visibility, VisiblePackage, relate};

    fn package(name: &str, features: &[&str], paths: &[&str]) -> Manifest {
        let entries = paths.iter().map(|path| FileEntry {
            path: path.parse().expect("a path"),
            kind: EntryKind::File {
                sha256: Sha256::of(b""),
                size: 0,
                link_group: None,
            },
            mode: 0o755,
            owner: Owner::root(),
            is_configuration: false,
            capabilities: None,
            xattrs: BTreeMap::new(),
        });
        Manifest {
            recipe: name.parse().expect("a name"),
            source_date_epoch: 0,
            features_provided: features.iter().map(|text| feature(text)).collect(),
            entries: entries.collect(),
            ..Manifest::new(
                PackageId {
                    name: name.parse().expect("a name"),
                    epoch: 0,
                    version: "1".parse().expect("a version"),
                    release: "1".parse().expect("a release"),
                    arch: Arch::X86_64,
                },
                Origin::Built,
                Sha256::of(b""),
            )
        }
    }

    fn feature(text: &str) -> Feature {
        text.parse().expect("a feature")
    }

    fn needs(texts: &[&str]) -> BTreeSet<Requirement> {
        let path = "usr/bin/x".parse().expect("a path");
        texts
            .iter()
            .map(|text| Requirement {
                feature: feature(text),
                path: Clone::clone(&path),
            })
            .collect()
    }

    fn added(
        required: &[&str],
        visible: &[VisiblePackage<'_>],
        policy: UndeclaredPolicy,
    ) -> (Vec<String>, Vec<UnmetNeed>) {
        let relations = relate(
            &needs(required),
            &BTreeSet::new(),
            &BTreeMap::new(),
            visible,
            policy,
        );
        (
            relations.added.iter().map(ToString::to_string).collect(),
            relations.unmet,
        )
    }

    #[test]
    fn need_met_by_a_declared_package_adds_what_is_missing_for_run_time() {
        let zlib = package("zlib", &["soname:libz.so.1"], &[]);
        for (visibility, expected) in [
            (Visibility::Run, vec![]),
            (Visibility::Build, vec!["zlib".to_owned()]),
        ] {
            let visible = [VisiblePackage {
                manifest: &zlib,
                visibility,
            }];
            let found = added(&["soname:libz.so.1"], &visible, UndeclaredPolicy::Refuse);
            assert_eq!(found, (expected, vec![]));
        }
    }

    #[test]
    fn need_met_only_by_an_undeclared_package_is_refused_or_added() {
        let libc = package("libc6", &["soname:libc.so.6"], &[]);
        let visible = [VisiblePackage {
            manifest: &libc,
            visibility: Visibility::Toolchain,
        }];
        let (none, unmet) = added(&["soname:libc.so.6"], &visible, UndeclaredPolicy::Refuse);
        assert!(none.is_empty());
        assert_eq!(unmet.len(), 1);
        assert_eq!(
            unmet[0]
                .provider
                .as_ref()
                .map(ToString::to_string)
                .as_deref(),
            Some("libc6")
        );
        assert_eq!(
            added(&["soname:libc.so.6"], &visible, UndeclaredPolicy::Add),
            (vec!["libc6".to_owned()], vec![])
        );
    }

    #[test]
    fn interpreter_is_found_through_the_merged_path() {
        let dash = package("dash", &[], &["usr/bin/sh"]);
        let visible = [VisiblePackage {
            manifest: &dash,
            visibility: Visibility::Run,
        }];
        assert_eq!(
            added(&["path:/usr/bin/sh"], &visible, UndeclaredPolicy::Refuse),
            (vec![], vec![])
        );
    }

    #[test]
    fn need_that_nothing_visible_meets_is_unmet_under_every_policy() {
        for policy in [UndeclaredPolicy::Refuse, UndeclaredPolicy::Add] {
            let (none, unmet) = added(&["soname:libnone.so"], &[], policy);
            assert!(none.is_empty());
            assert_eq!(unmet.len(), 1);
            assert_eq!(unmet[0].provider, None);
        }
    }

    #[test]
    fn own_libraries_and_those_of_sibling_outputs_meet_needs() {
        let inside = BTreeSet::from([feature("soname:liba.so.1")]);
        let sibling = BTreeMap::from([(
            "a-libs".parse().expect("a name"),
            BTreeSet::from([feature("soname:libb.so.1")]),
        )]);
        let required = needs(&["soname:liba.so.1", "soname:libb.so.1"]);
        let relations = relate(&required, &inside, &sibling, &[], UndeclaredPolicy::Refuse);
        assert_eq!(
            relations
                .added
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>(),
            ["a-libs"]
        );
        assert!(relations.unmet.is_empty());
    }
}
