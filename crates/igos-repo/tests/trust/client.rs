//! What a client asks for, keeps and makes of a wrong clock.

use std::cell::Cell;
use std::path::PathBuf;

use fs_err as fs;
use igos_format::trust::TargetFile;
use igos_repo::DirectoryBelow;
use igos_repo::trust::{MetadataSource, Refresh, SourceError, Standing, TrustedRepository};
use igos_report::Explain;

use crate::forge::{Client, DAY, Forge, INDEX, Mirror, NOW, time};

#[test]
fn the_first_refresh_asks_for_each_role_once() {
    let forge = Forge::new();
    let client = Client::new(&forge);
    assert_eq!(client.open().trusted(), None);
    let mirror = forge.mirror();
    assert!(client.sync(&mirror).expect("it is honest"));
    assert_eq!(
        mirror.asked(),
        [
            "timestamp.json",
            "2.root.json",
            "1.snapshot.json",
            "1.targets.json",
            "1.packages.json"
        ]
    );
}

#[test]
fn nothing_new_costs_one_small_request_and_the_next_root_once_a_day() {
    let mut forge = Forge::new();
    forge.timestamp.expires = time(NOW + 9 * DAY);
    forge.publish_timestamp();
    let mut client = Client::following(&forge);
    let mirror = forge.mirror();
    assert!(!client.sync(&mirror).expect("it is honest"));
    assert_eq!(mirror.asked(), ["timestamp.json"]);
    assert!(mirror.files["timestamp.json"].len() < 1024);

    client.options.clock.now = time(NOW + DAY - 1);
    assert!(!client.sync(&mirror).expect("it is honest"));
    assert_eq!(mirror.asked(), ["timestamp.json"]);
    client.options.clock.now = time(NOW + DAY);
    assert!(!client.sync(&mirror).expect("it is honest"));
    assert_eq!(mirror.asked(), ["timestamp.json", "2.root.json"]);
    // A clock that was set back does not put it off.
    client.options.clock.now = time(NOW);
    assert!(!client.sync(&mirror).expect("it is honest"));
    assert_eq!(mirror.asked(), ["timestamp.json", "2.root.json"]);
}

#[test]
fn only_what_changed_is_fetched() {
    let mut forge = Forge::new();
    let client = Client::following(&forge);
    forge.index = b"index 2".to_vec();
    forge.publish_index();
    let mirror = forge.mirror();
    assert!(client.sync(&mirror).expect("it is honest"));
    assert_eq!(
        mirror.asked(),
        [
            "timestamp.json",
            "2.root.json",
            "2.snapshot.json",
            "2.packages.json"
        ]
    );
    assert_eq!(client.index(), Some(TargetFile::of(b"index 2")));
    let mut kept: Vec<String> = Vec::new();
    for directory in fs::read_dir(client.directory()).expect("it is there") {
        let path = directory.expect("it can be listed").path();
        if path.is_dir() {
            let names = fs::read_dir(path).expect("it is there");
            kept.extend(names.map(|entry| {
                entry
                    .expect("it can be listed")
                    .file_name()
                    .to_string_lossy()
                    .into_owned()
            }));
        }
    }
    kept.sort();
    assert_eq!(
        kept,
        [
            "1.targets.json",
            "2.packages.json",
            "2.snapshot.json",
            "newest.json",
            "timestamp.json"
        ]
    );
}

#[test]
fn an_update_is_not_in_use_until_it_is_adopted() {
    let mut forge = Forge::new();
    let client = Client::following(&forge);
    forge.index = b"index 2".to_vec();
    forge.publish_index();
    let mirror = forge.mirror();
    for _ in 0..2 {
        let mut repository = client.open();
        let refresh = repository.refresh(&mirror, &client.options);
        let Refresh::Newer(update) = refresh.expect("it is honest") else {
            panic!("there is something newer");
        };
        assert_eq!(
            update.trusted().file(INDEX),
            Some(TargetFile::of(b"index 2"))
        );
        assert_eq!(client.index(), Some(TargetFile::of(b"index 1")));
    }
    assert_eq!(
        mirror.asked().len(),
        4 + 2,
        "the second time its files are there"
    );
    assert!(client.sync(&mirror).expect("it is honest"));
    assert_eq!(client.index(), Some(TargetFile::of(b"index 2")));
}

/// Answers so many requests and then no more.
struct Failing<'a> {
    mirror: &'a Mirror,
    left: Cell<usize>,
}

impl MetadataSource for Failing<'_> {
    fn fetch(&self, name: &str, max_bytes: u64) -> Result<Vec<u8>, SourceError> {
        let Some(left) = self.left.get().checked_sub(1) else {
            return Err(SourceError::Failed("the line is cut".into()));
        };
        self.left.set(left);
        self.mirror.fetch(name, max_bytes)
    }
}

