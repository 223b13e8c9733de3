//! The examples of the documents are recipes.

use igos_recipe::{FileList, Leniency, LockAbsent, PackageYml, parse_overlay, parse_package_yml};

const PACKAGE_YML: &str = include_str!("../../../../docs/formats/recipe-package-yml.md");
const KISS: &str = include_str!("../../../../docs/formats/recipe-kiss.md");

/// Returns the examples of a document that are files of this name.
fn examples<'d>(document: &'d str, name: &str) -> Vec<&'d str> {
    let start = format!("```yaml {name}\n");
    let parts = document.split(start.as_str()).skip(1);
    parts
        .map(|part| part.split("```").next().unwrap_or_default())
        .collect()
}

#[test]
fn examples_of_package_yml_are_recipes_without_a_fault() {
    let found = examples(PACKAGE_YML, "package.yml");
    assert_eq!(found.len(), 3);
    for text in found {
        let parsed = parse_package_yml(&PackageYml {
            file: "package.yml",
            text: text.as_bytes(),
            script: None,
            files: &FileList::new(),
            lock: &|_| Err(LockAbsent::Missing),
            leniency: Leniency::Strict,
        });
        assert_eq!(parsed.diagnostics, []);
        assert!(parsed.recipe.is_some());
    }
}

#[test]
fn example_of_the_overlay_is_one() {
    let found = examples(KISS, "igos-overlay.yml");
    assert_eq!(found.len(), 1);
    let parsed = parse_overlay("igos-overlay.yml", found[0].as_bytes());
    assert_eq!(parsed.diagnostics, []);
    let ssu = &parsed.overlay.packages[&"ssu".parse().expect("a name")];
    assert_eq!(ssu.files[0].mode, Some(0o4755));
    assert_eq!(ssu.source_alternatives.len(), 1);
}
