//! Installing, upgrading, installing again.

use std::os::unix::fs::MetadataExt;

use igos_format::declaration::{Feature, FeatureKind};
use igos_report::Explain;
use igos_sysroot::{ChangeAction, Lack, OpenError, PlanError, Reason, Sysroot, Unmanaged};

use crate::support::{EPOCH, TestArchive, TestRoot, name, path};

fn hello(version: &str) -> TestArchive {
    TestArchive::new("hello", version)
        .directory("usr", 0o755)
        .directory("usr/bin", 0o755)
        .file_with("usr/bin/hello", version.as_bytes(), 0o755)
        .symlink("usr/bin/hi", "hello")
        .symlink("usr/bin/absolute", "/usr/bin/hello")
        .hard_links(1, &["usr/share/a", "usr/share/b"], b"linked")
        .file("usr/share/copy-one", b"the same content twice")
        .file("usr/share/copy-two", b"the same content twice")
}

#[test]
fn fresh_root_gets_files_record_and_history_and_verifies() {
    let root = TestRoot::new();
    let plan = root.install(&[&hello("1.0")]);
    assert_eq!(plan.changes.len(), 1);
    assert_eq!(plan.changes[0].action, ChangeAction::Install);
    assert_eq!(root.content("usr/bin/hi"), "1.0");
    assert_eq!(root.mode("usr/bin/hello"), 0o755);
    let meta = |at: &str| root.path(at).symlink_metadata().expect("it is there");
    assert_eq!(meta("usr/bin/hello").mtime(), EPOCH);
    assert_eq!(meta("usr/bin/hi").mtime(), EPOCH);
    assert_eq!(meta("usr/share/a").ino(), meta("usr/share/b").ino());
    assert_eq!(meta("usr/share/a").nlink(), 2);
    assert_ne!(
        meta("usr/share/copy-one").ino(),
        meta("usr/share/copy-two").ino()
    );
    assert_eq!(root.content("usr/share/copy-two"), "the same content twice");
    assert_eq!(
        fs_err::read_link(root.path("usr/bin/absolute")).expect("a link"),
        std::path::Path::new("/usr/bin/hello")
    );
    let report = root.verify();
    assert_eq!(report.findings, []);
    assert_eq!(report.exit_code(), 0);
    assert_eq!((report.counts.packages, report.counts.files), (1, 5));
    assert!(
        root.content("var/lib/igos/packages/hello")
            .starts_with("igos-record 2 2\nreason explicit\n")
    );
    assert!(!root.exists("var/lib/igos/journal"));
    let staging = fs_err::read_dir(root.path("var/lib/igos/staging")).expect("a directory");
    assert_eq!(staging.count(), 0);
}

#[test]
fn unmanaged_root_is_named_and_exits_4() {
    let root = TestRoot::new();
    let error = Sysroot::open(root.root(), Unmanaged::Refuse).expect_err("there is no record");
    assert!(matches!(error, OpenError::Unmanaged { .. }));
    assert_eq!(error.exit_code(), 4);
    assert!(
        error
            .to_string()
            .contains(&root.directory.path().display().to_string())
    );
}

#[test]
fn upgrade_replaces_adds_and_removes() {
    let root = TestRoot::new();
    root.install(&[&hello("1.0").file("usr/share/doc/old/x", b"old")]);
    let plan = root.install(&[&hello("2.0").file("usr/lib/new", b"new")]);
    assert_eq!(
        plan.changes[0].action,
        ChangeAction::Upgrade {
            from: "1.0-1".to_owned()
        }
    );
    assert_eq!(root.content("usr/bin/hello"), "2.0");
    assert_eq!(root.content("usr/lib/new"), "new");
    assert!(!root.exists("usr/share/doc"), "emptied directories go");
    assert_eq!(root.findings(), [""; 0]);
    let history = root.read().history(None).expect("a history");
    assert_eq!(history.len(), 2);
    assert_eq!(history[0].changes[0].from.as_deref(), Some("1.0-1"));
    assert_eq!(history[0].changes[0].trust.as_deref(), Some("unsigned"));
}

#[test]
fn path_that_becomes_another_kind_is_exchanged() {
    let root = TestRoot::new();
    root.install(&[&TestArchive::new("a", "1")
        .file("usr/share/was-tree/deep/file", b"x")
        .file("usr/share/was-file", b"y")]);
    root.install(&[&TestArchive::new("a", "2")
        .symlink("usr/share/was-tree", "was-file")
        .file("usr/share/was-file/inside", b"z")]);
    assert_eq!(root.content("usr/share/was-file/inside"), "z");
    assert!(root.path("usr/share/was-tree").is_symlink());
    assert_eq!(root.findings(), [""; 0]);
}

