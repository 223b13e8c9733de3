//! The examples of `docs/formats/manifest.md`.

use igos_format::Sha256;
use igos_format::manifest::{self, LineProblem, ManifestError};

const DOCUMENT: &str = include_str!("../../../../docs/formats/manifest.md");

fn example() -> &'static str {
    let (_, rest) = DOCUMENT
        .split_once("```manifest\n")
        .expect("the document has an example");
    rest.split_once("```").expect("the example ends").0
}

/// Makes the last line right again.
fn with_digest(text: &str) -> String {
    let (body, _) = text.rsplit_once("end ").expect("a manifest has an end");
    format!("{body}end {}\n", Sha256::of(body.as_bytes()))
}

#[test]
fn example_of_the_document_is_a_manifest() {
    let manifest = manifest::read(example().as_bytes()).expect("the document is right");
    assert_eq!(manifest.entries.len(), 8);
    assert_eq!(manifest.package.to_string(), "tiny 1.0-1");
    assert_eq!(
        String::from_utf8(manifest::write(&manifest)).as_deref(),
        Ok(example())
    );
}

#[test]
fn second_example_of_the_document_is_a_manifest_with_hooks() {
    let (_, rest) = DOCUMENT
        .split_once("```manifest\nigos-manifest 2")
        .expect("the document has a second example");
    let (rest, _) = rest.split_once("```").expect("the example ends");
    let text = format!("igos-manifest 2{rest}");
    let manifest = manifest::read(text.as_bytes()).expect("the document is right");
    assert_eq!(manifest.hooks.len(), 2);
    assert_eq!(
        String::from_utf8(manifest::write(&manifest)).as_deref(),
        Ok(text.as_str())
    );
    // The format is the lowest that has everything, so neither text can carry the other's number.
    for (written, other) in [
        (
            text.as_str(),
            text.replace("igos-manifest 2 2", "igos-manifest 1 1"),
        ),
        (
            example(),
            example().replace("igos-manifest 1 1", "igos-manifest 2 2"),
        ),
    ] {
        assert!(manifest::read(written.as_bytes()).is_ok());
        let refused = manifest::read(with_digest(&other).as_bytes());
        assert!(matches!(
            refused,
            Err(ManifestError::Line {
                line: 1,
                problem: LineProblem::NotCanonical { .. }
            })
        ));
    }
}

fn reason(problem: &LineProblem) -> &'static str {
    match problem {
        LineProblem::UnknownKey { .. } => "unknown key",
        LineProblem::ReservedKey { .. } => "reserved key",
        LineProblem::Missing { .. } => "missing",
        LineProblem::Value { .. } => "bad value",
        LineProblem::Order => "order",
        LineProblem::NotCanonical { .. } => "not canonical",
        LineProblem::Rule(_) => "rule",
    }
}

#[test]
fn refused_texts_of_the_document_are_refused_at_their_line_for_their_reason() {
    let (_, table) = DOCUMENT
        .split_once("| replaced | by | reason |\n|---|---|---|\n")
        .expect("the document has the table");
    let mut rows = 0;
    for row in table.lines().take_while(|line| line.starts_with('|')) {
        let cells: Vec<&str> = row.split(" | ").collect();
        let [replaced, by, expected] = cells[..] else {
            panic!("{row} has three cells");
        };
        let replaced = replaced.trim_start_matches("| ").trim_matches('`');
        let by = by.trim_matches('`');
        let expected = expected.trim_end_matches(" |");
        let line = 1 + example()
            .lines()
            .position(|line| line == replaced)
            .expect("the line is in the example");
        let text =
            with_digest(&example().replace(&format!("\n{replaced}\n"), &format!("\n{by}\n")));
        let error = manifest::read(text.as_bytes()).expect_err(by);
        let ManifestError::Line {
            line: found,
            problem,
        } = &error
        else {
            panic!("{by}: {error}");
        };
        assert_eq!(
            (*found, reason(problem)),
            (line, expected),
            "{by}: {problem}"
        );
        rows += 1;
    }
    assert!(rows >= 15, "the table has its rows");
}

#[test]
fn text_that_needs_a_newer_reader_is_told_from_a_damaged_one() {
    let newer = example().replace("igos-manifest 1 1", "igos-manifest 4 3");
    assert_eq!(
        manifest::read(newer.as_bytes()),
        Err(ManifestError::NewerFormat {
            needed: 3,
            known: 2
        })
    );
    let damaged = example().replace("name tiny", "name tinx");
    assert!(matches!(
        manifest::read(damaged.as_bytes()),
        Err(ManifestError::Damaged { .. })
    ));
    for text in [
        "",
        "\n",
        "igos-manifest",
        "igos-manifest 1\n",
        "igos-index 1 1\n",
    ] {
        assert_eq!(
            manifest::read(text.as_bytes()),
            Err(ManifestError::NotAManifest),
            "{text:?}"
        );
    }
}

#[test]
fn every_truncation_of_the_example_is_refused() {
    let text = example().as_bytes();
    for length in 0..text.len() {
        assert!(manifest::read(&text[..length]).is_err(), "{length}");
    }
}

#[test]
fn every_flipped_bit_of_the_example_is_refused() {
    let mut text = example().as_bytes().to_vec();
    for at in 0..text.len() {
        for bit in 0..8 {
            text[at] ^= 1 << bit;
            assert!(manifest::read(&text).is_err(), "bit {bit} of byte {at}");
            text[at] ^= 1 << bit;
        }
    }
}

#[test]
fn text_that_only_its_digest_makes_right_is_refused() {
    // With the digest repaired, changed bytes are either another right manifest or refused: never read as
    // something that would be written differently.
    let mut accepted = 0;
    for at in 0..example().len() {
        for byte in *b" \n\t\\0a~" {
            let mut text = example().as_bytes().to_vec();
            text[at] = byte;
            let Ok(text) = String::from_utf8(text) else {
                continue;
            };
            if !text.contains("\nend ") {
                continue;
            }
            let text = with_digest(&text);
            if let Ok(manifest) = manifest::read(text.as_bytes()) {
                assert_eq!(manifest::write(&manifest), text.as_bytes());
                accepted += 1;
            }
        }
    }
    assert!(accepted > 0, "some changes give another package");
}
