use igos_format::Sha256;
use igos_report::{Event, Explain, Reporter};

use super::server::{Answer, Server};
use super::{World, blake3, content, request, sha256};
use crate::fetch::settings::Upstream;
use crate::fetch::{FetchError, Mirror};
use crate::request::{Alternative, AlternativeLocation};
use crate::{Provider, SourceStore};

/// An address at which nobody may ask: the tests that use it never get that far, or are offline.
const NOWHERE: &str = "http://127.0.0.1:9/pigz-2.8.tar.gz";

#[test]
fn mirror_directory_is_asked_by_digest_by_package_and_by_name() {
    let digest = Sha256::of(b"pigz").to_string();
    let by_digest = format!("sha256/{}/{digest}", &digest[..2]);
    for name in [
        by_digest.as_str(),
        "pigz/pigz-2.8.tar.gz",
        "pigz-2.8.tar.gz",
    ] {
        let mut world = World::new();
        world.offline();
        let mirror = world.mirror(&[(name, b"pigz")]);
        let fetched = world.fetched(&request(NOWHERE, sha256(b"pigz")));
        let place = mirror.join(name).display().to_string();
        assert_eq!(fetched.provider(), &Provider::Mirror(place));
        assert!(
            mirror.join(name).exists(),
            "a mirror is copied from, never emptied"
        );
    }
}

#[test]
fn wrong_mirror_is_named_and_passed_over() {
    let mut world = World::new();
    let server = Server::start(|_| Answer::File(b"pigz".to_vec()));
    let wrong = world.mirror(&[("pigz-2.8.tar.gz", b"evil")]);
    let request = request(&server.url("pigz-2.8.tar.gz"), sha256(b"pigz"));
    assert_eq!(content(&world.fetched(&request)), b"pigz");

    let mut world = World::new();
    world.offline();
    world
        .settings
        .mirrors
        .push(Mirror::Directory(wrong.clone()));
    let error = world.refused(&request);
    assert!(matches!(error, FetchError::WrongDigest { .. }), "{error}");
    let told = &error.diagnostics()[0].because;
    assert_eq!(
        told[0],
        format!(
            "mirror {}: delivers 4 bytes with digest {}, expected {}",
            wrong.join("pigz-2.8.tar.gz").display(),
            Sha256::of(b"evil"),
            Sha256::of(b"pigz")
        )
    );
    assert_eq!(
        told.last(),
        Some(&format!(
            "{}: not asked: offline",
            server.url("pigz-2.8.tar.gz")
        ))
    );
}

#[test]
fn mirror_entries_that_are_not_files_are_passed_over() {
    let mut world = World::new();
    world.offline();
    let mirror = world.mirror(&[("target", b"pigz")]);
    std::os::unix::fs::symlink(mirror.join("target"), mirror.join("pigz-2.8.tar.gz"))
        .expect("it can be made");
    fs_err::create_dir(mirror.join("pigz")).expect("it can be made");
    let error = world.refused(&request(NOWHERE, sha256(b"pigz")));
    assert!(matches!(error, FetchError::Exhausted { .. }), "{error}");
    assert_eq!(error.exit_code(), 4);
}

#[test]
fn one_store_serves_as_mirror_of_another() {
    let first = World::new();
    let server = Server::start(|_| Answer::File(b"pigz".to_vec()));
    first.fetched(&request(&server.url("a"), sha256(b"pigz")));
    let mut second = World::new();
    second.offline();
    let directory = first.store.directory().to_owned();
    second.settings.mirrors.push(Mirror::Directory(directory));
    assert_eq!(
        content(&second.fetched(&request(NOWHERE, sha256(b"pigz")))),
        b"pigz"
    );
}

#[test]
fn mirror_address_comes_before_the_recipes_own() {
    let mut world = World::new();
    let server = Server::start(|asked| match asked.path.as_str() {
        "m/pigz/pigz-2.8.tar.gz" => Answer::File(b"pigz".to_vec()),
        _ => Answer::Status(404),
    });
    let mirror = Mirror::parse(&server.url("m/")).expect("it is an address");
    world.settings.mirrors.push(mirror);
    let fetched = world.fetched(&request(&server.url("own"), sha256(b"pigz")));
    assert_eq!(
        fetched.provider(),
        &Provider::Mirror(server.url("m/pigz/pigz-2.8.tar.gz"))
    );
    assert!(server.asked().iter().all(|asked| asked.path != "own"));
}

#[test]
fn damaged_entry_of_the_store_is_moved_aside_fetched_again_and_told() {
    let world = World::new();
    let server = Server::start(|_| Answer::File(b"pigz".to_vec()));
    let request = request(&server.url("a"), sha256(b"pigz"));
    let path = world.fetched(&request).path().to_owned();
    fs_err::remove_file(&path).expect("it is there");
    fs_err::write(&path, b"pigs").expect("it can be written");
    let fetched = world.fetched(&request);
    assert_eq!(
        (content(&fetched), server.asked().len()),
        (b"pigz".to_vec(), 2)
    );
    let name = path.file_name().expect("it has a name");
    let aside = world.store.directory().join("damaged").join(name);
    assert_eq!(fs_err::read(aside).expect("it was kept"), b"pigs");
    let notices: Vec<_> = world
        .reporter
        .events()
        .into_iter()
        .filter_map(|event| match event {
            Event::Notice { diagnostic, .. } => Some(diagnostic.code),
            _ => None,
        })
        .collect();
    assert_eq!(notices, ["source-store-damaged"]);
}

