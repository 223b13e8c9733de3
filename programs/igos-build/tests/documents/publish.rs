//! What publishing prints.

use std::collections::BTreeSet;

use igos_format::manifest::Manifest;

use crate::archives::archive;
use crate::shape::Document;
use crate::{DOCUMENT, run, world};

/// The sections that this test looks at.
pub(crate) const SECTIONS: [&str; 11] = [
    "publish",
    "key renew",
    "staging list",
    "staging drop",
    "key apply",
    "key new",
    "key make",
    "key sign",
    "key show",
    "key rotate",
    "key revoke",
];

#[test]
fn repositories_are_published_with_the_documented_fields() {
    let document = Document::parse(DOCUMENT);
    let world = world();
    let root = world.path();
    let mut seen = BTreeSet::new();
    let mut expect = |section: &str, arguments: &str| {
        let (code, value) = run(root, "tree", arguments);
        assert_eq!(code, 0, "{arguments}: {value:#}");
        document.expect(section, &value, &mut seen);
        value
    };
    let archives = root.join("archives");
    let soname = |text: &'static str| text.parse().expect("a feature");
    let offers = |version: &str, feature: &'static str| {
        archive(
            &archives,
            &format!("lib {version}"),
            "{}",
            |m: &mut Manifest| {
                m.features_provided.insert(soname(feature));
            },
        )
    };
    offers("1", "soname:lib.so.1");
    archive(&archives, "user 1", "{}", |m| {
        m.features_required.insert(soname("soname:lib.so.1"));
    });
    expect("key new", "key new keys");
    let publish = "publish repository --archives archives --keys keys";
    expect("publish", publish);
    offers("2", "soname:lib.so.2");
    expect("publish", &format!("{publish} --staging"));
    expect("staging list", "staging list repository");
    expect("staging drop", "staging drop repository lib --yes");
    let keys = "repository --keys keys";
    expect("key show", "key show repository --keys keys");
    let rotated = expect("key rotate", &format!("key rotate snapshot {keys}"));
    let key = rotated["replaced"][0]["new"].as_str().expect("a text");
    expect("key revoke", &format!("key revoke {key} {keys} --yes"));
    expect("key renew", &format!("key renew {keys}"));
    expect("key make", "key make anna.key");
    let draft = format!("key rotate packages {keys} --draft keys.draft");
    expect("key rotate", &draft);
    let sign = "key sign keys.draft --key keys/offline/targets.key --yes";
    expect("key sign", sign);
    expect("key apply", &format!("key apply keys.draft {keys}"));
    for section in SECTIONS {
        for object in document.objects(section) {
            assert!(
                seen.contains(&object),
                "{section}: nothing printed {{{object}}}"
            );
        }
    }
}
