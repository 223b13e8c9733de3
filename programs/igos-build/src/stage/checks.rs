//! Rules every staged tree must obey before it becomes a package.

use std::collections::BTreeMap;

use igos_format::manifest::Manifest;
use igos_format::{EntryKind, FileEntry, PackageName, RelPath, escape};
use igos_report::Diagnostic;

use super::relate::{Visibility, VisiblePackage};

/// Where builds see their own directories: nothing installed may point there.
const BUILD_PATHS: [&str; 3] = ["/build", "/dest", "/recipe"];
/// Names that are links into `/usr` on every system of ours.
const MERGED: [&str; 4] = ["bin", "lib", "lib64", "sbin"];
const SETUID_AND_SETGID: u16 = 0o6000;
const STICKY: u16 = 0o1000;
const WORLD_WRITABLE: u16 = 0o002;

/// Which extraordinary rights a recipe declares for a path.
pub(crate) trait Declared {
    /// Tells whether the recipe names the path with its mode.
    fn declares_mode(&self, path: &RelPath) -> bool;
}

/// Returns everything that is wrong with the paths of one package.
pub(crate) fn check_entries(entries: &[FileEntry], declared: &impl Declared) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for entry in entries {
        let shown = format!("/{}", entry.path);
        let top = entry.path.components().next().unwrap_or_default();
        let is_merged_name = MERGED.iter().any(|name| name.as_bytes() == top);
        let is_link_itself =
            entry.path.parent().is_none() && matches!(entry.kind, EntryKind::Symlink { .. });
        if is_merged_name && !is_link_itself {
            problems.push(
                Diagnostic::error("not-usr-merged", format!("{shown} lies outside of /usr"))
                    .at(shown.clone())
                    .because("/bin, /sbin, /lib and /lib64 are links into /usr; a real directory would hide them")
                    .hint(format!("install it as `/usr{shown}`")),
            );
        }
        problems.extend(check_rights(entry, &shown, declared));
        problems.extend(check_target(entry, &shown));
    }
    problems
}

fn check_rights(entry: &FileEntry, shown: &str, declared: &impl Declared) -> Option<Diagnostic> {
    if matches!(entry.kind, EntryKind::Symlink { .. }) || declared.declares_mode(&entry.path) {
        return None;
    }
    let declare = |mode: u16| {
        format!(
            "declare it: `files: {{ {}: {{ mode: \"{mode:04o}\" }} }}`, or change the mode when installing",
            entry.path
        )
    };
    if entry.mode & SETUID_AND_SETGID != 0 {
        let error = Diagnostic::error(
            "undeclared-setuid",
            format!("{shown} has mode {:04o}", entry.mode),
        );
        return Some(error.at(shown).hint(declare(entry.mode)));
    }
    let is_sticky_directory = entry.kind == EntryKind::Directory && entry.mode & STICKY != 0;
    if entry.mode & WORLD_WRITABLE != 0 && !is_sticky_directory {
        let error = Diagnostic::error(
            "undeclared-world-writable",
            format!("anybody may write {shown} (mode {:04o})", entry.mode),
        );
        return Some(error.at(shown).hint(declare(entry.mode)));
    }
    None
}

fn check_target(entry: &FileEntry, shown: &str) -> Option<Diagnostic> {
    let EntryKind::Symlink { target } = &entry.kind else {
        return None;
    };
    let text = escape::escape(target);
    let inside_build = BUILD_PATHS.iter().any(|path| {
        text.strip_prefix(path)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    });
    inside_build.then(|| {
        Diagnostic::error(
            "link-into-build",
            format!("{shown} points at {text}, which exists only while building"),
        )
        .at(shown)
        .hint("make the link relative, or strip `$DESTDIR` from its target")
    })
}

/// Returns the paths that the recipe promises and the package lacks.
pub(crate) fn check_promised<'a>(
    promised: impl IntoIterator<Item = &'a String>,
    entries: &[FileEntry],
) -> Vec<Diagnostic> {
    let is_there = |path: &str| {
        let merged = super::scan::usr_merged(path);
        let wanted = merged.trim_start_matches('/').trim_end_matches('/');
        entries
            .iter()
            .any(|entry| entry.path.as_bytes() == wanted.as_bytes())
    };
    promised
        .into_iter()
        .filter(|path| !is_there(path))
        .map(|path| {
            Diagnostic::error("promised-path-missing", format!("the recipe promises {path}, but it was not installed"))
                .at(path.clone())
                .hint("look in the build log for a feature that configure left out, or correct `verify_paths`")
        })
        .collect()
}

