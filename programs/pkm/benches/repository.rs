//! Starts `pkm` on a root that knows a repository of 100 000 generated packages and has 2000 installed, and compares
//! with starting it for nothing: `cargo bench -p pkm --bench repository -- PACKAGES`.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use fs_err as fs;
use igos_format::Sha256;
use igos_format::trust::TargetFile;

use forge::{Forge, INDEX};
use world::{TestPackage, World};

#[path = "../../../crates/igos-repo/tests/trust/forge.rs"]
#[expect(
    dead_code,
    reason = "shared with the tests of igos-repo, which use all of it"
)]
mod forge;
#[path = "../../../crates/igos-format/benches/generated/mod.rs"]
mod generated;
#[path = "../tests/cli/world.rs"]
#[expect(dead_code, reason = "shared with the tests, which use all of it")]
mod world;

const ROUNDS: usize = 9;

/// How many packages are installed.
const INSTALLED: u64 = 2000;

/// The path of the list of paths.
const FILES: &str = "index/files.index";

#[expect(
    clippy::disallowed_methods,
    reason = "the number of packages is given on the command line"
)]
#[expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
fn main() {
    // Test runners start benchmarks too, with options but without a number.
    let Some(count) = std::env::args().skip(1).find_map(|word| word.parse().ok()) else {
        println!("skipped: give a number of packages");
        return;
    };
    let world = World::new();
    install(&world, count);
    publish(&world, count);
    let start = Instant::now();
    let ended = world.pkm(&["sync"]);
    assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    println!(
        "first sync: {:.0} ms",
        start.elapsed().as_secs_f64() * 1000.0
    );

    let name = generated::name(count / 3).to_string();
    let installed = generated::name(0).to_string();
    let path = format!("/{}", generated::path(count / 3, 7));
    let program = format!("program{}", count / 4 * 2);
    let mut best: BTreeMap<String, Duration> = BTreeMap::new();
    for _ in 0..ROUNDS {
        for (arguments, code) in [
            (&["--version"][..], 0),
            (&["search", "library", "network", "font"], 0),
            (&["search", "xylophone"], 1),
            (&["info", &name], 0),
            (&["info", &installed], 0),
            (&["owner", "--available", &path], 0),
            (&["command-not-found", &program], 0),
            (&["command-not-found", "porgram20"], 1),
            (&["list", "--upgradable"], 0),
        ] {
            let start = Instant::now();
            let ended = world.pkm(arguments);
            let duration = start.elapsed();
            assert_eq!(
                ended.code, code,
                "{arguments:?} {}{}",
                ended.stdout, ended.stderr
            );
            let slot = best.entry(arguments.join(" ")).or_insert(duration);
            *slot = duration.min(*slot);
        }
    }
    let base = best["--version"];
    for (command, duration) in &best {
        println!(
            "pkm {command:48} {:8.2} ms  {:6.2} of pkm --version",
            duration.as_secs_f64() * 1000.0,
            duration.as_secs_f64() / base.as_secs_f64()
        );
    }
}

/// Installs packages that the repository has in newer versions.
fn install(world: &World, count: u64) {
    let packages: Vec<TestPackage> = (0..INSTALLED)
        .map(|number| {
            let name = generated::name(number * (count / INSTALLED).max(1));
            let path = format!("usr/share/doc/{name}/README");
            TestPackage::new(name.as_str(), "0").file(&path, name.as_str(), 0o644)
        })
        .collect();
    world.install(&packages.iter().collect::<Vec<_>>());
}

/// Publishes the generated repository and lets the root know it.
fn publish(world: &World, count: u64) {
    let repository = world.path("repository");
    fs::create_dir_all(repository.join("targets/index")).expect("there is room");
    fs::create_dir_all(repository.join("metadata")).expect("there is room");
    let (packages, files) = (world.path("packages.index"), world.path("files.index"));
    generated::write_packages(&packages, count);
    generated::write_files(&files, count);
    let mut forge = Forge::new();
    forge.packages.version += 1;
    for (path, file) in [(INDEX, packages), (FILES, files)] {
        let bytes = fs::read(&file).expect("it was written");
        let published = format!(
            "targets/{}",
            path.replace('/', &format!("/{}.", Sha256::of(&bytes)))
        );
        fs::rename(file, repository.join(published)).expect("there is room");
        let listed = TargetFile::of(&bytes);
        forge.packages.targets.insert(path.to_owned(), listed);
    }
    forge.publish_packages();
    forge.publish_snapshot();
    for (name, bytes) in &forge.files {
        fs::write(repository.join("metadata").join(name), bytes).expect("there is room");
    }
    let settings = world.path("root/etc/igos/repositories.d");
    fs::create_dir_all(&settings).expect("the root is ours");
    let text = format!(
        "url = \"file://{}\"\ntrusted-root-file = \"main.json\"\n",
        repository.display()
    );
    fs::write(settings.join("main.toml"), text).expect("the root is ours");
    fs::write(settings.join("main.json"), forge.anchor()).expect("the root is ours");
}
