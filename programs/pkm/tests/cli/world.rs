//! A directory with archives and a root, and `pkm` running on them.

use std::io::{Cursor, Read};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use fs_err as fs;
use igos_format::archive::{Compression, CompressionFormat, write_archive};
use igos_format::manifest::{Manifest, Origin};
use igos_format::{Arch, EntryKind, FileEntry, Owner, PackageId, Sha256};

/// What a run of `pkm` printed and how it ended; the world's own directory reads `[WORLD]`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Returns what a run is expected to print.
pub(crate) fn ended(code: i32, stdout: &str, stderr: &str) -> Ended {
    Ended {
        code,
        stdout: stdout.to_owned(),
        stderr: stderr.to_owned(),
    }
}

/// A directory with archives and a root.
pub(crate) struct World {
    directory: tempfile::TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        let world = World {
            directory: tempfile::tempdir().expect("a temporary directory"),
        };
        fs::create_dir(world.path("archives")).expect("the directory is ours");
        fs::create_dir(world.path("root")).expect("the directory is ours");
        world
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes an archive into the directory `archives`, and returns its path.
    pub(crate) fn archive(&self, package: &TestPackage) -> String {
        let file = format!(
            "archives/{}.igos.tar.zst",
            package.manifest.package.file_stem()
        );
        fs::write(self.path(&file), package.to_archive()).expect("the directory is ours");
        self.path(&file)
            .to_str()
            .expect("temporary directories have names in UTF-8")
            .to_owned()
    }

    /// Runs `pkm` on the root.
    pub(crate) fn pkm(&self, arguments: &[&str]) -> Ended {
        self.pkm_on("root", arguments)
    }

    /// Runs `pkm` on a root of this name.
    pub(crate) fn pkm_on(&self, root: &str, arguments: &[&str]) -> Ended {
        #[expect(clippy::disallowed_methods, reason = "a test of a program starts it")]
        let mut command = Command::new(env!("CARGO_BIN_EXE_pkm"));
        let output = command
            .arg("--root")
            .arg(self.path(root))
            .args(arguments)
            .current_dir(self.directory.path())
            .env_clear()
            .stdin(Stdio::null())
            .output()
            .expect("the program is built with the tests");
        let shown = |bytes: Vec<u8>| {
            let text = String::from_utf8(bytes).expect("programs print text");
            text.replace(self.directory.path().to_str().expect("UTF-8"), "[WORLD]")
        };
        Ended {
            code: output.status.code().expect("no signal ends it"),
            stdout: shown(output.stdout),
            stderr: shown(output.stderr),
        }
    }

    /// Runs `pkm` with `--json`, and returns the exit code and the one value.
    pub(crate) fn json(&self, arguments: &[&str]) -> (i32, serde_json::Value) {
        let ended = self.pkm(&[arguments, &["--json"]].concat());
        let value = serde_json::from_str(&ended.stdout);
        (
            ended.code,
            value.unwrap_or_else(|error| panic!("{error}: {}{}", ended.stdout, ended.stderr)),
        )
    }

    /// Installs archives without asking, as every test does that is about something else.
    pub(crate) fn install(&self, packages: &[&TestPackage]) {
        let files: Vec<String> = packages
            .iter()
            .map(|package| self.archive(package))
            .collect();
        let mut arguments = vec!["install", "--allow-unsigned", "--yes", "--quiet"];
        arguments.extend(files.iter().map(String::as_str));
        let ended = self.pkm(&arguments);
        assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path("root").join(path)).expect("the file is there")
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        fs::write(self.path("root").join(path), text).expect("the root is ours");
    }

    pub(crate) fn delete(&self, path: &str) {
        fs::remove_file(self.path("root").join(path)).expect("the file is there");
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        self.path("root").join(path).exists()
    }
}

/// A package made of few words.
pub(crate) struct TestPackage {
    pub(crate) manifest: Manifest,
    contents: Vec<(String, String)>,
}

impl TestPackage {
    pub(crate) fn new(name: &str, version: &str) -> Self {
        let package = PackageId {
            name: name.parse().expect("a name"),
            epoch: 0,
            version: version.parse().expect("a version"),
            release: "1".parse().expect("a release"),
            arch: Arch::native(),
        };
        TestPackage {
            manifest: Manifest {
                description: format!("The package {name}"),
                license: "MIT".to_owned(),
                source_date_epoch: 1_700_000_000,
                ..Manifest::new(package, Origin::Built, Sha256::of(name.as_bytes()))
            },
            contents: Vec::new(),
        }
    }

    pub(crate) fn depends(mut self, dependency: &str) -> Self {
        self.manifest
            .depends
            .insert(dependency.parse().expect("a dependency"));
        self
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut Manifest)) -> Self {
        change(&mut self.manifest);
        self
    }

    pub(crate) fn essential(mut self) -> Self {
        self.manifest.is_essential = true;
        self
    }

    pub(crate) fn file(self, path: &str, content: &str, mode: u16) -> Self {
        let kind = EntryKind::File {
            sha256: Sha256::of(content.as_bytes()),
            size: content.len() as u64,
            link_group: None,
        };
        let mut package = self.entry(path, kind, mode);
        package.contents.push((path.to_owned(), content.to_owned()));
        package
    }

    pub(crate) fn configuration(self, path: &str, content: &str) -> Self {
        let mut package = self.file(path, content, 0o644);
        let entry = package
            .manifest
            .entries
            .iter_mut()
            .find(|entry| entry.path.to_string() == path);
        entry.expect("it was just added").is_configuration = true;
        package
    }

    pub(crate) fn symlink(self, path: &str, target: &str) -> Self {
        self.entry(
            path,
            EntryKind::Symlink {
                target: target.as_bytes().to_vec(),
            },
            0o777,
        )
    }

    fn entry(mut self, path: &str, kind: EntryKind, mode: u16) -> Self {
        let mut above = Path::new(path)
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        while let Some(directory) = above {
            let directory_path = directory
                .to_str()
                .expect("tests have paths in UTF-8")
                .parse()
                .expect("a path");
            if !self
                .manifest
                .entries
                .iter()
                .any(|entry| entry.path == directory_path)
            {
                self.manifest.entries.push(FileEntry {
                    path: directory_path,
                    kind: EntryKind::Directory,
                    mode: 0o755,
                    owner: Owner::root(),
                    is_configuration: false,
                    capabilities: None,
                    xattrs: Default::default(),
                });
            }
            above = directory
                .parent()
                .filter(|parent| !parent.as_os_str().is_empty());
        }
        self.manifest.entries.push(FileEntry {
            path: path.parse().expect("a path"),
            kind,
            mode,
            owner: Owner::root(),
            is_configuration: false,
            capabilities: None,
            xattrs: Default::default(),
        });
        igos_format::manifest::normalise(&mut self.manifest);
        self
    }

    pub(crate) fn to_archive(&self) -> Vec<u8> {
        let mut archive = Vec::new();
        let open = |entry: &FileEntry| {
            let content = self
                .contents
                .iter()
                .find(|(path, _)| *path == entry.path.to_string());
            let content = content.expect("every file has content").1.clone();
            Ok(Box::new(Cursor::new(content)) as Box<dyn Read + Send>)
        };
        let compression = Compression::new(CompressionFormat::Zstd, 1).expect("zstd has level 1");
        let mut spool = Cursor::new(Vec::new());
        write_archive(
            &self.manifest,
            b"{}",
            &open,
            compression,
            NonZeroUsize::MIN,
            &mut spool,
            &mut archive,
        )
        .expect("the package is valid");
        archive
    }
}
