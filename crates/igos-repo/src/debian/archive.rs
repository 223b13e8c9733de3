//! The archive: indices kept up to date, files found and downloaded.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, MutexGuard, mpsc};
use std::time::{Duration, SystemTime};

use fs_err::OpenOptions;
use igos_format::{Arch, Sha256};
use igos_report::Task;

use super::apt::{Apt, Index, Indices};
use super::closure::{self, BinaryPackage, ClosureError, Packages, Wanted};
use super::lookup::{self, Collected, SourceFile};
use super::offers::{self, SourcePackage};
use super::{DebianError, DebianSettings, candidate};
use crate::Network;
use crate::store::{open_regular, size_of};

/// When indices are fetched anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refresh {
    /// When there are none.
    IfAbsent,
    /// Also when they are older than the settings allow.
    IfOld,
    /// Now.
    Now,
}

/// Between two looks at how much of a download is there.
const PROGRESS_PERIOD: Duration = Duration::from_millis(200);

/// The Debian archive, seen through a private state of apt below one directory.
#[derive(Debug)]
pub struct DebianArchive {
    directory: PathBuf,
    settings: DebianSettings,
    network: Network,
    /// What this run knows about the sources; `Err` holds why they cannot be had, so that a hundred lookups do
    /// not run into the same failure a hundred times.
    sources: Mutex<Option<Result<Sources, String>>>,
    is_told: AtomicBool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sources {
    /// Whether the indices were fetched in this run, or are young enough.
    is_fresh: bool,
}

impl DebianArchive {
    /// Returns the archive with its state below `directory`; nothing is made or fetched yet.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>, settings: DebianSettings, network: Network) -> Self {
        DebianArchive {
            directory: directory.into(),
            settings,
            network,
            sources: Mutex::new(None),
            is_told: AtomicBool::new(false),
        }
    }

    /// Returns the suites whose sources are looked at, for messages.
    #[must_use]
    pub fn suites(&self) -> String {
        self.settings.suites.join(", ")
    }

    /// Fetches the `Sources` indices anew, if `refresh` says so, and makes the lookup file.
    ///
    /// # Errors
    ///
    /// Returns what is missing, or why the indices could not be fetched or verified.
    pub fn refresh_sources(&self, refresh: Refresh, task: &Task<'_>) -> Result<(), DebianError> {
        let mut sources = self.lock();
        *sources = None;
        self.prepare_sources(&mut sources, refresh, task)
    }

    /// Finds the file of any source package that has this digest.
    ///
    /// If it is not in the indices and they are old, they are fetched anew, once in a run.
    ///
    /// # Errors
    ///
    /// Returns why the indices cannot be had.
    pub fn find_source(
        &self,
        sha256: &Sha256,
        task: &Task<'_>,
    ) -> Result<Option<SourceFile>, DebianError> {
        let mut sources = self.lock();
        self.prepare_sources(&mut sources, Refresh::IfAbsent, task)?;
        let path = self.lookup_path();
        let find = || lookup::find(&path, sha256).map_err(DebianError::io("read", &path));
        let found = find()?;
        if found.is_some() || !self.may_refresh(&sources) {
            return Ok(found);
        }
        *sources = None;
        let refreshed = self.prepare_sources(&mut sources, Refresh::IfOld, task);
        if refreshed.is_err() {
            // What is there still serves, and is not tried to be renewed again in this run.
            *sources = Some(Ok(Sources { is_fresh: true }));
        }
        refreshed.and_then(|()| find())
    }

    /// Returns files that may be upstream's file `file_name` of `package` at `version`, the most likely one
    /// first.
    ///
    /// # Errors
    ///
    /// Returns why the indices cannot be had.
    pub fn candidates(
        &self,
        package: &str,
        version: &str,
        file_name: &str,
        task: &Task<'_>,
    ) -> Result<Vec<SourceFile>, DebianError> {
        self.prepare_sources(&mut self.lock(), Refresh::IfAbsent, task)?;
        let path = self.lookup_path();
        let mut rows = Vec::new();
        lookup::scan(&path, &candidate::needle(version), |row| rows.push(row))
            .map_err(DebianError::io("read", &path))?;
        Ok(candidate::choose(rows, package, version, file_name))
    }

