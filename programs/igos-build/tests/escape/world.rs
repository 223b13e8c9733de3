//! A host that probes look for, recipes that carry the probe, and `igos-build` run on them by some user.

use std::fmt;
use std::os::unix::fs::{PermissionsExt, lchown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use igos_format::Sha256;

use crate::toolchain;

/// An ordinary user: `nobody`.
pub(crate) const ORDINARY: u32 = 65_534;

/// Longest time until the host is there.
const HOST_TIME: Duration = Duration::from_secs(20);

/// Who runs `igos-build`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum User {
    /// Root of the machine.
    Root,
    /// Somebody that root becomes.
    Ordinary(u32),
    /// Who runs the test, and is not root.
    Myself,
}

impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            User::Root => "as root",
            User::Ordinary(_) | User::Myself => "as an ordinary user",
        })
    }
}

/// Whether `igos-build` is started with a controlling terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seat {
    /// At a terminal.
    Terminal,
    /// Without one.
    Nothing,
}

/// One user's host, recipes and cache.
pub(crate) struct World {
    /// Where all is.
    pub(crate) path: PathBuf,
    pub(crate) user: User,
    top: PathBuf,
    host: Child,
}

/// What a run of `igos-build` said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) printed: String,
    pub(crate) story: String,
}

impl World {
    pub(crate) fn new(top: &Path, user: User) -> Self {
        let name = match user {
            User::Root => "root",
            User::Ordinary(_) | User::Myself => "ordinary",
        };
        let path = top.join(name);
        for inner in ["host/state", "packages/core", "mirror", "cache"] {
            fs_err::create_dir_all(path.join(inner)).expect("the directory is the test's");
        }
        for (name, mode) in [("file", 0o644), ("key", 0o600)] {
            let file = path.join("host").join(name);
            fs_err::write(&file, "of the host\n").expect("the directory is the test's");
            fs_err::set_permissions(&file, PermissionsExt::from_mode(mode)).expect("it is ours");
        }
        fs_err::copy(top.join("probe"), path.join("mirror/probe")).expect("it was compiled");
        toolchain::make(&path.join("cache"), "tiny", "first");
        give(&path, user);
        let mut command = as_user(&top.join("probe"), user);
        let world_file = path.join("host/world");
        let host = command
            .arg("host")
            .args([&world_file, &path.join("host")])
            .stdin(Stdio::piped())
            .spawn()
            .expect("the probe runs");
        let deadline = Instant::now() + HOST_TIME;
        while !world_file.exists() {
            assert!(Instant::now() < deadline, "the host did not start");
            std::thread::yield_now();
        }
        World {
            path,
            user,
            top: top.to_owned(),
            host,
        }
    }

    /// Returns the file that names the groups of the test.
    pub(crate) fn groups(&self) -> PathBuf {
        self.top.join("groups")
    }

    /// Returns the probe.
    pub(crate) fn probe(&self) -> PathBuf {
        self.top.join("probe")
    }

    /// Writes a recipe that has the probe as its source, and the script as its `build.sh`.
    ///
    /// `/build/probe` is the probe, `/recipe/world` says what there is on the host.
    pub(crate) fn recipe(&self, name: &str, script: &str) {
        let probe = fs_err::read(self.path.join("mirror/probe")).expect("it is there");
        let text = format!(
            "format: 1\nname: {name}\nversion: \"1\"\nrelease: 1\ntier: core\ndescription: For a test\nlicense: CC0-1.0\nbuild_style: custom\nsource:\n  - url: https://igos-escape.example/probe\n    sha256: {}\n",
            Sha256::of(&probe)
        );
        let script = format!(
            "prepare() {{\n    cp probe /build/probe\n    chmod 755 /build/probe\n    mkdir -p /dest/usr/share\n    echo $PKG_NAME > /dest/usr/share/$PKG_NAME\n}}\n{script}"
        );
        self.recipe_of(name, &text, &script);
        let to = self.path.join("packages/core").join(name).join("world");
        fs_err::copy(self.path.join("host/world"), &to).expect("the directory is the test's");
        give(&to, self.user);
    }

    /// Writes a recipe of this text.
    pub(crate) fn recipe_of(&self, name: &str, text: &str, script: &str) {
        let directory = self.path.join("packages/core").join(name);
        fs_err::create_dir_all(&directory).expect("the directory is the test's");
        fs_err::write(directory.join("package.yml"), text).expect("the directory is the test's");
        fs_err::write(directory.join("build.sh"), script).expect("the directory is the test's");
        give(&directory, self.user);
    }

