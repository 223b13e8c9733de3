//! A small system: its recipes, its chain and its profile.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use igos_build::pipeline::Receipt;

use crate::world::{Said, World, text};

/// Packs what it was built with: the shell and the small tools of the toolchain.
const TOOLS: &str = r#"do_install() {
    mkdir -p "$DESTDIR"
    cp -a /usr "$DESTDIR/usr"
    rm -rf "$DESTDIR/usr/share"
    for name in bin lib lib64 sbin; do
        ln -s "usr/$name" "$DESTDIR/$name"
    done
}
"#;

const CHAIN: &str = r#"format = 1

[seed]
present = "tiny"

[[generation]]
name = "one"
packages = ["tools"]

[[generation]]
name = "two"
packages = ["tools"]
compare = "one"
"#;

const PROFILE: &str = r#"format = 1
description = "A few files"
packages = ["greet", "lamp", "book", "shelf"]
image = "root"
hostname = "small"

[services]
default = ["lamp"]
"#;

/// Recipes: tier, name, needed to build, needed to run, script.
const RECIPES: [(&str, &str, &str, &str, &str); 6] = [
    ("core", "tools", "", "", TOOLS),
    (
        "core",
        "chisel",
        "",
        "",
        "do_install() { mkdir -p \"$DESTDIR/usr/share\"; echo sharp > \"$DESTDIR/usr/share/chisel\"; }\n",
    ),
    (
        "core",
        "greet",
        "chisel",
        "",
        "do_install() { mkdir -p \"$DESTDIR/usr/share\"; echo hello > \"$DESTDIR/usr/share/greeting\"; }\n",
    ),
    (
        "core",
        "lamp",
        "",
        "",
        "do_install() { mkdir -p \"$DESTDIR/etc/init.d\"; echo '#!/bin/sh' > \"$DESTDIR/etc/init.d/lamp\"; }\n",
    ),
    (
        "base",
        "book",
        "greet",
        "greet",
        "do_install() { mkdir -p \"$DESTDIR/usr/share\"; read -r word < /usr/share/greeting; echo \"$word, reader\" > \"$DESTDIR/usr/share/book\"; }\n",
    ),
    (
        "extra",
        "shelf",
        "book",
        "book",
        "do_install() { mkdir -p \"$DESTDIR/usr/share\"; cat /usr/share/book > \"$DESTDIR/usr/share/shelf\"; }\n",
    ),
];

/// A small system in a world of its own.
pub(crate) struct Small {
    pub(crate) world: World,
}

impl Small {
    /// Returns a new one; says why and returns `None` where no sandbox or no toolchain can be made.
    pub(crate) fn new() -> Option<Self> {
        let small = Small {
            world: World::new()?,
        };
        for (tier, name, build, run, script) in RECIPES {
            small.recipe(tier, name, build, run, script);
        }
        small.world.write("system/bootstrap.toml", CHAIN);
        small.world.write("system/profiles/small.toml", PROFILE);
        Some(small)
    }

    /// Writes a recipe.
    pub(crate) fn recipe(&self, tier: &str, name: &str, build: &str, run: &str, script: &str) {
        let text = format!(
            "format: 1\nname: {name}\nversion: \"1\"\nrelease: 1\ntier: {tier}\ndescription: For a test\nlicense: CC0-1.0\nhomepage: https://example.org/\nbuild_style: custom\nsource: []\nsource_date_epoch: 1000000000\ndependencies:\n  build: [{build}]\n  host: []\n  runtime: [{run}]\n"
        );
        let directory = format!("system/{tier}/{name}");
        self.world.write(&format!("{directory}/package.yml"), &text);
        self.world.write(&format!("{directory}/build.sh"), script);
    }

    /// Returns `igos-build` with a command of `pipeline`.
    pub(crate) fn command(&self, arguments: &str) -> Command {
        #[expect(clippy::disallowed_methods, reason = "a test of a program starts it")]
        let mut command = Command::new(env!("CARGO_BIN_EXE_igos-build"));
        command
            .env_clear()
            .stdin(Stdio::null())
            .args(["--json", "--offline", "--jobs", "2", "--recipes"])
            .arg(self.world.path().join("system"))
            .arg("--cache")
            .arg(self.world.cache())
            .arg("pipeline")
            .args(arguments.split(' '));
        if arguments.starts_with("run") || arguments.starts_with("status") {
            command.args(["--profile", "small"]);
        }
        command
    }

