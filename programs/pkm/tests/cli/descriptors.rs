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

    /// Tells whether it has a name that may not be seen: its address is shown.
    fn is_hidden(&self) -> bool {
        self.paths.is_empty() && (self.has("(0x") || self.has(", 0x"))
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
            "symlinkat" => self.paths.get(1..),
            "readlinkat" => self.paths.get(..1),
            _ => Some(&self.paths[..]),
        };
        paths?.iter().find_map(|(holder, path)| {
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

/// One command that is looked at.
struct Run {
    /// The command as the program's own list has it, and what follows it; `{name}` is a path of the world.
    arguments: &'static str,
    /// How it ends.
    code: i32,
    /// What happens before it.
    before: fn(&World),
}

const fn run(arguments: &'static str, code: i32) -> Run {
    run_after(arguments, code, |_| {})
}

const fn run_after(arguments: &'static str, code: i32, before: fn(&World)) -> Run {
    Run {
        arguments,
        code,
        before,
    }
}

/// Every command at least once, in an order in which each has something to do.
const RUNS: &[Run] = &[
    run("sync", 0),
    run("search tool", 0),
    run("list --available", 0),
    run("info --available tool", 0),
    run("owner --available /usr/bin/tool", 0),
    run("command-not-found tool", 0),
    run("why-not tool", 1),
    run("download tool --to {downloads}", 0),
    run("cache list", 0),
    run("install --yes tool", 0),
    run("check-updates", 0),
    run_after("sync", 0, |world| world.publish("main", "", &[&tool("2")])),
    run_after("upgrade --yes", 0, |world| {
        world.write("etc/tool.conf", "mine")
    }),
    run("list", 0),
    run("list --upgradable", 0),
    run("info tool", 0),
    run("files tool", 0),
    run("owner /usr/bin/tool", 0),
    run("depends tool --tree", 0),
    run("why library", 0),
    run("config list", 0),
    run("config diff /etc/tool.conf", 0),
    run("config merge --yes /etc/tool.conf", 1),
    run_after("install --yes --allow-unsigned {third}", 0, |world| {
        world.write("etc/tool.conf", "mine again");
    }),
    run("config accept --yes /etc/tool.conf", 0),
    run_after(
        "reinstall --yes tool --file {third} --allow-unsigned",
        0,
        |world| {
            world.write("etc/tool.conf", "mine once more");
        },
    ),
    run("config reject --yes /etc/tool.conf", 1),
    run_after("repair --yes --archives {archives}", 0, |world| {
        world.delete("usr/share/tool/deep/data");
    }),
    run("verify --extra", 1),
    run("history", 0),
    run("diff 1", 0),
    run("hold --yes tool", 0),
    run("unhold --yes tool", 0),
    run("mark --yes automatic tool", 0),
    run("mark --yes explicit tool", 0),
    run("world", 0),
    run_after("apply --yes {world.toml}", 0, |world| {
        let told = world.pkm(&["world"]).stdout;
        let here = world.path(".").display().to_string();
        let told = told.replace("[WORLD]", here.trim_end_matches("/."));
        fs::write(world.path("world.toml"), told).expect("the world is ours");
    }),
    run("alternatives list", 0),
    run("alternatives set /usr/bin/tool tool", 1),
    run("services list", 0),
    run("services enable tool", 1),
    run("services disable tool", 1),
    run("install-helper tool", 1),
    run("hooks list", 0),
    run("hooks run", 0),
    run("restart-services --list", 2),
    run("kernels", 0),
    run("settings", 0),
    run("unpack {third} {unpacked}", 0),
    run("repository list", 0),
    run("repository keys main", 0),
    run(
        "repository add second {main} --root-key {main/metadata/1.root.json}",
        0,
    ),
    run("repository remove --yes second", 0),
    run("db check", 0),
    run("db rebuild", 0),
    run("recover", 0),
    run("rollback 2 --yes", 0),
    run("remove --yes tool", 0),
    run("autoremove --yes", 0),
    run("adopt --yes --allow-unsigned {third}", 1),
    run("import --yes --allow-unsigned {manifests}", 0),
    run("cache clean --all --yes", 0),
];

fn tool(version: &str) -> TestPackage {
    TestPackage::new("tool", version)
        .depends("library")
        .file("usr/bin/tool", version, 0o755)
        .file("usr/share/tool/deep/data", version, 0o644)
        .file(
            "usr/lib/tmpfiles.d/tool.conf",
            "d /var/lib/tool 0755 - -\n",
            0o644,
        )
        .configuration("etc/tool.conf", version)
}

fn library() -> TestPackage {
    TestPackage::new("library", "1").file("usr/lib/library.so.1", "1", 0o755)
}

/// Returns the commands of the program that do something themselves: those without commands of their own.
fn commands_of(command: &clap::Command, above: &str) -> Vec<String> {
    let mut commands = Vec::new();
    for below in command.get_subcommands() {
        let name = format!("{above}{}", below.get_name());
        if below.has_subcommands() {
            commands.extend(commands_of(below, &format!("{name} ")));
        } else {
            commands.push(name);
        }
    }
    commands
}

#[test]
fn every_command_is_looked_at() {
    let program = <pkm::cli::Pkm as clap::CommandFactory>::command();
    let is_run = |command: &String| {
        RUNS.iter()
            .any(|run| format!("{} ", run.arguments).starts_with(&format!("{command} ")))
    };
    let forgotten: Vec<String> = commands_of(&program, "")
        .into_iter()
        .filter(|command| !is_run(command))
        .collect();
    assert_eq!(forgotten, Vec::<String>::new());
}

/// Runs a command, and returns its exit code, what it said and what the kernel saw, `None` if nothing looked on.
fn look(world: &World, arguments: &[String]) -> Option<(Option<i32>, String, String)> {
    let trace = world.path("trace");
    #[expect(clippy::disallowed_methods, reason = "a test looks on")]
    let mut strace = Command::new("strace");
    let ended = strace
        .args(["-f", "-s", "4096", "-e", "trace=%file", "-o"])
        .arg(&trace)
        .arg(env!("CARGO_BIN_EXE_pkm"))
        .arg("--root")
        .arg(world.path("root"))
        .args(arguments)
        .current_dir(world.path("."))
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let text = fs::read(&trace).unwrap_or_default();
    let said = [ended.stdout, ended.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    (!text.is_empty()).then(|| {
        let said = String::from_utf8_lossy(&said).into_owned();
        (ended.status.code(), said, text)
    })
}

#[test]
#[expect(
    clippy::print_stdout,
    reason = "a test tells its figures, and why it is skipped"
)]
fn no_command_touches_a_root_by_a_path() {
    let world = World::new();
    world.publish("main", "", &[&tool("1"), &library()]);
    fs::create_dir(world.path("manifests")).expect("the world is ours");
    let third = world.archive(&tool("3"));
    let root = world.path("root").display().to_string();
    let (mut calls, mut hidden, mut wrong) = (0, 0, Vec::new());
    for run in RUNS {
        (run.before)(&world);
        let path = |word: &str| match word
            .strip_prefix('{')
            .and_then(|word| word.strip_suffix('}'))
        {
            Some("third") => third.clone(),
            Some(name) => world.path(name).display().to_string(),
            None => word.to_owned(),
        };
        let arguments: Vec<String> = run.arguments.split(' ').map(path).collect();
        let Some((code, said, text)) = look(&world, &arguments) else {
            println!("skipped: strace is not there, or may not look on");
            return;
        };
        if code != Some(run.code) {
            wrong.push(format!("{}: ends with {code:?}: {said}", run.arguments));
        }
        for call in text.lines().filter_map(Call::parse) {
            calls += 1;
            hidden += usize::from(call.is_hidden());
            if let Some(why) = call.wrong(&root) {
                wrong.push(format!("{}: {why}: {}", run.arguments, call.line));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    let runs = RUNS.len();
    println!("{calls} calls with names in {runs} commands, none by a path into the root");
    // An ordinary user may not read the memory of what sets up a sandbox in a user namespace of its own.
    println!("{hidden} of them have names that nobody may see");
    assert!(hidden == 0 || !rustix::process::geteuid().is_root());
}
