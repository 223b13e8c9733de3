//! Callers that sit at a terminal or are killed: this program again, as a caller of its own.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use igos_report::Explain;
use igos_sandbox::{Access, RootView, Sandbox, Status, Terminal, Work, run};
use rustix::pty::OpenptFlags;
use rustix::termios::Winsize;

use crate::harness::{Test, World};
use crate::traces::is_running;

pub(crate) const TESTS: &[Test] = &[
    (
        "an_interactive_sandbox_has_a_terminal_and_restores_the_callers",
        an_interactive_sandbox_has_a_terminal_and_restores_the_callers,
    ),
    (
        "a_killed_caller_takes_its_sandbox_along",
        a_killed_caller_takes_its_sandbox_along,
    ),
    (
        "without_user_namespaces_nothing_runs_and_the_error_names_them",
        without_user_namespaces_nothing_runs_and_the_error_names_them,
    ),
    (
        "inside_a_user_namespace_of_one_id_sandboxes_still_work",
        inside_a_user_namespace_of_one_id_sandboxes_still_work,
    ),
];

const AS_CALLER: &str = "--as-caller";

/// Runs the shell script that the arguments give, if they ask for it.
pub(crate) fn be_one_if_asked() -> Option<ExitCode> {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let [first, base, terminal, text] = arguments.as_slice() else {
        return None;
    };
    if first != AS_CALLER {
        return None;
    }
    let mut sandbox = Sandbox::new(base, RootView::Host).bind("build", "/build", Access::Write);
    if terminal == "interactive" {
        sandbox.terminal = Terminal::Interactive;
    }
    let work = Work::Program {
        argv: vec!["/bin/sh".into(), "-c".into(), text.clone()],
        env: BTreeMap::from([("PATH".into(), "/usr/bin:/bin".into())]),
        cwd: "/build".into(),
    };
    let mut output = std::io::stdout();
    let ended = run(&sandbox, &work, &mut |bytes| {
        output.write_all(bytes).expect("the test listens");
    });
    Some(match ended.map(|ended| ended.status) {
        Ok(Status::Exited(code)) => ExitCode::from(u8::try_from(code).unwrap_or(99)),
        Ok(_) => ExitCode::from(98),
        Err(error) => {
            write!(output, "{error}; {}", error.hints().join("; ")).expect("the test listens");
            ExitCode::from(error.exit_code())
        }
    })
}

fn caller(world: &World, terminal: &str, text: &str) -> Command {
    world.directory("build");
    let mut command = Command::new("/proc/self/exe");
    command
        .arg(AS_CALLER)
        .arg(&world.base)
        .arg(terminal)
        .arg(text);
    command.stdout(Stdio::piped()).stderr(Stdio::inherit());
    command
}

fn an_interactive_sandbox_has_a_terminal_and_restores_the_callers(world: &World) {
    let master = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)
        .expect("a terminal can be made");
    rustix::pty::unlockpt(&master).expect("it can be unlocked");
    let person = rustix::pty::ioctl_tiocgptpeer(&master, OpenptFlags::RDWR | OpenptFlags::NOCTTY)
        .expect("it has another end");
    let size = Winsize {
        ws_row: 33,
        ws_col: 77,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    rustix::termios::tcsetwinsize(&person, size).expect("it has a size");
    let modes = |terminal: &OwnedFd| {
        let modes = rustix::termios::tcgetattr(terminal).expect("it is a terminal");
        (modes.input_modes, modes.output_modes, modes.local_modes)
    };
    let before = modes(&person);
    let text = "tty; stty size; echo $((6 * 7)) > /dev/tty; read line; echo \"<$line>\"; exit 5";
    let mut child = caller(world, "interactive", text)
        .stdin(Stdio::from(person.try_clone().expect("copied")))
        .spawn()
        .expect("this program runs");
    let mut output = child.stdout.take().expect("it is piped");
    let mut seen = read_until(&mut output, "42");
    let mut typed = File::from(master.try_clone().expect("copied"));
    typed.write_all(b"typed\r").expect("the terminal takes it");
    seen += &read_until(&mut output, "<typed>");
    assert_eq!(child.wait().expect("it ends").code(), Some(5), "{seen}");
    let lines: Vec<&str> = seen.lines().map(str::trim).collect();
    assert_eq!(lines, ["/dev/pts/0", "33 77", "42", "typed", "<typed>"]);
    assert_eq!(modes(&person), before);
}

