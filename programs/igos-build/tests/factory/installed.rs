//! An archive of the factory in a root: what is run when it is installed and removed.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use igos_format::Sha256;
use igos_report::Quiet;
use igos_root::RootDir;
use igos_sysroot::{
    ArchiveSource, Candidate, Change, ChangeOptions, Durability, HookCall, HookError, HookOutcome,
    LockedSysroot, Plan, Policy, Reason, Request, Retry, RunHooks, RunningKernel, Unsigned, Vouch,
    Writes,
};

/// Remembers what it is asked to run.
#[derive(Debug, Default)]
struct Remembered(Mutex<Vec<String>>);

impl RunHooks for Remembered {
    fn check(&self) -> Result<(), HookError> {
        Ok(())
    }

    fn run(&self, _root: &RootDir, call: &HookCall) -> Result<HookOutcome, HookError> {
        let when = match call.writes {
            Writes::Nothing(_) => "before",
            Writes::Root => "after",
        };
        let line = format!("{when} {}", call.run.join(" "));
        self.0.lock().expect("not poisoned").push(line);
        Ok(HookOutcome {
            problem: None,
            output: Vec::new(),
        })
    }

    fn run_on_host(&self, _call: &HookCall) -> Result<HookOutcome, HookError> {
        panic!("no test root is the running system's");
    }
}

/// Installs an archive, with that of what it needs, into a root and removes it again; returns what was run.
pub(crate) fn installed_and_removed(archive: &Path, needed: &Path) -> Vec<String> {
    let root = tempfile::tempdir().expect("a directory");
    let ran = Arc::new(Remembered::default());
    let options = ChangeOptions {
        durability: Durability::None,
        hooks: Arc::clone(&ran) as Arc<dyn RunHooks>,
        ..ChangeOptions::default()
    };
    let open = RootDir::open(root.path()).expect("it is a directory");
    let mut sysroot = LockedSysroot::create_or_open(open, options).expect("it can be changed");
    let candidates = [archive, needed].map(|archive| {
        let file = fs_err::File::open(archive).expect("it is there");
        Candidate::read(file, Vouch::unsigned()).expect("it is sound")
    });
    let archives: BTreeMap<Sha256, &Path> = candidates
        .iter()
        .map(Candidate::seal)
        .zip([archive, needed])
        .collect();
    let request = Request::new(Policy {
        unsigned: Unsigned::Allow,
        ..Policy::strict(RunningKernel::Ignore)
    });
    let install = Request {
        install: candidates
            .iter()
            .map(|candidate| (candidate.seal(), Reason::Explicit))
            .collect(),
        ..request.clone()
    };
    let name = candidates[0].manifest().package.name.clone();
    let plan = sysroot.plan(&candidates, &install).expect("a plan");
    apply(&mut sysroot, &plan, &archives);
    let remove = Request {
        remove: [name].into_iter().collect(),
        ..request
    };
    let plan = sysroot.plan(&[], &remove).expect("a plan");
    apply(&mut sysroot, &plan, &archives);
    std::mem::take(&mut *ran.0.lock().expect("not poisoned"))
}

/// Installs archives into a root, which is made.
pub(crate) fn install(root: &Path, archives: &[PathBuf]) {
    let open = RootDir::open(root).expect("it is a directory");
    let options = ChangeOptions {
        durability: Durability::None,
        hooks: Arc::new(Remembered::default()),
        ..ChangeOptions::default()
    };
    let mut sysroot = LockedSysroot::create_or_open(open, options).expect("it can be changed");
    let candidates: Vec<Candidate> = archives
        .iter()
        .map(|archive| {
            let file = fs_err::File::open(archive).expect("it is there");
            Candidate::read(file, Vouch::unsigned()).expect("it is sound")
        })
        .collect();
    let seals = candidates.iter().map(Candidate::seal);
    let by_seal: BTreeMap<Sha256, &Path> =
        seals.zip(archives.iter().map(PathBuf::as_path)).collect();
    let mut request = Request::new(Policy {
        unsigned: Unsigned::Allow,
        ..Policy::strict(RunningKernel::Ignore)
    });
    request.install = by_seal
        .keys()
        .map(|seal| (*seal, Reason::Explicit))
        .collect();
    let plan = sysroot.plan(&candidates, &request).expect("a plan");
    apply(&mut sysroot, &plan, &by_seal);
}

fn apply(sysroot: &mut LockedSysroot, plan: &Plan, archives: &BTreeMap<Sha256, &Path>) {
    let open = |change: &Change| -> io::Result<ArchiveSource> {
        let archive = change.seal.and_then(|seal| archives.get(&seal));
        let archive = archive.ok_or(io::ErrorKind::NotFound)?;
        Ok(ArchiveSource::Whole(Box::new(fs_err::File::open(archive)?)))
    };
    sysroot
        .apply(plan, plan.digest(), &open, 1_750_000_000, &Quiet)
        .expect("it can be applied");
    sysroot.settle().expect("it can be settled");
    sysroot
        .run_hooks(Retry::Interrupted, &Quiet)
        .expect("hooks can be run");
}