/// Returns the paths that a package needed beside this one owns as well.
pub(crate) fn check_collisions(
    entries: &[FileEntry],
    supersedes: &[PackageName],
    visible: &[VisiblePackage<'_>],
) -> Vec<Diagnostic> {
    let mut owners: BTreeMap<&RelPath, &Manifest> = BTreeMap::new();
    let stays_beside = |package: &&VisiblePackage<'_>| {
        matches!(package.visibility, Visibility::Run | Visibility::Transitive)
    };
    for package in visible.iter().filter(stays_beside) {
        let files = package
            .manifest
            .entries
            .iter()
            .filter(|entry| entry.kind != EntryKind::Directory);
        owners.extend(files.map(|entry| (&entry.path, package.manifest)));
    }
    let mut problems = Vec::new();
    for entry in entries
        .iter()
        .filter(|entry| entry.kind != EntryKind::Directory)
    {
        let Some(owner) = owners.get(&entry.path) else {
            continue;
        };
        let name = &owner.package.name;
        if !supersedes.contains(name) {
            problems.push(
                Diagnostic::error(
                    "path-collision",
                    format!("/{} is also a file of {name}", entry.path),
                )
                .at(format!("/{}", entry.path))
                .because(format!(
                    "this package needs {name}, so both must fit into one root"
                ))
                .hint(format!(
                    "do not install it, or declare `supersedes: [{name}]`"
                )),
            );
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use igos_format::{EntryKind, FileEntry, Owner, RelPath, Sha256};

    use super::{Declared, check_entries, check_promised};

    struct Only(&'static str);

    impl Declared for Only {
        fn declares_mode(&self, path: &RelPath) -> bool {
            path.as_bytes() == self.0.as_bytes()
        }
    }

    fn entry(path: &str, kind: EntryKind, mode: u16) -> FileEntry {
        FileEntry {
            path: path.parse().expect("a path"),
            kind,
            mode,
            owner: Owner::root(),
            is_configuration: false,
            capabilities: None,
            xattrs: BTreeMap::new(),
        }
    }

    fn file(path: &str, mode: u16) -> FileEntry {
        entry(
            path,
            EntryKind::File {
                sha256: Sha256::of(b""),
                size: 0,
                link_group: None,
            },
            mode,
        )
    }

    fn link(path: &str, target: &str) -> FileEntry {
        entry(
            path,
            EntryKind::Symlink {
                target: target.into(),
            },
            0o777,
        )
    }

    fn codes(entries: &[FileEntry], declared: &'static str) -> Vec<String> {
        check_entries(entries, &Only(declared))
            .into_iter()
            .map(|problem| problem.code)
            .collect()
    }

    #[test]
    fn directories_that_would_hide_the_merged_links_are_refused() {
        let entries = [
            entry("lib", EntryKind::Directory, 0o755),
            file("lib/x", 0o644),
            link("bin", "usr/bin"),
        ];
        assert_eq!(codes(&entries, ""), ["not-usr-merged", "not-usr-merged"]);
    }

    #[test]
    fn extraordinary_rights_must_be_declared() {
        let entries = [
            file("usr/bin/su", 0o4755),
            file("usr/bin/wall", 0o2755),
            file("usr/a", 0o666),
        ];
        assert_eq!(
            codes(&entries, ""),
            [
                "undeclared-setuid",
                "undeclared-setuid",
                "undeclared-world-writable"
            ]
        );
        assert_eq!(codes(&entries[..1], "usr/bin/su"), [""; 0]);
        assert_eq!(
            codes(&[entry("tmp", EntryKind::Directory, 0o1777)], ""),
            [""; 0]
        );
        assert_eq!(
            codes(&[entry("srv", EntryKind::Directory, 0o777)], ""),
            ["undeclared-world-writable"]
        );
    }

    #[test]
    fn links_into_the_build_directories_are_refused() {
        let entries = [
            link("usr/a", "/dest/usr/b"),
            link("usr/b", "/destination"),
            link("usr/c", "/build"),
        ];
        assert_eq!(codes(&entries, ""), ["link-into-build", "link-into-build"]);
    }

    #[test]
    fn promised_paths_are_found_through_the_merged_links() {
        let promised = [
            "/bin/sh".to_owned(),
            "usr/bin/".to_owned(),
            "/usr/lib/none.so".to_owned(),
        ];
        let entries = [
            entry("usr/bin", EntryKind::Directory, 0o755),
            link("usr/bin/sh", "busybox"),
        ];
        let missing = check_promised(&promised, &entries);
        assert_eq!(missing.len(), 1);
        assert_eq!(missing[0].code, "promised-path-missing");
    }
}
