//! `igos-build pipeline scripts`, started as a program, with real scripts in real sandboxes.
#![expect(
    clippy::disallowed_methods,
    reason = "these tests start the program under test"
)]

#[path = "../factory/toolchain.rs"]
mod toolchain;

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

const ORDER: &str = "# Three of them\r\nfirst.sh\n\nsecond.sh\nthird.sh\n";
const FIRST: &str = "set -e\nmkdir -p $TARGET/etc\nprintf 'one\\n' > $TARGET/etc/list\nln -s list $TARGET/etc/link\n\
    ln $TARGET/etc/list $TARGET/etc/hard\n";
const SECOND: &str = "set -e\nprintf 'two\\n' >> $TARGET/etc/list\nchmod 600 $TARGET/etc/list\n";
const THIRD: &str = "set -e\ncat config/extra >> $TARGET/etc/list\n[ ! -e first.sh ]\n[ -e third.sh ]\n[ ! -e build_order.txt ]\n";

/// A directory with scripts and a cache with a toolchain.
struct World(tempfile::TempDir);

impl World {
    /// Returns a new world; says why and returns `None` where no sandbox or no toolchain can be made.
    #[expect(clippy::print_stdout, reason = "a test that cannot run says why")]
    fn new() -> Option<Self> {
        use std::os::unix::fs::PermissionsExt as _;

        if let Some(reason) = toolchain::obstacle() {
            println!("skipped: {reason}");
            return None;
        }
        let world = World(tempfile::tempdir().expect("a temporary directory"));
        // Scripts run as another user when root tests.
        let permissions = std::fs::Permissions::from_mode(0o755);
        fs_err::set_permissions(world.path(""), permissions).expect("it is ours");
        toolchain::make(&world.path("cache"), "tiny", "first");
        for (name, text) in [
            ("build_order.txt", ORDER),
            ("first.sh", FIRST),
            ("second.sh", SECOND),
            ("third.sh", THIRD),
            ("config/extra", "three\n"),
        ] {
            world.write(name, text);
        }
        let (_, value) = world.run(&["--name", "probe"]);
        let told = &value["error"]["diagnostics"][0];
        if told["code"] == "sandbox-feature-missing" {
            println!("skipped: {}", told["message"]);
            return None;
        }
        Some(world)
    }

    fn path(&self, at: &str) -> PathBuf {
        self.0.path().join(at)
    }

    /// Writes a file beside the order file.
    fn write(&self, name: &str, text: &str) {
        let path = self.path("order").join(name);
        fs_err::create_dir_all(path.parent().expect("a file has a parent")).expect("it is ours");
        fs_err::write(path, text).expect("it is ours");
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_igos-build"));
        command
            .env_clear()
            .current_dir(self.0.path())
            .stdin(Stdio::null())
            .args(["--offline", "--cache", "cache"])
            .args(["pipeline", "scripts", "order/build_order.txt"])
            .args(arguments);
        command
    }

    /// Runs the scripts; returns the exit code and the answer.
    fn run(&self, arguments: &[&str]) -> (Option<i32>, Value) {
        let output = self.command(arguments).arg("--json").output();
        let output = output.expect("the program starts");
        let value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
        (output.status.code(), value)
    }

    /// Returns what became of each script of a run that must end with this code.
    fn statuses(&self, code: i32) -> Vec<String> {
        let (ended, value) = self.run(&[]);
        assert_eq!(ended, Some(code), "{value:#}");
        statuses(&value)
    }

    fn tree(&self) -> PathBuf {
        self.path("cache/scripts/order/tree")
    }

    fn list(&self) -> String {
        fs_err::read_to_string(self.tree().join("etc/list")).expect("it is there")
    }

    /// Returns the file with this content among those that are kept.
    fn object(&self, content: &str) -> PathBuf {
        let digest = igos_format::Sha256::of(content.as_bytes()).to_string();
        let objects = self.path("cache/scripts/order/objects");
        objects.join(&digest[..2]).join(digest)
    }
}

fn statuses(value: &Value) -> Vec<String> {
    let scripts = value["scripts"].as_array().cloned().unwrap_or_default();
    let text = |one: &Value| one["status"].as_str().unwrap_or_default().to_owned();
    scripts.iter().map(text).collect()
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;

    fs_err::symlink_metadata(path)
        .expect("it is there")
        .permissions()
        .mode()
        & 0o7777
}

#[test]
fn scripts_change_one_tree_and_are_skipped_when_nothing_changed() {
    let Some(world) = World::new() else { return };
    let (code, value) = world.run(&["--dry-run"]);
    assert_eq!(
        (code, statuses(&value)),
        (Some(0), vec!["planned".to_owned(); 3])
    );
    assert!(!world.path("cache/scripts/order").exists());

    let (code, value) = world.run(&[]);
    assert_eq!(code, Some(0), "{value:#}");
    assert_eq!(statuses(&value), ["done", "done", "done"]);
    assert_eq!(world.list(), "one\ntwo\nthree\n");
    assert_eq!(mode(&world.tree().join("etc/list")), 0o600);
    let hard = fs_err::read_to_string(world.tree().join("etc/hard")).expect("it is there");
    assert_eq!(hard, "one\ntwo\nthree\n", "a second name of the same file");
    let target = fs_err::read_link(world.tree().join("etc/link")).expect("it is a link");
    assert_eq!(target, Path::new("list"));

    let (code, again) = world.run(&[]);
    assert_eq!(code, Some(0), "{again:#}");
    assert_eq!(statuses(&again), ["skipped", "skipped", "skipped"]);
    assert_eq!(again["receipt"], value["receipt"]);
    // Another cache gives the same receipts, down to the last bit.
    fs_err::rename(world.path("cache/scripts/order"), world.path("before")).expect("it is ours");
    let (_, anew) = world.run(&[]);
    assert_eq!(statuses(&anew), ["done", "done", "done"]);
    assert_eq!(anew["receipt"], value["receipt"]);
}

