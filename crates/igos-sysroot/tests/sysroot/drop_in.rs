//! Files of `sysusers.d` and `tmpfiles.d`; `tests/hooks` compares them with what systemd's own programs make of them.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::Arc;

use fs_err as fs;
use igos_report::Quiet;
use igos_sysroot::{
    ChangeOptions, DropIn, Durability, Extras, Job, JobState, Mutations, Retry, VerifyRequest,
};

use crate::faulty::{Faulty, Stop};
use crate::support::{TestArchive, TestRoot};
use crate::things::{SYSUSERS, TMPFILES, install, installed, paths, with_tables, with_things};

#[test]
fn accounts_that_are_there_are_kept_and_a_second_run_changes_nothing() {
    let root = with_tables();
    let text = "u old 5 \"another\" /home\nu new - \"New one\" /var/lib/new\nm new mail\n";
    let result = installed(&root, SYSUSERS, text);
    assert_eq!(result.state, JobState::Done, "{}", result.output);
    assert_eq!(
        result.job,
        Job::DropIn {
            kind: DropIn::Sysusers,
            files: vec!["a.conf".to_owned()]
        }
    );
    assert!(
        root.content("etc/passwd")
            .contains("\nold:x:998:997::/:/bin/sh\n")
    );
    assert!(
        root.content("etc/passwd")
            .contains("\nnew:x:999:999:New one:/var/lib/new:/usr/sbin/nologin\n")
    );
    assert!(root.content("etc/group").contains("mail:x:12:new\n"));
    let before = root.tree();
    let again = TestArchive::new("a", "2").file(SYSUSERS, format!("{text}\n").as_bytes());
    install(&root, &again);
    let after = root.tree();
    let accounts = |tree: &str| -> Vec<String> {
        tree.lines()
            .filter(|line| line.contains("etc/"))
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(accounts(&before), accounts(&after));
}

#[test]
fn administrators_files_win_and_turn_others_off() {
    let root = with_tables();
    root.put("etc/sysusers.d/a.conf", "u mine -\n");
    root.put("etc/sysusers.d/b.conf", "");
    fs::remove_file(root.path("etc/sysusers.d/b.conf")).expect("deleted");
    symlink("/dev/null", root.path("etc/sysusers.d/b.conf")).expect("linked");
    let archive = TestArchive::new("a", "1")
        .file(SYSUSERS, b"u theirs -\n")
        .file("usr/lib/sysusers.d/b.conf", b"u off -\n");
    install(&root, &archive);
    let passwd = root.content("etc/passwd");
    assert!(passwd.contains("mine:") && !passwd.contains("theirs:") && !passwd.contains("off:"));
}

#[test]
fn nobody_becomes_root_by_a_drop_in_file() {
    let root = with_tables();
    let result = installed(&root, SYSUSERS, "u evil 0\ng wheel 0\nu worse 65535\n");
    assert_eq!(
        result.state,
        JobState::Failed("1 line could not be carried out".to_owned())
    );
    let passwd = root.content("etc/passwd");
    assert!(
        passwd.contains("evil:x:996:996:"),
        "number 0 is root's, so another is chosen: {passwd}"
    );
    let empty = TestRoot::new();
    let result = installed(&empty, SYSUSERS, "u evil 0\n");
    assert!(result.is_failed());
    assert!(!empty.exists("etc/passwd"));
}

#[test]
fn lines_that_are_not_carried_out_are_named() {
    let root = with_things();
    let text = "k /srv/k\np /srv/pipe\na+ /srv/one - - - - u:old:r\nr! /srv/one\nd /run/daemon\nd /srv/fine\n";
    let result = installed(&root, TMPFILES, text);
    assert_eq!(
        result.state,
        JobState::Failed("1 line could not be carried out".to_owned())
    );
    assert_eq!(
        result.output,
        "usr/lib/tmpfiles.d/a.conf:1: failed: \"k\" is no type of line\n\
         usr/lib/tmpfiles.d/a.conf:2: left out: /srv/pipe: no named pipes are made\n\
         usr/lib/tmpfiles.d/a.conf:3: left out: /srv/one: no access control lists are set"
    );
    let log = root.content(&result.log);
    assert!(
        log.contains("a.conf:4: not for now: it is about removing what grew old\n"),
        "{log}"
    );
    assert!(
        log.contains("a.conf:5: not for now: /run/daemon is made when the machine starts\n"),
        "{log}"
    );
    assert!(root.exists("srv/fine") && !root.exists("run/daemon") && root.exists("srv/one"));
}

#[test]
fn no_link_is_followed_and_no_second_name_is_changed() {
    let root = with_things();
    let outside = tempfile::tempdir().expect("a directory");
    fs::write(outside.path().join("file"), "outside").expect("written");
    fs::set_permissions(
        outside.path().join("file"),
        PermissionsExt::from_mode(0o644),
    )
    .expect("ours");
    symlink(outside.path(), root.path("srv/out")).expect("linked");
    fs::hard_link(root.path("srv/one"), root.path("srv/two")).expect("linked");
    let text = "d /srv/out/made\nf+ /srv/out/file - - - - over\nz /srv/out/file 0777\nZ /srv/out 0777\nz /srv/two 0777\nd /srv/out 0700\n";
    let result = installed(&root, TMPFILES, text);
    assert!(result.is_failed(), "{result:?}");
    assert_eq!(
        fs::read_to_string(outside.path().join("file")).expect("there"),
        "outside"
    );
    let mode = |path: &Path| path.metadata().expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&outside.path().join("file")), 0o644);
    assert!(!outside.path().join("made").exists());
    assert_eq!(root.mode("srv/one"), 0o444);
}

