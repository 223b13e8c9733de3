//! A hook that tries everything to come to stand where state, cache and settings of the package manager are.

use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;

use fs_err as fs;
use igos_sysroot::JobState;
use rustix::fs::{AtFlags, CWD, RenameFlags};
use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags};
use rustix::thread::UnshareFlags;

use crate::confined::{after, printed};
use crate::harness::Test;
use crate::support::TestRoot;

pub(crate) const TESTS: &[Test] = &[(
    "nothing_of_the_package_manager_is_exchanged_by_a_hook_however_it_tries",
    nothing_of_the_package_manager_is_exchanged_by_a_hook_however_it_tries,
)];

/// First argument of this program where it is a hook in a root.
pub(crate) const AS_HOOK: &str = "--as-hostile-hook";

/// What is to be safe, and what leads there.
const OWN: [&str; 3] = ["/etc/igos", "/var/cache/igos", "/var/lib/igos"];
const WAYS: [&str; 4] = ["/etc", "/var", "/var/cache", "/var/lib"];

/// Tries everything, and prints what worked.
#[expect(clippy::print_stdout, reason = "it is a program of its own")]
pub(crate) fn attack() {
    let told = |what: &str, place: &str, result: Result<(), Errno>| {
        if result.is_ok() {
            println!("{what} {place}");
        }
    };
    // What is nobody's can be changed, so that what follows is no matter of rights.
    for name in ["decoy", "free"] {
        fs::create_dir_all(format!("/var/{name}")).expect("var can be written");
        fs::create_dir_all(format!("/etc/{name}")).expect("etc can be written");
        fs::create_dir_all(format!("/var/lib/{name}")).expect("var/lib can be written");
    }
    told(
        "renamed",
        "free",
        rustix::fs::rename("/var/lib/free", "/var/lib/gone"),
    );
    told(
        "exchanged",
        "free",
        rustix::fs::renameat_with(
            CWD,
            "/var/lib/decoy",
            CWD,
            "/var/lib/gone",
            RenameFlags::EXCHANGE,
        ),
    );
    for place in OWN.into_iter().chain(WAYS) {
        for around in ["", "/proc/self/root"] {
            let at = format!("{around}{place}");
            let at = at.as_str();
            told("renamed", at, rustix::fs::rename(at, format!("{at}.old")));
            for decoy in ["/var/decoy", "/etc/decoy", "/var/lib/decoy"] {
                let exchange = RenameFlags::EXCHANGE;
                told(
                    "exchanged",
                    at,
                    rustix::fs::renameat_with(CWD, decoy, CWD, at, exchange),
                );
                told("replaced", at, rustix::fs::rename(decoy, at));
            }
            told("removed", at, rustix::fs::rmdir(at));
            told("unlinked", at, rustix::fs::unlink(at));
            told("covered", at, rustix::mount::mount_bind("/var/decoy", at));
            told(
                "mounted",
                at,
                rustix::mount::mount("x", at, "tmpfs", MountFlags::empty(), None),
            );
            told(
                "opened",
                at,
                rustix::mount::mount_remount(at, MountFlags::BIND, ""),
            );
            told(
                "unmounted",
                at,
                rustix::mount::unmount(at, UnmountFlags::DETACH),
            );
        }
    }
    for own in OWN {
        let mode = rustix::fs::Mode::from_raw_mode(0o777);
        told("opened to all", own, rustix::fs::chmod(own, mode));
        for name in [
            "new",
            "pkm.toml",
            "repositories.d",
            "packages/forged",
            "archives",
        ] {
            let at = format!("{own}/{name}");
            told("wrote", &at, fs::write(&at, "x").map_err(|_| Errno::ACCESS));
            told(
                "linked",
                &at,
                symlink("/var/decoy", &at).map_err(|_| Errno::ACCESS),
            );
            told("made", &at, fs::create_dir(&at).map_err(|_| Errno::ACCESS));
        }
    }
    for known in ["pkm.db", "packages/a", "lock"] {
        let from = format!("/var/lib/igos/{known}");
        let empty = AtFlags::empty();
        told(
            "linked",
            &from,
            rustix::fs::linkat(CWD, &from, CWD, "/var/lib/second", empty),
        );
        told("took", &from, rustix::fs::rename(&from, "/var/lib/taken"));
    }
    for flags in [
        UnshareFlags::NEWUSER | UnshareFlags::NEWNS,
        UnshareFlags::NEWNS,
    ] {
        told("has a new namespace", "", unshare(flags));
    }
    println!("tried");
}

#[expect(
    deprecated,
    reason = "the other one is for processes with threads, which this is not"
)]
fn unshare(flags: UnshareFlags) -> Result<(), Errno> {
    rustix::thread::unshare(flags)
}

/// Puts this program into a root, with the libraries that it needs.
fn with_this_program(root: &TestRoot) {
    fs::create_dir_all(root.path("usr/bin")).expect("made");
    fs::copy("/proc/self/exe", root.path("usr/bin/attack")).expect("copied");
    let maps = fs::read_to_string("/proc/self/maps").expect("Linux has it");
    let libraries = maps
        .lines()
        .filter_map(|line| line.split_ascii_whitespace().nth(5))
        .filter(|path| path.contains(".so"));
    for library in libraries {
        let target = root.path(library.trim_start_matches('/'));
        fs::create_dir_all(target.parent().expect("it has one")).expect("made");
        fs::copy(library, target).expect("copied");
    }
}

fn nothing_of_the_package_manager_is_exchanged_by_a_hook_however_it_tries() {
    let root = TestRoot::new();
    with_this_program(&root);
    let result = after(&root, &format!("exec /usr/bin/attack {AS_HOOK}"));
    assert_eq!(result.state, JobState::Done, "{}", result.output);
    assert_eq!(printed(&root), "renamed free\nexchanged free\ntried\n");
    for own in OWN {
        let found = fs::symlink_metadata(root.path(own.trim_start_matches('/'))).expect("there");
        assert!(found.is_dir() && found.mode() & 0o7777 == 0o755, "{own}");
    }
    let left = |at: &str| {
        let entries = fs::read_dir(root.path(at)).expect("readable");
        entries.count()
    };
    assert_eq!((left("etc/igos"), left("var/cache/igos")), (0, 0));
    assert!(!Path::new(&root.path("var/lib.old")).exists());
    assert_eq!(root.findings(), [""; 0]);
}
