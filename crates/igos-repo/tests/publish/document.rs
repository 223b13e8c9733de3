//! `docs/formats/repository.md` against the program.

use igos_format::index::AdvisoryState;
use igos_format::trust::UtcTime;
use igos_repo::publish::{Advisories, Lifetimes};
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};

use crate::support::{NOW, World, package, time};

const DOCUMENT: &str = include_str!("../../../../docs/formats/repository.md");

/// Returns the lines of the block that begins with this fence.
fn block(fence: &str) -> &'static str {
    let start = DOCUMENT.split_once(fence).expect("the document has it").1;
    start.split_once("```").expect("it ends").0
}

#[test]
fn example_of_advisories_is_understood() {
    let advisories = Advisories::parse(block("```toml\n").as_bytes()).expect("it is an example");
    for (version, release, state) in [
        ("3.5.0", "9", AdvisoryState::Affected),
        ("3.5.1", "1", AdvisoryState::Affected),
        ("3.5.1", "2", AdvisoryState::Fixed),
    ] {
        let package = package(&format!("openssl {version}")).release(release);
        let found = advisories.of(&package.manifest.package);
        let found: Vec<_> = found
            .into_iter()
            .map(|one| (one.id.to_string(), one.state))
            .collect();
        assert_eq!(found, [("CVE-2026-12345".to_owned(), state)]);
    }
}

#[test]
fn every_published_file_is_in_the_picture_of_the_layout() {
    let world = World::new();
    let advisories = Advisories::parse(b"[[advisory]]\nid = \"X-1\"\npackage = \"a\"\n");
    let mut request = world.request(&[&package("a 1")]);
    request.advisories = Some(advisories.expect("it is sound"));
    world.try_publish(request).expect("it is sound");
    let picture = block("```text\n");
    for path in world.files().into_keys() {
        let (directory, name) = path.rsplit_once('/').expect("files are in directories");
        let shown = match name.split_once('.') {
            Some((digest, "a-1-1.x86_64.igos.tar.zst")) if digest.len() == 64 => {
                "DIGEST.NAME-VERSION-RELEASE.ARCH.igos.tar.zst".to_owned()
            }
            Some((digest, rest)) if digest.len() == 64 => format!("DIGEST.{rest}"),
            Some(("1", "root.json")) => "1.root.json".to_owned(),
            Some(("1", rest)) => format!("N.{rest}"),
            _ => name.to_owned(),
        };
        let line = format!("{directory}/{shown}");
        let is_shown = picture
            .lines()
            .any(|one| one.split(' ').next() == Some(line.as_str()));
        assert!(is_shown, "{line} is not in the picture");
    }
}

#[test]
fn lifetimes_are_those_of_the_table() {
    let world = World::new();
    let publication = world.publish(&[&package("a 1")]);
    for (role, expires) in publication.expires {
        let row = DOCUMENT
            .lines()
            .find(|line| line.starts_with(&format!("| `{role}` | ")));
        let days = row.and_then(|row| row.trim_end_matches(" days |").rsplit(' ').next());
        let days: i64 = days
            .and_then(|days| days.parse().ok())
            .expect("the table says it");
        assert_eq!(expires, time(NOW + days * 86_400), "{role}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_advisories_or_an_error(bytes: Vec<u8>) {
        if let Ok(advisories) = Advisories::parse(&bytes) {
            prop_assert_eq!(advisories.text().as_bytes(), bytes);
        }
    }

    #[test]
    fn any_text_is_a_lifetime_or_an_error(role in "[a-z]{0,9}", days in any::<i64>()) {
        let mut lifetimes = Lifetimes::DEFAULT;
        if lifetimes.set(&format!("{role}={days}")).is_ok() {
            prop_assert!((1..=36_500).contains(&days));
            prop_assert!(UtcTime::from_seconds(NOW + days * 86_400).is_ok());
        }
    }
}
