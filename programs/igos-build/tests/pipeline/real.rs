//! Sources that others wrote: a compiler of Debian builds a generation, that one the next, and the second a system, out of
//! recipes of `packages`; the run is killed at random moments and ends with the receipts of one that was not.
#![expect(clippy::print_stdout, reason = "how often it was killed is told")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use igos_build::pipeline::Receipt;
use igos_repo::DebianSettings;

use crate::debian;
use crate::kills::{self, next};
use crate::small::{self, Small};
use crate::world::{Said, World};

/// Recipes of `packages` that take seconds.
const RECIPES: [&str; 5] = [
    "core/bzip2",
    "core/filesystem",
    "core/musl",
    "core/zlib",
    "base/pigz",
];

/// The least that compiles these; what only other languages and other linkers need is left out.
const SEED: &str = r#"format = 1
name = "debian"
suite = "bookworm"
packages = [
    "bash", "binutils", "bzip2", "coreutils", "dash", "diffutils", "findutils", "gcc", "grep", "gzip",
    "linux-libc-dev", "make", "mawk", "patch", "sed", "tar", "xz-utils",
]
without = [
    "base-files", "debianutils", "dpkg", "install-info", "libasan8", "liblsan0", "libtsan2", "libubsan1",
]
drop = [
    "usr/bin/*dwp", "usr/bin/*gold", "usr/bin/*gp-*", "usr/bin/*gprofng*", "usr/bin/*lto-dump*",
    "usr/bin/make-first-existing-target",
    "usr/lib/gcc/**/lib*san.so", "usr/lib/gcc/**/lib*san*.a", "usr/lib/gcc/**/lib*san_preinit.o",
    "usr/lib/gcc/**/lto1", "usr/lib/x86_64-linux-gnu/gprofng/**", "usr/share/**",
]
usr-merge = ["bin", "lib", "lib64", "sbin"]
[links]
"usr/bin/awk" = "mawk"
"usr/bin/cc" = "gcc"
"usr/include/asm" = "x86_64-linux-gnu/asm"
"#;

/// Packs the compiler and the tools that it was built with, without what other packages of its generation bring.
const TOOLS: &str = r#"do_install() {
    mkdir -p "$DESTDIR/usr"
    cp -a /usr/bin /usr/include /usr/lib /usr/lib64 "$DESTDIR/usr"
    ln -s usr/lib64 "$DESTDIR/lib64"
    cd "$DESTDIR/usr"
    rm -f bin/bunzip2 bin/bzcat bin/bzip2 bin/bzip2recover bin/ldd include/bzlib.h
    rm -f lib/ld-musl-* lib/libbz2.* lib/libc.so
    rm -rf lib/firmware
}
"#;

const TOOLS_RECIPE: &str = r#"format: 1
name: tools
version: "1"
release: 1
tier: core
description: A compiler and what it calls
license: GPL-3.0-or-later
homepage: https://gcc.gnu.org
build_style: custom
source: []
source_date_epoch: 1000000000
dependencies:
  build: []
  host: []
  runtime: []
"#;

const CHAIN: &str = r#"format = 1

[seed]
list = "seed.toml"

[[generation]]
name = "one"
packages = ["bzip2", "tools"]
tests = false

[[generation]]
name = "two"
packages = ["bzip2", "tools"]
compare = "one"
"#;

const PROFILE: &str = r#"format = 1
description = "Compressors"
packages = ["bzip2", "pigz", "zlib"]
image = "root"
hostname = "small"
"#;

/// As in the settings of `packages`; not optimised and hardly compressed, which would be most of the time.
const SETTINGS: &str = r#"toolchain = "debian"
compression = "zstd:1"

[debian]
suites = ["trixie", "bookworm"]

[profile]
CC = "musl-gcc"
CFLAGS = "-O0 -pipe"
"#;

/// How often the run is killed.
const KILLS: usize = 3;

/// Runs that are begun at most to that end.
const RUNS: usize = 8;

/// A kill comes after one of the first so many lines of the story; a run that builds all but the C library has 700.
const LINES: u64 = 300;

/// Deletes everything that runs made but the builds of the C library, which would be most of the time.
fn forget(small: &Small) {
    let cache = small.world.cache();
    let aside = small.world.path().join("aside");
    fs_err::create_dir(&aside).expect("the world is ours");
    let builds = fs_err::read_dir(cache.join("builds")).into_iter().flatten();
    let kept: Vec<PathBuf> = builds
        .map(|entry| entry.expect("it can be read").path())
        .filter(|build| {
            let mut files = fs_err::read_dir(build).into_iter().flatten().flatten();
            files.any(|file| file.file_name().as_encoded_bytes().starts_with(b"musl-"))
        })
        .chain([cache.join("keys/musl")])
        .collect();
    let place = |path: &Path| aside.join(path.file_name().expect("it has a name"));
    for path in &kept {
        fs_err::rename(path, place(path)).expect("the world is ours");
    }
    small.forget();
    for path in &kept {
        fs_err::create_dir_all(path.parent().expect("it is in one")).expect("the world is ours");
        fs_err::rename(place(path), path).expect("the world is ours");
    }
    fs_err::remove_dir(&aside).expect("everything is back");
}

