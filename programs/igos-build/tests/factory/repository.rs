//! A git repository, served on loopback by git's own program for that.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use crate::world::{World, listener};

/// A repository with one branch, `main`, and one file, `tale.txt`.
pub(crate) struct Repository {
    work: PathBuf,
    port: u16,
}

impl Repository {
    /// Makes an empty one below the world and serves it while the test runs; says why and returns `None` where
    /// this machine cannot.
    #[expect(clippy::print_stdout, reason = "a test that cannot run says why")]
    pub(crate) fn new(world: &World) -> Option<Self> {
        let Some(programs) = git(world.path(), &["--exec-path"]) else {
            println!("skipped: this machine has no git");
            return None;
        };
        let server = Path::new(&programs).join("git-http-backend");
        if !server.exists() {
            println!("skipped: this machine has no {}", server.display());
            return None;
        }
        let work = world.path().join("served/tale.git");
        fs_err::create_dir_all(&work).expect("the world is ours");
        git(&work, &["init", "--quiet", "--initial-branch=main"])?;
        git(&work, &["config", "uploadpack.allowAnySHA1InWant", "true"])?;
        let listener = listener();
        let port = listener.local_addr().expect("it is bound").port();
        let top = world.path().join("served");
        // Ends with the process of the tests.
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                // A client that goes away is none of the test's business.
                let _gone = answer(&stream, &server, &top).is_err();
            }
        });
        Some(Repository { work, port })
    }

    /// Returns its address.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/tale.git", self.port)
    }

    /// Commits this text and returns the commit's number.
    pub(crate) fn commit(&self, text: &str) -> String {
        fs_err::write(self.work.join("tale.txt"), text).expect("the world is ours");
        git(&self.work, &["add", "tale.txt"]).expect("there is a file");
        git(&self.work, &["commit", "--quiet", "-m", "Tell"]).expect("it changed");
        git(&self.work, &["rev-parse", "HEAD"]).expect("there is a commit")
    }
}

/// Runs git and returns what it prints.
fn git(directory: &Path, arguments: &[&str]) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "a test makes a repository")]
    let output = Command::new("git")
        .args(["-c", "user.name=Teller", "-c", "user.email=teller@example"])
        .args(["-c", "commit.gpgSign=false"])
        .args(arguments)
        .current_dir(directory)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Answers one request through the program `server`, which speaks CGI.
fn answer(stream: &TcpStream, server: &Path, top: &Path) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace();
    let (method, target) = (
        words.next().unwrap_or_default().to_owned(),
        words.next().unwrap_or_default().to_owned(),
    );
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    #[expect(clippy::disallowed_methods, reason = "the server of a test")]
    let mut command = Command::new(server);
    command
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("GIT_PROJECT_ROOT", top)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "safe.directory")
        .env("GIT_CONFIG_VALUE_0", "*")
        .env("REQUEST_METHOD", &method)
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap_or(0),
            "content-type" => drop(command.env("CONTENT_TYPE", value)),
            "content-encoding" => drop(command.env("HTTP_CONTENT_ENCODING", value)),
            "git-protocol" => drop(command.env("GIT_PROTOCOL", value)),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let mut running = command
        .env("CONTENT_LENGTH", length.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    running
        .stdin
        .take()
        .map_or(Ok(()), |mut input| input.write_all(&body))?;
    let output = running.wait_with_output()?.stdout;
    // CGI says `Status:` where HTTP has its first line.
    let status = String::from_utf8_lossy(&output)
        .lines()
        .find_map(|line| Some(line.strip_prefix("Status: ")?.trim().to_owned()))
        .unwrap_or_else(|| "200 OK".into());
    let mut stream = stream;
    write!(stream, "HTTP/1.1 {status}\r\nConnection: close\r\n")?;
    stream.write_all(&output)
}
