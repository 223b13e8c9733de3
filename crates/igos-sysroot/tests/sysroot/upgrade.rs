//! Upgrades: new files first, splits and merges, and the cases that others got wrong.

use std::sync::Arc;

use igos_format::Owner;
use igos_report::Explain;
use igos_sysroot::{
    Candidate, ChangeAction, Downgrade, LockedSysroot, Mutations, Plan, PlanError, Policy, Reason,
    Request, RunningKernel, Unsigned,
};

use crate::faulty::{Faulty, Stop, options};
use crate::support::{TestArchive, TestRoot, apply, name, path};

/// Plans what comes and what goes, in one.
fn plan(root: &TestRoot, install: &[&TestArchive], remove: &[&str]) -> Result<Plan, PlanError> {
    plan_beside(root, install, remove, RunningKernel::Ignore)
}

pub(crate) fn plan_beside(
    root: &TestRoot,
    install: &[&TestArchive],
    remove: &[&str],
    kernel: RunningKernel,
) -> Result<Plan, PlanError> {
    let candidates: Vec<Candidate> = install.iter().map(|archive| archive.candidate()).collect();
    let install = candidates
        .iter()
        .map(|found| (found.seal(), Reason::Explicit));
    let request = Request {
        install: install.collect(),
        remove: remove.iter().map(|text| name(text)).collect(),
        ..Request::new(Policy {
            unsigned: Unsigned::Allow,
            downgrade: Downgrade::Refuse,
            ownership: root.ownership,
            ..Policy::strict(kernel)
        })
    };
    root.read().plan(&candidates, &request)
}

fn carry_out(root: &TestRoot, install: &[&TestArchive], remove: &[&str]) -> Plan {
    let plan = plan(root, install, remove).expect("there is a plan");
    let mut sysroot = root.change();
    apply(&mut sysroot, &plan, install).expect("it can be applied");
    sysroot.settle().expect("it can be settled");
    plan
}

fn owner(root: &TestRoot, at: &str) -> Vec<String> {
    let owned = root.read().owner(&path(at)).expect("it has an owner");
    owned.packages.iter().map(ToString::to_string).collect()
}

/// Returns the files of a root that no package has.
pub(crate) fn orphans(root: &TestRoot) -> Vec<String> {
    let request = igos_sysroot::VerifyRequest {
        extras: igos_sysroot::Extras::WholeRoot,
        ..igos_sysroot::VerifyRequest::all()
    };
    let report = root.read().verify(&request, &igos_report::Quiet);
    let findings = report.expect("it can be verified").findings;
    findings
        .iter()
        .map(|found| format!("{} {}", found.path, found.what))
        .collect()
}

#[test]
fn path_that_both_versions_have_is_there_at_every_moment() {
    let archive = |version: &str| {
        TestArchive::new("tool", version)
            .file("usr/lib/libtool.so.1", version.as_bytes())
            .file_with("usr/bin/tool", version.as_bytes(), 0o755)
            .symlink("usr/bin/alias", &format!("tool-{version}"))
            .file(&format!("usr/share/{version}"), b"only here")
    };
    let [old, new] = [archive("1"), archive("2")];
    let attempt = |stop_at: u64| {
        let root = TestRoot::in_memory();
        root.install(&[&old]);
        let plan = root.plan(&[&new], &[&new]).expect("a plan");
        let faulty = Faulty::new(Stop::Dies, stop_at);
        let mutations = Arc::clone(&faulty) as Arc<dyn Mutations>;
        if let Ok(mut sysroot) = LockedSysroot::open(root.root(), options(mutations))
            && apply(&mut sysroot, &plan, &[&new]).is_ok()
        {
            // Whether it is settled makes no difference here.
            drop(sysroot.settle());
        }
        (root, faulty.seen() > stop_at)
    };
    let mut moments = 0;
    for stop_at in 0.. {
        let (root, was_stopped) = attempt(stop_at);
        for at in ["usr/lib/libtool.so.1", "usr/bin/tool", "usr/bin/alias"] {
            assert!(root.exists(at), "{at} is missing at {stop_at}");
        }
        // What only the old version has goes after everything of the new one came.
        let is_new = root.content("usr/bin/tool") == "2" && root.exists("usr/share/2");
        assert!(is_new || root.exists("usr/share/1"), "at {stop_at}");
        moments += 1;
        if !was_stopped {
            break;
        }
    }
    assert!(moments > 20, "{moments}");
}

