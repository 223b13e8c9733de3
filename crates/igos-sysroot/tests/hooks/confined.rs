//! What a hook can and cannot do.

use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::time::Duration;

use fs_err as fs;
use igos_format::declaration::{HookDeclaration, HookMoment};
use igos_report::Quiet;
use igos_sysroot::{
    ApplyError, ChangeOptions, Confined, Durability, HookError, HookResult, JobState,
    LockedSysroot, Retry,
};

use crate::harness::Test;
use crate::support::{TestArchive, TestRoot, apply};

pub(crate) const TESTS: &[Test] = &[
    (
        "hook_after_changes_its_root_and_nothing_else",
        hook_after_changes_its_root_and_nothing_else,
    ),
    (
        "hook_cannot_change_what_the_package_manager_knows",
        hook_cannot_change_what_the_package_manager_knows,
    ),
    (
        "hook_has_no_network_no_terminal_no_input_and_only_its_own_environment",
        hook_has_no_network_no_terminal_no_input_and_only_its_own_environment,
    ),
    (
        "hook_before_sees_its_own_new_script_and_can_change_nothing",
        hook_before_sees_its_own_new_script_and_can_change_nothing,
    ),
    (
        "hook_that_takes_too_long_is_stopped_with_all_its_processes",
        hook_that_takes_too_long_is_stopped_with_all_its_processes,
    ),
    (
        "hook_that_leaves_processes_behind_leaves_none",
        hook_that_leaves_processes_behind_leaves_none,
    ),
    (
        "hook_before_that_hangs_is_stopped_and_nothing_is_changed",
        hook_before_that_hangs_is_stopped_and_nothing_is_changed,
    ),
    (
        "output_of_hooks_is_kept_for_the_owner_alone",
        output_of_hooks_is_kept_for_the_owner_alone,
    ),
    (
        "program_that_is_not_there_is_a_failed_hook",
        program_that_is_not_there_is_a_failed_hook,
    ),
];

/// Puts a shell of the host into a root, with the libraries that it needs: those that this program has, too.
pub(crate) fn with_shell(root: &TestRoot) {
    let copy = |from: &str, to: &str| {
        let target = root.path(to.trim_start_matches('/'));
        fs::create_dir_all(target.parent().expect("it has one")).expect("directories");
        fs::copy(from, target).expect("it can be copied");
    };
    copy("/bin/sh", "/bin/sh");
    let maps = fs::read_to_string("/proc/self/maps").expect("Linux has it");
    let libraries = maps
        .lines()
        .filter_map(|line| line.split_ascii_whitespace().nth(5))
        .filter(|path| path.contains("/libc.") || path.contains("/ld-"));
    for library in libraries {
        let (_, name) = library.rsplit_once('/').expect("it is absolute");
        for place in [
            library.to_owned(),
            format!("/lib/{name}"),
            format!("/lib64/{name}"),
        ] {
            copy(library, &place);
        }
    }
    for directory in ["etc", "home", "tmp", "var/tmp"] {
        fs::create_dir_all(root.path(directory)).expect("directories");
    }
}

fn change(root: &TestRoot, time_limit: Duration) -> LockedSysroot {
    root.change_with(ChangeOptions {
        durability: Durability::None,
        hooks: Arc::new(Confined { time_limit }),
        ..ChangeOptions::default()
    })
}

/// A package whose script `usr/lib/a/MOMENT` is a hook.
fn package(version: &str, moment: HookMoment, script: &str) -> TestArchive {
    let path = format!("usr/lib/a/{moment}");
    TestArchive::new("a", version)
        .file_with(&path, format!("#!/bin/sh\n{script}\n").as_bytes(), 0o755)
        .with(|manifest| {
            manifest.hooks.insert(HookDeclaration {
                moment,
                run: vec![format!("/{path}"), "first argument".to_owned()],
            });
        })
}

/// Installs a package with one hook after, and returns what became of it.
pub(crate) fn after(root: &TestRoot, script: &str) -> HookResult {
    with_shell(root);
    let archive = package("1", HookMoment::PostInstall, script);
    let plan = root
        .plan(&[&archive], &[&archive])
        .expect("there is a plan");
    let mut sysroot = change(root, Duration::from_secs(60));
    apply(&mut sysroot, &plan, &[&archive]).expect("it can be applied");
    sysroot.settle().expect("it can be settled");
    let mut results = sysroot
        .run_hooks(Retry::Interrupted, &Quiet)
        .expect("hooks can be run");
    assert_eq!(results.len(), 1);
    results.remove(0)
}

pub(crate) fn printed(root: &TestRoot) -> String {
    root.content("var/lib/igos/hooks/00000001/1.output")
}

