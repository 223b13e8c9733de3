//! One change each, and the error it has to give.

use igos_format::archive::{CompressionFormat, ReadArchiveError as E};

use crate::forge::Forge;
use crate::support::{Package, noise, read_all};

/// Small but for one file, so that there are three payload frames.
fn package() -> Package {
    let mut package = Package::empty();
    package.directory("bin");
    package.file("bin/a", "content of a").mode = 0o755;
    package.symlink("bin/b", "a");
    package.file("bin/c", "content of a").mode = 0o755;
    package.file("bin/d", "other");
    package.linked("bin/e", "linked", 1);
    package.linked("bin/f", "linked", 1);
    package.file("lib", b"pattern ".repeat(140_000));
    package.file("x", noise(600, 1)).xattrs = [("user.a".to_owned(), b"b".to_vec())].into();
    package.directory("y");
    package.directory("z");
    package.sorted()
}

pub(crate) type Build = Box<dyn Fn(&Forge) -> Vec<u8>>;

pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) formats: &'static [CompressionFormat],
    pub(crate) build: Build,
    pub(crate) is_expected: fn(&E) -> bool,
}

pub(crate) const ALL: &[CompressionFormat] = &CompressionFormat::ALL;

/// `name formats, build => pattern of the error`
macro_rules! cases {
    ($($name:literal $formats:expr, $build:expr => $pattern:pat),* $(,)?) => {
        vec![$($crate::hostile::case::Case {
            name: $name,
            formats: $formats,
            build: Box::new($build),
            is_expected: |error| matches!(error, $pattern),
        }),*]
    };
}

pub(crate) fn run(cases: Vec<Case>) {
    let package = package();
    let mut count = 0;
    for format in CompressionFormat::ALL {
        let forge = Forge::new(&package, format);
        let (manifest, contents, _) =
            read_all(&forge.build()).expect("what the test puts together is an archive");
        assert_eq!(
            (manifest, contents),
            (package.manifest.clone(), package.contents.clone())
        );
        for case in cases.iter().filter(|case| case.formats.contains(&format)) {
            let name = case.name;
            match read_all(&(case.build)(&forge)) {
                Ok(_) => panic!("{format}: {name}: was accepted"),
                Err(error) => {
                    assert!((case.is_expected)(&error), "{format}: {name}: {error:?}");
                }
            }
            count += 1;
        }
    }
    assert!(count >= cases.len(), "every case ran");
}

pub(crate) use cases;
