//! Configuration files: edits are kept, deletions too.

use std::collections::BTreeSet;

use igos_format::Sha256;
use igos_report::Explain;
use igos_sysroot::{ConfigurationAnswer, EditedConfiguration, Plan};

use crate::support::{TestArchive, TestRoot, apply, path};

fn daemon(version: &str, configuration: &str) -> TestArchive {
    TestArchive::new("daemon", version)
        .configuration("etc/daemon.conf", configuration.as_bytes())
        .file("usr/bin/daemon", version.as_bytes())
}

#[test]
fn untouched_configuration_file_is_replaced_on_upgrade() {
    let root = TestRoot::new();
    root.install(&[&daemon("1", "one")]);
    root.install(&[&daemon("2", "two")]);
    assert_eq!(root.content("etc/daemon.conf"), "two");
    assert!(!root.exists("etc/daemon.conf.pkmnew"));
}

#[test]
fn edited_configuration_file_is_kept_on_upgrade_and_the_new_one_put_beside() {
    // A seed overwrote it when the archive's names began with `./`.
    let root = TestRoot::new();
    root.install(&[&daemon("1", "one")]);
    root.put("etc/daemon.conf", "mine");
    root.install(&[&daemon("2", "two")]);
    assert_eq!(root.content("etc/daemon.conf"), "mine");
    assert_eq!(root.content("etc/daemon.conf.pkmnew"), "two");
    // A later one takes the place of the one beside.
    root.install(&[&daemon("3", "three")]);
    assert_eq!(root.content("etc/daemon.conf"), "mine");
    assert_eq!(root.content("etc/daemon.conf.pkmnew"), "three");
    let report = root.verify();
    assert_eq!(report.findings.len(), 1);
    assert_eq!(report.findings[0].class, igos_sysroot::Class::Configuration);
    assert_eq!(report.counts.configuration_findings, 1);
    assert_eq!(report.counts.code_findings, 0);
}

#[test]
fn edited_file_is_left_alone_when_the_new_version_brings_nothing_new() {
    let root = TestRoot::new();
    root.install(&[&daemon("1", "one")]);
    root.put("etc/daemon.conf", "mine");
    root.install(&[&daemon("2", "one")]);
    assert_eq!(root.content("etc/daemon.conf"), "mine");
    assert!(!root.exists("etc/daemon.conf.pkmnew"));
}

#[test]
fn edit_that_equals_the_new_version_is_adopted() {
    let root = TestRoot::new();
    root.install(&[&daemon("1", "one")]);
    root.put("etc/daemon.conf", "two");
    root.install(&[&daemon("2", "two")]);
    assert_eq!(root.content("etc/daemon.conf"), "two");
    assert!(!root.exists("etc/daemon.conf.pkmnew"));
    assert_eq!(root.findings(), [""; 0]);
}

#[test]
fn deleted_configuration_file_stays_deleted() {
    let root = TestRoot::new();
    root.install(&[&daemon("1", "one")]);
    fs_err::remove_file(root.path("etc/daemon.conf")).expect("it is there");
    root.install(&[&daemon("2", "two")]);
    assert!(!root.exists("etc/daemon.conf"));
    assert_eq!(root.findings(), ["etc/daemon.conf missing"]);
    assert_eq!(root.verify().counts.configuration_findings, 1);
}

#[test]
fn configuration_file_that_became_a_link_is_never_written_through() {
    let root = TestRoot::new();
    root.install(&[&daemon("1", "one")]);
    root.put("etc/elsewhere", "one");
    fs_err::remove_file(root.path("etc/daemon.conf")).expect("it is there");
    std::os::unix::fs::symlink("elsewhere", root.path("etc/daemon.conf")).expect("links");
    root.install(&[&daemon("2", "two")]);
    assert_eq!(root.content("etc/elsewhere"), "one");
    assert!(root.path("etc/daemon.conf").is_symlink());
    assert_eq!(root.content("etc/daemon.conf.pkmnew"), "two");
    assert_eq!(root.findings(), ["etc/daemon.conf type"]);
}

