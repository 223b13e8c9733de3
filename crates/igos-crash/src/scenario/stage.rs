//! Roots on which operations are carried out.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use fs_err as fs;

use super::packages::{TestPackage, world};
use crate::trace::Program;

/// The programs of a harness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Programs {
    /// What becomes the program under test: `igos-crash`.
    pub launcher: PathBuf,
    /// The program under test, and arguments before all others.
    pub subject: Vec<OsString>,
}

/// What is done to a root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// Three packages come.
    Install,
    /// They are replaced, with configuration files edited and deleted.
    Upgrade,
    /// They go.
    Remove,
    /// The upgrade, and a removal after it, are undone.
    Rollback,
}

/// What cannot be prepared.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// A file cannot be made; the cause names it.
    #[error("cannot prepare a root")]
    File(#[source] io::Error),
    /// The program under test fails where nothing is done to it.
    #[error("`{command}` ended with {status}: {output}")]
    Subject {
        /// What was run.
        command: String,
        /// How it ended.
        status: String,
        /// What it said.
        output: String,
    },
}

/// A directory with archives and prepared roots.
#[derive(Debug)]
pub struct Stage {
    directory: tempfile::TempDir,
    programs: Programs,
    prepared: BTreeMap<Operation, PathBuf>,
}

/// A root on which one operation can be carried out.
#[derive(Debug)]
pub struct Prepared {
    /// Deleted with this value.
    directory: tempfile::TempDir,
}

impl Prepared {
    /// Returns the root.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.directory.path().join("root")
    }
}

impl Operation {
    /// All of them.
    pub const ALL: [Operation; 4] = [
        Operation::Install,
        Operation::Upgrade,
        Operation::Remove,
        Operation::Rollback,
    ];

    /// Returns its word in schedules.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Operation::Install => "install",
            Operation::Upgrade => "upgrade",
            Operation::Remove => "remove",
            Operation::Rollback => "rollback",
        }
    }

    /// Returns the operation of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Operation> {
        Operation::ALL
            .into_iter()
            .find(|operation| operation.as_str() == word)
    }
}

impl Stage {
    /// Makes archives of the [`world`] in a directory below `scratch`, in memory if it is `None` and there is such a
    /// place.
    ///
    /// # Errors
    ///
    /// Returns what cannot be written.
    pub fn new(programs: Programs, scratch: Option<&Path>) -> Result<Self, StageError> {
        let make = |place: &Path| {
            tempfile::Builder::new()
                .prefix("igos-crash-")
                .tempdir_in(place)
        };
        let directory = match scratch {
            Some(place) => make(place),
            None => make(Path::new("/dev/shm")).or_else(|_| tempfile::tempdir()),
        };
        let stage = Stage {
            directory: directory.map_err(StageError::File)?,
            programs,
            prepared: BTreeMap::new(),
        };
        for version in ["1", "2"] {
            let directory = stage.archives(version);
            fs::create_dir_all(&directory).map_err(StageError::File)?;
            for package in world(version) {
                stage.add_archive(version, &package)?;
            }
        }
        let other = TestPackage::new("other", "1").file("usr/share/other", "other\n", 0o644);
        fs::create_dir_all(stage.archives("other")).map_err(StageError::File)?;
        stage.add_archive("other", &other)?;
        Ok(stage)
    }

    fn archives(&self, name: &str) -> PathBuf {
        self.directory.path().join("archives").join(name)
    }

    /// Adds an archive to those of this name, and returns its file.
    ///
    /// # Errors
    ///
    /// Returns what cannot be written.
    pub fn add_archive(&self, name: &str, package: &TestPackage) -> Result<PathBuf, StageError> {
        let stem = package.manifest.package.file_stem();
        let file = self.archives(name).join(format!("{stem}.igos.tar.zst"));
        fs::create_dir_all(self.archives(name)).map_err(StageError::File)?;
        fs::write(&file, package.to_archive()).map_err(StageError::File)?;
        Ok(file)
    }

    /// Returns the directory of everything.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Returns the programs.
    #[must_use]
    pub fn programs(&self) -> &Programs {
        &self.programs
    }

    /// Returns the words of the command line that carries an operation out.
    #[must_use]
    pub fn arguments(&self, operation: Operation) -> Vec<OsString> {
        match operation {
            Operation::Install => self.install("1"),
            Operation::Upgrade => self.install("2"),
            Operation::Remove => words(&["remove", "tool", "library", "kinds"]),
            Operation::Rollback => words(&["rollback", "3"]),
        }
    }