    /// Returns all source packages of all suites, suites in the order of the settings.
    ///
    /// # Errors
    ///
    /// Returns why the indices cannot be had.
    pub fn source_packages(
        &self,
        refresh: Refresh,
        task: &Task<'_>,
    ) -> Result<Vec<SourcePackage>, DebianError> {
        let apt = self.sources_apt();
        let directory = self.directory.join("sources");
        let (_lock, present) = self.open(&apt, &directory, refresh, task)?;
        let mut found = Vec::new();
        for index in &present {
            let text = apt.read(index)?;
            found.extend(offers::read(&index.suite, &String::from_utf8_lossy(&text)));
        }
        Ok(found)
    }

    /// Downloads a file of the archive and copies it over the file `to`; `task` is told about bytes.
    ///
    /// # Errors
    ///
    /// Returns what apt said.
    pub fn download(
        &self,
        wanted: &SourceFile,
        to: &Path,
        task: &Task<'_>,
    ) -> Result<(), DebianError> {
        // Any prepared state will do: downloads need the configuration only.
        let apt = self.sources_apt();
        apt.prepare(task)?;
        let target = tempfile::Builder::new()
            .prefix("file-")
            .tempdir_in(apt.download_directory())
            .map_err(DebianError::io(
                "make a directory in",
                apt.download_directory(),
            ))?;
        apt.give_to_downloader(target.path())?;
        let file = target.path().join("file");
        let (end, ended) = mpsc::channel::<()>();
        std::thread::scope(|scope| {
            let file = &file;
            scope.spawn(move || watch(file, wanted.size, task, &ended));
            let result = apt.download(&wanted.path, &wanted.sha256, file);
            drop(end);
            result
        })?;
        // Copied, not moved: the file belongs to apt's own user, who could still change it.
        let copy = || {
            let mut from = open_regular(&file)?;
            let mut to = fs_err::File::create(to)?;
            std::io::copy(&mut from, &mut to)
        };
        copy().map(drop).map_err(DebianError::io("copy", &file))
    }

    /// Closes the list of binary packages `wanted` under their dependencies, in one suite.
    ///
    /// # Errors
    ///
    /// Returns why the index cannot be had, or every name that the suite does not have.
    pub fn resolve_binaries(
        &self,
        suite: &str,
        arch: Arch,
        wanted: &Wanted,
        refresh: Refresh,
        task: &Task<'_>,
    ) -> Result<Vec<BinaryPackage>, ClosureError> {
        let arch = debian_arch(arch);
        let directory = self.directory.join(format!("packages-{suite}-{arch}"));
        let indices = Indices::Packages {
            suite: suite.to_owned(),
            arch,
        };
        let apt = Apt::new(&self.settings, directory.clone(), indices, &self.is_told);
        let (_lock, present) = self.open(&apt, &directory, refresh, task)?;
        let mut packages = Packages::default();
        for index in &present {
            let text = apt.read(index)?;
            packages.add(&String::from_utf8_lossy(&text));
        }
        closure::close(&packages, wanted, suite)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Result<Sources, String>>> {
        self.sources
            .lock()
            .expect("no thread panics while it holds this lock")
    }

    fn sources_apt(&self) -> Apt<'_> {
        let indices = Indices::Sources(self.settings.suites.clone());
        Apt::new(
            &self.settings,
            self.directory.join("sources"),
            indices,
            &self.is_told,
        )
    }

    fn lookup_path(&self) -> PathBuf {
        self.directory.join("sources.lookup")
    }

    fn may_refresh(&self, sources: &Option<Result<Sources, String>>) -> bool {
        self.network == Network::Online && matches!(sources, Some(Ok(Sources { is_fresh: false })))
    }

