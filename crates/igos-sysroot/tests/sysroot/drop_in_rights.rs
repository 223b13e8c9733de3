//! What lines of a package's drop-in files may not do, and what they may.

use std::os::unix::fs::PermissionsExt;

use fs_err as fs;
use igos_report::Quiet;
use igos_sysroot::{Extras, JobState, VerifyRequest};

use crate::support::{TestArchive, TestRoot, is_root};
use crate::things::{SYSUSERS, TMPFILES, install, installed, paths, with_tables, with_things};

/// A root with packages that have something to lose.
fn with_packages() -> TestRoot {
    let root = with_things();
    let others = [
        TestArchive::new("base", "1")
            .directory("etc", 0o755)
            .directory("usr/bin", 0o755)
            .directory("var/lib", 0o755),
        TestArchive::new("other", "1")
            .file_with("usr/bin/a", b"a", 0o755)
            .configuration("etc/other.conf", b"other")
            .directory("var/lib/other", 0o750),
        TestArchive::new("sudo", "1").directory("etc/sudoers.d", 0o755),
        TestArchive::new("cron", "1").directory("var/spool/cron/crontabs", 0o700),
    ];
    let others: Vec<&TestArchive> = others.iter().collect();
    root.install(&others);
    root
}

/// Lines, each of which takes or gives something, and the reason for which it is refused.
const TAKING: &[(&str, &str)] = &[
    ("z /usr/bin/a 4755", "it would be setuid"),
    ("z /usr/bin/a 2755", "it would be setgid"),
    ("z /usr/bin/a 0777", "it would be writable by everybody"),
    ("z /usr/bin/* 0700", "other has it"),
    (
        "z /etc/other.conf 0666",
        "it would be writable by everybody",
    ),
    ("z /etc/other.conf - old", "other has it"),
    ("Z /etc/other.con? - old old", "other has it"),
    ("f+ /etc/other.conf - - - - mine", "other has it"),
    ("L+ /etc/other.conf - - - - mine", "other has it"),
    ("e /var/lib/other 0711", "other has it"),
    ("d /var/lib/other - old old", "other has it"),
    ("f /var/lib/other/x", "in /var/lib/other of other"),
    (
        "f /etc/sudoers.d/evil 0440 - - - old ALL=(ALL) ALL",
        "in /etc/sudoers.d of sudo",
    ),
    (
        "f- /etc/sudoers.d/evil 0440 - - - old ALL=(ALL) ALL",
        "in /etc/sudoers.d of sudo",
    ),
    (
        "L /etc/sudoers.d/evil - - - - /srv/one",
        "in /etc/sudoers.d of sudo",
    ),
    (
        "d /etc/sudoers.d/new 0755 old old",
        "in /etc/sudoers.d of sudo",
    ),
    ("f /etc/ld.so.preload - - - - /srv/one", "in /etc of base"),
    ("L /etc/profile.d/x - - - - /srv/one", "in /etc of base"),
    ("f+ /etc/shadow - - - - root::", "in /etc of base"),
    ("z /etc/shadow - old", "in /etc of base"),
    ("f /usr/bin/evil 0755 - - - evil", "in /usr/bin of base"),
    ("f /opt/evil 0755 - - - evil", "in one of nobody"),
    (
        "f /var/spool/cron/crontabs/root - - - - evil",
        "in /var/spool/cron/crontabs of cron",
    ),
    (
        "f /var/spool/cron/root - - - - evil",
        "in /var/spool/cron of cron",
    ),
    (
        "L /var/lib/polkit-1/rules/x - - - - /srv/one",
        "in /var/lib/polkit-1, which programs of root obey",
    ),
    ("d /srv/open 0777", "it would be writable by everybody"),
    ("d /srv/new 4755", "it would be setuid"),
    ("f /srv/new 4755", "it would be setuid"),
    ("f /srv/new 0666", "it would be writable by everybody"),
    ("z /srv/one 0646", "it would be writable by everybody"),
    ("d /var/log 0755 old old", "every package needs it as it is"),
    ("d /srv 0755 old old", "every package needs it as it is"),
];

#[test]
fn drop_in_file_takes_and_gives_nothing_that_its_manifest_does_not_say() {
    if !is_root("modes and owners of others") {
        return;
    }
    for (line, why) in TAKING {
        let root = with_packages();
        let before = paths(&root);
        let result = installed(&root, TMPFILES, line);
        assert_eq!(
            result.state,
            JobState::Failed("1 line could not be carried out".to_owned()),
            "{line}"
        );
        let said = result.output.contains("a.conf:1: refused: /") && result.output.contains(why);
        assert!(said, "{line}: {}", result.output);
        let mut after = paths(&root);
        // What the package itself brought.
        after.retain(|path| !path.starts_with("usr/lib/") || before.contains(path));
        assert_eq!(after, before, "{line}");
    }
}

