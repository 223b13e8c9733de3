//! What programs on this crate print, and how they end: the example `smallest`, run as users would.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

fn smallest(arguments: &[&str]) -> Command {
    let own = std::env::current_exe().expect("a test program has a path");
    let target = own
        .parent()
        .and_then(|deps| deps.parent())
        .expect("tests are in target/PROFILE/deps");
    let program: PathBuf = target.join("examples/smallest");
    #[expect(clippy::disallowed_methods, reason = "a test of a program starts it")]
    let mut command = Command::new(program);
    command.args(arguments).env_clear().stdin(Stdio::null());
    command
}

#[derive(Debug, PartialEq, Eq)]
struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

fn run(arguments: &[&str]) -> Ended {
    let output = smallest(arguments)
        .output()
        .expect("the example is built with the tests");
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("text"),
        stderr: String::from_utf8(output.stderr).expect("text"),
    }
}

fn ended(code: i32, stdout: &str, stderr: &str) -> Ended {
    Ended {
        code: Some(code),
        stdout: stdout.to_owned(),
        stderr: stderr.to_owned(),
    }
}

#[test]
fn answer_goes_to_standard_output() {
    assert_eq!(run(&["greet", "world"]), ended(0, "hello world\n", ""));
    assert_eq!(
        run(&["greet", "world", "--json"]),
        ended(0, "{\"name\":\"world\"}\n", "")
    );
}

#[test]
fn control_bytes_of_an_answer_do_not_reach_a_terminal() {
    assert_eq!(
        run(&["greet", "\u{1b}[2Jx"]),
        ended(0, "hello \\x1b[2Jx\n", "")
    );
}

#[test]
fn error_has_one_shape_with_place_cause_and_hint() {
    let stderr = "\
error[key-unknown]: there is no key `verison`
 --> zlib/package.yml:2:1
  |
2 | verison: 1
  | ^^^^^^^
  because: the format is 1
  hint: did you mean `version`?
";
    assert_eq!(run(&["refuse"]), ended(1, "", stderr));
    let json = "{\"error\":{\"diagnostics\":[{\"because\":[\"the format is 1\"],\"code\":\"key-unknown\",\
        \"hints\":[\"did you mean `version`?\"],\"message\":\"there is no key `verison`\",\
        \"place\":{\"file\":\"zlib/package.yml\",\"kind\":\"source\",\"span\":{\"column\":1,\"end\":18,\"line\":2,\
        \"start\":11}},\"severity\":\"error\"}],\"exit_code\":1}}\n";
    assert_eq!(run(&["refuse", "--json"]), ended(1, json, stderr));
}

#[test]
fn error_is_coloured_only_on_request_or_on_terminals() {
    assert!(
        run(&["refuse", "--color", "always"])
            .stderr
            .starts_with("\u{1b}[1;31merror\u{1b}[0m[key-unknown]")
    );
    assert!(
        !run(&["refuse", "--color", "never"])
            .stderr
            .contains('\u{1b}')
    );
}

#[test]
fn usage_error_is_a_json_value_too() {
    let ended = run(&["--json", "great"]);
    assert_eq!(ended.code, Some(2));
    let value: serde_json::Value = serde_json::from_str(&ended.stdout).expect("one JSON value");
    assert_eq!(value["error"]["exit_code"], 2);
    assert_eq!(
        value["error"]["diagnostics"][0]["message"],
        "unrecognized subcommand 'great'"
    );
    assert_eq!(
        value["error"]["diagnostics"][0]["hints"][0],
        "did you mean `greet`?"
    );
    assert!(
        ended
            .stderr
            .starts_with("error: unrecognized subcommand 'great'\n"),
        "{}",
        ended.stderr
    );
    assert_eq!(run(&["great", "--", "--json"]).stdout, "");
}

#[test]
fn panic_is_reported_as_our_defect() {
    let ended = run(&["panic", "--json"]);
    assert_eq!(ended.code, Some(70));
    let value: serde_json::Value = serde_json::from_str(&ended.stdout).expect("one JSON value");
    assert_eq!(value["error"]["diagnostics"][0]["code"], "defect");
    assert!(
        ended
            .stderr
            .starts_with("error[defect]: this program has a defect and had to stop\n  because: ")
    );
    assert!(
        ended.stderr.contains("this cannot happen"),
        "{}",
        ended.stderr
    );
}

