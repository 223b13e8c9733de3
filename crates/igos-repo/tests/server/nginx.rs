//! A real web server for tests of several crates: nginx on the loopback interface, and what its log says it sent.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const NGINX: &str = "/usr/sbin/nginx";

/// Begins the paths that are asked for so that the log says how far it is.
const MARK: &str = "/until-here-";

/// A running nginx that serves a directory; it stops when dropped.
pub(crate) struct Nginx {
    process: Child,
    directory: tempfile::TempDir,
    port: u16,
}

impl Nginx {
    /// Starts the server; `None`, after saying so, where it is not installed.
    pub(crate) fn start(served: &Path) -> Option<Self> {
        if !Path::new(NGINX).exists() {
            tell("skipped: nginx is not installed");
            return None;
        }
        let directory = tempfile::tempdir().expect("a temporary directory");
        let port = free_port();
        let here = directory.path().display();
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {here}/{kind};"))
            .join(" ");
        let settings = format!(
            "daemon off; master_process off; pid {here}/pid; error_log {here}/error.log;\n\
             events {{}}\n\
             http {{ {temporary} log_format sent '$request_uri $status $body_bytes_sent';\n\
             access_log {here}/access.log sent; keepalive_requests 100000;\n\
             server {{ listen 127.0.0.1:{port}; root {}; }} }}\n",
            served.display()
        );
        let file = directory.path().join("nginx.conf");
        fs_err::write(&file, settings).expect("the directory is ours");
        #[expect(clippy::disallowed_methods, reason = "the server of the test")]
        let process = Command::new(NGINX)
            .arg("-p")
            .arg(directory.path())
            .arg("-c")
            .arg(&file)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it is installed");
        let mut nginx = Nginx {
            process,
            directory,
            port,
        };
        nginx.wait();
        Some(nginx)
    }

    #[expect(clippy::disallowed_methods, reason = "the server of the test")]
    fn wait(&mut self) {
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let ended = self.process.try_wait().expect("it is our child");
            let log = || fs_err::read_to_string(self.directory.path().join("error.log"));
            assert!(ended.is_none(), "nginx ended: {:?}", log());
            assert!(
                began.elapsed() < Duration::from_secs(30),
                "nginx does not listen"
            );
            std::thread::yield_now();
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Returns the log, once all is in it that was answered: the server writes a line after its answer, so it is asked
    /// for something more, whose line comes last.
    #[expect(
        clippy::disallowed_methods,
        reason = "a request of the test to its server"
    )]
    fn settled_log(&self) -> String {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let mark = format!("{MARK}{} ", NEXT.fetch_add(1, Ordering::Relaxed));
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        let request = format!("GET {mark}HTTP/1.0\r\n\r\n");
        stream.write_all(request.as_bytes()).expect("it listens");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("it answers");
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let log = fs_err::read_to_string(self.directory.path().join("access.log"));
            let log = log.expect("it logs every request");
            if log.contains(&mark) && log.ends_with('\n') {
                return log;
            }
            assert!(Instant::now() < deadline, "it does not log {mark}");
            std::thread::yield_now();
        }
    }

    /// Returns the requests so far that have `part` in their path: path, status, bytes of the body.
    pub(crate) fn log(&self, part: &str) -> Vec<(String, u16, u64)> {
        let log = self.settled_log();
        let parse = |line: &str| {
            let mut fields = line.split(' ');
            Some((
                fields.next()?.to_owned(),
                fields.next()?.parse().ok()?,
                fields.next()?.parse().ok()?,
            ))
        };
        let all = log.lines().map(|line| parse(line).expect("our own format"));
        all.filter(|(path, _, _)| path.contains(part) && !path.starts_with(MARK))
            .collect()
    }

    pub(crate) fn sent(&self, part: &str) -> u64 {
        self.log(part).iter().map(|(_, _, bytes)| bytes).sum()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        self.process.kill().expect("it is our child");
        self.process.wait().expect("it is our child");
    }
}

#[expect(clippy::disallowed_methods, reason = "the server of the test")]
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback interface is there");
    listener.local_addr().expect("it is bound").port()
}

#[expect(
    clippy::print_stderr,
    reason = "what a test measures, or why it does not run"
)]
pub(crate) fn tell(text: &str) {
    eprintln!("{text}");
}
