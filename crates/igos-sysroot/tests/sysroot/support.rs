//! Archives made on the spot and a root to put them in.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};
use std::num::NonZeroUsize;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use fs_err as fs;

use igos_format::archive::{Compression, CompressionFormat, write_archive};
use igos_format::manifest::{self, Manifest, Origin};
use igos_format::{
    Arch, EntryKind, FileEntry, Owner, PackageId, PackageName, RelPath, Sha256, Xattrs,
};
use igos_report::Quiet;
use igos_root::RootDir;
use igos_sysroot::{
    Applied, ApplyError, ArchiveSource, Candidate, Change, ChangeOptions, Downgrade, Durability,
    LockedSysroot, Ownership, Plan, PlanError, Policy, Reason, Request, RunningKernel, Sysroot,
    Unmanaged, Unowned, Unsigned, VerifyReport, VerifyRequest, Vouch,
};

/// When all test transactions happen.
pub(crate) const NOW: i64 = 1_750_000_000;

/// What all test packages give as modification time.
pub(crate) const EPOCH: i64 = 1_700_000_000;

pub(crate) fn path(text: &str) -> RelPath {
    text.parse().expect("a path")
}

pub(crate) fn name(text: &str) -> PackageName {
    text.parse().expect("a name")
}

/// An archive of ours, made in memory.
#[derive(Clone)]
pub(crate) struct TestArchive {
    pub(crate) manifest: Manifest,
    contents: BTreeMap<RelPath, Vec<u8>>,
    made: OnceLock<Vec<u8>>,
}

impl TestArchive {
    pub(crate) fn new(package: &str, version: &str) -> Self {
        TestArchive {
            manifest: Manifest {
                recipe: name(package),
                description: format!("the package {package}"),
                license: "MIT".to_owned(),
                source_date_epoch: EPOCH as u64,
                ..Manifest::new(
                    PackageId {
                        name: name(package),
                        epoch: 0,
                        version: version.parse().expect("a version"),
                        release: "1".parse().expect("a release"),
                        arch: Arch::Any,
                    },
                    Origin::Built,
                    Sha256::of(b"key"),
                )
            },
            contents: BTreeMap::new(),
            made: OnceLock::new(),
        }
    }

    fn entry(mut self, at: &str, kind: EntryKind, mode: u16) -> Self {
        self.manifest.entries.push(FileEntry {
            path: path(at),
            kind,
            mode,
            owner: Owner::root(),
            is_configuration: false,
            capabilities: None,
            xattrs: Xattrs::new(),
        });
        self
    }

    pub(crate) fn directory(self, at: &str, mode: u16) -> Self {
        self.entry(at, EntryKind::Directory, mode)
    }

    pub(crate) fn file(self, at: &str, content: &[u8]) -> Self {
        self.file_with(at, content, 0o644)
    }

    pub(crate) fn file_with(mut self, at: &str, content: &[u8], mode: u16) -> Self {
        self.contents.insert(path(at), content.to_vec());
        let kind = EntryKind::File {
            sha256: Sha256::of(content),
            size: content.len() as u64,
            link_group: None,
        };
        self.entry(at, kind, mode)
    }

    pub(crate) fn symlink(self, at: &str, target: &str) -> Self {
        let target = target.as_bytes().to_vec();
        self.entry(at, EntryKind::Symlink { target }, 0o777)
    }

    pub(crate) fn hard_links(mut self, group: u32, paths: &[&str], content: &[u8]) -> Self {
        for at in paths {
            self = self.file(at, content);
            let last = self.manifest.entries.last_mut().expect("just added");
            last.kind = EntryKind::File {
                sha256: Sha256::of(content),
                size: content.len() as u64,
                link_group: Some(group),
            };
        }
        self
    }

    pub(crate) fn configuration(mut self, at: &str, content: &[u8]) -> Self {
        self = self.file(at, content);
        self.manifest
            .entries
            .last_mut()
            .expect("just added")
            .is_configuration = true;
        self
    }

    pub(crate) fn change_last(mut self, change: impl FnOnce(&mut FileEntry)) -> Self {
        change(self.manifest.entries.last_mut().expect("there is one"));
        self
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut Manifest)) -> Self {
        change(&mut self.manifest);
        self
    }

    pub(crate) fn depends(self, on: &str) -> Self {
        let dependency = on.parse().expect("a dependency");
        self.with(|manifest| {
            manifest.depends.insert(dependency);
        })
    }

    pub(crate) fn supersedes(self, other: &str) -> Self {
        self.with(|manifest| {
            manifest.supersedes.insert(name(other));
        })
    }

    /// Returns the archive; the same as last time if nothing was changed since.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.made.get_or_init(|| self.make()).clone()
    }

    fn make(&self) -> Vec<u8> {
        let mut manifest = self.manifest.clone();
        manifest::normalise(&mut manifest);
        let open = |entry: &FileEntry| -> io::Result<Box<dyn Read + Send>> {
            Ok(Box::new(Cursor::new(self.contents[&entry.path].clone())))
        };
        let mut bytes = Vec::new();
        write_archive(
            &manifest,
            b"{}",
            &open,
            Compression::new(CompressionFormat::Zstd, 1).expect("a level"),
            NonZeroUsize::MIN,
            &mut Cursor::new(Vec::new()),
            &mut bytes,
        )
        .expect("the archive can be written");
        bytes
    }

    pub(crate) fn candidate(&self) -> Candidate {
        Candidate::read(self.bytes().as_slice(), Vouch::unsigned()).expect("the archive is sound")
    }
}

