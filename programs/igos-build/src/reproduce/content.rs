//! Where the contents of two files part, told so that a person sees why.

use diffy::DiffOptions;
use object::{Object, ObjectSection};
use serde::Serialize;

/// Lines of a text around a difference.
const CONTEXT_LINES: usize = 2;
/// Lines of each text that are compared from the first difference on.
const WINDOW_LINES: usize = 12;
/// Longest line that is shown, in characters.
const LINE_MAX: usize = 160;
/// Bytes in a line of a dump.
const DUMP_BYTES: usize = 16;
/// Lines of a dump for each file.
const DUMP_LINES: usize = 3;
/// Most sections of an ELF file that are named.
const SECTIONS_MAX: usize = 16;
/// How far into a file bytes tell whether it is a text.
const TEXT_BYTES: usize = 8192;
/// The digest of the whole file, which differs wherever anything does.
const BUILD_ID: &str = ".note.gnu.build-id";

/// Where two contents part, and what is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ContentDifference {
    /// What the file is: `text`, `elf` or `bytes`.
    pub kind: &'static str,
    /// The place of the first byte that differs, from the beginning of the section if there is one, else of the file.
    pub offset: usize,
    /// The sections of an ELF file that differ, in the order of the file; the first that is not a build id is shown.
    pub sections: Vec<String>,
    /// What is there: lines of a unified diff, or of dumps of both.
    pub lines: Vec<String>,
}

/// Returns where two contents part, `None` if they are the same.
#[must_use]
pub fn content_difference(first: &[u8], second: &[u8]) -> Option<ContentDifference> {
    let offset = first_difference(first, second)?;
    if let Some(found) = elf_difference(first, second) {
        return Some(found);
    }
    if let (Some(one), Some(other)) = (as_text(first), as_text(second)) {
        return Some(ContentDifference {
            kind: "text",
            offset,
            sections: Vec::new(),
            lines: text_lines(one, other),
        });
    }
    Some(ContentDifference {
        kind: "bytes",
        offset,
        sections: Vec::new(),
        lines: dumps(first, second, offset),
    })
}

/// Returns the lines in which two texts differ first, as a unified diff without its heading.
#[must_use]
pub fn text_lines(first: &str, second: &str) -> Vec<String> {
    let (ours, theirs): (Vec<&str>, Vec<&str>) = (
        first.split_inclusive('\n').collect(),
        second.split_inclusive('\n').collect(),
    );
    let same = ours.iter().zip(&theirs).take_while(|(a, b)| a == b).count();
    let from = same.saturating_sub(CONTEXT_LINES);
    // Comparing all of two long texts can take the square of their lengths.
    let window = |lines: &[&str]| -> String {
        let to = lines.len().min(same + WINDOW_LINES);
        lines[from.min(to)..to].concat()
    };
    let mut options = DiffOptions::new();
    options.set_context_len(CONTEXT_LINES);
    let (ours, theirs) = (window(&ours), window(&theirs));
    let patch = options.create_patch(&ours, &theirs).to_string();
    let shown = patch.lines().skip_while(|line| !line.starts_with("@@"));
    let mut lines = vec![format!("@@ line {} @@", from + 1)];
    lines.extend(
        shown
            .filter(|line| !line.starts_with("@@"))
            .map(|line| line.chars().take(LINE_MAX).collect()),
    );
    lines
}

fn first_difference(first: &[u8], second: &[u8]) -> Option<usize> {
    let at = first.iter().zip(second).position(|(a, b)| a != b);
    at.or_else(|| (first.len() != second.len()).then(|| first.len().min(second.len())))
}

fn as_text(bytes: &[u8]) -> Option<&str> {
    let begin = &bytes[..bytes.len().min(TEXT_BYTES)];
    if begin.contains(&0) {
        return None;
    }
    std::str::from_utf8(bytes).ok()
}

/// Returns dumps of both contents around an offset.
fn dumps(first: &[u8], second: &[u8], offset: usize) -> Vec<String> {
    let from = (offset / DUMP_BYTES).saturating_sub(1) * DUMP_BYTES;
    let mut lines = Vec::new();
    for (sign, bytes) in [('-', first), ('+', second)] {
        let part = bytes.get(from..).unwrap_or_default();
        for (number, row) in part.chunks(DUMP_BYTES).take(DUMP_LINES).enumerate() {
            lines.push(format!("{sign}{}", dump(from + number * DUMP_BYTES, row)));
        }
        if part.is_empty() {
            lines.push(format!("{sign}{from:08x}  (it ends before)"));
        }
    }
    lines
}

