//! The lookup file: every file of the `Sources` indices under its SHA-256, sorted, made once per edition.
//!
//! ```text
//! igos debian sources 1 <SHA-256 of the names, sizes and times of the indices>
//! <SHA-256> <size in bytes> <path in the archive>
//! ```
//!
//! It is a shortcut of ours below our own cache and proves nothing: what it leads to is compared with the digest
//! that was asked for.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

use igos_format::{RelPath, Sha256};

use super::control::paragraphs;

/// Longest line; paths of the archive have at most a few hundred bytes.
const LINE_MAX_BYTES: u64 = 8 * 1024;

/// A file of a source package in the Debian archive.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceFile {
    /// Its path in the archive, such as `pool/main/m/musl/musl_1.2.5.orig.tar.gz`.
    pub path: String,
    /// Its digest, as the signed index has it.
    pub sha256: Sha256,
    /// Its size in bytes.
    pub size: u64,
}

/// Files found in indices, by digest; the first suite that has a file names its path.
#[derive(Debug, Default)]
pub(super) struct Collected(BTreeMap<Sha256, (u64, String)>);

impl Collected {
    /// Adds all files of a `Sources` index. Lines that are not what they should be are passed over: the index is
    /// signed, and a file that is not found is reported as such.
    pub(super) fn add(&mut self, index: &str) {
        for paragraph in paragraphs(index, &["Directory", "Checksums-Sha256"]) {
            let (Some(directory), Some(files)) = (
                paragraph.field("Directory"),
                paragraph.lines("Checksums-Sha256"),
            ) else {
                continue;
            };
            for file in files {
                if let Some(found) = parse_file(directory, file) {
                    self.0
                        .entry(found.sha256)
                        .or_insert((found.size, found.path));
                }
            }
        }
    }

    pub(super) fn write(&self, edition: &Sha256, out: impl Write) -> io::Result<()> {
        let mut out = BufWriter::new(out);
        out.write_all(header(edition).as_bytes())?;
        for (sha256, (size, path)) in &self.0 {
            writeln!(out, "{sha256} {size} {path}")?;
        }
        out.flush()
    }
}

fn header(edition: &Sha256) -> String {
    format!("igos debian sources 1 {edition}\n")
}

fn parse_file(directory: &str, line: &str) -> Option<SourceFile> {
    let mut words = line.split_ascii_whitespace();
    let sha256 = words.next()?.parse().ok()?;
    let size = words.next()?.parse().ok()?;
    let path = format!("{directory}/{}", words.next()?);
    let is_plain = path.bytes().all(|byte| byte.is_ascii_graphic()) && words.next().is_none();
    path.parse::<RelPath>().ok()?;
    is_plain.then_some(SourceFile { path, sha256, size })
}

fn parse_row(line: &str) -> Option<SourceFile> {
    let mut words = line.strip_suffix('\n')?.split(' ');
    let found = SourceFile {
        sha256: words.next()?.parse().ok()?,
        size: words.next()?.parse().ok()?,
        path: words.next()?.to_owned(),
    };
    words.next().is_none().then_some(found)
}

/// Tells whether the file at `path` was made from this edition of the indices.
pub(super) fn is_of(path: &Path, edition: &Sha256) -> bool {
    let mut line = String::new();
    // A lookup file that cannot be read is made anew.
    let read = fs_err::File::open(path)
        .and_then(|file| BufReader::new(io::Read::take(file, LINE_MAX_BYTES)).read_line(&mut line));
    read.is_ok() && line == header(edition)
}

/// Finds a row by bisection.
pub(super) fn find(path: &Path, wanted: &Sha256) -> io::Result<Option<SourceFile>> {
    let mut file = BufReader::new(fs_err::File::open(path)?.into_parts().0);
    let end = file.seek(SeekFrom::End(0))?;
    let wanted = wanted.to_string();
    // The row lies at an offset in low..high; both are positions in the file, not necessarily starts of lines.
    let (mut low, mut high) = (0, end);
    while low < high {
        let middle = low + (high - low) / 2;
        let Some((start, line)) = line_at(&mut file, middle)? else {
            high = middle;
            continue;
        };
        if line.starts_with("igos ") {
            low = start + line.len() as u64;
            continue;
        }
        match line.get(..64).unwrap_or_default().cmp(&wanted) {
            std::cmp::Ordering::Less => low = start + line.len() as u64,
            std::cmp::Ordering::Equal => return Ok(parse_row(&line)),
            std::cmp::Ordering::Greater => high = middle,
        }
    }
    Ok(None)
}

