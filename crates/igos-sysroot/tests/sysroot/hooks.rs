//! What is run around transactions, in which order, and what is remembered; nothing is confined here, the programs
//! are functions. The real ones are in `tests/hooks`.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use igos_format::declaration::{HookDeclaration, HookMoment, TriggerDeclaration};
use igos_report::Quiet;
use igos_root::RootDir;
use igos_sysroot::{
    ApplyError, ChangeOptions, Durability, HookCall, HookError, HookOutcome, HookPolicy, JobState,
    LockedSysroot, Mutations, Retry, RunHooks, Writes,
};

use crate::faulty::{Faulty, Stop};
use crate::support::{TestArchive, TestRoot, apply, name};

/// Remembers what it is asked to run; programs named in `failing` fail.
#[derive(Debug, Default)]
struct Fake {
    ran: Mutex<Vec<String>>,
    environments: Mutex<Vec<BTreeMap<String, String>>>,
    failing: Mutex<Vec<&'static str>>,
    /// The number of calls after which the machine loses its power.
    power: Mutex<Option<usize>>,
}

impl Fake {
    fn ran(&self) -> Vec<String> {
        std::mem::take(&mut *self.ran.lock().expect("not poisoned"))
    }

    fn fail(&self, programs: &[&'static str]) {
        *self.failing.lock().expect("not poisoned") = programs.to_vec();
    }
}

impl RunHooks for Fake {
    fn check(&self) -> Result<(), HookError> {
        Ok(())
    }

    fn run(&self, _root: &RootDir, call: &HookCall) -> Result<HookOutcome, HookError> {
        if let Some(left) = self.power.lock().expect("not poisoned").as_mut() {
            if *left == 0 {
                return Err(HookError::NoSandbox {
                    missing: Vec::new(),
                });
            }
            *left -= 1;
        }
        let when = match call.writes {
            Writes::Nothing(_) => "before",
            Writes::Root => "after",
        };
        let words = call.run.join(" ");
        let is_failing = self
            .failing
            .lock()
            .expect("not poisoned")
            .iter()
            .any(|program| call.run[0] == *program);
        self.ran
            .lock()
            .expect("not poisoned")
            .push(format!("{when} {words}"));
        self.environments
            .lock()
            .expect("not poisoned")
            .push(call.environment.clone());
        Ok(HookOutcome {
            problem: is_failing.then(|| "exited with code 3".to_owned()),
            output: format!("{words} was run\n").into_bytes(),
        })
    }