#[test]
fn reinstall_repairs_what_was_changed() {
    let root = TestRoot::new();
    root.install(&[&hello("1.0")]);
    root.put("usr/bin/hello", "changed");
    fs_err::remove_file(root.path("usr/share/a")).expect("it is there");
    assert_eq!(
        root.findings(),
        ["usr/bin/hello content", "usr/share/a missing"]
    );
    let plan = root.install(&[&hello("1.0")]);
    assert_eq!(plan.changes[0].action, ChangeAction::Reinstall);
    assert_eq!(root.findings(), [""; 0]);
}

#[test]
fn what_is_needed_comes_first_and_must_be_there() {
    let root = TestRoot::new();
    let library = TestArchive::new("library", "1.5").file("usr/lib/libx.so.1", b"lib");
    let old = TestArchive::new("library", "1.0").file("usr/lib/libx.so.1", b"lib");
    let tool = TestArchive::new("a-tool", "1")
        .depends("library>=1.2")
        .file("usr/bin/tool", b"tool");
    let mut request = root.request(&[&tool, &library]);
    request.install[1].1 = Reason::Automatic;
    let plan = root.plan_request(&[&old, &tool, &library], &request);
    let plan = plan.expect("a plan");
    let order: Vec<_> = plan
        .changes
        .iter()
        .map(|change| (change.package.to_string(), change.reason))
        .collect();
    assert_eq!(
        order,
        [
            ("library 1.5-1".to_owned(), Reason::Automatic),
            ("a-tool 1-1".to_owned(), Reason::Explicit),
        ]
    );
    assert_eq!(plan.changes[0].required_by, [name("a-tool")]);
    let lacking = root.plan(&[&old, &tool], &[&old, &tool]);
    let lacking = lacking.expect_err("too old");
    assert!(
        matches!(&lacking, PlanError::Lacking(lacks) if matches!(&lacks[..], [Lack::Dependency { package, .. }] if *package == name("a-tool"))),
        "{lacking:?}"
    );
    assert_eq!(lacking.exit_code(), 1);
    assert_eq!(lacking.diagnostics().len(), 2);
}

#[test]
fn required_library_and_interpreter_are_looked_for() {
    let root = TestRoot::new();
    let soname = Feature::new(FeatureKind::Soname, "libz.so.1").expect("a feature");
    let shell = Feature::new(FeatureKind::Path, "/bin/sh").expect("a feature");
    let script = TestArchive::new("script", "1")
        .with(|manifest| {
            manifest.features_required.insert(soname.clone());
            manifest.features_required.insert(shell.clone());
        })
        .file("usr/bin/script", b"#!/bin/sh");
    let error = root.plan(&[&script], &[&script]).expect_err("both lack");
    assert!(
        matches!(&error, PlanError::Lacking(lacks) if lacks.len() == 2),
        "{error:?}"
    );
    let zlib = TestArchive::new("zlib", "1")
        .with(|manifest| {
            manifest.features_provided.insert(soname.clone());
        })
        .file("usr/lib/libz.so.1", b"z");
    // The shell is found through the merged directory and a symbolic link.
    let base = TestArchive::new("base", "1")
        .symlink("bin", "usr/bin")
        .file("usr/bin/busybox", b"box")
        .symlink("usr/bin/sh", "busybox");
    let plan = root
        .plan(&[&script, &zlib, &base], &[&script, &zlib, &base])
        .expect("a plan");
    assert_eq!(plan.changes.len(), 3);
    root.install(&[&script, &zlib, &base]);
    assert_eq!(root.content("bin/sh"), "box");
    assert_eq!(root.findings(), [""; 0]);
    let error = root.plan_remove(&["zlib"]).expect_err("script needs it");
    assert_eq!(error.to_string(), "cannot remove zlib: script need it");
}

