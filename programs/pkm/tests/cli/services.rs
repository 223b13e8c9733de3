//! Services as users see them: listed, enabled and disabled when they are named, never by themselves.

use igos_format::declaration::ServiceDeclaration;

use crate::world::{TestPackage, World};

#[test]
fn services_are_listed_and_enabled_and_disabled_by_name_alone() {
    let world = World::new();
    let package = TestPackage::new("openssh", "9")
        .file("etc/init.d/sshd", "#!/sbin/openrc-run\n", 0o755)
        .with(|manifest| {
            manifest.services.insert(ServiceDeclaration {
                name: "sshd".parse().expect("a name"),
                enabled: true,
            });
        });
    world.install(&[&package]);
    let link = "etc/runlevels/default/sshd";
    let listed = |state: &str| {
        format!("sshd: of openssh, which suggests enabling it\n  OpenRC: {state}, /{link}\n")
    };
    let list = || world.pkm(&["services", "list"]).stdout;
    assert_eq!(list(), listed("not enabled"));
    let (_, value) = world.json(&["services", "list"]);
    let fields = |value: &serde_json::Value| -> Vec<String> {
        value
            .as_object()
            .expect("an object")
            .keys()
            .cloned()
            .collect()
    };
    assert_eq!(
        fields(&value[0]),
        ["is_suggested", "links", "name", "package"]
    );
    assert_eq!(
        fields(&value[0]["links"][0]),
        ["is_enabled", "manager", "path"]
    );

    let planned = world.pkm(&["services", "enable", "sshd", "--dry-run"]);
    assert!(planned.stdout.contains(link), "{}", planned.stdout);
    assert_eq!(list(), listed("not enabled"));
    let enabled = world.pkm(&["services", "enable", "sshd", "--yes", "--quiet"]);
    assert_eq!(enabled.code, 0, "{}", enabled.stderr);
    assert_eq!(list(), listed("enabled"));
    assert_eq!(world.pkm(&["verify", "--quiet"]).code, 0);
    let disabled = world.pkm(&["services", "disable", "sshd", "--yes", "--quiet"]);
    assert_eq!(disabled.code, 0, "{}", disabled.stderr);
    assert_eq!(list(), listed("not enabled"));

    let unknown = world.pkm(&["services", "enable", "ntpd", "--yes"]);
    assert_eq!(unknown.code, 1);
    assert!(
        unknown.stderr.contains("error[service-unknown]"),
        "{}",
        unknown.stderr
    );
}
