//! What is in the way of a path (E17 to E22).

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use fs_err as fs;
use igos_report::Explain;
use igos_sysroot::{ApplyError, PlanError};
use rustix::fs::{CWD, FileType, IFlags, Mode};

use crate::support::{TestArchive, TestRoot, apply, skipped};

#[test]
fn pipes_sockets_and_devices_in_the_way_are_conflicts_and_are_not_opened() {
    let root = TestRoot::new();
    fs::create_dir_all(root.path("usr/bin")).expect("directories");
    let at = root.path("usr/bin/tool");
    let mode = Mode::RUSR | Mode::WUSR;
    for (kind, device) in [
        (FileType::Fifo, 0),
        (FileType::Socket, 0),
        // A tape: opening it would rewind one.
        (FileType::CharacterDevice, rustix::fs::makedev(9, 0)),
        (FileType::BlockDevice, rustix::fs::makedev(8, 0)),
    ] {
        if rustix::fs::mknodat(CWD, &at, kind, mode, device).is_err() {
            skipped("device nodes cannot be made here");
            continue;
        }
        let archive = TestArchive::new("a", "1").file("usr/bin/tool", b"tool");
        let error = root
            .plan(&[&archive], &[&archive])
            .expect_err("it is in the way");
        assert!(
            matches!(error, PlanError::Conflicts(_)),
            "{kind:?}: {error:?}"
        );
        fs::remove_file(&at).expect("it is there");
        // Put there after the plan was made, it is found before anything changes.
        let plan = root.plan(&[&archive], &[&archive]).expect("a plan");
        rustix::fs::mknodat(CWD, &at, kind, mode, device).expect("it was possible before");
        let mut sysroot = root.change();
        let error = apply(&mut sysroot, &plan, &[&archive]).expect_err("it is in the way");
        assert_eq!(error.code(), "pre-flight-refused", "{kind:?}");
        fs::remove_file(&at).expect("it is there");
    }
}

#[test]
fn privileged_flags_of_files_and_directories_are_refused_by_name() {
    let root = TestRoot::new();
    root.install(&[&TestArchive::new("a", "1").file("opt/app/file", b"file")]);
    let next = TestArchive::new("a", "2").file("opt/app/file", b"next");
    for (place, flag, word) in [
        ("opt/app/file", IFlags::IMMUTABLE, "immutable"),
        ("opt/app/file", IFlags::APPEND, "append-only"),
        ("opt/app", IFlags::IMMUTABLE, "immutable"),
        ("opt/app", IFlags::APPEND, "append-only"),
    ] {
        let held = fs::File::open(root.path(place)).expect("it is there");
        let Ok(flags) = rustix::fs::ioctl_getflags(&held) else {
            skipped("this file system has no flags");
            return;
        };
        if rustix::fs::ioctl_setflags(&held, flags | flag).is_err() {
            skipped("setting flags needs root");
            return;
        }
        let plan = root.plan(&[&next], &[&next]);
        let applied = plan.map(|plan| {
            let mut sysroot = root.change();
            apply(&mut sysroot, &plan, &[&next])
        });
        rustix::fs::ioctl_setflags(&held, flags).expect("it can be cleared");
        let error = applied.expect("a plan").expect_err("it is refused");
        let ApplyError::Refused(refusals) = &error else {
            panic!("{error:?}");
        };
        assert_eq!(
            refusals[0].to_string(),
            format!("{place} carries the flag {word}")
        );
        assert_eq!(root.content("opt/app/file"), "file");
        assert_eq!(root.findings(), [""; 0]);
    }
    root.install(&[&next]);
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a running program is what the rule is about"
)]
fn running_program_is_replaced_and_removed_and_goes_on() {
    let root = TestRoot::new();
    let Ok(cat) = fs::read("/bin/cat") else {
        skipped("there is no /bin/cat");
        return;
    };
    root.install(&[&TestArchive::new("a", "1").file_with("usr/bin/cat", &cat, 0o755)]);
    let mut running = std::process::Command::new(root.path("usr/bin/cat"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it can be started");
    let mut input = running.stdin.take().expect("it is piped");
    let mut output = BufReader::new(running.stdout.take().expect("it is piped"));
    let mut echo = |text: &str| {
        use std::io::Write;
        input.write_all(text.as_bytes()).expect("it reads");
        let mut line = String::new();
        output.read_line(&mut line).expect("it writes");
        assert_eq!(line, text);
    };
    echo("first\n");
    // Written in place this would be ETXTBSY, or another program under its feet.
    root.install(&[&TestArchive::new("a", "2").file_with("usr/bin/cat", b"#!/bin/false\n", 0o755)]);
    echo("second\n");
    assert_eq!(root.content("usr/bin/cat"), "#!/bin/false\n");
    root.remove(&["a"]);
    echo("third\n");
    drop(input);
    assert!(running.wait().expect("it ends").success());
    assert!(!root.exists("usr/bin/cat"));
}

#[test]
fn links_that_a_user_made_of_directories_are_conflicts_and_listed_ones_are_followed() {
    let outside = TestRoot::new();
    for place in ["srv", "opt", "var/spool", "usr/share", "etc"] {
        let root = TestRoot::new();
        let at = root.path(place);
        fs::create_dir_all(at.parent().expect("it has one")).expect("directories");
        std::os::unix::fs::symlink(outside.directory.path(), &at).expect("links");
        let archive = TestArchive::new("a", "1").file(&format!("{place}/file"), b"file");
        let error = root
            .plan(&[&archive], &[&archive])
            .expect_err("it is a link");
        assert!(
            matches!(error, PlanError::Conflicts(_)),
            "{place}: {error:?}"
        );
        assert_eq!(outside.tree(), "");
    }
    for (link, target, real) in [
        ("bin", "usr/bin", "usr/bin"),
        ("lib64", "usr/lib", "usr/lib"),
        ("var/run", "/run", "run"),
    ] {
        let root = TestRoot::new();
        fs::create_dir_all(root.path("var")).expect("directories");
        fs::create_dir_all(root.path(real)).expect("directories");
        std::os::unix::fs::symlink(Path::new(target), root.path(link)).expect("links");
        root.install(&[&TestArchive::new("a", "1").file(&format!("{link}/file"), b"file")]);
        assert_eq!(root.content(&format!("{real}/file")), "file", "{link}");
        assert!(root.path(link).is_symlink(), "{link}");
    }
}
