//! Every file of `testdata/solve`, with one runner.

use std::path::Path;

use fs_err as fs;

use crate::case::{Case, shown};

/// Fewest cases that have to be there.
const CASES_MIN: usize = 60;

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a variable tells to write expectations down"
)]
fn every_case_has_the_answer_it_expects() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/solve");
    let bless = std::env::var_os("IGOS_BLESS").is_some();
    let mut count = 0;
    let mut wrong = Vec::new();
    let entries = fs::read_dir(&directory).expect("there are cases");
    for entry in entries {
        let path = entry.expect("the directory can be read").path();
        let text = fs::read_to_string(&path).expect("cases are text");
        let (case, expected) = Case::parse(&text);
        let found = shown(&case.solve());
        let again = shown(&case.solve());
        assert_eq!(found, again, "{}: two runs differ", path.display());
        count += 1;
        if found != expected {
            if bless {
                let given = &text[..text.len() - expected.len()];
                fs::write(&path, format!("{given}{found}")).expect("cases can be written");
            }
            let file = path.file_name().unwrap_or_default().display().to_string();
            wrong.push(format!("{file}:\nexpected:\n{expected}found:\n{found}"));
        }
    }
    wrong.sort();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= CASES_MIN, "there are only {count} cases");
}
