//! What holds for any recipe, and for bytes that are none.

use igos_format::Digest;
use igos_recipe::{
    Dialect, FileKind, FileList, KissDirectory, Leniency, LockAbsent, PackageYml, Parsed, Recipe,
    SourceKind, checksums_kind, lint, parse_kiss_directory, parse_overlay, parse_package_yml,
    script, with_digests, write_checksums,
};
use proptest::prelude::*;

fn yml(text: &[u8], script: Option<&[u8]>, leniency: Leniency) -> Parsed {
    parse_package_yml(&PackageYml {
        file: "package.yml",
        text,
        script,
        files: &FileList::new(),
        lock: &|_| Err(LockAbsent::Missing),
        leniency,
    })
}

fn kiss(
    dialect: Dialect,
    version: &[u8],
    depends: &[u8],
    sources: &[u8],
    checksums: &[u8],
) -> Parsed {
    parse_kiss_directory(&KissDirectory {
        directory: "x",
        name: "x",
        dialect,
        files: &[("build".to_owned(), FileKind::Executable)].into(),
        version: Some(version),
        depends: Some(depends),
        sources: Some(sources),
        checksums: Some(checksums),
        absolute: &|_| None,
        overlay: None,
    })
}

fn recipe(parsed: Parsed) -> Recipe {
    assert_eq!(parsed.diagnostics, []);
    parsed.recipe.expect("there was no error")
}

fn dialect() -> impl Strategy<Value = Dialect> {
    prop::sample::select(
        &[
            Dialect::KissClassic,
            Dialect::KissCommunity,
            Dialect::KissNg,
        ][..],
    )
}

