//! Several repositories: priorities, pins, and who may take whose place (threats note, R14).

use igos_repo::repository::{Catalogue, Enabled, Priority, RepositorySettings};

use crate::packages::{Package, package};
use crate::world::{Machine, NOW, Published};

/// A machine with the repositories `main`, of priority 50, and `other`, as `change` has it.
fn machine(
    main: &[&Package],
    other: &[&Package],
    change: impl FnOnce(&mut RepositorySettings),
) -> Machine {
    let machine = Machine::new();
    let (main, other) = (Published::new(main), Published::new(other));
    machine.add("main", &main.repository().display().to_string(), &main);
    let url = other.repository().display().to_string();
    machine.add_with("other", &url, &other, change);
    for synced in machine.sync_all(NOW) {
        synced.expect("it is sound");
    }
    machine
}

/// Returns `VERSION REPOSITORY` of all offers of a name.
fn offers(catalogue: &Catalogue, name: &str) -> Vec<String> {
    let offered = catalogue.named(&name.parse().expect("a name"));
    let shown = offered.expect("the indexes can be read").into_iter();
    shown
        .map(|offered| format!("{} {}", offered.entry.package.version, offered.repository))
        .collect()
}

fn upgrades(catalogue: &Catalogue, installed: &str, from: Option<&str>) -> Vec<String> {
    let installed = package(installed).manifest.package;
    let found = catalogue.upgradable([(&installed, from)]);
    let found = found.expect("the indexes can be read").into_iter();
    found
        .map(|upgrade| {
            let version = &upgrade.offered.entry.package.version;
            format!("{version} {}", upgrade.offered.repository)
        })
        .collect()
}

#[test]
fn repositories_of_one_priority_offer_together() {
    let machine = machine(&[&package("zlib 1")], &[&package("zlib 2")], |_| {});
    let catalogue = machine.catalogue();
    assert_eq!(offers(&catalogue, "zlib"), ["1 main", "2 other"]);
    assert_eq!(upgrades(&catalogue, "zlib 1", Some("main")), ["2 other"]);
    assert_eq!(upgrades(&catalogue, "zlib 2", Some("main")), [""; 0]);
}

#[test]
fn higher_priority_has_a_name_to_itself() {
    let machine = machine(
        &[&package("zlib 1"), &package("pigz 1")],
        &[&package("zlib 2"), &package("make 4")],
        |other| other.priority = Priority(10),
    );
    let catalogue = machine.catalogue();
    assert_eq!(offers(&catalogue, "zlib"), ["1 main"]);
    assert_eq!(offers(&catalogue, "make"), ["4 other"]);
    assert_eq!(upgrades(&catalogue, "zlib 1", Some("main")), [""; 0]);
    assert_eq!(catalogue.repositories()[0].name().as_str(), "main");
}

#[test]
fn package_never_moves_to_a_repository_of_lower_priority_by_itself() {
    let machine = machine(&[&package("pigz 1")], &[&package("zlib 2")], |other| {
        other.priority = Priority(10);
    });
    let catalogue = machine.catalogue();
    assert_eq!(upgrades(&catalogue, "zlib 1", Some("main")), [""; 0]);
    assert_eq!(upgrades(&catalogue, "zlib 1", Some("other")), ["2 other"]);
    assert_eq!(upgrades(&catalogue, "zlib 1", Some("gone")), ["2 other"]);
    assert_eq!(upgrades(&catalogue, "zlib 1", None), ["2 other"]);
}

#[test]
fn pinned_repository_offers_pinned_names_alone() {
    let machine = machine(
        &[&package("zlib 1")],
        &[
            &package("zlib 2"),
            &package("linux-rt 6").provides("zlib"),
            &package("linux-lts 6"),
        ],
        |other| {
            other.priority = Priority(90);
            other.pins = vec!["linux-*".parse().expect("a pattern")];
        },
    );
    let catalogue = machine.catalogue();
    assert_eq!(offers(&catalogue, "zlib"), ["1 main"]);
    assert_eq!(offers(&catalogue, "linux-lts"), ["6 other"]);
    let providing = catalogue.providing(&"zlib".parse().expect("a name"));
    assert_eq!(providing.expect("it can be read"), []);
}

#[test]
fn package_that_supersedes_what_its_repository_may_not_provide_is_not_offered() {
    let zlib_ng = package("zlib-ng 2").supersedes("zlib");
    let machine = machine(&[&package("zlib 1")], &[&zlib_ng], |other| {
        other.priority = Priority(10);
    });
    let catalogue = machine.catalogue();
    assert_eq!(offers(&catalogue, "zlib-ng"), [""; 0]);
    let alone = self::machine(&[&package("pigz 1")], &[&zlib_ng], |other| {
        other.priority = Priority(10);
    });
    assert_eq!(offers(&alone.catalogue(), "zlib-ng"), ["2 other"]);
}

#[test]
fn repository_that_is_not_enabled_offers_nothing() {
    let published = Published::new(&[&package("zlib 1")]);
    let machine = Machine::new();
    let url = published.repository().display().to_string();
    machine.add_with("main", &url, &published, |main| main.enabled = Enabled::No);
    assert_eq!(machine.sync_all(NOW).len(), 0);
    let catalogue = machine.catalogue();
    assert!(catalogue.repositories().is_empty() && catalogue.closed().is_empty());
}