#[test]
fn unowned_configuration_file_is_kept_on_first_installation() {
    let root = TestRoot::new();
    root.put("etc/daemon.conf", "mine");
    root.install(&[&daemon("1", "one")]);
    assert_eq!(root.content("etc/daemon.conf"), "mine");
    assert_eq!(root.content("etc/daemon.conf.pkmnew"), "one");
}

#[test]
fn removal_keeps_edited_configuration_and_takes_the_rest() {
    let root = TestRoot::new();
    let archive = daemon("1", "one").configuration("etc/plain.conf", b"plain");
    root.install(&[&archive]);
    root.put("etc/daemon.conf", "mine");
    root.remove(&["daemon"]);
    assert_eq!(root.content("etc/daemon.conf"), "mine");
    assert!(!root.exists("etc/plain.conf"));
    assert!(!root.exists("usr"));
}

#[test]
fn file_edited_between_plan_and_application_is_not_lost() {
    let root = TestRoot::new();
    root.install(&[&daemon("1", "one")]);
    let next = daemon("2", "two");
    let plan = root.plan(&[&next], &[&next]).expect("a plan");
    root.put("etc/daemon.conf", "mine");
    let mut sysroot = root.change();
    let error = crate::support::apply(&mut sysroot, &plan, &[&next]).expect_err("it changed");
    assert_eq!(igos_report::Explain::code(&error), "pre-flight-refused");
    assert_eq!(root.content("etc/daemon.conf"), "mine");
    assert_eq!(root.content("usr/bin/daemon"), "1");
}

/// Upgrades with the wish to have edited files merged.
fn merge_install(root: &TestRoot, archive: &TestArchive) -> Plan {
    let mut request = root.request(&[archive]);
    request.policy.edited = EditedConfiguration::Merge;
    let plan = root.plan_request(&[archive], &request);
    let plan = plan.expect("there is a plan");
    let mut sysroot = root.change();
    let applied = apply(&mut sysroot, &plan, &[archive]).expect("the plan can be applied");
    sysroot.settle().expect("it can be settled");
    let is_merged = !root.exists("etc/daemon.conf.pkmnew") && root.exists("etc/daemon.conf");
    assert_eq!(
        applied.merged,
        if is_merged {
            vec![path("etc/daemon.conf")]
        } else {
            Vec::new()
        }
    );
    plan
}

/// Gives an answer; returns how many places of a merge are in doubt.
fn answer(root: &TestRoot, at: &str, answer: ConfigurationAnswer) -> usize {
    let planned = root
        .read()
        .plan_configuration(&path(at), answer, root.ownership)
        .expect("it can be answered");
    let mut sysroot = root.change();
    apply(&mut sysroot, &planned.plan, &[]).expect("the plan can be applied");
    sysroot.settle().expect("it can be settled");
    planned.conflicts
}

fn refused(root: &TestRoot, at: &str, answer: ConfigurationAnswer) -> String {
    let error = root
        .read()
        .plan_configuration(&path(at), answer, root.ownership)
        .expect_err("it cannot be answered");
    assert_eq!(error.exit_code(), 1);
    error.code().to_owned()
}

/// Returns what became of all configuration files, as `STATE PATH`.
fn states(root: &TestRoot) -> Vec<String> {
    let files = root.read().configuration().expect("they can be listed");
    files
        .iter()
        .map(|file| format!("{} {}", file.state.as_str(), file.path))
        .collect()
}

/// Returns the pristine contents that are stored.
fn stored(root: &TestRoot) -> BTreeSet<String> {
    let entries = fs_err::read_dir(root.path("var/lib/igos/pristine")).expect("it is there");
    entries
        .map(|entry| {
            let path = entry.expect("an entry").path();
            let content = fs_err::read_to_string(&path).expect("text");
            let name = Sha256::of(content.as_bytes()).to_string();
            assert!(path.ends_with(&name), "{} holds {content}", path.display());
            content
        })
        .collect()
}

