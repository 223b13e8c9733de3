//! Users and groups that packages declare.

use igos_format::declaration::{GroupDeclaration, UserDeclaration};
use igos_report::Quiet;
use igos_sysroot::{HookPlanError, Plan, PlanError, Retry};
use std::os::unix::fs::MetadataExt;

use crate::support::{TestArchive, TestRoot, apply, is_root, name};

fn user(archive: TestArchive, own: &str, uid: Option<u32>, group: Option<&str>) -> TestArchive {
    archive.with(|manifest| {
        manifest.users.insert(UserDeclaration {
            name: name(own),
            uid,
            group: group.map(name),
            home: None,
            shell: None,
            description: None,
        });
    })
}

fn group(archive: TestArchive, own: &str, gid: Option<u32>) -> TestArchive {
    archive.with(|manifest| {
        manifest.groups.insert(GroupDeclaration {
            name: name(own),
            gid,
        });
    })
}

/// Installs, and makes the accounts; returns the plan.
fn install(root: &TestRoot, archives: &[&TestArchive]) -> Plan {
    let plan = root.plan(archives, archives).expect("there is a plan");
    let mut sysroot = root.change();
    apply(&mut sysroot, &plan, archives).expect("it can be applied");
    sysroot.settle().expect("it can be settled");
    let results = sysroot
        .run_hooks(Retry::Interrupted, &Quiet)
        .expect("accounts need no sandbox");
    assert!(
        results.iter().all(|result| !result.is_failed()),
        "{results:?}"
    );
    plan
}

#[test]
fn accounts_are_made_with_the_same_numbers_everywhere() {
    let texts: Vec<String> = (0..2)
        .map(|_| {
            let root = TestRoot::new();
            root.put(
                "etc/passwd",
                "root:x:0:0::/root:/bin/sh\nold:x:999:998::/:/bin/sh",
            );
            root.put("etc/group", "root:x:0:\n");
            root.put("etc/shadow", "root:!::::::\n");
            let archive = user(TestArchive::new("a", "1"), "zed", None, None);
            let archive = user(archive, "web", Some(33), Some("www"));
            let archive = group(user(archive, "db", None, None), "extra", None);
            let plan = install(&root, &[&archive]);
            let jobs: Vec<String> = plan.hooks.jobs.iter().map(ToString::to_string).collect();
            assert_eq!(
                jobs,
                [
                    "group db (998)",
                    "group extra (997)",
                    "group www (996)",
                    "group zed (995)",
                    "user db (998)",
                    "user web (33)",
                    "user zed (995)",
                ]
            );
            ["passwd", "group", "shadow"]
                .map(|table| root.content(&format!("etc/{table}")))
                .join("---\n")
        })
        .collect();
    assert_eq!(texts[0], texts[1]);
    assert_eq!(
        texts[0],
        "root:x:0:0::/root:/bin/sh\nold:x:999:998::/:/bin/sh\n\
         db:x:998:998::/:/usr/sbin/nologin\nweb:x:33:996::/:/usr/sbin/nologin\nzed:x:995:995::/:/usr/sbin/nologin\n\
         ---\nroot:x:0:\ndb:x:998:\nextra:x:997:\nwww:x:996:\nzed:x:995:\n\
         ---\nroot:!::::::\ndb:!*:::::::\nweb:!*:::::::\nzed:!*:::::::\n"
    );
}

#[test]
fn accounts_that_are_there_are_kept_as_they_are() {
    let root = TestRoot::new();
    let (passwd, groups) = ("db:x:70:71:mine:/srv:/bin/sh\n", "db:x:71:somebody\n");
    root.put("etc/passwd", passwd);
    root.put("etc/group", groups);
    let archive = user(TestArchive::new("a", "1"), "db", Some(300), None);
    let plan = install(&root, &[&archive]);
    assert_eq!(plan.hooks.jobs, []);
    assert_eq!(root.content("etc/passwd"), passwd);
    assert_eq!(root.content("etc/group"), groups);
    let plan = root.remove(&["a"]);
    assert_eq!(root.content("etc/passwd"), passwd);
    let codes: Vec<&str> = plan
        .notices
        .iter()
        .map(|notice| notice.code.as_ref())
        .collect();
    assert_eq!(codes, ["accounts-stay"]);
}

#[test]
fn numbers_of_others_and_those_that_mean_more_are_refused() {
    let root = TestRoot::new();
    root.put("etc/passwd", "other:x:300:300::/:/bin/sh\n");
    let refused = |archive: &TestArchive| match root.plan(&[archive], &[archive]) {
        Err(PlanError::Hooks { source }) => source,
        other => panic!("{other:?}"),
    };
    let package = || TestArchive::new("a", "1");
    assert!(matches!(
        refused(&user(package(), "mine", Some(300), None)),
        HookPlanError::NumberTaken { number: 300, by, .. } if by == "other"
    ));
    for number in [0, 65_535, u32::MAX] {
        assert!(matches!(
            refused(&user(package(), "mine", Some(number), None)),
            HookPlanError::NumberReserved { .. }
        ));
        assert!(matches!(
            refused(&group(package(), "mine", Some(number))),
            HookPlanError::NumberReserved { what: "group", .. }
        ));
    }
    let home = user(package(), "mine", None, None).with(|manifest| {
        let mut declared = manifest.users.pop_first().expect("there is one");
        declared.home = Some("/:0:0::/:/bin/sh".to_owned());
        manifest.users.insert(declared);
    });
    assert!(matches!(refused(&home), HookPlanError::AccountText { .. }));
}

#[test]
fn tables_are_never_written_through_a_link() {
    let root = TestRoot::new();
    root.put("outside", "db:x:1:1::/:\n");
    root.put("etc/group", "");
    std::os::unix::fs::symlink("../outside", root.path("etc/passwd")).expect("linked");
    let archive = user(TestArchive::new("a", "1"), "db", None, None);
    let planned = root.plan(&[&archive], &[&archive]);
    assert!(matches!(
        planned,
        Err(PlanError::Hooks {
            source: HookPlanError::Read { .. }
        })
    ));
    assert_eq!(root.content("outside"), "db:x:1:1::/:\n");
}

#[test]
fn files_get_the_numbers_of_accounts_that_come_with_them() {
    if !is_root("giving files away") {
        return;
    }
    let root = TestRoot::new();
    let archive = user(TestArchive::new("a", "1"), "db", None, None)
        .file("var/lib/db", b"x")
        .change_last(|entry| {
            entry.owner.user = name("db");
            entry.owner.group = name("db");
            entry.owner.uid = 5;
            entry.owner.gid = 5;
        });
    install(&root, &[&archive]);
    let found = root.path("var/lib/db").metadata().expect("it is there");
    assert_eq!((found.uid(), found.gid()), (999, 999));
    assert_eq!(root.findings(), [""; 0]);
}
