//! What is not published, and what is said of it.

use igos_format::Arch;
use igos_format::manifest::Origin;
use igos_format::trust::{Envelope, Metadata, Root};
use igos_repo::publish::{Allowances, Backwards, PublishError, PublishRequest, Staging};
use igos_repo::trust::{SecretKey, sign};
use igos_report::Explain;

use crate::support::{NOW, Package, World, names, package};

#[test]
fn two_archives_of_one_version_with_different_seals_are_refused() {
    let world = World::new();
    let one = world.archives(&[&package("a 1")]);
    let other = world.archives(&[&package("a 1").file("usr/bin/a", "a")]);
    let refusal = world.refusal(PublishRequest::new(vec![one.clone(), other.clone()]));
    assert_eq!(refusal.len(), 1, "{refusal:?}");
    let file = "a-1-1.x86_64.igos.tar.zst";
    let start = format!(
        "publish-same-version: {} and {} are both a 1-1 for x86_64, with seals ",
        one.join(file).display(),
        other.join(file).display()
    );
    assert!(refusal[0].starts_with(&start), "{refusal:?}");
    // Twice the same is no contradiction.
    let again = world.archives(&[&package("a 1")]);
    assert!(
        world
            .try_publish(PublishRequest::new(vec![one, again]))
            .is_ok()
    );
}

#[test]
fn another_package_of_a_published_version_is_refused() {
    let world = World::new();
    world.publish(&[&package("a 1")]);
    let before = world.files();
    let refusal = world.refusal(world.request(&[&package("a 1").file("usr/bin/a", "a")]));
    assert!(
        refusal[0]
            .starts_with("publish-version-published: a 1-1 for x86_64 is published with seal "),
        "{refusal:?}"
    );
    assert_eq!(world.files(), before);
    world.publish(&[&package("a 1").release("2").file("usr/bin/a", "a")]);
}

#[test]
fn versions_go_backwards_only_when_it_is_allowed() {
    let world = World::new();
    world.publish(&[&package("a 2")]);
    assert_eq!(
        world.refusal(world.request(&[&package("a 1")])),
        ["publish-goes-backwards: a 1-1 is older than a 2-1, which is published"]
    );
    let request = PublishRequest {
        allow: Allowances {
            backwards: Backwards::Allow,
            ..Allowances::default()
        },
        ..world.request(&[&package("a 1")])
    };
    world.try_publish(request).expect("it is allowed");
    assert_eq!(
        names(&world.client().sync(NOW).expect("it can be read")),
        ["a 1-1"]
    );
}

#[test]
fn of_several_versions_the_newest_is_taken() {
    let world = World::new();
    let directory = world.archives(&[
        &package("a 9"),
        &package("a 10"),
        &package("a 10").release("2"),
    ]);
    world
        .try_publish(PublishRequest::new(vec![directory]))
        .expect("they are sound");
    assert_eq!(
        names(&world.client().sync(NOW).expect("it can be read")),
        ["a 10-2"]
    );
}

#[test]
fn dependency_that_nothing_satisfies_is_refused_and_says_what_there_is() {
    let world = World::new();
    let refused = |packages: &[&Package]| world.refusal(world.request(packages));
    assert_eq!(
        refused(&[&package("a 1").depends("b>=2"), &package("b 1")]),
        ["publish-no-provider: a 1-1 for x86_64 needs b>=2, the repository has b 1-1"]
    );
    assert_eq!(
        refused(&[&package("a 1").depends("b")]),
        ["publish-no-provider: a 1-1 for x86_64 needs b, which nothing in the repository is"]
    );
    let provider = package("c 1").with(|manifest| {
        manifest
            .provides
            .insert("b=2".parse().expect("a provided name"));
    });
    world.publish(&[&package("a 1").depends("b>=2"), &provider]);
    // What others need cannot be taken out.
    let request = PublishRequest {
        remove: ["c".parse().expect("a name")].into(),
        ..PublishRequest::new(Vec::new())
    };
    assert_eq!(
        world.refusal(request),
        ["publish-no-provider: a 1-1 for x86_64 needs b>=2, which nothing in the repository is"]
    );
}