fn set<const N: usize>(texts: [&str; N]) -> BTreeSet<String> {
    texts.map(str::to_owned).into()
}

const ONE: &str = "one\ntwo\nthree\nfour\nfive\n";
const MINE: &str = "ONE\ntwo\nthree\nfour\nfive\n";

#[test]
fn pristine_contents_are_kept_as_long_as_somebody_needs_them() {
    let root = TestRoot::new();
    root.install(&[&daemon("1", "one")]);
    assert_eq!(stored(&root), set(["one"]));
    root.install(&[&daemon("2", "two")]);
    assert_eq!(stored(&root), set(["two"]));
    // What an edited file was made from is needed until it is answered.
    root.put("etc/daemon.conf", "mine");
    root.install(&[&daemon("3", "three")]);
    assert_eq!(stored(&root), set(["two", "three"]));
    let other = TestArchive::new("other", "1").configuration("etc/other.conf", b"three");
    root.install(&[&other]);
    root.remove(&["daemon"]);
    assert_eq!(stored(&root), set(["three"]));
    root.remove(&["other"]);
    assert_eq!(stored(&root), set([]));
    assert!(!root.exists("var/lib/igos/configuration"));
}

#[test]
fn file_is_merged_when_asked_and_nothing_is_in_doubt() {
    let root = TestRoot::new();
    root.install(&[&daemon("1", ONE)]);
    root.put("etc/daemon.conf", MINE);
    // Who may read it is the administrator's word; bits that give rights are nothing for a text.
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o6600);
    fs_err::set_permissions(root.path("etc/daemon.conf"), private).expect("it is ours");
    merge_install(&root, &daemon("2", "one\ntwo\nthree\nfour\nFIVE\n"));
    assert_eq!(
        root.content("etc/daemon.conf"),
        "ONE\ntwo\nthree\nfour\nFIVE\n"
    );
    assert_eq!(root.mode("etc/daemon.conf"), 0o600);
    assert!(!root.exists("etc/daemon.conf.pkmnew"));
    assert_eq!(states(&root), ["edited etc/daemon.conf"]);
    assert_eq!(stored(&root).len(), 1);
}

#[test]
fn file_that_both_sides_changed_is_left_alone_and_waits() {
    let root = TestRoot::new();
    root.install(&[&daemon("1", ONE)]);
    root.put("etc/daemon.conf", MINE);
    let new = "uno\ntwo\nthree\nfour\nfive\n";
    merge_install(&root, &daemon("2", new));
    assert_eq!(root.content("etc/daemon.conf"), MINE);
    assert_eq!(root.content("etc/daemon.conf.pkmnew"), new);
    assert_eq!(states(&root), ["pending etc/daemon.conf"]);
    // Markers never stand in the file that programs read.
    assert_eq!(
        answer(&root, "etc/daemon.conf", ConfigurationAnswer::Merge),
        1
    );
    assert_eq!(root.content("etc/daemon.conf"), MINE);
    let merged = root.content("etc/daemon.conf.pkmmerge");
    for part in ["<<<<<<<", "ONE\n", "uno\n", ">>>>>>>", "two\nthree\n"] {
        assert!(merged.contains(part), "{part} in {merged}");
    }
    assert_eq!(states(&root), ["pending etc/daemon.conf"]);
}

#[test]
fn versions_that_were_not_answered_count_in_a_later_merge() {
    let root = TestRoot::new();
    root.install(&[&daemon("1", ONE)]);
    root.put("etc/daemon.conf", MINE);
    root.install(&[&daemon("2", "one\ntwo\nTHREE\nfour\nfive\n")]);
    root.install(&[&daemon("3", "one\ntwo\nTHREE\nfour\nFIVE\n")]);
    assert_eq!(
        answer(&root, "etc/daemon.conf", ConfigurationAnswer::Merge),
        0
    );
    assert_eq!(
        root.content("etc/daemon.conf"),
        "ONE\ntwo\nTHREE\nfour\nFIVE\n"
    );
    assert!(!root.exists("etc/daemon.conf.pkmnew"));
    assert_eq!(states(&root), ["edited etc/daemon.conf"]);
}