/// A root in a temporary directory.
pub(crate) struct TestRoot {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) unowned: Unowned,
    pub(crate) ownership: Ownership,
}

impl TestRoot {
    pub(crate) fn new() -> Self {
        TestRoot {
            directory: tempfile::tempdir().expect("a temporary directory"),
            unowned: Unowned::Refuse,
            ownership: Ownership::of_caller(),
        }
    }

    /// Returns a root that nothing waits for the disk in, where the machine has such a place: for tests that make
    /// hundreds of them.
    pub(crate) fn in_memory() -> Self {
        let mut root = TestRoot::new();
        if let Ok(directory) = tempfile::tempdir_in("/dev/shm") {
            root.directory = directory;
        }
        root
    }

    pub(crate) fn path(&self, at: &str) -> PathBuf {
        self.directory.path().join(at)
    }

    pub(crate) fn root(&self) -> RootDir {
        RootDir::open(self.directory.path()).expect("the root is a directory")
    }

    pub(crate) fn read(&self) -> Sysroot {
        Sysroot::open(self.root(), Unmanaged::Refuse).expect("the root can be read")
    }

    pub(crate) fn change(&self) -> LockedSysroot {
        // Test roots need not survive power cuts.
        self.change_with(ChangeOptions {
            durability: Durability::None,
            ..ChangeOptions::default()
        })
    }

    pub(crate) fn change_with(&self, options: ChangeOptions) -> LockedSysroot {
        LockedSysroot::create_or_open(self.root(), options).expect("the root can be changed")
    }

    /// Returns a request for exactly these, which lets everything happen that an administrator may allow.
    pub(crate) fn request(&self, wanted: &[&TestArchive]) -> Request {
        let seals = wanted.iter().map(|archive| archive.candidate().seal());
        Request {
            install: seals.map(|seal| (seal, Reason::Explicit)).collect(),
            ..Request::new(Policy {
                unsigned: Unsigned::Allow,
                unowned: self.unowned,
                downgrade: Downgrade::Allow,
                ownership: self.ownership,
                ..Policy::strict(RunningKernel::Ignore)
            })
        }
    }

    /// Plans a request out of `archives`.
    pub(crate) fn plan_request(
        &self,
        archives: &[&TestArchive],
        request: &Request,
    ) -> Result<Plan, PlanError> {
        let candidates: Vec<_> = archives.iter().map(|archive| archive.candidate()).collect();
        Sysroot::open(self.root(), Unmanaged::Empty)
            .expect("the root can be read")
            .plan(&candidates, request)
    }

    /// Plans `wanted` out of `archives`.
    pub(crate) fn plan(
        &self,
        archives: &[&TestArchive],
        wanted: &[&TestArchive],
    ) -> Result<Plan, PlanError> {
        self.plan_request(archives, &self.request(wanted))
    }

    pub(crate) fn try_install(&self, archives: &[&TestArchive]) -> Result<Plan, PlanError> {
        let plan = self.plan(archives, archives)?;
        let mut sysroot = self.change();
        apply(&mut sysroot, &plan, archives).expect("the plan can be applied");
        sysroot.settle().expect("the transaction can be settled");
        Ok(plan)
    }

    pub(crate) fn install(&self, archives: &[&TestArchive]) -> Plan {
        self.try_install(archives).expect("there is a plan")
    }

    pub(crate) fn plan_remove(&self, names: &[&str]) -> Result<Plan, PlanError> {
        let request = Request {
            remove: names.iter().map(|text| name(text)).collect(),
            ..self.request(&[])
        };
        self.plan_request(&[], &request)
    }

    pub(crate) fn remove(&self, names: &[&str]) -> Plan {
        let plan = self.plan_remove(names).expect("there is a plan");
        let mut sysroot = self.change();
        apply(&mut sysroot, &plan, &[]).expect("the plan can be applied");
        sysroot.settle().expect("the transaction can be settled");
        plan
    }

    pub(crate) fn verify(&self) -> VerifyReport {
        self.read()
            .verify(&VerifyRequest::all(), &Quiet)
            .expect("the root can be verified")
    }

