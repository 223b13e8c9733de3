//! Merges, answers, choices and repairs stopped at every mutation.

use std::sync::Arc;

use igos_report::Quiet;
use igos_sysroot::{
    ChangeOptions, Choice, ConfigurationAnswer, Durability, EditedConfiguration, LockedSysroot,
    Mutations, Plan, RepairConfiguration, RepairRequest,
};

use crate::faulty::{Faulty, Stop};
use crate::support::{TestArchive, TestRoot, apply, name, path};

const ONE: &str = "one\ntwo\nthree\nfour\nfive\n";
const NEW: &str = "one\ntwo\nthree\nfour\nFIVE\n";

fn editor(package: &str, version: &str, text: &str, priority: i32) -> TestArchive {
    let program = format!("usr/bin/{package}");
    TestArchive::new(package, version)
        .file_with(&program, b"edit", 0o755)
        .file("usr/share/help", version.as_bytes())
        .configuration("etc/editor.conf", text.as_bytes())
        .with(|manifest| {
            manifest
                .alternatives
                .insert(igos_format::declaration::AlternativeDeclaration {
                    path: path("usr/bin/vi"),
                    target: path(&program),
                    priority,
                });
        })
}

fn vim(version: &str) -> TestArchive {
    editor("vim", version, if version == "1" { ONE } else { NEW }, 50)
}

/// Prepares a root with two editors, and one of them edited.
fn edited(root: &TestRoot) {
    let nano = TestArchive::new("nano", "1")
        .file_with("usr/bin/nano", b"nano", 0o755)
        .with(|manifest| {
            manifest
                .alternatives
                .insert(igos_format::declaration::AlternativeDeclaration {
                    path: path("usr/bin/vi"),
                    target: path("usr/bin/nano"),
                    priority: 1,
                });
        });
    root.install(&[&vim("1"), &nano]);
    root.put("etc/editor.conf", &ONE.replace("one", "ONE"));
}

fn pending(root: &TestRoot) {
    edited(root);
    root.install(&[&vim("2")]);
}

fn answered(root: &TestRoot, answer: ConfigurationAnswer) -> Plan {
    let planned = root
        .read()
        .plan_configuration(&path("etc/editor.conf"), answer, root.ownership);
    planned.expect("it can be answered").plan
}

type Case = (&'static str, fn(&TestRoot), fn(&TestRoot) -> Plan);

const CASES: [Case; 7] = [
    ("merge while upgrading", edited, |root| {
        let mut request = root.request(&[&vim("2")]);
        request.policy.edited = EditedConfiguration::Merge;
        let plan = root.plan_request(&[&vim("2")], &request);
        plan.expect("there is a plan")
    }),
    ("merge", pending, |root| {
        answered(root, ConfigurationAnswer::Merge)
    }),
    ("accept", pending, |root| {
        answered(root, ConfigurationAnswer::Accept)
    }),
    ("reject", pending, |root| {
        answered(root, ConfigurationAnswer::Reject)
    }),
    ("choose", edited, |root| {
        let choice = Choice::Package(name("nano"));
        let planned = root
            .read()
            .plan_alternative(&path("usr/bin/vi"), &choice, root.ownership);
        planned.expect("there is a plan")
    }),
    ("promote", edited, |root| {
        root.plan_remove(&["vim"]).expect("there is a plan")
    }),
    (
        "repair",
        |root| {
            edited(root);
            root.put("usr/bin/vim", "trojan");
            root.put("usr/share/help", "trojan");
        },
        |root| {
            let request = RepairRequest {
                packages: Default::default(),
                paths: Default::default(),
                configuration: RepairConfiguration::Restore,
                ownership: root.ownership,
            };
            let planned = root.read().plan_repair(&request, &Quiet);
            planned.expect("it can be planned").plan
        },
    ),
];

fn state(root: &TestRoot) -> (String, String, String) {
    let sysroot = root.read();
    assert_eq!(sysroot.notices(), []);
    let answers = format!(
        "{:?}\n{:?}\n{:?}\n{:?}",
        sysroot.list(),
        sysroot.history(None),
        sysroot.configuration(),
        sysroot.alternatives()
    );
    (root.tree(), root.records(), answers)
}

/// Carries out a plan with a fault; returns whether it said that it was done.
fn run(root: &TestRoot, plan: &Plan, faulty: &Arc<Faulty>) -> bool {
    let options = ChangeOptions {
        durability: Durability::Full,
        mutations: Arc::clone(faulty) as Arc<dyn Mutations>,
        ..ChangeOptions::default()
    };
    let Ok(mut sysroot) = LockedSysroot::open(root.root(), options) else {
        return false;
    };
    let (first, second) = (vim("1"), vim("2"));
    let archives = if plan
        .changes
        .iter()
        .any(|change| change.package == second.manifest.package)
    {
        [&second]
    } else {
        [&first]
    };
    let is_applied = apply(&mut sysroot, plan, &archives).is_ok();
    if is_applied {
        match sysroot.settle() {
            Ok(()) | Err(_) => {}
        }
    }
    is_applied
}

#[test]
fn answers_choices_and_repairs_are_done_or_not_begun_wherever_they_are_stopped() {
    for (label, prepare, plan) in CASES {
        let root = TestRoot::in_memory();
        prepare(&root);
        let old = state(&root);
        let counter = Faulty::new(Stop::Dies, u64::MAX);
        assert!(run(&root, &plan(&root), &counter), "{label}");
        let new = state(&root);
        assert_ne!(old, new, "{label}");
        let (mut olds, mut news) = (0, 0);
        for stop in [
            Stop::Dies,
            Stop::DiesAfter,
            Stop::Fails(std::io::ErrorKind::StorageFull),
        ] {
            for at in 0..counter.seen() {
                let root = TestRoot::in_memory();
                prepare(&root);
                let is_applied = run(&root, &plan(&root), &Faulty::new(stop, at));
                drop(root.change());
                let found = state(&root);
                if found == new {
                    news += 1;
                } else {
                    assert_eq!(found, old, "{label} {stop:?} at {at}");
                    assert!(!is_applied, "{label} {stop:?} at {at} said it was done");
                    olds += 1;
                }
            }
        }
        assert!(olds > 0 && news > 0, "{label}: {olds} old, {news} new");
    }
}