#[test]
fn packages_of_another_machine_satisfy_nothing_and_those_of_any_do() {
    let world = World::new();
    let needs = package("a 1").depends("b");
    assert_eq!(
        world.refusal(world.request(&[&needs, &package("b 1").arch(Arch::Aarch64)])),
        ["publish-no-provider: a 1-1 for x86_64 needs b, which nothing in the repository is"]
    );
    world.publish(&[&needs, &package("b 1").arch(Arch::Any)]);
}

#[test]
fn package_that_is_for_any_machine_from_now_on_takes_the_place_of_the_others() {
    let world = World::new();
    let file = |version: &str, arch| package(version).arch(arch).file("usr/bin/a", version);
    world.publish(&[&file("a 1", Arch::X86_64), &file("a 1", Arch::Aarch64)]);
    let publication = world.publish(&[&file("a 2", Arch::Any)]);
    assert_eq!((publication.gone.len(), publication.packages), (2, 1));
    // The other way round the old one stays for the machines that lack the new one.
    assert_eq!(world.publish(&[&file("a 3", Arch::X86_64)]).packages, 2);
}

#[test]
fn one_path_in_two_packages_that_can_meet_is_refused_with_both_owners() {
    let world = World::new();
    let one = package("a 1").file("usr/bin/x", "a");
    let other = package("b 1").file("usr/bin/x", "b");
    let expected = ["publish-same-path: usr/bin/x is in a 1-1 and in b 1-1"];
    assert_eq!(world.refusal(world.request(&[&one, &other])), expected);
    world.publish(&[&one]);
    assert_eq!(world.refusal(world.request(&[&other])), expected);
    let other = other.with(|manifest| {
        manifest.supersedes.insert("a".parse().expect("a name"));
    });
    world.publish(&[&other]);
    let third = package("c 1").file("usr/bin/x", "c").with(|manifest| {
        for name in ["a", "b"] {
            manifest.conflicts.insert(name.parse().expect("a name"));
        }
    });
    world.publish(&[&third]);
    // A path that moves from one package to another is in one of them.
    let (without, with) = (package("d 1"), package("e 1").file("usr/bin/y", "y"));
    world.publish(&[&without.clone().file("usr/bin/y", "y")]);
    world.publish(&[&without.release("2"), &with]);
    // On different machines they never meet.
    world.publish(&[&package("f 1").arch(Arch::Aarch64).file("usr/bin/y", "f")]);
}

#[test]
fn path_that_is_a_directory_in_one_package_and_a_file_in_another_is_refused() {
    let world = World::new();
    let file = package("a 1").file("usr/share/x", "a");
    let below = package("b 1").file("usr/share/x/y/z", "b");
    let expected =
        ["publish-file-and-directory: usr/share/x is a directory in b 1-1 and not in a 1-1"];
    assert_eq!(world.refusal(world.request(&[&file, &below])), expected);
    // Whichever comes first.
    world.publish(&[&file]);
    assert_eq!(world.refusal(world.request(&[&below])), expected);
    let other = World::new();
    other.publish(&[&below, &package("c 1").file("usr/share/x/y/w", "c")]);
    assert_eq!(
        other.refusal(other.request(&[&file])),
        [
            expected[0],
            "publish-file-and-directory: usr/share/x is a directory in c 1-1 and not in a 1-1"
        ]
    );
    // Never together on one machine.
    world.publish(&[&below.clone().arch(Arch::Aarch64)]);
    let instead = below.with(|manifest| {
        manifest.conflicts.insert("a".parse().expect("a name"));
    });
    world.publish(&[&instead]);
    // A file that becomes a directory in the same package is that package's affair.
    other.publish(&[&package("b 2").file("usr/share/x/y", "b"), &package("c 2")]);
    // Where the system may have a link a package may bring it, and others what is behind it.
    let link = package("links 1").file("bin", "as a link");
    other.publish(&[&link, &package("sh 1").file("bin/sh", "sh")]);
    let near = package("near 1").file("usr/share/xy", "n");
    other.publish(&[&near]);
}

