//! What a shell is told at a tab.

use std::process::{Command, Stdio};

use crate::published::NOTHING_MORE;
use crate::world::{TestPackage, World};

impl World {
    /// Returns the candidates for the last word, as the completion for bash asks for them.
    fn completed(&self, words: &[&str]) -> Vec<String> {
        let root = self.path("root");
        let root = root.to_str().expect("temporary directories are UTF-8");
        let line = [&["pkm", "--root", root], words].concat();
        #[expect(clippy::disallowed_methods, reason = "a test of a program starts it")]
        let output = Command::new(env!("CARGO_BIN_EXE_pkm"))
            .arg("--")
            .args(&line)
            .env_clear()
            .env("COMPLETE", "bash")
            .env("_CLAP_COMPLETE_INDEX", (line.len() - 1).to_string())
            .env("_CLAP_IFS", "\n")
            .stdin(Stdio::null())
            .output()
            .expect("the program is built with the tests");
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).expect("names are text");
        text.lines().map(str::to_owned).collect()
    }
}

#[test]
fn names_are_completed_from_what_is_installed_and_what_is_offered() {
    let world = World::new();
    let [zlib, zsh, zstd] = ["zlib", "zsh", "zstd"].map(|name| TestPackage::new(name, "1"));
    world.publish("main", NOTHING_MORE, &[&zlib, &zsh]);
    world.sync();
    world.install(&[&zstd]);
    assert_eq!(world.completed(&["install", "z"]), ["zlib", "zsh"]);
    assert_eq!(world.completed(&["remove", "z"]), ["zstd"]);
    assert_eq!(world.completed(&["info", "zs"]), ["zsh", "zstd"]);
    assert_eq!(
        world.completed(&["install", "zlib", "--allow-un"]),
        ["--allow-unsigned"]
    );
}

#[test]
fn root_without_anything_has_no_names_and_no_message() {
    let world = World::new();
    assert!(world.completed(&["remove", "z"]).is_empty());
    assert!(world.completed(&["install", "z"]).is_empty());
}
