//! Asks an index of 100 000 generated packages, each answer from a freshly opened file, and compares with reading,
//! hashing and walking the same bytes in the same run: `cargo bench -p igos-format --bench index -- PACKAGES`.

use std::collections::BTreeMap;
use std::fs::File;
use std::hint::black_box;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

use igos_format::declaration::{Feature, FeatureKind, Provided};
use igos_format::index::{
    ArchiveLocation, FilesIndexReader, FilesIndexWriter, IndexEntry, IndexReader, IndexWriter,
    SearchTerms, SourceLocation, WrittenIndex,
};
use igos_format::{Arch, Dependency, PackageId, PackageName, RelPath, Sha256};

const ROUNDS: usize = 7;

/// How many installed packages are asked for.
const INSTALLED: usize = 2000;

/// Paths of each package in the index of files.
const PATHS: u64 = 20;

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
    let directory = tempfile::tempdir().expect("there is room for temporary files");
    let packages = directory.path().join("packages.index");
    let files = directory.path().join("files.index");
    let start = Instant::now();
    let written = write_packages(&packages, count);
    report("packages.index", &written, count, start.elapsed());
    let start = Instant::now();
    let written = write_files(&files, count);
    report("files.index", &written, count * PATHS, start.elapsed());

    let times = measure(&packages, &files, count);
    let base = times["0 read the whole packages.index"];
    for (name, duration) in &times {
        println!(
            "{name:52} {:9.3} ms  {:7.3} of reading it",
            duration.as_secs_f64() * 1000.0,
            duration.as_secs_f64() / base.as_secs_f64()
        );
    }
}

#[expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
fn report(name: &str, written: &WrittenIndex, records: u64, duration: Duration) {
    println!(
        "{name}: {:.2} MiB in {} frames, {:.1} bytes for each of {records}, written in {:.2} s",
        written.size_bytes as f64 / (1024.0 * 1024.0),
        written.frames,
        written.size_bytes as f64 / records as f64,
        duration.as_secs_f64()
    );
}

/// Returns the best of some rounds of every question.
fn measure(packages: &Path, files: &Path, count: u64) -> BTreeMap<&'static str, Duration> {
    let open = || IndexReader::open(file(packages)).expect("it was written");
    let installed: Vec<PackageName> = (0..INSTALLED as u64)
        .map(|number| name(number * (count / INSTALLED as u64).max(1)))
        .collect();
    let one = name(count / 3);
    let path = path(count / 3, 7);
    let bytes = fs_err::read(packages).expect("it was written");
    let lines = summaries(packages);
    let mut best = BTreeMap::new();
    for _ in 0..ROUNDS {
        let mut time = |name, work: &mut dyn FnMut()| time(&mut best, name, work);
        time("0 read the whole packages.index", &mut || {
            black_box(fs_err::read(packages).expect("it was written"));
        });
        time("0 hash the whole packages.index", &mut || {
            black_box(Sha256::of(&bytes));
        });
        time("0 count the lines of all summaries in memory", &mut || {
            black_box(lines.bytes().filter(|byte| *byte == b'\n').count());
        });
        time("1 open", &mut || {
            black_box(open().packages());
        });
        time("2 open and look up one package", &mut || {
            assert_eq!(open().named(&one).map(|found| found.len()).ok(), Some(1));
        });
        time("2 open and look up who has a soname", &mut || {
            assert!(
                !open()
                    .offering(&soname(count / 3))
                    .expect("it can be read")
                    .is_empty()
            );
        });
        time("2 open and look up a program", &mut || {
            let program = format!("program{}", count / 4 * 2);
            assert!(
                !open()
                    .with_program(&program)
                    .expect("it can be read")
                    .is_empty()
            );
        });
        time("2 open and complete a name", &mut || {
            let found = open().names_with_prefix(&one.as_str()[..4], 100);
            assert!(!found.expect("it can be read").is_empty());
        });
        time("3 open and search, two terms", &mut || {
            assert!(search(&open(), &["library", "network"]) > 0);
        });
        time("3 open and search, nothing found", &mut || {
            assert_eq!(search(&open(), &["xylophone"]), 0);
        });
        time(
            "4 open and find versions of 2000 installed names",
            &mut || {
                let reader = open();
                for name in &installed {
                    black_box(reader.versions(name).expect("it can be read"));
                }
            },
        );
        time("4 open and look up 2000 packages", &mut || {
            let reader = open();
            for name in &installed {
                black_box(reader.named(name).expect("it can be read"));
            }
        });
        time("5 open files.index and look up one path", &mut || {
            let reader = FilesIndexReader::open(file(files)).expect("it was written");
            assert_eq!(reader.owners(&path).map(|found| found.len()).ok(), Some(1));
        });
        time("6 read every package", &mut || walk(&open()));
    }
    time(&mut best, "6 verify the whole packages.index", &mut || {
        open().verify().expect("it was written by us");
    });
    best
}

