//! Verification finds what was changed, and says what it could not look at.

use std::os::unix::fs::PermissionsExt;

use igos_report::Quiet;
use igos_sysroot::{Class, Difference, Extras, Ownership, VerifyRequest};

use crate::support::{TestArchive, TestRoot, is_root, name, skipped};

fn installed() -> TestRoot {
    let root = TestRoot::new();
    root.install(&[&TestArchive::new("a", "1")
        .directory("usr", 0o755)
        .directory("usr/bin", 0o755)
        .file_with("usr/bin/tool", b"content", 0o755)
        .file("usr/bin/other", b"other")
        .symlink("usr/bin/link", "tool")
        .hard_links(1, &["usr/bin/one", "usr/bin/two"], b"linked")
        .configuration("etc/a.conf", b"configuration")]);
    root
}

/// It would take minutes to read, and days if whoever may write in its directory makes it longer.
#[test]
fn file_that_became_huge_is_not_read_to_its_end() {
    let root = installed();
    let file = fs_err::OpenOptions::new()
        .write(true)
        .open(root.path("usr/bin/tool"))
        .expect("it is there");
    file.set_len(1 << 40).expect("holes take no room");
    let report = root.verify();
    let found: Vec<_> = report
        .findings
        .iter()
        .map(|finding| (finding.what, finding.observed.as_str()))
        .collect();
    assert_eq!(
        found,
        [(Difference::Content, "unknown (1099511627776 bytes)")]
    );
}