    /// Returns what verification finds, as `PATH WHAT`.
    pub(crate) fn findings(&self) -> Vec<String> {
        let report = self.verify();
        report
            .findings
            .iter()
            .map(|found| format!("{} {}", found.path, found.what))
            .collect()
    }

    pub(crate) fn content(&self, at: &str) -> String {
        fs::read_to_string(self.path(at)).unwrap_or_else(|error| format!("<{error}>"))
    }

    pub(crate) fn put(&self, at: &str, content: &str) {
        let target = self.path(at);
        fs::create_dir_all(target.parent().expect("it has one")).expect("directories");
        fs::write(target, content).expect("the file can be written");
    }

    pub(crate) fn exists(&self, at: &str) -> bool {
        self.path(at).symlink_metadata().is_ok()
    }

    pub(crate) fn mode(&self, at: &str) -> u32 {
        let found = self.path(at).symlink_metadata().expect("it is there");
        found.permissions().mode() & 0o7777
    }

    /// Returns every path outside the state directory with kind, mode, owner and content, one a line.
    pub(crate) fn tree(&self) -> String {
        let mut lines = Vec::new();
        list(self.directory.path(), Path::new(""), &mut lines);
        lines.retain(|line| !line.contains("var/lib/igos"));
        lines.join("\n")
    }

    /// Returns all records, the history, the pristine contents and the texts of the state as text.
    pub(crate) fn records(&self) -> String {
        let mut lines = Vec::new();
        for directory in ["packages", "history", "pristine"] {
            let at = format!("var/lib/igos/{directory}");
            list(&self.path(&at), Path::new(directory), &mut lines);
        }
        for text in ["configuration", "alternatives", "excluded"] {
            let at = format!("var/lib/igos/{text}");
            if self.exists(&at) {
                lines.push(self.content(&at));
            }
        }
        lines.join("\n")
    }
}

fn list(directory: &Path, below: &Path, lines: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    let mut entries: Vec<_> = entries.map(|entry| entry.expect("an entry")).collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let at = below.join(entry.file_name());
        let found = entry.path().symlink_metadata().expect("it is there");
        let content = if found.is_symlink() {
            let target = fs::read_link(entry.path()).expect("it is a link");
            format!("-> {}", target.display())
        } else if found.is_file() {
            Sha256::of(&fs::read(entry.path()).expect("it can be read")).to_string()
        } else {
            String::new()
        };
        lines.push(format!(
            "{} {:o} {}:{} {content}",
            at.display(),
            found.mode(),
            found.uid(),
            found.gid()
        ));
        if found.is_dir() {
            list(&entry.path(), &at, lines);
        }
    }
}

/// Applies a plan with the archives it was made from.
pub(crate) fn apply(
    sysroot: &mut LockedSysroot,
    plan: &Plan,
    archives: &[&TestArchive],
) -> Result<Applied, ApplyError> {
    let open = |change: &Change| -> io::Result<ArchiveSource> {
        let found = archives
            .iter()
            .find(|archive| archive.manifest.package == change.package)
            .ok_or(io::ErrorKind::NotFound)?;
        Ok(ArchiveSource::Whole(Box::new(Cursor::new(found.bytes()))))
    };
    sysroot.apply(plan, plan.digest(), &open, NOW, &Quiet)
}

/// Tells whether the tests run as root; says so where they do not.
pub(crate) fn is_root(what: &str) -> bool {
    let is_root = Ownership::of_caller() == Ownership::Applied;
    if !is_root {
        skipped(&format!("{what} needs root"));
    }
    is_root
}

/// Says that a test could not be carried out, and why.
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
pub(crate) fn skipped(reason: &str) {
    println!("skipped: {reason}");
}

/// The database of a root.
pub(crate) const DATABASE: &str = "var/lib/igos/pkm.db";

/// Returns everything in the database of a root: each table with each row, as SQLite keeps it.
pub(crate) fn dump(root: &TestRoot) -> String {
    let connection = rusqlite::Connection::open(root.path(DATABASE)).expect("it opens");
    let mut tables = connection
        .prepare("SELECT name, sql FROM sqlite_master WHERE type = 'table' ORDER BY name")
        .expect("it can be asked");
    let tables: Vec<(String, String)> = tables
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .expect("it can be asked")
        .map(|row| row.expect("a row"))
        .collect();
    let mut text = String::new();
    for (table, sql) in tables {
        text += &format!("{sql}\n");
        let mut rows = connection
            .prepare(&format!("SELECT * FROM {table} ORDER BY 1, 2"))
            .expect("the table is there");
        let columns = rows.column_count();
        let mut rows = rows.query([]).expect("it can be read");
        while let Some(row) = rows.next().expect("it can be read") {
            for column in 0..columns {
                text += &format!("{:?} ", row.get_ref(column).expect("a value"));
            }
            text += "\n";
        }
    }
    text
}