#[test]
fn what_packages_have_is_not_replaced_and_what_is_declared_is_no_drift() {
    let root = with_things();
    let other = TestArchive::new("other", "1").file("usr/share/other", b"other");
    install(&root, &other);
    let text = "f+ /usr/share/other - - - - over\nL+ /usr/share/other - - - - over\nd /var/spool/a 0711\n\
                d /var/spool/a/made 0700\nf /var/spool/a/file\n";
    let archive = TestArchive::new("a", "1")
        .file(TMPFILES, text.as_bytes())
        .directory("var/spool/a", 0o755);
    let result = install(&root, &archive).remove(0);
    assert_eq!(
        result.output.lines().collect::<Vec<_>>(),
        [
            "usr/lib/tmpfiles.d/a.conf:1: refused: /usr/share/other: other has it; what a needs there it has to declare in `files`",
            "usr/lib/tmpfiles.d/a.conf:2: left out: another line says something else of /usr/share/other"
        ]
    );
    assert_eq!(root.content("usr/share/other"), "other");
    assert_eq!(root.mode("var/spool/a"), 0o711);
    assert_eq!(root.findings(), [""; 0]);
    let extras = |root: &TestRoot| {
        let request = VerifyRequest {
            packages: None,
            extras: Extras::PackageDirectories,
        };
        let report = root.read().verify(&request, &Quiet).expect("verified");
        let extra = report.findings.into_iter().map(|finding| finding.path);
        extra
            .filter(|path| path.starts_with("var/spool/"))
            .collect::<Vec<_>>()
    };
    assert_eq!(extras(&root), [""; 0]);
    root.put("var/spool/a/strange", "");
    assert_eq!(extras(&root), ["var/spool/a/strange"]);
    // Another mode than the declared one is drift, and so is the declared one if somebody else declares it.
    fs::set_permissions(root.path("var/spool/a"), PermissionsExt::from_mode(0o777)).expect("ours");
    assert_eq!(root.findings().len(), 1);
    fs::set_permissions(root.path("var/spool/a"), PermissionsExt::from_mode(0o711)).expect("ours");
    root.put(TMPFILES, "d /var/spool/a 0711\n# changed\n");
    assert!(
        root.findings()
            .iter()
            .any(|found| found.contains("var/spool/a")),
        "{:?}",
        root.findings()
    );
}

#[test]
#[expect(clippy::print_stdout, reason = "the test says how much it tried")]
fn stopped_at_every_mutation_what_is_declared_is_there_after_the_next_opening() {
    let accounts = "u web - \"Web\" /srv\nu db 55\nm web mail\ng extra -\n";
    let declared = "d /srv/www 0711\nf /srv/www/index 0640 - - - hello\nf+ /srv/one - - - - over\nL+ /srv/old - - - - there\n\
                    z /srv/web/a 0644\nd /srv/deep/er/x 0700\n";
    let archive = TestArchive::new("a", "1")
        .file(SYSUSERS, accounts.as_bytes())
        .file(TMPFILES, declared.as_bytes());
    // Ready to run: the transaction is in force, its jobs wait.
    let prepared = || {
        let root = with_things();
        root.install(&[&archive]);
        root
    };
    let run = |root: &TestRoot, faulty: &Arc<Faulty>| {
        let mut sysroot = root.change_with(ChangeOptions {
            durability: Durability::None,
            mutations: Arc::clone(faulty) as Arc<dyn Mutations>,
            ..ChangeOptions::default()
        });
        let before = faulty.seen();
        (
            sysroot.run_hooks(Retry::Interrupted, &Quiet).is_ok(),
            before,
        )
    };
    let whole = prepared();
    let counter = Faulty::new(Stop::Dies, u64::MAX);
    let (is_ok, first) = run(&whole, &counter);
    assert!(is_ok);
    let expected = paths(&whole);
    let mut tried = 0;
    for at in first..counter.seen() {
        for stop in [Stop::Dies, Stop::DiesAfter] {
            let root = prepared();
            run(&root, &Faulty::new(stop, at));
            let mut sysroot = root.change();
            // A mutation that failed under a job made the job fail; the next run does it again.
            sysroot
                .run_hooks(Retry::Failed, &Quiet)
                .expect("our own code needs no sandbox");
            assert!(
                sysroot.hooks_left().expect("readable").is_empty(),
                "{stop:?} at {at}"
            );
            assert_eq!(paths(&root), expected, "{stop:?} at {at}");
            tried += 1;
        }
    }
    assert!(tried > 40, "{tried} deaths");
    println!("{tried} deaths while accounts and paths were made, none of which shows");
}
