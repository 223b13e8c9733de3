//! Services under a real OpenRC, in a root and namespaces of the test's own.

#![expect(
    clippy::disallowed_methods,
    reason = "a test starts a root of its own in namespaces"
)]

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use fs_err as fs;

/// What OpenRC's scripts and the script below call, out of the running system.
const PROGRAMS: [&str; 22] = [
    "sh", "ls", "cat", "sleep", "cp", "mv", "rm", "mkdir", "chmod", "ln", "readlink", "sed",
    "grep", "uname", "stat", "touch", "kill", "env", "dirname", "basename", "tr", "cut",
];

/// Names of services: one of Debian's `start-stop-daemon`, one of OpenRC's `supervise-daemon`.
const SERVICES: [(&str, &str); 2] = [
    ("plain", "command_background=yes\npidfile=/run/plain.pid"),
    ("watched", "supervisor=supervise-daemon"),
];

/// What runs as the first process: services are started by their runlevel, then the library that they use is replaced.
const SCRIPT: &str = r#"
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
for one in starting started stopping inactive wasinactive failed hotplugged scheduled daemons options exclusive tmp; do
    mkdir -p /run/openrc/$one
done
mkdir -p /run/lock
echo default > /run/openrc/softlevel
openrc --no-stop default >&2 2>/dev/null
ls /run/openrc/started >&2
pkm restart-services --list --json
cp "$LIBRARY" "$LIBRARY.new" && mv "$LIBRARY.new" "$LIBRARY"
pkm restart-services --list --json
pkm restart-services plain --yes --json
pkm restart-services --all --yes --json
pkm restart-services --list --json
"#;

#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn skipped(reason: &str) {
    println!("skipped: {reason}");
}

/// Returns where `./test` unpacked OpenRC.
fn openrc() -> Option<PathBuf> {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/openrc");
    place.join("sbin/openrc-run").exists().then_some(place)
}

fn copy_tree(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("readable") {
        let entry = entry.expect("readable");
        let target = to.join(entry.file_name());
        let kind = entry.file_type().expect("it has one");
        if kind.is_dir() {
            fs::create_dir_all(&target).expect("made");
            copy_tree(&entry.path(), &target);
        } else if kind.is_symlink() {
            symlink(fs::read_link(entry.path()).expect("a link"), target).expect("linked");
        } else {
            fs::copy(entry.path(), target).expect("copied");
        }
    }
}

/// Copies a program to a path below `root`, and to their places the libraries that it needs.
pub(crate) fn copy_program(root: &Path, program: &Path, path: &str) {
    let target = root.join(path);
    fs::copy(program, &target).expect("copied");
    copy_libraries(root, &target);
}

fn copy_libraries(root: &Path, program: &Path) {
    let said = Command::new("ldd").arg(program).output().expect("ldd runs");
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    for word in said.split_whitespace().filter(|word| word.starts_with('/')) {
        let target = root.join(word.trim_start_matches('/'));
        if !target.exists() && Path::new(word).exists() {
            fs::create_dir_all(target.parent().expect("it has one")).expect("made");
            fs::copy(word, target).expect("copied");
        }
    }
}

