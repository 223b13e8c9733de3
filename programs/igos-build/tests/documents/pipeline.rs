//! What pipelines print.

use std::collections::BTreeSet;

use crate::shape::Document;
use crate::{DOCUMENT, run, toolchain, world, write};

/// The sections that this test looks at.
pub(crate) const SECTIONS: [&str; 5] = [
    "pipeline run",
    "pipeline status",
    "pipeline list",
    "pipeline explain",
    "pipeline scripts",
];

const PROFILE: &str =
    "format = 1\ndescription = \"For a test\"\npackages = [\"changed\"]\nimage = \"root\"\n";

#[test]
#[expect(clippy::print_stdout, reason = "a test that cannot run says why")]
fn pipelines_are_told_with_the_documented_fields() {
    if let Some(reason) = toolchain::obstacle() {
        println!("skipped: {reason}");
        return;
    }
    let document = Document::parse(DOCUMENT);
    let world = world();
    let root = world.path();
    toolchain::make(&root.join("cache"), "tiny", "first");
    write(root, "small/core/changed/package.yml", crate::CHANGED);
    write(root, "small/core/changed/build.sh", crate::SCRIPT);
    write(root, "small/core/changed/text", "b\n");
    write(
        root,
        "small/bootstrap.toml",
        "format = 1\n[seed]\npresent = \"tiny\"\n",
    );
    write(root, "small/profiles/p.toml", PROFILE);
    write(root, "order/build_order.txt", "a.sh\n");
    write(root, "order/a.sh", "");
    let mut seen = BTreeSet::new();
    for (section, arguments, expected) in [
        (
            "pipeline run",
            "pipeline run --profile p --until extra --dry-run",
            0,
        ),
        (
            "pipeline run",
            "pipeline run --profile p --until image --dry-run",
            4,
        ),
        ("pipeline status", "pipeline status --profile p", 0),
        ("pipeline list", "pipeline list", 0),
        ("pipeline explain", "pipeline explain core", 0),
        (
            "pipeline scripts",
            "pipeline scripts order/build_order.txt --dry-run",
            0,
        ),
    ] {
        let (code, value) = run(root, "small", arguments);
        assert_eq!(code, expected, "{arguments}: {value:#}");
        document.expect(section, &value, &mut seen);
    }
    for section in SECTIONS {
        for object in document.objects(section) {
            assert!(
                seen.contains(&object),
                "{section}: nothing printed {{{object}}}"
            );
        }
    }
}