#[test]
fn split_moves_paths_to_the_new_package_and_orphans_nothing() {
    let root = TestRoot::new();
    let whole = TestArchive::new("zlib", "1")
        .file("usr/lib/libz.so.1", b"library")
        .file("usr/include/zlib.h", b"header")
        .configuration("etc/zlib.conf", b"one");
    root.install(&[&whole]);
    root.put("etc/zlib.conf", "mine");
    let library = TestArchive::new("zlib", "2").file("usr/lib/libz.so.1", b"library");
    let development = TestArchive::new("zlib-devel", "2")
        .file("usr/include/zlib.h", b"header")
        .configuration("etc/zlib.conf", b"one")
        .depends("zlib");
    carry_out(&root, &[&library, &development], &[]);
    assert_eq!(owner(&root, "usr/include/zlib.h"), ["zlib-devel"]);
    assert_eq!(owner(&root, "usr/lib/libz.so.1"), ["zlib"]);
    // The edited file is handed over as it is: nothing new came.
    assert_eq!(owner(&root, "etc/zlib.conf"), ["zlib-devel"]);
    assert_eq!(root.content("etc/zlib.conf"), "mine");
    assert!(!root.exists("etc/zlib.conf.pkmnew"));
    assert_eq!(orphans(&root), ["etc/zlib.conf content"]);
}

#[test]
fn merge_takes_the_paths_of_all_and_removes_what_it_does_not_have() {
    let root = TestRoot::new();
    let part = |name: &str| {
        TestArchive::new(name, "1")
            .file(&format!("usr/lib/{name}"), name.as_bytes())
            .file(&format!("usr/share/{name}/dropped"), b"old")
            .configuration(&format!("etc/{name}.conf"), b"one")
    };
    let [one, two] = [part("one"), part("two")];
    root.install(&[&one, &two]);
    root.put("etc/two.conf", "mine");
    let all = TestArchive::new("all", "1")
        .supersedes("one")
        .supersedes("two")
        .file("usr/lib/one", b"one")
        .file("usr/lib/two", b"two, newer");
    let plan = carry_out(&root, &[&all], &["one", "two"]);
    assert_eq!(plan.changes.len(), 3);
    assert_eq!(owner(&root, "usr/lib/one"), ["all"]);
    assert_eq!(root.content("usr/lib/two"), "two, newer");
    for gone in ["usr/share/one", "usr/share/two", "etc/one.conf"] {
        assert!(!root.exists(gone), "{gone}");
    }
    // The edited configuration of a package that went is kept, and its directory is all that nobody owns.
    assert_eq!(root.content("etc/two.conf"), "mine");
    assert_eq!(orphans(&root), ["etc extra"]);
}

#[test]
fn successor_is_given_the_edited_configuration_of_the_one_that_goes() {
    let root = TestRoot::new();
    let old = TestArchive::new("sysklogd", "1")
        .configuration("etc/syslog.conf", b"one")
        .file("usr/bin/syslogd", b"old");
    root.install(&[&old]);
    root.put("etc/syslog.conf", "mine");
    let new = TestArchive::new("syslog-ng", "4")
        .supersedes("sysklogd")
        .configuration("etc/syslog.conf", b"four")
        .file("usr/bin/syslog-ng", b"new");
    carry_out(&root, &[&new], &["sysklogd"]);
    assert_eq!(owner(&root, "etc/syslog.conf"), ["syslog-ng"]);
    assert_eq!(root.content("etc/syslog.conf"), "mine");
    assert_eq!(root.content("etc/syslog.conf.pkmnew"), "four");
    assert!(!root.exists("usr/bin/syslogd"));
}

#[test]
fn path_moves_between_two_packages_that_are_both_upgraded() {
    let root = TestRoot::new();
    let first = |version: &str| TestArchive::new("first", version);
    let second = |version: &str| TestArchive::new("second", version);
    root.install(&[
        &first("1").file("usr/lib/a", b"a").file("usr/lib/b", b"b"),
        &second("1").file("usr/lib/c", b"c"),
    ]);
    // They exchange paths: each takes what the other had.
    carry_out(
        &root,
        &[
            &first("2")
                .file("usr/lib/a", b"a")
                .file("usr/lib/c", b"c of first"),
            &second("2").file("usr/lib/b", b"b"),
        ],
        &[],
    );
    assert_eq!(owner(&root, "usr/lib/b"), ["second"]);
    assert_eq!(owner(&root, "usr/lib/c"), ["first"]);
    assert_eq!(root.content("usr/lib/c"), "c of first");
    assert_eq!(orphans(&root), [""; 0]);
    // Alone, neither may take a path of the other.
    let greedy = first("3").file("usr/lib/b", b"mine");
    let error = plan(&root, &[&greedy], &[]).expect_err("it is owned");
    assert_eq!(error.code(), "conflicts");
}