/// Makes a root in which OpenRC runs.
fn root(openrc: &Path) -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    let root = directory.path();
    for made in [
        "usr/bin",
        "usr/sbin",
        "usr/lib",
        "usr/lib64",
        "etc/init.d",
        "etc/runlevels/default",
        "proc",
        "run",
        "tmp",
        "dev",
        "sys",
        "var/lib/igos",
    ] {
        fs::create_dir_all(root.join(made)).expect("made");
    }
    for name in ["bin", "sbin", "lib", "lib64"] {
        symlink(format!("usr/{name}"), root.join(name)).expect("linked");
    }
    symlink("../run", root.join("var/run")).expect("linked");
    for name in ["bin", "sbin", "lib"] {
        copy_tree(&openrc.join(name), &root.join("usr").join(name));
    }
    for (name, text) in [
        ("etc/rc.conf", ""),
        ("etc/insserv.conf", ""),
        ("dev/null", ""),
        ("etc/passwd", "root:x:0:0::/root:/bin/sh\n"),
        ("etc/group", "root:x:0:\n"),
    ] {
        fs::write(root.join(name), text).expect("written");
    }
    for name in PROGRAMS {
        copy_program(
            root,
            &Path::new("/usr/bin").join(name),
            &format!("usr/bin/{name}"),
        );
    }
    let starter = ["/usr/sbin/start-stop-daemon", "/sbin/start-stop-daemon"];
    let starter = starter.iter().find(|path| Path::new(path).exists());
    copy_program(
        root,
        Path::new(starter.expect("dpkg has it")),
        "usr/bin/start-stop-daemon",
    );
    copy_program(root, Path::new(env!("CARGO_BIN_EXE_pkm")), "usr/bin/pkm");
    for directory in ["usr/sbin", "usr/lib/rc/bin"] {
        for entry in fs::read_dir(root.join(directory)).expect("readable") {
            copy_libraries(root, &entry.expect("readable").path());
        }
    }
    for (name, how) in SERVICES {
        let program = format!("usr/bin/{name}-daemon");
        fs::copy(root.join("usr/bin/sleep"), root.join(&program)).expect("copied");
        let script = format!("#!/sbin/openrc-run\ncommand=/{program}\ncommand_args=600\n{how}\n");
        let place = root.join("etc/init.d").join(name);
        fs::write(&place, script).expect("written");
        fs::set_permissions(&place, PermissionsExt::from_mode(0o755)).expect("ours");
        // As `plan_services` makes them.
        let link = root.join("etc/runlevels/default").join(name);
        symlink(format!("../../init.d/{name}"), link).expect("linked");
    }
    directory
}

/// Runs a script as the first process of a root, without network and with a `/proc` of its own.
fn run(root: &Path, library: &str) -> std::process::Output {
    let mut command = Command::new("unshare");
    if !rustix::process::geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command
        .args([
            "--pid",
            "--fork",
            "--kill-child",
            "--mount",
            "--net",
            "--mount-proc=/proc",
        ])
        .arg(format!("--root={}", root.display()))
        .args(["/bin/sh", "-c", SCRIPT])
        .env("LIBRARY", library)
        .output()
        .expect("util-linux is there")
}

#[test]
fn services_that_use_a_replaced_library_are_found_and_restarted_under_openrc() {
    let Some(openrc) = openrc() else {
        skipped("there is no OpenRC in target/tools, where `./test` unpacks it");
        return;
    };
    let directory = root(&openrc);
    let library = fs::read_to_string("/proc/self/maps").expect("Linux has it");
    let library = library
        .lines()
        .filter_map(|line| line.split_ascii_whitespace().nth(5))
        .find(|path| path.contains("/libc."))
        .expect("this program uses it");
    let output = run(directory.path(), library);
    let (said, story) = (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    );
    if story.contains("unshare:") {
        skipped(&format!("no namespaces here: {story}"));
        return;
    }
    assert!(
        story.contains("plain\nwatched\n"),
        "both are started by their links: {story}"
    );
    let answers: Vec<serde_json::Value> = said
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let names = |answer: &serde_json::Value, key: &str| -> Vec<String> {
        let found = answer[key].as_array().cloned().unwrap_or_default();
        let name =
            |one: &serde_json::Value| one["name"].as_str().or(one.as_str()).map(str::to_owned);
        found.iter().filter_map(name).collect()
    };
    let [before, stale, one, all, after] = answers.as_slice() else {
        panic!("{said}\n{story}");
    };
    assert_eq!(before["manager"], "openrc");
    assert_eq!(names(before, "services"), [""; 0]);
    assert_eq!(names(stale, "services"), ["plain", "watched"]);
    let file = stale["services"][0]["processes"][0]["files"][0].as_str();
    assert!(
        file.is_some_and(|file| file.ends_with("/libc.so.6")),
        "{stale:#}"
    );
    assert_eq!(names(one, "restarted"), ["plain"]);
    assert_eq!(names(all, "restarted"), ["watched"], "{story}");
    assert_eq!(names(after, "services"), [""; 0]);
}
