//! What systemd's own programs make of `sysusers.d` and `tmpfiles.d` files, and what we do.

use std::collections::BTreeSet;
use std::path::Path;

use fs_err as fs;
use igos_sandbox::HostProgram;

use crate::harness::Test;
use crate::support::{TestRoot, is_root, skipped};
use crate::things::{SYSUSERS, TMPFILES, installed, paths, with_tables, with_things};

pub(crate) const TESTS: &[Test] = &[
    (
        "accounts_are_those_that_systemd_sysusers_makes",
        accounts_are_those_that_systemd_sysusers_makes,
    ),
    (
        "paths_are_those_that_systemd_tmpfiles_makes",
        paths_are_those_that_systemd_tmpfiles_makes,
    ),
];

/// Runs a program of systemd on a root; nothing where the machine has none.
fn oracle(program: &str, root: &TestRoot, arguments: &[&str]) -> Option<()> {
    let at = format!("/usr/bin/{program}");
    if !Path::new(&at).exists() {
        skipped(&format!("there is no {at} to compare with"));
        return None;
    }
    let output = HostProgram::new(&at)
        .argument(format!("--root={}", root.path("").display()))
        .arguments(arguments.iter().copied())
        .variable("PATH", "/usr/bin:/usr/sbin")
        .run()
        .expect("it can be run");
    // Lines that it refuses, as we do, make it fail.
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!said.contains("ermission denied"), "{said}");
    Some(())
}

/// Returns a table without what depends on the day and the program.
fn table(root: &TestRoot, name: &str) -> BTreeSet<String> {
    let text = root.content(&format!("etc/{name}"));
    let is_shadow = name == "shadow";
    let line = |line: &str| match is_shadow {
        true => line.split(':').take(2).collect::<Vec<_>>().join(":"),
        false => line.to_owned(),
    };
    text.lines().map(line).collect()
}

const ACCOUNTS: &[&str] = &[
    "u httpd 404 \"HTTP User\"\n",
    "u _authd - \"Authorization user\"\nu postgres - \"Postgresql Database\" /var/lib/pgsql /bin/sh\n",
    "g input - -\nm _authd input\nm old input\nm old mail\nm new newer\n",
    "u mail - - /var/mail\n# a comment\n\n  \t\nu old 5\ng root 7\n",
    "g video 44\nu video -\nu cam 44\ng taken 12\nu third 998\n",
    "u a -:mail\nu b 300:12 - /b\nu c 301:absent\nu d -:input\ng input -\n",
    "r - 500-510\nr - 700\nu one\nu two\ng three\ng four\n",
    "u one 850\nu two 850\ng one 851\nu three 851\n",
    "u bad.name -\nk what -\nu fine - \"a: colon\"\nu fine - \"no colon\" relative\nu good - -\n",
    "u last -\nu zed 999\ng zed 990\n",
    "u f /usr/share/a\ng g /usr/share/a\n",
];

fn accounts_are_those_that_systemd_sysusers_makes() {
    if !is_root("changing the tables of a root as systemd does") {
        return;
    }
    for text in ACCOUNTS {
        let (ours, theirs) = (with_tables(), with_tables());
        installed(&ours, SYSUSERS, text);
        theirs.put(SYSUSERS, text);
        if oracle("systemd-sysusers", &theirs, &[]).is_none() {
            return;
        }
        for name in ["passwd", "group", "shadow", "gshadow"] {
            assert_eq!(
                table(&ours, name),
                table(&theirs, name),
                "{name} of\n{text}"
            );
        }
    }
}

/// Nothing in here takes or gives what a manifest would have to declare: that is refused, whatever systemd does.
const PATHS: &[&str] = &[
    "d /var/lib/a 0750 old mail\nd /var/lib/b/c/d\nD /var/cache/x 1777 root root 10d\nq /srv/q - - -\nv /srv/v 0700\n",
    "d /srv/web 2775 old last\nd /srv/one 0700\nd /srv/old 0700\ne /srv/web/deep 0711 - mail\ne /srv/none 0700\n",
    "f /srv/new 0640 old mail - line\\nanother\\x21\nf /srv/one 0600 - - - other\nf /srv/empty\nf+ /srv/web/a - - - - over\n",
    "L /srv/l - - - - ../x\nL+ /srv/old - - - - there\nL /srv/one - - - - x\nL+ /srv/one - - - - y\nL /srv/factory\n",
    "z /srv/web/* 0640 old -\nz /srv/web/.h* 0600\nz /srv/absent 0600\nz /srv/on[a-f] :0600 :old\n",
    "Z /srv/web ~2770 old mail\n",
    "d /srv/web :0700 :old :mail\nd /srv/fresh :0711 :old :mail\nd /srv/masked ~2750\n",
    "d /srv/twice 0700\nd /srv/twice 0711\nz /srv/twice 0750\nd /srv/z/../up\nd relative\nk /srv/k\nd /srv/unknown - nobody-here\n",
    // Version 252 puts the root before `%S` and its like twice and knows no C escapes in paths, which its manual has.
    "d \"/srv/with blank\" 0700\nd /srv/%% 0700\nd /srv/%o-%w\nd '/srv/other blank'\n",
    "d /dev/x\nd /proc/x\nd /sys/x\nr /srv/one\nR /srv/web\nx /srv/*\nd! /srv/boot\n",
    "d /srv/a/b/c 0700 old old\nd /srv/a 0711 mail-is-no-user\nd /srv/a/b 0755 old -\n",
];

fn paths_are_those_that_systemd_tmpfiles_makes() {
    if !is_root("giving files away as systemd does") {
        return;
    }
    for text in PATHS {
        let (ours, theirs) = (with_things(), with_things());
        // Both have a state directory, whose parents exist.
        installed(&ours, TMPFILES, text);
        theirs.put(TMPFILES, text);
        fs::create_dir_all(theirs.path("var/lib/igos")).expect("made");
        if oracle("systemd-tmpfiles", &theirs, &["--create", "-E"]).is_none() {
            return;
        }
        assert_eq!(paths(&ours), paths(&theirs), "{text}");
    }
}
