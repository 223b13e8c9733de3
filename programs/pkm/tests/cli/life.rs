//! A root that lives from a repository for a while: installed, upgraded twice, rolled back once, verified each time.

use std::path::Path;

use crate::nginx_server::Nginx;
use crate::published::NOTHING_MORE;
use crate::world::{TestPackage, World};

/// The packages as the repository has them in three states: a library and a program with a configuration file. In the
/// second the library has a new file and one less, in the third the program brings a new configuration.
fn state(number: u32) -> [TestPackage; 2] {
    let library = TestPackage::new("libgreet", &format!("1.{number}"))
        .file("usr/share/greet/words", &format!("words {number}\n"), 0o644)
        .file("usr/share/greet/constant", "always the same\n", 0o644)
        .file(&format!("usr/share/greet/only-{number}"), "here\n", 0o644);
    let program = TestPackage::new("greet", &format!("2.{number}"))
        .depends(&format!("libgreet>=1.{number}"))
        .file("usr/bin/greet", &format!("greet {number}\n"), 0o755)
        .configuration(
            "etc/greet.conf",
            if number < 3 { "plain\n" } else { "fancy\n" },
        );
    [library, program]
}

impl World {
    fn must(&self, arguments: &[&str]) -> String {
        let ended = self.pkm(arguments);
        assert_eq!(
            ended.code, 0,
            "{arguments:?}: {}{}",
            ended.stdout, ended.stderr
        );
        ended.stdout
    }

    /// Asserts that the root is as the packages of a state, but for `edited` paths, and that nothing of another is
    /// there.
    fn assert_state(&self, number: u32, edited: &[&str]) {
        let (code, report) = self.json(&["verify"]);
        let found: Vec<&str> = report["findings"]
            .as_array()
            .expect("a list")
            .iter()
            .filter_map(|finding| finding["path"].as_str())
            .collect();
        assert_eq!(found, edited, "{report}");
        assert_eq!(code, i32::from(!edited.is_empty()));
        let (_, listed) = self.json(&["list"]);
        let versions: Vec<String> = listed
            .as_array()
            .expect("a list")
            .iter()
            .map(|package| {
                format!(
                    "{} {}",
                    package["package"]["name"], package["package"]["version"]
                )
                .replace('"', "")
            })
            .collect();
        assert_eq!(
            versions,
            [format!("greet 2.{number}"), format!("libgreet 1.{number}")]
        );
        assert_eq!(self.read("usr/bin/greet"), format!("greet {number}\n"));
        for other in 1..=3 {
            let is_there = self.has(&format!("usr/share/greet/only-{other}"));
            assert_eq!(is_there, other == number, "only-{other} in state {number}");
        }
    }

    fn publish_state(&self, number: u32) {
        let packages = state(number);
        let [library, program] = &packages;
        self.publish("main", NOTHING_MORE, &[library, program]);
    }
}

/// Goes through all of it; `serve` says under which address the repository is found.
fn live(world: &World, serve: impl FnOnce(&Path) -> Option<(Option<Nginx>, String)>) {
    world.publish_state(1);
    let Some((_server, url)) = serve(&world.path("main")) else {
        return;
    };
    let settings = format!("url = \"{url}\"\ntrusted-root-file = \"main.json\"\n");
    world.write("etc/igos/repositories.d/main.toml", &settings);

    world.must(&["sync"]);
    world.must(&["install", "--yes", "greet"]);
    world.assert_state(1, &[]);

    world.publish_state(2);
    world.must(&["sync"]);
    world.write("etc/greet.conf", "mine\n");
    world.must(&["upgrade", "--yes"]);
    world.assert_state(2, &["etc/greet.conf"]);
    assert_eq!(world.read("etc/greet.conf"), "mine\n");

    world.publish_state(3);
    world.must(&["sync"]);
    world.must(&["upgrade", "--yes"]);
    world.assert_state(3, &["etc/greet.conf"]);
    assert_eq!(world.read("etc/greet.conf"), "mine\n");
    assert_eq!(world.read("etc/greet.conf.pkmnew"), "fancy\n");

    let (_, history) = world.json(&["history"]);
    let last = history
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|entry| entry["transaction"].as_u64())
        .max()
        .expect("there were transactions");
    world.must(&["rollback", "--yes", &last.to_string()]);
    world.assert_state(2, &["etc/greet.conf"]);
    assert_eq!(world.read("etc/greet.conf"), "mine\n");
    // The one finding is the edit: every package is signed by a key of the repository.
    let (_, signed) = world.json(&["verify", "--signed"]);
    assert_eq!(
        signed["findings"].as_array().map(Vec::len),
        Some(1),
        "{signed}"
    );
}

#[test]
fn root_lives_from_a_repository_that_nginx_serves() {
    live(&World::new(), |directory| {
        let nginx = Nginx::start(directory)?;
        let url = nginx.url();
        Some((Some(nginx), url))
    });
}

#[test]
fn root_lives_from_a_repository_in_a_directory() {
    live(&World::new(), |directory| {
        Some((None, format!("file://{}", directory.display())))
    });
}
