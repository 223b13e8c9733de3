//! Configuration files, alternatives and what keeps a root as recorded.

use igos_format::declaration::AlternativeDeclaration;

use crate::world::{TestPackage, World, ended};

fn daemon(version: &str, text: &str) -> TestPackage {
    TestPackage::new("daemon", version)
        .file("usr/bin/daemon", "run", 0o755)
        .configuration("etc/daemon.conf", text)
}

const ONE: &str = "one\ntwo\nthree\nfour\nfive\n";
const TWO: &str = "one\ntwo\nthree\nfour\nFIVE\n";

/// Returns a world in which a new version of an edited file waits.
fn pending() -> World {
    let world = World::new();
    world.install(&[&daemon("1", ONE)]);
    world.write("etc/daemon.conf", &ONE.replace("one", "ONE"));
    world.install(&[&daemon("2", TWO)]);
    world
}

#[test]
fn what_waits_is_listed_compared_and_merged() {
    let world = pending();
    let listed =
        "pending   /etc/daemon.conf (daemon): the new version is /etc/daemon.conf.pkmnew\n";
    assert_eq!(world.pkm(&["config", "list"]), ended(0, listed, ""));
    let (code, list) = world.json(&["config", "ls", "--pending"]);
    assert_eq!((code, &list[0]["state"]), (0, &"pending".into()));
    let compared = world.pkm(&["config", "diff", "/etc/daemon.conf"]);
    assert_eq!(compared.code, 0, "{}", compared.stderr);
    for line in [
        "what you edited:\n",
        "-one\n",
        "+ONE\n",
        "from yours to the new version:\n",
        "-five\n",
        "+FIVE\n",
    ] {
        assert!(
            compared.stdout.contains(line),
            "{line} in {}",
            compared.stdout
        );
    }
    let (code, difference) = world.json(&["config", "diff", "etc/daemon.conf"]);
    assert_eq!((code, &difference["path"]), (0, &"etc/daemon.conf".into()));
    assert!(difference["edits"].is_string() && difference["news"].is_string());
    assert_eq!(
        world.pkm(&["config", "merge", "/etc/daemon.conf", "--yes", "--quiet"]),
        ended(
            0,
            "/etc/daemon.conf is written\n/etc/daemon.conf.pkmnew is deleted\n",
            ""
        )
    );
    assert_eq!(world.read("etc/daemon.conf"), TWO.replace("one", "ONE"));
    assert!(!world.has("etc/daemon.conf.pkmnew"));
    assert_eq!(
        world.pkm(&["config", "list"]),
        ended(0, "edited    /etc/daemon.conf (daemon)\n", "")
    );
    let again = world.pkm(&["config", "merge", "/etc/daemon.conf", "--yes"]);
    assert_eq!(again.code, 1);
    assert!(again.stderr.contains("configuration-not-pending"));
}

#[test]
fn merge_that_is_in_doubt_leaves_the_file_alone_and_ends_with_1() {
    let world = World::new();
    world.install(&[&daemon("1", "one\n")]);
    world.write("etc/daemon.conf", "mine\n");
    world.install(&[&daemon("2", "two\n")]);
    let (code, answer) = world.json(&["config", "merge", "/etc/daemon.conf", "--yes"]);
    assert_eq!((code, &answer["conflicts"]), (1, &1.into()));
    assert_eq!(world.read("etc/daemon.conf"), "mine\n");
    assert!(world.read("etc/daemon.conf.pkmmerge").contains("<<<<<<<"));
    assert!(world.has("etc/daemon.conf.pkmnew"));
}

