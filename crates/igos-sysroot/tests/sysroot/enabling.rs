//! Services that packages declare: enabled when somebody asks for it, and by nothing else.

use std::collections::BTreeMap;

use fs_err as fs;
use igos_format::declaration::ServiceDeclaration;
use igos_sysroot::{Plan, PlanError, ServiceManager, ServiceWish};

use crate::support::{TestArchive, TestRoot, apply, name};

const RUNLEVEL: &str = "etc/runlevels/default/web";
const WANTS: &str = "etc/systemd/system/multi-user.target.wants/web.service";

fn web(version: &str) -> TestArchive {
    TestArchive::new("web", version)
        .file_with("etc/init.d/web", b"#!/sbin/openrc-run\n", 0o755)
        .file("usr/lib/systemd/system/web.service", b"[Service]\n")
        .with(|manifest| {
            manifest.services.insert(ServiceDeclaration {
                name: name("web"),
                enabled: true,
            });
        })
}

fn plan(root: &TestRoot, service: &str, wish: ServiceWish) -> Result<Plan, PlanError> {
    let wishes = BTreeMap::from([(name(service), wish)]);
    root.read().plan_services(&wishes, root.ownership)
}

fn wish(root: &TestRoot, wish: ServiceWish) {
    let plan = plan(root, "web", wish).expect("there is a plan");
    let mut sysroot = root.change();
    apply(&mut sysroot, &plan, &[]).expect("it can be applied");
    sysroot.settle().expect("it can be settled");
}

/// Returns the links that there are, and where they lead.
fn links(root: &TestRoot) -> Vec<String> {
    let found = [RUNLEVEL, WANTS].into_iter();
    found
        .filter_map(|at| fs::read_link(root.path(at)).ok())
        .map(|target| target.display().to_string())
        .collect()
}

#[test]
fn nothing_is_enabled_unless_somebody_asks_whatever_the_package_suggests() {
    let root = TestRoot::new();
    root.install(&[&web("1")]);
    assert_eq!(links(&root), [""; 0]);
    let services = root.read().services().expect("they can be found out");
    assert_eq!(services.len(), 1);
    assert!(services[0].is_suggested);
    let told: Vec<_> = services[0]
        .links
        .iter()
        .map(|link| (link.manager, link.path.to_string(), link.is_enabled))
        .collect();
    assert_eq!(
        told,
        [
            (ServiceManager::OpenRc, RUNLEVEL.to_owned(), false),
            (ServiceManager::Systemd, WANTS.to_owned(), false),
        ]
    );
    assert_eq!(root.findings(), [""; 0]);
}

#[test]
fn enabled_services_have_links_that_are_verified_and_go_with_their_package() {
    let root = TestRoot::new();
    root.install(&[&web("1")]);
    wish(&root, ServiceWish::Enabled);
    let enabled = [
        "../../init.d/web",
        "../../../../usr/lib/systemd/system/web.service",
    ];
    assert_eq!(links(&root), enabled);
    assert!(fs::read_to_string(root.path(RUNLEVEL)).is_ok_and(|text| text.contains("openrc-run")));
    assert_eq!(root.findings(), [""; 0]);
    // Asked for again it is done already.
    let again = plan(&root, "web", ServiceWish::Enabled).expect("there is a plan");
    assert!(again.is_empty(), "{again:?}");
    // An upgrade keeps it, drift is found, removing the package takes it away.
    root.install(&[&web("2")]);
    assert_eq!(links(&root), enabled);
    fs::remove_file(root.path(RUNLEVEL)).expect("it is there");
    assert_eq!(root.findings(), [format!("{RUNLEVEL} missing")]);
    root.remove(&["web"]);
    assert_eq!(links(&root), [""; 0]);
    assert!(!root.exists("etc/runlevels"), "{}", root.tree());
    // What was chosen is forgotten: a package that comes back is not enabled.
    root.install(&[&web("3")]);
    assert_eq!(links(&root), [""; 0]);
}

#[test]
fn disabled_services_lose_their_links_and_nothing_else() {
    let root = TestRoot::new();
    root.install(&[&web("1")]);
    let before = root.tree();
    wish(&root, ServiceWish::Enabled);
    wish(&root, ServiceWish::Disabled);
    let etc = |tree: &str| -> Vec<String> {
        let lines = tree.lines().filter(|line| line.contains("etc/"));
        lines.map(str::to_owned).collect()
    };
    assert_eq!(etc(&root.tree()), etc(&before));
    assert_eq!(root.findings(), [""; 0]);
}

#[test]
fn services_that_nobody_can_start_are_refused_by_name() {
    let root = TestRoot::new();
    let bare = TestArchive::new("bare", "1").with(|manifest| {
        manifest.services.insert(ServiceDeclaration {
            name: name("bare"),
            enabled: false,
        });
    });
    root.install(&[&bare]);
    for service in ["bare", "other"] {
        match plan(&root, service, ServiceWish::Enabled) {
            Err(PlanError::NoService { name }) => assert_eq!(name.as_str(), service),
            other => panic!("{other:?}"),
        }
    }
}
