//! Which files of the archive may be the one with a given BLAKE3, of which the indices know nothing.
//!
//! Only byte-identical files help, so candidates have the same version and compression as the wanted file.
//! Names differ a little between upstream and Debian (`xz` and `xz-utils`, `make` and `make-dfsg`, `zstd` and
//! `libzstd`); the nearest name comes first.

use super::SourceFile;

/// Most candidates tried for one source.
const CANDIDATES_MAX: usize = 8;

/// Returns the text that every row of interest contains.
pub(super) fn needle(version: &str) -> String {
    format!("_{}", normal(version).split('~').next().unwrap_or_default())
}

/// Debian writes versions before a release with `~`, and no `_`.
fn normal(version: &str) -> String {
    version.replace(['-', '_'], "~")
}

/// Returns the candidates among `files` for `package` at `version`, whose own file is called `file_name`, the
/// most likely one first.
pub(super) fn choose(
    files: Vec<SourceFile>,
    package: &str,
    version: &str,
    file_name: &str,
) -> Vec<SourceFile> {
    let names = names(package, file_name);
    let wanted_compression = compression(file_name);
    let mut ranked: Vec<(usize, SourceFile)> = files
        .into_iter()
        .filter_map(|file| {
            let base = file.path.rsplit('/').next()?;
            let (source, rest) = base.split_once('_')?;
            let (file_version, tail) = rest
                .split_once(".orig.tar.")
                .or_else(|| rest.split_once(".tar."))?;
            let is_same_version = normal(file_version) == normal(version);
            let is_same_compression = wanted_compression.is_none_or(|wanted| wanted == tail);
            if !is_same_version || !is_same_compression || tail.contains('.') {
                return None;
            }
            rank(source, &names).map(|rank| (rank, file))
        })
        .collect();
    ranked.sort();
    ranked.truncate(CANDIDATES_MAX);
    ranked.into_iter().map(|(_, file)| file).collect()
}

/// Returns the names that the source may go by: the package's and the one in its file name.
fn names(package: &str, file_name: &str) -> Vec<String> {
    let mut names = vec![package.to_ascii_lowercase()];
    let stem = file_name
        .char_indices()
        .find(|(at, c)| {
            "-_".contains(*c) && file_name[at + 1..].starts_with(|c: char| c.is_ascii_digit())
        })
        .map(|(at, _)| file_name[..at].to_ascii_lowercase());
    names.extend(stem.filter(|stem| !stem.is_empty() && *stem != names[0]));
    names
}

/// Returns how near the name of a Debian source package is: smaller is nearer, `None` is not at all.
fn rank(source: &str, names: &[String]) -> Option<usize> {
    let bare = |name: &str| name.strip_prefix("lib").unwrap_or(name).to_owned();
    names
        .iter()
        .enumerate()
        .filter_map(|(at, name)| {
            let nearness = if source == name {
                0
            } else if source.strip_suffix("-dfsg") == Some(name.as_str()) {
                1
            } else if bare(source) == bare(name) {
                2
            } else if source.strip_prefix(name.as_str()).is_some_and(|rest| {
                rest.starts_with('-')
                    || rest
                        .bytes()
                        .all(|byte| byte.is_ascii_digit() || byte == b'.')
            }) {
                3
            } else if bare(source).split('-').any(|word| word == bare(name)) {
                4
            } else {
                return None;
            };
            Some(nearness * 2 + at)
        })
        .min()
}

fn compression(file_name: &str) -> Option<&'static str> {
    // What follows a question mark belongs to the address, not to the name.
    let name = file_name.split('?').next().unwrap_or_default();
    let suffixes = [
        (".gz", "gz"),
        (".tgz", "gz"),
        (".xz", "xz"),
        (".txz", "xz"),
        (".bz2", "bz2"),
        (".tbz", "bz2"),
        (".tbz2", "bz2"),
        (".lzma", "lzma"),
        (".lz", "lz"),
        (".zst", "zst"),
    ];
    suffixes
        .iter()
        .find(|(suffix, _)| name.ends_with(suffix))
        .map(|(_, compression)| *compression)
}

#[cfg(test)]
mod tests {
    use igos_format::Sha256;

    use super::{SourceFile, choose, needle};

    fn chosen(files: &[&str], package: &str, version: &str, file_name: &str) -> Vec<String> {
        let files = files
            .iter()
            .map(|base| SourceFile {
                path: format!("pool/main/x/x/{base}"),
                sha256: Sha256::of(base.as_bytes()),
                size: 1,
            })
            .collect();
        let found = choose(files, package, version, file_name);
        found
            .into_iter()
            .map(|file| file.path.replace("pool/main/x/x/", ""))
            .collect()
    }

    #[test]
    fn nearest_name_of_the_same_version_and_compression_comes_first() {
        let files = [
            "xz-java_5.4.1.orig.tar.gz",
            "xz-utils_5.4.1.orig.tar.gz",
            "xz-utils_5.4.1.orig.tar.xz",
            "xz-utils_5.4.1-0.2.debian.tar.xz",
            "xz-utils_5.4.2.orig.tar.xz",
            "xzgv_5.4.1.orig.tar.xz",
        ];
        assert_eq!(
            chosen(&files, "xz", "5.4.1", "xz-5.4.1.tar.xz"),
            ["xz-utils_5.4.1.orig.tar.xz"]
        );
        let names = [
            ("make", "make-dfsg_1.orig.tar.gz", true),
            ("zstd", "libzstd_1.orig.tar.gz", true),
            ("libzstd", "zstd_1.orig.tar.gz", true),
            ("lua", "lua5.4_1.orig.tar.gz", true),
            ("b3sum", "rust-b3sum_1.orig.tar.gz", true),
            ("bzip2", "pbzip2_1.orig.tar.gz", false),
        ];
        for (package, file, expected) in names {
            let found = chosen(&[file], package, "1", "x.tar.gz");
            assert_eq!(!found.is_empty(), expected, "{package} {file}");
        }
        assert_eq!(
            chosen(
                &["libpng1.6_1.6.40.orig.tar.gz"],
                "png",
                "1.6.40",
                "libpng-1.6.40.tar.gz"
            ),
            ["libpng1.6_1.6.40.orig.tar.gz"]
        );
    }

    #[test]
    fn versions_before_a_release_are_written_with_a_tilde() {
        assert_eq!(
            chosen(&["a_1.0~rc1.orig.tar.gz"], "a", "1.0-rc1", "a-1.0-rc1.tgz"),
            ["a_1.0~rc1.orig.tar.gz"]
        );
        assert_eq!(needle("1.0-rc1"), "_1.0");
        assert!(chosen(&["a_1.0+dfsg.orig.tar.gz"], "a", "1.0", "a.tar.gz").is_empty());
    }
}
