//! One transaction that installs, upgrades, downgrades, removes and marks at once.

use igos_report::Explain;
use igos_sysroot::{
    Candidate, ChangeAction, Downgrade, Hold, Plan, PlanError, Policy, Reason, Request,
    RunningKernel, Sysroot, Unmanaged, Unsigned,
};

use crate::support::{TestArchive, TestRoot, apply, name};

fn request(root: &TestRoot, install: &[(&TestArchive, Reason)], remove: &[&str]) -> Request {
    Request {
        install: install
            .iter()
            .map(|(archive, reason)| (archive.candidate().seal(), *reason))
            .collect(),
        remove: remove.iter().map(|text| name(text)).collect(),
        ..Request::new(Policy {
            unsigned: Unsigned::Allow,
            downgrade: Downgrade::Allow,
            ownership: root.ownership,
            ..Policy::strict(RunningKernel::Ignore)
        })
    }
}

fn plan(root: &TestRoot, archives: &[&TestArchive], request: &Request) -> Result<Plan, PlanError> {
    let candidates: Vec<Candidate> = archives.iter().map(|archive| archive.candidate()).collect();
    Sysroot::open(root.root(), Unmanaged::Empty)
        .expect("the root can be read")
        .plan(&candidates, request)
}

fn carry_out(root: &TestRoot, archives: &[&TestArchive], request: &Request) -> Plan {
    let plan = plan(root, archives, request).expect("there is a plan");
    let mut sysroot = root.change();
    apply(&mut sysroot, &plan, archives).expect("it can be applied");
    sysroot.settle().expect("it can be settled");
    plan
}

fn simple(package: &str, version: &str) -> TestArchive {
    let path = format!("usr/share/{package}");
    TestArchive::new(package, version).file(&path, format!("{package} {version}").as_bytes())
}

#[test]
fn installs_upgrades_downgrades_and_removals_are_one_transaction() {
    let root = TestRoot::new();
    let (up, down, gone) = (simple("up", "1"), simple("down", "2"), simple("gone", "1"));
    root.install(&[&up, &down, &gone]);
    let archives = [simple("up", "2"), simple("down", "1"), simple("new", "1")];
    let [up, down, new] = &archives;
    let request = request(
        &root,
        &[
            (up, Reason::Automatic),
            (down, Reason::Automatic),
            (new, Reason::Automatic),
        ],
        &["gone"],
    );
    let plan = carry_out(&root, &[up, down, new], &request);
    let actions: Vec<_> = plan
        .changes
        .iter()
        .map(|change| format!("{} {}", change.action.as_str(), change.package.name))
        .collect();
    assert_eq!(
        actions,
        ["downgrade down", "install new", "upgrade up", "remove gone"]
    );
    assert_eq!(root.content("usr/share/up"), "up 2");
    assert_eq!(root.content("usr/share/down"), "down 1");
    assert!(!root.exists("usr/share/gone"));
    assert_eq!(root.findings(), [""; 0]);
    let sysroot = root.read();
    assert_eq!(sysroot.history(None).expect("a history").len(), 2);
    let reason = |text: &str| {
        sysroot
            .record(&name(text))
            .expect("it is there")
            .installed
            .reason
    };
    assert_eq!(reason("new"), Reason::Automatic);
    // What was asked for once stays asked for.
    assert_eq!(reason("up"), Reason::Explicit);
}

#[test]
fn world_that_would_be_broken_is_refused_whoever_decided_on_it() {
    let root = TestRoot::new();
    let library = simple("library", "1");
    let tool = simple("tool", "1").depends("library");
    root.install(&[&library, &tool]);
    let refused = |install: &[(&TestArchive, Reason)], remove: &[&str]| {
        let archives: Vec<_> = install.iter().map(|(archive, _)| *archive).collect();
        let request = request(&root, install, remove);
        plan(&root, &archives, &request).expect_err("it breaks something")
    };
    let other = simple("other", "1");
    let error = refused(&[(&other, Reason::Explicit)], &["library"]);
    assert!(
        matches!(&error, PlanError::Breaks(lacks) if lacks.len() == 1),
        "{error:?}"
    );
    let error = refused(&[], &["library"]);
    assert!(matches!(&error, PlanError::Needed { .. }), "{error:?}");
    let needy = simple("needy", "1").depends("absent");
    let error = refused(&[(&needy, Reason::Explicit)], &[]);
    assert!(
        matches!(&error, PlanError::Lacking(lacks) if lacks.len() == 1),
        "{error:?}"
    );
    let jealous = simple("jealous", "1").with(|manifest| {
        manifest.conflicts.insert("tool".parse().expect("a name"));
    });
    let error = refused(&[(&jealous, Reason::Explicit)], &[]);
    assert_eq!(error.code(), "conflicts");
    // Without the tool the same is fine.
    let request = request(&root, &[(&jealous, Reason::Explicit)], &["tool", "library"]);
    carry_out(&root, &[&jealous], &request);
    assert_eq!(root.findings(), [""; 0]);
}

