//! Acceptance: a small toolchain imported from the real Debian archive, where it can be reached.

#[path = "factory/debian.rs"]
mod debian;

use std::num::NonZeroUsize;
use std::path::Path;

use igos_build::toolchain::{ImportInput, Imported, ToolchainList, import};
use igos_format::Arch;
use igos_repo::debian::Refresh;
use igos_repo::{
    DebianArchive, DebianSettings, Downloader, FetchSettings, Fetcher, Mirror, Network, SourceStore,
};
use igos_report::{Explain, Quiet};

const LIST: &str = r#"
format = 1
name = "small"
suite = "bookworm"
packages = ["dash", "sed"]
without = ["debianutils", "dpkg"]
drop = ["usr/share/doc/**", "usr/share/locale/**", "usr/share/man/**"]
usr-merge = ["bin", "lib", "lib64", "sbin"]
[links]
"usr/bin/our-sh" = "dash"
"#;

fn settings_in(cache: &Path) -> FetchSettings {
    let mut settings = FetchSettings::new(cache);
    settings.downloader = Downloader::Unconfined;
    settings
}

fn import_into(directory: &Path, debian: &DebianArchive, settings: FetchSettings) -> Imported {
    let store = SourceStore::open(directory.join("sources")).expect("it can be made");
    let fetcher = Fetcher::new(&store, settings, Some(debian));
    let list = ToolchainList::parse("list.toml", LIST).expect("it is valid");
    let toolchains = directory.join("toolchains");
    let input = ImportInput {
        list: &list,
        arch: Arch::X86_64,
        debian,
        refresh: Refresh::IfAbsent,
        fetcher: &fetcher,
        toolchains: &toolchains,
        jobs: NonZeroUsize::new(2).expect("two is not zero"),
    };
    import(&input, &Quiet).unwrap_or_else(|error| panic!("{:#?}", error.diagnostics()))
}

#[test]
fn equal_packages_give_equal_toolchains_and_are_imported_once() {
    let settings = DebianSettings::default();
    if let Some(reason) = debian::obstacle(&settings) {
        #[expect(clippy::print_stderr, reason = "a test that cannot run says so")]
        {
            eprintln!("skipped: {reason}");
        }
        return;
    }
    let directory = tempfile::tempdir().expect("there is room");
    let (one, two) = (directory.path().join("one"), directory.path().join("two"));
    let debian = DebianArchive::new(directory.path().join("debian"), settings, Network::Online);

    let first = import_into(&one, &debian, settings_in(&one));
    let Imported::Made(made) = &first else {
        panic!("there was nothing before");
    };
    let names: Vec<_> = made
        .archives()
        .iter()
        .map(|archive| archive.name.as_str())
        .collect();
    for name in ["dash", "libc6", "sed", "toolchain-links"] {
        assert!(names.contains(&name), "{names:?}");
    }
    let again = import_into(&one, &debian, settings_in(&one));
    assert_eq!(again, Imported::Unchanged(made.clone()));

    // The second one is made elsewhere, from the first one's store, without asking anybody.
    let mut offline = settings_in(&two);
    offline.network = Network::Offline;
    offline.mirrors = vec![Mirror::Directory(one.join("sources"))];
    let second = import_into(&two, &debian, offline);
    let second = second.toolchain();
    assert_eq!(second.digest(), made.digest());
    assert_eq!(second.archives(), made.archives());
    for (a, b) in made.archives().iter().zip(second.archives()) {
        let bytes = |path| fs_err::read(path).expect("it is there");
        assert_eq!(
            bytes(made.path_of(a)),
            bytes(second.path_of(b)),
            "{}",
            a.name
        );
    }
}
