//! Asks an index of 100 000 generated packages, each answer from a freshly opened file, and compares with reading,
//! hashing and walking the same bytes in the same run: `cargo bench -p igos-format --bench index -- PACKAGES`.

use std::collections::BTreeMap;
use std::fs::File;
use std::hint::black_box;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

use generated::{PATHS, name, path, soname, write_files, write_packages};
use igos_format::index::{FilesIndexReader, IndexReader, SearchTerms, WrittenIndex};
use igos_format::{PackageName, Sha256};

mod generated;

const ROUNDS: usize = 7;

/// How many installed packages are asked for.
const INSTALLED: usize = 2000;

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
