//! Rules that values of a manifest can break.

use std::mem::discriminant;

use igos_format::declaration::{HookDeclaration, HookMoment};
use igos_format::manifest::{
    self, LineProblem, Manifest, ManifestError, ManifestRule, normalise, validate,
};
use igos_format::{Capabilities, EntryKind, FileEntry, RelPath};

const DOCUMENT: &str = include_str!("../../../../docs/formats/manifest.md");

fn example() -> Manifest {
    let (_, rest) = DOCUMENT
        .split_once("```manifest\n")
        .expect("the document has an example");
    let (text, _) = rest.split_once("```").expect("the example ends");
    manifest::read(text.as_bytes()).expect("the document is right")
}

fn path(text: &str) -> RelPath {
    text.parse().expect("the test gives a path")
}

fn entry<'m>(manifest: &'m mut Manifest, at: &str) -> &'m mut FileEntry {
    let at = path(at);
    manifest
        .entries
        .iter_mut()
        .find(|entry| entry.path == at)
        .expect("the example has this path")
}

/// Changes the example and compares the rule that this breaks, for writers and for readers.
fn breaks(rule: &ManifestRule, change: impl FnOnce(&mut Manifest)) {
    let mut manifest = example();
    change(&mut manifest);
    let error = validate(&manifest).expect_err(&rule.to_string());
    assert_eq!(discriminant(&error.rule), discriminant(rule), "{error}");
    match manifest::read(&manifest::write(&manifest)) {
        Err(ManifestError::Line {
            problem: LineProblem::Rule(found),
            ..
        }) => assert_eq!(found, error.rule),
        other => panic!("{rule}: {other:?}"),
    }
}

#[test]
fn texts_with_control_characters_are_refused() {
    let rule = ManifestRule::Control { key: "" };
    breaks(&rule, |m| m.description = "a\x1b[2J".to_owned());
    breaks(&rule, |m| m.license = "\u{9b}".to_owned());
    breaks(&rule, |m| m.homepage = "a\nb".to_owned());
    breaks(&rule, |m| {
        m.triggers = m
            .triggers
            .iter()
            .map(|trigger| {
                let mut trigger = trigger.clone();
                trigger.run.push("\0".to_owned());
                trigger
            })
            .collect();
    });
    breaks(&rule, |m| {
        m.users = m
            .users
            .iter()
            .map(|user| {
                let mut user = user.clone();
                user.shell = Some("\t".to_owned());
                user
            })
            .collect();
    });
}

#[test]
fn programs_of_hooks_are_absolute_paths() {
    let moment = HookMoment::PostInstall;
    for run in [vec![], vec![""], vec!["bin/a"], vec!["/a/../b"], vec!["/"]] {
        breaks(&ManifestRule::HookProgram { moment }, |m| {
            let run = run.into_iter().map(str::to_owned).collect();
            m.hooks.insert(HookDeclaration { moment, run });
        });
    }
}

#[test]
fn times_that_tar_cannot_hold_are_refused() {
    breaks(&ManifestRule::Epoch { epoch: 0 }, |m| {
        m.source_date_epoch = 0o777_7777_7777 + 1;
    });
}

#[test]
fn paths_out_of_order_and_below_files_are_refused() {
    let (one, other) = (path("a"), path("b"));
    let order = ManifestRule::Order {
        path: one.clone(),
        before: other.clone(),
    };
    breaks(&order, |m| m.entries.reverse());
    breaks(&order, |m| m.entries[0] = m.entries[2].clone());
    breaks(
        &ManifestRule::BelowFile {
            path: one,
            parent: other,
        },
        |m| entry(m, "usr/share/link").path = path("usr/share/a file/b/c"),
    );
}

#[test]
fn paths_of_the_package_manager_are_refused() {
    for reserved in [
        "etc/igos",
        "etc/igos/repositories.d/evil.toml",
        "var/lib/igos",
        "var/lib/igos/db",
        "var/cache/igos/x",
        "x/.igos",
        "x/.igos-stage/y",
        "x/.pkm-1",
    ] {
        assert!(manifest::is_reserved(&path(reserved)), "{reserved}");
        breaks(
            &ManifestRule::ReservedPath {
                path: path(reserved),
            },
            |m| {
                entry(m, "usr/share/link").path = path(reserved);
                m.entries.sort_by(|a, b| a.path.cmp(&b.path));
            },
        );
    }
    for free in [
        "etc/igosx",
        "var/lib/igosx",
        "var/lib",
        "var/libigos",
        "x/igos",
        "x/a.igos",
    ] {
        assert!(!manifest::is_reserved(&path(free)), "{free}");
    }
}

