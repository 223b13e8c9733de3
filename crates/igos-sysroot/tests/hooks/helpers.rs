//! Helpers that bring packages, and those that try to bring more.

use std::os::unix::fs::PermissionsExt;

use fs_err as fs;
use igos_format::manifest::Origin;
use igos_sysroot::{Candidate, Helper, HelperError, HelperOutput, Vouch, run_helper};

use crate::confined::with_shell;
use crate::harness::Test;
use crate::support::{TestArchive, TestRoot, name};

pub(crate) const TESTS: &[Test] = &[
    (
        "what_a_helper_stages_becomes_an_archive",
        what_a_helper_stages_becomes_an_archive,
    ),
    (
        "helper_can_change_nothing_and_reaches_the_network_only_if_declared",
        helper_can_change_nothing_and_reaches_the_network_only_if_declared,
    ),
    (
        "staged_trees_that_are_not_what_the_manifest_says_are_refused",
        staged_trees_that_are_not_what_the_manifest_says_are_refused,
    ),
    (
        "helper_that_fails_or_says_nothing_brings_nothing",
        helper_that_fails_or_says_nothing_brings_nothing,
    ),
    (
        "only_files_of_installed_packages_are_helpers",
        only_files_of_installed_packages_are_helpers,
    ),
];

/// Writes the manifest `$1` lists as files.
const BEGIN: &str = "#!/bin/sh
manifest() {
    echo '{\"schema\":1,\"name\":\"chat\",\"version\":\"1.4\",'\"$1\"'}' > $PKM_HELPER_MANIFEST
}
cd $PKM_HELPER_STAGE || exit 1
";

/// Installs a helper `chat`, declared as `declaration` says.
fn helper(script: &str, declaration: Option<&str>) -> (TestRoot, Helper) {
    let root = TestRoot::new();
    with_shell(&root);
    // Helpers run as somebody else where the caller is root.
    fs::set_permissions(root.directory.path(), PermissionsExt::from_mode(0o755)).expect("ours");
    let program = format!("{BEGIN}{script}\n");
    let mut archive = TestArchive::new("chat-helper", "1").file_with(
        "usr/lib/igos/helpers/chat",
        program.as_bytes(),
        0o755,
    );
    if let Some(declaration) = declaration {
        archive = archive.file("usr/lib/igos/helpers/chat.json", declaration.as_bytes());
    }
    root.install(&[&archive]);
    let helper = root.read().helper(&name("chat")).expect("it is declared");
    (root, helper)
}

fn run(script: &str, declaration: Option<&str>) -> Result<HelperOutput, HelperError> {
    let (root, helper) = helper(script, declaration);
    let output = run_helper(&root.root(), &helper);
    let left = fs::read_dir(root.path("var/cache/igos/helpers")).expect("it was made");
    assert_eq!(left.count(), 0, "the directory of work is gone");
    output
}

fn what_a_helper_stages_becomes_an_archive() {
    // These roots have a shell and no `mkdir`: a file stands where others would have directories.
    let script = "echo content > usr
        manifest '\"files\":[\"usr\"],\"description\":\"Talks\",\"symlinks\":[]'";
    let output = run(script, None).expect("it is a package");
    assert_eq!(output.manifest.version.as_str(), "1.4");
    let candidate = Candidate::read(output.archive, Vouch::unsigned()).expect("it is sound");
    let manifest = candidate.manifest();
    assert_eq!(manifest.package.to_string(), "chat 1.4-1");
    assert_eq!(
        (manifest.origin, manifest.description.as_str()),
        (Origin::Imported, "Talks")
    );
    let paths: Vec<String> = manifest
        .entries
        .iter()
        .map(|entry| entry.path.to_string())
        .collect();
    assert_eq!(paths, ["usr"]);
    assert_eq!(
        (
            manifest.entries[0].mode,
            manifest.entries[0].owner.is_root()
        ),
        (0o644, true)
    );
}