/// Writes the tree; says why and returns `None` where the test cannot run.
fn world() -> Option<Small> {
    if cfg!(not(target_arch = "x86_64")) {
        println!("skipped: the seed is for x86_64");
        return None;
    }
    let small = Small {
        world: World::new()?,
    };
    let packages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packages");
    let system = small.world.path().join("system");
    for recipe in RECIPES {
        crate::world::copy_tree(&packages.join(recipe), &system.join(recipe));
    }
    for (path, text) in [
        ("core/tools/package.yml", TOOLS_RECIPE),
        ("core/tools/build.sh", TOOLS),
        ("bootstrap.toml", CHAIN),
        ("seed.toml", SEED),
        ("igos.toml", SETTINGS),
        ("profiles/small.toml", PROFILE),
    ] {
        small.world.write(&format!("system/{path}"), text);
    }
    fetch(&small)?;
    Some(small)
}

/// Returns `igos-build` with a command of `pipeline` that fetches into a cache which stays from test to test.
fn fetching(small: &Small, cache: &Path, options: &[&str]) -> Command {
    #[expect(clippy::disallowed_methods, reason = "a test of a program starts it")]
    let mut command = Command::new(env!("CARGO_BIN_EXE_igos-build"));
    command
        .env_clear()
        .env("IGOS_UPSTREAM", "no")
        .stdin(Stdio::null())
        .args(["--json", "--wait", "--recipes"])
        .arg(small.world.path().join("system"))
        .arg("--cache")
        .arg(cache)
        .args(options)
        .args(["pipeline", "run", "--profile", "small", "--until", "setup"]);
    command
}

/// Puts the sources and the packages of the seed into the world: of an earlier test, else of the Debian archive, every one
/// by its digest.
fn fetch(small: &Small) -> Option<()> {
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("real-sources");
    let said = Said::of(&mut fetching(small, &kept, &["--offline"]));
    if said.code != Some(0) {
        if let Some(reason) = debian::obstacle(&DebianSettings::default()) {
            println!("skipped: {reason}");
            return None;
        }
        let said = Said::of(&mut fetching(small, &kept, &[]));
        assert_eq!(said.code, Some(0), "{} {:#}", said.story, said.answer);
    }
    let cache = small.world.cache();
    for part in ["sources", "debian", "toolchains/debian"] {
        crate::world::copy_tree(&kept.join(part), &cache.join(part));
    }
    Some(())
}

fn content(path: PathBuf) -> Vec<u8> {
    fs_err::read(&path).expect("it was installed")
}

/// Tests that a source which is gone is missed, though everything that was made of it is there.
fn expect_lost_source_to_be_told(small: &Small) {
    let receipt = small.receipt("02-verify-sources");
    let receipt = Receipt::parse(&receipt).expect("it was just written");
    let digest = receipt.outputs.get("source", "zlib:1");
    let digest = digest.expect("zlib has a source").to_owned();
    let path = format!("sources/sha256/{}/{digest}", &digest[..2]);
    let (path, aside) = (
        small.world.cache().join(path),
        small.world.path().join("aside"),
    );
    fs_err::rename(&path, &aside).expect("the world is ours");
    let status = small.pipeline("status").answer;
    let phase = small::phase(&status, "verify-sources");
    assert_eq!(phase["reason"], "source zlib:1 is no longer in the cache");
    assert_eq!(phase["status"], "planned");
    fs_err::rename(&aside, &path).expect("the world is ours");
}

#[test]
fn system_of_real_sources_survives_kills_and_ends_with_the_receipts_of_an_undisturbed_run() {
    let Some(small) = world() else { return };
    let began = Instant::now();
    let said = small.pipeline("run --until extra");
    assert_eq!(said.code, Some(0), "{} {:#}", said.story, said.answer);
    let statuses: Vec<String> = small::statuses(&said.answer).into_values().collect();
    assert_eq!(statuses, ["done"; 14]);
    println!("an undisturbed run took {} s", began.elapsed().as_secs());
    small.expect_chain(14);
    let undisturbed = small.receipts();
    let chain = &undisturbed["06-chroot-tools"];
    assert!(
        chain.contains("4\\x20of\\x204\\x20archives\\x20have\\x20the\\x20contents\\x20of\\x20those\\x20of\\x20one"),
        "{chain}"
    );
    let program = content(small.root().join("usr/bin/pigz"));
    let run = small.world.run(&[
        "run",
        "--root",
        &small.root().display().to_string(),
        "--",
        "/usr/bin/pigz",
        "--version",
    ]);
    assert_eq!(run.code, Some(0), "{}", run.story);

    expect_lost_source_to_be_told(&small);

    forget(&small);
    let (mut seed, mut kills, mut runs) = (6, 0, 0);
    while kills < KILLS && runs < RUNS {
        runs += 1;
        if kills::kill_after(kills::start(&small), 1 + next(&mut seed) % LINES) {
            kills += 1;
        } else {
            // It came to its end: the next one begins from nothing.
            forget(&small);
        }
    }
    println!("{kills} of {runs} runs were killed");
    assert_eq!(kills, KILLS);
    let said = small.pipeline("run --until extra");
    assert_eq!(said.code, Some(0), "{} {:#}", said.story, said.answer);
    assert_eq!(small.receipts(), undisturbed);
    assert_eq!(content(small.root().join("usr/bin/pigz")), program);
    println!("all in {} s", began.elapsed().as_secs());
}
