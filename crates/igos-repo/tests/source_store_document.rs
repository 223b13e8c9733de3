//! The example of `docs/formats/source-store.md` is what a store looks like.

use std::path::Path;

use igos_format::{Blake3, Digest};
use igos_repo::{
    FetchSettings, Fetcher, Location, Mirror, Network, SourceRequest, SourceStore, Unpinned,
};
use igos_report::Quiet;

const DOCUMENT: &str = include_str!("../../../docs/formats/source-store.md");

fn files_below(directory: &Path, base: &Path, found: &mut Vec<String>) {
    for entry in fs_err::read_dir(directory).expect("it is there") {
        let path = entry.expect("it can be read").path();
        if path.is_dir() {
            files_below(&path, base, found);
        } else {
            let name = path.strip_prefix(base).expect("it lies below");
            found.push(name.display().to_string());
        }
    }
}

#[test]
fn example_of_the_document_is_what_a_store_looks_like() {
    let directory = tempfile::tempdir().expect("there is room");
    let mirror = directory.path().join("mirror");
    fs_err::create_dir(&mirror).expect("it can be made");
    fs_err::write(mirror.join("pigz"), "pigz\n").expect("it can be written");
    let store = SourceStore::open(directory.path().join("sources")).expect("it can be made");
    let mut settings = FetchSettings::new(directory.path());
    settings.network = Network::Offline;
    settings.mirrors = vec![Mirror::Directory(mirror)];
    let request = SourceRequest {
        package: "pigz".parse().expect("it is a name"),
        version: "1".into(),
        cache_name: "pigz".into(),
        location: Location::http("http://127.0.0.1:9/pigz").expect("it is an address"),
        digest: Some(Digest::Blake3(Blake3::of(b"pigz\n"))),
        alternatives: Vec::new(),
        unpinned: Unpinned::Refuse,
    };
    let fetched = Fetcher::new(&store, settings, None).fetch(&request, &Quiet, None);
    let fetched = fetched.expect("the mirror has it");

    let mut found = Vec::new();
    files_below(store.directory(), store.directory(), &mut found);
    found.sort();
    let example = DOCUMENT
        .split("```text\n")
        .nth(1)
        .expect("there is an example");
    let example = example.split("```").next().expect("it ends");
    assert_eq!(found, example.lines().collect::<Vec<_>>());
    let note = fs_err::read_to_string(store.directory().join(&found[0])).expect("it is there");
    assert_eq!(note, format!("{}\n", fetched.sha256()));
    assert_eq!(store.path_of(&fetched.sha256()), fetched.path());
}