/// Returns the first line that starts at or after `offset`, with its start; `None` if none does.
fn line_at(file: &mut BufReader<File>, offset: u64) -> io::Result<Option<(u64, String)>> {
    let mut start = offset;
    if offset > 0 {
        file.seek(SeekFrom::Start(offset - 1))?;
        start = offset - 1 + read_line(file)?.len() as u64;
    } else {
        file.seek(SeekFrom::Start(0))?;
    }
    let line = read_line(file)?;
    Ok((!line.is_empty()).then_some((start, line)))
}

fn read_line(file: &mut BufReader<File>) -> io::Result<String> {
    let mut line = String::new();
    io::Read::take(&mut *file, LINE_MAX_BYTES).read_line(&mut line)?;
    Ok(line)
}

/// Calls `each` with every row whose path contains `text`.
pub(super) fn scan(path: &Path, text: &str, mut each: impl FnMut(SourceFile)) -> io::Result<()> {
    let file = BufReader::with_capacity(1 << 20, fs_err::File::open(path)?);
    for line in file.lines() {
        let mut line = line?;
        if line.contains(text) {
            line.push('\n');
            if let Some(found) = parse_row(&line) {
                each(found);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use igos_format::Sha256;

    use super::{Collected, find, is_of, scan};

    fn index(rows: u32) -> String {
        use std::fmt::Write;
        let mut text = String::new();
        for number in 0..rows {
            let digest = Sha256::of(&number.to_le_bytes());
            write!(
                text,
                "Package: p{number}\nDirectory: pool/main/p/p{number}\nFiles:\n aa 1 x\nChecksums-Sha256:\n \
                 {digest} {number} p{number}_1.0.orig.tar.gz\n\n"
            )
            .expect("a string takes all");
        }
        text
    }

    #[test]
    fn every_row_is_found_by_bisection_and_others_are_not() {
        for rows in [0, 1, 2, 3, 50] {
            let mut collected = Collected::default();
            collected.add(&index(rows));
            assert_eq!(collected.0.len(), rows as usize);
            let file = tempfile::NamedTempFile::new().expect("there is room for a small file");
            let edition = Sha256::of(b"edition");
            collected
                .write(&edition, file.as_file())
                .expect("it can be written");
            assert!(is_of(file.path(), &edition));
            assert!(!is_of(file.path(), &Sha256::of(b"other")));
            for number in 0..rows {
                let digest = Sha256::of(&number.to_le_bytes());
                let found = find(file.path(), &digest).expect("it can be read");
                let found = found.unwrap_or_else(|| panic!("row {number} of {rows}"));
                assert_eq!(
                    found.path,
                    format!("pool/main/p/p{number}/p{number}_1.0.orig.tar.gz")
                );
                assert_eq!((found.size, found.sha256), (u64::from(number), digest));
            }
            for absent in [
                Sha256::of(b"absent"),
                Sha256::from_bytes([0; 32]),
                Sha256::from_bytes([255; 32]),
            ] {
                assert_eq!(find(file.path(), &absent).expect("it can be read"), None);
            }
            let mut seen = Vec::new();
            scan(file.path(), "/p1_", |row| seen.push(row.path)).expect("it can be read");
            assert_eq!(seen.len(), usize::from(rows > 1));
        }
    }

    #[test]
    fn paths_that_leave_the_archive_are_passed_over() {
        let digest = Sha256::of(b"");
        let mut collected = Collected::default();
        for (directory, file) in [
            ("/etc", "passwd"),
            ("pool/..", "x"),
            ("pool", "../x"),
            ("", "x"),
            ("pool", ""),
        ] {
            collected.add(&format!(
                "Directory: {directory}\nChecksums-Sha256:\n {digest} 1 {file}\n"
            ));
        }
        assert_eq!(collected.0.len(), 0);
    }

    proptest::proptest! {
        #[test]
        fn whatever_an_index_says_is_found_again_or_passed_over(
            lines in proptest::collection::vec(
                "(Directory: [a-z./ ]{0,9}|Checksums-Sha256:.{0,3}| [0-9a-f]{64} [0-9]{1,3} [a-z./ ]{0,9}||.{0,20})",
                0..40,
            ),
        ) {
            let mut collected = Collected::default();
            collected.add(&lines.join("\n"));
            let file = tempfile::NamedTempFile::new().expect("there is room for a small file");
            collected.write(&Sha256::of(b""), file.as_file()).expect("it can be written");
            for (sha256, (size, path)) in &collected.0 {
                let found = find(file.path(), sha256).expect("it can be read").expect("it is there");
                proptest::prop_assert_eq!((&found.path, found.size, found.sha256), (path, *size, *sha256));
            }
        }
    }
}
