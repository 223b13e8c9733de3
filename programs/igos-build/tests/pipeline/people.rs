//! Who can log in to a system that the pipeline made.

use std::os::unix::fs::PermissionsExt as _;

use crate::small::{self, Small};
use crate::world::{names, text};

/// What accounts are added to, as `filesystem` brings it.
const TABLES: &str = r#"do_install() {
    mkdir -p "$DESTDIR/etc"
    echo 'root:x:0:0:root:/root:/bin/sh' > "$DESTDIR/etc/passwd"
    printf '%s\n' 'root:x:0:' 'wheel:x:10:' > "$DESTDIR/etc/group"
    echo 'root:!*:::::::' > "$DESTDIR/etc/shadow"
    chmod 600 "$DESTDIR/etc/shadow"
}
"#;

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPAuRGNJiMLSKuwfCzuSsfX1Oc3oosZLPRrhAN+Tt65 me";

/// Returns a hash that nobody made from a password.
fn hash(letter: &str) -> String {
    format!("$6$salt${}", letter.repeat(86))
}

fn with_people() -> Option<Small> {
    let small = Small::new()?;
    small.recipe("core", "tables", "", "", TABLES);
    // Something of the first phase needs the tables, as musl needs `filesystem`: they are there before accounts are.
    small.world.edit(
        "system/core/greet/package.yml",
        "runtime: []",
        "runtime: [tables]",
    );
    let people = format!(
        "hostname = \"small\"\n\n[[users]]\nname = \"root\"\npassword_hash = \"{}\"\n\n[[users]]\nname = \"u\"\nuid = 1000\nhome = \"/home/u\"\ngroups = [\"wheel\"]\nauthorized_keys = [\"{KEY}\"]\n\n[[users]]\nname = \"d\"\nuid = 900\n",
        hash("a")
    );
    let profile = "system/profiles/small.toml";
    small.world.edit(profile, "hostname = \"small\"\n", &people);
    Some(small)
}

#[test]
fn people_of_a_profile_are_let_in_by_what_it_says_and_others_stay_locked_out() {
    let Some(small) = with_people() else { return };
    let said = small.pipeline("run --until extra");
    assert_eq!(said.code, Some(0), "{} {:#}", said.story, said.answer);
    let etc = small.root().join("etc");
    let read = |name: &str| fs_err::read_to_string(etc.join(name)).expect("it is there");
    assert_eq!(
        read("shadow"),
        format!("root:{}:::::::\nd:!*:::::::\nu:*:::::::\n", hash("a"))
    );
    let mode = fs_err::metadata(etc.join("shadow"))
        .expect("it is there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(
        read("group").contains("wheel:x:10:u\n"),
        "{}",
        read("group")
    );
    let home = small.root().join("home/u");
    assert_eq!(
        fs_err::read_to_string(home.join(".ssh/authorized_keys")).expect("it is there"),
        format!("{KEY}\n")
    );
    for (path, wanted) in [
        ("", 0o700),
        (".ssh", 0o700),
        (".ssh/authorized_keys", 0o600),
    ] {
        let found = fs_err::metadata(home.join(path))
            .expect("it is there")
            .permissions()
            .mode();
        assert_eq!(found & 0o777, wanted, "{path}");
    }

    // The tables are not as packages brought them, and that is no reason to do anything.
    let said = small.pipeline("run --until extra");
    assert_eq!(said.code, Some(0), "{} {:#}", said.story, said.answer);
    assert_eq!(small::with_status(&said.answer, "done"), names(&[]));
}

#[test]
fn changed_password_is_set_and_one_that_is_gone_from_the_root_is_set_again() {
    let Some(small) = with_people() else { return };
    small.pipeline("run --until extra");
    let shadow = small.root().join("etc/shadow");
    let before = fs_err::read_to_string(&shadow).expect("it is there");

    small
        .world
        .edit("system/profiles/small.toml", &hash("a"), &hash("b"));
    let said = small.pipeline("run --until extra");
    assert_eq!(said.code, Some(0), "{} {:#}", said.story, said.answer);
    assert_eq!(
        small::with_status(&said.answer, "done"),
        names(&["validate", "extra"]),
        "it is in no package"
    );
    let after = fs_err::read_to_string(&shadow).expect("it is there");
    assert_eq!(after, before.replace(&hash("a"), &hash("b")));

    fs_err::write(&shadow, &before).expect("the world is ours");
    let said = small.pipeline("run --until extra");
    assert_eq!(said.code, Some(0), "{} {:#}", said.story, said.answer);
    assert_eq!(
        text(&small::phase(&said.answer, "extra")["reason"]),
        "passwords or groups of the root are not what the profile says"
    );
    assert_eq!(fs_err::read_to_string(&shadow).expect("it is there"), after);
}

#[test]
fn password_without_a_table_to_be_in_ends_the_last_phase() {
    let Some(small) = with_people() else { return };
    small.world.edit(
        "system/core/greet/package.yml",
        "runtime: [tables]",
        "runtime: []",
    );
    let said = small.pipeline("run --until extra");
    assert_eq!(said.code, Some(1), "{} {:#}", said.story, said.answer);
    assert!(
        said.story
            .contains("/etc/shadow of the root has no line for root"),
        "{}",
        said.story
    );
}