#[test]
fn packages_that_were_imported_or_weakened_are_published_only_when_it_is_allowed() {
    let world = World::new();
    let imported = package("a 1").with(|manifest| manifest.origin = Origin::Imported);
    let weakened = package("b 1").with(|manifest| manifest.origin = Origin::BuiltWeakened);
    assert_eq!(
        world.refusal(world.request(&[&imported, &weakened])),
        [
            "publish-imported: a 1-1 was imported from another distribution",
            "publish-weakened: b 1-1 was built with something weakened; its provenance says what"
        ]
    );
    let request = PublishRequest {
        allow: Allowances {
            origins: vec![Origin::Imported, Origin::BuiltWeakened],
            ..Allowances::default()
        },
        ..world.request(&[&imported, &weakened])
    };
    world.try_publish(request).expect("it is allowed");
    // What is published is published.
    assert!(!world.publish(&[&imported]).has_changed);
}

#[test]
fn archive_under_the_name_of_another_package_is_refused() {
    let world = World::new();
    let directory = world.archives(&[]);
    let path = directory.join("b-1-1.x86_64.igos.tar.zst");
    fs_err::write(&path, package("a 1").bytes()).expect("it is ours");
    let said = format!(
        "publish-other-name: {} holds another package than its name says: a-1-1.x86_64",
        path.display()
    );
    assert_eq!(
        world.refusal(PublishRequest::new(vec![directory.clone()])),
        [said]
    );
    // A name by digest is no name of a package.
    fs_err::rename(
        &path,
        directory.join(format!("{}.igos.tar.zst", "ab".repeat(32))),
    )
    .expect("it is ours");
    world
        .try_publish(PublishRequest::new(vec![directory]))
        .expect("it is sound");
}

#[test]
fn archive_that_is_damaged_behind_its_head_is_refused() {
    let world = World::new();
    let directory = world.archives(&[&package("a 1").file("usr/bin/a", "text")]);
    let path = directory.join("a-1-1.x86_64.igos.tar.zst");
    let mut bytes = fs_err::read(&path).expect("it is there");
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs_err::write(&path, bytes).expect("it is ours");
    let error = world.try_publish(PublishRequest::new(vec![directory]));
    let error = error.expect_err("it is damaged");
    assert!(matches!(error, PublishError::Archive(_)), "{error:?}");
    assert_eq!(error.exit_code(), 1);
    assert!(!world.repository().join("metadata").exists());
}

#[test]
fn package_that_is_not_there_cannot_be_taken_out() {
    let world = World::new();
    world.publish(&[&package("a 1")]);
    let request = |name: &str| PublishRequest {
        remove: [name.parse().expect("a name")].into(),
        ..PublishRequest::new(Vec::new())
    };
    assert_eq!(
        world.refusal(request("b")),
        ["publish-absent: b is not in the repository"]
    );
    let publication = world.try_publish(request("a")).expect("nothing needs it");
    assert_eq!(publication.packages, 0);
}

#[test]
fn metadata_that_somebody_changed_is_not_signed_again() {
    let world = World::new();
    world.publish(&[&package("a 1")]);
    let file = |part: &str| {
        let all = world.files().into_keys();
        let mut found = all.filter(|path| path.ends_with(part));
        world.repository().join(found.next().expect("it is there"))
    };
    for (part, code) in [
        ("timestamp.json", "signature-bad"),
        ("snapshot.json", "repository-digest-mismatch"),
        ("packages.json", "repository-digest-mismatch"),
        ("packages.index", "repository-digest-mismatch"),
    ] {
        let path = file(part);
        let bytes = fs_err::read(&path).expect("it is there");
        let changed: Vec<u8> = match part {
            "packages.index" => bytes.iter().rev().copied().collect(),
            _ => String::from_utf8_lossy(&bytes)
                .replace("2026-", "2027-")
                .into(),
        };
        fs_err::write(&path, changed).expect("it is ours");
        let error = world.try_publish(world.request(&[&package("b 1")]));
        assert_eq!(error.expect_err("it was changed").code(), code, "{part}");
        fs_err::write(&path, bytes).expect("it is ours");
    }
    world.publish(&[&package("b 1")]);
}