#[test]
fn entry_of_the_store_that_is_a_link_is_not_followed() {
    let mut world = World::new();
    let server = Server::start(|_| Answer::File(b"pigz".to_vec()));
    let request = request(&server.url("a"), sha256(b"pigz"));
    let path = world.fetched(&request).path().to_owned();
    let elsewhere = world.path().join("elsewhere");
    fs_err::rename(&path, &elsewhere).expect("it is there");
    std::os::unix::fs::symlink(&elsewhere, &path).expect("it can be made");
    assert!(!world.store.contains(&request.digest.expect("it has one")));
    world.offline();
    assert!(matches!(
        world.refused(&request),
        FetchError::Exhausted { .. }
    ));
}

#[test]
fn blake3_is_found_in_the_store_again_and_a_wrong_note_does_no_harm() {
    let mut world = World::new();
    world.mirror(&[("pigz-2.8.tar.gz", b"pigz"), ("other", b"other")]);
    world.offline();
    let wanted = request(NOWHERE, blake3(b"pigz"));
    let fetched = world.fetched(&wanted);
    assert_eq!(
        (fetched.sha256(), fetched.pin()),
        (Sha256::of(b"pigz"), blake3(b"pigz"))
    );
    world.settings.mirrors.clear();
    assert_eq!(world.fetched(&wanted).provider(), &Provider::Store);

    let digest = blake3(b"pigz").expect("it is one");
    let note = world
        .store
        .directory()
        .join("blake3")
        .join(digest.to_string());
    let mut other = request(NOWHERE, sha256(b"other"));
    other.cache_name = "other".into();
    world
        .settings
        .mirrors
        .push(Mirror::Directory(world.path().join("mirror0")));
    let other = world.fetched(&other);
    world.settings.mirrors.clear();
    fs_err::write(&note, format!("{}\n", other.sha256())).expect("it can be written");
    assert!(matches!(
        world.refused(&wanted),
        FetchError::Exhausted { .. }
    ));
    assert!(!note.exists(), "a wrong note is deleted");
    assert_eq!(content(&other), b"other");
}

#[test]
fn alternative_is_used_when_the_source_itself_is_gone_and_is_named() {
    let mut world = World::new();
    let server = Server::start(|asked| match asked.path.as_str() {
        "second" => Answer::File(b"repacked".to_vec()),
        "first" => Answer::File(b"evil".to_vec()),
        _ => Answer::Status(404),
    });
    let mut request = request(&server.url("own"), sha256(b"pigz"));
    let alternative = |location, content: &[u8]| Alternative {
        location,
        sha256: Sha256::of(content),
        inner: None,
        repack: Some("upstream is gone".into()),
    };
    request.alternatives = vec![
        alternative(AlternativeLocation::Url(server.url("first")), b"first"),
        alternative(
            AlternativeLocation::Debian("pigz_2.8.orig.tar.gz".into()),
            b"debian",
        ),
        alternative(AlternativeLocation::Url(server.url("second")), b"repacked"),
    ];
    let fetched = world.fetched(&request);
    assert_eq!(
        (fetched.alternative(), content(&fetched)),
        (Some(2), b"repacked".to_vec())
    );
    assert_eq!(fetched.provider(), &Provider::Url(server.url("second")));
    world.offline();
    let again = world.fetched(&request);
    assert_eq!(
        (again.alternative(), again.provider()),
        (Some(2), &Provider::Store)
    );

    request.alternatives[0].location = AlternativeLocation::Url("file:///etc/passwd".into());
    assert!(matches!(
        world.refused(&request),
        FetchError::Alternative { number: 1, .. }
    ));
}

#[test]
fn names_that_leave_the_mirror_are_refused() {
    let world = World::new();
    for name in ["", "..", "a/..", "a\nb", "a/"] {
        let mut request = request(NOWHERE, sha256(b"x"));
        request.cache_name = name.into();
        assert!(
            matches!(world.refused(&request), FetchError::CacheName { .. }),
            "{name:?}"
        );
    }
}

#[test]
fn store_that_cannot_be_made_says_where() {
    let world = World::new();
    let file = world.path().join("file");
    fs_err::write(&file, b"").expect("it can be written");
    let error = SourceStore::open(file.join("sources")).expect_err("a file is in the way");
    assert_eq!(
        error.to_string(),
        format!(
            "cannot make {} in the source store",
            file.join("sources/sha256").display()
        )
    );
}

#[test]
fn fetching_reports_bytes_and_the_outcome() {
    let world = World::new();
    let server = Server::start(|_| Answer::File(b"pigz".to_vec()));
    world.fetched(&request(&server.url("a"), sha256(b"pigz")));
    let events = world.reporter.events();
    assert!(
        matches!(&events[0], Event::Started { subject: igos_report::Subject::Fetch(name), .. } if name == "pigz: pigz-2.8.tar.gz")
    );
    assert!(matches!(
        events[events.len() - 2],
        Event::Advanced {
            done: 4,
            total: Some(4),
            ..
        }
    ));
    let reporter: &dyn Reporter = &world.reporter;
    reporter.report(events[0].clone());
}

#[test]
fn upstream_is_not_asked_where_the_settings_forbid_it_but_mirrors_are() {
    let mut world = World::new();
    world.settings.upstream = Upstream::Never;
    let server = Server::start(|_| Answer::File(b"pigz".to_vec()));
    let request = request(&server.url("pigz-2.8.tar.gz"), sha256(b"pigz"));
    let error = world.refused(&request);
    let told = &error.diagnostics()[0].because;
    assert_eq!(
        told.last(),
        Some(&format!(
            "{}: not asked: the setting `upstream` is false",
            server.url("pigz-2.8.tar.gz")
        ))
    );
    world
        .settings
        .mirrors
        .push(Mirror::Url(server.url("").trim_end_matches('/').to_owned()));
    assert!(matches!(
        world.fetched(&request).provider(),
        Provider::Mirror(_)
    ));
}
