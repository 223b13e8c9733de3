//! Packages whose files are on disk already.

use igos_format::archive::Head;
use igos_format::manifest;
use igos_report::Explain;
use igos_sysroot::{AdoptPlan, Adoption, Vouch};

use crate::support::{TestArchive, TestRoot, apply, name};

fn tool() -> TestArchive {
    TestArchive::new("tool", "1")
        .file_with("usr/bin/tool", b"tool", 0o755)
        .symlink("usr/bin/t", "tool")
        .configuration("etc/tool.conf", b"configuration")
        .configuration("etc/other.conf", b"other")
}

/// Makes a root whose files came there without us.
fn made_elsewhere(archive: &TestArchive) -> TestRoot {
    let root = TestRoot::new();
    root.install(&[archive]);
    fs_err::remove_dir_all(root.path("var")).expect("it is ours");
    igos_sysroot::LockedSysroot::create_or_open(root.root(), Default::default())
        .expect("a root without packages");
    root
}

fn offer(archive: &TestArchive) -> Adoption {
    let head = Head::read(archive.bytes().as_slice()).expect("the archive is sound");
    Adoption::of(&head, Vouch::unsigned())
}

fn adopt(root: &TestRoot, offers: &[Adoption]) -> AdoptPlan {
    let planned = root.read().plan_adopt(offers, root.ownership);
    let planned = planned.expect("it can be planned");
    let mut sysroot = root.change();
    apply(&mut sysroot, &planned.plan, &[]).expect("it can be taken up");
    sysroot.settle().expect("it can be settled");
    planned
}

#[test]
fn package_whose_files_are_all_there_is_taken_up_and_nothing_is_written() {
    let root = made_elsewhere(&tool());
    root.put("etc/other.conf", "mine");
    let before = root.tree();
    let planned = adopt(&root, &[offer(&tool())]);
    assert_eq!(root.tree(), before);
    assert_eq!(planned.plan.changes.len(), 1);
    // An edited configuration file is edited, not a reason to refuse.
    assert_eq!(planned.differences.len(), 1);
    assert_eq!(root.findings(), ["etc/other.conf content"]);
    assert_eq!(
        root.content(&format!(
            "var/lib/igos/pristine/{}",
            igos_format::Sha256::of(b"configuration")
        )),
        "configuration"
    );
    let history = root.read().history(None).expect("a history");
    assert_eq!(history[0].changes[0].action, "adopt");
    let record = root.read().record(&name("tool")).expect("a record");
    assert_eq!(record.installed.seal, tool().candidate().seal());
    root.remove(&["tool"]);
    assert!(!root.exists("usr"));
}

#[test]
fn package_with_a_difference_is_reported_and_not_taken_up() {
    let root = made_elsewhere(&tool());
    root.put("usr/bin/tool", "trojan");
    let other = TestArchive::new("other", "1");
    let planned = adopt(&root, &[offer(&tool()), offer(&other)]);
    let names: Vec<&str> = planned
        .plan
        .changes
        .iter()
        .map(|change| change.package.name.as_str())
        .collect();
    assert_eq!(names, ["other"]);
    assert_eq!(planned.differences.len(), 1);
    assert_eq!(planned.differences[0].path, "usr/bin/tool");
    root.read().record(&name("tool")).expect_err("it differs");
}

#[test]
fn path_of_somebody_else_is_not_taken_up() {
    let root = TestRoot::new();
    root.install(&[&tool()]);
    let thief = TestArchive::new("thief", "1").file_with("usr/bin/tool", b"tool", 0o755);
    let error = root
        .read()
        .plan_adopt(&[offer(&thief)], root.ownership)
        .expect_err("tool has it");
    assert_eq!(error.exit_code(), 1);
    let error = root
        .read()
        .plan_adopt(&[offer(&tool())], root.ownership)
        .expect_err("it is installed");
    assert_eq!(error.exit_code(), 1);
    assert_eq!(root.read().list().expect("a list").len(), 1);
}

#[test]
fn text_manifest_is_taken_up_as_what_no_archive_vouches_for() {
    let root = made_elsewhere(&tool());
    let mut described = tool().manifest;
    manifest::normalise(&mut described);
    let text = manifest::write(&described);
    let offer = Adoption::of_manifest(&text).expect("it is sound");
    adopt(&root, &[offer]);
    assert_eq!(root.findings(), [""; 0]);
    let record = root.read().record(&name("tool")).expect("a record");
    assert_eq!(record.installed.seal, igos_format::Sha256::of(&text));
    // The archive is another thing, and takes its place.
    root.install(&[&tool()]);
    let record = root.read().record(&name("tool")).expect("a record");
    assert_eq!(record.installed.seal, tool().candidate().seal());
}
