//! Software that helpers bring.

use fs_err as fs;

use crate::world::{TestPackage, World, ended};

/// Puts a shell of the host into the root, with the libraries that it needs: those that this program has, too.
fn with_shell(world: &World) {
    let copy = |from: &str, to: &str| {
        let target = world.path("root").join(to.trim_start_matches('/'));
        fs::create_dir_all(target.parent().expect("it has one")).expect("directories");
        fs::copy(from, target).expect("it can be copied");
    };
    copy("/bin/sh", "/bin/sh");
    let maps = fs::read_to_string("/proc/self/maps").expect("Linux has it");
    let libraries = maps
        .lines()
        .filter_map(|line| line.split_ascii_whitespace().nth(5))
        .filter(|path| path.contains("/libc.") || path.contains("/ld-"));
    for library in libraries {
        let (_, name) = library.rsplit_once('/').expect("it is absolute");
        for place in [
            library.to_owned(),
            format!("/lib/{name}"),
            format!("/lib64/{name}"),
        ] {
            copy(library, &place);
        }
    }
}

/// A package with a helper `chat` that stages one file and declares the network.
fn helper() -> TestPackage {
    let script = "#!/bin/sh\necho hello > $PKM_HELPER_STAGE/opt\n\
        echo '{\"schema\":1,\"name\":\"chat\",\"version\":\"1.4\",\"files\":[\"opt\"]}' > $PKM_HELPER_MANIFEST\n";
    let declaration = "{\"format\": 1, \"description\": \"Fetches Chat\", \"network\": true}";
    TestPackage::new("chat-helper", "1")
        .file("usr/lib/igos/helpers/chat", script, 0o755)
        .file("usr/lib/igos/helpers/chat.json", declaration, 0o644)
}

#[test]
fn helper_is_shown_with_what_it_may_do_before_it_is_run() {
    let world = World::new();
    world.install(&[&helper()]);
    assert_eq!(
        world.pkm(&["install-helper", "chat", "--dry-run"]),
        ended(
            0,
            "helper chat of package chat-helper is run, confined, with network\n  Fetches Chat\n\
             nothing was run (dry run)\n",
            ""
        )
    );
    let (_, shown) = world.json(&["install-helper", "chat", "--dry-run"]);
    assert_eq!(shown["helper"]["network"], true);
    assert_eq!(world.pkm(&["install-helper", "chat"]).code, 2);
    assert!(!world.has("opt"));
    assert_eq!(
        world.pkm(&["install-helper", "other", "--yes"]),
        ended(
            1,
            "",
            "error[helper-absent]: no installed package has a helper other\n"
        )
    );
}

#[test]
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn what_a_helper_brings_is_a_package_like_others() {
    let world = World::new();
    world.install(&[&helper()]);
    with_shell(&world);
    let installed = world.pkm(&["install-helper", "chat", "--yes", "--quiet"]);
    if installed.stderr.contains("sandbox-feature-missing") {
        println!(
            "skipped: helpers cannot be confined here: {}",
            installed.stderr
        );
        return;
    }
    assert_eq!(installed, ended(0, "installed chat 1.4-1\n", ""));
    assert_eq!(world.read("opt"), "hello\n");
    let (code, info) = world.json(&["info", "chat"]);
    assert_eq!((code, &info[0]["origin"]), (0, &"imported".into()));
    let (code, history) = world.json(&["history"]);
    assert_eq!(
        (code, &history[0]["changes"][0]["trust"]),
        (0, &"unsigned".into())
    );
    let (code, _) = world.json(&["verify", "chat"]);
    assert_eq!(code, 0);
}
