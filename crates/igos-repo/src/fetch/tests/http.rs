use std::time::Duration;

use super::server::{Answer, Server};
use super::{World, content, long, request, sha256};
use crate::Provider;
use crate::fetch::FetchError;
use crate::request::Unpinned;

fn reasons(error: &FetchError) -> Vec<&str> {
    error
        .attempts()
        .iter()
        .map(|attempt| attempt.reason.as_str())
        .collect()
}

#[test]
fn pinned_file_is_fetched_once_and_then_found_in_the_store() {
    let world = World::new();
    let server = Server::start(|_| Answer::File(b"pigz".to_vec()));
    let url = server.url("pigz-2.8.tar.gz");
    let request = request(&url, sha256(b"pigz"));
    let fetched = world.fetched(&request);
    assert_eq!(fetched.provider(), &Provider::Url(url));
    assert_eq!(
        (content(&fetched), fetched.size(), fetched.alternative()),
        (b"pigz".to_vec(), 4, None)
    );
    assert_eq!(world.fetched(&request).provider(), &Provider::Store);
    assert_eq!(server.asked().len(), 1);
    assert_eq!(world.partials(), [""; 0]);
}

#[test]
fn interrupted_download_goes_on_where_it_stopped() {
    let world = World::new();
    let server = Server::start(|asked| match asked.number {
        0 => Answer::Cut(long(), 100_000),
        1 => Answer::Cut(long(), 50_000),
        _ => Answer::File(long()),
    });
    let request = request(&server.url("a"), sha256(&long()));
    assert_eq!(content(&world.fetched(&request)), long());
    let ranges: Vec<_> = server.asked().iter().map(|asked| asked.range).collect();
    assert_eq!(ranges, [None, Some(100_000), Some(150_000)]);
}

#[test]
fn download_goes_on_in_the_next_run() {
    let mut world = World::new();
    world.settings.http.tries = 1;
    let server = Server::start(|asked| match asked.number {
        0 => Answer::Cut(long(), 100_000),
        _ => Answer::File(long()),
    });
    let request = request(&server.url("a"), sha256(&long()));
    let error = world.refused(&request);
    assert!(matches!(error, FetchError::Exhausted { .. }), "{error}");
    assert_eq!(world.partials().len(), 1);
    assert_eq!(content(&world.fetched(&request)), long());
    assert_eq!(server.asked()[1].range, Some(100_000));
    assert_eq!(world.partials(), [""; 0]);
}

#[test]
fn server_that_ignores_ranges_starts_from_the_beginning() {
    let world = World::new();
    let server = Server::start(|asked| match asked.number {
        0 => Answer::Cut(long(), 100_000),
        _ => Answer::Whole(long()),
    });
    let request = request(&server.url("a"), sha256(&long()));
    assert_eq!(content(&world.fetched(&request)), long());
}

#[test]
fn foreign_bytes_of_an_older_run_cost_one_more_download_only() {
    let world = World::new();
    for left_behind in [vec![b'x'; 1000], vec![b'x'; 2_000_000]] {
        let server = Server::start(|_| Answer::File(long()));
        let request = request(&server.url("a"), sha256(&long()));
        let digest = sha256(&long()).expect("it is one").to_string();
        let place = world.store.partial(&digest).expect("it opens");
        fs_err::write(place.path(), &left_behind).expect("it can be written");
        assert_eq!(content(&world.fetched(&request)), long());
        assert_eq!(server.asked().len(), 2);
        fs_err::remove_dir_all(world.store.directory().join("sha256")).expect("it is there");
    }
}

#[test]
fn wrong_content_is_named_with_both_digests_and_not_kept() {
    let world = World::new();
    let server = Server::start(|_| Answer::File(b"evil".to_vec()));
    let error = world.refused(&request(&server.url("a"), sha256(b"pigz")));
    let FetchError::WrongDigest {
        expected, actual, ..
    } = &error
    else {
        panic!("{error}");
    };
    assert_eq!(
        (Some(*expected), Some(*actual)),
        (sha256(b"pigz"), sha256(b"evil"))
    );
    assert_eq!(igos_report::Explain::exit_code(&error), 1);
    assert_eq!(server.asked().len(), 1);
    assert_eq!(world.partials(), [""; 0]);
    assert!(!world.store.contains(actual));
}

#[test]
fn redirects_are_followed_up_to_a_limit_and_only_to_the_web() {
    let world = World::new();
    let server = Server::start(|asked| match asked.path.as_str() {
        "one" => Answer::Redirect("/two".into()),
        "two" => Answer::Redirect("three?x".into()),
        "three?x" => Answer::File(b"pigz".to_vec()),
        "file" => Answer::Redirect("file:///etc/passwd".into()),
        path => Answer::Redirect(format!("/{path}x")),
    });
    assert_eq!(
        content(&world.fetched(&request(&server.url("one"), sha256(b"pigz")))),
        b"pigz"
    );
    let loops = world.refused(&request(&server.url("loop"), sha256(b"x")));
    assert_eq!(reasons(&loops), ["the server redirects more than 5 times"]);
    let file = world.refused(&request(&server.url("file"), sha256(b"x")));
    assert_eq!(
        reasons(&file),
        ["location \"file:///etc/passwd\" does not begin with http:// or https://"]
    );
}

