//! Synchronising: from directories and web servers, one after the other and all at once.

use igos_repo::repository::{RepositorySettingsError, SyncChange, SyncError};
use igos_repo::trust::Standing;
use igos_report::Explain;

use crate::packages::package;
use crate::server::{Answer, Server};
use crate::world::{DAY, Machine, NOW, Published, clock};

/// Serves a repository as a well-behaved web server does.
pub(crate) fn serve(published: &Published) -> Server {
    let repository = published.repository();
    Server::start(
        move |asked| match Published::file(&repository, &asked.path) {
            Some(bytes) => Answer::File(bytes),
            None => Answer::Status(404),
        },
    )
}

#[test]
fn directory_and_web_server_are_synchronised_alike() {
    let published = Published::new(&[&package("zlib 1.3"), &package("pigz 2.8")]);
    let server = serve(&published);
    let directory = published.repository().display().to_string();
    for url in [
        directory.clone(),
        format!("file://{directory}"),
        server.url(""),
    ] {
        let machine = Machine::new();
        machine.add("main", &url, &published);
        let synced = machine.sync().expect("it is sound");
        assert_eq!(synced.change, SyncChange::Updated, "{url}");
        assert_eq!(synced.failed, []);
        let catalogue = machine.catalogue();
        assert!(catalogue.closed().is_empty());
        let opened = &catalogue.repositories()[0];
        assert_eq!(opened.standing(), &Standing::Current);
        assert_eq!(opened.index().packages(), 2, "{url}");
        assert!(opened.files().is_ok_and(|files| files.is_some()));
        assert_eq!(machine.wanted("pigz").package.name.as_str(), "pigz");
    }
}

#[test]
fn unchanged_repository_is_one_small_request() {
    let published = Published::new(&[&package("zlib 1.3")]);
    let server = serve(&published);
    let machine = Machine::new();
    machine.add("main", &server.url(""), &published);
    machine.sync().expect("it is sound");
    let before = server.asked().len();
    let synced = machine.sync().expect("it is sound");
    assert_eq!(synced.change, SyncChange::Unchanged);
    let asked = server.asked();
    assert_eq!(asked.len(), before + 1);
    assert_eq!(asked[before].path, "metadata/timestamp.json");
}

#[test]
fn index_files_that_are_needed_no_longer_are_deleted_and_lost_ones_fetched_again() {
    let published = Published::new(&[&package("zlib 1.3").file("usr/lib/libz.so.1.3", Vec::new())]);
    let machine = Machine::new();
    machine.add(
        "main",
        &published.repository().display().to_string(),
        &published,
    );
    machine.sync().expect("it is sound");
    let index = machine.root().join("var/lib/igos/repositories/main/index");
    let names = || {
        let entries = fs_err::read_dir(&index).expect("it is there");
        let mut names: Vec<_> = entries
            .map(|entry| entry.expect("it can be listed").file_name())
            .collect();
        names.sort();
        names
    };
    let first = names();
    assert_eq!(first.len(), 2);
    published.publish(&[&package("zlib 1.4").file("usr/lib/libz.so.1.4", Vec::new())]);
    machine.sync().expect("it is sound");
    let second = names();
    assert_eq!(second.len(), 2);
    assert!(first.iter().all(|name| !second.contains(name)));
    for name in &second {
        fs_err::remove_file(index.join(name)).expect("the root is ours");
    }
    let catalogue = machine.catalogue();
    assert_eq!(catalogue.closed()[0].error.code(), "index-unusable");
    assert_eq!(
        machine.sync().expect("it is sound").change,
        SyncChange::Unchanged
    );
    assert_eq!(names(), second);
}

#[test]
fn repositories_do_not_hold_one_another_up() {
    let published = Published::new(&[&package("zlib 1.3")]);
    let machine = Machine::new();
    machine.add(
        "main",
        &published.repository().display().to_string(),
        &published,
    );
    machine.add("other", "/nowhere", &published);
    let synced = machine.sync_all(NOW);
    assert!(synced[0].is_ok());
    let error = synced[1].as_ref().expect_err("there is nothing");
    assert_eq!((error.code(), error.exit_code()), ("metadata-absent", 4));
    let catalogue = machine.catalogue();
    assert_eq!(
        catalogue.closed()[0].error.code(),
        "repository-never-synced"
    );
    assert_eq!(catalogue.repositories().len(), 1);
}

#[test]
fn what_has_expired_can_be_looked_up_and_not_be_installed() {
    let published = Published::new(&[&package("zlib 1.3")]);
    let machine = Machine::new();
    machine.add(
        "main",
        &published.repository().display().to_string(),
        &published,
    );
    machine.sync().expect("it is sound");
    let settings = machine.places().load().expect("the settings are sound");
    let later = clock(NOW + 4000 * DAY);
    let catalogue = igos_repo::repository::Catalogue::open(&machine.places(), &settings, &later);
    let name = "zlib".parse().expect("a name");
    assert_eq!(catalogue.named(&name).expect("it can be read").len(), 1);
    assert_eq!(catalogue.notices()[0].code, "metadata-expired");
    let error = catalogue
        .test_current([&settings[0].name])
        .expect_err("it has expired");
    assert_eq!((error.code(), error.exit_code()), ("metadata-expired", 1));
    let asked = &machine.sync_all(NOW + 4000 * DAY)[0];
    let error = asked.as_ref().expect_err("there is nothing newer");
    assert_eq!(error.code(), "metadata-frozen");
}

#[test]
fn offline_asks_directories_and_no_server() {
    let published = Published::new(&[&package("zlib 1.3")]);
    let server = serve(&published);
    let mut machine = Machine::new();
    machine.offline();
    machine.add("main", &server.url(""), &published);
    let error = machine.sync().expect_err("it is on the network");
    assert_eq!(error.code(), "metadata-unreachable");
    assert_eq!(server.asked(), []);
    let mut machine = Machine::new();
    machine.offline();
    machine.add(
        "main",
        &published.repository().display().to_string(),
        &published,
    );
    machine.sync().expect("it is a directory");
}

#[test]
fn repository_that_somebody_synchronises_is_named_with_exit_code_75() {
    let published = Published::new(&[&package("zlib 1.3")]);
    let machine = Machine::new();
    machine.add(
        "main",
        &published.repository().display().to_string(),
        &published,
    );
    machine.sync().expect("it is sound");
    let lock = machine.root().join("var/lib/igos/repositories/main/lock");
    let lock = fs_err::File::open(lock).expect("it is there");
    rustix::fs::flock(lock.file(), rustix::fs::FlockOperation::LockExclusive)
        .expect("nobody has it");
    let error = machine.sync().expect_err("it is locked");
    assert_eq!((error.code(), error.exit_code()), ("repository-locked", 75));
}

#[test]
fn repository_whose_root_is_lost_is_not_synchronised() {
    let published = Published::new(&[&package("zlib 1.3")]);
    let machine = Machine::new();
    machine.add(
        "main",
        &published.repository().display().to_string(),
        &published,
    );
    let root = "etc/igos/repositories.d/main.root.json";
    fs_err::remove_file(machine.root().join(root)).expect("it was written");
    assert!(matches!(
        machine.sync(),
        Err(SyncError::Settings(RepositorySettingsError::NoRoot { .. }))
    ));
}
