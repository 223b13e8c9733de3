use std::path::Path;
use std::time::Duration;

use igos_format::Sha256;

use super::{NOT_A_COMMIT, World};
use crate::fetch::git::Git;
use crate::host;
use crate::request::{Location, Unpinned};
use crate::{FetchError, FetchSettings};

fn git(settings: &FetchSettings, repository: &Path, args: &[&str]) -> String {
    let path = repository.display().to_string();
    let mut all = vec![
        "-C",
        &path,
        "-c",
        "user.name=t",
        "-c",
        "user.email=t@example.org",
    ];
    all.extend(args);
    let env = [
        ("HOME", path.as_str()),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_AUTHOR_DATE", "2001-02-03T04:05:06Z"),
        ("GIT_COMMITTER_DATE", "2001-02-03T04:05:06Z"),
    ];
    let output = host::run(&settings.git, &all, &env, 1 << 20, Duration::from_secs(60));
    let output = output.unwrap_or_else(|error| panic!("git {args:?}: {}", host::chain(&error)));
    String::from_utf8_lossy(&output).trim().to_owned()
}

/// Makes a repository with two commits and returns their ids.
fn repository(world: &World, path: &Path) -> [String; 2] {
    fs_err::create_dir(path).expect("it can be made");
    git(
        &world.settings,
        path,
        &["init", "--quiet", "--initial-branch=main"],
    );
    let write = |name: &str, content: &str| {
        fs_err::write(path.join(name), content).expect("it can be written")
    };
    write(
        ".gitattributes",
        "hidden export-ignore\nversion export-subst\n",
    );
    write("hidden", "in the tree all the same\n");
    write("version", "$Format:%d$\n");
    [1, 2].map(|number| {
        write("file", &format!("{number}\n"));
        git(&world.settings, path, &["add", "."]);
        git(
            &world.settings,
            path,
            &["commit", "--quiet", "-m", "a commit"],
        );
        git(&world.settings, path, &["rev-parse", "HEAD"])
    })
}

fn is_there(world: &World) -> bool {
    let there = world.settings.git.is_file();
    if !there {
        // The test harness shows it; nothing else here prints.
        #[expect(clippy::print_stderr, reason = "a test that cannot run says so")]
        {
            eprintln!("skipped: {} is not installed", world.settings.git.display());
        }
    }
    there
}

#[test]
fn commit_gives_the_same_bytes_from_every_clone_and_the_whole_tree() {
    let world = World::new();
    if !is_there(&world) {
        return;
    }
    let path = world.path().join("repository");
    let [first, second] = repository(&world, &path);
    let url = path.display().to_string();
    let mut digests = Vec::new();
    for (clone, wanted) in [
        ("a", first.as_str()),
        ("b", &first),
        ("b", &second),
        ("b", "main"),
        ("b", &first),
    ] {
        let settings = FetchSettings {
            git_cache: world.path().join(clone),
            ..world.settings.clone()
        };
        let to = world.path().join("out.tar");
        let commit = Git::local(&settings).archive(&url, Some(wanted), &to);
        let commit = commit.unwrap_or_else(|error| panic!("{wanted}: {}", host::chain(&error)));
        let tar = fs_err::read(&to).expect("it was written");
        let text = String::from_utf8_lossy(&tar);
        assert!(text.contains("in the tree all the same") && text.contains("$Format:%d$"));
        digests.push((commit, Sha256::of(&tar)));
    }
    assert_eq!(digests[0], digests[1]);
    assert_eq!(digests[2], digests[3]);
    assert_eq!(digests[0], digests[4]);
    assert_ne!(digests[0].1, digests[2].1);
    assert_eq!(
        digests.iter().map(|(commit, _)| commit).collect::<Vec<_>>(),
        [&first, &first, &second, &second, &first]
    );
}

#[test]
fn commit_that_is_not_there_and_other_transports_are_refused() {
    let world = World::new();
    if !is_there(&world) {
        return;
    }
    let path = world.path().join("repository");
    repository(&world, &path);
    let url = path.display().to_string();
    let to = world.path().join("out.tar");
    let local = Git::local(&world.settings);
    assert!(local.archive(&url, Some(NOT_A_COMMIT), &to).is_err());
    assert!(local.archive(&url, Some("no-such-branch"), &to).is_err());
    let error = Git::new(&world.settings)
        .archive(&url, Some("main"), &to)
        .expect_err("only the web is allowed");
    assert!(
        host::chain(&error).contains("transport 'file' not allowed"),
        "{}",
        host::chain(&error)
    );
}

#[test]
fn branch_is_not_a_pin() {
    let world = World::new();
    let mut request = super::request("http://127.0.0.1:9/", None);
    request.location = Location::git("http://127.0.0.1:9/r", Some("main")).expect("it is one");
    assert!(matches!(
        world.refused(&request),
        FetchError::Unpinned { .. }
    ));
    request.location =
        Location::git("http://127.0.0.1:9/r", Some(NOT_A_COMMIT)).expect("it is one");
    let mut offline = World::new();
    offline.offline();
    assert!(matches!(
        offline.refused(&request),
        FetchError::Exhausted { .. }
    ));
    request.unpinned = Unpinned::Allow;
    request.location = Location::git("http://127.0.0.1:9/r", None).expect("it is one");
    assert!(matches!(
        offline.refused(&request),
        FetchError::Exhausted { .. }
    ));
}
