//! What `docs/security.md` says of code and tests is so: every test, file and requirement that it names is there.

use std::collections::BTreeSet;

use fs_err as fs;

use crate::lines::rust_files;
use crate::workspace;

/// The requirements of the threats note: letter and how many there are.
const REQUIREMENTS: [(&str, u32); 6] = [
    ("X", 11),
    ("P", 17),
    ("S", 8),
    ("R", 14),
    ("E", 23),
    ("K", 6),
];

/// Fewest words of a name that is taken for a test's.
const WORDS_OF_A_TEST: usize = 4;

fn document() -> String {
    fs::read_to_string(workspace::top().join("docs/security.md")).expect("it is there")
}

/// Returns what stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Tells whether a quoted text is the name of a test.
fn is_test_name(text: &str) -> bool {
    let is_word = |word: &str| {
        !word.is_empty()
            && word
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    text.split('_').count() >= WORDS_OF_A_TEST && text.split('_').all(is_word)
}

/// Returns the names of all functions of the workspace.
fn functions() -> BTreeSet<String> {
    let top = workspace::top();
    let mut found = BTreeSet::new();
    for directory in ["crates", "programs", "xtask", "fuzz"] {
        for file in rust_files(&top.join(directory)).expect("the sources can be listed") {
            let text = fs::read_to_string(file).expect("sources are text");
            let names = text.lines().filter_map(|line| {
                let rest = line.trim_start().split_once("fn ")?.1;
                Some(rest.split(['(', '<']).next()?.to_owned())
            });
            found.extend(names);
        }
    }
    found
}

#[test]
fn every_test_that_the_document_names_is_there() {
    let document = document();
    let functions = functions();
    let named: Vec<&str> = quoted(&document)
        .filter(|text| is_test_name(text))
        .collect();
    assert!(named.len() > 60, "{} tests are named", named.len());
    let missing: Vec<&&str> = named
        .iter()
        .filter(|name| !functions.contains(**name))
        .collect();
    assert_eq!(missing, [&""; 0]);
}

#[test]
fn every_file_that_the_document_names_is_there() {
    let document = document();
    let top = workspace::top();
    let begins = [
        "crates/",
        "programs/",
        "docs/",
        "xtask/",
        "fuzz/",
        "testdata/",
    ];
    let missing: Vec<&str> = quoted(&document)
        .filter(|text| begins.iter().any(|begin| text.starts_with(begin)))
        .filter(|text| !text.contains('*') && !top.join(text).exists())
        .collect();
    assert_eq!(missing, [""; 0]);
}

#[test]
fn every_requirement_has_a_row() {
    let document = document();
    let rows: BTreeSet<&str> = document
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(' ').next())
        .collect();
    for (letter, last) in REQUIREMENTS {
        for number in 1..=last {
            let id = format!("{letter}{number}");
            assert!(rows.contains(id.as_str()), "{id} has no row");
        }
    }
}

#[test]
fn name_of_a_test_that_was_renamed_would_be_found() {
    assert!(is_test_name("a_test_with_a_name"));
    assert!(!is_test_name("igos_root"));
    assert!(!functions().contains("this_test_was_never_written"));
    assert!(functions().contains("every_requirement_has_a_row"));
}
