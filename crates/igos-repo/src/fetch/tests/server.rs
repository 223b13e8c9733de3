//! A web server on the loopback interface that misbehaves on demand.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// What the server was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) path: String,
    /// First byte of the range asked for.
    pub(crate) range: Option<u64>,
    /// The byte after the last of the range asked for, where it has an end.
    pub(crate) end: Option<u64>,
    /// How many requests came before this one.
    pub(crate) number: usize,
}

/// What it answers.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// The file, from the byte asked for.
    File(Vec<u8>),
    /// The whole file, whatever range was asked for.
    Whole(Vec<u8>),
    /// The file from the byte asked for, cut off after so many bytes although more were announced.
    Cut(Vec<u8>, usize),
    /// A status without content.
    Status(u16),
    /// A redirect.
    Redirect(String),
    /// Data without end, until the client hangs up.
    Endless,
    /// The beginning of an answer and then nothing, until the client hangs up.
    Silent,
}

type Rule = dyn Fn(&Asked) -> Answer + Send + Sync;

/// A running server; it stops when dropped.
pub(crate) struct Server {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    #[expect(
        clippy::disallowed_methods,
        reason = "the tests' own server, on the loopback interface"
    )]
    pub(crate) fn start(rule: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback interface is there");
        let address = listener.local_addr().expect("it is bound");
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let stop = Arc::new(AtomicBool::new(false));
        let (rule, seen, stopped): (Arc<Rule>, _, _) =
            (Arc::new(rule), asked.clone(), stop.clone());
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let (rule, seen) = (rule.clone(), seen.clone());
                // A client that hangs up is what half of the tests are about.
                std::thread::spawn(move || {
                    stream.and_then(|stream| serve(&stream, &*rule, &seen)).ok()
                });
            }
        });
        Server {
            address,
            asked,
            stop,
            thread: Some(thread),
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("no handler panicked").clone()
    }
}

impl Drop for Server {
    #[expect(clippy::disallowed_methods, reason = "wakes the tests' own server")]
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for a connection.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the server does not panic");
        }
    }
}

fn serve(stream: &TcpStream, rule: &Rule, seen: &Mutex<Vec<Asked>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let path = line
        .split(' ')
        .nth(1)
        .unwrap_or_default()
        .trim_start_matches('/')
        .to_owned();
    let (mut range, mut end) = (None, None);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        let header = header.trim_end().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("range: bytes=") {
            let (first, last) = value.split_once('-').unwrap_or((value, ""));
            range = first.parse().ok();
            end = last.parse().ok().map(|last: u64| last + 1);
        }
    }
    let asked = {
        let mut seen = seen.lock().expect("no handler panicked");
        let number = seen.len();
        seen.push(Asked {
            path,
            range,
            end,
            number,
        });
        seen[number].clone()
    };
    answer(stream, &asked, rule(&asked))?;
    stream.shutdown(Shutdown::Both)
}

fn answer(mut stream: &TcpStream, asked: &Asked, answer: Answer) -> std::io::Result<()> {
    let head = |status: u16, headers: &str| {
        format!("HTTP/1.1 {status} X\r\nConnection: close\r\n{headers}\r\n")
    };
    let from = |file: &[u8], sent: usize| {
        let start = asked.range.unwrap_or(0) as usize;
        if start > 0 && start >= file.len() {
            return (head(416, "Content-Length: 0\r\n"), Vec::new());
        }
        let end = asked
            .end
            .map_or(file.len(), |end| file.len().min(end as usize));
        let rest = &file[start..end];
        let length = format!("Content-Length: {}\r\n", rest.len());
        let head = match asked.range {
            None => head(200, &length),
            Some(_) => head(
                206,
                &format!(
                    "{length}Content-Range: bytes {start}-{}/{}\r\n",
                    end.saturating_sub(1),
                    file.len()
                ),
            ),
        };
        (head, rest[..sent.min(rest.len())].to_vec())
    };
    let (head, body) = match answer {
        Answer::File(file) => from(&file, usize::MAX),
        Answer::Cut(file, sent) => from(&file, sent),
        Answer::Whole(file) => (
            head(200, &format!("Content-Length: {}\r\n", file.len())),
            file,
        ),
        Answer::Status(status) => (head(status, "Content-Length: 0\r\n"), Vec::new()),
        Answer::Redirect(to) => (
            head(302, &format!("Content-Length: 0\r\nLocation: {to}\r\n")),
            Vec::new(),
        ),
        Answer::Endless => {
            stream.write_all(head(200, "").as_bytes())?;
            loop {
                stream.write_all(&[b'x'; 4096])?;
            }
        }
        Answer::Silent => {
            stream.write_all(head(200, "Content-Length: 1000\r\n").as_bytes())?;
            stream.write_all(b"beginning")?;
            return stream.read(&mut [0]).map(drop);
        }
    };
    stream.write_all(head.as_bytes())?;
    stream.write_all(&body)
}