    /// Returns what a command of `pipeline` answers people.
    pub(crate) fn words(&self, arguments: &str) -> String {
        let command = self.command(arguments);
        let arguments = command.get_args().filter(|one| *one != "--json");
        #[expect(clippy::disallowed_methods, reason = "a test of a program starts it")]
        let output = Command::new(command.get_program())
            .env_clear()
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .expect("the program is built with the tests");
        String::from_utf8(output.stdout).expect("answers are text")
    }

    /// Runs a command of `pipeline`.
    pub(crate) fn pipeline(&self, arguments: &str) -> Said {
        Said::of(&mut self.command(arguments))
    }

    /// Deletes everything that runs made.
    pub(crate) fn forget(&self) {
        let cache = self.world.cache();
        for made in [
            "pipeline",
            "builds",
            "keys",
            "toolchains/one",
            "toolchains/two",
        ] {
            let path = cache.join(made);
            if path.exists() {
                fs_err::remove_dir_all(&path).expect("the world is ours");
            }
        }
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.directory().join("root")
    }

    pub(crate) fn directory(&self) -> PathBuf {
        self.world.cache().join("pipeline/small")
    }

    /// Returns a receipt by its file.
    pub(crate) fn receipt(&self, name: &str) -> String {
        let path = self.directory().join("receipts").join(name);
        fs_err::read_to_string(path).expect("the phase was done")
    }

    /// Returns all receipts, by file.
    pub(crate) fn receipts(&self) -> BTreeMap<String, String> {
        let directory = fs_err::read_dir(self.directory().join("receipts"));
        directory
            .expect("phases were done")
            .map(|entry| {
                let name = entry.expect("it can be read").file_name();
                let name = name.to_string_lossy().into_owned();
                let text = self.receipt(&name);
                (name, text)
            })
            .collect()
    }

    /// Tests that there are `count` receipts, each naming the one before.
    pub(crate) fn expect_chain(&self, count: usize) {
        let receipts = self.receipts();
        assert_eq!(receipts.len(), count);
        let mut previous = None;
        for (name, text) in receipts {
            let receipt = Receipt::parse(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(receipt.previous, previous, "{name}");
            previous = Some(receipt.digest());
        }
    }

    /// Returns the digest of a toolchain.
    pub(crate) fn toolchain(&self, name: &str) -> String {
        let said = self.world.run(&["toolchain", "show", name]);
        text(&said.answer["digest"])
    }

    /// Returns every path of the world with the size of each file.
    pub(crate) fn listing(&self) -> BTreeMap<PathBuf, u64> {
        let mut found = BTreeMap::new();
        let mut pending = vec![self.world.path().to_owned()];
        while let Some(directory) = pending.pop() {
            for entry in fs_err::read_dir(&directory).expect("the world is ours") {
                let path = entry.expect("it can be read").path();
                let metadata = fs_err::symlink_metadata(&path).expect("it can be looked at");
                if metadata.is_dir() {
                    pending.push(path.clone());
                }
                let size = if metadata.is_file() {
                    metadata.len()
                } else {
                    0
                };
                found.insert(path, size);
            }
        }
        found
    }
}

/// Returns the statuses of all phases.
pub(crate) fn statuses(answer: &serde_json::Value) -> BTreeMap<String, String> {
    phases(answer)
        .map(|one| (text(&one["phase"]), text(&one["status"])))
        .collect()
}

/// Returns the phases with this status.
pub(crate) fn with_status(answer: &serde_json::Value, status: &str) -> BTreeSet<String> {
    let statuses = statuses(answer).into_iter();
    statuses
        .filter(|(_, one)| one == status)
        .map(|(phase, _)| phase)
        .collect()
}

/// Returns a phase of an answer.
pub(crate) fn phase(answer: &serde_json::Value, name: &str) -> serde_json::Value {
    phases(answer)
        .find(|one| one["phase"] == name)
        .unwrap_or_else(|| panic!("{name} is not in {answer:#}"))
}

/// Returns the packages of a phase with this status.
pub(crate) fn packages(answer: &serde_json::Value, name: &str, status: &str) -> BTreeSet<String> {
    let packages = phase(answer, name)["packages"].as_array().cloned();
    packages
        .unwrap_or_default()
        .iter()
        .filter(|one| one["status"] == status)
        .map(|one| text(&one["name"]))
        .collect()
}

fn phases(answer: &serde_json::Value) -> impl Iterator<Item = serde_json::Value> {
    let phases = answer["phases"].as_array().cloned();
    phases.unwrap_or_default().into_iter()
}
