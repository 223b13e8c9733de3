//! What the kernel sees of a root: names below descriptors, no paths (threats note, X1, X2, X10).

use std::process::{Command, Stdio};

use fs_err as fs;

use crate::world::{TestPackage, World};

/// One system call as `strace` shows it.
struct Call<'a> {
    name: &'a str,
    line: &'a str,
    /// Quoted texts with what stands before each: a descriptor's number or `AT_FDCWD`.
    paths: Vec<(&'a str, &'a str)>,
}

impl<'a> Call<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let line = line.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ');
        let (name, arguments) = line.split_once('(')?;
        let mut paths = Vec::new();
        let mut before = "";
        for (number, part) in arguments.split('"').enumerate() {
            if number % 2 == 1 {
                let holder = before.trim_end_matches([' ', ',']);
                let holder = holder.rsplit([' ', ',', '(']).next().unwrap_or_default();
                paths.push((holder, part));
            }
            before = part;
        }
        Some(Call { name, line, paths })
    }

    fn has(&self, word: &str) -> bool {
        self.line.contains(word)
    }

    /// Tells why the call should not be, for a root at `root`.
    fn wrong(&self, root: &str) -> Option<&'static str> {
        // What a link says is no path of ours; programs are not of the root.
        if matches!(self.name, "execve" | "readlink" | "getcwd") {
            return None;
        }
        let paths = match self.name {
            "symlinkat" => &self.paths[1..],
            "readlinkat" => &self.paths[..1],
            _ => &self.paths[..],
        };
        paths.iter().find_map(|(holder, path)| {
            if path.starts_with('/') {
                return self.wrong_absolute(root, path);
            }
            let is_held = !holder.is_empty() && holder.bytes().all(|byte| byte.is_ascii_digit());
            is_held.then(|| self.wrong_relative(path)).flatten()
        })
    }

    fn wrong_absolute(&self, root: &str, path: &str) -> Option<&'static str> {
        let below = path.strip_prefix(root)?;
        let database = "/var/lib/igos/pkm.db";
        let is_way = database.starts_with(below) && self.has("AT_SYMLINK_NOFOLLOW");
        let is_sqlite = below.starts_with(database) || is_way || below == "/var/lib/igos";
        let opens_root = below.is_empty() && self.name.starts_with("openat");
        (!is_sqlite && !opens_root).then_some("a path into the root")
    }

    fn wrong_relative(&self, path: &str) -> Option<&'static str> {
        match self.name {
            "openat2" => {
                let is_strict = self.has("RESOLVE_BENEATH") && self.has("RESOLVE_NO_SYMLINKS");
                (!is_strict && !self.has("RESOLVE_IN_ROOT")).then_some("an open that may lead out")
            }
            "fchmodat" | "fchmodat2" | "fchownat" | "utimensat" => {
                (!path.is_empty()).then_some("attributes set by name")
            }
            _ if path.contains('/') => Some("more than one component"),
            "openat" => (path != ".." && path != "." && !self.has("O_NOFOLLOW"))
                .then_some("an open that follows links"),
            // Descriptors of this process have numbers for names, and are links to what is open.
            "statx" | "newfstatat"
                if !path
                    .bytes()
                    .all(|byte| byte.is_ascii_digit() || byte == b'.') =>
            {
                (!self.has("AT_SYMLINK_NOFOLLOW")).then_some("a look that follows links")
            }
            _ => None,
        }
    }
}

#[test]
fn careless_calls_would_be_seen() {
    for planted in [
        r#"12 openat(AT_FDCWD, "/r/usr/bin/a", O_WRONLY|O_CREAT, 0644) = 3"#,
        r#"12 chmod("/r/usr/bin/a", 0755) = 0"#,
        r#"12 fchownat(4, "a", 0, 0, AT_SYMLINK_NOFOLLOW) = 0"#,
        r#"12 utimensat(4, "a", NULL, 0) = 0"#,
        r#"12 renameat2(4, "7", 5, "usr/bin/a", 0) = 0"#,
        r#"12 mkdirat(4, "usr/bin", 0755) = 0"#,
        r#"12 openat(4, "a", O_RDONLY|O_CLOEXEC) = 5"#,
        r#"12 openat2(4, "usr/bin", {flags=O_RDONLY, resolve=0}, 24) = 5"#,
        r#"12 newfstatat(4, "a", {st_mode=S_IFREG}, 0) = 0"#,
        r#"12 lsetxattr("/r/a", "user.a", "b", 1, 0) = 0"#,
        r#"12 unlink("/r/usr/bin/a") = 0"#,
    ] {
        let call = Call::parse(planted).expect("it is a call");
        assert!(call.wrong("/r").is_some(), "{planted}");
    }
    for right in [
        r#"12 renameat2(4, "7", 5, "a", RENAME_NOREPLACE) = 0"#,
        r#"12 utimensat(4, "", NULL, AT_EMPTY_PATH) = 0"#,
        r#"12 symlinkat("../lib/a", 4, "a") = 0"#,
        r#"12 openat(AT_FDCWD, "/r", O_RDONLY|O_DIRECTORY) = 3"#,
        r#"12 openat(AT_FDCWD, "/lib/libc.so.6", O_RDONLY) = 3"#,
    ] {
        let call = Call::parse(right).expect("it is a call");
        assert_eq!(call.wrong("/r"), None, "{right}");
    }
}

#[test]
#[expect(
    clippy::print_stdout,
    reason = "a test tells its figures, and why it is skipped"
)]
fn no_command_touches_a_root_by_a_path() {
    let world = World::new();
    let version = |number: &str| {
        TestPackage::new("tool", number)
            .file("usr/bin/tool", number, 0o755)
            .file("usr/share/tool/deep/data", number, 0o644)
            .configuration("etc/tool.conf", number)
    };
    let (first, second) = (world.archive(&version("1")), world.archive(&version("2")));
    fs::create_dir_all(world.path("root")).expect("directories");
    let root = world.path("root");
    let root = root.to_str().expect("UTF-8");
    let commands: [&[&str]; 9] = [
        &["install", "--yes", "--allow-unsigned", &first],
        &["install", "--yes", "--allow-unsigned", &second],
        &["verify", "--extra"],
        &["list"],
        &["owner", "/usr/bin/tool"],
        &["db", "check"],
        &["db", "rebuild"],
        &["rollback", "2", "--yes"],
        &["remove", "--yes", "tool"],
    ];
    let mut calls = 0;
    for arguments in commands {
        let trace = world.path("trace");
        #[expect(clippy::disallowed_methods, reason = "a test looks on")]
        let mut strace = Command::new("strace");
        let ended = strace
            .args(["-f", "-s", "4096", "-e", "trace=%file", "-o"])
            .arg(&trace)
            .args([env!("CARGO_BIN_EXE_pkm"), "--root", root])
            .args(arguments)
            .stdin(Stdio::null())
            .output();
        let Ok(ended) = ended else {
            println!("skipped: there is no strace to look on with");
            return;
        };
        // It says nothing where the kernel does not let it look on.
        let text = fs::read(&trace).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        if text.is_empty() {
            println!("skipped: strace may not look on here");
            return;
        }
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(0), "{arguments:?}: {said}");
        for call in text.lines().filter_map(Call::parse) {
            calls += 1;
            assert_eq!(call.wrong(root), None, "{arguments:?}: {}", call.line);
        }
    }
    println!("{calls} calls with names in 9 commands, none by a path into the root");
}
