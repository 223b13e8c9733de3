//! A copy of tinyworld with a cache of its own, and `igos-build` run on it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use igos_format::archive::ArchiveReader;

use crate::toolchain;

/// The recipe trees of tinyworld, in search order.
const TREES: [&str; 3] = ["packages", "kiss/classic", "kiss/community"];

/// A copy of tinyworld with a cache of its own.
pub(crate) struct World {
    directory: tempfile::TempDir,
}

/// What a run of `igos-build` said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) answer: serde_json::Value,
    pub(crate) story: String,
}

impl World {
    /// Returns a new world; says why and returns `None` where no sandbox or no toolchain can be made.
    #[expect(clippy::print_stdout, reason = "a test that cannot run says why")]
    pub(crate) fn new() -> Option<Self> {
        if let Some(reason) = toolchain::obstacle() {
            println!("skipped: {reason}");
            return None;
        }
        let directory = tempfile::tempdir().expect("a temporary directory");
        // Builds run as another user when root tests.
        set_mode(directory.path(), 0o755);
        let world = World { directory };
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/tinyworld");
        copy_tree(&from, world.path());
        toolchain::make(&world.cache(), "tiny", "first");
        // Whether a sandbox can be made is looked at before the root is.
        let said = world.run(&["run", "--root", "no-root", "--", "true"]);
        if said.story.contains("sandbox-feature-missing") {
            println!("skipped: {}", said.story);
            return None;
        }
        Some(world)
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn cache(&self) -> PathBuf {
        self.path().join("cache")
    }

    /// Returns the archive of the toolchain, which has the shell.
    pub(crate) fn toolchain_archive(&self) -> PathBuf {
        let archives = self.cache().join("toolchains/tiny/archives");
        let mut found = fs_err::read_dir(archives).expect("it was made");
        let only = found.next().expect("it has one archive");
        only.expect("it can be read").path()
    }

    /// Writes a file of the world.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        fs_err::create_dir_all(path.parent().expect("files are in directories"))
            .expect("the world is ours");
        fs_err::write(path, text).expect("the world is ours");
    }

    /// Replaces `from` by `to` in a file of the world.
    pub(crate) fn edit(&self, path: &str, from: &str, to: &str) {
        let text = fs_err::read_to_string(self.path().join(path)).expect("the file is there");
        assert!(text.contains(from), "{path} has no {from:?}");
        self.write(path, &text.replace(from, to));
    }

    /// Writes a recipe whose `build.sh` is this.
    pub(crate) fn recipe(&self, name: &str, build: &str, script: &str) {
        let text = format!(
            "format: 1\nname: {name}\nversion: \"1\"\nrelease: 1\ntier: core\ndescription: For a test\nlicense: CC0-1.0\nbuild_style: custom\nsource: []\ndependencies:\n  build: [{build}]\n  host: []\n  runtime: []\n"
        );
        self.write(&format!("packages/core/{name}/package.yml"), &text);
        self.write(&format!("packages/core/{name}/build.sh"), script);
    }

    /// Returns `igos-build` with these arguments, without a network.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let all: Vec<&str> = ["--offline"]
            .into_iter()
            .chain(arguments.iter().copied())
            .collect();
        self.connected_command(&all)
    }

    /// Returns `igos-build` with these arguments, which may ask addresses; the tests name none but of loopback.
    pub(crate) fn connected_command(&self, arguments: &[&str]) -> Command {
        #[expect(clippy::disallowed_methods, reason = "a test of a program starts it")]
        let mut command = Command::new(env!("CARGO_BIN_EXE_igos-build"));
        let trees: Vec<String> = TREES
            .iter()
            .map(|tree| self.path().join(tree).display().to_string())
            .collect();
        command
            .env_clear()
            .stdin(Stdio::null())
            .arg("--recipes")
            .arg(trees.join(":"))
            .arg("--cache")
            .arg(self.cache())
            .arg("--mirror")
            .arg(self.path().join("mirror"))
            .args(arguments);
        command
    }

    /// Runs `igos-build` with these arguments and `--json`.
    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        Said::of(&mut self.command(&as_json(arguments)))
    }

    /// Runs `igos-build` as [`World::run`] does, with a network.
    pub(crate) fn run_connected(&self, arguments: &[&str]) -> Said {
        Said::of(&mut self.connected_command(&as_json(arguments)))
    }

    /// Builds everything, which must work, and returns the names of what was built rather than found in the cache.
    pub(crate) fn rebuilt(&self, arguments: &[&str]) -> BTreeSet<String> {
        let all: Vec<&str> = ["build", "--all"]
            .into_iter()
            .chain(arguments.iter().copied())
            .collect();
        let said = self.run(&all);
        assert_eq!(said.code, Some(0), "{}", said.story);
        said.with_status("built")
    }
}

