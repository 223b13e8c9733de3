//! The reference implementation, python-tuf, follows what we publish, and we follow what it publishes.
//!
//! It is installed from PyPI into an environment of its own below the target directory, once.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use fs_err as fs;
use igos_format::Sha256;
use igos_format::trust::{Delegation, Json, KeyId, PublicKey, RoleKeys, TargetFile};
use igos_repo::trust::{DirectorySource, Refresh, TrustedRepository};
use proptest::prelude::{Just, Strategy, any, prop, prop_oneof};
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::forge::{Client, Forge, INDEX, PACKAGES, SNAPSHOT, TARGETS, TIMESTAMP, key, time};

/// The beginning of the year 2200: these tests ask the machine's clock, as the reference client does.
const FAR: i64 = 7_258_118_400;
/// An archive's path, and what stands for its bytes.
const ARCHIVE: &str = "archives/zlib-1.3.1-1.x86_64.igos.tar.zst";
const ARCHIVE_BYTES: &[u8] = b"not really an archive";

#[expect(
    clippy::disallowed_methods,
    reason = "the reference implementation is a program"
)]
fn command(program: impl AsRef<Path>) -> Command {
    let mut command = Command::new(program.as_ref());
    // Nothing of the caller's home, and no files of Python's beside our scripts.
    command
        .env("PYTHONNOUSERSITE", "1")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PIP_NO_CACHE_DIR", "1")
        .env("PIP_DISABLE_PIP_VERSION_CHECK", "1")
        .env_remove("PYTHONPATH")
        .stdin(Stdio::null());
    command
}

/// Runs a program and returns the last line of its story if it fails.
fn run(command: &mut Command) -> Result<Output, String> {
    let output = command.output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(output);
    }
    let story = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(story
        .lines()
        .last()
        .unwrap_or("it failed silently")
        .to_owned())
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/trust/interop")
        .join(name)
}

/// Makes the environment, unless an earlier run made the same.
fn install() -> Result<PathBuf, String> {
    let requirements = script("requirements.txt");
    let wanted = fs::read(&requirements).map_err(|error| error.to_string())?;
    let digest = Sha256::of(&wanted).to_string();
    let directory =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("python-tuf-{}", &digest[..16]));
    let python = directory.join("bin/python3");
    // Written last: without it the environment is half made.
    let mark = directory.join("complete");
    if mark.exists() {
        return Ok(python);
    }
    if directory.exists() {
        fs::remove_dir_all(&directory).map_err(|error| error.to_string())?;
    }
    let made = run(command("python3").args(["-m", "venv"]).arg(&directory));
    made.map_err(|error| format!("python3 cannot make an environment: {error}"))?;
    let install = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--only-binary",
        ":all:",
        "--requirement",
    ];
    let installed = run(command(&python).args(install).arg(&requirements));
    installed.map_err(|error| format!("python-tuf cannot be installed: {error}"))?;
    fs::write(&mark, "").map_err(|error| error.to_string())?;
    Ok(python)
}

/// Returns the interpreter, or says why these tests cannot run.
#[expect(clippy::print_stderr, reason = "a test that cannot run says so")]
fn python() -> Option<&'static Path> {
    static INSTALLED: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    match INSTALLED.get_or_init(install) {
        Ok(python) => Some(python),
        Err(reason) => {
            eprintln!("skipped: {reason}");
            None
        }
    }
}

/// Runs one of the scripts beside this file, and returns what it prints.
fn say(python: &Path, name: &str, arguments: &[&Path], input: &str) -> String {
    let mut child = command(python)
        .arg(script(name))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the interpreter is there");
    let mut pipe = child.stdin.take().expect("it is a pipe");
    let input = input.to_owned();
    let writer = std::thread::spawn(move || pipe.write_all(input.as_bytes()));
    let output = child.wait_with_output().expect("it ends");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    writer
        .join()
        .expect("it does not panic")
        .expect("the script reads all of it");
    String::from_utf8(output.stdout).expect("it is text")
}

/// Values as metadata could have them: whole numbers, any text, any nesting.
fn values() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Boolean),
        any::<i64>().prop_map(Json::Integer),
        any::<String>().prop_map(Json::Text),
        "[\\x00-\\x7f]{0,8}".prop_map(Json::Text),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        let key = prop_oneof![
            any::<String>(),
            "[a-c\"\\\\\u{7f}-\u{ff}\u{ffff}-\u{10000}]{0,3}"
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Json::List),
            prop::collection::btree_map(key, inner, 0..5).prop_map(Json::Object),
        ]
    })
}

#[test]
fn canonical_forms_and_key_ids_are_those_of_securesystemslib() {
    let Some(python) = python() else { return };
    let mut runner = TestRunner::deterministic();
    let (mut input, mut expected) = (String::new(), String::new());
    for _ in 0..600 {
        let value = values()
            .new_tree(&mut runner)
            .expect("values can be made")
            .current();
        input += &String::from_utf8(value.to_text()).expect("it is text");
        let canonical = value.to_canonical();
        expected += &canonical
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>();
        input.push('\n');
        expected.push('\n');
    }
    for number in 0..200 {
        let public = key(number).public();
        input += &format!("{{\"key\": \"{public}\"}}\n");
        expected += &format!("{}\n", public.id());
    }
    let printed = say(python, "canonical.py", &[], &input);
    for ((ours, theirs), line) in expected.lines().zip(printed.lines()).zip(input.lines()) {
        assert_eq!(ours, theirs, "{line}");
    }
    assert_eq!(printed.lines().count(), 800);
}

