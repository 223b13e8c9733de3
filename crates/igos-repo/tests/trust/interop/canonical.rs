//! Canonical forms and ids of keys.

use igos_format::trust::Json;
use proptest::prelude::{Just, Strategy, any, prop, prop_oneof};
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::python::{python, say};
use crate::forge::key;

/// Values as metadata could have them: whole numbers, any text, any nesting.
fn values() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Boolean),
        any::<i64>().prop_map(Json::Integer),
        any::<String>().prop_map(Json::Text),
        "[\\x00-\\x7f]{0,8}".prop_map(Json::Text),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        let key = prop_oneof![
            any::<String>(),
            "[a-c\"\\\\\u{7f}-\u{ff}\u{ffff}-\u{10000}]{0,3}"
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Json::List),
            prop::collection::btree_map(key, inner, 0..5).prop_map(Json::Object),
        ]
    })
}

#[test]
fn canonical_forms_and_key_ids_are_those_of_securesystemslib() {
    let Some(python) = python() else { return };
    let mut runner = TestRunner::deterministic();
    let (mut input, mut expected) = (String::new(), String::new());
    for _ in 0..600 {
        let value = values()
            .new_tree(&mut runner)
            .expect("values can be made")
            .current();
        input += &String::from_utf8(value.to_text()).expect("it is text");
        let canonical = value.to_canonical();
        expected += &canonical
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>();
        input.push('\n');
        expected.push('\n');
    }
    for number in 0..200 {
        let public = key(number).public();
        input += &format!("{{\"key\": \"{public}\"}}\n");
        expected += &format!("{}\n", public.id());
    }
    let printed = say(python, "canonical.py", &[], &input);
    for ((ours, theirs), line) in expected.lines().zip(printed.lines()).zip(input.lines()) {
        assert_eq!(ours, theirs, "{line}");
    }
    assert_eq!(printed.lines().count(), 800);
}