impl Said {
    /// Runs a command that ends in one JSON value.
    pub(crate) fn of(command: &mut Command) -> Self {
        let output = command
            .output()
            .expect("the program is built with the tests");
        let text = String::from_utf8(output.stdout).expect("JSON is text");
        let story = String::from_utf8_lossy(&output.stderr).into_owned();
        Said {
            code: output.status.code(),
            answer: serde_json::from_str(&text)
                .unwrap_or_else(|error| panic!("{error} in {text:?}, {story}")),
            story,
        }
    }

    /// Returns the names of the packages with this status.
    pub(crate) fn with_status(&self, status: &str) -> BTreeSet<String> {
        self.packages()
            .filter(|(_, one)| one["status"] == status)
            .map(|(name, _)| name)
            .collect()
    }

    /// Returns a package of the answer.
    pub(crate) fn package(&self, name: &str) -> serde_json::Value {
        let found = self.packages().find(|(found, _)| found == name);
        found
            .unwrap_or_else(|| panic!("{name} is not in {:#}", self.answer))
            .1
    }

    /// Returns the digests of all archives, by package.
    pub(crate) fn archives(&self) -> BTreeMap<String, String> {
        self.packages()
            .flat_map(|(_, one)| one["outputs"].as_array().cloned().unwrap_or_default())
            .map(|output| (text(&output["name"]), text(&output["sha256"])))
            .collect()
    }

    /// Opens the archive of an output, whatever recipe it is of.
    pub(crate) fn archive(&self, output: &str) -> ArchiveReader<fs_err::File> {
        let file = fs_err::File::open(self.archive_file(output)).expect("the answer names it");
        ArchiveReader::open(file).expect("the factory writes what the format says")
    }

    /// Returns where the archive of an output is.
    pub(crate) fn archive_file(&self, output: &str) -> PathBuf {
        let found = self
            .packages()
            .flat_map(|(_, one)| one["outputs"].as_array().cloned().unwrap_or_default())
            .find(|one| one["name"] == output)
            .unwrap_or_else(|| panic!("{output} is not in {:#}", self.answer));
        PathBuf::from(text(&found["archive"]))
    }

    /// Returns the provenance in the archive of an output.
    pub(crate) fn provenance(&self, output: &str) -> serde_json::Value {
        serde_json::from_slice(self.archive(output).provenance()).expect("provenance is JSON")
    }

    /// Returns all that is said about a failed package: the messages, places, causes and hints.
    pub(crate) fn told(&self, package: &str) -> String {
        let report = self.package(package);
        assert_eq!(report["status"], "failed", "{report:#}");
        let diagnostics = report["diagnostics"].as_array().cloned();
        let mut lines = Vec::new();
        for one in diagnostics.unwrap_or_default() {
            lines.extend([text(&one["message"]), one["place"].to_string()]);
            for list in [&one["because"], &one["hints"]] {
                lines.extend(list.as_array().into_iter().flatten().map(text));
            }
        }
        lines.join("\n")
    }

    fn packages(&self) -> impl Iterator<Item = (String, serde_json::Value)> {
        let packages = self.answer["packages"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        packages.into_iter().map(|one| (text(&one["name"]), one))
    }
}

/// Adds `--json` before the words of a program, if there are any.
pub(crate) fn as_json<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    let (options, rest) = match arguments.iter().position(|one| *one == "--") {
        Some(at) => arguments.split_at(at),
        None => (arguments, &[][..]),
    };
    let mut all = options.to_vec();
    all.push("--json");
    all.extend(rest);
    all
}

pub(crate) fn text(value: &serde_json::Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

pub(crate) fn names(list: &[&str]) -> BTreeSet<String> {
    list.iter().map(|name| (*name).to_owned()).collect()
}

/// Returns a listener on an address of loopback that nobody else has.
pub(crate) fn listener() -> TcpListener {
    #[expect(clippy::disallowed_methods, reason = "a test has a server of its own")]
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback is there");
    listener
}

fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;

    fs_err::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("it is ours");
}

pub(crate) fn copy_tree(from: &Path, to: &Path) {
    fs_err::create_dir_all(to).expect("the world is ours");
    for entry in fs_err::read_dir(from).expect("tinyworld is in the repository") {
        let entry = entry.expect("it can be read");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("it can be read").is_dir() {
            copy_tree(&entry.path(), &target);
        } else {
            fs_err::copy(entry.path(), &target).expect("the world is ours");
        }
    }
}
