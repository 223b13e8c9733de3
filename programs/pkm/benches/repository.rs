//! Starts `pkm` on roots that know a repository of 100 000 generated packages and have 2000 installed, and compares
//! with starting it for nothing: `cargo bench -p pkm --bench repository -- PACKAGES`.
//!
//! In one root all of the 2000 are older than what is offered, in the other every fortieth is. Times are the best of
//! several on the wall, and those that the processor spent (user and system): what else the machine does changes the
//! former.

use std::time::Instant;

use fs_err as fs;
use igos_format::Sha256;
use igos_format::index::IndexWriter;
use igos_format::trust::TargetFile;

use figures::Figures;
use forge::{Forge, INDEX};
use installed::{OLD_IN_ALL, OLD_IN_FEW, install, numbers, published};
use world::World;

#[path = "../../../crates/igos-repo/tests/trust/forge.rs"]
#[expect(
    dead_code,
    reason = "shared with the tests of igos-repo, which use all of it"
)]
mod forge;
#[path = "../../../crates/igos-format/benches/generated/mod.rs"]
#[expect(
    dead_code,
    reason = "shared with the benchmark of igos-format, which uses all of it"
)]
mod generated;
#[path = "../tests/cli/world.rs"]
#[expect(dead_code, reason = "shared with the tests, which use all of it")]
mod world;

#[path = "repository/figures.rs"]
mod figures;
#[path = "repository/installed.rs"]
mod installed;

const ROUNDS: usize = 9;

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
    fs::create_dir(world.path("few")).expect("the directory is ours");
    install(&world, "root", count, OLD_IN_ALL);
    install(&world, "few", count, OLD_IN_FEW);
    let repository = publish(&world, count);
    for root in ["root", "few"] {
        learn(&world, root, &repository);
        let start = Instant::now();
        let ended = world.pkm_on(root, &["sync"]);
        assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
        println!(
            "first sync of {root}: {:.0} ms",
            start.elapsed().as_secs_f64() * 1000.0
        );
    }

    let name = generated::name(count / 3).to_string();
    let installed = generated::name(0).to_string();
    let path = format!("/{}", generated::path(count / 3, 7));
    let program = format!("program{}", count / 4 * 2 + 2);
    let mut figures = Figures::default();
    for _ in 0..ROUNDS {
        for (root, arguments, code) in [
            ("root", &["--version"][..], 0),
            ("root", &["search", "library", "network", "font"], 0),
            ("root", &["search", "xylophone"], 1),
            ("root", &["info", &name], 0),
            ("root", &["info", &installed], 0),
            ("root", &["owner", "--available", &path], 0),
            ("root", &["command-not-found", &program], 0),
            ("root", &["command-not-found", "porgram20"], 1),
            ("root", &["list", "--upgradable"], 0),
            ("few", &["list", "--upgradable"], 0),
            ("few", &["why-not", &installed], 1),
            ("few", &["why-not", &format!("{installed}=99")], 0),
            ("few", &["upgrade", &installed, "--dry-run"], 0),
            ("few", &["upgrade", "--dry-run"], 0),
            ("root", &["upgrade", "--dry-run"], 0),
        ] {
            let start = figures.start();
            let ended = world.pkm_on(root, arguments);
            figures.end(root, arguments, start);
            assert_eq!(
                ended.code, code,
                "{arguments:?} {}{}",
                ended.stdout, ended.stderr
            );
        }
    }
    figures.print();
}

/// Publishes the generated repository with the archives of what is installed in newer versions, and returns the root
/// that it is trusted by.
fn publish(world: &World, count: u64) -> Vec<u8> {
    let repository = world.path("repository");
    for directory in ["targets/index", "targets/archives", "metadata"] {
        fs::create_dir_all(repository.join(directory)).expect("there is room");
    }
    let (packages, files) = (world.path("packages.index"), world.path("files.index"));
    let mut writer = IndexWriter::new();
    let real = numbers(count);
    for number in (0..count).filter(|number| !real.contains(number)) {
        writer
            .add(&generated::entry(number, count))
            .expect("it can be written");
    }
    for entry in published(
        count,
        &repository.join("targets/archives"),
        &forge::key(forge::PACKAGES),
    ) {
        writer.add(&entry).expect("it can be written");
    }
    writer
        .write(&mut fs::File::create(&packages).expect("there is room"))
        .expect("there is room");
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
    forge.anchor()
}

/// Lets a root know the repository.
fn learn(world: &World, root: &str, anchor: &[u8]) {
    let settings = world.path(root).join("etc/igos/repositories.d");
    fs::create_dir_all(&settings).expect("the root is ours");
    let text = format!(
        "url = \"file://{}\"\ntrusted-root-file = \"main.json\"\n",
        world.path("repository").display()
    );
    fs::write(settings.join("main.toml"), text).expect("the root is ours");
    fs::write(settings.join("main.json"), anchor).expect("the root is ours");
}