#[test]
fn rebuild_that_differs_in_its_release_alone_is_an_upgrade() {
    let root = TestRoot::new();
    let build = |release: &str| {
        let release = release.parse().expect("a release");
        TestArchive::new("firefox", "138.0")
            .file("usr/bin/firefox", b"browser")
            .with(|manifest| manifest.package.release = release)
    };
    root.install(&[&build("1")]);
    let plan = carry_out(&root, &[&build("2")], &[]);
    let from = "138.0-1".to_owned();
    assert_eq!(plan.changes[0].action, ChangeAction::Upgrade { from });
    let error = plan_of(&root, &build("1")).expect_err("it is older");
    assert_eq!(error.code(), "newer-installed");
    assert_eq!(
        root.read().list().expect("a list")[0]
            .package
            .full_version(),
        "138.0-2"
    );
}

fn plan_of(root: &TestRoot, archive: &TestArchive) -> Result<Plan, PlanError> {
    plan(root, &[archive], &[])
}

#[test]
fn versions_of_every_form_are_offered_as_upgrades() {
    for (old, new) in [
        ("9.9p1", "9.9p2"),
        ("1.9.16p2", "1.9.17"),
        ("2024a", "2025b"),
        ("8.0.1.0esr", "8.0.2.0esr"),
        ("20240101", "20250101"),
    ] {
        let root = TestRoot::new();
        let package = |version: &str| {
            TestArchive::new("openssh", version).file("usr/bin/ssh", version.as_bytes())
        };
        root.install(&[&package(old)]);
        let plan = carry_out(&root, &[&package(new)], &[]);
        assert_eq!(plan.changes[0].action.as_str(), "upgrade", "{old} {new}");
        assert_eq!(root.content("usr/bin/ssh"), new);
    }
}

#[test]
fn failed_transaction_can_be_tried_again_and_the_old_version_stays_meanwhile() {
    let root = TestRoot::new();
    let [old, new] = ["1", "2"]
        .map(|version| TestArchive::new("tool", version).file("usr/bin/tool", version.as_bytes()));
    root.install(&[&old]);
    let before = root.tree();
    let plan = plan_of(&root, &new).expect("a plan");
    let mut sysroot = root.change();
    // The archive of another package is given: nothing comes of it.
    apply(&mut sysroot, &plan, &[&old]).expect_err("it is another archive");
    drop(sysroot);
    assert_eq!(root.tree(), before);
    let listed = root.read().list().expect("a list");
    assert_eq!(listed[0].package.full_version(), "1-1");
    assert_eq!(root.read().history(None).expect("a history").len(), 1);
    carry_out(&root, &[&new], &[]);
    assert_eq!(root.content("usr/bin/tool"), "2");
    assert_eq!(root.findings(), [""; 0]);
}

#[test]
fn directories_keep_mode_and_owner_through_upgrades() {
    if !crate::support::is_root("owners") {
        return;
    }
    use std::os::unix::fs::MetadataExt;
    let root = TestRoot::new();
    let package = |version: &str| {
        let daemon = name("daemon");
        let owner = Owner {
            user: daemon.clone(),
            uid: 2,
            group: daemon,
            gid: 2,
        };
        TestArchive::new("daemon", version)
            .directory("var/lib/daemon", 0o700)
            .change_last(|entry| entry.owner = owner)
            .file("var/lib/daemon/state", version.as_bytes())
    };
    root.install(&[&package("1")]);
    carry_out(&root, &[&package("2")], &[]);
    let found = root.path("var/lib/daemon").metadata().expect("it is there");
    assert_eq!(
        (found.mode() & 0o7777, found.uid(), found.gid()),
        (0o700, 2, 2)
    );
    assert_eq!(root.findings(), [""; 0]);
}