#[test]
fn upgrade_that_breaks_another_package_is_refused() {
    let root = TestRoot::new();
    let library = |version: &str, soname: &str| {
        let feature = Feature::new(FeatureKind::Soname, soname).expect("a feature");
        TestArchive::new("library", version)
            .with(|manifest| {
                manifest.features_provided.insert(feature);
            })
            .file("usr/lib/lib.so", version.as_bytes())
    };
    let feature = Feature::new(FeatureKind::Soname, "lib.so.1").expect("a feature");
    let user = TestArchive::new("user", "1")
        .with(|manifest| {
            manifest.features_required.insert(feature);
        })
        .file("usr/bin/user", b"user");
    root.install(&[&library("1", "lib.so.1"), &user]);
    let next = library("2", "lib.so.2");
    let error = root.plan(&[&next], &[&next]).expect_err("user would break");
    assert!(
        matches!(&error, PlanError::Breaks(lacks) if lacks.len() == 1),
        "{error:?}"
    );
}

#[test]
fn strict_request_refuses_unsigned_older_and_foreign_archives() {
    let root = TestRoot::new();
    root.install(&[&hello("2.0")]);
    let refused = |archive: &TestArchive, change: &dyn Fn(&mut igos_sysroot::Policy)| {
        let mut request = root.request(&[archive]);
        change(&mut request.policy);
        let error = root
            .plan_request(&[archive], &request)
            .expect_err("it is refused");
        (error.code(), error.exit_code())
    };
    assert_eq!(
        refused(&hello("3.0"), &|policy| policy.unsigned =
            igos_sysroot::Unsigned::Refuse),
        ("archive-unsigned", 1)
    );
    assert_eq!(
        refused(&hello("1.0"), &|policy| policy.downgrade =
            igos_sysroot::Downgrade::Refuse),
        ("newer-installed", 1)
    );
    let foreign = hello("3.0").with(|manifest| {
        manifest.package.arch = match igos_format::Arch::native() {
            igos_format::Arch::Aarch64 => igos_format::Arch::Riscv64,
            _ => igos_format::Arch::Aarch64,
        };
    });
    assert_eq!(refused(&foreign, &|_| {}), ("wrong-architecture", 1));
}

#[test]
fn plan_lists_every_path_and_what_gives_privileges() {
    let root = TestRoot::new();
    let archive = TestArchive::new("su", "1")
        .directory("var/spool", 0o777)
        .directory("var/mail", 0o2775)
        .directory("var/tmp", 0o1777)
        .file_with("usr/bin/sticky", b"sticky", 0o1666)
        .file_with("usr/bin/su", b"su", 0o4755)
        .file_with("usr/bin/x", b"x", 0o755)
        .change_last(|entry| {
            let list = b"\x02\0\0\0\x01\0\x07\0\xff\xff\xff\xff\x02\0\x07\0\xe8\x03\0\0";
            for (name, value) in [
                ("system.posix_acl_access", list.as_slice()),
                ("security.ima", b"x"),
                ("trusted.overlay.opaque", b"y"),
                ("user.note", b"hi"),
            ] {
                entry.xattrs.insert(name.to_owned(), value.to_vec());
            }
        })
        .file_with("usr/bin/ping", b"ping", 0o755)
        .change_last(|entry| {
            entry.capabilities = Some("cap_net_raw=ep".parse().expect("capabilities"));
        });
    let plan = root.plan(&[&archive], &[&archive]).expect("a plan");
    let places: Vec<_> = plan
        .paths
        .iter()
        .map(|action| action.place.to_string())
        .collect();
    assert_eq!(
        places,
        [
            "usr",
            "usr/bin",
            "usr/bin/ping",
            "usr/bin/sticky",
            "usr/bin/su",
            "usr/bin/x",
            "var",
            "var/mail",
            "var/spool",
            "var/tmp"
        ]
    );
    let privileged: Vec<_> = plan.changes[0]
        .privileged
        .iter()
        .map(|found| format!("{} {:?}", found.path, found.privileges))
        .collect();
    assert_eq!(
        privileged,
        [
            "usr/bin/ping [Capabilities(\"2000:0:1\")]",
            "usr/bin/sticky [WorldWritable]",
            "usr/bin/su [Setuid]",
            "usr/bin/x [Attribute(\"security.ima\"), AccessControl(\"user 1000 may read and write and run it\"), \
             Attribute(\"trusted.overlay.opaque\")]",
            "var/mail [SetgidDirectory]",
            "var/spool [WorldWritable]",
        ]
    );
}

