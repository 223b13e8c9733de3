//! Downloaders that are honest, hostile, silent, dead, or not there.

use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, mpsc};
use std::time::Duration;

use igos_sandbox::SandboxError;

use super::inside::{next_request, serve_all};
use super::wire::{Kind, prefix};
use super::{Certificates, Confined, HttpError, Running, State};
use crate::fetch::http::direct::Direct;
use crate::fetch::proxies::Proxies;
use crate::fetch::settings::HttpLimits;
use crate::fetch::tests::server::{Answer, Server};

/// Returns the asking side of a downloader that `inside` plays in a thread.
fn played(inside: impl FnOnce(UnixStream) + Send + 'static) -> Confined {
    let (control, theirs) = UnixStream::pair().expect("sockets can be made");
    let (tell, end) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        inside(theirs);
        tell.send(Err(SandboxError::Lost {
            detail: "it was played".to_owned(),
        }))
        .ok();
    });
    let mut confined = new();
    confined.patience = Duration::from_millis(500);
    confined.state = Mutex::new(State::Running(Running {
        control,
        end,
        thread,
    }));
    confined
}

fn new() -> Confined {
    let limits = HttpLimits::default();
    Confined::new(&limits, &Proxies::default(), Certificates::default())
}

/// Returns the asking side of a downloader that answers whatever it is asked with these bytes, and hangs up.
fn saying(bytes: Vec<u8>) -> Confined {
    played(move |control| {
        while let Ok(Some(socket)) = next_request(control.as_fd()) {
            // Who asked may have heard enough.
            UnixStream::from(socket).write_all(&bytes).ok();
        }
    })
}

fn frame(kind: Kind, content: &[u8]) -> Vec<u8> {
    [&prefix(kind, content.len()), content].concat()
}

fn head() -> Vec<u8> {
    let head = br#"{"status":200,"location":null,"content_length":"3","content_range":null}"#;
    frame(Kind::Head, head)
}

/// Asks, and reads the whole body; what it may not be told as is an answer of more than 4 MiB.
fn ask(confined: &Confined) -> Result<Vec<u8>, HttpError> {
    let answer = confined.get("http://127.0.0.1:9/a", None)?;
    let mut body = Vec::new();
    let read = answer.body.take(4 << 20).read_to_end(&mut body);
    read.map(|_| body).map_err(HttpError::Broken)
}

#[test]
fn downloader_answers_as_the_server_does() {
    let server = Server::start(|asked| match (asked.path.as_str(), asked.range) {
        ("a", None) => Answer::File(vec![7; 1_000_000]),
        ("a", Some(_)) => Answer::File((0..=255).collect()),
        ("cut", _) => Answer::Cut(vec![7; 1000], 10),
        ("moved", _) => Answer::Redirect("/a".to_owned()),
        _ => Answer::Status(404),
    });
    let confined = played(|control| {
        let direct = Direct::new(&HttpLimits::default(), &Proxies::default());
        serve_all(direct, control.as_fd()).expect("it is asked until it is over");
    });
    let get = |path: &str, range: Option<&str>| {
        let answer = confined.get(&server.url(path), range).expect("it answers");
        let (status, start) = (answer.status(), answer.range_start());
        let (length, location) = (answer.content_length(), answer.head.location.clone());
        let mut body = Vec::new();
        let read = { answer.body }.read_to_end(&mut body);
        let body = read.map(|_| igos_format::Sha256::of(&body)).ok();
        (status, start, length, location, body)
    };
    let whole = Some(igos_format::Sha256::of(&vec![7; 1_000_000]));
    assert_eq!(get("a", None), (200, None, Some(1_000_000), None, whole));
    let part: Vec<u8> = (100..=255).collect();
    let part = Some(igos_format::Sha256::of(&part));
    let range = Some("bytes=100-");
    assert_eq!(get("a", range), (206, Some(100), Some(156), None, part));
    // The server announced more: there is no body to be had.
    assert_eq!(get("cut", None), (200, None, Some(1000), None, None));
    let (status, _, _, location, _) = get("moved", None);
    assert_eq!((status, location.as_deref()), (302, Some("/a")));
    assert_eq!(get("b", None).0, 404);
    // Whoever hears enough hangs up; the next one is answered as before.
    drop(confined.get(&server.url("a"), None));
    assert_eq!(get("b", None).0, 404);
    let refused = confined.get("http://127.0.0.1:1/a", None);
    let refused = refused.expect_err("nobody listens there");
    assert!(
        refused.concerns_host() && refused.is_transient(),
        "{refused}"
    );
}

