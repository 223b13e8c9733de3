//! Whether archives come out the same when they are made again, and how it is told that they do not.

use crate::world::{World, text};

/// Puts a package into the cache whose files differ from build to build, and returns the digest of its archive.
fn build(world: &World, name: &str, script: &str) -> String {
    world.recipe(name, "", script);
    let said = world.run(&["build", name]);
    assert_eq!(said.code, Some(0), "{}", said.story);
    text(&said.package(name)["outputs"][0]["sha256"])
}

/// Returns the row of an archive.
fn row(answer: &serde_json::Value, name: &str) -> serde_json::Value {
    let rows = answer["archives"].as_array().cloned().unwrap_or_default();
    let found = rows.into_iter().find(|row| row["name"] == name);
    found.unwrap_or_else(|| panic!("{name} is not in {answer:#}"))
}

#[test]
fn package_that_is_made_from_its_inputs_alone_comes_out_identical() {
    let Some(world) = World::new() else { return };
    world.rebuilt(&[]);
    let builds = || {
        let list = world.run(&["cache", "list"]).answer["builds"].clone();
        list.as_array().map(Vec::len)
    };
    let before = builds();
    let said = world.run(&["reproduce", "hello", "--dry-run"]);
    assert_eq!(said.code, Some(0), "{}", said.story);
    assert_eq!(row(&said.answer, "hello")["status"], "planned");
    assert!(!said.story.contains("step hello"), "{}", said.story);
    let said = world.run(&["reproduce", "book", "hello"]);
    assert_eq!(said.code, Some(0), "{}", said.story);
    assert_eq!(
        (
            said.answer["identical"].as_u64(),
            said.answer["different"].as_u64(),
            said.answer["failed"].as_u64()
        ),
        (Some(3), Some(0), Some(0)),
        "book has two archives: {:#}",
        said.answer
    );
    assert_eq!(row(&said.answer, "book-notes")["status"], "identical");
    assert_eq!(builds(), before, "what is made again is not kept");
    let work = fs_err::read_dir(world.cache().join("work")).expect("the cache is ours");
    assert_eq!(work.count(), 0, "and its directory is gone");
}

#[test]
fn text_that_differs_from_build_to_build_is_shown_with_its_file() {
    let Some(world) = World::new() else { return };
    let sha256 = build(
        &world,
        "lottery",
        "do_install() {\n mkdir -p \"$DESTDIR/usr/share\"\n printf 'one\\ntwo\\n%s\\nfour\\n' \"$(cat /proc/sys/kernel/random/uuid)\" > \"$DESTDIR/usr/share/lottery\"\n}\n",
    );
    let kept = world.path().join("differing");
    let said = world.run(&[
        "reproduce",
        "lottery",
        "lone",
        "--output",
        &kept.display().to_string(),
    ]);
    assert_eq!(said.code, Some(1), "{}", said.story);
    let row = row(&said.answer, "lottery");
    assert_eq!(text(&row["status"]), "different");
    assert_eq!(text(&row["sha256"]), sha256);
    let difference = &row["difference"];
    assert_eq!(difference["part"], "paths");
    assert_eq!(difference["differing_paths"], 1);
    assert_eq!(difference["paths"][0]["path"], "/usr/share/lottery");
    assert_eq!(difference["paths"][0]["fields"][0]["field"], "contents");
    let content = &difference["content"];
    assert_eq!(content["path"], "/usr/share/lottery");
    assert_eq!(content["difference"]["kind"], "text");
    let lines: Vec<String> = content["difference"]["lines"]
        .as_array()
        .expect("lines are a list")
        .iter()
        .map(text)
        .collect();
    assert_eq!(lines.len(), 6, "{lines:?}");
    assert_eq!(lines[..3], ["@@ line 1 @@", " one", " two"]);
    assert!(lines[3].starts_with('-') && lines[4].starts_with('+'));
    assert_eq!(lines[5], " four");
    let file = text(&row["kept"]);
    assert!(std::path::Path::new(&file).starts_with(&kept), "{file}");
    assert_eq!(
        igos_format::Sha256::of(&fs_err::read(&file).expect("it was kept")).to_string(),
        text(&row["sha256_again"])
    );
    // What the cache has is still what it had.
    let again = world.run(&["build", "lottery"]);
    assert_eq!(
        text(&again.package("lottery")["outputs"][0]["sha256"]),
        sha256
    );
    assert_eq!(text(&again.package("lottery")["status"]), "cached");
}

#[test]
fn paths_and_rights_that_differ_are_named_with_both_values() {
    let Some(world) = World::new() else { return };
    // The directory of a build on the host and the time are not the same twice; neither is seen in files that
    // only say whether they were there before.
    build(
        &world,
        "moody",
        "do_install() {\n mkdir -p \"$DESTDIR/usr\"\n : > \"$DESTDIR/usr/moody\"\n : > \"$DESTDIR/usr/$(cat /proc/sys/kernel/random/uuid)\"\n}\n",
    );
    let said = world.run(&["reproduce", "moody"]);
    assert_eq!(said.code, Some(1), "{}", said.story);
    let difference = &row(&said.answer, "moody")["difference"];
    assert_eq!(difference["differing_paths"], 2, "{difference:#}");
    assert_eq!(difference["content"], serde_json::Value::Null);
    let mut presence = Vec::new();
    for path in difference["paths"].as_array().expect("a list") {
        let field = &path["fields"][0];
        assert_eq!(field["field"], "presence");
        presence.push((text(&field["first"]), text(&field["second"])));
    }
    presence.sort();
    assert_eq!(
        presence,
        [("absent", "present"), ("present", "absent")]
            .map(|(first, second)| (first.to_owned(), second.to_owned()))
    );
}

