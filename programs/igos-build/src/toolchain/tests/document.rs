//! The examples of `docs/formats/toolchain.md` are what this program reads and writes.

use crate::toolchain::ToolchainList;
use crate::toolchain::document::{Document, parse};

const TEXT: &str = include_str!("../../../../../docs/formats/toolchain.md");

fn example(language: &str) -> &'static str {
    let start = TEXT
        .split(&format!("```{language}\n"))
        .nth(1)
        .expect("there is an example");
    start.split("```").next().expect("it ends")
}

#[test]
fn list_of_the_document_is_valid() {
    let list = ToolchainList::parse("toolchain.md", example("toml")).expect("it is valid");
    assert_eq!(list.packages.len(), 3);
    assert_eq!(list.links.len(), 1);
}

#[test]
fn document_of_the_document_is_read_and_written_as_it_stands() {
    let document = parse(example("json")).expect("it is a document");
    assert_eq!(document.to_text(), example("json"));
    let again = Document::new(
        document.name.clone(),
        document.arch,
        document.inputs,
        document.archives.clone(),
    );
    assert_eq!(again, document);
}
