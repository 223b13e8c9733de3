//! Recipes of all dialects, and what lies beside them.

use igos_recipe::{
    Dialect, FileKind, FileList, KissDirectory, Leniency, LockAbsent, PackageYml,
    parse_kiss_directory, parse_overlay, parse_package_yml,
};

/// Parses texts as recipes: there is a recipe or an error, whatever the texts.
pub fn recipe(data: &[u8]) {
    let Some((choice, texts)) = data.split_first() else {
        return;
    };
    let mut texts = texts.split(|byte| *byte == 0);
    let files: FileList = [
        ("build".to_owned(), FileKind::Executable),
        ("files/a".to_owned(), FileKind::File),
        ("patches".to_owned(), FileKind::Directory),
    ]
    .into();
    let mut next = || texts.next();
    let parsed = match choice % 5 {
        0 | 1 => {
            let leniency = if choice % 5 == 0 {
                Leniency::Strict
            } else {
                Leniency::Lenient
            };
            let (text, script, lock) = (next(), next(), next());
            parse_package_yml(&PackageYml {
                file: "package.yml",
                text: text.unwrap_or_default(),
                script,
                files: &files,
                lock: &|_| lock.map(<[u8]>::to_vec).ok_or(LockAbsent::Missing),
                leniency,
            })
        }
        dialect => {
            let overlay = next().map(|text| parse_overlay("overlay", text));
            parse_kiss_directory(&KissDirectory {
                directory: "repository/name",
                name: "name",
                dialect: [
                    Dialect::KissClassic,
                    Dialect::KissCommunity,
                    Dialect::KissNg,
                ][usize::from(dialect) - 2],
                files: &files,
                version: next(),
                depends: next(),
                sources: next(),
                checksums: next(),
                absolute: &|_| None,
                overlay: overlay
                    .as_ref()
                    .and_then(|parsed| parsed.overlay.packages.values().next()),
            })
        }
    };
    assert!(parsed.recipe.is_some() || parsed.has_errors());
    // Whatever is wrong can be shown.
    for diagnostic in &parsed.diagnostics {
        assert!(!diagnostic.message.is_empty());
    }
}