#[test]
fn drop_in_file_puts_nobody_into_a_group_that_gives_the_machine_away() {
    for (line, user) in [
        ("m old wheel", "old"),
        ("m old shadow", "old"),
        ("m old root", "old"),
        ("m fresh sudo", "fresh"),
        ("u evil -:wheel", "evil"),
        ("u evil 900:27", "evil"),
        ("u evil 900:0", "evil"),
    ] {
        let root = with_tables();
        let groups = root.content("etc/group");
        root.put(
            "etc/group",
            &format!("{groups}wheel:x:10:\nsudo:x:27:\nshadow:x:42:\n"),
        );
        let result = installed(&root, SYSUSERS, line);
        assert!(result.is_failed(), "{line}: {result:?}");
        assert!(
            result.output.contains("refused: group "),
            "{line}: {}",
            result.output
        );
        for group in ["root:x:0:", "wheel:x:10:", "sudo:x:27:", "shadow:x:42:"] {
            assert!(
                root.content("etc/group").contains(&format!("{group}\n")),
                "{line}"
            );
        }
        assert!(
            !root.content("etc/passwd").contains("\nevil:"),
            "{line}: {user}"
        );
    }
    // The administrator's own file may.
    let root = with_tables();
    let groups = root.content("etc/group");
    root.put("etc/group", &format!("{groups}wheel:x:10:\n"));
    root.put("etc/sysusers.d/a.conf", "m old wheel\n");
    let result = installed(&root, SYSUSERS, "u theirs -\n");
    assert_eq!(result.state, JobState::Done, "{}", result.output);
    assert!(root.content("etc/group").contains("wheel:x:10:old\n"));
}

#[test]
fn what_packages_of_distributions_need_is_carried_out() {
    if !is_root("giving files away") {
        return;
    }
    let lines = "d /var/cache/man 0755 old mail 1w\n\
        d /var/log/postgresql 1775 root mail\n\
        z /var/log/journal 2755 root mail\n\
        Z /var/log/journal/x ~2750 root mail\n\
        f /var/log/wtmp 0664 root mail -\n\
        f /var/log/btmp 0660 root mail -\n\
        q /var/tmp 1777 root root 30d\n\
        d /var/lib/colord 0750 old old\n\
        Z /var/lib/colord - old old\n\
        d /var/spool/cups/tmp 1770 root mail\n\
        L /var/lib/dbus/machine-id - - - - /etc/machine-id\n\
        d /srv 0755 - - -\n\
        d- /root :0700 root :root -\n\
        d /opt/vendor 0755\n\
        d /etc/a 0750 old mail\n\
        f /etc/a/made 0640 old mail - text\n\
        d /var/lib/shared 2770 old mail\n";
    let root = with_packages();
    let archive = TestArchive::new("a", "1")
        .file(TMPFILES, lines.as_bytes())
        .directory("etc/a", 0o755);
    let results = install(&root, &archive);
    assert_eq!(results[0].state, JobState::Done, "{}", results[0].output);
    assert_eq!(root.mode("var/log/journal"), 0o2755);
    assert_eq!(root.mode("etc/a"), 0o750);
    assert_eq!(root.content("etc/a/made"), "text");
    assert_eq!(root.mode("var/lib/shared"), 0o2770);
    assert_eq!(root.findings(), [""; 0]);
    // What the manifest says of a path of another package counts: it was in the plan.
    let declaring = TestArchive::new("b", "1")
        .directory("var/lib/other", 0o2775)
        .file(
            "usr/lib/tmpfiles.d/b.conf",
            b"d /var/lib/other 2775 root root\n",
        );
    let results = install(&root, &declaring);
    assert_eq!(results[0].state, JobState::Done, "{}", results[0].output);
    assert_eq!(root.mode("var/lib/other"), 0o2775);
}

#[test]
fn no_line_explains_what_another_package_has_or_what_gives_rights() {
    let root = with_packages();
    let lines = "z /usr/bin/a 4755\nz /etc/other.conf 0600\nz /usr/bin/own 4755\nd /var/lib/own 0777\n\
        f /etc/sudoers.d/evil 0440 - - - evil\nf /var/lib/own/made\n";
    let archive = TestArchive::new("a", "1")
        .file(TMPFILES, lines.as_bytes())
        .file_with("usr/bin/own", b"own", 0o755)
        .directory("var/lib/own", 0o755);
    install(&root, &archive);
    let set = |at: &str, mode| {
        fs::set_permissions(root.path(at), PermissionsExt::from_mode(mode)).expect("ours");
    };
    // As an older program, or somebody who has read the lines, would have made it.
    set("usr/bin/a", 0o4755);
    set("usr/bin/own", 0o4755);
    set("var/lib/own", 0o777);
    set("etc/other.conf", 0o600);
    root.put("etc/sudoers.d/evil", "evil");
    let request = VerifyRequest {
        packages: None,
        extras: Extras::PackageDirectories,
    };
    let report = root.read().verify(&request, &Quiet).expect("verified");
    let found: Vec<String> = report
        .findings
        .into_iter()
        .map(|finding| finding.path)
        .collect();
    for path in [
        "etc/other.conf",
        "etc/sudoers.d/evil",
        "usr/bin/a",
        "usr/bin/own",
        "var/lib/own",
    ] {
        assert!(found.contains(&path.to_owned()), "{path}: {found:?}");
    }
    assert!(!found.contains(&"var/lib/own/made".to_owned()), "{found:?}");
}
