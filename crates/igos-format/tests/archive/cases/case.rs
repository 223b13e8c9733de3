//! One change, and the error it has to give.

use igos_format::archive::{CompressionFormat, ReadArchiveError as E};

use crate::forge::Forge;
use crate::support::{Package, noise};

/// The honest package: small but for one file, so that there are three payload frames.
pub(crate) fn package() -> Package {
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

/// One change.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// The requirements of the threats note that it breaks.
    pub(crate) threats: &'static str,
    pub(crate) formats: &'static [CompressionFormat],
    pub(crate) build: Build,
    pub(crate) is_expected: fn(&E) -> bool,
}

pub(crate) const ALL: &[CompressionFormat] = &CompressionFormat::ALL;

/// `name threats formats, build => pattern of the error`
macro_rules! cases {
    ($($name:literal $threats:literal $formats:expr, $build:expr => $pattern:pat),* $(,)?) => {
        vec![$($crate::cases::Case {
            name: $name,
            threats: $threats,
            formats: $formats,
            build: Box::new($build),
            is_expected: |error| matches!(error, $pattern),
        }),*]
    };
}

pub(crate) use cases;