#[test]
fn repository_of_other_keys_is_not_published_to() {
    let (world, other) = (World::new(), World::new());
    world.publish(&[&package("a 1")]);
    other.publish(&[&package("b 1")]);
    fs_err::remove_dir_all(world.repository()).expect("it is ours");
    fs_err::rename(other.repository(), world.repository()).expect("both are ours");
    let error = world.try_publish(world.request(&[&package("c 1")]));
    let error = error.expect_err("the keys are others");
    assert_eq!(error.code(), "signature-key-unknown");
}

/// Public keys are public: anybody can make a root that names them beside their own.
#[test]
fn forged_root_that_names_the_publishers_keys_too_gets_nothing_signed() {
    let (world, attacker) = (World::new(), World::new());
    world.publish(&[&package("a 1")]);
    attacker.publish(&[&package("a 2")]);
    let read = |world: &World| {
        let bytes = fs_err::read(world.repository().join("metadata/1.root.json"));
        let envelope = Envelope::read(&bytes.expect("it is there"), 65_536).expect("it is sound");
        Root::from_json(&envelope.signed).expect("it is a root")
    };
    let (real, mut forged) = (read(&world), read(&attacker));
    forged.version = 2;
    forged.keys.extend(real.keys.clone());
    for (role, more) in [
        (&mut forged.targets, &real.targets),
        (&mut forged.snapshot, &real.snapshot),
        (&mut forged.timestamp, &real.timestamp),
    ] {
        role.keys.extend(more.keys.clone());
    }
    let key = SecretKey::load(&attacker.keys().join("offline/root.key")).expect("it is theirs");
    let root = sign(forged, [&key]).to_bytes();
    fs_err::remove_dir_all(world.repository()).expect("they can write there");
    fs_err::rename(attacker.repository(), world.repository()).expect("they can write there");
    fs_err::write(world.repository().join("metadata/2.root.json"), root).expect("the same");
    let error = world.try_publish(world.request(&[&package("b 1")]));
    let error = error.expect_err("it is forged");
    assert_eq!(error.code(), "signature-key-unknown");
}

#[test]
fn published_archive_that_is_lost_is_named_and_taken_again_when_it_is_given() {
    let world = World::new();
    world.publish(&[&package("a 1")]);
    let archive = world
        .files()
        .into_keys()
        .find(|path| path.contains("targets/archives"));
    let archive = world.repository().join(archive.expect("it is there"));
    fs_err::remove_file(&archive).expect("it is ours");
    let error = world.try_publish(world.request(&[&package("b 1")]));
    assert_eq!(
        error.expect_err("it is lost").code(),
        "publish-archive-lost"
    );
    world.publish(&[&package("a 1"), &package("b 1")]);
    assert!(archive.exists());
}

fn library(version: &str) -> Package {
    package(&format!("libfoo {version}.0")).offers(&format!("soname:libfoo.so.{version}"))
}

fn dependant(name: &str, release: &str, version: &str) -> Package {
    package(&format!("{name} 1"))
        .release(release)
        .depends("libfoo")
        .needs(&format!("soname:libfoo.so.{version}"))
}

#[test]
fn new_soname_is_refused_with_the_packages_to_rebuild() {
    let world = World::new();
    world.publish(&[
        &library("1"),
        &dependant("a", "1", "1"),
        &dependant("b", "1", "1"),
    ]);
    let error = world
        .try_publish(world.request(&[&library("2")]))
        .expect_err("others need it");
    let said = error.diagnostics();
    assert_eq!(said.len(), 1);
    assert_eq!(
        said[0].message,
        "soname:libfoo.so.1 for x86_64 is in no package; it is needed by a 1-1, b 1-1"
    );
    assert_eq!(
        said[0].hints,
        [
            "rebuild: a b",
            "collect archives until all are rebuilt: `--staging`"
        ]
    );
}

