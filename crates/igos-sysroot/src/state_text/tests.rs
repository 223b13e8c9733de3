use igos_format::{RelPath, Sha256};
use proptest::prelude::{Strategy, any, prop};
use proptest::{prop_assert_eq, proptest};

use super::{StateText, StateTextError};
use crate::Exclusions;
use crate::alternatives::Choices;
use crate::configuration::Pending;

const DOCUMENT: &str = include_str!("../../../../docs/formats/state-texts.md");

fn example(kind: &str) -> &'static str {
    let start = format!("\n```{kind}\n");
    let at = DOCUMENT.find(&start).expect("the document has an example") + start.len();
    let length = DOCUMENT[at..].find("```").expect("the example ends");
    &DOCUMENT[at..at + length]
}

fn read_again<T: StateText>() -> T {
    let text = example(T::KEYWORD);
    let read = T::read(text.as_bytes()).expect("the example is sound");
    assert_eq!(read.to_bytes().as_deref(), Some(text.as_bytes()));
    // No changed and no cut text is taken for another.
    for at in 0..text.len() {
        let mut changed = text.as_bytes().to_vec();
        changed[at] ^= 1;
        assert!(T::read(&changed).is_err(), "byte {at}");
        assert!(T::read(&text.as_bytes()[..at]).is_err(), "cut at {at}");
    }
    read
}

/// Returns a text with its digest made right.
fn sealed(body: &str) -> Vec<u8> {
    format!("{body}end {}\n", Sha256::of(body.as_bytes())).into_bytes()
}

#[test]
fn examples_of_the_document_are_read_and_written_again() {
    let pending: Pending = read_again();
    assert_eq!(pending.bases.len(), 2);
    let hosts = "etc/hosts".parse::<RelPath>().expect("a path");
    assert_eq!(pending.bases[&hosts], None);
    let choices: Choices = read_again();
    assert_eq!(choices.packages.len(), 1);
    let exclusions: Exclusions = read_again();
    assert_eq!(exclusions.patterns().len(), 2);
}

#[test]
fn second_spellings_are_refused_though_the_digest_is_right() {
    for body in [
        "igos-alternatives 1 1\n",
        "igos-alternatives 1 1\nchoice b usr/b\nchoice a usr/a\n",
        "igos-alternatives 1 1\nchoice a usr/a\nchoice a usr/a\n",
        "igos-alternatives 1 1\nchoice a usr/x\nchoice b usr/x\n",
        "igos-alternatives 1 1\nchoice a  usr/a\n",
        "igos-alternatives 1 1\nchoice a /usr/a\n",
        "igos-alternatives 1 1\nchosen a usr/a\n",
        "igos-excluded 1 1\nexcluded usr/a\n",
    ] {
        assert!(
            matches!(
                Choices::read(&sealed(body)),
                Err(StateTextError::Damaged { .. })
            ),
            "{body}"
        );
    }
}

#[test]
fn text_for_a_later_reader_is_told_apart_from_damage() {
    let later = sealed("igos-alternatives 2 2\nsomething else\n");
    assert!(matches!(
        Choices::read(&later),
        Err(StateTextError::NewerFormat {
            needed: 2,
            known: 1,
            ..
        })
    ));
}

fn paths() -> impl Strategy<Value = RelPath> {
    prop::collection::vec(any::<u8>(), 1..40).prop_filter_map("not every text is a path", |bytes| {
        RelPath::from_bytes(&bytes).ok()
    })
}

proptest! {
    #[test]
    fn any_path_survives(paths in prop::collection::btree_map(paths(), any::<Option<[u8; 4]>>(), 1..8)) {
        let pending = Pending {
            bases: paths
                .into_iter()
                .map(|(path, base)| (path, base.map(|seed| Sha256::of(&seed))))
                .collect(),
        };
        let bytes = pending.to_bytes().expect("it has lines");
        prop_assert_eq!(Pending::read(&bytes).ok(), Some(pending));
    }

    #[test]
    fn what_is_read_would_be_written_again(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        // Behind a right digest, or hardly anything would be read at all.
        let body = [b"igos-configuration 1 1\n", &bytes[..], b"\n"].concat();
        let text = [&body[..], format!("end {}\n", Sha256::of(&body)).as_bytes()].concat();
        if let Ok(pending) = Pending::read(&text) {
            prop_assert_eq!(pending.to_bytes(), Some(text));
        }
    }
}
