//! What the files of a staged tree need and offer, found by reading them.

use std::collections::BTreeSet;

use igos_format::declaration::{Feature, FeatureKind};
use igos_format::{RelPath, escape};

use super::elf::{ElfFacts, ElfKind};

/// Longest `#!` line that Linux reads (`BINPRM_BUF_SIZE`, fs/exec.c).
pub(crate) const SHEBANG_MAX_BYTES: usize = 256;

/// Directories whose libraries every program finds without a search path of its own.
const LIBRARY_DIRECTORIES: [&str; 3] = ["usr/lib", "usr/lib64", "usr/lib32"];

/// One requirement and the file that has it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Requirement {
    /// What is needed.
    pub(crate) feature: Feature,
    /// The file that needs it.
    pub(crate) path: RelPath,
}

/// What reading one file found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    /// What it offers to other packages.
    pub(crate) provided: BTreeSet<Feature>,
    /// Names under which files of the same package find it, wherever it lies.
    pub(crate) known_inside: BTreeSet<Feature>,
    /// What it needs.
    pub(crate) required: BTreeSet<Feature>,
    /// Search path elements that point where no installed system may look.
    pub(crate) bad_search_path: Vec<String>,
}

/// Returns the path that an absolute path leads to on a usr-merged system: `/bin/sh` is `/usr/bin/sh`.
pub(crate) fn usr_merged(path: &str) -> String {
    let relative = path.trim_start_matches('/');
    match relative.split('/').next() {
        Some("bin" | "sbin" | "lib" | "lib64" | "lib32") => format!("/usr/{relative}"),
        _ => format!("/{relative}"),
    }
}

/// Returns what an ELF file at `path` needs and offers.
pub(crate) fn elf_facts(path: &RelPath, elf: &ElfFacts) -> Facts {
    let mut facts = Facts::default();
    if elf.kind != ElfKind::Loadable {
        return facts;
    }
    for name in &elf.needed {
        facts.required.extend(feature(FeatureKind::Soname, name));
    }
    if let Some(interpreter) = &elf.interpreter {
        facts.required.extend(path_feature(interpreter));
    }
    // A library without DT_SONAME is recorded by the linker under the name of its file.
    let is_library = elf.interpreter.is_none() || elf.soname.is_some();
    let name = elf.soname.as_deref().unwrap_or(path.file_name());
    if is_library && (elf.soname.is_some() || contains(name, b".so")) {
        let offered = feature(FeatureKind::Soname, name);
        facts.known_inside.extend(offered.clone());
        if in_library_directory(path) {
            facts.provided.extend(offered);
        }
    }
    for element in &elf.search_path {
        if !is_good_search_path(element) {
            facts.bad_search_path.push(escape::escape(element));
        }
    }
    facts
}

/// Returns what a script needs: the interpreter of its `#!` line, and `env`'s program where it is absolute.
pub(crate) fn script_facts(start: &[u8]) -> Facts {
    let mut facts = Facts::default();
    let Some(line) = start.strip_prefix(b"#!") else {
        return facts;
    };
    let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let mut words = line
        .split(|byte| byte.is_ascii_whitespace())
        .filter(|word| !word.is_empty());
    if let Some(interpreter) = words.next().filter(|word| word.starts_with(b"/")) {
        facts.required.extend(path_feature(interpreter));
    }
    facts
}

/// Returns the pkg-config module that a file at `path` is.
pub(crate) fn pkg_config_facts(path: &RelPath) -> Facts {
    let mut facts = Facts::default();
    let bytes = path.as_bytes();
    let directory = [
        "usr/lib/pkgconfig/",
        "usr/lib64/pkgconfig/",
        "usr/share/pkgconfig/",
    ]
    .into_iter()
    .find_map(|directory| bytes.strip_prefix(directory.as_bytes()));
    if let Some(module) = directory
        .and_then(|file| file.strip_suffix(b".pc"))
        .filter(|name| !name.contains(&b'/'))
    {
        facts
            .provided
            .extend(feature(FeatureKind::PkgConfig, module));
    }
    facts
}

fn feature(kind: FeatureKind, name: &[u8]) -> Option<Feature> {
    Feature::new(kind, String::from_utf8_lossy(name)).ok()
}

fn path_feature(path: &[u8]) -> Option<Feature> {
    Feature::new(
        FeatureKind::Path,
        usr_merged(&String::from_utf8_lossy(path)),
    )
    .ok()
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}

fn in_library_directory(path: &RelPath) -> bool {
    let Some(directory) = path.parent() else {
        return false;
    };
    let directory = directory.to_string();
    LIBRARY_DIRECTORIES.contains(&directory.as_str())
        || directory
            .strip_prefix("usr/lib/")
            .is_some_and(|rest| rest.contains("-linux-") && !rest.contains('/'))
}