fn hook_after_changes_its_root_and_nothing_else() {
    let root = TestRoot::new();
    let outside = tempfile::tempdir().expect("a temporary directory");
    let marker = outside.path().join("marker");
    fs::write(&marker, "outside").expect("written");
    let script = format!(
        "echo $1 > /etc/made || exit 1
        for place in /new /home/new /proc/new /sys/new /dev/new /run/new /tmp/new; do
            (echo x > $place) 2>/dev/null && echo wrote $place
        done
        [ -e {0} ] && echo sees the host
        [ -e /etc/passwd ] && echo sees tables of users
        exit 0",
        marker.display()
    );
    let result = after(&root, &script);
    assert_eq!(result.state, JobState::Done, "{}", printed(&root));
    // `/run` and `/tmp` are its own.
    assert_eq!(printed(&root), "wrote /run/new\nwrote /tmp/new\n");
    assert_eq!(root.content("etc/made"), "first argument\n");
    let made = root.path("etc/made").metadata().expect("it is there");
    assert_eq!(made.uid(), rustix::process::geteuid().as_raw());
    for place in ["new", "home/new", "run/new", "tmp/new"] {
        assert!(!root.exists(place), "{place}");
    }
    assert_eq!(fs::read_to_string(marker).expect("readable"), "outside");
}

fn hook_cannot_change_what_the_package_manager_knows() {
    let root = TestRoot::new();
    let result = after(
        &root,
        "cd /var/lib/igos || exit 1
        (echo x > packages/a) 2>/dev/null && echo changed a record
        (echo x > new) 2>/dev/null && echo made a file
        (: > pkm.db) 2>/dev/null && echo emptied the database
        [ -e packages/a ] && echo read
        exit 0",
    );
    assert_eq!(result.state, JobState::Done);
    assert_eq!(printed(&root), "read\n");
    assert_eq!(root.findings(), [""; 0]);
}

fn hook_has_no_network_no_terminal_no_input_and_only_its_own_environment() {
    let root = TestRoot::new();
    let result = after(
        &root,
        "export -p
        read line || echo end of input
        (: < /dev/tty) 2>/dev/null && echo has a terminal
        while read name rest; do case $name in *:) echo $name;; esac; done < /proc/net/dev
        echo cwd $(pwd)",
    );
    assert_eq!(result.state, JobState::Done);
    let printed = printed(&root);
    let lines: Vec<&str> = printed
        .lines()
        // The shell's own.
        .filter(|line| !line.contains("PWD="))
        .map(|line| {
            line.trim_start_matches("export ")
                .trim_start_matches("declare -x ")
        })
        .collect();
    assert_eq!(
        lines.join("\n").replace(['\'', '"'], ""),
        "PATH=/usr/bin:/usr/sbin:/bin:/sbin\nPKM_PACKAGE_NAME=a\nPKM_PACKAGE_OPERATION=install\n\
         PKM_PACKAGE_VERSION=1-1\nend of input\nlo:\ncwd /"
    );
}