fn time(best: &mut BTreeMap<&'static str, Duration>, name: &'static str, work: &mut dyn FnMut()) {
    let start = Instant::now();
    work();
    let duration = start.elapsed();
    let slot = best.entry(name).or_insert(duration);
    *slot = duration.min(*slot);
}

fn file(path: &Path) -> File {
    fs_err::File::open(path)
        .expect("it was written")
        .into_file()
}

fn search(reader: &IndexReader<File>, terms: &[&str]) -> usize {
    let mut found = 0;
    reader
        .search(&SearchTerms::new(terms.iter().copied()), |_| {
            found += 1;
            ControlFlow::Continue(())
        })
        .expect("it can be read");
    found
}

fn walk(reader: &IndexReader<File>) {
    let walked = reader.entries(|entry| {
        black_box(entry);
        ControlFlow::Continue(())
    });
    walked.expect("it can be read");
}

fn summaries(path: &Path) -> String {
    let mut lines = String::new();
    IndexReader::open(file(path))
        .expect("it was written")
        .summaries(|summary| {
            lines.push_str(summary.name());
            lines.push_str(summary.description());
            lines.push('\n');
            ControlFlow::Continue(())
        })
        .expect("it can be read");
    lines
}

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

fn name(number: u64) -> PackageName {
    let kind = ["lib", "python-", "perl-", "", "go-", "font-", "", "r-"][(number % 8) as usize];
    let digest = Sha256::of(&number.to_le_bytes()).to_string();
    let text = format!("{kind}{}{number}", &digest[..(number % 5 + 2) as usize]);
    text.parse().expect("it is a name")
}

fn soname(number: u64) -> Feature {
    Feature::new(
        FeatureKind::Soname,
        format!("lib{}.so.{}", name(number / 3 * 3), number % 7),
    )
    .expect("it is a feature")
}

fn path(package: u64, number: u64) -> RelPath {
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

fn entry(number: u64, count: u64) -> IndexEntry {
    let random = &mut Random(number ^ 0xa5a5);
    let package = id(number);
    let digest = |salt: &str| Sha256::of(format!("{salt}{number}").as_bytes());
    let file = |text: String| text.parse().expect("it is a file name");
    let archive = ArchiveLocation {
        file_name: file(format!("{}.igos.tar.zst", package.file_stem())),
        sha256: digest("archive"),
        size_bytes: random.below(50_000_000) + 10_000,
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

fn write_packages(path: &Path, count: u64) -> WrittenIndex {
    let mut writer = IndexWriter::new();
    for number in 0..count {
        writer
            .add(&entry(number, count))
            .expect("it can be written");
    }
    let mut out = fs_err::File::create(path).expect("there is space");
    writer.write(&mut out).expect("there is space")
}

fn write_files(to: &Path, count: u64) -> WrittenIndex {
    let mut writer = FilesIndexWriter::new();
    for package in 0..count {
        for number in 0..PATHS {
            writer.add_path(&id(package), &path(package, number));
        }
    }
    let mut out = fs_err::File::create(to).expect("there is space");
    writer.write(&mut out).expect("there is space")
}
