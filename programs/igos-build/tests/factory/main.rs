//! The factory as users meet it: `igos-build` builds tinyworld in real sandboxes.
//!
//! The toolchain of these tests is made of a shell and small tools of this machine, so that they take seconds; the
//! imported one is for the acceptance run.

mod bootstrap;
mod cache;
mod confinement;
mod debugging;
mod evidence;
mod failures;
mod faulty;
mod full_disk;
mod imports;
mod installed;
mod kiss;
mod oracle;
mod outputs;
mod patches;
mod publish;
mod repository;
mod reproduce;
mod sources;
mod toolchain;
mod waiting;
mod world;

#[path = "../../../../crates/igos-repo/tests/server/python.rs"]
mod python_environment;

use world::World;

#[test]
fn tinyworld_is_built_once_and_then_found_in_the_cache() {
    let Some(world) = World::new() else { return };
    let said = world.run(&["build", "--all"]);
    assert_eq!(said.code, Some(0), "{}", said.story);
    let all = [
        "alphabet", "book", "greet", "hello", "letters", "lone", "poem", "word",
    ];
    assert_eq!(said.with_status("built"), world::names(&all));
    assert_eq!(
        said.archives().len(),
        9,
        "book has two outputs: {:#}",
        said.answer
    );
    let again = world.run(&["build", "--all"]);
    assert_eq!(again.code, Some(0), "{}", again.story);
    assert_eq!(again.with_status("cached"), world::names(&all));
    assert_eq!(again.archives(), said.archives());
    let stale: Vec<_> = fs_err::read_dir(world.cache().join("work"))
        .expect("the cache is ours")
        .collect();
    assert_eq!(stale.len(), 0, "{stale:?}");
}

#[test]
fn builds_in_different_directories_give_identical_archives() {
    let (Some(first), Some(second)) = (World::new(), World::new()) else {
        return;
    };
    let said = first.run(&["build", "--all", "--jobs", "1"]);
    assert_eq!(said.code, Some(0), "{}", said.story);
    let other = second.run(&["build", "--all", "--jobs", "4"]);
    assert_eq!(said.archives(), other.archives());
}

#[test]
fn archives_are_put_where_the_user_wants_them() {
    let Some(world) = World::new() else { return };
    let output = world.path().join("archives");
    let said = world.run(&["build", "book", "--output", &output.display().to_string()]);
    assert_eq!(said.code, Some(0), "{}", said.story);
    let mut found: Vec<String> = fs_err::read_dir(&output)
        .expect("it was made")
        .map(|entry| {
            entry
                .expect("it can be read")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    found.sort();
    let arch = igos_format::Arch::native();
    assert_eq!(
        found,
        [
            "alphabet-1.0-1",
            "book-1.0-1",
            "book-notes-1.0-1",
            "greet-1.0-1",
            "hello-2.1-3",
            "poem-1.0-1"
        ]
        .map(|stem| format!("{stem}.{arch}.igos.tar.zst"))
    );
}

#[test]
fn shell_sees_what_the_build_sees() {
    let Some(world) = World::new() else { return };
    let said = world.run(&[
        "shell",
        "hello",
        "--command",
        "greet you; ls -d /usr/share/tinyworld; pwd",
    ]);
    assert_eq!(said.code, Some(0), "{}", said.story);
    let output = world::text(&said.answer["output"]);
    assert!(output.starts_with("hello, you\n"), "{output}");
    assert!(
        output.contains("/usr/share/tinyworld': No such file or directory"),
        "{output}"
    );
    assert!(output.ends_with("/build\n"), "{output}");
}