#[test]
fn wherever_the_line_is_cut_the_old_state_stays_and_the_next_time_goes_on() {
    let first = Forge::new();
    let mut second = first.clone();
    second.rotate(|_| {});
    second.index = b"index 2".to_vec();
    second.publish_all();
    let mirror = second.mirror();
    for requests in 0..7 {
        let client = Client::following(&first);
        let left = Cell::new(requests);
        let source = Failing {
            mirror: &mirror,
            left,
        };
        assert_eq!(
            client.sync(&source).expect_err("the line is cut").code(),
            "metadata-unreachable",
            "{requests}"
        );
        assert_eq!(client.index(), Some(TargetFile::of(b"index 1")));
        assert!(client.sync(&mirror).expect("it is honest"), "{requests}");
        assert_eq!(client.index(), Some(TargetFile::of(b"index 2")));
    }
}

#[test]
fn a_crash_while_adopting_leaves_the_old_state_or_the_new_one() {
    let mut forge = Forge::new();
    let client = Client::following(&forge);
    forge.index = b"index 2".to_vec();
    forge.publish_all();
    let mut repository = client.open();
    let refresh = repository.refresh(&forge.mirror(), &client.options);
    let Refresh::Newer(update) = refresh.expect("it is honest") else {
        panic!("there is something newer");
    };
    let keys = keys_directory(&client);
    let before = fs::read(keys.join("timestamp.json")).expect("it is kept");
    let old_files = ["1.snapshot.json", "1.targets.json", "1.packages.json"].map(|name| {
        (
            keys.join(name),
            fs::read(keys.join(name)).expect("it is kept"),
        )
    });
    assert_eq!(client.index(), Some(TargetFile::of(b"index 1")));
    repository.adopt(*update).expect("there is room");
    assert_eq!(client.index(), Some(TargetFile::of(b"index 2")));
    let after = fs::read(keys.join("timestamp.json")).expect("it is kept");
    // After the exchange of one name, before what is old was deleted; and before the exchange.
    for (path, bytes) in &old_files {
        assert!(!path.exists());
        fs::write(path, bytes).expect("there is room");
    }
    assert_eq!(client.index(), Some(TargetFile::of(b"index 2")));
    fs::write(keys.join("timestamp.json"), before).expect("there is room");
    assert_eq!(client.index(), Some(TargetFile::of(b"index 1")));
    assert!(client.sync(&forge.mirror()).expect("it is honest"));
    assert_eq!(fs::read(keys.join("timestamp.json")).ok(), Some(after));
    assert!(old_files.iter().all(|(path, _)| !path.exists()));
}

#[test]
fn a_clock_before_the_program_was_made_is_set_aside() {
    let forge = Forge::new();
    let mut client = Client::new(&forge);
    client.options.clock.now = time(0);
    assert!(
        client
            .sync(&forge.mirror())
            .expect("a first boot in 1970 is no obstacle")
    );
    // It does not keep expired metadata alive either.
    client.options.clock.built = time(NOW + 3 * DAY);
    assert_eq!(client.refused(&forge.mirror()).0, "metadata-frozen");
}

#[test]
fn a_clock_before_the_newest_timestamp_is_set_aside() {
    let mut forge = Forge::new();
    forge.timestamp.created = Some(time(NOW));
    forge.publish_timestamp();
    let mut client = Client::new(&forge);
    client.options.clock.now = time(NOW - 50 * DAY);
    assert!(client.sync(&forge.mirror()).expect("it is honest"));
    let repository = client.open();
    let trusted = repository.trusted().expect("it was adopted");
    assert_eq!(trusted.standing(&client.options.clock), Standing::Current);
    // Made today by the repository's word, but a part of it expired yesterday: the slow clock does not hide it.
    forge.packages.expires = time(NOW - DAY);
    forge.timestamp.created = Some(time(NOW + 1));
    forge.publish_index();
    let (code, message) = client.refused(&forge.mirror());
    assert_eq!(code, "metadata-frozen");
    assert!(message.starts_with("the newest packages.json"), "{message}");
}

/// Returns where what was verified with the present keys is kept.
fn keys_directory(client: &Client) -> PathBuf {
    fs::read_dir(client.directory())
        .expect("it is there")
        .map(|entry| entry.expect("it can be listed").path())
        .find(|path| path.is_dir())
        .expect("there is one set of keys")
}

#[test]
fn a_damaged_store_is_named_and_not_taken_for_an_empty_one() {
    let forge = Forge::new();
    let client = Client::following(&forge);
    let directory = keys_directory(&client);
    for name in [
        "timestamp.json",
        "newest.json",
        "1.snapshot.json",
        "1.targets.json",
        "1.packages.json",
    ] {
        let path = directory.join(name);
        let sound = fs::read(&path).expect("it is kept");
        let mut damaged = sound.clone();
        damaged[60] ^= 1;
        fs::write(&path, damaged).expect("there is room");
        let opened = TrustedRepository::open(
            DirectoryBelow::make_at(client.directory()).expect("it can be made"),
            &forge.anchor(),
        );
        let error = opened.expect_err("a byte was changed");
        assert_eq!(error.code(), "trust-store-damaged", "{name}");
        assert_eq!(
            error.to_string(),
            format!("{} was changed or damaged", path.display())
        );
        fs::write(&path, sound).expect("there is room");
    }
    assert_eq!(client.index(), Some(TargetFile::of(b"index 1")));
}