#[test]
fn accepted_version_takes_the_place_and_the_edited_one_is_kept() {
    let root = TestRoot::new();
    root.install(&[&daemon("1", "one")]);
    root.put("etc/daemon.conf", "mine");
    root.install(&[&daemon("2", "two")]);
    answer(&root, "etc/daemon.conf", ConfigurationAnswer::Accept);
    assert_eq!(root.content("etc/daemon.conf"), "two");
    assert_eq!(root.content("etc/daemon.conf.pkmold"), "mine");
    assert!(!root.exists("etc/daemon.conf.pkmnew"));
    assert_eq!(root.findings(), [""; 0]);
    assert_eq!(states(&root), ["unchanged etc/daemon.conf"]);
    assert_eq!(stored(&root), set(["two"]));
    // An edit is given up, a deleted file comes back, and no older one is lost.
    root.put("etc/daemon.conf", "mine again");
    answer(&root, "etc/daemon.conf", ConfigurationAnswer::Accept);
    assert_eq!(root.content("etc/daemon.conf.pkmold"), "mine");
    assert_eq!(root.content("etc/daemon.conf.pkmold-2"), "mine again");
    fs_err::remove_file(root.path("etc/daemon.conf")).expect("it is there");
    assert_eq!(states(&root), ["deleted etc/daemon.conf"]);
    answer(&root, "etc/daemon.conf", ConfigurationAnswer::Accept);
    assert_eq!(root.content("etc/daemon.conf"), "two");
    assert_eq!(
        refused(&root, "etc/daemon.conf", ConfigurationAnswer::Accept),
        "configuration-not-pending"
    );
}

#[test]
fn rejected_version_is_not_asked_about_again() {
    let root = TestRoot::new();
    root.install(&[&daemon("1", ONE)]);
    root.put("etc/daemon.conf", MINE);
    let second = "one\ntwo\nTHREE\nfour\nfive\n";
    root.install(&[&daemon("2", second)]);
    answer(&root, "etc/daemon.conf", ConfigurationAnswer::Reject);
    assert_eq!(root.content("etc/daemon.conf"), MINE);
    assert!(!root.exists("etc/daemon.conf.pkmnew"));
    assert_eq!(states(&root), ["edited etc/daemon.conf"]);
    root.install(&[&daemon("3", second)]);
    assert!(!root.exists("etc/daemon.conf.pkmnew"));
    // What was rejected stays so when a newer version is merged.
    merge_install(&root, &daemon("4", "one\ntwo\nTHREE\nfour\nFIVE\n"));
    assert_eq!(
        root.content("etc/daemon.conf"),
        "ONE\ntwo\nthree\nfour\nFIVE\n"
    );
}

#[test]
fn deleting_the_version_beside_is_an_answer() {
    let root = TestRoot::new();
    root.install(&[&daemon("1", "one")]);
    root.put("etc/daemon.conf", "mine");
    root.install(&[&daemon("2", "two")]);
    fs_err::remove_file(root.path("etc/daemon.conf.pkmnew")).expect("it is there");
    assert_eq!(states(&root), ["edited etc/daemon.conf"]);
    root.install(&[&daemon("3", "two")]);
    assert!(!root.exists("etc/daemon.conf.pkmnew"));
    assert_eq!(stored(&root), set(["two"]));
    root.install(&[&daemon("4", "four")]);
    assert_eq!(root.content("etc/daemon.conf.pkmnew"), "four");
}