#[test]
fn new_version_is_accepted_or_rejected() {
    let world = pending();
    let (code, planned) = world.json(&["config", "accept", "/etc/daemon.conf", "--dry-run"]);
    assert_eq!((code, &planned["applied"]), (0, &serde_json::Value::Null));
    assert!(world.has("etc/daemon.conf.pkmnew"));
    let accepted = world.pkm(&["config", "accept", "/etc/daemon.conf", "--yes", "--quiet"]);
    assert_eq!(accepted.code, 0, "{}", accepted.stderr);
    assert_eq!(world.read("etc/daemon.conf"), TWO);
    assert_eq!(
        world.read("etc/daemon.conf.pkmold"),
        ONE.replace("one", "ONE")
    );

    let world = pending();
    let rejected = world.pkm(&["config", "reject", "/etc/daemon.conf", "--yes", "--quiet"]);
    assert_eq!(rejected.code, 0, "{}", rejected.stderr);
    assert!(!world.has("etc/daemon.conf.pkmnew"));
    assert_eq!(world.read("etc/daemon.conf"), ONE.replace("one", "ONE"));
    let other = world.pkm(&["config", "diff", "/usr/bin/daemon"]);
    assert_eq!(other.code, 1);
    assert!(other.stderr.contains("not-configuration"));
}

#[test]
fn upgrade_merges_when_asked_to() {
    let world = World::new();
    world.install(&[&daemon("1", ONE)]);
    world.write("etc/daemon.conf", &ONE.replace("one", "ONE"));
    let file = world.archive(&daemon("2", TWO));
    let upgraded = world.pkm(&[
        "install",
        &file,
        "--merge-config",
        "--allow-unsigned",
        "--yes",
        "--quiet",
    ]);
    assert_eq!(
        upgraded,
        ended(
            0,
            "upgraded daemon 2-1 from 1-1\nmerged what is new into your /etc/daemon.conf\n",
            ""
        )
    );
    assert_eq!(world.read("etc/daemon.conf"), TWO.replace("one", "ONE"));
    assert!(!world.has("etc/daemon.conf.pkmnew"));
}

#[test]
fn setting_asks_for_merging_always() {
    let world = World::new();
    world.install(&[&daemon("1", ONE)]);
    world.write("etc/daemon.conf", &ONE.replace("one", "ONE"));
    fs_err::create_dir_all(world.path("root/etc/igos")).expect("the root is ours");
    world.write("etc/igos/pkm.toml", "merge-config = true\n");
    world.install(&[&daemon("2", TWO)]);
    assert_eq!(world.read("etc/daemon.conf"), TWO.replace("one", "ONE"));
    assert!(!world.has("etc/daemon.conf.pkmnew"));
}

fn editor(name: &str, priority: i32) -> TestPackage {
    let program = format!("usr/bin/{name}");
    let mut package = TestPackage::new(name, "1").file(&program, name, 0o755);
    package
        .manifest
        .alternatives
        .insert(AlternativeDeclaration {
            path: "usr/bin/vi".parse().expect("a path"),
            target: program.parse().expect("a path"),
            priority,
        });
    package
}

#[test]
fn alternative_is_chosen_and_the_choice_is_forgotten() {
    let world = World::new();
    world.install(&[&editor("vim", 50), &editor("nano", 10)]);
    assert_eq!(world.read("usr/bin/vi"), "vim");
    assert_eq!(
        world.pkm(&["alternatives", "list"]),
        ended(
            0,
            "/usr/bin/vi\n  vim: /usr/bin/vim, priority 50, serves it\n  nano: /usr/bin/nano, priority 10\n",
            ""
        )
    );
    assert_eq!(
        world.pkm(&[
            "alternatives",
            "set",
            "/usr/bin/vi",
            "nano",
            "--yes",
            "--quiet"
        ]),
        ended(0, "chose nano 1-1\n/usr/bin/vi leads to nano\n", "")
    );
    assert_eq!(world.read("usr/bin/vi"), "nano");
    let (_, list) = world.json(&["alternatives", "list"]);
    assert_eq!(
        (&list[0]["package"], &list[0]["is_chosen"]),
        (&"nano".into(), &true.into())
    );
    let refused = world.pkm(&["alternatives", "set", "/usr/bin/vi", "emacs", "--yes"]);
    assert_eq!(refused.code, 1);
    assert!(
        refused.stderr.contains("choose one of nano, vim"),
        "{}",
        refused.stderr
    );
    let auto = world.pkm(&[
        "alternatives",
        "set",
        "/usr/bin/vi",
        "--auto",
        "--yes",
        "--quiet",
    ]);
    assert_eq!(auto.code, 0, "{}", auto.stderr);
    assert_eq!(world.read("usr/bin/vi"), "vim");
}

