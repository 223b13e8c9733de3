//! What the comparison with the Debian archive prints; the archive itself is not asked here.

use std::collections::BTreeSet;
use std::convert::Infallible;

use igos_build::outdated::{Report, State, compare};
use igos_build::tree::{TreeSettings, load};
use igos_repo::debian::SourcePackage;

use crate::shape::Document;
use crate::{DOCUMENT, world};

/// The sections that this test looks at.
pub(crate) const SECTIONS: [&str; 1] = ["recipe outdated"];

fn package(suite: &str, name: &str, version: &str) -> SourcePackage {
    SourcePackage {
        suite: suite.to_owned(),
        name: name.to_owned(),
        version: version.to_owned(),
    }
}

#[test]
fn recipes_and_what_is_offered_are_told_with_the_documented_fields() {
    let world = world();
    let tree = load(&TreeSettings {
        path: vec![world.path().join("tree")],
        ..TreeSettings::default()
    });
    let tree = tree.expect("the recipes can be read");
    let recipes = || tree.entries.iter().map(|entry| &entry.recipe);
    let states = |packages: &[SourcePackage], path: Option<&str>| {
        let found = compare(recipes(), packages, |_| {
            Ok::<_, Infallible>(path.map(str::to_owned))
        });
        let Ok(found) = found;
        Report::new(vec!["trixie".into(), "bookworm".into()], found)
    };
    // `full` 1 has a file of the archive as an alternative; the others have no sources but their own.
    let packages = [
        package("trixie", "full", "1:1.1+20250101-1"),
        package("trixie", "full", "0.9-1"),
        package("bookworm", "full", "1-3"),
        package("bookworm", "cached", "7-1"),
    ];
    let report = states(&packages, None);
    let told: Vec<(&str, State)> = report
        .recipes
        .iter()
        .map(|one| (one.name.as_str(), one.state))
        .collect();
    assert_eq!(
        told,
        [
            ("cached", State::Absent),
            ("changed", State::Absent),
            ("full", State::Newer)
        ]
    );
    assert_eq!((report.newer, report.absent), (1, 2));
    let document = Document::parse(DOCUMENT);
    let mut seen = BTreeSet::new();
    let value = serde_json::to_value(&report).expect("it has a form in JSON");
    document.expect("recipe outdated", &value, &mut seen);
    assert_eq!(seen, document.objects("recipe outdated"));
    let full = &value["recipes"][2];
    assert_eq!(
        full["newest"],
        serde_json::json!({
            "suite": "trixie", "source": "full", "debian_version": "1:1.1+20250101-1",
            "version": "1.1", "remark": "snapshot", "is_by_name": false,
        })
    );
    assert_eq!(full["origin"], "alternative");
    assert_eq!(full["offers"].as_array().map(Vec::len), Some(2));

    for (packages, path, state) in [
        (&packages[1..3], None, State::Current),
        (&packages[1..2], None, State::Ahead),
        (&packages[..0], None, State::Absent),
        // The archive has the very file in a package of another name, which no suite has now.
        (
            &packages[..3],
            Some("pool/main/o/other/other_1.orig.tar.gz"),
            State::Newer,
        ),
    ] {
        let report = states(packages, path);
        let full = &report.recipes[2];
        assert_eq!(full.state, state, "{report:?}");
        let is_by_name = full.newest.as_ref().is_some_and(|one| one.is_by_name);
        assert_eq!(is_by_name, path.is_some(), "{report:?}");
    }
}