    /// Deletes all recipes and all logs.
    pub(crate) fn forget(&self) {
        for name in ["packages", "cache/logs"] {
            let directory = self.path.join(name);
            if directory.exists() {
                fs_err::remove_dir_all(&directory).expect("the directory is the test's");
            }
        }
        fs_err::create_dir_all(self.path.join("packages/core"))
            .expect("the directory is the test's");
        give(&self.path.join("packages"), self.user);
    }

    /// Runs `igos-build` from somewhere, through programs that start it.
    pub(crate) fn run(&self, seat: Seat, through: &[&str], arguments: &[&str]) -> Said {
        let probe = self.probe();
        // It inherits descriptors of the host, as from a careless caller.
        let mut words: Vec<String> = vec![
            "leak".into(),
            self.path.join("host/file").display().to_string(),
        ];
        if seat == Seat::Terminal {
            words.extend([probe.display().to_string(), "terminal".into()]);
        }
        words.extend(through.iter().map(|word| (*word).to_owned()));
        words.push(self.top.join("igos-build").display().to_string());
        words.extend(["--offline", "--recipes"].map(str::to_owned));
        words.push(self.path.join("packages").display().to_string());
        for (option, place) in [("--cache", "cache"), ("--mirror", "mirror")] {
            words.push(option.to_owned());
            words.push(self.path.join(place).display().to_string());
        }
        words.extend(arguments.iter().map(|word| (*word).to_owned()));
        let output = as_user(&probe, self.user)
            .args(words)
            .current_dir(self.path.join("host"))
            .stdin(Stdio::null())
            .output()
            .expect("the probe runs");
        Said {
            code: output.status.code(),
            printed: String::from_utf8_lossy(&output.stdout).into_owned(),
            story: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Builds all recipes, whatever becomes of each; returns the answer.
    pub(crate) fn build_all(&self, options: &[&str]) -> serde_json::Value {
        let arguments: Vec<&str> = ["build", "--all", "--keep-going", "--json"]
            .into_iter()
            .chain(options.iter().copied())
            .collect();
        let said = self.run(Seat::Nothing, &[], &arguments);
        serde_json::from_str(&said.printed).unwrap_or_else(|error| panic!("{error}: {said:?}"))
    }

    /// Returns the receipts of all builds.
    pub(crate) fn receipts(&self) -> String {
        fs_err::read_dir(self.path.join("cache/builds"))
            .expect("something was built")
            .map(|entry| entry.expect("it can be read").path().join("receipt.json"))
            .map(|path| fs_err::read_to_string(path).expect("every build has one"))
            .collect()
    }

    /// Returns the log of a package's only build.
    pub(crate) fn log(&self, name: &str) -> String {
        let logs = self.path.join("cache/logs");
        let start = format!("{name}-");
        let mut found = fs_err::read_dir(&logs)
            .expect("something was built")
            .map(|entry| entry.expect("it can be read"))
            .filter(|entry| {
                let file = entry.file_name().to_string_lossy().into_owned();
                let rest = file.strip_prefix(&start).map(str::to_owned);
                rest.is_some_and(|rest| !rest.contains('-'))
            });
        let path = found
            .next()
            .unwrap_or_else(|| panic!("{name} has no log"))
            .path();
        let bytes = fs_err::read(path).expect("it can be read");
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        drop(self.host.stdin.take());
        // It ends with its input; that it has ended is all that is wanted.
        self.host.wait().ok();
    }
}

/// Returns a package of the answer of a build.
pub(crate) fn package<'a>(answer: &'a serde_json::Value, name: &str) -> &'a serde_json::Value {
    answer["packages"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|one| one["name"] == name)
        .unwrap_or_else(|| panic!("{name} is not in {answer:#}"))
}

/// Returns a command that a user runs.
pub(crate) fn as_user(program: &Path, user: User) -> Command {
    #[expect(clippy::disallowed_methods, reason = "a test of a program starts it")]
    let mut command = Command::new(program);
    if let User::Ordinary(id) = user {
        command.uid(id).gid(id);
    }
    command
}

/// Gives a tree to the user.
pub(crate) fn give(path: &Path, user: User) {
    let User::Ordinary(id) = user else { return };
    lchown(path, Some(id), Some(id)).expect("root gives away");
    if path.symlink_metadata().expect("it is there").is_dir() {
        for entry in fs_err::read_dir(path).expect("it can be read") {
            give(&entry.expect("it can be read").path(), user);
        }
    }
}