#[test]
fn archives_wait_in_staging_until_everything_is_rebuilt_and_then_come_at_once() {
    let world = World::new();
    world.publish(&[
        &library("1"),
        &dependant("a", "1", "1"),
        &dependant("b", "1", "1"),
    ]);
    let staged = |packages: &[&Package]| {
        let request = PublishRequest {
            staging: Staging::Collect,
            ..world.request(packages)
        };
        world.try_publish(request).expect("it can wait")
    };
    let mut client = world.client();
    let first = staged(&[&library("2")]);
    assert_eq!(
        (first.staged.len(), first.awaits.len(), first.has_changed),
        (1, 1, false)
    );
    let second = staged(&[&dependant("a", "2", "2")]);
    assert_eq!(second.staged.len(), 2, "{second:?}");
    let seen = names(&client.sync(NOW).expect("it can be read"));
    assert_eq!(seen, ["a 1-1", "b 1-1", "libfoo 1.0-1"]);
    // Whatever else comes has to wait too, or comes when the others do.
    let last = world.publish(&[&dependant("b", "2", "2")]);
    assert_eq!(last.added.len(), 3);
    let seen = names(&client.sync(NOW).expect("it can be read"));
    assert_eq!(seen, ["a 1-2", "b 1-2", "libfoo 2.0-1"]);
    let staging = world
        .files()
        .into_keys()
        .filter(|path| path.starts_with("staging"));
    assert_eq!(staging.count(), 0);
}

#[test]
fn archive_that_somebody_else_put_into_staging_is_not_published() {
    let world = World::new();
    world.publish(&[&package("a 1")]);
    let staging = world.repository().join("staging");
    fs_err::create_dir(&staging).expect("they can write there");
    let path = staging.join("a-2-1.x86_64.igos.tar.zst");
    fs_err::write(&path, package("a 2").bytes()).expect("the same");
    let said = format!(
        "publish-staged-by-others: {} was not put into the staging area by a publisher of this repository",
        path.display()
    );
    let refused = || world.refusal(PublishRequest::new(Vec::new()));
    assert_eq!(refused(), std::slice::from_ref(&said));
    // The signature of another archive is none of this one.
    let index = world.client().sync(NOW).expect("it can be read");
    let signature = index[0].signature.as_ref().expect("it is signed");
    let file = staging.join("a-2-1.x86_64.igos.tar.zst.signature");
    fs_err::write(file, format!("{signature}\n")).expect("the same");
    assert_eq!(refused(), [said]);
}

#[test]
fn staging_is_for_sonames_and_for_nothing_else_that_is_wrong() {
    let world = World::new();
    let request = PublishRequest {
        staging: Staging::Collect,
        ..world.request(&[&package("a 1").depends("b").needs("soname:libb.so.1")])
    };
    let refusal = world.refusal(request);
    assert_eq!(refusal.len(), 2, "{refusal:?}");
    assert!(!world.repository().join("staging").exists());
}

#[test]
fn interpreters_are_found_where_directories_are_merged() {
    let world = World::new();
    let script = package("a 1").needs("path:/bin/sh");
    assert_eq!(
        world.refusal(world.request(&[&script])),
        ["publish-no-feature: path:/bin/sh for x86_64 is in no package; it is needed by a 1-1"]
    );
    world.publish(&[&package("dash 1").file("usr/bin/sh", "sh")]);
    world.publish(&[&script]);
    let entries = world.client().sync(NOW).expect("it can be read");
    let paths: Vec<String> = entries[1].paths.iter().map(ToString::to_string).collect();
    assert_eq!(paths, ["bin/sh"], "of {}", entries[1].package);
}

#[test]
fn packages_of_a_repository_beside_count_as_there() {
    let (base, world) = (World::new(), World::new());
    base.publish(&[&library("1")]);
    let request = || world.request(&[&dependant("a", "1", "1")]);
    assert_eq!(world.refusal(request()).len(), 2);
    let request = PublishRequest {
        beside: vec![base.repository()],
        ..request()
    };
    world
        .try_publish(request)
        .expect("the other repository has it");
}
