//! Many packages.

use std::num::NonZeroUsize;
use std::time::Instant;

use igos_repo::publish::{PublishRequest, Publisher};

use crate::support::{NOW, Package, World, package, publisher};

/// As many as a desktop system has.
const PACKAGES: usize = 2_000;

#[test]
#[expect(clippy::print_stdout, reason = "the figure is worth knowing")]
fn two_thousand_packages_are_published_and_one_more_costs_little() {
    let world = World::new();
    let packages: Vec<Package> = (0..PACKAGES)
        .map(|number| {
            let mut package = package(&format!("package{number} 1"));
            for file in 0..10 {
                package = package.file(&format!("usr/share/{number}/{file}"), "text");
            }
            match number {
                0 => package,
                _ => package.depends(&format!("package{}", number - 1)),
            }
        })
        .collect();
    let archives = world.archives(&packages.iter().collect::<Vec<_>>());
    let (ring, repository) = (world.ring(), world.repository());
    let never = || false;
    let publisher = Publisher {
        jobs: NonZeroUsize::new(2).expect("not zero"),
        ..publisher(&repository, &ring, NOW, &never)
    };
    let start = Instant::now();
    let publication = publisher.publish(PublishRequest::new(vec![archives.clone()]));
    assert_eq!(publication.expect("they fit together").packages, PACKAGES);
    let first = start.elapsed();
    let one = package("another 1").depends("package7").bytes();
    fs_err::write(archives.join("another-1-1.x86_64.igos.tar.zst"), one).expect("it is ours");
    let start = Instant::now();
    let publication = publisher.publish(PublishRequest::new(vec![archives]));
    assert_eq!(publication.expect("they fit together").added.len(), 1);
    println!(
        "{PACKAGES} packages: {first:?}, one more: {:?}",
        start.elapsed()
    );
    assert!(first.as_secs() < 120, "{first:?}");
    let entries = world.client().sync(NOW).expect("it can be read");
    assert_eq!(entries.len(), PACKAGES + 1);
}