/// Lines of words that mean something somewhere in a recipe.
fn likely_text() -> impl Strategy<Value = String> {
    let word = prop::sample::select(
        &[
            "name",
            "version",
            ":",
            " ",
            "\n",
            "- ",
            "source",
            "url",
            "{",
            "}",
            "[",
            "]",
            "format: 1\n",
            "1",
            "a",
            "${name}",
            "${",
            "files",
            "outputs",
            "\"",
            "'",
            "|",
            "\t",
            "#",
            "&a",
            "*a",
            "dependencies",
            "build",
            "~",
            "git+",
            "://",
            "@",
            "/",
            "..",
            "VERSION",
            "\\VERSION",
            "SKIP",
            "mode: 4755",
            "https://h/a.tar.gz",
            "é",
            "<<",
            "flags",
            "  ",
            "tests",
            "\r\n",
            "make",
            "\u{0}",
            "?",
        ][..],
    );
    prop::collection::vec(word, 0..60).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn parsers_never_panic_on_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300), kind in dialect()) {
        let parsed = yml(&bytes, Some(&bytes), Leniency::Strict);
        prop_assert!(parsed.recipe.is_some() || parsed.has_errors());
        let overlay = parse_overlay("overlay", &bytes);
        prop_assert!(overlay.diagnostics.len() <= 100);
        let parsed = kiss(kind, &bytes, &bytes, &bytes, &bytes);
        prop_assert!(parsed.recipe.is_some() || !parsed.diagnostics.is_empty());
        let text = String::from_utf8_lossy(&bytes);
        prop_assert_eq!(checksums_kind(&text), None, "no digest comes out of so few bytes by chance");
        prop_assert!(script::functions(&text).len() <= text.lines().count());
    }

    #[test]
    fn parsers_never_panic_on_likely_texts(text in likely_text(), tail in likely_text(), kind in dialect()) {
        let whole = format!("name: a\nversion: 1\nrelease: 1\nbuild_style: make\n{text}");
        for text in [&text, &whole, &format!("format: 1\n{whole}")] {
            for leniency in [Leniency::Strict, Leniency::Lenient] {
                let parsed = yml(text.as_bytes(), None, leniency);
                prop_assert!(parsed.recipe.is_some() || !parsed.diagnostics.is_empty());
                if let Some(recipe) = &parsed.recipe {
                    prop_assert!(lint(recipe, &FileList::new(), "x").len() < 200);
                }
            }
            let digest = igos_format::Sha256::of(b"");
            if let Some(changed) = with_digests(text, &[Some(digest)]) {
                prop_assert!(changed == *text || changed.contains(&digest.to_string()));
            }
        }
        let parsed = kiss(kind, b"1.0 1\n", text.as_bytes(), tail.as_bytes(), text.as_bytes());
        prop_assert!(parsed.recipe.is_some());
    }

    #[test]
    fn printed_recipe_is_read_as_it_was(
        name in "[A-Za-z0-9][A-Za-z0-9+._-]{0,20}",
        version in "[0-9]{1,3}(\\.[0-9]{1,3}){0,3}",
        release in 1..1000_u32,
        description in "[ -~é]{0,40}",
        needed in prop::collection::vec("[a-z][a-z0-9-]{0,8}", 0..5),
    ) {
        let quoted = serde_json::to_string(&description).expect("a text is JSON");
        let list = serde_json::to_string(&needed).expect("a list is JSON");
        let text = format!(
            "name: \"{name}\"\nversion: {version}\nrelease: {release}\ndescription: {quoted}\nbuild_style: make\n\
             source:\n- url: https://h/${{name}}-${{version}}.tar.gz\n  sha256: {}\ndependencies:\n  host: {list}\n",
            igos_format::Sha256::of(name.as_bytes())
        );
        let read = recipe(yml(text.as_bytes(), None, Leniency::Strict));
        prop_assert_eq!(read.name.as_str(), name.as_str());
        prop_assert_eq!(read.version.as_str(), version.as_str());
        prop_assert_eq!(read.release.as_str(), release.to_string());
        prop_assert_eq!(&read.description, &description);
        let names: Vec<String> = read.dependencies.iter().map(|one| one.dependency.to_string()).collect();
        prop_assert_eq!(names, needed);
        prop_assert_eq!(&read.sources[0].location, &format!("https://h/{name}-{version}.tar.gz"));
    }

    #[test]
    fn sources_survive_blanks_comments_and_a_missing_last_end(
        lines in prop::collection::vec(
            ("[a-z]{1,5}\\.(tar\\.gz|zip|tgz|patch)", "([a-z]{1,4}(/[a-z]{1,4})?)?", "[ \t]{1,3}", "[ \t]{0,2}", any::<bool>()),
            1..8,
        ),
        ends in any::<bool>(),
        kind in dialect(),
    ) {
        let mut text = String::new();
        for (file, destination, blank, lead, comments) in &lines {
            if *comments {
                text.push_str("\n# a comment of some words\n\t\n");
            }
            text.push_str(&format!("{lead}https://example.org/{file}{blank}{destination}{blank}\n"));
        }
        if !ends {
            text.pop();
        }
        let digests: String = lines
            .iter()
            .map(|(file, ..)| match kind {
                Dialect::KissClassic => format!("{}\n", igos_format::Sha256::of(file.as_bytes())),
                _ => format!("{}  {file}\n", igos_format::Blake3::of(file.as_bytes())),
            })
            .collect();
        let read = recipe(kiss(kind, b"1 1\n", b"", text.as_bytes(), digests.as_bytes()));
        prop_assert_eq!(read.sources.len(), lines.len());
        for (source, (file, destination, ..)) in read.sources.iter().zip(&lines) {
            prop_assert_eq!(&source.location, &format!("https://example.org/{file}"));
            prop_assert_eq!(&source.kind, &SourceKind::Http);
            prop_assert_eq!(&source.destination, destination);
            prop_assert_eq!(&source.cache_name, file);
            let is_archive = file.ends_with(".tar.gz") || file.ends_with(".tgz");
            prop_assert_eq!(source.extract, is_archive);
            let is_blake3 = matches!(source.digest, Some(Digest::Blake3(_)));
            prop_assert_eq!(is_blake3, kind != Dialect::KissClassic);
        }
        let written = write_checksums(&read.sources).expect("every digest is known");
        let again = recipe(kiss(kind, b"1 1\n", b"", text.as_bytes(), written.as_bytes()));
        prop_assert_eq!(again.sources, read.sources);
    }
}
