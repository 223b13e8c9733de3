//! The running kernel stays, whatever becomes of its package.

use igos_report::Explain;
use igos_sysroot::{Plan, RollbackRequest, RunningKernel};

use crate::support::{TestArchive, TestRoot, apply, name};
use crate::upgrade::{orphans, plan_beside};

fn kernel(release: &str) -> TestArchive {
    let modules = format!("usr/lib/modules/{release}");
    TestArchive::new("linux", release)
        .directory("boot", 0o755)
        .file(
            &format!("boot/vmlinuz-{release}"),
            format!("image {release}").as_bytes(),
        )
        .file(
            &format!("{modules}/kernel/a.ko"),
            format!("a {release}").as_bytes(),
        )
        .file(&format!("{modules}/kernel/b.ko"), b"the same in both")
        .symlink(&format!("{modules}/build"), "/usr/src/linux")
        .file("usr/share/doc/linux", release.as_bytes())
}

fn running(release: &str) -> RunningKernel {
    RunningKernel::Keep {
        release: release.to_owned(),
    }
}

fn carry_out(root: &TestRoot, install: &[&TestArchive], remove: &[&str], release: &str) -> Plan {
    let plan = plan_beside(root, install, remove, running(release)).expect("there is a plan");
    let mut sysroot = root.change();
    apply(&mut sysroot, &plan, install).expect("it can be applied");
    sysroot.settle().expect("it can be settled");
    plan
}

/// Returns the kernels, each with the number of packages that have it.
fn kernels(root: &TestRoot) -> Vec<(String, usize, bool)> {
    let kernels = root.read().kernels().expect("the database can be read");
    kernels
        .into_iter()
        .map(|(release, found)| (release, found.packages.len(), found.is_kept))
        .collect()
}

#[test]
fn upgrade_leaves_the_running_kernel_beside_the_new_one_until_another_is_started() {
    let root = TestRoot::new();
    root.install(&[&kernel("6.1.4")]);
    let plan = carry_out(&root, &[&kernel("6.1.5")], &[], "6.1.4");
    assert!(
        plan.notices
            .iter()
            .any(|notice| notice.code == "kernel-kept")
    );
    for release in ["6.1.4", "6.1.5"] {
        let module = format!("usr/lib/modules/{release}/kernel/a.ko");
        assert_eq!(root.content(&module), format!("a {release}"));
        assert!(root.exists(&format!("boot/vmlinuz-{release}")));
    }
    assert_eq!(root.content("usr/share/doc/linux"), "6.1.5");
    assert_eq!(
        kernels(&root),
        [
            ("6.1.4".to_owned(), 0, true),
            ("6.1.5".to_owned(), 1, false)
        ]
    );
    // Nobody takes it for something that nobody brought.
    assert_eq!(orphans(&root), [""; 0]);
    // Another upgrade while it still runs leaves it alone.
    carry_out(&root, &[&kernel("6.1.6")], &[], "6.1.4");
    assert!(root.exists("usr/lib/modules/6.1.4/kernel/a.ko"));
    assert!(!root.exists("usr/lib/modules/6.1.5"));
    // The new one was started: the first transaction takes the old one away.
    let other = TestArchive::new("other", "1").file("usr/lib/other", b"other");
    let plan = carry_out(&root, &[&other], &[], "6.1.6");
    assert_eq!(plan.kernels.forget.len(), 1);
    assert!(!root.exists("usr/lib/modules/6.1.4"));
    assert!(!root.exists("boot/vmlinuz-6.1.4"));
    assert_eq!(kernels(&root), [("6.1.6".to_owned(), 1, false)]);
    assert_eq!(orphans(&root), [""; 0]);
}

#[test]
fn package_of_the_running_kernel_is_not_removed() {
    let root = TestRoot::new();
    root.install(&[&kernel("6.1.4")]);
    let error = plan_beside(&root, &[], &["linux"], running("6.1.4")).expect_err("it runs");
    assert_eq!((error.code(), error.exit_code()), ("kernel-running", 1));
    // Of a root that another kernel runs on, it goes.
    carry_out(&root, &[], &["linux"], "6.1.5");
    assert!(!root.exists("usr/lib/modules"));
}

#[test]
fn generated_files_of_a_kernel_that_goes_keep_its_directory_alone() {
    let root = TestRoot::new();
    root.install(&[&kernel("6.1.4")]);
    carry_out(&root, &[&kernel("6.1.5")], &[], "6.1.4");
    root.put("usr/lib/modules/6.1.4/modules.dep", "generated");
    let other = TestArchive::new("other", "1").file("usr/lib/other", b"other");
    carry_out(&root, &[&other], &[], "6.1.5");
    assert!(!root.exists("usr/lib/modules/6.1.4/kernel"));
    assert!(root.exists("usr/lib/modules/6.1.4/modules.dep"));
}

#[test]
fn rollback_takes_the_kept_kernel_up_again() {
    let root = TestRoot::new();
    root.install(&[&kernel("6.1.4")]);
    let before = root.tree();
    carry_out(&root, &[&kernel("6.1.5")], &[], "6.1.4");
    let plan = root
        .read()
        .plan_rollback(&RollbackRequest {
            transaction: 2,
            kernel: running("6.1.4"),
            ownership: root.ownership,
            at_hand: &|_| false,
        })
        .expect("there is a plan");
    let mut sysroot = root.change();
    apply(&mut sysroot, &plan, &[]).expect("it can be applied");
    drop(sysroot);
    assert_eq!(root.tree(), before);
    assert_eq!(root.findings(), [""; 0]);
    assert_eq!(kernels(&root), [("6.1.4".to_owned(), 1, false)]);
    assert_eq!(
        root.read()
            .record(&name("linux"))
            .expect("a record")
            .installed
            .transaction,
        1
    );
}