#[test]
fn endless_data_end_at_the_limit_and_leave_nothing_behind() {
    let mut world = World::new();
    world.settings.http.max_bytes = 100_000;
    let server = Server::start(|_| Answer::Endless);
    let error = world.refused(&request(&server.url("a"), sha256(b"x")));
    assert_eq!(
        reasons(&error),
        ["the file has no end, more than the limit of 100000 bytes"]
    );
    let server = Server::start(|_| Answer::File(long()));
    let error = world.refused(&request(&server.url("a"), sha256(b"x")));
    assert_eq!(
        reasons(&error),
        ["the file has 1200000 bytes, more than the limit of 100000 bytes"]
    );
    assert_eq!(world.partials(), [""; 0]);
}

#[test]
fn silent_servers_are_left() {
    let mut world = World::new();
    world.settings.http.silence = Duration::from_millis(50);
    world.settings.http.tries = 1;
    let server = Server::start(|_| Answer::Silent);
    let error = world.refused(&request(&server.url("a"), sha256(b"x")));
    assert_eq!(error.attempts().len(), 1);
    assert!(reasons(&error)[0].contains("timeout"), "{error:?}");
}

#[test]
fn only_errors_that_may_pass_are_tried_again() {
    let world = World::new();
    let server = Server::start(|asked| match (asked.path.as_str(), asked.number) {
        ("gone", _) => Answer::Status(404),
        (_, 1 | 2) => Answer::Status(503),
        _ => Answer::File(b"pigz".to_vec()),
    });
    let error = world.refused(&request(&server.url("gone"), sha256(b"x")));
    assert_eq!(reasons(&error), ["the server answers 404 Not Found"]);
    assert_eq!(server.asked().len(), 1);
    world.fetched(&request(&server.url("busy"), sha256(b"pigz")));
    assert_eq!(server.asked().len(), 4);
}

#[test]
fn host_that_cannot_be_reached_is_asked_once_in_a_run() {
    let world = World::new();
    // The address of a server that is gone: nobody listens there.
    let url = Server::start(|_| Answer::Silent).url("");
    let requests = [
        request(&format!("{url}a"), sha256(b"a")),
        request(&format!("{url}b"), sha256(b"b")),
    ];
    let mut settings = world.settings.clone();
    settings.jobs = 1;
    let fetcher = crate::Fetcher::new(&world.store, settings, None);
    let results = fetcher.fetch_all(&requests, &world.reporter, None);
    let errors: Vec<FetchError> = results.into_iter().filter_map(Result::err).collect();
    assert!(
        !reasons(&errors[0])[0].starts_with("not asked again"),
        "{errors:?}"
    );
    assert!(
        reasons(&errors[1])[0].starts_with("not asked again"),
        "{errors:?}"
    );
    assert!(
        errors
            .iter()
            .all(|error| igos_report::Explain::exit_code(error) == 4)
    );
}

#[test]
fn equal_sources_are_downloaded_once_and_results_keep_their_order() {
    let world = World::new();
    let server = Server::start(|asked| Answer::File(asked.path.clone().into_bytes()));
    let requests: Vec<_> = ["a", "b", "a", "c", "a"]
        .iter()
        .map(|name| request(&server.url(name), sha256(name.as_bytes())))
        .collect();
    let fetcher = crate::Fetcher::new(&world.store, world.settings.clone(), None);
    let results = fetcher.fetch_all(&requests, &world.reporter, None);
    let contents: Vec<_> = results
        .iter()
        .map(|result| content(result.as_ref().expect("all are there")))
        .collect();
    assert_eq!(contents, [b"a", b"b", b"a", b"c", b"a"]);
    assert_eq!(server.asked().len(), 3);
}

#[test]
fn unpinned_source_needs_permission_and_is_remembered_for_work_without_network() {
    let mut world = World::new();
    let server = Server::start(|asked| Answer::File(vec![b'0' + asked.number as u8]));
    let mut request = request(&server.url("a"), None);
    assert!(matches!(
        world.refused(&request),
        FetchError::Unpinned { .. }
    ));
    assert_eq!(server.asked().len(), 0);
    request.unpinned = Unpinned::Allow;
    let first = world.fetched(&request);
    assert_eq!((content(&first), first.pin()), (b"0".to_vec(), None));
    assert_eq!(content(&world.fetched(&request)), b"1");
    world.offline();
    let last = world.fetched(&request);
    assert_eq!(
        (content(&last), last.provider(), last.pin()),
        (b"1".to_vec(), &Provider::Store, None)
    );
}