#[test]
fn files_are_repaired_from_archives_and_configuration_only_when_asked() {
    let world = World::new();
    world.install(&[&daemon("1", ONE)]);
    world.write("usr/bin/daemon", "trojan");
    world.write("etc/daemon.conf", "mine");
    let gone = world.pkm(&["repair", "--yes"]);
    assert_eq!(gone.code, 4, "{}{}", gone.stdout, gone.stderr);
    assert!(
        gone.stderr.contains("content-not-on-disk"),
        "{}",
        gone.stderr
    );
    assert_eq!(
        world.pkm(&[
            "repair",
            "daemon",
            "--archives",
            "archives",
            "--yes",
            "--quiet"
        ]),
        ended(0, "made /usr/bin/daemon of daemon anew\n", "")
    );
    assert_eq!(world.read("usr/bin/daemon"), "run");
    assert_eq!(world.read("etc/daemon.conf"), "mine");
    assert_eq!(
        world.pkm(&["repair", "/etc/daemon.conf", "--config", "--yes", "--quiet"]),
        ended(0, "made /etc/daemon.conf of daemon anew\n", "")
    );
    assert_eq!(world.read("etc/daemon.conf"), ONE);
    assert_eq!(world.read("etc/daemon.conf.pkmold"), "mine");
    assert_eq!(
        world.pkm(&["repair", "--quiet"]),
        ended(0, "there is nothing to make anew\n", "")
    );
    assert_eq!(world.pkm(&["verify"]).code, 0);
}

#[test]
fn archives_kept_in_the_root_are_enough_for_a_repair() {
    let world = World::new();
    world.install(&[&daemon("1", ONE)]);
    let kept = world.path("root/var/cache/igos/archives");
    fs_err::create_dir_all(&kept).expect("the root is ours");
    let file = world.archive(&daemon("1", ONE));
    fs_err::copy(file, kept.join("a.igos.tar.zst")).expect("the root is ours");
    world.delete("usr/bin/daemon");
    let repaired = world.pkm(&["repair", "--yes", "--quiet"]);
    assert_eq!(repaired.code, 0, "{}", repaired.stderr);
    assert_eq!(world.read("usr/bin/daemon"), "run");
}

#[test]
fn database_is_compared_and_made_again() {
    let world = World::new();
    world.install(&[&daemon("1", ONE)]);
    let fine = "the database is as records and history say\n";
    assert_eq!(world.pkm(&["db", "check"]), ended(0, fine, ""));
    world.write("var/lib/igos/pkm.db", "no database");
    let damaged = world.pkm(&["db", "check"]);
    assert_eq!(damaged.code, 1);
    assert!(
        damaged.stdout.contains("the database cannot be used"),
        "{}",
        damaged.stdout
    );
    let (code, check) = world.json(&["db", "check"]);
    assert_eq!(code, 1);
    assert!(check["problem"].is_string());
    assert_eq!(
        world.pkm(&["db", "rebuild", "--quiet"]).stdout,
        "the database has 1 packages\nthe old one is now var/lib/igos/pkm.db.replaced-1\n"
    );
    assert_eq!(world.pkm(&["db", "check"]), ended(0, fine, ""));
}

#[test]
fn files_that_are_there_are_taken_up() {
    let world = World::new();
    world.install(&[&daemon("1", ONE)]);
    fs_err::remove_dir_all(world.path("root/var")).expect("the root is ours");
    let file = world.archive(&daemon("1", ONE));
    let unsigned = world.pkm(&["adopt", &file, "--yes"]);
    assert_eq!(unsigned.code, 1);
    assert!(unsigned.stderr.contains("archive-unsigned"));
    let taken = world.pkm(&["adopt", &file, "--allow-unsigned", "--yes", "--quiet"]);
    assert_eq!(taken, ended(0, "took up daemon 1-1\n", ""));
    assert_eq!(world.pkm(&["verify"]).code, 0);
    let (_, history) = world.json(&["history"]);
    assert_eq!(history[0]["changes"][0]["action"], "adopt");
}