#[test]
fn only_the_confirmed_plan_on_the_planned_state_is_applied() {
    let root = TestRoot::new();
    let (one, two) = (hello("1.0"), TestArchive::new("two", "1").file("two", b"2"));
    let plan = root.plan(&[&one], &[&one]).expect("a plan");
    let other = root.plan(&[&two], &[&two]).expect("a plan");
    assert_ne!(plan.digest(), other.digest());
    let mut sysroot = root.change();
    let open = |_: &igos_sysroot::Change| Err(std::io::ErrorKind::NotFound.into());
    let error = sysroot
        .apply(&plan, other.digest(), &open, 0, &igos_report::Quiet)
        .expect_err("another plan was confirmed");
    assert_eq!(error.code(), "plan-not-confirmed");
    crate::support::apply(&mut sysroot, &plan, &[&one]).expect("it can be applied");
    let error = crate::support::apply(&mut sysroot, &other, &[&two]).expect_err("it is old");
    assert_eq!(error.code(), "plan-outdated");
    assert!(!root.exists("two"));
}

#[test]
fn archive_that_changed_after_planning_is_refused_and_nothing_changes() {
    let root = TestRoot::new();
    let plan = root
        .plan(&[&hello("1.0")], &[&hello("1.0")])
        .expect("a plan");
    let other = hello("1.0").file("usr/extra", b"extra");
    let mut sysroot = root.change();
    let before = root.tree();
    let error = crate::support::apply(&mut sysroot, &plan, &[&other]).expect_err("another seal");
    assert_eq!(error.code(), "archive-changed");
    assert_eq!(root.tree(), before);
}

#[test]
fn every_flipped_byte_of_an_archive_is_refused_and_nothing_changes() {
    let root = TestRoot::new();
    let archive = hello("1.0");
    let plan = root.plan(&[&archive], &[&archive]).expect("a plan");
    let mut sysroot = root.change();
    let before = root.tree();
    let bytes = archive.bytes();
    // The last block is padding of the tail; every part is hit with this step.
    for at in (0..bytes.len()).step_by(7) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        let open = |_: &igos_sysroot::Change| -> std::io::Result<igos_sysroot::ArchiveSource> {
            let bytes = std::io::Cursor::new(damaged.clone());
            Ok(igos_sysroot::ArchiveSource::Whole(Box::new(bytes)))
        };
        sysroot
            .apply(&plan, plan.digest(), &open, 0, &igos_report::Quiet)
            .expect_err("it is damaged");
        assert_eq!(root.tree(), before, "byte {at}");
    }
}

#[test]
fn existing_directory_keeps_mode_and_owner() {
    let root = TestRoot::new();
    root.put("srv/data/mine", "mine");
    fs_err::set_permissions(
        root.path("srv/data"),
        std::os::unix::fs::PermissionsExt::from_mode(0o700),
    )
    .expect("modes can be set");
    root.install(&[&TestArchive::new("a", "1")
        .directory("srv/data", 0o755)
        .file("srv/data/a", b"a")]);
    assert_eq!(root.mode("srv/data"), 0o700);
    assert_eq!(root.findings(), ["srv/data mode"]);
}

#[test]
fn private_directory_stays_private() {
    // A seed made every directory 0755 root.
    let root = TestRoot::new();
    root.install(&[&TestArchive::new("a", "1")
        .directory("var/lib/secret", 0o700)
        .file_with("var/lib/secret/key", b"key", 0o600)]);
    assert_eq!(root.mode("var/lib/secret"), 0o700);
    assert_eq!(root.mode("var/lib/secret/key"), 0o600);
}

#[test]
fn second_release_of_a_version_is_an_upgrade() {
    // A seed parsed versions out of file names and never saw rebuilds.
    let root = TestRoot::new();
    root.install(&[&hello("138.0")]);
    let rebuild = hello("138.0").with(|manifest| {
        manifest.package.release = "2".parse().expect("a release");
    });
    let plan = root.install(&[&rebuild]);
    assert_eq!(
        plan.changes[0].action,
        ChangeAction::Upgrade {
            from: "138.0-1".to_owned()
        }
    );
    assert_eq!(
        root.read()
            .info(&name("hello"))
            .expect("installed")
            .installed
            .package
            .full_version(),
        "138.0-2"
    );
}

#[test]
fn package_cannot_bring_state_of_the_package_manager_through_a_link() {
    let root = TestRoot::new();
    fs_err::create_dir_all(root.path("var")).expect("directories");
    std::os::unix::fs::symlink("lib/igos", root.path("var/run")).expect("links");
    let archive = TestArchive::new("evil", "1").file("var/run/packages/base", b"forged");
    let error = root.plan(&[&archive], &[&archive]).expect_err("reserved");
    assert!(
        matches!(&error, PlanError::Conflicts(found) if found.iter().any(|found| found.code() == "path-reserved")),
        "{error:?}"
    );
    assert!(path("var/run").parent().is_some());
}
