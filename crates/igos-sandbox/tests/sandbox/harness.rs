//! A small test runner, and the world that tests share.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use igos_sandbox::{
    Access, Ended, HostProgram, Identity, RootView, Sandbox, SandboxError, Status, Work,
    build_identity, run as run_sandbox,
};

/// An ordinary user for the second half of a run as root: `nobody`.
const ORDINARY: Identity = Identity {
    uid: 65_534,
    gid: 65_534,
};

/// Argument of the second half: where its world is.
const AS_ORDINARY: &str = "--as-ordinary-user-in";

pub(crate) type Test = (&'static str, fn(&World));

/// Where one test works.
pub(crate) struct World {
    /// A directory of the build identity, below one that is closed to it.
    pub(crate) base: PathBuf,
}

impl World {
    fn new(directory: &Path, number: usize) -> Self {
        let base = directory.join(number.to_string());
        fs::create_dir(&base).expect("a directory can be made");
        own(&base);
        World { base }
    }

    /// Makes a directory that belongs to the build identity, with an empty file `made-outside` in it.
    pub(crate) fn directory(&self, name: &str) -> PathBuf {
        let path = self.base.join(name);
        fs::create_dir_all(&path).expect("a directory can be made");
        fs::write(path.join("made-outside"), "").expect("a file can be made");
        own(&path);
        own(&path.join("made-outside"));
        path
    }

    /// A sandbox that sees the host's programs and has a writable `/build`.
    pub(crate) fn host(&self) -> Sandbox {
        self.directory("build");
        Sandbox::new(&self.base, RootView::Host).bind("build", "/build", Access::Write)
    }

    /// A sandbox with these layers.
    pub(crate) fn layers(&self, layers: &[&str]) -> Sandbox {
        Sandbox::new(
            &self.base,
            RootView::Layers(layers.iter().map(PathBuf::from).collect()),
        )
    }
}

/// What came out of a sandbox.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) ended: Ended,
    pub(crate) printed: String,
}

impl Outcome {
    pub(crate) fn answer(&self) -> String {
        assert_eq!(self.ended.status, Status::Exited(0), "{}", self.printed);
        String::from_utf8_lossy(&self.ended.helper_output).into_owned()
    }
}

pub(crate) fn try_work(sandbox: &Sandbox, work: &Work) -> Result<Outcome, SandboxError> {
    let mut printed = Vec::new();
    let ended = run_sandbox(sandbox, work, &mut |bytes| printed.extend_from_slice(bytes))?;
    Ok(Outcome {
        ended,
        printed: String::from_utf8_lossy(&printed).into_owned(),
    })
}

/// Asks a helper inside.
pub(crate) fn ask(sandbox: &Sandbox, helper: &str, input: &str) -> String {
    let work = Work::Helper {
        name: helper.to_owned(),
        input: input.as_bytes().to_vec(),
    };
    try_work(sandbox, &work).expect("the helper runs").answer()
}

/// A shell script with a `PATH`.
pub(crate) fn script(text: &str) -> Work {
    Work::Program {
        argv: ["/bin/sh", "-c", text].map(OsString::from).to_vec(),
        env: BTreeMap::from([("PATH".into(), "/usr/bin:/bin".into())]),
        cwd: "/".into(),
    }
}

/// Runs a shell script inside.
pub(crate) fn shell(sandbox: &Sandbox, text: &str) -> Outcome {
    try_work(sandbox, &script(text)).expect("the shell runs")
}

/// Gives a file to the build identity, where it is not ours already.
pub(crate) fn own(path: &Path) {
    let Identity { uid, gid } = build_identity();
    if rustix::process::geteuid().is_root() {
        chown(path, Some(uid), Some(gid)).expect("root can give files away");
    }
}

/// Runs all tests: as the caller, and if that is root a second time as an ordinary user.
pub(crate) fn run(tests: &[Test]) -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--list") {
        for (name, _) in tests {
            line(&format!("{name}: test"));
        }
        return ExitCode::SUCCESS;
    }
    if let Some(at) = arguments
        .iter()
        .position(|argument| argument == AS_ORDINARY)
    {
        let directory = Path::new(&arguments[at + 1]);
        let filter = arguments.get(at + 2).map(String::as_str);
        return summary(&run_here(tests, directory, filter, "as an ordinary user"));
    }
    let filter = arguments
        .iter()
        .find(|argument| !argument.starts_with('-'))
        .map(String::as_str);
    let world = tempfile::tempdir().expect("a directory can be made");
    // Closed to the build identity, as the state directory of a careful administrator is.
    let closed = world.path().join("closed");
    fs::create_dir(&closed).expect("a directory can be made");
    let is_root = rustix::process::geteuid().is_root();
    let mode = if is_root { 0o700 } else { 0o755 };
    fs::set_permissions(&closed, PermissionsExt::from_mode(mode)).expect("it is ours");
    let who = if is_root {
        "as root"
    } else {
        "as an ordinary user"
    };
    let mut results = run_here(tests, &closed, filter, who);
    if is_root {
        results.push(run_as_ordinary_user(world.path(), filter));
    } else {
        line("skipped: the tests as root, because this user is not root");
    }
    summary(&results)
}

fn run_here(tests: &[Test], directory: &Path, filter: Option<&str>, who: &str) -> Vec<bool> {
    let wanted = |name: &str| filter.is_none_or(|filter| name.contains(filter));
    tests
        .iter()
        .enumerate()
        .filter(|(_, (name, _))| wanted(name))
        .map(|(number, (name, test))| {
            let started = Instant::now();
            let result = std::panic::catch_unwind(AssertUnwindSafe(|| {
                test(&World::new(directory, number));
            }));
            let word = if result.is_ok() { "ok" } else { "FAILED" };
            let milliseconds = started.elapsed().as_millis();
            line(&format!(
                "test {name} ({who}) ... {word} [{milliseconds} ms]"
            ));
            result.is_ok()
        })
        .collect()
}

/// Runs a copy of this program, which belongs to the user, so that the child has to be executed from sealed memory.
fn run_as_ordinary_user(directory: &Path, filter: Option<&str>) -> bool {
    let place = directory.join("ordinary");
    let program = place.join("program");
    fs::create_dir(&place).expect("a directory can be made");
    fs::copy("/proc/self/exe", &program).expect("this program can be copied");
    for path in [directory, &place] {
        fs::set_permissions(path, PermissionsExt::from_mode(0o755)).expect("it is ours");
    }
    for path in [&place, &program] {
        chown(path, Some(ORDINARY.uid), Some(ORDINARY.gid)).expect("root can give files away");
    }
    let output = HostProgram::new(&program)
        .argument(AS_ORDINARY)
        .argument(place.as_os_str())
        .arguments(filter)
        .identity(ORDINARY)
        .time_limit(Duration::from_secs(300))
        .run()
        .expect("the copy runs");
    line(&String::from_utf8_lossy(&output.stdout));
    line(&String::from_utf8_lossy(&output.stderr));
    output.status.is_success()
}

fn summary(results: &[bool]) -> ExitCode {
    let passed = results.iter().filter(|result| **result).count();
    let failed = results.len() - passed;
    let word = if failed == 0 { "ok" } else { "FAILED" };
    line(&format!(
        "test result: {word}. {passed} passed; {failed} failed; 0 ignored; 0 measured; 0 filtered out"
    ));
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

#[expect(
    clippy::print_stdout,
    reason = "a test program without libtest prints its results itself"
)]
fn line(text: &str) {
    println!("{}", text.trim_end());
}
