//! Runs every directory of `testdata/recipe/DIALECT/` and compares with its `expect.txt`.
//!
//! A case without `expect.txt` gets one and fails once, so that somebody looks at it.
#![expect(
    clippy::disallowed_methods,
    reason = "test data is read from the source tree"
)]

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use igos_recipe::{
    Dialect, FileKind, FileList, KissDirectory, Leniency, LockAbsent, PackageYml, Parsed, lint,
    parse_kiss_directory, parse_overlay, parse_package_yml,
};
use igos_report::{Diagnostic, Place};

fn list(directory: &Path, prefix: &str, files: &mut FileList) {
    for entry in fs::read_dir(directory).expect("the case is a directory") {
        let entry = entry.expect("the case can be listed");
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let metadata = fs::metadata(entry.path()).expect("the file is there");
        let kind = if metadata.is_dir() {
            list(&entry.path(), &format!("{name}/"), files);
            FileKind::Directory
        } else if metadata.permissions().mode() & 0o100 != 0 {
            FileKind::Executable
        } else {
            FileKind::File
        };
        if name != "expect.txt" {
            files.insert(name, kind);
        }
    }
}

fn parse(dialect: Dialect, case: &Path, files: &FileList) -> Parsed {
    let name = case
        .file_name()
        .expect("a case has a name")
        .to_string_lossy()
        .into_owned();
    let read = |file: &str| fs::read(case.join(file)).ok();
    if dialect == Dialect::PackageYml {
        return parse_package_yml(&PackageYml {
            file: &format!("{name}/package.yml"),
            text: &read("package.yml").expect("the case has a recipe"),
            script: read("build.sh").as_deref(),
            files,
            lock: &|location| {
                if location.starts_with("refused") {
                    return Err(LockAbsent::Refused("it is a link".to_owned()));
                }
                // What lies above the recipes lies beside them here.
                read(location.trim_start_matches("../")).ok_or(LockAbsent::Missing)
            },
            leniency: if name.ends_with("-lenient") {
                Leniency::Lenient
            } else {
                Leniency::Strict
            },
        });
    }
    let overlay = parse_overlay("igos-overlay.yml", OVERLAY.as_bytes());
    assert_eq!(overlay.diagnostics, []);
    parse_kiss_directory(&KissDirectory {
        directory: &name,
        name: &name,
        dialect,
        files,
        version: read("version").as_deref(),
        depends: read("depends").as_deref(),
        sources: read("sources").as_deref(),
        checksums: read("checksums").as_deref(),
        // A small host: nothing but `/etc/hosts`.
        absolute: &|path| (path == "etc/hosts").then_some(FileKind::File),
        overlay: name
            .parse()
            .ok()
            .and_then(|name| overlay.overlay.packages.get(&name)),
    })
}

const OVERLAY: &str = "format: 1\ndialect: kiss-community\npackages:\n  plain:\n    description: Plain\n    files: {/usr/bin/plain: {mode: 4755}}\n    sources:\n      https://example.org/VERSION.tar.xz:\n        alternatives: [{debian: plain_8.1.orig.tar.xz, sha256: 9a93b2b7dfdac77ceba5a558a580e74667dd6fede4585b91eefb60f03b72df23}]\n";

fn show(diagnostic: &Diagnostic) -> String {
    let mut text = match &diagnostic.place {
        Some(Place::Source { file, span, text }) => {
            let shown = &text[span.start..span.end];
            format!("{file}:{}:{} {shown:?} ", span.line, span.column)
        }
        Some(Place::Named { name }) => format!("{name} "),
        None => String::new(),
    };
    let severity = format!("{:?}", diagnostic.severity).to_lowercase();
    write!(
        text,
        "{severity}[{}]: {}",
        diagnostic.code, diagnostic.message
    )
    .expect("a string takes all");
    for cause in &diagnostic.because {
        write!(text, "\n  because: {cause}").expect("a string takes all");
    }
    for hint in &diagnostic.hints {
        write!(text, "\n  hint: {hint}").expect("a string takes all");
    }
    text + "\n"
}

/// Returns everything that came out, without fields that say nothing.
fn outcome(parsed: &Parsed, files: &FileList) -> String {
    let mut text: String = parsed.diagnostics.iter().map(show).collect();
    let Some(recipe) = &parsed.recipe else {
        return text + "no recipe\n";
    };
    for finding in lint(recipe, files, "lint") {
        text += &show(&finding);
    }
    let empty = [": [],", ": \"\",", ": None,", ": {},", ": false,"];
    for line in format!("{recipe:#?}")
        .lines()
        .filter(|line| !empty.iter().any(|end| line.ends_with(end)))
    {
        text += line;
        text.push('\n');
    }
    text
}

#[test]
fn every_case_comes_out_as_expected() {
    let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/recipe");
    let mut failures = Vec::new();
    let mut count = 0;
    for dialect in Dialect::ALL {
        let directory = base.join(dialect.as_str());
        let mut cases: Vec<_> = fs::read_dir(&directory)
            .expect("the dialect has cases")
            .map(|entry| entry.expect("the cases can be listed").path())
            .collect();
        cases.sort();
        for case in cases {
            count += 1;
            let mut files = FileList::new();
            list(&case, "", &mut files);
            let actual = outcome(&parse(dialect, &case, &files), &files);
            let expect = case.join("expect.txt");
            match fs::read_to_string(&expect) {
                Ok(expected) if expected == actual => {}
                Ok(expected) => failures.push(format!(
                    "{}:\n--- expected\n{expected}--- actual\n{actual}",
                    case.display()
                )),
                Err(_) => {
                    fs::write(&expect, actual).expect("the expectation can be written");
                    failures.push(format!(
                        "{}: wrote what came out: look at it",
                        expect.display()
                    ));
                }
            }
        }
    }
    assert!(count >= 20, "only {count} cases were found");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