/// A search path may name directories below `/usr` or beside the file; anything else lets whoever can write
/// there put code into the program.
fn is_good_search_path(element: &[u8]) -> bool {
    let allowed = [&b"$ORIGIN"[..], b"${ORIGIN}", b"/usr/", b"/lib", b"/opt/"];
    allowed.iter().any(|start| element.starts_with(start)) && !contains(element, b"/../../../../")
}

#[cfg(test)]
mod tests {
    use igos_format::RelPath;

    use super::{elf_facts, pkg_config_facts, script_facts, usr_merged};
    use crate::stage::elf::{ElfFacts, ElfKind};

    fn path(text: &str) -> RelPath {
        text.parse().expect("the test gives a path")
    }

    fn elf(
        interpreter: Option<&str>,
        soname: Option<&str>,
        needed: &[&str],
        search: &[&str],
    ) -> ElfFacts {
        let bytes = |text: &str| text.as_bytes().to_vec();
        ElfFacts {
            kind: ElfKind::Loadable,
            machine: 62,
            interpreter: interpreter.map(bytes),
            soname: soname.map(bytes),
            needed: needed.iter().map(|name| bytes(name)).collect(),
            search_path: search.iter().map(|name| bytes(name)).collect(),
        }
    }

    fn texts<'a>(
        features: impl IntoIterator<Item = &'a igos_format::declaration::Feature>,
    ) -> Vec<String> {
        features.into_iter().map(ToString::to_string).collect()
    }

    #[test]
    fn program_needs_its_libraries_and_its_merged_interpreter() {
        let facts = elf_facts(
            &path("usr/bin/pigz"),
            &elf(Some("/lib/ld-musl-x86_64.so.1"), None, &["libz.so.1"], &[]),
        );
        assert_eq!(
            texts(&facts.required),
            ["soname:libz.so.1", "path:/usr/lib/ld-musl-x86_64.so.1"]
        );
        assert!(facts.provided.is_empty());
    }

    #[test]
    fn library_offers_its_soname_or_its_file_name() {
        let named = elf_facts(
            &path("usr/lib/libz.so.1.3.1"),
            &elf(None, Some("libz.so.1"), &["libc.so"], &[]),
        );
        assert_eq!(texts(&named.provided), ["soname:libz.so.1"]);
        let unnamed = elf_facts(&path("usr/lib/libc.so"), &elf(None, None, &[], &[]));
        assert_eq!(texts(&unnamed.provided), ["soname:libc.so"]);
    }

    #[test]
    fn private_library_is_offered_to_its_own_package_only() {
        let facts = elf_facts(
            &path("usr/lib/perl5/CORE/libperl.so"),
            &elf(None, Some("libperl.so"), &[], &[]),
        );
        assert!(facts.provided.is_empty());
        assert_eq!(texts(&facts.known_inside), ["soname:libperl.so"]);
    }

    #[test]
    fn search_path_into_the_build_directory_or_a_relative_one_is_found() {
        let search = ["$ORIGIN/../lib", "/usr/lib/x", "/build/lib", "lib", "/tmp"];
        let facts = elf_facts(&path("usr/bin/a"), &elf(None, None, &[], &search));
        assert_eq!(facts.bad_search_path, ["/build/lib", "lib", "/tmp"]);
    }

    #[test]
    fn scripts_need_their_interpreter() {
        assert_eq!(
            texts(&script_facts(b"#! /bin/sh -e\necho").required),
            ["path:/usr/bin/sh"]
        );
        assert_eq!(
            texts(&script_facts(b"#!/usr/bin/env python3").required),
            ["path:/usr/bin/env"]
        );
        assert!(script_facts(b"#!\n").required.is_empty());
        assert!(script_facts(b"plain").required.is_empty());
    }

    #[test]
    fn pkg_config_modules_are_offered_by_name() {
        assert_eq!(
            texts(&pkg_config_facts(&path("usr/lib/pkgconfig/zlib.pc")).provided),
            ["pkgconfig:zlib"]
        );
        assert!(
            pkg_config_facts(&path("usr/lib/pkgconfig/a/zlib.pc"))
                .provided
                .is_empty()
        );
    }

    #[test]
    fn merged_paths_are_stable() {
        assert_eq!(usr_merged("/bin/sh"), "/usr/bin/sh");
        assert_eq!(usr_merged("/usr/bin/sh"), "/usr/bin/sh");
        assert_eq!(usr_merged("/opt/lib/x"), "/opt/lib/x");
    }
}