fn helper_can_change_nothing_and_reaches_the_network_only_if_declared() {
    let script = "for place in /etc/x /usr/x /var/lib/igos/x /var/x /opt/x; do
            (echo x > $place) 2>/dev/null && exit 9
        done
        count=0
        while read name rest; do case $name in *:) count=$((count + 1));; esac; done < /proc/net/dev
        echo $count > opt
        manifest '\"files\":[\"opt\"]'";
    let interfaces = |declaration| {
        let output = run(script, declaration).expect("it is a package");
        let candidate = Candidate::read(output.archive, Vouch::unsigned()).expect("it is sound");
        candidate.manifest().entries[0].kind.clone()
    };
    let count = |text: &str| igos_format::EntryKind::File {
        sha256: igos_format::Sha256::of(text.as_bytes()),
        size: text.len() as u64,
        link_group: None,
    };
    assert_eq!(interfaces(None), count("1\n"), "loopback alone");
    assert_eq!(interfaces(Some("{\"format\":1}")), count("1\n"));
    let devices = fs::read_to_string("/proc/net/dev").expect("Linux has it");
    let here = devices.lines().filter(|line| line.contains(':')).count();
    assert_eq!(
        interfaces(Some("{\"format\":1,\"network\":true}")),
        count(&format!("{here}\n"))
    );
}

fn staged_trees_that_are_not_what_the_manifest_says_are_refused() {
    for (script, problem) in [
        (
            "echo a > usr; manifest '\"files\":[\"usr\",\"opt\"]'",
            "/opt is in the manifest and was not staged",
        ),
        (
            "echo a > usr; echo b > opt; manifest '\"files\":[\"usr\"]'",
            "/opt is a file that the manifest does not list",
        ),
        (
            "echo a > boot; manifest '\"files\":[\"boot\"]'",
            "/boot is not below etc, opt, usr, var/lib",
        ),
        (
            "echo a > .igos-x; manifest '\"files\":[\".igos-x\"]'",
            "/.igos-x is not below etc, opt, usr, var/lib",
        ),
        (
            "echo a > usr; manifest '\"files\":[\"usr\",\"usr\"]'",
            "the manifest lists a path twice",
        ),
    ] {
        match run(script, None) {
            Err(HelperError::Staged { problem: found, .. }) => assert_eq!(found, problem),
            other => panic!("{script}: {other:?}"),
        }
    }
}

fn helper_that_fails_or_says_nothing_brings_nothing() {
    match run("echo why >&2; exit 3", None) {
        Err(HelperError::Failed {
            problem, output, ..
        }) => {
            assert_eq!(
                (problem.as_str(), output.as_str()),
                ("exited with code 3", "why")
            );
        }
        other => panic!("{other:?}"),
    }
    for script in [
        "echo a > usr",
        "echo a > usr; echo '{' > $PKM_HELPER_MANIFEST",
        "echo a > usr; manifest '\"files\":[]'",
        "echo a > usr; manifest '\"files\":[\"usr\"],\"more\":1'",
    ] {
        let refused = run(script, None);
        assert!(
            matches!(refused, Err(HelperError::Manifest { .. })),
            "{script}: {refused:?}"
        );
    }
}

fn only_files_of_installed_packages_are_helpers() {
    let (root, helper) = helper("exit 0", None);
    assert_eq!(
        (helper.package, helper.network),
        (name("chat-helper"), false)
    );
    let absent = root.read().helper(&name("other"));
    assert!(
        matches!(absent, Err(HelperError::Absent { .. })),
        "{absent:?}"
    );
    root.put("usr/lib/igos/helpers/other", "#!/bin/sh\n");
    let strange = root.read().helper(&name("other"));
    assert!(
        matches!(strange, Err(HelperError::NotOwned { .. })),
        "{strange:?}"
    );
    // A declaration that somebody put beside it does not open the network.
    root.put(
        "usr/lib/igos/helpers/chat.json",
        "{\"format\":1,\"network\":true}",
    );
    let opened = root.read().helper(&name("chat"));
    assert!(
        matches!(opened, Err(HelperError::NotOwned { .. })),
        "{opened:?}"
    );
}
