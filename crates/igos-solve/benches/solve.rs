//! Plans upgrades of a machine with 2 000 packages against 100 000 offers in memory: `cargo bench -p igos-solve`.

use std::time::{Duration, Instant};

use igos_format::declaration::{Feature, FeatureKind};
use igos_format::{Arch, PackageId, PackageName, Sha256};
use igos_solve::{
    InstalledPackage, MemoryOffers, Offer, Reason, Relations, Request, Source, Universe, Upgrade,
    Wanted, Which, solve,
};

const OFFERS: u32 = 100_000;
/// Every fiftieth name is installed.
const EVERY: u32 = 50;
const ROUNDS: usize = 5;
/// What planning an upgrade of everything may take (issue 4).
const LIMIT: Duration = Duration::from_millis(300);

fn name(number: u32) -> PackageName {
    format!("package-{number}").parse().expect("a name")
}

fn id(number: u32, version: u32) -> PackageId {
    PackageId {
        name: name(number),
        epoch: 0,
        version: format!("1.{version}").parse().expect("a version"),
        release: "1".parse().expect("a release"),
        arch: Arch::X86_64,
    }
}

fn soname(number: u32, version: u32) -> Feature {
    Feature::new(FeatureKind::Soname, format!("lib{number}.so.{version}")).expect("a name")
}

/// Installed names, which need one another alone; the others need them too.
fn installed(number: u32) -> u32 {
    number / EVERY * EVERY
}

/// A package needs five of lower numbers by name and by soname, as real ones do.
fn relations(number: u32, is_new: bool) -> Relations {
    let mut relations = Relations::default();
    for step in [1, 3, 7, 40, 300] {
        let other = installed(number).checked_sub(step * EVERY);
        let Some(other) = other else { continue };
        let text = format!("{}>=1.1", name(other));
        relations
            .depends
            .insert(text.parse().expect("a dependency"));
        // Every hundredth library has a new soname, for which its dependants were rebuilt, most of them.
        let is_bumped = is_new && (other / EVERY).is_multiple_of(100);
        let is_rebuilt = is_bumped && !(number / EVERY).is_multiple_of(97);
        relations
            .features_required
            .insert(soname(other, if is_rebuilt { 2 } else { 1 }));
    }
    let is_bumped = is_new && (number / EVERY).is_multiple_of(100) && number.is_multiple_of(EVERY);
    relations
        .features_provided
        .insert(soname(number, if is_bumped { 2 } else { 1 }));
    if number.is_multiple_of(EVERY * 10) {
        let virtual_name = format!("virtual-{}", number / EVERY / 10);
        relations
            .provides
            .insert(virtual_name.parse().expect("a provided name"));
    }
    relations
}

fn offers() -> MemoryOffers {
    let mut offers = MemoryOffers::default();
    offers.extend((0..OFFERS).map(|number| Offer {
        package: id(number, if number % 3 == 0 { 1 } else { 2 }),
        seal: Sha256::of(&number.to_le_bytes()),
        source: Source::Repository {
            name: "main".to_owned(),
            priority: 0,
        },
        relations: relations(number, true),
        is_security: false,
        installed_bytes: 1,
        archive_bytes: None,
    }));
    offers
}

fn universe() -> Universe {
    let mut universe = Universe::empty(Arch::X86_64);
    for number in (0..OFFERS).step_by(EVERY as usize) {
        universe.packages.insert(
            name(number),
            InstalledPackage {
                package: id(number, 1),
                seal: Sha256::of(b"installed"),
                relations: relations(number, false),
                reason: if number % 7 == 0 {
                    Reason::Explicit
                } else {
                    Reason::Automatic
                },
                is_held: number % 5_000 == 1_000,
                is_essential: false,
                source: None,
                installed_bytes: 1,
            },
        );
    }
    universe
}

#[expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
fn main() {
    let (universe, offers) = (universe(), offers());
    println!(
        "{} installed, {OFFERS} offered; best of {ROUNDS} rounds",
        universe.packages.len()
    );
    let wanted = Wanted {
        name: name(OFFERS - 7),
        which: Which::Newest,
    };
    let requests = [
        ("upgrade of everything", Request::upgrade(Upgrade::All)),
        ("one package more", Request::install(vec![wanted])),
    ];
    for (what, request) in requests {
        let mut best = Duration::MAX;
        let mut shown = String::new();
        for _ in 0..ROUNDS {
            let start = Instant::now();
            let solution = solve(&universe, &offers, &request);
            best = best.min(start.elapsed());
            let solution = solution.expect("there is a solution");
            shown = format!(
                "{} come, {} go, {} kept back",
                solution.install.len(),
                solution.remove.len(),
                solution.kept_back.len()
            );
        }
        println!("{what}: {:.1} ms; {shown}", best.as_secs_f64() * 1e3);
        // Without optimisation the figure means nothing.
        assert!(
            cfg!(debug_assertions) || best < LIMIT,
            "{what} took {best:?}"
        );
    }
}
