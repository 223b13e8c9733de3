//! Acceptance: the real Debian archive, where it can be reached.

use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use igos_format::{Arch, Blake3, Digest, Sha256};
use igos_repo::debian::{Refresh, Wanted};
use igos_repo::{
    DebianArchive, DebianSettings, Downloader, FetchSettings, Fetcher, Location, Network, Provider,
    SourceRequest, SourceStore, Unpinned,
};
use igos_report::{Quiet, Subject, Task};

const MUSL: &str = "a9a118bbe84d8764da0ea0d28b3ab3fae8477fc7e4085d90102b8596fc7c75e4";
const BZIP2: &str = "ab5a03176ee106d3f0fa90e381da478ddae405918153cca248e682cd0c4a2269";

/// Says why the test cannot run here.
#[expect(
    clippy::disallowed_methods,
    reason = "whether the archive can be reached decides whether to test"
)]
fn obstacle(settings: &DebianSettings) -> Option<String> {
    if let Some(program) = [&settings.apt_get, &settings.apt_helper, &settings.keyring]
        .into_iter()
        .find(|path| !path.exists())
    {
        return Some(format!("{} is not there", program.display()));
    }
    let host = settings
        .mirror
        .trim_start_matches("http://")
        .split('/')
        .next()?;
    let reached = (host, 80)
        .to_socket_addrs()
        .and_then(|mut addresses| addresses.next().ok_or(std::io::ErrorKind::NotFound.into()))
        .and_then(|address| TcpStream::connect_timeout(&address, Duration::from_secs(5)));
    reached
        .err()
        .map(|error| format!("the archive cannot be reached: {error}"))
}

#[expect(
    clippy::print_stderr,
    reason = "a test that cannot run says so, and times are of interest"
)]
fn say(text: &str) {
    eprintln!("{text}");
}

fn request(name: &str, version: &str, digest: Digest) -> SourceRequest {
    let file = format!("{name}-{version}.tar.gz");
    SourceRequest {
        package: name.parse().expect("it is a name"),
        version: version.into(),
        location: Location::http(&format!("http://127.0.0.1:9/{file}")).expect("it is an address"),
        cache_name: file,
        digest: Some(digest),
        alternatives: Vec::new(),
        unpinned: Unpinned::Refuse,
    }
}

#[test]
fn sources_are_found_by_sha256_and_by_blake3_and_binaries_by_name() {
    let settings = DebianSettings::default();
    if let Some(reason) = obstacle(&settings) {
        say(&format!("skipped: {reason}"));
        return;
    }
    let directory = tempfile::tempdir().expect("there is room");
    let store = SourceStore::open(directory.path().join("sources")).expect("it can be made");
    let debian = DebianArchive::new(directory.path().join("debian"), settings, Network::Online);
    let mut settings = FetchSettings::new(directory.path());
    settings.downloader = Downloader::Unconfined;
    settings.http.tries = 1;
    let fetcher = Fetcher::new(&store, settings, Some(&debian));
    let fetch = |request: &SourceRequest| {
        let started = Instant::now();
        let fetched = fetcher.fetch(request, &Quiet, None);
        let fetched = fetched.unwrap_or_else(|error| panic!("{error}: {:#?}", error.attempts()));
        say(&format!(
            "{}: {} bytes from {} in {:?}",
            request.package,
            fetched.size(),
            fetched.provider(),
            started.elapsed()
        ));
        fetched
    };

    let musl: Sha256 = MUSL.parse().expect("it is a digest");
    let fetched = fetch(&request("musl", "1.2.5", Digest::Sha256(musl)));
    assert_eq!(
        fetched.provider(),
        &Provider::Debian("pool/main/m/musl/musl_1.2.5.orig.tar.gz".into())
    );

    let bzip2: Sha256 = BZIP2.parse().expect("it is a digest");
    let by_sha256 = fetch(&request("bzip2", "1.0.8", Digest::Sha256(bzip2)));
    let content = fs_err::read(by_sha256.path()).expect("it is in the store");
    fs_err::remove_file(by_sha256.path()).expect("it is in the store");
    let by_blake3 = fetch(&request(
        "bzip2",
        "1.0.8",
        Digest::Blake3(Blake3::of(&content)),
    ));
    assert_eq!(
        by_blake3.provider(),
        &Provider::Debian("pool/main/b/bzip2/bzip2_1.0.8.orig.tar.gz".into())
    );
    assert_eq!(by_blake3.sha256(), bzip2);

    let absent = fetcher.fetch(
        &request("bzip2", "1.0.8", Digest::Sha256(Sha256::of(b"absent"))),
        &Quiet,
        None,
    );
    assert_eq!(
        igos_report::Explain::exit_code(&absent.expect_err("nobody has it")),
        4
    );

    let task = Task::start(&Quiet, None, Subject::Group("resolve".into()));
    let wanted = Wanted {
        names: ["make".to_owned()].into(),
        without: ["libgc1".to_owned(), "guile-3.0-libs".to_owned()].into(),
    };
    let resolve =
        |refresh| debian.resolve_binaries("bookworm", Arch::X86_64, &wanted, refresh, &task);
    let found = resolve(Refresh::IfAbsent).expect("the suite has make");
    assert!(found.iter().any(|package| package.name.as_str() == "libc6"));
    assert_eq!(resolve(Refresh::IfOld).expect("the index is there"), found);
    let make = found.iter().find(|package| package.name.as_str() == "make");
    let fetched = fetch(&make.expect("it was asked for").request());
    assert!(
        matches!(fetched.provider(), Provider::Debian(path) if path.starts_with("pool/main/m/make-dfsg/"))
    );
}