fn hook_before_sees_its_own_new_script_and_can_change_nothing() {
    let root = TestRoot::new();
    with_shell(&root);
    let script = "(echo x > /etc/made) 2>/dev/null && echo wrote
        echo looked at $1; [ -e /etc/forbidden ] && exit 7; exit 0";
    let archive = package("1", HookMoment::PreInstall, script);
    let install = || {
        let plan = root
            .plan(&[&archive], &[&archive])
            .expect("there is a plan");
        let mut sysroot = change(&root, Duration::from_secs(60));
        apply(&mut sysroot, &plan, &[&archive])
    };
    root.put("etc/forbidden", "");
    // Opening a root to change it begins its record.
    drop(change(&root, Duration::from_secs(60)));
    let before = (root.tree(), root.records());
    match install() {
        Err(ApplyError::Hook {
            source: HookError::Refused {
                problem, output, ..
            },
        }) => {
            assert_eq!(problem, "exited with code 7");
            assert_eq!(output, "looked at first argument");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!((root.tree(), root.records()), before);
    fs::remove_file(root.path("etc/forbidden")).expect("deleted");
    install().expect("the hook agrees");
    assert!(root.exists("usr/lib/a/pre-install"));
    assert!(!root.exists("etc/made"));
    // The next version's script is another one, and stands in for the one that is there.
    let next = package("2", HookMoment::PreUpgrade, "exit 9");
    let plan = root.plan(&[&next], &[&next]).expect("there is a plan");
    let mut sysroot = change(&root, Duration::from_secs(60));
    let refused = apply(&mut sysroot, &plan, &[&next]);
    assert!(matches!(
        refused,
        Err(ApplyError::Hook { source: HookError::Refused { problem, .. } }) if problem == "exited with code 9"
    ));
}

fn hook_that_takes_too_long_is_stopped_with_all_its_processes() {
    let root = TestRoot::new();
    with_shell(&root);
    let script = "(while :; do :; done) & while :; do :; done";
    let archive = package("1", HookMoment::PostInstall, script);
    let plan = root
        .plan(&[&archive], &[&archive])
        .expect("there is a plan");
    let mut sysroot = change(&root, Duration::from_millis(500));
    apply(&mut sysroot, &plan, &[&archive]).expect("it can be applied");
    sysroot.settle().expect("it can be settled");
    let results = sysroot
        .run_hooks(Retry::Interrupted, &Quiet)
        .expect("hooks can be run");
    let why = "stopped at the limit on time".to_owned();
    assert_eq!(results[0].state, JobState::Failed(why));
}

fn hook_that_leaves_processes_behind_leaves_none() {
    let root = TestRoot::new();
    with_shell(&root);
    // A shell whose command line nobody else has, whose parent ends at once and which reads no signal but one.
    let marker = root.directory.path().display().to_string();
    let script = "trap '' HUP INT TERM
        (trap '' HUP INT TERM; while :; do echo alive > /etc/alive; done) < /dev/null > /dev/null 2>&1 &
        while ! [ -s /etc/alive ]; do :; done
        echo left
        exit 0";
    let archive = package("1", HookMoment::PostInstall, script).with(|manifest| {
        let mut hook = manifest.hooks.pop_first().expect("it has one");
        hook.run.push(marker.clone());
        manifest.hooks.insert(hook);
    });
    let plan = root
        .plan(&[&archive], &[&archive])
        .expect("there is a plan");
    let mut sysroot = change(&root, Duration::from_secs(60));
    apply(&mut sysroot, &plan, &[&archive]).expect("it can be applied");
    sysroot.settle().expect("it can be settled");
    let results = sysroot
        .run_hooks(Retry::Interrupted, &Quiet)
        .expect("hooks can be run");
    assert_eq!(results[0].state, JobState::Done, "{results:?}");
    assert_eq!(printed(&root), "left\n");
    let own = std::process::id().to_string();
    let left: Vec<String> = fs::read_dir("/proc")
        .expect("Linux has it")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|pid| pid.bytes().all(|byte| byte.is_ascii_digit()) && *pid != own)
        .filter(|pid| {
            // Processes end while they are looked at.
            fs::read(format!("/proc/{pid}/cmdline"))
                .is_ok_and(|line| String::from_utf8_lossy(&line).contains(&marker))
        })
        .collect();
    assert_eq!(left, [""; 0]);
}

fn hook_before_that_hangs_is_stopped_and_nothing_is_changed() {
    let root = TestRoot::new();
    with_shell(&root);
    let mut sysroot = change(&root, Duration::from_millis(500));
    let before = (root.tree(), root.records());
    let archive = package("1", HookMoment::PreInstall, "while :; do :; done");
    let plan = root
        .plan(&[&archive], &[&archive])
        .expect("there is a plan");
    match apply(&mut sysroot, &plan, &[&archive]) {
        Err(ApplyError::Hook {
            source: HookError::Refused { problem, .. },
        }) => assert_eq!(problem, "stopped at the limit on time"),
        other => panic!("{other:?}"),
    }
    assert_eq!((root.tree(), root.records()), before);
}

fn output_of_hooks_is_kept_for_the_owner_alone() {
    let root = TestRoot::new();
    let result = after(&root, "echo to output; echo to error >&2; exit 3");
    assert_eq!(
        result.state,
        JobState::Failed("exited with code 3".to_owned())
    );
    assert_eq!(result.output, "to output\nto error");
    assert_eq!(printed(&root), "to output\nto error\n");
    assert_eq!(root.mode("var/lib/igos/hooks/00000001/1.output"), 0o600);
}

fn program_that_is_not_there_is_a_failed_hook() {
    let root = TestRoot::new();
    let archive = TestArchive::new("a", "1").with(|manifest| {
        manifest.hooks.insert(HookDeclaration {
            moment: HookMoment::PostInstall,
            run: vec!["/usr/bin/absent".to_owned()],
        });
    });
    let plan = root
        .plan(&[&archive], &[&archive])
        .expect("there is a plan");
    let mut sysroot = change(&root, Duration::from_secs(60));
    apply(&mut sysroot, &plan, &[&archive]).expect("it can be applied");
    sysroot.settle().expect("it can be settled");
    let results = sysroot
        .run_hooks(Retry::Interrupted, &Quiet)
        .expect("hooks can be run");
    assert!(
        matches!(&results[0].state, JobState::Failed(why) if why.starts_with("cannot start /usr/bin/absent")),
        "{results:?}"
    );
}