#[test]
fn each_kind_of_change_is_found_and_named() {
    type Change<'a> = &'a dyn Fn(&TestRoot);
    let changes: [(&str, Change<'_>); 10] = [
        ("usr/bin/tool content", &|root| {
            root.put("usr/bin/tool", "cOntent");
        }),
        ("usr/bin/tool mode", &|root| {
            let mode = std::fs::Permissions::from_mode(0o700);
            fs_err::set_permissions(root.path("usr/bin/tool"), mode).expect("modes");
        }),
        ("usr/bin/tool missing", &|root| {
            fs_err::remove_file(root.path("usr/bin/tool")).expect("it is there");
        }),
        ("usr/bin/tool type", &|root| {
            fs_err::remove_file(root.path("usr/bin/tool")).expect("it is there");
            fs_err::create_dir(root.path("usr/bin/tool")).expect("directories");
        }),
        ("usr/bin/link target", &|root| {
            fs_err::remove_file(root.path("usr/bin/link")).expect("it is there");
            std::os::unix::fs::symlink("other", root.path("usr/bin/link")).expect("links");
        }),
        ("usr/bin/link type", &|root| {
            fs_err::remove_file(root.path("usr/bin/link")).expect("it is there");
            root.put("usr/bin/link", "tool");
        }),
        ("usr/bin mode", &|root| {
            let mode = std::fs::Permissions::from_mode(0o777);
            fs_err::set_permissions(root.path("usr/bin"), mode).expect("modes");
        }),
        ("usr/bin/one link-count", &|root| {
            fs_err::hard_link(root.path("usr/bin/one"), root.path("three")).expect("links");
        }),
        ("usr/bin/two link-count", &|root| {
            fs_err::remove_file(root.path("usr/bin/two")).expect("it is there");
            fs_err::copy(root.path("usr/bin/one"), root.path("usr/bin/two")).expect("copies");
        }),
        ("etc/a.conf content", &|root| root.put("etc/a.conf", "mine")),
    ];
    for (expected, change) in changes {
        let root = installed();
        assert_eq!(root.findings(), [""; 0]);
        change(&root);
        let report = root.verify();
        assert_eq!(root.findings(), [expected]);
        assert_eq!(report.exit_code(), 1);
        let class = if expected.starts_with("etc/") {
            Class::Configuration
        } else {
            Class::Code
        };
        assert_eq!(report.findings[0].class, class);
        assert_eq!(report.findings[0].package, Some(name("a")));
    }
}

#[test]
fn flipped_bytes_of_every_file_are_found() {
    let root = installed();
    for at in ["usr/bin/tool", "usr/bin/other"] {
        let mut bytes = fs_err::read(root.path(at)).expect("it can be read");
        bytes[0] ^= 1;
        fs_err::write(root.path(at), bytes).expect("it can be written");
    }
    assert_eq!(
        root.findings(),
        ["usr/bin/other content", "usr/bin/tool content"]
    );
    let report = root.verify();
    assert_eq!(report.counts.code_findings, 2);
    assert_eq!(report.counts.bytes, 7 + 5 + 6 + 6 + 13);
    assert_eq!(report.counts.paths, 8);
}

#[test]
fn what_cannot_be_read_is_not_fine_and_not_drift() {
    let root = installed();
    if Ownership::of_caller() == Ownership::Applied {
        skipped("root can read everything");
        return;
    }
    let mode = |at: &str, mode| {
        let mode = std::fs::Permissions::from_mode(mode);
        fs_err::set_permissions(root.path(at), mode).expect("modes");
    };
    mode("usr/bin", 0o000);
    let report = root.verify();
    mode("usr/bin", 0o755);
    assert!(report.counts.unreadable >= 5, "{report:?}");
    assert_eq!(report.exit_code(), 1, "the directory's own mode is drift");
    mode("usr/bin/tool", 0o000);
    let report = root.verify();
    assert_eq!(report.findings[0].what, Difference::Unreadable);
    assert_eq!(report.exit_code(), 4);
    mode("usr/bin/tool", 0o755);
}

#[test]
fn extra_files_are_found_on_request() {
    let root = installed();
    root.put("usr/bin/extra", "extra");
    root.put("usr/unknown/deep/file", "extra");
    root.put("elsewhere/file", "extra");
    root.put("etc/a.conf.pkmnew", "beside");
    root.put("usr/bin/line\nbreak", "extra");
    let extras = |extras| {
        let request = VerifyRequest {
            packages: None,
            extras,
        };
        let report = root.read().verify(&request, &Quiet).expect("it runs");
        let paths = report.findings.iter().map(|found| found.path.clone());
        paths.collect::<Vec<_>>()
    };
    assert_eq!(extras(Extras::No), [""; 0]);
    assert_eq!(
        extras(Extras::PackageDirectories),
        ["usr/bin/extra", "usr/bin/line\\x0abreak", "usr/unknown"]
    );
    assert_eq!(
        extras(Extras::WholeRoot),
        [
            "elsewhere",
            "usr/bin/extra",
            "usr/bin/line\\x0abreak",
            "usr/unknown"
        ]
    );
}

#[test]
fn one_package_can_be_verified_alone() {
    let root = installed();
    root.install(&[&TestArchive::new("b", "1").file("usr/bin/b", b"b")]);
    root.put("usr/bin/tool", "changed");
    let verify = |package: &str| {
        let request = VerifyRequest {
            packages: Some([name(package)].into()),
            extras: Extras::No,
        };
        root.read().verify(&request, &Quiet)
    };
    assert_eq!(verify("b").expect("it is installed").findings, []);
    assert_eq!(verify("a").expect("it is installed").findings.len(), 1);
    let error = verify("absent").expect_err("it is not installed");
    assert_eq!(igos_report::Explain::exit_code(&error), 1);
}

#[test]
fn damaged_record_names_its_package_and_the_others_go_on() {
    let root = installed();
    root.install(&[&TestArchive::new("b", "1").file("usr/bin/b", b"b")]);
    let record = root.path("var/lib/igos/packages/a");
    let mut bytes = fs_err::read(&record).expect("it can be read");
    bytes[200] ^= 1;
    fs_err::write(&record, &bytes).expect("it can be written");
    root.put("usr/bin/tool", "changed");
    // The database's copy still tells what should be there.
    assert_eq!(
        root.findings(),
        [
            "usr/bin/tool content",
            "var/lib/igos/packages/a record-disagrees"
        ]
    );
    fs_err::remove_file(record).expect("it is there");
    assert_eq!(root.findings().len(), 2);
}

#[test]
fn special_file_in_place_of_a_file_is_told_without_being_opened() {
    let root = installed();
    fs_err::remove_file(root.path("usr/bin/tool")).expect("it is there");
    rustix::fs::mkfifoat(
        rustix::fs::CWD,
        root.path("usr/bin/tool"),
        rustix::fs::Mode::RUSR,
    )
    .expect("pipes can be made");
    assert_eq!(root.findings(), ["usr/bin/tool type"]);
}

#[test]
fn root_of_an_ordinary_user_says_what_was_not_checked() {
    let mut root = TestRoot::new();
    root.ownership = Ownership::Recorded;
    root.install(&[&TestArchive::new("a", "1")
        .directory("usr/closed", 0o555)
        .file_with("usr/closed/su", b"su", 0o4755)
        .file_with("usr/closed/ping", b"ping", 0o755)
        .change_last(|entry| {
            entry.capabilities = Some("cap_net_raw=ep".parse().expect("capabilities"));
            entry.owner.uid = 12;
            entry.xattrs.insert("security.other".to_owned(), vec![1]);
        })]);
    assert_eq!(root.mode("usr/closed"), 0o755);
    assert_eq!(root.mode("usr/closed/su"), 0o755);
    let report = root.verify();
    assert_eq!(report.findings, []);
    assert_eq!(report.counts.owners_not_checked, 3);
    assert_eq!(report.counts.capabilities_not_checked, 1);
    assert_eq!(report.counts.special_bits_not_checked, 1);
    assert!(
        root.content("var/lib/igos/packages/a")
            .contains("\nownership recorded\n")
    );
}

#[test]
fn privileged_owner_capabilities_and_special_bits_are_applied_and_checked() {
    if !is_root("changing owners") {
        return;
    }
    let root = TestRoot::new();
    root.install(&[&TestArchive::new("a", "1")
        .file_with("usr/bin/su", b"su", 0o4755)
        .file_with("usr/bin/ping", b"ping", 0o755)
        .change_last(|entry| {
            entry.capabilities = Some("cap_net_raw=ep".parse().expect("capabilities"));
            entry.owner.uid = 12;
            entry.owner.user = "mail".parse().expect("a name");
        })]);
    assert_eq!(root.mode("usr/bin/su"), 0o4755);
    let report = root.verify();
    assert_eq!(report.findings, []);
    assert_eq!(report.counts.owners_not_checked, 0);
    // Changing the owner takes the capabilities away: both are found.
    std::os::unix::fs::chown(root.path("usr/bin/ping"), Some(0), None).expect("root may");
    std::os::unix::fs::chown(root.path("usr/bin/su"), Some(7), Some(7)).expect("root may");
    assert_eq!(
        root.findings(),
        [
            "usr/bin/ping owner",
            "usr/bin/ping capabilities",
            "usr/bin/su mode",
            "usr/bin/su owner"
        ]
    );
}
