//! The list of archives and sources in parts.

use std::collections::BTreeMap;

use igos_format::archive::Head;
use igos_format::index::FileName;
use igos_repo::publish::{
    CorrespondingSources, Farewell, NewKey, PublishRequest, Replace, SourceContent, SourceFile,
    SourcesAbsent,
};

use crate::support::{NOW, Package, World, names, package, publisher};

/// So many packages have so many sources each, with names so long, that one list of all would be too long.
const PACKAGES: usize = 20;
const SOURCES: usize = 450;
/// What python-tuf reads of one role, in bytes.
const LIMIT: usize = 5_000_000;

/// Small sources of every package, whose names tell whose they are.
struct Many;

impl CorrespondingSources for Many {
    fn of(&self, head: &Head) -> Result<Vec<SourceFile>, SourcesAbsent> {
        let name = &head.manifest().package.name;
        let count = if name.as_str() == "single" {
            0
        } else {
            SOURCES
        };
        let source = |number: usize| {
            let text = format!("{name}-{number:04}-{}.patch", "x".repeat(160));
            let name: FileName = text.parse()?;
            let bytes = SourceContent::Bytes(text.into());
            Ok(SourceFile { name, bytes })
        };
        (0..count).map(source).collect()
    }
}

/// Returns the sizes of the newest version of each metadata file of these roles.
fn sizes(files: &BTreeMap<String, Vec<u8>>, prefix: &str) -> BTreeMap<String, (u64, usize)> {
    let mut newest = BTreeMap::new();
    for (path, bytes) in files {
        let name = path
            .strip_prefix("metadata/")
            .and_then(|name| name.strip_suffix(".json"));
        if let Some((version, role)) = name.and_then(|name| name.split_once('.')) {
            let version: u64 = version.parse().expect("a version");
            let newer = newest.get(role).is_none_or(|(known, _)| *known < version);
            if newer && role.starts_with(prefix) {
                newest.insert(role.to_owned(), (version, bytes.len()));
            }
        }
    }
    newest
}

fn metadata(world: &World) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs_err::read_dir(world.repository().join("metadata")).expect("it is there") {
        let entry = entry.expect("it can be listed");
        let name = entry.file_name().into_string().expect("it is text");
        let bytes = fs_err::read(entry.path()).expect("it can be read");
        files.insert(format!("metadata/{name}"), bytes);
    }
    files
}

#[test]
#[expect(clippy::print_stdout, reason = "the figures are worth knowing")]
fn long_list_is_divided_into_parts_that_change_one_by_one_and_stays_so() {
    let world = World::new();
    world.publish(&[&package("single 1")]);
    let mut known = world.client();
    known.sync(NOW).expect("it can be read");
    assert_eq!(
        sizes(&metadata(&world), "archives").len(),
        1,
        "a short list is one"
    );
    let packages: Vec<Package> = (0..PACKAGES)
        .map(|at| package(&format!("p{at:03} 1")))
        .collect();
    let archives = world.archives(&packages.iter().collect::<Vec<_>>());
    let sources = |archives| PublishRequest {
        sources: Some(&Many),
        ..PublishRequest::new(vec![archives])
    };
    world.try_publish(sources(archives)).expect("they fit");
    let first = sizes(&metadata(&world), "archives");
    let (_, whole) = first["archives"];
    let parts: Vec<usize> = first
        .iter()
        .filter(|(role, _)| *role != "archives")
        .map(|(_, (_, size))| *size)
        .collect();
    let (sum, largest) = (
        parts.iter().sum::<usize>(),
        parts.iter().max().expect("there are some"),
    );
    println!(
        "{} files: 64 parts of {} to {largest} bytes, {sum} together; the list itself {whole}, the snapshot {}",
        PACKAGES * (SOURCES + 1) + 1,
        parts.iter().min().expect("there are some"),
        sizes(&metadata(&world), "snapshot")["snapshot"].1,
    );
    assert_eq!(parts.len(), 64);
    assert!(sum > LIMIT / 2, "{sum}");
    assert!(
        *largest < LIMIT / 20 && whole < LIMIT / 20,
        "{largest} {whole}"
    );

    // One package more changes the part that its archive is in, and nothing else.
    world.publish(&[&package("single 2")]);
    let second = sizes(&metadata(&world), "archives");
    let changed: Vec<&String> = second
        .keys()
        .filter(|role| second[*role].0 != first[*role].0)
        .collect();
    assert!((1..=2).contains(&changed.len()), "{changed:?}");
    assert!(!changed.contains(&&"archives".to_owned()));
    // Readers of before and new ones go on.
    for client in [&mut known, &mut world.client()] {
        let seen = names(&client.sync(NOW).expect("no role vanished"));
        assert_eq!(
            (seen.len(), seen.contains(&"single 2-1".to_owned())),
            (PACKAGES + 1, true)
        );
    }
    // A new key signs every part.
    let (ring, repository) = (world.ring(), world.repository());
    let replace = Replace::OfRole("archives".to_owned(), None);
    let rotated = publisher(&repository, &ring, NOW, &|| false).replace_keys(
        &replace,
        Farewell::Retire,
        &NewKey::Made { into: None },
    );
    let (rotated, _) = rotated.expect("all keys are there");
    let third = metadata(&world);
    for (role, (version, _)) in sizes(&third, "archives") {
        assert_eq!(version, second[&role].0 + 1, "{role}");
        let text = String::from_utf8_lossy(&third[&format!("metadata/{version}.{role}.json")])
            .into_owned();
        assert!(
            text.contains(&format!("\"keyid\":\"{}\"", rotated[0].new)),
            "{role}"
        );
    }
    // A list that became short stays divided: a role that was there may not vanish.
    let request = PublishRequest {
        remove: packages
            .iter()
            .map(|one| one.manifest.package.name.clone())
            .collect(),
        keep: 0,
        ..world.request(&[&package("single 3")])
    };
    world.try_publish(request).expect("nobody needs them");
    world.publish(&[&package("single 4")]);
    let last = sizes(&metadata(&world), "archives");
    assert_eq!(last.len(), 65);
    assert_eq!(
        names(&known.sync(NOW).expect("no role vanished")),
        ["single 4-1"]
    );
    let sources = fs_err::read_dir(world.repository().join("targets/sources"));
    assert_eq!(
        sources.expect("it is there").count(),
        PACKAGES * SOURCES,
        "kept for older states"
    );
    let versions = metadata(&world)
        .keys()
        .filter(|path| path.contains(".archives-"))
        .count();
    assert!(versions < 64 * 5, "{versions}: old parts are deleted");
}