#[test]
fn text_manifests_describe_a_root_that_was_made_by_other_means() {
    let world = World::new();
    let package = daemon("1", ONE);
    world.install(&[&package]);
    fs_err::remove_dir_all(world.path("root/var")).expect("the root is ours");
    let manifests = world.path("manifests");
    fs_err::create_dir(&manifests).expect("the directory is ours");
    let text = igos_format::manifest::write(&package.manifest);
    fs_err::write(manifests.join("daemon"), &text).expect("the directory is ours");
    world.write("usr/bin/daemon", "trojan");
    let (code, answer) = world.json(&["import", "manifests", "--allow-unsigned", "--yes"]);
    assert_eq!((code, &answer["refused"][0]), (1, &"daemon".into()));
    assert_eq!(answer["differences"][0]["path"], "usr/bin/daemon");
    world.write("usr/bin/daemon", "run");
    let (code, answer) = world.json(&["import", "manifests", "--allow-unsigned", "--yes"]);
    assert_eq!((code, &answer["applied"]["transaction"]), (0, &1.into()));
    assert_eq!(world.pkm(&["verify"]).code, 0);
}

#[test]
fn unsigned_packages_are_a_finding_of_their_own_when_signatures_count() {
    let world = World::new();
    world.install(&[&daemon("1", ONE)]);
    let (code, report) = world.json(&["verify", "--signed"]);
    assert_eq!(code, 1);
    let finding = &report["findings"][0];
    assert_eq!(
        (&finding["what"], &finding["class"]),
        (&"unsigned".into(), &"trust".into())
    );
    assert_eq!(report["counts"]["trust_findings"], 1);
    let allowed = world.pkm(&["verify", "--signed", "--allow-unsigned"]);
    assert_eq!(allowed.code, 0, "{}", allowed.stdout);
}

const DOCUMENT: &str = include_str!("../../../../docs/json/pkm.md");

/// Returns the names of the fields of the first object under a heading of the document.
fn documented(heading: &str) -> Vec<String> {
    let (_, section) = DOCUMENT
        .split_once(&format!("\n## {heading}\n"))
        .unwrap_or_else(|| panic!("the document has no {heading}"));
    let (_, object) = section.split_once('{').expect("the section has an object");
    // An object inside is told with its field.
    let object = object.replace("offers: [{package, target, priority}]", "offers");
    let object = object.replace("differences: [{table, only_in, row}]", "differences");
    let (object, _) = object.split_once('}').expect("the object ends");
    let names = object.split(',').filter_map(|field| {
        let name = field.split(':').next()?.trim().trim_matches('"');
        (!name.is_empty()).then(|| name.to_owned())
    });
    let mut names: Vec<String> = names.collect();
    names.sort_unstable();
    names
}

#[test]
fn values_have_the_fields_of_the_document() {
    let world = pending();
    world.install(&[&editor("vim", 50)]);
    let file = world.archive(&TestPackage::new("other", "1"));
    for (heading, arguments) in [
        ("`repair`", &["repair", "--dry-run"][..]),
        ("`config list`", &["config", "list"]),
        ("`config diff`", &["config", "diff", "etc/daemon.conf"]),
        (
            "`config merge`, `config accept`, `config reject`",
            &["config", "merge", "etc/daemon.conf", "--dry-run"],
        ),
        ("`alternatives list`", &["alternatives", "list"]),
        ("`db check`", &["db", "check"]),
        ("`db rebuild`", &["db", "rebuild"]),
        (
            "`adopt`, `import`",
            &["adopt", &file, "--allow-unsigned", "--dry-run"],
        ),
    ] {
        let (_, value) = world.json(arguments);
        let object = value.get(0).unwrap_or(&value).as_object();
        let mut fields: Vec<String> = object.expect("an object").keys().cloned().collect();
        fields.sort_unstable();
        assert_eq!(fields, documented(heading), "{heading}");
    }
}
