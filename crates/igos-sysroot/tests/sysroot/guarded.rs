//! What a hook that got past its sandbox, or a journal that somebody forged, still cannot do.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use fs_err as fs;
use igos_format::Sha256;
use igos_format::declaration::{HookDeclaration, HookMoment};
use igos_report::{Explain, Quiet};
use igos_root::RootDir;
use igos_sysroot::{
    ChangeOptions, Durability, HookCall, HookError, HookOutcome, HookResult, JobState,
    LockedSysroot, Retry, RunHooks,
};

use crate::support::{TestArchive, TestRoot, apply};

/// What takes the place of the first program that is run.
type Deed = fn(&Path);

/// Does something to the root instead of running the first program, and remembers what it was asked to run.
#[derive(Debug)]
struct Escaped {
    root: PathBuf,
    deed: Deed,
    ran: Mutex<Vec<String>>,
}

impl RunHooks for Escaped {
    fn check(&self) -> Result<(), HookError> {
        Ok(())
    }

    fn run(&self, _root: &RootDir, call: &HookCall) -> Result<HookOutcome, HookError> {
        let mut ran = self.ran.lock().expect("not poisoned");
        if ran.is_empty() {
            (self.deed)(&self.root);
        }
        ran.push(call.run.join(" "));
        Ok(HookOutcome {
            problem: None,
            output: Vec::new(),
        })
    }

    fn run_on_host(&self, call: &HookCall) -> Result<HookOutcome, HookError> {
        panic!("{:?} is run outside of any sandbox", call.run);
    }
}

/// A root whose transaction has two hooks to run.
fn with_hooks() -> TestRoot {
    let root = TestRoot::new();
    let archive = TestArchive::new("a", "1")
        .file("usr/bin/a", b"a")
        .file("usr/lib/igos/pkm.toml", b"")
        .with(|manifest| {
            for argument in ["first", "second"] {
                manifest.hooks.insert(HookDeclaration {
                    moment: HookMoment::PostInstall,
                    run: vec!["/usr/bin/a".to_owned(), argument.to_owned()],
                });
            }
        });
    let plan = root
        .plan(&[&archive], &[&archive])
        .expect("there is a plan");
    let mut sysroot = change(&root, &runner(&root, |_| {}));
    apply(&mut sysroot, &plan, &[&archive]).expect("it can be applied");
    sysroot.settle().expect("it can be settled");
    drop(sysroot);
    root
}

fn runner(root: &TestRoot, deed: Deed) -> Arc<Escaped> {
    Arc::new(Escaped {
        root: root.path(""),
        deed,
        ran: Mutex::default(),
    })
}

fn change(root: &TestRoot, runner: &Arc<Escaped>) -> LockedSysroot {
    root.change_with(ChangeOptions {
        durability: Durability::None,
        hooks: Arc::clone(runner) as Arc<dyn RunHooks>,
        ..ChangeOptions::default()
    })
}

fn run(root: &TestRoot, deed: Deed) -> (Result<Vec<HookResult>, HookError>, Vec<String>) {
    let runner = runner(root, deed);
    let mut sysroot = change(root, &runner);
    let results = sysroot.run_hooks(Retry::Interrupted, &Quiet);
    let ran = std::mem::take(&mut *runner.ran.lock().expect("not poisoned"));
    (results, ran)
}

/// Puts a copy where something was.
fn exchange(root: &Path, at: &str) {
    fs::rename(root.join(at), root.join("taken")).expect("renamed");
    fs::create_dir_all(root.join(at)).expect("made");
    for name in ["lib", "cache", "igos"] {
        if root.join("taken").join(name).exists() {
            fs::rename(root.join("taken").join(name), root.join(at).join(name)).expect("renamed");
        }
    }
}

#[test]
fn state_that_is_another_after_a_hook_ends_everything_and_is_told() {
    let deeds: [(Deed, &str); 7] = [
        (|root| exchange(root, "var"), "var"),
        (|root| exchange(root, "var/lib"), "var/lib"),
        (|root| exchange(root, "var/lib/igos"), "var/lib/igos"),
        (|root| exchange(root, "var/cache/igos"), "var/cache/igos"),
        (|root| exchange(root, "etc/igos"), "etc/igos"),
        (|root| exchange(root, "usr/lib/igos"), "usr/lib/igos"),
        (
            |root| {
                let mode = std::os::unix::fs::PermissionsExt::from_mode(0o777);
                fs::set_permissions(root.join("var/lib"), mode).expect("ours");
            },
            "var/lib",
        ),
    ];
    for (deed, place) in deeds {
        let root = with_hooks();
        let (results, ran) = run(&root, deed);
        let error = results.expect_err("what comes next would believe it");
        assert_eq!(
            (error.code(), error.exit_code()),
            ("hook-exchanged-state", 1)
        );
        assert_eq!(
            error.to_string(),
            format!(
                "post-install of a exchanged /{place}: what the package manager knows of this root cannot be believed any more"
            )
        );
        assert_eq!(ran.len(), 1, "{place}");
    }
    let root = with_hooks();
    let (results, ran) = run(&root, |root| {
        fs::write(root.join("var/lib/other"), "").expect("written");
    });
    assert_eq!((results.expect("they ran").len(), ran.len()), (2, 2));
}

#[test]
fn journal_does_not_say_what_our_own_triggers_run() {
    let jobs = [
        "systemd-reload /usr/bin/evil",
        "systemd-reload /usr/bin/systemctl start evil",
        "ldconfig /usr/bin/evil",
        "depmod /usr/sbin/depmod --config=/usr/lib/evil",
        "mine /usr/bin/evil",
    ];
    let root = TestRoot::new();
    root.install(&[&TestArchive::new("a", "1").file("usr/bin/evil", b"evil")]);
    let lines: Vec<String> = jobs
        .iter()
        .map(|job| format!("waiting - built-in {job}\n"))
        .collect();
    let text = format!(
        "igos-hooks 1 1\ntransaction 1\npolicy run\n{}",
        lines.concat()
    );
    root.put(
        "var/lib/igos/hooks/00000001.open",
        &format!("{text}end {}\n", Sha256::of(text.as_bytes())),
    );
    let (results, ran) = run(&root, |_| {});
    let results = results.expect("what is forged fails");
    assert_eq!(ran, [""; 0]);
    assert_eq!(results.len(), jobs.len());
    for result in results {
        assert!(
            matches!(&result.state, JobState::Failed(why) if why.ends_with("is no command of this program")),
            "{result:?}"
        );
    }
}
