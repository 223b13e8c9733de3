//! Archives on the command line, each read by a process that may take 256 MiB.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use igos_format::archive::CompressionFormat;
use igos_report::Explain;

use crate::cases::{all, honest};
use crate::support::read_all;
use crate::unpacked::is_unconfined;

/// What a process may take for its data, in KiB (threats note, X9): past that the kernel gives it no more.
const MEMORY_KIB: u64 = 256 * 1024;

/// How long an archive may keep the program busy, on a machine that does other things besides.
const LONGEST: Duration = Duration::from_secs(30);

/// A root, a place for archives, and what lies beside them.
pub(crate) struct World {
    directory: tempfile::TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        for name in ["root", "beside"] {
            fs_err::create_dir(directory.path().join(name)).expect("it is ours");
        }
        fs_err::write(directory.path().join("beside/secret"), "secret").expect("it is ours");
        World { directory }
    }

    pub(crate) fn path(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join(name)
    }

    /// Runs `pkm` within its memory.
    pub(crate) fn pkm(&self, arguments: &[&str]) -> Output {
        #[expect(clippy::disallowed_methods, reason = "a test of a program starts it")]
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", &format!("ulimit -d {MEMORY_KIB}; exec \"$@\""), "sh"])
            .args([env!("CARGO_BIN_EXE_pkm"), "--root", "root", "--json"])
            .args(arguments)
            .current_dir(self.directory.path())
            .env_clear()
            .stdin(Stdio::null())
            .output()
            .expect("the program is built with the tests")
    }

    pub(crate) fn unpack(&self) -> Output {
        self.pkm(&["unpack", "given", "unpacked"])
    }

    fn install(&self) -> Output {
        self.pkm(&["install", "--archive", "given", "--allow-unsigned", "--yes"])
    }

    /// Names of all that is there, the record left out.
    pub(crate) fn listing(&self) -> Vec<String> {
        let mut names = Vec::new();
        list(self.directory.path(), &mut names);
        let top = format!("{}/", self.directory.path().display());
        names
            .into_iter()
            .map(|name| name.replace(&top, ""))
            .filter(|name| !name.starts_with("root/var"))
            .collect()
    }
}

fn list(directory: &Path, names: &mut Vec<String>) {
    for entry in fs_err::read_dir(directory).expect("it is there") {
        let path = entry.expect("it can be read").path();
        names.push(path.display().to_string());
        if path.symlink_metadata().expect("it is there").is_dir() {
            list(&path, names);
        }
    }
    names.sort();
}

/// Returns the code of the first diagnostic of an answer, and its exit code.
pub(crate) fn code_of(output: &Output) -> (String, Option<i32>) {
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let code = &answer["error"]["diagnostics"][0]["code"];
    (
        code.as_str().unwrap_or_default().to_owned(),
        output.status.code(),
    )
}

/// Gives the program every `step`th archive.
#[expect(clippy::print_stdout, reason = "the count is part of the answer")]
fn give(step: usize) {
    let world = World::new();
    let forges = CompressionFormat::ALL.map(honest);
    let archives = all()
        .into_iter()
        .flat_map(|(_, cases)| cases)
        .flat_map(|case| {
            forges
                .iter()
                .filter(|forge| case.formats.contains(&forge.format))
                .map(|forge| {
                    (
                        format!("{}: {}", forge.format, case.name),
                        (case.build)(forge),
                    )
                })
                .collect::<Vec<_>>()
        });
    fs_err::write(world.path("given"), forges[0].build()).expect("it is ours");
    let unpacks = !is_unconfined(&world.unpack());
    if unpacks {
        assert!(world.path("unpacked/bin/a").exists());
        fs_err::remove_dir_all(world.path("unpacked")).expect("it was made");
    }
    let (mut given, mut longest) = (0, Duration::ZERO);
    let before = world.listing();
    for (name, archive) in archives.step_by(step) {
        let expected = read_all(&archive).expect_err("the reader refuses it");
        fs_err::write(world.path("given"), &archive).expect("it is ours");
        let expected = (expected.code().to_owned(), Some(1));
        let started = Instant::now();
        assert_eq!(code_of(&world.install()), expected, "install {name}");
        if unpacks {
            assert_eq!(code_of(&world.unpack()), expected, "unpack {name}");
        }
        longest = longest.max(started.elapsed());
        given += 1;
        assert_eq!(world.listing(), before, "{name}");
    }
    println!("{given} archives given to the program, the longest for {longest:?}");
    assert!(given >= 20 && longest < LONGEST);
    assert_eq!(
        fs_err::read_to_string(world.path("beside/secret")).expect("it is there"),
        "secret"
    );
}

#[test]
fn hostile_archives_are_refused_within_256_mib_and_leave_nothing() {
    give(61);
}

#[test]
#[ignore = "starts the program 1306 times, for half a minute"]
fn all_hostile_archives_are_refused_within_256_mib_and_leave_nothing() {
    give(1);
}

#[test]
fn archive_is_what_its_manifest_says_whatever_the_file_is_called() {
    let world = World::new();
    let archive = honest(CompressionFormat::Gzip).build();
    let name = "../root/other-9.0-1.any.igos.tar.zst";
    fs_err::write(world.path("root/other-9.0-1.any.igos.tar.zst"), archive).expect("it is ours");
    let output = world.pkm(&[
        "install",
        name.trim_start_matches("../"),
        "--allow-unsigned",
        "--yes",
    ]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let listed = world.pkm(&["list"]);
    let listed: serde_json::Value = serde_json::from_slice(&listed.stdout).expect("it is JSON");
    assert_eq!(listed[0]["package"]["name"], "tiny");
}
