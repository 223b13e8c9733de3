//! What a build can reach, what is recorded where it can reach more, and the shell that sees the same.

use igos_format::manifest::Origin;

use crate::world::{self, World, names, text};

#[test]
fn build_without_a_sandbox_works_and_is_recorded_as_weakened() {
    let Some(world) = World::new() else { return };
    let said = world.run(&["build", "lone"]);
    assert_eq!(said.code, Some(0), "{}", said.story);
    assert_eq!(said.archive("lone").manifest().origin, Origin::Built);
    let confined = said.provenance("lone");
    assert_eq!(confined["weakened"], serde_json::json!([]));
    assert_eq!(confined["sandbox"]["confinement"], "sandbox");

    let options = ["--unsafe-no-sandbox", "--mode", "host"];
    let said = world.run(&[&["build", "lone", "poem"][..], &options].concat());
    assert_eq!(said.code, Some(0), "{} {:#}", said.story, said.answer);
    assert_eq!(
        said.with_status("built"),
        names(&["alphabet", "lone", "poem"])
    );
    for output in ["alphabet", "lone", "poem"] {
        let manifest_origin = said.archive(output).manifest().origin;
        assert_eq!(manifest_origin, Origin::BuiltWeakened, "{output}");
        let provenance = said.provenance(output);
        let weakened = serde_json::json!(["host-root", "no-sandbox"]);
        assert_eq!(provenance["weakened"], weakened, "{output}");
        assert_eq!(provenance["sandbox"]["confinement"], "none", "{output}");
    }
    // What is weakened never answers for what is not.
    let again = world.run(&["build", "lone"]);
    assert_eq!(again.with_status("cached"), names(&["lone"]));
    assert_eq!(again.archive("lone").manifest().origin, Origin::Built);
}

#[test]
fn build_without_a_sandbox_is_weakened_also_with_a_root_of_packages() {
    let Some(world) = World::new() else { return };
    let said = world.run(&["build", "lone", "--unsafe-no-sandbox"]);
    assert_eq!(said.code, Some(0), "{} {:#}", said.story, said.answer);
    let weakened = said.provenance("lone")["weakened"].clone();
    assert_eq!(weakened, serde_json::json!(["no-sandbox"]));
}

#[test]
fn files_of_the_host_that_nobody_declared_are_not_there() {
    let Some(world) = World::new() else { return };
    // Everybody on this machine can read these, and a build without a sandbox does.
    world.write("secret/key", "the key of the host\n");
    let key = world.path().join("secret/key");
    let key = key.display();
    world.recipe(
        "thief",
        "",
        &format!(
            "do_install() {{\n    install -D -m 0644 {key} \"$DESTDIR/usr/share/stolen\"\n}}\n"
        ),
    );
    let said = world.run(&["build", "thief"]);
    assert_eq!(said.code, Some(1), "{}", said.story);
    assert_eq!(
        text(&said.package("thief")["reason"]),
        "thief failed to build: step install exited with code 1"
    );
    let told = said.told("thief");
    assert!(told.contains(&format!("{key}")), "{told}");
    assert!(told.contains("No such file or directory"), "{told}");
    let said = world.run(&["build", "thief", "--unsafe-no-sandbox", "--mode", "host"]);
    assert_eq!(said.code, Some(0), "the file was there: {}", said.story);
}

#[test]
fn recipe_cannot_have_files_of_the_host_through_links_of_its_sources() {
    let Some(world) = World::new() else { return };
    world.recipe(
        "linker",
        "",
        "build() {\n    ln -s /etc/passwd users\n    cat users\n}\ndo_install() { :; }\n",
    );
    let said = world.run(&["build", "linker"]);
    let log = fs_err::read_to_string(text(&said.package("linker")["log"])).expect("it is named");
    let host = fs_err::read_to_string("/etc/passwd").expect("everybody can read it");
    for line in host.lines().filter(|line| line.contains(':')) {
        assert!(!log.contains(&format!("\n{line}\n")), "{line}: {log}");
    }
}

#[test]
fn shell_ends_as_its_command_does_and_has_no_network() {
    let Some(world) = World::new() else { return };
    let said = world.run(&["shell", "lone", "--command", "exit 7"]);
    assert_eq!(said.answer["status"], serde_json::json!({"exited": 7}));
    assert_eq!(said.code, Some(1), "the answer is no: {}", said.story);
    let look = "cat /proc/net/dev; ls /; ls /recipe; ls /usr/bin";
    let said = world.run(&["shell", "lone", "--command", look]);
    assert_eq!(said.code, Some(0), "{}", said.story);
    let output = text(&said.answer["output"]);
    let interfaces: Vec<&str> = output
        .lines()
        .filter_map(|line| line.split_once(": ").map(|(name, _)| name.trim()))
        .filter(|name| !name.contains(' '))
        .collect();
    assert!(
        interfaces.iter().all(|name| *name == "lo"),
        "{interfaces:?}"
    );
    let lines: Vec<&str> = output.lines().collect();
    assert!(
        lines.contains(&"build") && lines.contains(&"dest"),
        "{output}"
    );
    assert!(
        !lines.contains(&"home") && !lines.contains(&"root"),
        "{output}"
    );
    assert!(!lines.contains(&"greet"), "nobody declared it: {output}");
    let message = world.run(&["shell", "lone", "--failed", "--command", "true"]);
    assert_eq!(message.code, Some(1));
    assert_eq!(
        message.answer["error"]["diagnostics"][0]["code"],
        "no-failed-build"
    );
}

#[test]
fn shell_on_a_failed_build_sees_what_it_left_and_the_same_root() {
    let Some(world) = World::new() else { return };
    world.recipe(
        "broken",
        "greet",
        "build() {\n    echo half > half.txt\n    install -D half.txt \"$DESTDIR/usr/half\"\n    false\n}\ndo_install() { :; }\n",
    );
    assert_eq!(world.run(&["build", "broken"]).code, Some(1));
    let look = "cat half.txt \"$DESTDIR/usr/half\"; pwd; greet you; echo $PKG_NAME";
    let said = world.run(&["shell", "broken", "--failed", "--command", look]);
    assert_eq!(said.code, Some(0), "{}", said.story);
    assert_eq!(
        text(&said.answer["output"]),
        "half\nhalf\n/build/broken-1\nhello, you\nbroken\n"
    );
    let said = world.run(&["shell", "broken", "--failed", "--command", "exit 9"]);
    assert_eq!(said.answer["status"], serde_json::json!({"exited": 9}));
    assert_eq!(said.code, Some(1));
    // A fresh one has nothing of that.
    let said = world.run(&["shell", "broken", "--command", "ls half.txt"]);
    assert_eq!(said.code, Some(1), "{}", said.answer);
    let listener = world::listener();
    listener.set_nonblocking(true).expect("a socket of ours");
    let port = listener.local_addr().expect("it is bound").port();
    let call = format!("bash -c 'echo hello > /dev/tcp/127.0.0.1/{port}'");
    let said = world.run(&["shell", "broken", "--failed", "--command", &call]);
    assert_eq!(said.code, Some(1), "{}", said.answer);
    let nobody = listener.accept().expect_err("nobody came through");
    assert_eq!(nobody.kind(), std::io::ErrorKind::WouldBlock);
}
