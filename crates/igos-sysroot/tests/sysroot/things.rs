//! Roots for drop-in files, and what is in them afterwards.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

use fs_err as fs;
use igos_report::Quiet;
use igos_sysroot::{HookResult, Retry};

use crate::support::{TestArchive, TestRoot, apply};

pub(crate) const SYSUSERS: &str = "usr/lib/sysusers.d/a.conf";
pub(crate) const TMPFILES: &str = "usr/lib/tmpfiles.d/a.conf";

/// Installs, and returns what became of drop-in files.
pub(crate) fn install(root: &TestRoot, archive: &TestArchive) -> Vec<HookResult> {
    let plan = root.plan(&[archive], &[archive]).expect("there is a plan");
    let mut sysroot = root.change();
    apply(&mut sysroot, &plan, &[archive]).expect("it can be applied");
    sysroot.settle().expect("it can be settled");
    sysroot
        .run_hooks(Retry::Interrupted, &Quiet)
        .expect("our own code needs no sandbox")
}

pub(crate) fn installed(root: &TestRoot, at: &str, content: &str) -> HookResult {
    let archive = TestArchive::new("a", "1").file(at, content.as_bytes());
    let mut results = install(root, &archive);
    assert_eq!(results.len(), 1, "{results:?}");
    results.remove(0)
}

/// A root with the tables of a small system.
pub(crate) fn with_tables() -> TestRoot {
    let root = TestRoot::in_memory();
    root.put(
        "etc/passwd",
        "root:x:0:0::/root:/bin/sh\nold:x:998:997::/:/bin/sh\n",
    );
    root.put(
        "etc/group",
        "root:x:0:\nold:x:997:\nmail:x:12:\nlast:x:995:old\n",
    );
    root.put("etc/shadow", "root:!:::::::\nold:!:::::::\n");
    root.put("etc/gshadow", "root:!::\nold:!::\nmail:!::\nlast:!::old\n");
    root
}

/// Everything in a root but what systemd's programs and ours keep for themselves: path, kind, mode, owner, content.
pub(crate) fn paths(root: &TestRoot) -> Vec<String> {
    fn walk(top: &Path, at: &Path, found: &mut Vec<String>) {
        let mut entries: Vec<_> = fs::read_dir(at)
            .expect("readable")
            .map(|entry| entry.expect("readable").path())
            .collect();
        entries.sort();
        for path in entries {
            let below = path.strip_prefix(top).expect("below").display().to_string();
            if below == "var/lib/igos" || below == "usr/lib/tmpfiles.d" {
                continue;
            }
            let metadata = path.symlink_metadata().expect("there");
            let content = if metadata.is_symlink() {
                format!("-> {}", fs::read_link(&path).expect("a link").display())
            } else if metadata.is_file() {
                fs::read_to_string(&path).unwrap_or_default()
            } else {
                String::new()
            };
            let mode = if metadata.is_symlink() {
                0
            } else {
                metadata.permissions().mode()
            };
            found.push(format!(
                "{below} {mode:o} {}:{} {content}",
                metadata.uid(),
                metadata.gid()
            ));
            if metadata.is_dir() {
                walk(top, &path, found);
            }
        }
    }
    let mut found = Vec::new();
    walk(&root.path(""), &root.path(""), &mut found);
    found
}

/// What is in a root before: directories, files and links to be adjusted.
pub(crate) fn with_things() -> TestRoot {
    let root = with_tables();
    for directory in [
        "var/lib",
        "var/log/journal/x",
        "srv/web/deep",
        "usr/share",
        "usr/lib",
    ] {
        fs::create_dir_all(root.path(directory)).expect("made");
    }
    for (file, mode) in [
        ("srv/web/a", 0o600),
        ("srv/web/deep/b", 0o755),
        ("srv/web/.hidden", 0o644),
        ("srv/one", 0o444),
    ] {
        root.put(file, "content");
        fs::set_permissions(root.path(file), PermissionsExt::from_mode(mode)).expect("ours");
    }
    symlink("nowhere", root.path("srv/web/link")).expect("linked");
    symlink("elsewhere", root.path("srv/old")).expect("linked");
    root
}
