//! What is said of archives: whether they come out the same again, what they were made from, what is in them.

use std::collections::BTreeSet;

use crate::shape::Document;
use crate::{DOCUMENT, run, toolchain, world, write};

/// The sections that this test looks at.
pub(crate) const SECTIONS: [&str; 3] = ["reproduce", "provenance", "sbom"];

/// Makes something else every time: a file, and the content of another.
const LOTTERY: &str = "do_install() {\n mkdir -p \"$DESTDIR/usr\"\n \
    cat /proc/sys/kernel/random/uuid > \"$DESTDIR/usr/lottery\"\n}\n";

#[test]
#[expect(clippy::print_stdout, reason = "a test that cannot run says why")]
fn evidence_is_told_with_the_documented_fields() {
    if let Some(reason) = toolchain::obstacle() {
        println!("skipped: {reason}");
        return;
    }
    let document = Document::parse(DOCUMENT);
    let world = world();
    let root = world.path();
    // Builds run as another user when root tests.
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs_err::set_permissions(root, open).expect("the world is ours");
    toolchain::make(&root.join("cache"), "tiny", "first");
    write(root, "small/core/changed/package.yml", crate::CHANGED);
    write(root, "small/core/changed/build.sh", LOTTERY);
    write(root, "small/core/changed/text", "b\n");
    let (code, value) = run(root, "small", "build changed");
    let obstacle = &value["error"]["diagnostics"][0];
    if obstacle["code"] == "sandbox-feature-missing" {
        println!("skipped: {}", obstacle["message"]);
        return;
    }
    assert_eq!(code, 0, "{value:#}");
    let archive = value["packages"][0]["outputs"][0]["archive"].as_str();
    let archive = archive.expect("it was built");
    let mut seen = BTreeSet::new();
    for (section, arguments, expected) in [
        ("reproduce", "reproduce changed".to_owned(), 1),
        ("provenance", format!("provenance {archive}"), 0),
        ("sbom", format!("sbom {archive}"), 0),
        ("sbom", format!("sbom {archive} --format cyclonedx"), 0),
    ] {
        let (code, value) = run(root, "small", &arguments);
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