/// Delegates archives as well, and lets nothing expire before 2200.
fn whole() -> Forge {
    let mut forge = Forge::new();
    let far = time(FAR);
    forge.root.expires = far;
    forge.timestamp.expires = far;
    forge.timestamp.created = Some(time(0));
    forge.snapshot.expires = far;
    forge.targets.expires = far;
    forge.packages.expires = far;
    forge.publish_root();
    let delegations = &mut forge.targets.delegations;
    delegations.roles.push(Delegation {
        name: "archives".into(),
        keys: RoleKeys::new([key(PACKAGES).id()], 1),
        is_terminating: true,
        paths: vec!["archives/*".into(), "sources/*".into()],
    });
    let retired: PublicKey = key(50).public();
    let retired: (KeyId, PublicKey) = (retired.id(), retired);
    forge.targets.retired_keys = [retired].into();
    forge
}

/// Publishes `archives` beside `packages`, then everything.
fn publish(forge: &mut Forge) {
    let mut archives = forge.packages.clone();
    archives.version += 1;
    archives.targets = [(ARCHIVE.to_owned(), TargetFile::of(ARCHIVE_BYTES))].into();
    forge.publish_delegated("archives", &archives);
    forge.publish_all();
}

/// Writes a repository to a directory as a static file server would have it.
fn write(forge: &Forge, directory: &Path) {
    for (name, bytes) in &forge.files {
        put(&directory.join("metadata").join(name), bytes);
    }
    for (path, bytes) in [(INDEX, &forge.index[..]), (ARCHIVE, ARCHIVE_BYTES)] {
        let (parent, name) = path.split_once('/').expect("it is below a directory");
        let name = format!("{}.{name}", Sha256::of(bytes));
        put(&directory.join("targets").join(parent).join(name), bytes);
    }
}

fn put(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().expect("it is below a directory")).expect("there is room");
    fs::write(path, bytes).expect("there is room");
}

#[test]
fn the_reference_client_follows_what_we_sign() {
    let Some(python) = python() else { return };
    let directory = tempfile::tempdir().expect("there is room");
    let [repository, state, anchor] =
        ["repository", "state", "anchor.json"].map(|name| directory.path().join(name));
    let follow = |targets: &[&str]| {
        let targets = targets.iter().map(Path::new);
        let arguments: Vec<&Path> = [&*repository, &state, &anchor]
            .into_iter()
            .chain(targets)
            .collect();
        say(python, "follow.py", &arguments, "")
            .trim_end()
            .to_owned()
    };
    let mut forge = whole();
    publish(&mut forge);
    put(&anchor, &forge.anchor());
    write(&forge, &repository);
    let archive = Sha256::of(ARCHIVE_BYTES);
    assert_eq!(
        follow(&[INDEX, ARCHIVE, "index/absent", "elsewhere"]),
        format!(
            "{{\"versions\": {{\"root\": 1, \"timestamp\": 2, \"snapshot\": 2, \"targets\": 2}}, \"targets\": {{\
             \"{INDEX}\": \"{}\", \"{ARCHIVE}\": \"{archive}\", \"index/absent\": null, \"elsewhere\": null}}}}",
            Sha256::of(b"index 1")
        )
    );
    // Two new roots, new online keys, a new index.
    forge.rotate(|forge| {
        forge.know(&[2, 3, 21, TARGETS, SNAPSHOT, TIMESTAMP]);
        forge.root.root = RoleKeys::new([2, 3, 21].map(|number| key(number).id()), 2);
        forge.signers.insert("root", vec![2, 21]);
    });
    forge.rotate(|forge| {
        forge.know(&[2, 3, 21, TARGETS, SNAPSHOT, 26]);
        forge.root.timestamp = RoleKeys::new([key(26).id()], 1);
        forge.signers.insert("timestamp", vec![26]);
    });
    forge.index = b"index 2".to_vec();
    publish(&mut forge);
    write(&forge, &repository);
    assert_eq!(
        follow(&[INDEX]),
        format!(
            "{{\"versions\": {{\"root\": 3, \"timestamp\": 3, \"snapshot\": 3, \"targets\": 3}}, \"targets\": {{\"{INDEX}\": \"{}\"}}}}",
            Sha256::of(b"index 2")
        )
    );
    // It refuses what we refuse.
    forge.signers.insert("snapshot", vec![99]);
    publish(&mut forge);
    write(&forge, &repository);
    assert_eq!(follow(&[]), "{\"error\": \"UnsignedMetadataError\"}");
}

#[test]
fn we_follow_what_the_reference_implementation_signs() {
    let Some(python) = python() else { return };
    for extent in ["named", "bare"] {
        let directory = tempfile::tempdir().expect("there is room");
        say(
            python,
            "publish.py",
            &[directory.path(), Path::new(extent)],
            "",
        );
        let metadata = |state: &str| directory.path().join(state).join("metadata");
        let anchor = fs::read(metadata("1").join("1.root.json")).expect("it was made");
        let options = Client::new(&Forge::new()).options;
        let kept = directory.path().join("kept");
        let refresh = |state: &str| {
            let mut repository =
                TrustedRepository::open(&kept, &anchor).expect("it vouches for itself");
            let source = DirectorySource::new(metadata(state));
            let refresh = repository
                .refresh(&source, &options)
                .map_err(|error| error.to_string())?;
            if let Refresh::Newer(update) = refresh {
                repository.adopt(*update).expect("there is room");
            }
            let trusted = repository.trusted().expect("it was adopted");
            Ok((trusted.root().version, trusted.file(INDEX)))
        };
        assert_eq!(refresh("1"), Ok((1, Some(TargetFile::of(b"index 1")))));
        assert_eq!(refresh("2"), Ok((2, Some(TargetFile::of(b"index 2")))));
        assert_eq!(
            refresh("1"),
            Err("timestamp.json is version 1, version 2 is known already".to_owned())
        );
    }
}