fn dump(at: usize, row: &[u8]) -> String {
    let hexadecimal: Vec<String> = row.iter().map(|byte| format!("{byte:02x}")).collect();
    let shown = row.iter().map(|byte| match byte {
        0x20..=0x7e => char::from(*byte),
        _ => '.',
    });
    let width = DUMP_BYTES * 3 - 1;
    format!(
        "{at:08x}  {:<width$}  |{}|",
        hexadecimal.join(" "),
        shown.collect::<String>()
    )
}

/// A section of an ELF file as far as it is compared.
struct Section<'d> {
    name: String,
    bytes: &'d [u8],
}

/// Returns the sections of an ELF file in its order, `None` if it is no such file or cannot be read as one.
fn sections(bytes: &[u8]) -> Option<Vec<Section<'_>>> {
    if !bytes.starts_with(b"\x7fELF") {
        return None;
    }
    let file = object::File::parse(bytes).ok()?;
    let mut found = Vec::new();
    for section in file.sections() {
        found.push(Section {
            name: section.name().ok()?.to_owned(),
            bytes: section.data().ok()?,
        });
    }
    Some(found)
}

fn elf_difference(first: &[u8], second: &[u8]) -> Option<ContentDifference> {
    let (ours, theirs) = (sections(first)?, sections(second)?);
    let mut differing: Vec<(String, &[u8], &[u8])> = Vec::new();
    for (at, section) in ours.iter().enumerate() {
        let other = theirs
            .get(at)
            .filter(|other| other.name == section.name)
            .or_else(|| theirs.iter().find(|other| other.name == section.name));
        let bytes = other.map_or(&[][..], |other| other.bytes);
        if bytes != section.bytes || other.is_none() {
            differing.push((section.name.clone(), section.bytes, bytes));
        }
    }
    for section in &theirs {
        if ours.iter().all(|one| one.name != section.name) {
            differing.push((section.name.clone(), &[], section.bytes));
        }
    }
    let shown = differing
        .iter()
        .find(|(name, ..)| name != BUILD_ID)
        .or_else(|| differing.first());
    // Without one the headers alone differ, of which the bytes of the file tell more.
    let (_, one, other) = shown?;
    let offset = first_difference(one, other).unwrap_or_default();
    Some(ContentDifference {
        kind: "elf",
        offset,
        lines: dumps(one, other, offset),
        sections: differing
            .iter()
            .map(|(name, ..)| name.clone())
            .take(SECTIONS_MAX)
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::content_difference;

    #[test]
    fn texts_are_shown_as_lines_that_go_and_come() {
        let text = |date: &str| format!("one\ntwo\nthree\n/* made {date} */\nfive\nsix\nseven\n");
        let found = content_difference(text("Monday").as_bytes(), text("Tuesday").as_bytes())
            .expect("they differ");
        assert_eq!(found.kind, "text");
        assert_eq!(found.offset, 22);
        assert_eq!(
            found.lines,
            [
                "@@ line 2 @@",
                " two",
                " three",
                "-/* made Monday */",
                "+/* made Tuesday */",
                " five",
                " six"
            ]
        );
        assert_eq!(content_difference(b"the same", b"the same"), None);
    }

    #[test]
    fn other_files_are_dumped_around_the_first_byte_that_differs() {
        let mut first = vec![0; 40];
        let mut second = first.clone();
        first[20] = b'a';
        second[20] = b'b';
        second.push(1);
        let found = content_difference(&first, &second).expect("they differ");
        assert_eq!((found.kind, found.offset), ("bytes", 20));
        assert_eq!(
            found.lines[1],
            "-00000010  00 00 00 00 61 00 00 00 00 00 00 00 00 00 00 00  |....a...........|"
        );
        assert_eq!(found.lines.len(), 6);
        let shorter = content_difference(&first, &first[..16]).expect("one is shorter");
        assert_eq!(shorter.offset, 16);
        assert_eq!(
            shorter.lines.last().map(String::as_str),
            Some("+00000000  00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00  |................|")
        );
    }

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "the program that runs this test is an ELF file at hand"
    )]
    fn elf_files_are_compared_section_by_section() {
        let program = std::env::args_os().next().expect("a program has a name");
        let Ok(first) = fs_err::read(std::path::Path::new(&program)) else {
            panic!("a test can read itself");
        };
        let mut second = first.clone();
        let found = {
            let sections = super::sections(&first).expect("a test is an ELF file");
            let section = sections
                .iter()
                .find(|section| section.name == ".rodata")
                .expect("programs have constants");
            section.bytes.as_ptr() as usize - first.as_ptr() as usize
        };
        second[found + 100] ^= 1;
        let told = content_difference(&first, &second).expect("a byte differs");
        assert_eq!((told.kind, told.offset), ("elf", 100));
        assert_eq!(told.sections, [".rodata"]);
    }
}
