//! Hostile archives: honest ones with one change each, and what reading them has to say.
//!
//! Shared by the tests of the reader, of installing, and of the program; `docs/formats/hostile-archives.md` lists them.

pub(crate) mod case;
mod frames;
mod head;
mod length;
mod manifest;

mod pax;
mod payload;
mod rows;

mod streams;
mod tail;

pub(crate) use case::{Case, honest};

/// Returns all changes, by what is changed.
pub(crate) fn all() -> Vec<(&'static str, Vec<Case>)> {
    vec![
        (
            "The file",
            length::files_that_are_longer_or_shorter_than_the_archive(),
        ),
        (
            "Compressed frames",
            frames::frames_that_are_not_the_canonical_ones(),
        ),
        ("Compressed streams", streams::streams_of_other_programs()),
        ("The head", head::heads_that_contradict_themselves()),
        ("The frame table", head::frame_tables_that_do_not_fit()),
        (
            "The manifest",
            manifest::manifests_that_are_not_the_one_text(),
        ),
        (
            "Rows of the manifest",
            rows::rows_that_no_package_may_have(),
        ),
        (
            "Headers and contents",
            payload::payloads_that_are_not_what_the_manifest_says(),
        ),
        (
            "Extended headers and further members",
            pax::headers_of_other_programs(),
        ),
        ("The tail", tail::tails_that_are_not_an_end()),
    ]
}
