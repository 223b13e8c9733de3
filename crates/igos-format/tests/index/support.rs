//! Packages of all kinds, and indexes of them.

use std::collections::BTreeSet;

use igos_format::archive::{Signature, SignatureAlgorithm};
use igos_format::declaration::{Feature, FeatureKind, Provided};
use igos_format::index::{
    Advisory, AdvisorySeverity, AdvisoryState, ArchiveLocation, IndexEntry, IndexReader,
    IndexWriter, SourceLocation,
};
use igos_format::manifest::Origin;
use igos_format::{Arch, Dependency, PackageId, PackageName, RelPath, Sha256, Tier};
use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;

/// Few names, so that packages share them, and some that begin with others.
pub(crate) const NAMES: [&str; 6] = ["a", "a-b", "a.c", "b", "ba", "c"];

/// Names of programs, libraries and paths.
pub(crate) const THINGS: [&str; 4] = ["x", "x y", "\\é", "z"];

pub(crate) fn name(text: &str) -> PackageName {
    text.parse().expect("it is a name")
}

pub(crate) fn feature(kind: FeatureKind, thing: &str) -> Feature {
    let slash = if kind == FeatureKind::Path { "/" } else { "" };
    Feature::new(kind, format!("{slash}{thing}")).expect("it is a feature")
}

/// Returns a package with nothing in it.
pub(crate) fn package(id: PackageId) -> IndexEntry {
    let location = ArchiveLocation {
        file_name: "a.igos.tar.zst".parse().expect("it is a file name"),
        sha256: Sha256::of(id.file_stem().as_bytes()),
        size_bytes: 4096,
        head_sha256: Sha256::of(id.version.as_str().as_bytes()),
        head_bytes: 1024,
    };
    IndexEntry::new(
        id.clone(),
        Sha256::of(id.name.as_str().as_bytes()),
        location,
    )
}

pub(crate) fn id(name_text: &str, version: &str) -> PackageId {
    PackageId {
        name: name(name_text),
        epoch: 0,
        version: version.parse().expect("it is a version"),
        release: "1".parse().expect("it is a release"),
        arch: Arch::X86_64,
    }
}

/// Returns the index of these packages.
pub(crate) fn index(entries: &[IndexEntry]) -> Vec<u8> {
    let mut writer = IndexWriter::new();
    for entry in entries {
        writer.add(entry).expect("the package can be in an index");
    }
    let mut bytes = Vec::new();
    let written = writer.write(&mut bytes).expect("there is memory");
    assert_eq!(written.sha256, Sha256::of(&bytes));
    assert_eq!(written.size_bytes, bytes.len() as u64);
    bytes
}

pub(crate) fn open(bytes: &[u8]) -> IndexReader<&[u8]> {
    IndexReader::open(bytes).expect("it is an index")
}

pub(crate) fn any_name() -> impl Strategy<Value = PackageName> {
    prop::sample::select(NAMES.to_vec()).prop_map(name)
}

fn dependency() -> impl Strategy<Value = Dependency> {
    "[a-c]{1,2}((<|<=|=|>=|>)[0-9]{1,2})?".prop_map(|text| text.parse().expect("a dependency"))
}

fn provided() -> impl Strategy<Value = Provided> {
    (any_name(), option::of("[0-9]{1,2}")).prop_map(|(name, version)| Provided {
        name,
        version: version.map(|text| text.parse().expect("it is a version")),
    })
}

fn any_feature() -> impl Strategy<Value = Feature> {
    let kinds = prop::sample::select(FeatureKind::ALL.to_vec());
    let things = prop::sample::select(THINGS.to_vec());
    (kinds, things).prop_map(|(kind, thing)| feature(kind, thing))
}

fn path() -> impl Strategy<Value = RelPath> {
    prop::sample::select(THINGS.to_vec()).prop_map(|text| text.parse().expect("it is a path"))
}

fn program() -> impl Strategy<Value = String> {
    prop::sample::select(THINGS.to_vec()).prop_map(str::to_owned)
}

