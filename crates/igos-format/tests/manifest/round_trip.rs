//! What is written is read again, and what is read would be written again.

use std::collections::BTreeSet;

use igos_format::declaration::{
    AlternativeDeclaration, Feature, FeatureKind, GroupDeclaration, HookDeclaration, HookMoment,
    Provided, ServiceDeclaration, TriggerDeclaration, UserDeclaration,
};
use igos_format::manifest::{self, Manifest, Origin, normalise};
use igos_format::{
    Arch, Capabilities, Constraint, Dependency, EntryKind, FileEntry, Operator, Owner, PackageId,
    PackageName, RelPath, Release, Sha256, Tier, Version, Xattrs,
};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;

fn name() -> impl Strategy<Value = PackageName> {
    "[A-Za-z0-9][A-Za-z0-9+._-]{0,12}".prop_map(|text| text.parse().expect("it is a name"))
}

fn version() -> impl Strategy<Value = Version> {
    "[A-Za-z0-9][A-Za-z0-9+._~-]{0,8}".prop_map(|text| text.parse().expect("it is a version"))
}

fn release() -> impl Strategy<Value = Release> {
    "[A-Za-z0-9][A-Za-z0-9+._~]{0,4}".prop_map(|text| text.parse().expect("it is a release"))
}

/// Any text without control characters.
fn words() -> impl Strategy<Value = String> {
    "[ \\\\=a-zé\u{1f4e6}\u{200b}-]{0,12}"
}

fn digest() -> impl Strategy<Value = Sha256> {
    any::<[u8; 32]>().prop_map(Sha256::from_bytes)
}

fn dependency() -> impl Strategy<Value = Dependency> {
    let operator = prop::sample::select(vec![
        Operator::Less,
        Operator::LessOrEqual,
        Operator::Equal,
        Operator::GreaterOrEqual,
        Operator::Greater,
    ]);
    let constraint =
        (operator, version()).prop_map(|(operator, version)| Constraint { operator, version });
    (name(), option::of(constraint)).prop_map(|(name, constraint)| Dependency { name, constraint })
}

fn feature() -> impl Strategy<Value = Feature> {
    let kind = prop::sample::select(FeatureKind::ALL.to_vec());
    (kind, "[ \\\\:a-zé]{1,8}")
        .prop_map(|(kind, name)| Feature::new(kind, name).expect("it is a feature"))
}

fn path() -> impl Strategy<Value = RelPath> {
    let component = prop_oneof![
        "[a-c]".prop_map(String::into_bytes),
        vec(
            prop_oneof![0x20_u8..=0x2e, 0x30_u8..=0x7e, 0x80_u8..=0xff],
            1..5
        ),
    ]
    .prop_filter("not . or ..", |bytes| bytes != b"." && bytes != b"..");
    vec(component, 1..4)
        .prop_map(|components| RelPath::from_bytes(&components.join(&b'/')).expect("it is a path"))
}

fn user() -> impl Strategy<Value = UserDeclaration> {
    (
        name(),
        option::of(any::<u32>()),
        option::of(name()),
        option::of(words()),
        option::of(words()),
        option::of(words()),
    )
        .prop_map(
            |(name, uid, group, home, shell, description)| UserDeclaration {
                name,
                uid,
                group,
                home,
                shell,
                description,
            },
        )
}

fn trigger() -> impl Strategy<Value = TriggerDeclaration> {
    (name(), vec(words(), 0..3), vec(words(), 0..3))
        .prop_map(|(name, paths, run)| TriggerDeclaration { name, paths, run })
}

fn hook() -> impl Strategy<Value = HookDeclaration> {
    let moment = prop::sample::select(HookMoment::ALL.to_vec());
    (moment, "/[a-c ]{1,4}/[a-cé]{1,4}", vec(words(), 0..3)).prop_map(
        |(moment, program, mut run)| {
            run.insert(0, program);
            HookDeclaration { moment, run }
        },
    )
}

fn alternative() -> impl Strategy<Value = AlternativeDeclaration> {
    (path(), path(), any::<i32>()).prop_map(|(path, target, priority)| AlternativeDeclaration {
        path,
        target,
        priority,
    })
}

fn xattrs() -> impl Strategy<Value = Xattrs> {
    btree_map("user\\.[a-z~]{1,4}", vec(any::<u8>(), 0..4), 0..3)
}

fn capabilities() -> impl Strategy<Value = Capabilities> {
    any::<(u64, u64, bool)>().prop_map(|(permitted, inheritable, effective)| Capabilities {
        permitted,
        inheritable,
        effective,
    })
}

fn kind() -> impl Strategy<Value = EntryKind> {
    prop_oneof![
        Just(EntryKind::Directory),
        // Few digests and groups, so that some files are equal and some are linked.
        (any::<u64>(), 0_u8..3, option::of(1_u32..4)).prop_map(|(size, content, link_group)| {
            EntryKind::File {
                sha256: Sha256::of(&[content]),
                size,
                link_group,
            }
        }),
        vec(prop_oneof![0x20_u8..=0x7e, 0x80_u8..=0xff], 1..6)
            .prop_map(|target| EntryKind::Symlink { target }),
    ]
}

fn entry() -> impl Strategy<Value = FileEntry> {
    (
        (path(), kind(), 0_u16..=0o7777, any::<bool>()),
        (name(), any::<u32>(), name(), any::<u32>()),
        (option::of(capabilities()), xattrs()),
    )
        .prop_map(
            |((path, kind, mode, is_configuration), owner, (capabilities, xattrs))| {
                let is_file = matches!(kind, EntryKind::File { .. });
                let is_symlink = matches!(kind, EntryKind::Symlink { .. });
                FileEntry {
                    mode: if is_symlink { 0o777 } else { mode },
                    is_configuration: is_configuration && kind != EntryKind::Directory,
                    capabilities: capabilities.filter(|_| is_file),
                    xattrs: if is_symlink { Xattrs::new() } else { xattrs },
                    owner: Owner {
                        user: owner.0,
                        uid: owner.1,
                        group: owner.2,
                        gid: owner.3,
                    },
                    path,
                    kind,
                }
            },
        )
}

