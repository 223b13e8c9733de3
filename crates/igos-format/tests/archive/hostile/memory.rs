//! The memory that reading takes: a process of its own reads every hostile archive and tells its peak.

use std::process::{Command, Stdio};

use igos_format::archive::CompressionFormat;

use crate::cases::{all, honest};
use crate::forge::Forge;
use crate::support::read_all;

/// What a reader may take in all, in KiB (threats note, X9).
const MEMORY_KIB: u64 = 256 * 1024;

/// Names the directory of archives to the process that reads them.
const ARCHIVES: &str = "IGOS_TEST_ARCHIVES";

/// The name of the test below, of which that process runs a second copy.
const TEST: &str =
    "hostile::memory::reading_all_hostile_archives_in_one_process_stays_below_256_mib";

#[test]
fn reading_all_hostile_archives_in_one_process_stays_below_256_mib() {
    #[expect(clippy::disallowed_methods, reason = "the child is told where to read")]
    let archives = std::env::var_os(ARCHIVES);
    match archives {
        Some(directory) => read_here(directory.as_ref()),
        None => read_elsewhere(),
    }
}

/// Writes the archives, since making them takes more memory than reading them may, and has them read.
#[expect(clippy::print_stdout, reason = "the peak is part of the answer")]
fn read_elsewhere() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let mut number = 0;
    let mut write = |archive: Vec<u8>| {
        number += 1;
        fs_err::write(directory.path().join(format!("{number:04}")), archive).expect("it is ours");
    };
    let forges = CompressionFormat::ALL.map(honest);
    forges.iter().map(Forge::build).for_each(&mut write);
    for case in all().into_iter().flat_map(|(_, cases)| cases) {
        let forges = forges.iter();
        forges
            .filter(|forge| case.formats.contains(&forge.format))
            .map(|forge| (case.build)(forge))
            .for_each(&mut write);
    }
    #[expect(clippy::disallowed_methods, reason = "peaks are those of processes")]
    let read = Command::new(std::env::current_exe().expect("it runs"))
        .args(["--exact", TEST, "--nocapture", "--test-threads=1"])
        .env(ARCHIVES, directory.path())
        .stdin(Stdio::null())
        .output()
        .expect("it was started before");
    let said = String::from_utf8_lossy(&read.stdout);
    assert!(read.status.success(), "{said}{read:?}");
    let line = said
        .lines()
        .find(|line| line.contains("peak"))
        .expect("it tells");
    assert!(
        line.contains(&format!("{number} archives, 3 accepted")),
        "{line}"
    );
    println!("{line}");
}

#[expect(clippy::print_stdout, reason = "what was measured is the answer")]
fn read_here(directory: &std::path::Path) {
    let (mut read, mut accepted) = (0, 0);
    for entry in fs_err::read_dir(directory).expect("it was written") {
        let archive = fs_err::read(entry.expect("it is there").path()).expect("it is there");
        read += 1;
        accepted += usize::from(read_all(&archive).is_ok());
    }
    let status = fs_err::read_to_string("/proc/self/status").expect("this is Linux");
    let peak: u64 = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"))
        .and_then(|peak| peak.parse().ok())
        .expect("the kernel tells the peak");
    println!("{read} archives, {accepted} accepted, peak {peak} KiB");
    assert!(peak < MEMORY_KIB, "the peak is {peak} KiB");
}