#[test]
fn going_back_to_the_version_it_was_made_from_ends_the_waiting() {
    let root = TestRoot::new();
    root.install(&[&daemon("1", "one")]);
    root.put("etc/daemon.conf", "mine");
    root.install(&[&daemon("2", "two")]);
    root.put("etc/daemon.conf", "one");
    root.install(&[&daemon("3", "three")]);
    assert_eq!(root.content("etc/daemon.conf"), "three");
    assert!(!root.exists("etc/daemon.conf.pkmnew"));
    assert_eq!(states(&root), ["unchanged etc/daemon.conf"]);
}

#[test]
fn what_somebody_made_of_the_version_beside_is_not_overwritten() {
    let root = TestRoot::new();
    root.install(&[&daemon("1", "one")]);
    root.put("etc/daemon.conf", "mine");
    root.install(&[&daemon("2", "two")]);
    root.put("etc/daemon.conf.pkmnew", "half merged");
    root.install(&[&daemon("3", "three")]);
    assert_eq!(root.content("etc/daemon.conf.pkmnew"), "three");
    assert_eq!(root.content("etc/daemon.conf.pkmnew.pkmold"), "half merged");
    assert_eq!(root.content("etc/daemon.conf"), "mine");
}

#[test]
fn removal_takes_the_version_beside_with_it() {
    let root = TestRoot::new();
    root.install(&[&daemon("1", "one")]);
    root.put("etc/daemon.conf", "mine");
    root.install(&[&daemon("2", "two")]);
    root.remove(&["daemon"]);
    assert_eq!(root.content("etc/daemon.conf"), "mine");
    assert!(!root.exists("etc/daemon.conf.pkmnew"));
    assert!(!root.exists("var/lib/igos/configuration"));
    // It is nobody's now, and kept when the package comes back.
    root.install(&[&daemon("2", "two")]);
    assert_eq!(root.content("etc/daemon.conf"), "mine");
    assert_eq!(states(&root), ["pending etc/daemon.conf"]);
}

#[test]
fn edits_survive_when_a_path_is_no_configuration_file_any_more() {
    let root = TestRoot::new();
    root.install(&[&daemon("1", "one")]);
    root.put("etc/daemon.conf", "mine");
    let plain = TestArchive::new("daemon", "2").file("etc/daemon.conf", b"two");
    root.install(&[&plain]);
    assert_eq!(root.content("etc/daemon.conf"), "two");
    assert_eq!(root.content("etc/daemon.conf.pkmold"), "mine");
    assert_eq!(root.findings(), [""; 0]);
}

#[test]
fn files_that_come_and_go_do_not_change_what_is_decided_about_others() {
    // A seed compared line N of the old list with line N of the new one: one file more shifted all the rest.
    let root = TestRoot::new();
    let package = |version: &str, files: &[&str]| {
        files
            .iter()
            .fold(TestArchive::new("p", version), |p, file| {
                p.configuration(
                    &format!("etc/{file}"),
                    format!("{file} {version}").as_bytes(),
                )
            })
    };
    root.install(&[&package("1", &["b", "c", "d", "e"])]);
    root.put("etc/c", "mine");
    fs_err::remove_file(root.path("etc/e")).expect("it is there");
    root.install(&[&package("2", &["a", "c", "d", "e", "f"])]);
    assert_eq!(root.content("etc/a"), "a 2");
    assert!(!root.exists("etc/b"));
    assert_eq!(root.content("etc/c"), "mine");
    assert_eq!(root.content("etc/c.pkmnew"), "c 2");
    assert_eq!(root.content("etc/d"), "d 2");
    assert!(!root.exists("etc/e") && !root.exists("etc/e.pkmnew"));
    assert_eq!(root.content("etc/f"), "f 2");
    assert_eq!(
        states(&root),
        [
            "unchanged etc/a",
            "pending etc/c",
            "unchanged etc/d",
            "deleted etc/e",
            "unchanged etc/f"
        ]
    );
}