#[test]
fn change_of_a_script_runs_those_after_it_only_if_it_leaves_something_else() {
    let Some(world) = World::new() else { return };
    assert_eq!(world.statuses(0), ["done", "done", "done"]);
    world.write("second.sh", &format!("{SECOND}# A comment\n"));
    assert_eq!(world.statuses(0), ["skipped", "done", "skipped"]);
    world.write("second.sh", &SECOND.replace("two", "zwei"));
    assert_eq!(world.statuses(0), ["skipped", "done", "done"]);
    assert_eq!(world.list(), "one\nzwei\nthree\n");
    // Whatever is beside the scripts can be read by all of them.
    world.write("config/extra", "drei\n");
    let (_, value) = world.run(&["--dry-run"]);
    assert_eq!(value["scripts"][0]["reason"], "file config/extra changed");
    assert_eq!(world.statuses(0), ["done", "done", "done"]);
    let (_, value) = world.run(&["--set", "PROFILE=other"]);
    assert_eq!(value["scripts"][0]["reason"], "variable PROFILE is new");
    assert_eq!(world.list(), "one\nzwei\ndrei\n");
}

#[test]
fn failed_script_leaves_nothing_and_the_next_run_goes_on_with_it() {
    let Some(world) = World::new() else { return };
    world.write(
        "second.sh",
        "printf 'half\\n' >> $TARGET/etc/list\nexit 3\n",
    );
    let (code, value) = world.run(&[]);
    assert_eq!(code, Some(1), "{value:#}");
    assert_eq!(statuses(&value), ["done", "failed", "not-reached"]);
    assert_eq!(
        (&value["tree"], world.tree().exists()),
        (&Value::Null, false)
    );
    world.write("second.sh", SECOND);
    assert_eq!(world.statuses(0), ["skipped", "done", "done"]);
    assert_eq!(world.list(), "one\ntwo\nthree\n");
}

#[test]
fn killed_run_goes_on_where_it_was() {
    let Some(world) = World::new() else { return };
    world.write(
        "second.sh",
        "printf 'half\\n' >> $TARGET/etc/list\nprintf 'begun\\n'\nsleep 1000\n",
    );
    let mut child = world
        .command(&["--report", "json"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let story = BufReader::new(child.stderr.take().expect("it is a pipe"));
    let begun = story
        .lines()
        .map_while(Result::ok)
        .any(|line| line.contains("begun"));
    child.kill().expect("it runs");
    child.wait().expect("it was killed");
    assert!(begun, "the second script never began");
    world.write("second.sh", SECOND);
    assert_eq!(world.statuses(0), ["skipped", "done", "done"]);
    assert_eq!(world.list(), "one\ntwo\nthree\n");
}

#[test]
fn damage_of_what_is_kept_is_found_before_a_script_sees_it() {
    let Some(world) = World::new() else { return };
    assert_eq!(world.statuses(0), ["done", "done", "done"]);
    let object = world.object("one\ntwo\n");
    fs_err::write(&object, "one\ntoo\n").expect("it is ours");
    world.write("third.sh", &format!("{THIRD}# A comment\n"));
    let (code, value) = world.run(&[]);
    assert_eq!(code, Some(4), "{value:#}");
    assert_eq!(statuses(&value), ["skipped", "skipped", "failed"]);
    // What is gone is made again by the script that left it.
    fs_err::remove_file(&object).expect("it is ours");
    let (code, value) = world.run(&[]);
    assert_eq!(code, Some(0), "{value:#}");
    assert_eq!(statuses(&value), ["skipped", "done", "done"]);
    assert_eq!(
        value["scripts"][1]["reason"],
        "the tree that it left is gone"
    );
    assert_eq!(world.list(), "one\ntwo\nthree\n");
}

#[test]
fn wrong_order_files_are_refused_before_anything_runs() {
    let Some(world) = World::new() else { return };
    world.write("build_order.txt", "first.sh\n../evil.sh\nnone.sh\n");
    let (code, value) = world.run(&[]);
    assert_eq!(code, Some(1), "{value:#}");
    assert_eq!(
        value["error"]["diagnostics"].as_array().map(Vec::len),
        Some(2)
    );
    assert!(!world.path("cache/scripts/order").exists());
    let (code, _) = world.run(&["--set", "9=x"]);
    assert_eq!(code, Some(1), "the order file is read first");
    world.write("build_order.txt", "first.sh\n");
    assert_eq!(world.run(&["--set", "9=x"]).0, Some(2));
}
