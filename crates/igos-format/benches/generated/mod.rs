//! A generated repository: as many packages as are asked for, with relations, programs and paths as real ones have.

use igos_format::declaration::{Feature, FeatureKind, Provided};
use igos_format::index::{
    ArchiveLocation, FilesIndexWriter, IndexEntry, IndexWriter, SourceLocation, WrittenIndex,
};
use igos_format::{Arch, Dependency, PackageId, PackageName, RelPath, Sha256};
use std::path::Path;

/// Paths of each package in the index of files.
pub(crate) const PATHS: u64 = 20;

/// Numbers that depend on their seed alone (Sebastiano Vigna's SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (value ^ (value >> 31)) % limit
    }

    /// Returns a number that is mostly small: some packages are needed by many.
    fn popular(&mut self, limit: u64) -> u64 {
        let most = self.below(limit) + 1;
        self.below(most)
    }
}

const WORDS: [&str; 32] = [
    "library",
    "for",
    "the",
    "network",
    "fast",
    "simple",
    "tools",
    "data",
    "and",
    "files",
    "of",
    "a",
    "module",
    "Python",
    "Perl",
    "with",
    "documentation",
    "development",
    "terminal",
    "image",
    "server",
    "client",
    "protocol",
    "parser",
    "compression",
    "fonts",
    "audio",
    "game",
    "system",
    "kernel",
    "manager",
    "utilities",
];

pub(crate) fn name(number: u64) -> PackageName {
    let kind = ["lib", "python-", "perl-", "", "go-", "font-", "", "r-"][(number % 8) as usize];
    let digest = Sha256::of(&number.to_le_bytes()).to_string();
    let text = format!("{kind}{}{number}", &digest[..(number % 5 + 2) as usize]);
    text.parse().expect("it is a name")
}

pub(crate) fn soname(number: u64) -> Feature {
    Feature::new(
        FeatureKind::Soname,
        format!("lib{}.so.{}", name(number / 3 * 3), number % 7),
    )
    .expect("it is a feature")
}

pub(crate) fn path(package: u64, number: u64) -> RelPath {
    let place = ["usr/bin", "usr/share/doc", "usr/lib", "usr/include"][(number % 4) as usize];
    let text = format!(
        "{place}/{}/{}",
        name(package),
        WORDS[(number * 7 % 32) as usize]
    );
    format!("{text}{number}").parse().expect("it is a path")
}

fn id(number: u64) -> PackageId {
    let random = &mut Random(number);
    let version = format!(
        "{}.{}.{}",
        random.popular(20),
        random.below(20),
        random.popular(99)
    );
    PackageId {
        name: name(number),
        epoch: u32::from(random.below(50) == 0),
        version: version.parse().expect("it is a version"),
        release: (random.popular(9) + 1)
            .to_string()
            .parse()
            .expect("it is a release"),
        arch: if number.is_multiple_of(4) {
            Arch::Any
        } else {
            Arch::X86_64
        },
    }
}

pub(crate) fn entry(number: u64, count: u64) -> IndexEntry {
    let random = &mut Random(number ^ 0xa5a5);
    let package = id(number);
    let digest = |salt: &str| Sha256::of(format!("{salt}{number}").as_bytes());
    let file = |text: String| text.parse().expect("it is a file name");
    let archive = ArchiveLocation {
        file_name: file(format!("{}.igos.tar.zst", package.file_stem())),
        sha256: digest("archive"),
        size_bytes: random.below(50_000_000) + 10_000,
        head_sha256: digest("head"),
        head_bytes: random.below(9000) + 900,
    };
    let source = SourceLocation {
        file_name: file(format!("{}-{}.tar.xz", package.name, package.version)),
        sha256: digest("source"),
        size_bytes: random.below(20_000_000),
    };
    let mut entry = IndexEntry::new(package, digest("seal"), archive);
    let words = random.below(9) + 3;
    let words: Vec<&str> = (0..words)
        .map(|_| WORDS[random.below(32) as usize])
        .collect();
    entry.description = words.join(" ");
    entry.license = ["MIT", "GPL-2.0-or-later", "BSD-3-Clause", "Apache-2.0"]
        [random.popular(4) as usize]
        .to_owned();
    entry.homepage = format!("https://{}.example.org/", entry.package.name);
    entry.installed_bytes = random.below(200_000_000);
    entry.sources = [source].into();
    entry.signature = format!(
        "ed25519 {} {}{}",
        Sha256::of(b"key"),
        digest("a"),
        digest("b")
    )
    .parse()
    .ok();
    let relations = random.popular(16);
    entry.depends = (0..relations)
        .map(|_| Dependency {
            name: name(random.popular(count)),
            constraint: None,
        })
        .collect();
    let relations = random.popular(20);
    entry.features_required = (0..relations)
        .map(|_| soname(random.popular(count)))
        .collect();
    if number.is_multiple_of(3) {
        entry.features_provided = [soname(number), soname(number + 1)].into();
    }
    if number.is_multiple_of(10) {
        entry.provides = [Provided {
            name: name(number / 100),
            version: None,
        }]
        .into();
    }
    if number.is_multiple_of(2) {
        entry.programs = [format!("program{number}")].into();
    }
    entry
}

pub(crate) fn write_packages(path: &Path, count: u64) -> WrittenIndex {
    let mut writer = IndexWriter::new();
    for number in 0..count {
        writer
            .add(&entry(number, count))
            .expect("it can be written");
    }
    let mut out = fs_err::File::create(path).expect("there is space");
    writer.write(&mut out).expect("there is space")
}

pub(crate) fn write_files(to: &Path, count: u64) -> WrittenIndex {
    let mut writer = FilesIndexWriter::new();
    for package in 0..count {
        for number in 0..PATHS {
            writer.add_path(&id(package), &path(package, number));
        }
    }
    let mut out = fs_err::File::create(to).expect("there is space");
    writer.write(&mut out).expect("there is space")
}