/// Makes entries obey the rules about one another.
fn settle(manifest: &mut Manifest) {
    manifest.entries.sort_by(|a, b| a.path.cmp(&b.path));
    manifest.entries.dedup_by(|a, b| a.path == b.path);
    let mut last_other: Option<RelPath> = None;
    manifest.entries.retain(|entry| {
        if last_other
            .as_ref()
            .is_some_and(|other| entry.path.starts_with(other))
        {
            return false;
        }
        if entry.kind != EntryKind::Directory {
            last_other = Some(entry.path.clone());
        }
        true
    });
    let mut firsts: std::collections::BTreeMap<u32, FileEntry> = [].into();
    for entry in &mut manifest.entries {
        if let EntryKind::File {
            link_group: Some(group),
            ..
        } = entry.kind
        {
            let first = firsts.entry(group).or_insert_with(|| entry.clone());
            let path = entry.path.clone();
            *entry = FileEntry {
                path,
                ..first.clone()
            };
        }
    }
    normalise(manifest);
}

fn sets() -> impl Strategy<Value = Manifest> {
    let sets = (
        btree_set(dependency(), 0..3),
        btree_set(
            (name(), option::of(version())).prop_map(|(name, version)| Provided { name, version }),
            0..3,
        ),
        btree_set(dependency(), 0..3),
        btree_set(name(), 0..3),
        btree_set(feature(), 0..3),
        btree_set(feature(), 0..3),
    );
    let declarations = (
        btree_set(user(), 0..3),
        btree_set(
            (name(), option::of(any::<u32>()))
                .prop_map(|(name, gid)| GroupDeclaration { name, gid }),
            0..3,
        ),
        btree_set(
            (name(), any::<bool>())
                .prop_map(|(name, enabled)| ServiceDeclaration { name, enabled }),
            0..3,
        ),
        btree_set(alternative(), 0..3),
        btree_set(trigger(), 0..3),
        btree_set(hook(), 0..3),
    );
    let identity = (
        (
            name(),
            any::<u32>(),
            version(),
            release(),
            prop::sample::select(Arch::ALL.to_vec()),
        ),
        (name(), words(), words(), words(), digest()),
        (
            option::of(prop::sample::select(Tier::ALL.to_vec())),
            prop::sample::select(Origin::ALL.to_vec()),
            0..=0o777_7777_7777_u64,
            any::<bool>(),
        ),
    );
    (identity, sets, declarations).prop_map(|(identity, sets, declarations)| {
        let ((name, epoch, version, release, arch), texts, (tier, origin, time, is_essential)) =
            identity;
        Manifest {
            package: PackageId {
                name,
                epoch,
                version,
                release,
                arch,
            },
            recipe: texts.0,
            description: texts.1,
            license: texts.2,
            homepage: texts.3,
            build_key: texts.4,
            tier,
            origin,
            source_date_epoch: time,
            is_essential,
            depends: sets.0,
            provides: sets.1,
            conflicts: sets.2,
            supersedes: sets.3,
            features_provided: sets.4,
            features_required: sets.5,
            users: declarations.0,
            groups: declarations.1,
            services: declarations.2,
            alternatives: declarations.3,
            triggers: declarations.4,
            hooks: declarations.5,
            entries: Vec::new(),
        }
    })
}

fn manifest() -> impl Strategy<Value = Manifest> {
    (sets(), vec(entry(), 0..20)).prop_map(|(mut manifest, entries)| {
        manifest.entries = entries;
        settle(&mut manifest);
        manifest
    })
}

proptest! {
    #[test]
    fn every_manifest_survives_its_text(manifest in manifest()) {
        let text = manifest::write(&manifest);
        prop_assert_eq!(manifest::read(&text), Ok(manifest));
    }

    #[test]
    fn texts_differ_where_manifests_differ(a in manifest(), b in manifest()) {
        prop_assert_eq!(a == b, manifest::write(&a) == manifest::write(&b));
    }

    #[test]
    fn any_text_that_is_read_is_written_again(
        manifest in manifest(), at: prop::sample::Index, removed in 0_usize..8, added in "[ \n\\\\=0-9a-f~.]{0,4}"
    ) {
        let mut text = manifest::write(&manifest);
        let end = text.len() - 69;
        text.truncate(end);
        let at = at.index(end);
        text.splice(at..end.min(at + removed), added.into_bytes());
        let digest = Sha256::of(&text);
        text.extend(format!("end {digest}\n").into_bytes());
        if let Ok(read) = manifest::read(&text) {
            prop_assert_eq!(manifest::write(&read), text);
        }
    }

    #[test]
    fn any_bytes_are_read_without_harm(bytes: Vec<u8>) {
        prop_assert!(manifest::read(&bytes).is_err());
    }
}

#[test]
fn settings_of_this_test_give_links_and_nesting() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut groups = BTreeSet::new();
    let mut deep = 0;
    for _ in 0..200 {
        let manifest = manifest()
            .new_tree(&mut runner)
            .expect("it can be made")
            .current();
        for entry in &manifest.entries {
            deep += usize::from(entry.path.components().count() > 1);
            if let EntryKind::File { link_group, .. } = entry.kind {
                groups.extend(link_group);
            }
        }
    }
    assert!(groups.len() > 1 && deep > 100, "{groups:?} {deep}");
}