#[test]
fn nonsense_of_a_downloader_is_refused() {
    let data = |content: &[u8]| frame(Kind::Data, content);
    let end = frame(Kind::End, b"");
    let large = |kind: u8| [&[kind][..], &u32::MAX.to_le_bytes()].concat();
    for (name, said) in [
        ("nothing at all", vec![]),
        ("half a prefix", b"H\x01".to_vec()),
        ("a kind that there is not", b"Z\0\0\0\0".to_vec()),
        ("a request", frame(Kind::Request, b"{}")),
        ("a head without end", large(b'H')),
        ("a failure without end", large(b'F')),
        ("half a head", head()[..20].to_vec()),
        ("a head that is no JSON", frame(Kind::Head, b"status")),
        (
            "a head of another form",
            frame(Kind::Head, br#"{"status":200}"#),
        ),
        (
            "a status of another size",
            frame(
                Kind::Head,
                br#"{"status":70000,"location":null,"content_length":null,"content_range":null}"#,
            ),
        ),
        (
            "data before the head",
            [data(b"abc"), head(), end.clone()].concat(),
        ),
        ("an end before the head", [end.clone(), head()].concat()),
        ("no end", [head(), data(b"abc")].concat()),
        (
            "half of its data",
            [head(), data(b"abc")[..6].to_vec()].concat(),
        ),
        ("data without end", [head(), large(b'D')].concat()),
        (
            "data of no bytes",
            [head(), data(b""), end.clone()].concat(),
        ),
        (
            "an end with something in it",
            [head(), b"E\x01\0\0\0x".to_vec()].concat(),
        ),
        (
            "a second head",
            [head(), data(b"abc"), head(), end.clone()].concat(),
        ),
        (
            "a failure that is no JSON",
            [head(), frame(Kind::Failure, b"no")].concat(),
        ),
    ] {
        let said = ask(&saying(said));
        assert!(
            matches!(
                said,
                Err(HttpError::Broken(_) | HttpError::Downloader { .. })
            ),
            "{name}: {said:?}"
        );
    }
    let honest = [head(), data(b"ab"), data(b"c"), end].concat();
    assert_eq!(ask(&saying(honest)).expect("it is honest"), b"abc");
}

#[test]
fn silent_downloader_is_left() {
    let silent = played(|control| {
        let mut asked = Vec::new();
        while let Ok(Some(socket)) = next_request(control.as_fd()) {
            asked.push(socket);
        }
    });
    let error = ask(&silent).expect_err("it says nothing");
    assert!(matches!(error, HttpError::Broken(_)), "{error}");
}

#[test]
fn dead_downloader_is_told_with_its_reason_and_not_asked_again() {
    let dead = played(drop);
    for _ in 0..2 {
        let error = ask(&dead).expect_err("it is dead");
        let HttpError::Downloader { reason } = error else {
            panic!("{error}");
        };
        assert!(reason.contains("it was played"), "{reason}");
    }
}

#[test]
fn without_a_sandbox_no_server_is_asked() {
    let server = Server::start(|_| Answer::File(b"a".to_vec()));
    // The tests of this crate are no program that can make sandboxes.
    let confined = new();
    for _ in 0..2 {
        let error = confined.get(&server.url("a"), None);
        let error = error.expect_err("it cannot be confined").to_string();
        assert!(error.contains("init_if_child"), "{error}");
    }
    assert_eq!(server.asked(), []);
}
