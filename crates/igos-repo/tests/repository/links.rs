//! Links that somebody put below a root, or into a cache: they lead nowhere (threats note, X1, X2, X10).

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use igos_repo::repository::{CacheContents, CachePolicy};
use igos_report::Explain;

use crate::download::fetch_whole;
use crate::packages::{noise, package};
use crate::world::{Machine, Published};

const CACHE: &str = "var/cache/igos";

/// A directory that is none of ours, with one file.
struct Outside(tempfile::TempDir);

impl Outside {
    fn new(file: &str) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join(file);
        fs_err::write(&path, "foreign").expect("the directory is ours");
        let mode = std::fs::Permissions::from_mode(0o640);
        fs_err::set_permissions(&path, mode).expect("the directory is ours");
        Outside(directory)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Returns what is there: names, contents and modes.
    fn look(&self) -> Vec<(PathBuf, Vec<u8>, u32)> {
        let entries = fs_err::read_dir(self.path()).expect("it can be listed");
        let look = |entry: std::io::Result<fs_err::DirEntry>| {
            let entry = entry.expect("it can be listed");
            let mode = entry.metadata().expect("it is there").permissions().mode();
            let bytes = fs_err::read(entry.path()).expect("it is a file");
            (entry.file_name().into(), bytes, mode & 0o7777)
        };
        let mut found: Vec<_> = entries.map(look).collect();
        found.sort();
        found
    }
}

/// Puts a link where a directory or a file may be.
fn link(to: &Path, at: &Path) {
    if at.is_dir() {
        fs_err::remove_dir_all(at).expect("the root is ours");
    } else if at.is_file() {
        fs_err::remove_file(at).expect("the root is ours");
    }
    fs_err::create_dir_all(at.parent().expect("it has one")).expect("the root is ours");
    fs_err::os::unix::fs::symlink(to, at).expect("the name is free");
}

fn served() -> (Published, Machine) {
    let big = package("big 1").file("usr/lib/big", noise(1, 400_000));
    let published = Published::new(&[&big]);
    let machine = Machine::new();
    let url = published.repository().display().to_string();
    machine.add("main", &url, &published);
    (published, machine)
}

#[test]
fn nothing_is_written_or_deleted_through_a_directory_of_the_cache_that_is_a_link() {
    let (_published, machine) = served();
    machine.sync().expect("it is sound");
    for part in ["archives", "heads", "partial"] {
        let outside = Outside::new("foreign.igos.tar.zst");
        let before = outside.look();
        let at = machine.root().join(CACHE).join(part);
        link(outside.path(), &at);
        let fetched = match part {
            "heads" => {
                let heads = machine
                    .client()
                    .fetch_heads(&[machine.wanted("big")], &machine.reporter);
                heads.into_iter().next().expect("one was asked for").err()
            }
            _ => fetch_whole(&machine, "big").0.err(),
        };
        let error = fetched.expect("there is no way that is ours");
        assert_eq!(error.code(), "archive-cache-unusable", "{part}");
        let listed = CacheContents::read(&machine.places()).expect_err("it is a link");
        assert_eq!(listed.code(), "archive-cache-unusable", "{part}");
        assert!(listed.to_string().contains(part), "{listed}");
        assert_eq!(outside.look(), before, "{part}");
        fs_err::remove_file(at).expect("the root is ours");
    }
    fetch_whole(&machine, "big")
        .0
        .expect("the way is ours again");
}

#[test]
fn directory_that_becomes_a_link_after_planning_is_not_cleaned_through() {
    let (_published, machine) = served();
    machine.sync().expect("it is sound");
    fetch_whole(&machine, "big").0.expect("it is served");
    let contents = CacheContents::read(&machine.places()).expect("it can be listed");
    let cleaning = contents.plan(&CachePolicy::Nothing);
    assert_eq!(cleaning.files.len(), 1);
    let archives = machine.root().join(CACHE).join("archives");
    let outside = Outside::new(&machine.cached("archives")[0]);
    let before = outside.look();
    link(outside.path(), &archives);
    let error = cleaning.carry_out().expect_err("it is a link now");
    assert_eq!(error.code(), "archive-cache-unusable");
    assert_eq!(outside.look(), before);
}