/// Reads until a text has come; the test's own time limit is the pipe's end.
fn read_until(output: &mut impl Read, text: &str) -> String {
    let mut seen = Vec::new();
    let mut byte = [0_u8; 1];
    while !String::from_utf8_lossy(&seen).ends_with(&format!("{text}\r\n")) {
        let count = output.read(&mut byte).expect("the pipe is open");
        assert_eq!(
            count,
            1,
            "it ended after {}",
            String::from_utf8_lossy(&seen)
        );
        seen.extend_from_slice(&byte);
    }
    String::from_utf8_lossy(&seen).into_owned()
}

fn a_killed_caller_takes_its_sandbox_along(world: &World) {
    let mut child: Child = caller(
        world,
        "none",
        "setsid sleep 86396 & sleep 86396 & echo started; wait",
    )
    .stdin(Stdio::null())
    .spawn()
    .expect("this program runs");
    let mut output = child.stdout.take().expect("it is piped");
    let mut seen = [0_u8; 8];
    output.read_exact(&mut seen).expect("it starts");
    child.kill().expect("it is ours");
    child.wait().expect("it ends");
    let deadline = Instant::now() + Duration::from_secs(5);
    while is_running("86396") {
        assert!(Instant::now() < deadline, "it outlives its caller");
        std::thread::yield_now();
    }
    // The group of the dead caller goes with a next sandbox, once the kernel has buried the last of its processes.
    let group = format!("igos-sandbox-{}-1", child.id());
    let is_left = || {
        ["memory", "pids"]
            .iter()
            .any(|controller| has_group(&Path::new("/sys/fs/cgroup").join(controller), &group))
    };
    crate::harness::shell(&world.host(), "true");
    while is_left() {
        assert!(Instant::now() < deadline, "its group outlives it");
        crate::harness::shell(&world.host(), "true");
    }
}

fn has_group(directory: &Path, name: &str) -> bool {
    fs::read_dir(directory)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .any(|entry| entry.file_name() == name || has_group(&entry.path(), name))
}

/// Runs this program as a caller that is root of a user namespace in which only that id exists.
fn caller_in_namespace(world: &World, first: &str) -> Option<(String, Option<i32>)> {
    world.directory("build");
    rustix::fs::chmod(&world.base, rustix::fs::Mode::from_raw_mode(0o777)).expect("it is ours");
    let script = format!("{first} exec \"$0\" {AS_CALLER} \"$1\" none 'echo inside'");
    let program = fs::read_link("/proc/self/exe").expect("it is a link");
    let output = Command::new("/usr/bin/unshare")
        .args(["--user", "--map-root-user", "/bin/sh", "-c", &script])
        .arg(program)
        .arg(&world.base)
        .output();
    match output {
        Ok(output) => Some((
            String::from_utf8_lossy(&output.stdout).into_owned(),
            output.status.code(),
        )),
        Err(error) => {
            crate::traces::skipped(&format!("no /usr/bin/unshare: {error}"));
            None
        }
    }
}

fn without_user_namespaces_nothing_runs_and_the_error_names_them(world: &World) {
    let first = "echo 0 > /proc/sys/user/max_user_namespaces;";
    let Some((printed, code)) = caller_in_namespace(world, first) else {
        return;
    };
    assert_eq!(
        printed,
        "cannot make a sandbox: the kernel does not give us user namespaces for this user (unshare: No space left on device (os error 28)); \
         `sysctl user.max_user_namespaces=10000` as root"
    );
    assert_eq!(code, Some(4));
}

fn inside_a_user_namespace_of_one_id_sandboxes_still_work(world: &World) {
    let Some((printed, code)) = caller_in_namespace(world, "") else {
        return;
    };
    assert_eq!((printed.as_str(), code), ("inside\n", Some(0)));
}
