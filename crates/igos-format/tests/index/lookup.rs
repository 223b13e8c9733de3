//! Lookups find what a walk through all packages finds, and read little.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::io;
use std::ops::ControlFlow;

use igos_format::declaration::FeatureKind;
use igos_format::index::{IndexEntry, IndexReader, ReadAt, SearchTerms};
use igos_format::{PackageName, Sha256};
use proptest::prelude::*;

use crate::support::{NAMES, THINGS, any_entries, feature, id, index, name, open, package, spread};

/// Returns the packages that are wanted, by name and version.
fn filter(entries: &[IndexEntry], is_wanted: impl Fn(&IndexEntry) -> bool) -> Vec<IndexEntry> {
    let mut found: Vec<IndexEntry> = entries.iter().filter(|e| is_wanted(e)).cloned().collect();
    found.sort_by(|a, b| a.package.cmp(&b.package));
    found
}

fn names(entries: &[IndexEntry], is_wanted: impl Fn(&IndexEntry) -> bool) -> Vec<PackageName> {
    let names = filter(entries, is_wanted);
    let names: BTreeSet<_> = names.into_iter().map(|entry| entry.package.name).collect();
    names.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn lookups_find_what_a_walk_finds(mut entries in any_entries(60), is_long: bool) {
        if is_long {
            spread(&mut entries);
        }
        let bytes = index(&entries);
        let reader = open(&bytes);
        for text in NAMES.into_iter().chain(["", "aa", "zz"]).filter(|text| !text.is_empty()) {
            let wanted = name(text);
            let expected = filter(&entries, |entry| entry.package.name == wanted);
            let versions: Vec<_> = expected.iter().map(|entry| entry.package.clone()).collect();
            prop_assert_eq!(reader.named(&wanted).expect("it can be read"), expected);
            prop_assert_eq!(reader.versions(&wanted).expect("it can be read"), versions);
            let provides = |entry: &IndexEntry| entry.provides.iter().any(|p| p.name == wanted);
            prop_assert_eq!(reader.providing(&wanted).expect("it can be read"), filter(&entries, provides));
            let supersedes = |entry: &IndexEntry| entry.supersedes.contains(&wanted);
            prop_assert_eq!(reader.superseding(&wanted).expect("it can be read"), filter(&entries, supersedes));
            let expected = names(&entries, |entry| entry.package.name.as_str().starts_with(text));
            prop_assert_eq!(reader.names_with_prefix(text, 99).expect("it can be read"), expected);
        }
        for thing in THINGS.into_iter().chain(["w"]) {
            for kind in FeatureKind::ALL {
                let wanted = feature(kind, thing);
                let expected = filter(&entries, |entry| entry.has_feature(&wanted));
                prop_assert_eq!(reader.offering(&wanted).expect("it can be read"), expected);
            }
            let expected = names(&entries, |entry| entry.programs.contains(thing));
            prop_assert_eq!(reader.with_program(thing).expect("it can be read"), expected);
        }
    }

    #[test]
    fn search_finds_what_a_walk_finds(mut entries in any_entries(60), is_long: bool,
                                      terms in prop::collection::vec("[a-cA-Z é]{0,2}", 0..3)) {
        if is_long {
            spread(&mut entries);
        }
        let bytes = index(&entries);
        let search = SearchTerms::new(terms.iter().map(String::as_str));
        let mut found = BTreeSet::new();
        open(&bytes).search(&search, |summary| {
            found.insert((summary.package().expect("it is one"), summary.description().to_owned()));
            ControlFlow::Continue(())
        }).expect("it can be read");
        let is_wanted = |entry: &&IndexEntry| terms.iter().all(|term| {
            let term = term.to_ascii_lowercase();
            entry.package.name.as_str().to_ascii_lowercase().contains(&term)
                || entry.description.to_ascii_lowercase().contains(&term)
        });
        let expected: BTreeSet<_> = entries
            .iter()
            .filter(is_wanted)
            .map(|entry| (entry.package.clone(), entry.description.clone()))
            .collect();
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn versions_come_in_the_order_of_versions_and_not_of_their_letters() {
    let versions = ["1.0~rc1", "1.0", "1.9", "1.10"];
    let entries = ["1.10", "1.0", "1.9", "1.0~rc1"].map(|version| package(id("a", version)));
    let bytes = index(&entries);
    let found = open(&bytes).versions(&name("a")).expect("it can be read");
    let found: Vec<_> = found.iter().map(|id| id.version.to_string()).collect();
    assert_eq!(found, versions);
}

#[test]
fn names_for_completion_stop_at_the_limit() {
    let entries = NAMES.map(|text| package(id(text, "1")));
    let bytes = index(&entries);
    let reader = open(&bytes);
    let found = |prefix, limit| {
        let names = reader.names_with_prefix(prefix, limit);
        names.expect("it can be read").len()
    };
    assert_eq!((found("", 99), found("", 4), found("a", 2)), (6, 4, 2));
}

#[test]
fn programs_are_walked_in_order_until_the_visitor_has_enough() {
    let mut entry = package(id("a", "1"));
    entry.programs = ["q", "p", "r"].map(str::to_owned).into();
    let bytes = index(&[entry]);
    let mut seen = Vec::new();
    open(&bytes)
        .programs(|program, package| {
            seen.push(format!("{package}/{program}"));
            if seen.len() == 2 {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        })
        .expect("it can be read");
    assert_eq!(seen, ["a/p", "a/q"]);
}

/// Counts what is read.
struct Counting<'a>(&'a [u8], &'a Cell<usize>);

impl ReadAt for Counting<'_> {
    fn size_bytes(&self) -> io::Result<u64> {
        self.0.size_bytes()
    }

    fn read_exact_at(&self, buffer: &mut [u8], position: u64) -> io::Result<()> {
        self.1.set(self.1.get() + buffer.len());
        self.0.read_exact_at(buffer, position)
    }
}

#[test]
fn lookup_reads_the_directory_and_a_frame_or_two_and_nothing_again() {
    let entries: Vec<_> = (0..600)
        .map(|number| {
            let mut entry = package(id(&format!("p{number:03}"), "1"));
            // Texts that do not compress.
            let digests = (0..40).map(|part| Sha256::of(&[part, number as u8]).to_string());
            entry.homepage = digests.collect();
            entry
        })
        .collect();
    let bytes = index(&entries);
    let read = Cell::new(0);
    let reader = IndexReader::open(Counting(&bytes, &read)).expect("it is an index");
    assert!(read.take() * 20 < bytes.len(), "the directory is short");
    let found = reader.named(&name("p450")).expect("it can be read");
    assert_eq!(found, [entries[450].clone()]);
    let looked = read.take();
    assert!(looked * 10 < bytes.len(), "{looked} of {}", bytes.len());
    reader.named(&name("p450")).expect("it can be read");
    assert_eq!(read.take(), 0, "the frame is kept");
}