#[test]
fn contradictions_and_unknown_seals_are_told() {
    let root = TestRoot::new();
    let one = simple("one", "1");
    root.install(&[&one]);
    let next = simple("one", "2");
    let both = request(&root, &[(&next, Reason::Explicit)], &["one"]);
    let error = plan(&root, &[&next], &both).expect_err("both");
    assert_eq!(error.code(), "request-contradicts-itself");
    let twice = request(
        &root,
        &[(&next, Reason::Explicit), (&one, Reason::Explicit)],
        &[],
    );
    let error = plan(&root, &[&next, &one], &twice).expect_err("twice");
    assert_eq!(error.code(), "request-contradicts-itself");
    let unknown = request(&root, &[(&next, Reason::Explicit)], &[]);
    let error = plan(&root, &[], &unknown).expect_err("unknown");
    assert_eq!(error.code(), "archive-absent");
    assert_eq!(error.exit_code(), 1);
}

#[test]
fn marks_and_holds_change_the_record_alone_and_stand_in_the_history() {
    let root = TestRoot::new();
    root.install(&[&simple("one", "1"), &simple("two", "1")]);
    let tree = root.tree();
    let mut marks = request(&root, &[], &[]);
    marks.reasons.insert(name("one"), Reason::Automatic);
    marks.reasons.insert(name("two"), Reason::Explicit);
    marks.holds.insert(name("one"), Hold::Held);
    let marked = carry_out(&root, &[], &marks);
    let actions: Vec<_> = marked.changes.iter().map(|change| &change.action).collect();
    // The second is asked for already.
    assert_eq!(actions, [&ChangeAction::MarkAutomatic, &ChangeAction::Hold]);
    assert_eq!(root.tree(), tree);
    assert_eq!(root.findings(), [""; 0]);
    let installed = root
        .read()
        .record(&name("one"))
        .expect("a record")
        .installed;
    assert_eq!(
        (installed.reason, installed.held),
        (Reason::Automatic, true)
    );
    assert_eq!(installed.transaction, 1);
    let listed = root.read().list().expect("a list");
    assert_eq!([listed[0].is_held, listed[1].is_held], [true, false]);
    let history = root.read().history(None).expect("a history");
    let words: Vec<_> = history[0]
        .changes
        .iter()
        .map(|change| change.action.as_str())
        .collect();
    assert_eq!(words, ["mark-automatic", "hold"]);
    // An upgrade keeps the hold, and a request can end it.
    let next = simple("one", "2");
    carry_out(
        &root,
        &[&next],
        &request(&root, &[(&next, Reason::Automatic)], &[]),
    );
    assert!(
        root.read()
            .record(&name("one"))
            .expect("a record")
            .installed
            .held
    );
    let mut release = request(&root, &[], &[]);
    release.holds.insert(name("one"), Hold::Released);
    carry_out(&root, &[], &release);
    assert!(
        !root
            .read()
            .record(&name("one"))
            .expect("a record")
            .installed
            .held
    );
    assert!(plan(&root, &[], &release).expect("a plan").is_empty());
}

#[test]
fn running_kernel_is_neither_removed_nor_replaced_and_others_are() {
    let root = TestRoot::new();
    let kernel = |package: &str, release: &str| {
        TestArchive::new(package, release)
            .file(&format!("boot/vmlinuz-{release}"), b"image")
            .file(&format!("usr/lib/modules/{release}/x.ko"), b"module")
    };
    let (old, new) = (
        kernel("linux-6.1.4", "6.1.4"),
        kernel("linux-6.1.5", "6.1.5"),
    );
    root.install(&[&old, &new]);
    let running = |release: &str, remove: &[&str]| {
        let mut request = request(&root, &[], remove);
        request.policy.kernel = RunningKernel::Keep {
            release: release.to_owned(),
        };
        plan(&root, &[], &request)
    };
    let error = running("6.1.5", &["linux-6.1.5"]).expect_err("it runs");
    assert_eq!(error.code(), "kernel-running");
    assert!(
        error
            .to_string()
            .contains("linux-6.1.5 has /boot/vmlinuz-6.1.5"),
        "{error}"
    );
    assert!(error.hints()[1].contains("--allow-running-kernel"));
    assert!(running("6.1.5", &["linux-6.1.4"]).is_ok());
    // Asked to let it go all the same, it goes.
    let request = request(&root, &[], &["linux-6.1.5"]);
    assert!(plan(&root, &[], &request).is_ok());
}