    /// Sees to it that indices and lookup file are there.
    fn prepare_sources(
        &self,
        sources: &mut Option<Result<Sources, String>>,
        refresh: Refresh,
        task: &Task<'_>,
    ) -> Result<(), DebianError> {
        match sources {
            Some(Ok(_)) => return Ok(()),
            Some(Err(reason)) => {
                return Err(DebianError::Update {
                    suites: self.suites(),
                    reason: format!("not tried again: earlier in this run, {reason}"),
                });
            }
            None => {}
        }
        let result = self.make_lookup(refresh, task);
        *sources = Some(match &result {
            Ok(found) => Ok(*found),
            Err(error) => Err(crate::host::chain(error)),
        });
        result.map(drop)
    }

    fn make_lookup(&self, refresh: Refresh, task: &Task<'_>) -> Result<Sources, DebianError> {
        let apt = self.sources_apt();
        let directory = self.directory.join("sources");
        let (_lock, present) = self.open(&apt, &directory, refresh, task)?;
        let path = self.lookup_path();
        let edition = edition(&present);
        if !lookup::is_of(&path, &edition) {
            let mut collected = Collected::default();
            for index in &present {
                let text = apt.read(index)?;
                collected.add(&String::from_utf8_lossy(&text));
            }
            let write = || {
                let file = tempfile::NamedTempFile::new_in(&self.directory)?;
                collected.write(&edition, &file)?;
                file.persist(&path).map(drop).map_err(|error| error.error)
            };
            write().map_err(DebianError::io("write", &path))?;
        }
        let is_fresh = age(&directory).is_some_and(|age| age < self.settings.max_age);
        Ok(Sources { is_fresh })
    }

    /// Prepares a state, updates it if asked, and returns its indices with the lock that keeps other processes
    /// from changing them.
    fn open(
        &self,
        apt: &Apt<'_>,
        directory: &Path,
        refresh: Refresh,
        task: &Task<'_>,
    ) -> Result<(File, Vec<Index>), DebianError> {
        apt.prepare(task)?;
        let path = directory.join("lock");
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(DebianError::io("open", &path))?;
        igos_root::wait_for_lock(lock.file()).map_err(DebianError::io("lock", &path))?;
        let age = age(directory);
        let is_wanted = match refresh {
            Refresh::IfAbsent => age.is_none(),
            Refresh::IfOld => age.is_none_or(|age| age >= self.settings.max_age),
            Refresh::Now => true,
        };
        if is_wanted {
            if self.network == Network::Offline {
                return Err(DebianError::Offline {
                    suites: apt.suites(),
                });
            }
            let stamp = directory.join("updated");
            let text = apt.sources_list()?;
            apt.update()?;
            fs_err::write(&stamp, text).map_err(DebianError::io("write", &stamp))?;
        }
        let present = apt.present()?;
        Ok((lock.into_parts().0, present))
    }
}

/// Tells `task` how much of a download is there, until the sender is dropped.
fn watch(file: &Path, size: u64, task: &Task<'_>, ended: &mpsc::Receiver<()>) {
    while ended.recv_timeout(PROGRESS_PERIOD) == Err(mpsc::RecvTimeoutError::Timeout) {
        if let Some(done) = size_of(file) {
            task.advance(done, Some(size));
        }
    }
}

/// Returns how long ago a state was updated, `None` if it never was or has other suites now.
fn age(directory: &Path) -> Option<Duration> {
    let list = fs_err::read(directory.join("sources.list")).ok()?;
    let stamp = directory.join("updated");
    if fs_err::read(&stamp).ok()? != list {
        return None;
    }
    let modified = fs_err::metadata(&stamp).ok()?.modified().ok()?;
    // A stamp from the future counts as made now.
    Some(
        SystemTime::now()
            .duration_since(modified)
            .unwrap_or_default(),
    )
}

fn edition(indices: &[Index]) -> Sha256 {
    let mut text = String::new();
    for index in indices {
        text.push_str(&index.edition);
        text.push('\n');
    }
    Sha256::of(text.as_bytes())
}

/// Returns Debian's name of an architecture.
fn debian_arch(arch: Arch) -> &'static str {
    match arch {
        Arch::Any => "all",
        Arch::Aarch64 => "arm64",
        Arch::Riscv64 => "riscv64",
        Arch::X86_64 => "amd64",
    }
}