    /// Returns the words that install all archives of this name.
    #[must_use]
    pub fn install(&self, name: &str) -> Vec<OsString> {
        let mut words = words(&["install", "--allow-unsigned"]);
        words.push(self.archives(name).into_os_string());
        words
    }

    /// Returns a root on which `operation` can be carried out; each a copy of its own.
    ///
    /// # Errors
    ///
    /// Returns what cannot be prepared.
    pub fn prepare(&mut self, operation: Operation) -> Result<Prepared, StageError> {
        let template = match self.prepared.get(&operation) {
            Some(found) => found.clone(),
            None => {
                let made = self.template(operation)?;
                self.prepared.insert(operation, made.clone());
                made
            }
        };
        self.copy(&template)
    }

    /// Returns a copy of a root, with everything but inode numbers.
    ///
    /// # Errors
    ///
    /// Returns what cannot be copied.
    pub fn copy(&self, root: &Path) -> Result<Prepared, StageError> {
        let directory = tempfile::Builder::new()
            .prefix("case-")
            .tempdir_in(self.directory.path())
            .map_err(StageError::File)?;
        let prepared = Prepared { directory };
        #[expect(
            clippy::disallowed_methods,
            reason = "attributes, owners and links of a tree are copied best by cp"
        )]
        let mut copy = Command::new("cp");
        copy.arg("-a").arg(root).arg(prepared.root());
        let output = copy.output().map_err(StageError::File)?;
        finished(&copy, &output)?;
        Ok(prepared)
    }

    fn template(&self, operation: Operation) -> Result<PathBuf, StageError> {
        let root = self
            .directory
            .path()
            .join("templates")
            .join(operation.as_str());
        fs::create_dir_all(&root).map_err(StageError::File)?;
        self.must(&root, &self.install("other"))?;
        if operation == Operation::Install {
            return Ok(root);
        }
        self.must(&root, &self.install("1"))?;
        let edited = root.join("etc/tool/edited.conf");
        fs::write(edited, "mine\n").map_err(StageError::File)?;
        fs::remove_file(root.join("etc/tool/deleted.conf")).map_err(StageError::File)?;
        if operation == Operation::Rollback {
            // The installation of `other` is transaction 1, that of the world 2: from 3 on all is undone.
            self.must(&root, &self.install("2"))?;
            self.must(&root, &words(&["remove", "kinds"]))?;
        }
        Ok(root)
    }

    fn must(&self, root: &Path, arguments: &[OsString]) -> Result<(), StageError> {
        let (command, output) = self.untraced(root, arguments)?;
        finished(&command, &output)
    }

    /// Runs the program under test on a root, with nothing in its way.
    ///
    /// # Errors
    ///
    /// Returns why it cannot be started.
    pub fn untraced(
        &self,
        root: &Path,
        arguments: &[OsString],
    ) -> Result<(Command, Output), StageError> {
        let traced = self.program(root, arguments);
        #[expect(
            clippy::disallowed_methods,
            reason = "this crate starts the program under test"
        )]
        let mut command = Command::new(&traced.command[0]);
        command
            .args(&traced.command[1..])
            .env_clear()
            .envs(&traced.environment)
            .current_dir(&traced.directory)
            .stdin(Stdio::null());
        let output = command.output().map_err(StageError::File)?;
        Ok((command, output))
    }

    /// Returns the program under test with arguments for a root, to be traced; the root is watched.
    #[must_use]
    pub fn program(&self, root: &Path, arguments: &[OsString]) -> Program {
        let mut command = self.programs.subject.clone();
        command.extend(words(&["--root"]));
        command.push(root.as_os_str().to_owned());
        command.extend(words(&["--yes", "--report", "plain", "--color", "never"]));
        command.extend_from_slice(arguments);
        Program {
            launcher: self.programs.launcher.clone(),
            command,
            environment: BTreeMap::new(),
            directory: self.directory.path().to_owned(),
            watched: vec![root.to_owned()],
        }
    }
}

fn finished(command: &Command, output: &Output) -> Result<(), StageError> {
    if output.status.success() {
        return Ok(());
    }
    let text = [output.stdout.as_slice(), &output.stderr].concat();
    Err(StageError::Subject {
        command: format!("{command:?}"),
        status: output.status.to_string(),
        output: String::from_utf8_lossy(&text).into_owned(),
    })
}

/// Returns words of a command line.
pub(crate) fn words(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}