#[test]
fn links_of_configuration_are_compared_by_where_they_lead() {
    let root = TestRoot::new();
    let package = |version: &str, target: &str| {
        TestArchive::new("p", version)
            .symlink("etc/link", target)
            .change_last(|entry| entry.is_configuration = true)
    };
    root.install(&[&package("1", "one")]);
    root.install(&[&package("2", "two")]);
    let target = || fs_err::read_link(root.path("etc/link")).expect("a link");
    assert_eq!(target(), std::path::Path::new("two"));
    fs_err::remove_file(root.path("etc/link")).expect("it is there");
    std::os::unix::fs::symlink("mine", root.path("etc/link")).expect("links");
    root.install(&[&package("3", "three")]);
    assert_eq!(target(), std::path::Path::new("mine"));
    assert_eq!(states(&root), ["pending etc/link"]);
    assert_eq!(
        refused(&root, "etc/link", ConfigurationAnswer::Merge),
        "configuration-version-missing"
    );
    answer(&root, "etc/link", ConfigurationAnswer::Reject);
    assert!(!root.exists("etc/link.pkmnew") || states(&root) == ["edited etc/link"]);
    root.remove(&["p"]);
    assert_eq!(target(), std::path::Path::new("mine"));
}

#[test]
fn binary_and_huge_files_wait_but_are_not_merged() {
    let root = TestRoot::new();
    let package = |version: &str, tail: u8| {
        let mut huge = vec![b'x'; 2 << 20];
        huge.push(tail);
        TestArchive::new("p", version)
            .configuration("etc/binary", &[0, 1, tail])
            .configuration("etc/huge", &huge)
    };
    root.install(&[&package("1", b'1')]);
    fs_err::write(root.path("etc/binary"), [0, 2]).expect("it is ours");
    root.put("etc/huge", "mine");
    merge_install(&root, &package("2", b'2'));
    assert_eq!(states(&root), ["pending etc/binary", "pending etc/huge"]);
    assert_eq!(
        refused(&root, "etc/binary", ConfigurationAnswer::Merge),
        "configuration-not-text"
    );
    let huge = refused(&root, "etc/huge", ConfigurationAnswer::Merge);
    assert_eq!(huge, "configuration-not-text");
    answer(&root, "etc/huge", ConfigurationAnswer::Accept);
    answer(&root, "etc/binary", ConfigurationAnswer::Accept);
    assert_eq!(root.findings(), [""; 0]);
}

#[test]
fn answer_about_a_file_that_changed_meanwhile_is_refused() {
    let root = TestRoot::new();
    root.install(&[&daemon("1", ONE)]);
    root.put("etc/daemon.conf", MINE);
    root.install(&[&daemon("2", "one\ntwo\nthree\nfour\nFIVE\n")]);
    for wanted in [ConfigurationAnswer::Merge, ConfigurationAnswer::Accept] {
        let planned = root
            .read()
            .plan_configuration(&path("etc/daemon.conf"), wanted, root.ownership)
            .expect("it can be answered");
        root.put("etc/daemon.conf", "something else");
        let mut sysroot = root.change();
        let error = apply(&mut sysroot, &planned.plan, &[]).expect_err("it changed");
        assert_eq!(error.code(), "pre-flight-refused");
        drop(sysroot);
        assert_eq!(root.content("etc/daemon.conf"), "something else");
        assert_eq!(states(&root), ["pending etc/daemon.conf"]);
        root.put("etc/daemon.conf", MINE);
    }
}

#[test]
fn damaged_text_of_what_waits_is_told_and_nothing_is_guessed() {
    let root = TestRoot::new();
    root.install(&[&daemon("1", "one")]);
    root.put("etc/daemon.conf", "mine");
    root.install(&[&daemon("2", "two")]);
    let text = root.content("var/lib/igos/configuration");
    root.put(
        "var/lib/igos/configuration",
        &text.replace("pending", "pendiNg"),
    );
    let error = root.plan(&[&daemon("3", "three")], &[&daemon("3", "three")]);
    let error = error.expect_err("the text is damaged");
    assert_eq!((error.code(), error.exit_code()), ("state-text-damaged", 4));
    root.put("var/lib/igos/configuration", &text);
    root.install(&[&daemon("3", "three")]);
}
