//! Helpers that are asked while they run, over a socket that is their standard input.

use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use igos_sandbox::{Ended, RootView, Sandbox, SandboxError, Status, serve};

use crate::harness::{Test, World, ask};

pub(crate) const TESTS: &[Test] = &[
    (
        "a_helper_answers_over_its_channel_until_it_is_closed",
        a_helper_answers_over_its_channel_until_it_is_closed,
    ),
    (
        "the_end_of_a_helper_is_the_end_of_its_channel",
        the_end_of_a_helper_is_the_end_of_its_channel,
    ),
    ("helpers_execute_nothing", helpers_execute_nothing),
];

/// Serves a helper in a thread, and lets `talk` have the other end of its channel.
fn served<T>(
    sandbox: &Sandbox,
    helper: &str,
    talk: impl FnOnce(UnixStream) -> T,
) -> (Result<Ended, SandboxError>, T) {
    let (ours, theirs) = UnixStream::pair().expect("sockets can be made");
    std::thread::scope(|scope| {
        let served =
            scope.spawn(move || serve(sandbox, helper, b"", OwnedFd::from(theirs), &mut |_| {}));
        let said = talk(ours);
        (served.join().expect("it does not panic"), said)
    })
}

fn a_helper_answers_over_its_channel_until_it_is_closed(world: &World) {
    let sandbox = world.host();
    let (ended, answers) = served(&sandbox, "double", |mut channel| {
        let mut answers = Vec::new();
        for number in [1_u8, 20, 100] {
            channel.write_all(&[number]).expect("it listens");
            let mut answer = [0];
            channel.read_exact(&mut answer).expect("it answers");
            answers.push(answer[0]);
        }
        answers
    });
    assert_eq!(answers, [2, 40, 200]);
    let ended = ended.expect("it runs");
    assert_eq!(ended.status, Status::Exited(0));
    // How often it was asked, and how many descriptors it had: streams, what takes its answer, and what it looked with.
    assert_eq!(String::from_utf8_lossy(&ended.helper_output), "3 5");
}

fn the_end_of_a_helper_is_the_end_of_its_channel(world: &World) {
    let sandbox = world.host();
    let (ended, read) = served(&sandbox, "panic", |mut channel| {
        let mut nothing = Vec::new();
        channel.read_to_end(&mut nothing).map(|_| nothing)
    });
    assert!(
        matches!(ended, Err(SandboxError::HelperFailed { .. })),
        "{ended:?}"
    );
    assert_eq!(read.expect("it ends"), b"");
}

fn helpers_execute_nothing(world: &World) {
    let sandbox = Sandbox::new(&world.base, RootView::Host);
    assert_eq!(ask(&sandbox, "execute", "/bin/sh"), "permission denied");
}