    fn run_on_host(&self, _call: &HookCall) -> Result<HookOutcome, HookError> {
        panic!("no test root is the running system's");
    }
}

fn change(root: &TestRoot, fake: &Arc<Fake>) -> LockedSysroot {
    root.change_with(ChangeOptions {
        durability: Durability::None,
        hooks: Arc::clone(fake) as Arc<dyn RunHooks>,
        ..ChangeOptions::default()
    })
}

fn hook(archive: TestArchive, moment: HookMoment, run: &[&str]) -> TestArchive {
    let run = run.iter().map(|word| (*word).to_owned()).collect();
    archive.with(|manifest| {
        manifest.hooks.insert(HookDeclaration { moment, run });
    })
}

fn trigger(archive: TestArchive, own: &str, path: &str, run: &[&str]) -> TestArchive {
    archive.with(|manifest| {
        manifest.triggers.insert(TriggerDeclaration {
            name: name(own),
            paths: vec![path.to_owned()],
            run: run.iter().map(|word| (*word).to_owned()).collect(),
        });
    })
}

/// A package with a hook for every moment, whose program says which.
fn with_all_hooks(package: &str, version: &str) -> TestArchive {
    let archive = TestArchive::new(package, version).file("usr/bin/of", b"program");
    HookMoment::ALL
        .into_iter()
        .fold(archive, |archive, moment| {
            hook(
                archive,
                moment,
                &["/usr/bin/of", package, version, moment.as_str()],
            )
        })
}

/// Installs, and runs what is to be run.
fn install(root: &TestRoot, fake: &Arc<Fake>, archives: &[&TestArchive]) -> Vec<String> {
    let plan = root.plan(archives, archives).expect("there is a plan");
    let mut sysroot = change(root, fake);
    apply(&mut sysroot, &plan, archives).expect("it can be applied");
    sysroot.settle().expect("it can be settled");
    sysroot
        .run_hooks(Retry::Interrupted, &Quiet)
        .expect("hooks can be run");
    fake.ran()
}

#[test]
fn each_moment_runs_the_hooks_of_the_manifest_it_is_about() {
    let (root, fake) = (TestRoot::new(), Arc::new(Fake::default()));
    assert_eq!(
        install(&root, &fake, &[&with_all_hooks("a", "1")]),
        [
            "before /usr/bin/of a 1 pre-install",
            "after /usr/bin/of a 1 post-install"
        ]
    );
    assert_eq!(
        install(&root, &fake, &[&with_all_hooks("a", "2")]),
        [
            "before /usr/bin/of a 2 pre-upgrade",
            "after /usr/bin/of a 2 post-upgrade"
        ]
    );
    let plan = root.plan_remove(&["a"]).expect("there is a plan");
    let mut sysroot = change(&root, &fake);
    apply(&mut sysroot, &plan, &[]).expect("it can be applied");
    sysroot.settle().expect("it can be settled");
    sysroot
        .run_hooks(Retry::Interrupted, &Quiet)
        .expect("hooks can be run");
    assert_eq!(
        fake.ran(),
        [
            "before /usr/bin/of a 2 pre-remove",
            "after /usr/bin/of a 2 post-remove"
        ]
    );
    let environments = fake.environments.lock().expect("not poisoned");
    let of = |name: &str, version: &str, operation: &str| {
        BTreeMap::from([
            ("PKM_PACKAGE_NAME".to_owned(), name.to_owned()),
            ("PKM_PACKAGE_VERSION".to_owned(), version.to_owned()),
            ("PKM_PACKAGE_OPERATION".to_owned(), operation.to_owned()),
        ])
    };
    assert_eq!(environments[0], of("a", "1-1", "install"));
    assert_eq!(environments[2], of("a", "2-1", "upgrade"));
    assert_eq!(environments[4], of("a", "2-1", "remove"));
}

#[test]
fn hooks_run_in_the_order_of_dependencies_and_triggers_once_after_them() {
    let (root, fake) = (TestRoot::new(), Arc::new(Fake::default()));
    let run = ["/usr/bin/index"];
    let tool = trigger(
        TestArchive::new("tool", "1").file("usr/bin/index", b"program"),
        "words",
        "usr/share/words/**",
        &run,
    );
    install(&root, &fake, &[&tool]);
    let words = |package: &str| {
        let archive =
            TestArchive::new(package, "1").file(&format!("usr/share/words/{package}"), b"x");
        hook(archive, HookMoment::PostInstall, &["/usr/bin/of", package])
    };
    // The same trigger, declared again, and a file for the program of a trigger of ours.
    let library = trigger(words("library"), "words", "/usr/share/words/*", &run)
        .file("usr/lib/libx.so.1", b"x")
        .file("usr/sbin/ldconfig", b"program")
        .file("usr/share/fonts/a.ttf", b"font");
    let program = words("program").depends("library");
    assert_eq!(
        install(&root, &fake, &[&program, &library]),
        [
            "after /usr/sbin/ldconfig",
            "after /usr/bin/of library",
            "after /usr/bin/of program",
            "after /usr/bin/index",
        ],
        "fc-cache is not in the root"
    );
    // Nothing that any of them is about.
    let other = TestArchive::new("other", "1").file("usr/share/other", b"x");
    assert_eq!(install(&root, &fake, &[&other]), [""; 0]);
}

#[test]
fn triggers_of_ours_run_once_for_each_kernel_that_is_still_there() {
    let (root, fake) = (TestRoot::new(), Arc::new(Fake::default()));
    let kmod = TestArchive::new("kmod", "1").file("usr/bin/depmod", b"program");
    let kernel = |version: &str| {
        TestArchive::new(&format!("linux-{version}"), "1")
            .file(&format!("usr/lib/modules/{version}/a.ko"), b"module")
            .file(&format!("usr/lib/modules/{version}/b.ko"), b"module")
    };
    let archives = [&kmod, &kernel("6.1"), &kernel("6.6")];
    assert_eq!(
        install(&root, &fake, &archives),
        ["after /usr/bin/depmod 6.1", "after /usr/bin/depmod 6.6"]
    );
    let plan = root.plan_remove(&["linux-6.1"]).expect("there is a plan");
    assert_eq!(plan.hooks.jobs, []);
}

#[test]
fn failing_hook_before_leaves_everything_as_it_was() {
    let (root, fake) = (TestRoot::new(), Arc::new(Fake::default()));
    install(&root, &fake, &[&with_all_hooks("a", "1")]);
    let (tree, records) = (root.tree(), root.records());
    let upgrade = with_all_hooks("a", "2").file("usr/bin/new", b"new");
    let plan = root
        .plan(&[&upgrade], &[&upgrade])
        .expect("there is a plan");
    fake.fail(&["/usr/bin/of"]);
    let mut sysroot = change(&root, &fake);
    let error = apply(&mut sysroot, &plan, &[&upgrade]).expect_err("the hook refuses");
    let ApplyError::Hook {
        source:
            HookError::Refused {
                job,
                problem,
                output,
            },
    } = error
    else {
        panic!("{error:?}");
    };
    assert_eq!(job, "pre-upgrade of a");
    assert_eq!(problem, "exited with code 3");
    assert_eq!(output, "/usr/bin/of a 2 pre-upgrade was run");
    assert_eq!((root.tree(), root.records()), (tree, records));
    assert!(sysroot.hooks_left().expect("readable").is_empty());
    drop(sysroot);
    fake.fail(&[]);
    install(&root, &fake, &[&upgrade]);
    assert_eq!(root.content("usr/bin/new"), "new");
}

#[test]
fn failing_hook_after_is_remembered_and_run_again_only_when_asked_for() {
    let (root, fake) = (TestRoot::new(), Arc::new(Fake::default()));
    fake.fail(&["/usr/bin/bad"]);
    let archive = hook(
        TestArchive::new("a", "1"),
        HookMoment::PostInstall,
        &["/usr/bin/bad"],
    );
    let archive = hook(archive, HookMoment::PostInstall, &["/usr/bin/good"]);
    let ran = install(&root, &fake, &[&archive]);
    assert_eq!(ran, ["after /usr/bin/bad", "after /usr/bin/good"]);
    let journal = root
        .read()
        .hooks_of(1)
        .expect("readable")
        .expect("there is one");
    let states: Vec<&JobState> = journal.jobs.iter().map(|(_, state)| state).collect();
    let failed = JobState::Failed("exited with code 3".to_owned());
    assert_eq!(states, [&failed, &JobState::Done]);
    assert_eq!(
        root.content("var/lib/igos/hooks/00000001/1.output"),
        "/usr/bin/bad was run\n"
    );
    // The record does not lie: the package is there.
    assert_eq!(root.findings(), [""; 0]);

    let mut sysroot = change(&root, &fake);
    let results = sysroot.run_hooks(Retry::Interrupted, &Quiet).expect("run");
    assert_eq!((results.len(), fake.ran().len()), (0, 0));
    let results = sysroot.run_hooks(Retry::Failed, &Quiet).expect("run");
    assert!(results[0].is_failed());
    assert_eq!(results[0].what, "post-install of a");
    assert_eq!(results[0].output, "/usr/bin/bad was run");
    fake.fail(&[]);
    fake.ran();
    let results = sysroot.run_hooks(Retry::Failed, &Quiet).expect("run");
    assert_eq!(
        (results.len(), fake.ran()),
        (1, vec!["after /usr/bin/bad".to_owned()])
    );
    assert!(sysroot.hooks_left().expect("readable").is_empty());
    let journal = sysroot.hooks_of(1).expect("readable").expect("it is kept");
    assert!(
        journal
            .jobs
            .iter()
            .all(|(_, state)| *state == JobState::Done)
    );
}

#[test]
fn hooks_that_were_interrupted_are_run_when_the_root_is_next_changed() {
    let programs = ["/usr/bin/one", "/usr/bin/three", "/usr/bin/two"];
    for crash_after in 0..=programs.len() {
        let (root, fake) = (TestRoot::new(), Arc::new(Fake::default()));
        let archive = programs
            .iter()
            .fold(TestArchive::new("a", "1"), |archive, program| {
                hook(archive, HookMoment::PostInstall, &[program])
            });
        let plan = root
            .plan(&[&archive], &[&archive])
            .expect("there is a plan");
        *fake.power.lock().expect("not poisoned") = Some(crash_after);
        let mut sysroot = change(&root, &fake);
        apply(&mut sysroot, &plan, &[&archive]).expect("it can be applied");
        sysroot.settle().expect("it can be settled");
        let run = sysroot.run_hooks(Retry::Interrupted, &Quiet);
        assert_eq!(run.is_ok(), crash_after == programs.len());
        drop(sysroot);
        let before = fake.ran();
        *fake.power.lock().expect("not poisoned") = None;
        let mut sysroot = change(&root, &fake);
        sysroot
            .run_hooks(Retry::Interrupted, &Quiet)
            .expect("they can be run");
        let all = [before.clone(), fake.ran()].concat();
        assert_eq!(before.len(), crash_after);
        assert_eq!(all, programs.map(|program| format!("after {program}")));
        assert!(sysroot.hooks_left().expect("readable").is_empty());
    }
}

#[test]
fn hooks_wait_until_the_transaction_is_settled() {
    let (root, fake) = (TestRoot::new(), Arc::new(Fake::default()));
    let archive = hook(
        TestArchive::new("a", "1"),
        HookMoment::PostInstall,
        &["/usr/bin/a"],
    );
    let plan = root
        .plan(&[&archive], &[&archive])
        .expect("there is a plan");
    let mut sysroot = change(&root, &fake);
    apply(&mut sysroot, &plan, &[&archive]).expect("it can be applied");
    let error = sysroot
        .run_hooks(Retry::Interrupted, &Quiet)
        .expect_err("not settled");
    assert!(matches!(error, HookError::Unsettled), "{error:?}");
    assert_eq!(fake.ran(), [""; 0]);
    // A crash here leaves journal and hooks; opening settles, and then they are run.
    drop(sysroot);
    let mut sysroot = change(&root, &fake);
    sysroot
        .run_hooks(Retry::Interrupted, &Quiet)
        .expect("they can be run");
    assert_eq!(fake.ran(), ["after /usr/bin/a"]);
}

#[test]
fn turned_off_hooks_are_not_run_and_the_journal_says_so() {
    let (root, fake) = (TestRoot::new(), Arc::new(Fake::default()));
    let archive = with_all_hooks("a", "1");
    let mut plan = root
        .plan(&[&archive], &[&archive])
        .expect("there is a plan");
    let digest = plan.digest();
    plan.hooks.policy = HookPolicy::Skip;
    assert_ne!(plan.digest(), digest, "it is another plan");
    let mut sysroot = change(&root, &fake);
    apply(&mut sysroot, &plan, &[&archive]).expect("it can be applied");
    sysroot.settle().expect("it can be settled");
    sysroot
        .run_hooks(Retry::Failed, &Quiet)
        .expect("nothing to run");
    assert_eq!(fake.ran(), [""; 0]);
    let journal = sysroot
        .hooks_of(1)
        .expect("readable")
        .expect("there is one");
    assert_eq!(journal.policy, HookPolicy::Skip);
    assert!(
        journal
            .jobs
            .iter()
            .all(|(_, state)| matches!(state, JobState::Skipped(_)))
    );
}

#[test]
fn damaged_journal_of_hooks_is_named_and_nothing_is_run() {
    let (root, fake) = (TestRoot::new(), Arc::new(Fake::default()));
    let archive = hook(
        TestArchive::new("a", "1"),
        HookMoment::PostInstall,
        &["/usr/bin/a"],
    );
    let plan = root
        .plan(&[&archive], &[&archive])
        .expect("there is a plan");
    let mut sysroot = change(&root, &fake);
    apply(&mut sysroot, &plan, &[&archive]).expect("it can be applied");
    sysroot.settle().expect("it can be settled");
    let place = "var/lib/igos/hooks/00000001.open";
    root.put(
        place,
        &root.content(place).replace("/usr/bin/a", "/usr/bin/b"),
    );
    let error = sysroot
        .run_hooks(Retry::Interrupted, &Quiet)
        .expect_err("it is damaged");
    assert!(
        matches!(&error, HookError::Journal { path, .. } if path == place),
        "{error:?}"
    );
    assert_eq!(fake.ran(), [""; 0]);
}

#[test]
fn stopped_at_every_mutation_hooks_are_run_exactly_if_the_transaction_is_in_force() {
    let archive = || {
        let archive = TestArchive::new("a", "1").file("usr/share/a", b"a");
        hook(archive, HookMoment::PostInstall, &["/usr/bin/a"])
    };
    let attempt = |root: &TestRoot, faulty: &Arc<Faulty>, fake: &Arc<Fake>| {
        let archive = archive();
        let plan = root
            .plan(&[&archive], &[&archive])
            .expect("there is a plan");
        let mut sysroot = root.change_with(ChangeOptions {
            durability: Durability::None,
            hooks: Arc::clone(fake) as Arc<dyn RunHooks>,
            mutations: Arc::clone(faulty) as Arc<dyn Mutations>,
            ..ChangeOptions::default()
        });
        apply(&mut sysroot, &plan, &[&archive]).is_ok()
            && sysroot.settle().is_ok()
            && sysroot.run_hooks(Retry::Interrupted, &Quiet).is_ok()
    };
    let prepared = || {
        let root = TestRoot::in_memory();
        root.install(&[&TestArchive::new("other", "1")]);
        root
    };
    let counter = Faulty::new(Stop::Dies, u64::MAX);
    assert!(attempt(&prepared(), &counter, &Arc::default()));
    let (mut old, mut new) = (0, 0);
    for at in 0..counter.seen() {
        for stop in [Stop::Dies, Stop::DiesAfter] {
            let (root, fake) = (prepared(), Arc::new(Fake::default()));
            attempt(&root, &Faulty::new(stop, at), &fake);
            let mut sysroot = change(&root, &fake);
            sysroot
                .run_hooks(Retry::Interrupted, &Quiet)
                .expect("they can be run");
            let ran = fake.ran();
            assert!(sysroot.hooks_left().expect("readable").is_empty());
            if root.exists("usr/share/a") {
                assert!(!ran.is_empty(), "{stop:?} at {at}");
                new += 1;
            } else {
                assert_eq!(ran, [""; 0], "{stop:?} at {at}");
                old += 1;
            }
        }
    }
    assert!(old > 0 && new > 0, "{old} old, {new} new");
}

#[test]
fn going_back_runs_the_triggers_of_what_comes_and_goes_again() {
    let (root, fake) = (TestRoot::new(), Arc::new(Fake::default()));
    let linker = TestArchive::new("linker", "1").file("usr/sbin/ldconfig", b"program");
    install(&root, &fake, &[&linker]);
    let library = |version: &str| {
        let archive = TestArchive::new("library", version);
        archive.file("usr/lib/libx.so.1", version.as_bytes())
    };
    install(&root, &fake, &[&library("1")]);
    install(&root, &fake, &[&library("2")]);
    for transaction in [3, 2] {
        let plan = crate::rollback::plan(&root, transaction).expect("there is a plan");
        let mut sysroot = change(&root, &fake);
        apply(&mut sysroot, &plan, &[]).expect("it can be applied");
        sysroot.settle().expect("it can be settled");
        sysroot
            .run_hooks(Retry::Interrupted, &Quiet)
            .expect("hooks can be run");
        assert_eq!(fake.ran(), ["after /usr/sbin/ldconfig"], "{transaction}");
    }
    assert!(!root.exists("usr/lib/libx.so.1"));
}