fn advisory() -> impl Strategy<Value = Advisory> {
    let severities = prop::sample::select(AdvisorySeverity::ALL.to_vec());
    ("CVE-[0-9]{1,3}", severities, any::<bool>()).prop_map(|(id, severity, is_fixed)| Advisory {
        id: id.parse().expect("it is an advisory"),
        severity,
        state: if is_fixed {
            AdvisoryState::Fixed
        } else {
            AdvisoryState::Affected
        },
    })
}

fn digest() -> impl Strategy<Value = Sha256> {
    any::<[u8; 32]>().prop_map(Sha256::from_bytes)
}

fn signature() -> impl Strategy<Value = Signature> {
    (digest(), digest(), digest()).prop_map(|(key, first, second)| {
        let mut value = [0; 64];
        value[..32].copy_from_slice(first.as_bytes());
        value[32..].copy_from_slice(second.as_bytes());
        Signature {
            algorithm: SignatureAlgorithm::Ed25519,
            key,
            value,
        }
    })
}

fn source() -> impl Strategy<Value = SourceLocation> {
    ("[a-z0-9][a-z0-9+._~@:=,-]{0,5}", digest(), any::<u64>()).prop_map(
        |(file_name, sha256, size_bytes)| SourceLocation {
            file_name: file_name.parse().expect("it is a file name"),
            sha256,
            size_bytes,
        },
    )
}

fn any_id() -> impl Strategy<Value = PackageId> {
    let arch = prop::sample::select(Arch::ALL.to_vec());
    (any_name(), 0_u32..12, "[0-9]{1,2}", "[1-3]", arch).prop_map(
        |(name, epoch, version, release, arch)| PackageId {
            name,
            epoch,
            version: version.parse().expect("it is a version"),
            release: release.parse().expect("it is a release"),
            arch,
        },
    )
}

/// Any text without control characters.
fn words() -> impl Strategy<Value = String> {
    "[ \\\\=a-zA-Zé\u{1f4e6}\u{200b}-]{0,12}"
}

pub(crate) fn any_entry() -> impl Strategy<Value = IndexEntry> {
    let texts = (words(), words(), words());
    let facts = (
        any_id(),
        any_name(),
        option::of(prop::sample::select(Tier::ALL.to_vec())),
        prop::sample::select(Origin::ALL.to_vec()),
        any::<bool>(),
        any::<u64>(),
        digest(),
        option::of(signature()),
        btree_set(source(), 0..3),
        1_u64..99,
    );
    let relations = (
        btree_set(dependency(), 0..3),
        btree_set(provided(), 0..3),
        btree_set(dependency(), 0..2),
        btree_set(any_name(), 0..2),
        btree_set(any_feature(), 0..3),
        btree_set(any_feature(), 0..3),
        btree_set(path(), 0..3),
        btree_set(program(), 0..3),
        btree_set(advisory(), 0..3),
    );
    (facts, texts, relations).prop_map(|(facts, texts, relations)| {
        let mut entry = package(facts.0);
        (entry.recipe, entry.tier, entry.origin) = (facts.1, facts.2, facts.3);
        (entry.is_essential, entry.installed_bytes) = (facts.4, facts.5);
        (entry.seal, entry.signature, entry.sources) = (facts.6, facts.7, facts.8);
        (entry.archive.head_bytes, entry.archive.size_bytes) = (facts.9, 99);
        (entry.description, entry.license, entry.homepage) = texts;
        (entry.depends, entry.provides) = (relations.0, relations.1);
        (entry.conflicts, entry.supersedes) = (relations.2, relations.3);
        (entry.features_provided, entry.features_required) = (relations.4, relations.5);
        (entry.paths, entry.programs, entry.advisories) = (relations.6, relations.7, relations.8);
        entry
    })
}

/// Packages that differ by what names them.
pub(crate) fn any_entries(most: usize) -> impl Strategy<Value = Vec<IndexEntry>> {
    vec(any_entry(), 0..most).prop_map(|mut entries| {
        let mut seen = BTreeSet::new();
        entries.retain(|entry| seen.insert(entry.package.clone()));
        entries
    })
}

/// Makes records so long that even few of them take several frames.
pub(crate) fn spread(entries: &mut [IndexEntry]) {
    for (number, entry) in (0..).zip(entries) {
        let word = format!("{number} ");
        entry.homepage = word.repeat(3000 / word.len());
        entry.description += &word.repeat(1500 / word.len());
    }
}