#[test]
fn plan_that_nobody_can_agree_to_is_not_carried_out() {
    let stderr = "\
error[consent-needed]: the plan needs a yes, and there is no terminal to ask on
  hint: look at the plan: `--dry-run`
  hint: agree to it beforehand: `--yes`
";
    assert_eq!(run(&["ask"]), ended(2, "", stderr));
    assert_eq!(
        run(&["ask", "--yes"]),
        ended(0, "hello world\n", "the plan:\n  greet the world\n")
    );
    assert_eq!(
        run(&["ask", "--yes", "--quiet"]),
        ended(0, "hello world\n", "")
    );
}

#[test]
fn closed_pipe_ends_the_output_quietly() {
    let mut child = smallest(&["greet", "world", "--times", "1000000"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the example is built with the tests");
    let mut first = [0; 5];
    let mut stdout = child.stdout.take().expect("it is a pipe");
    stdout.read_exact(&mut first).expect("the program writes");
    drop(stdout);
    let output = child.wait_with_output().expect("the program ends");
    assert_eq!(
        (output.status.code(), output.stderr.as_slice()),
        (Some(0), &b""[..])
    );
}

#[test]
fn full_disk_is_an_error_of_its_own() {
    let full = fs_err::File::options()
        .write(true)
        .open("/dev/full")
        .expect("every Linux has this file");
    let output = smallest(&["greet", "world"])
        .stdout(full.into_file())
        .output()
        .expect("the example is built");
    assert_eq!(output.status.code(), Some(4));
    let stderr = String::from_utf8(output.stderr).expect("text");
    assert!(
        stderr.starts_with("error[output-failed]: cannot write the answer to standard output\n"),
        "{stderr}"
    );
}

fn start_waiting(arguments: &[&str]) -> (Child, BufReader<std::process::ChildStderr>) {
    let mut child = smallest(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the example is built with the tests");
    let mut stderr = BufReader::new(child.stderr.take().expect("it is a pipe"));
    let mut line = String::new();
    stderr
        .read_line(&mut line)
        .expect("the program tells that it began");
    (child, stderr)
}

/// Tells whether we were started with a signal ignored, as by `nohup`: what we start then ignores it too.
fn is_ignored_here(signal: Signal) -> bool {
    let status = fs_err::read_to_string("/proc/self/status").expect("every Linux has this file");
    let mut lines = status.lines();
    let mask = lines.find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.expect("it has the mask") & (1 << (signal.as_raw() - 1)) != 0
}

#[expect(clippy::print_stdout, reason = "what is left out is said")]
#[test]
fn signals_interrupt_and_say_so_in_the_exit_code() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        if is_ignored_here(signal) {
            println!("skipped: {signal:?} is ignored here");
            continue;
        }
        let (child, mut stderr) = start_waiting(&["wait", "--json"]);
        let pid = Pid::from_child(&child);
        kill_process(pid, signal).expect("the program runs");
        let output = child.wait_with_output().expect("the program ends");
        assert_eq!(output.status.code(), Some(130));
        let value: serde_json::Value =
            serde_json::from_slice(&output.stdout).expect("one JSON value");
        assert_eq!(value["error"]["diagnostics"][0]["code"], "interrupted");
        let mut rest = String::new();
        stderr.read_to_string(&mut rest).expect("text");
        assert_eq!(
            rest,
            " skipped start waiting: interrupted\nerror[interrupted]: interrupted\n"
        );
    }
}

#[test]
fn events_are_json_lines_on_request() {
    let (child, mut stderr) = start_waiting(&["wait", "--report", "json"]);
    kill_process(Pid::from_child(&child), Signal::INT).expect("the program runs");
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).expect("text");
    assert_eq!(
        child
            .wait_with_output()
            .expect("the program ends")
            .status
            .code(),
        Some(130)
    );
    let lines: Vec<serde_json::Value> = rest
        .lines()
        .map(|line| serde_json::from_str(line).expect("each line is JSON"))
        .collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["outcome"]["outcome"], "skipped");
    assert_eq!(lines[1]["diagnostic"]["code"], "interrupted");
    assert!(lines.iter().all(|line| line["schema"] == 1));
}