#[test]
fn flags_modes_and_targets_that_a_kind_cannot_have_are_refused() {
    let some = path("a");
    let mode = ManifestRule::Mode {
        path: some.clone(),
        mode: 0,
    };
    breaks(&mode, |m| entry(m, "usr/bin/tiny").mode = 0o10000);
    breaks(&mode, |m| entry(m, "usr/share/link").mode = 0o644);
    let flag = ManifestRule::Flag {
        path: some.clone(),
        flag: "",
    };
    breaks(&flag, |m| entry(m, "usr").is_configuration = true);
    breaks(&flag, |m| {
        entry(m, "usr").capabilities = Some(Capabilities {
            permitted: 1,
            inheritable: 0,
            effective: false,
        });
    });
    breaks(&flag, |m| {
        entry(m, "usr/share/link").xattrs = [("user.a".to_owned(), vec![])].into();
    });
    for target in [vec![], vec![b'a'; 4096], b"a\nb".to_vec(), b"\x7f".to_vec()] {
        breaks(&ManifestRule::Target { path: some.clone() }, |m| {
            entry(m, "usr/share/link").kind = EntryKind::Symlink { target };
        });
    }
}

#[test]
fn extended_attributes_that_tar_or_linux_cannot_hold_are_refused() {
    let rule = ManifestRule::Xattr {
        path: path("a"),
        problem: "",
    };
    let long = format!("user.{}", "a".repeat(251));
    for name in [
        "a",
        "user.",
        "net.a",
        "user.a%",
        "security.capability",
        "user.é",
        &long,
    ] {
        breaks(&rule, |m| {
            entry(m, "usr").xattrs = [(name.to_owned(), vec![])].into();
        });
    }
    breaks(&rule, |m| {
        entry(m, "usr").xattrs = [("user.a".to_owned(), vec![0; 48 * 1024])].into();
    });
    breaks(&rule, |m| {
        entry(m, "usr").xattrs = (0..65).map(|n| (format!("user.{n}"), vec![])).collect();
    });
}

fn link(manifest: &mut Manifest, at: &str, group: Option<u32>) {
    if let EntryKind::File { link_group, .. } = &mut entry(manifest, at).kind {
        *link_group = group;
    }
}

#[test]
fn link_groups_that_are_not_groups_are_refused() {
    let some = path("a");
    let number = ManifestRule::LinkNumber {
        path: some.clone(),
        found: 0,
        expected: 0,
    };
    breaks(&number, |m| link(m, "usr/bin/tiny", Some(2)));
    breaks(&number, |m| link(m, "usr/bin/tiny", Some(0)));
    breaks(
        &ManifestRule::LinkAlone {
            path: some.clone(),
            group: 0,
        },
        |m| link(m, "usr/bin/tiny", None),
    );
    let differs = ManifestRule::LinkDiffers {
        path: some.clone(),
        group: 0,
        first: some,
    };
    breaks(&differs, |m| entry(m, "usr/bin/tiny-again").mode = 0o700);
    breaks(&differs, |m| entry(m, "usr/bin/tiny-again").owner.uid = 5);
    breaks(&differs, |m| {
        entry(m, "usr/bin/tiny-again").capabilities = None
    });
    breaks(&differs, |m| {
        if let EntryKind::File { size, .. } = &mut entry(m, "usr/bin/tiny-again").kind {
            *size += 1;
        }
    });
}

#[test]
fn normalising_sorts_and_numbers_groups_by_their_first_members() {
    let mut manifest = example();
    link(&mut manifest, "usr/bin/tiny", Some(77));
    link(&mut manifest, "usr/bin/tiny-again", Some(77));
    link(&mut manifest, "etc/tiny.conf", Some(5));
    manifest.entries.reverse();
    normalise(&mut manifest);
    assert_eq!(manifest, example());
}

#[test]
fn text_longer_than_the_limit_is_refused_before_it_is_read() {
    let text = vec![b'a'; manifest::MAX_BYTES + 1];
    assert!(matches!(
        manifest::read(&text),
        Err(ManifestError::TooLarge { .. })
    ));
}