#[test]
fn links_for_files_of_the_cache_are_replaced_and_what_they_led_to_stays() {
    let (_published, machine) = served();
    machine.sync().expect("it is sound");
    let wanted = machine.wanted("big");
    let sha256 = wanted.location.sha256;
    let archive = format!("archives/{sha256}.{}", wanted.location.file_name);
    for name in [
        archive,
        format!("partial/{sha256}.part"),
        format!("partial/{sha256}.frames"),
        format!("heads/{}", wanted.seal),
    ] {
        let outside = Outside::new("foreign");
        let before = outside.look();
        link(
            &outside.path().join("foreign"),
            &machine.root().join(CACHE).join(&name),
        );
        machine.head(&machine.client(), "big");
        fetch_whole(&machine, "big")
            .0
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(outside.look(), before, "{name}");
        let cache = machine.root().join(CACHE);
        fs_err::remove_dir_all(cache).expect("the root is ours");
    }
}

#[test]
fn begun_archive_that_has_another_name_is_begun_again() {
    let (_published, machine) = served();
    machine.sync().expect("it is sound");
    let outside = Outside::new("foreign");
    let before = outside.look();
    let sha256 = machine.wanted("big").location.sha256;
    let partial = machine.root().join(CACHE).join("partial");
    fs_err::create_dir_all(&partial).expect("the root is ours");
    let linked = fs_err::hard_link(
        outside.path().join("foreign"),
        partial.join(format!("{sha256}.part")),
    );
    linked.expect("both are of one file system");
    fetch_whole(&machine, "big").0.expect("it is served");
    assert_eq!(outside.look(), before);
}

#[test]
fn nothing_is_kept_of_a_repository_through_a_link() {
    for part in [
        "var/lib/igos/repositories",
        "var/lib/igos/repositories/main",
        "var/lib/igos/repositories/main/trust",
        "var/lib/igos/repositories/main/index",
        "var/lib/igos/repositories/main/lock",
    ] {
        let (published, machine) = served();
        machine.sync().expect("it is sound");
        let outside = Outside::new("foreign");
        let before = outside.look();
        let target = match part.ends_with("lock") {
            true => outside.path().join("foreign"),
            false => outside.path().to_owned(),
        };
        link(&target, &machine.root().join(part));
        // Something is new, so all of it would be written.
        published.publish(&[&package("big 2").file("usr/lib/big", noise(2, 1000))]);
        machine.sync().expect_err(part);
        let settings = machine.places().load().expect("they are sound").remove(0);
        let removed = machine.places().remove(
            &settings,
            igos_repo::repository::Waiting::Refuse,
            &machine.reporter,
        );
        assert_eq!(outside.look(), before, "{part}: {removed:?}");
    }
}

#[test]
fn settings_are_not_written_through_a_link() {
    let published = Published::new(&[&package("zlib 1")]);
    let machine = Machine::new();
    let outside = Outside::new("foreign");
    let before = outside.look();
    link(
        outside.path(),
        &machine.root().join("etc/igos/repositories.d"),
    );
    let settings = igos_repo::repository::RepositorySettings::new(
        "main".parse().expect("a name"),
        "/nowhere".parse().expect("an address"),
        igos_repo::repository::TrustedRoot::Inline(String::new()),
    );
    let root = igos_repo::repository::OfferedRoot::read(&settings.name, published.root());
    let added = machine.places().add(&settings, &root.expect("it is sound"));
    let error = added.expect_err("it is a link");
    assert_eq!(error.code(), "repository-directory-unusable");
    assert_eq!(outside.look(), before);
}