#[test]
fn number_of_jobs_is_not_the_same_as_before_and_can_be_chosen() {
    let Some(world) = World::new() else { return };
    build(
        &world,
        "counted",
        "do_install() {\n mkdir -p \"$DESTDIR/usr\"\n echo \"$MAKEFLAGS\" > \"$DESTDIR/usr/counted\"\n}\n",
    );
    let said = world.run(&["reproduce", "counted"]);
    assert_eq!(said.code, Some(1), "{}", said.story);
    let lines =
        row(&said.answer, "counted")["difference"]["content"]["difference"]["lines"].clone();
    let jobs = said.answer["build_jobs"].as_u64().expect("a number");
    assert_eq!(text(&lines[1]), format!("--j{}", jobs - 1));
    assert_eq!(text(&lines[2]), format!("+-j{jobs}"));
    let same = (jobs - 1).to_string();
    let said = world.run(&["reproduce", "counted", "--build-jobs", &same]);
    assert_eq!(said.code, Some(0), "{:#}", said.answer);
}

#[test]
fn archive_of_other_inputs_is_neither_identical_nor_different() {
    let Some(world) = World::new() else { return };
    build(
        &world,
        "steady",
        "do_install() {\n mkdir -p \"$DESTDIR/usr\"\n echo steady > \"$DESTDIR/usr/steady\"\n}\n",
    );
    let said = world.run(&["build", "steady"]);
    let archive = said.archive_file("steady");
    let path = archive.display().to_string();
    let said = world.run(&["reproduce", &path]);
    assert_eq!(said.code, Some(0), "{}", said.story);
    assert_eq!(text(&row(&said.answer, "steady")["archive"]), path);

    world.edit(
        "packages/core/steady/build.sh",
        "echo steady",
        "echo unsteady",
    );
    let said = world.run(&["reproduce", &path]);
    assert_eq!(said.code, Some(4), "{}", said.story);
    assert_eq!(
        text(&row(&said.answer, "steady")["reason"]),
        "steady cannot be made again from what is here: recipe file build.sh changed"
    );
    // By its name, the package that the recipe makes now is meant, which the cache does not have.
    let said = world.run(&["reproduce", "steady", "lone"]);
    assert_eq!(said.code, Some(4), "{}", said.story);
    assert_eq!(said.answer["failed"], 2);
    let reason = text(&row(&said.answer, "lone")["reason"]);
    assert_eq!(
        reason,
        "cannot build lone again: the cache has no build of it, because it was never built here"
    );
}

#[test]
fn package_that_no_recipe_makes_does_not_count_as_different() {
    let Some(world) = World::new() else { return };
    let said = world.run(&["reproduce", "nothing"]);
    assert_eq!(said.code, Some(4), "{}", said.story);
    assert_eq!(
        said.answer["error"]["diagnostics"][0]["code"],
        "recipe-absent"
    );
    let seed = world.toolchain_archive().display().to_string();
    let said = world.run(&["reproduce", &seed]);
    assert_eq!(
        said.code,
        Some(4),
        "what was imported was not built: {}",
        said.story
    );
}

#[test]
fn build_that_fails_the_second_time_is_told_with_its_log() {
    let Some(world) = World::new() else { return };
    build(
        &world,
        "fragile",
        "do_install() {\n mkdir -p \"$DESTDIR/usr\"\n case $MAKEFLAGS in *-j7*) echo too many; exit 1 ;; esac\n : > \"$DESTDIR/usr/fragile\"\n}\n",
    );
    let scratch = world.path().join("elsewhere");
    fs_err::create_dir(&scratch).expect("the world is ours");
    let scratch = scratch.display().to_string();
    let said = world.run(&[
        "reproduce",
        "fragile",
        "--build-jobs",
        "7",
        "--scratch",
        &scratch,
    ]);
    assert_eq!(said.code, Some(4), "{}", said.story);
    let reason = text(&row(&said.answer, "fragile")["reason"]);
    assert!(
        reason.starts_with("fragile failed to build: step install"),
        "{reason}"
    );
    assert!(said.story.contains("too many"), "{}", said.story);
    let logs = fs_err::read_dir(world.cache().join("logs")).expect("the cache is ours");
    let kept = logs
        .filter_map(Result::ok)
        .find(|log| log.file_name().to_string_lossy().ends_with(".again.log"));
    let log = fs_err::read_to_string(kept.expect("the log is kept").path()).expect("it is text");
    assert!(log.contains("too many"), "{log}");
    assert_eq!(fs_err::read_dir(&scratch).expect("it is there").count(), 0);
}
