//! One change, and the error it has to give.

use igos_format::archive::{CompressionFormat, ReadArchiveError as E};

use crate::forge::{BLOCK, Forge};
use crate::support::{Package, noise};

/// The honest package.
pub(crate) fn package() -> Package {
    let mut package = Package::empty();
    package.directory("bin");
    package.file("bin/a", "content of a").mode = 0o755;
    package.symlink("bin/b", "a");
    package.file("bin/c", "content of a").mode = 0o755;
    package.file("bin/d", "other");
    package.linked("bin/e", "linked", 1);
    package.linked("bin/f", "linked", 1);
    package.file("lib", b"pattern ".repeat(14_000));
    package.file("x", noise(600, 1)).xattrs = [("user.a".to_owned(), b"b".to_vec())].into();
    package.directory("y");
    package.directory("z");
    package.sorted()
}

/// The honest archive in pieces, cut into three payload frames.
pub(crate) fn honest(format: CompressionFormat) -> Forge {
    let mut forge = Forge::new(&package(), format);
    let (_, lib) = forge.find("lib");
    let (_, x) = forge.find("x");
    // The extended header of `x` has two blocks.
    let x = x - 2 * BLOCK;
    let whole = forge.payload.concat();
    forge.payload = [&whole[..lib], &whole[lib..x], &whole[x..]]
        .map(<[u8]>::to_vec)
        .into();
    forge.entries = vec![7, 1, 3];
    forge
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
