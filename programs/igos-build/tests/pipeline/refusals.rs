//! What stops a pipeline, and what it says then.

use rustix::fs::FlockOperation;

use crate::small::{self, Small};
use crate::world::names;

#[test]
fn recipe_that_needs_a_later_tier_is_refused_before_anything_is_built() {
    let Some(small) = Small::new() else { return };
    small.recipe("core", "early", "book", "", "do_install() { :; }\n");
    let profile = "system/profiles/small.toml";
    small
        .world
        .edit(profile, "\"greet\"", "\"greet\", \"early\"");
    let said = small.pipeline("run --until extra");
    assert_eq!(said.code, Some(1), "{:#}", said.answer);
    assert!(
        said.story
            .contains("early of phase core-extra needs book of the later phase base"),
        "{}",
        said.story
    );
    assert_eq!(
        small::with_status(&said.answer, "failed"),
        names(&["validate"])
    );
    assert!(!small.directory().join("receipts").exists());
}

#[test]
fn names_that_nothing_makes_are_told_with_their_places() {
    let Some(small) = Small::new() else { return };
    let profile = "system/profiles/small.toml";
    small
        .world
        .edit(profile, "\"greet\"", "\"greet\", \"nobody\"");
    small.recipe("base", "book", "greet", "ghost", "do_install() { :; }\n");
    let said = small.pipeline("run --until extra");
    assert_eq!(said.code, Some(1), "{:#}", said.answer);
    for told in [
        "no recipe makes nobody",
        "small.toml:3:22",
        "no recipe makes ghost, which book needs (run)",
    ] {
        assert!(
            said.story.contains(told),
            "{told:?} is not in {}",
            said.story
        );
    }

    small
        .world
        .edit(profile, "image = \"root\"", "image = \"rot\"");
    let said = small.pipeline("run --until extra");
    assert_eq!(said.code, Some(1), "{:#}", said.answer);
    assert!(said.story.contains("small.toml:4:9"), "{}", said.story);
}

#[test]
fn source_that_nothing_pins_is_refused_in_the_chain_as_in_the_profile() {
    let Some(small) = Small::new() else { return };
    let recipe = "system/core/tools/package.yml";
    let source = "source:\n  - url: git+https://example.org/tools.git";
    small.world.edit(recipe, "source: []", source);
    let said = small.pipeline("run --until validate");
    assert_eq!(said.code, Some(1), "{:#}", said.answer);
    assert!(
        said.story.contains("source-unpinned") && said.story.contains("of tools"),
        "{}",
        said.story
    );
}

#[test]
fn recipes_that_nothing_builds_are_told_and_stop_nothing() {
    let Some(small) = Small::new() else { return };
    let said = small.pipeline("run --until validate");
    assert!(!said.story.contains("recipes-unreached"), "{}", said.story);
    small.recipe("extra", "lonely", "", "", "do_install() { :; }\n");
    let said = small.pipeline("run --until validate");
    assert_eq!(said.code, Some(0), "{:#}", said.answer);
    for told in [
        "1 recipes are needed by no profile and no generation",
        "lonely",
    ] {
        assert!(said.story.contains(told), "{}", said.story);
    }
    // Any profile of the tree will do, not only the one that is run.
    let other =
        "format = 1\ndescription = \"Another\"\npackages = [\"lonely\"]\nimage = \"root\"\n";
    small.world.write("system/profiles/other.toml", other);
    let said = small.pipeline("run --until validate");
    assert_eq!(small::statuses(&said.answer)["validate"], "done");
    assert!(!said.story.contains("recipes-unreached"), "{}", said.story);
}

#[test]
fn service_that_no_package_brings_is_refused_when_the_root_is_complete() {
    let Some(small) = Small::new() else { return };
    let profile = "system/profiles/small.toml";
    small
        .world
        .edit(profile, "[\"lamp\"]", "[\"lamp\", \"radio\"]");
    let said = small.pipeline("run --until extra");
    assert_eq!(said.code, Some(1), "{:#}", said.answer);
    assert!(
        said.story
            .contains("no package of the root has /etc/init.d/radio"),
        "{}",
        said.story
    );
    assert_eq!(
        small::with_status(&said.answer, "failed"),
        names(&["extra"])
    );
}

#[test]
fn failed_build_ends_its_phase_and_the_next_run_goes_on_there() {
    let Some(small) = Small::new() else { return };
    small
        .world
        .edit("system/base/book/build.sh", "read -r", "false && read -r");
    small.world.edit(
        "system/base/book/build.sh",
        "do_install() {",
        "do_install() { set -e; false;",
    );
    let said = small.pipeline("run --until extra");
    assert_eq!(said.code, Some(1), "{:#}", said.answer);
    assert_eq!(small::with_status(&said.answer, "failed"), names(&["base"]));
    assert_eq!(small::statuses(&said.answer)["extra"], "waiting");
    small
        .world
        .edit("system/base/book/build.sh", "set -e; false;", "");
    small
        .world
        .edit("system/base/book/build.sh", "false && ", "");
    let said = small.pipeline("run --until extra");
    assert_eq!(said.code, Some(0), "{} {:#}", said.story, said.answer);
    assert_eq!(small::statuses(&said.answer)["core"], "skipped");
    assert_eq!(small::statuses(&said.answer)["base"], "done");
}

#[test]
fn changed_file_of_the_root_is_found_though_nothing_else_changed() {
    let Some(small) = Small::new() else { return };
    small.pipeline("run --until extra");
    let path = small.root().join("usr/share/shelf");
    fs_err::remove_file(&path).expect("the world is ours");
    fs_err::write(&path, "changed\n").expect("the world is ours");
    let said = small.pipeline("run --until extra");
    assert_eq!(said.code, Some(1), "{:#}", said.answer);
    assert!(said.story.contains("root-drift"), "{}", said.story);
    assert!(said.story.contains("/usr/share/shelf"), "{}", said.story);
    assert_eq!(
        small::with_status(&said.answer, "failed"),
        names(&["extra"])
    );
}

#[test]
fn later_start_needs_everything_before_it_done() {
    let Some(small) = Small::new() else { return };
    let said = small.pipeline("run --from base --until extra");
    assert_eq!(said.code, Some(1), "{:#}", said.answer);
    assert!(
        said.story
            .contains("phase validate would have to run first: it was never done here"),
        "{}",
        said.story
    );
    small.pipeline("run --until extra");
    let said = small.pipeline("run --from base --until extra");
    assert_eq!(said.code, Some(0), "{} {:#}", said.story, said.answer);
    assert_eq!(small::with_status(&said.answer, "done"), names(&["base"]));
    let said = small.pipeline("run --from extra --until base");
    assert_eq!(said.code, Some(2), "{:#}", said.answer);
}

#[test]
fn second_run_at_the_same_time_is_turned_away() {
    let Some(small) = Small::new() else { return };
    small.pipeline("status");
    let lock = fs_err::File::create(small.world.cache().join("build.lock")).expect("it is ours");
    rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive).expect("nobody has it");
    let said = small.pipeline("run --until extra");
    assert_eq!(said.code, Some(75), "{:#}", said.answer);
    assert!(!small.directory().exists());
}

#[test]
fn no_system_and_no_generation_has_what_was_not_compiled_here() {
    let Some(small) = Small::new() else { return };
    let world = &small.world;
    for name in ["tools", "greet"] {
        let recipe = format!("system/core/{name}/package.yml");
        let imported = "format: 3\nimported: nobody here can compile it\n";
        world.edit(&recipe, "format: 1\n", imported);
    }
    let said = small.pipeline("run --until extra");
    assert_eq!(said.code, Some(1), "{:#}", said.answer);
    for told in [
        "greet is imported: no system has it",
        "small.toml:3:13",
        "tools is imported: generation one may not have it",
        "tools is imported: generation two may not have it",
        "book needs greet (run), which is imported",
    ] {
        assert!(
            said.story.contains(told),
            "{told:?} is not in {}",
            said.story
        );
    }
    assert_eq!(
        small::with_status(&said.answer, "failed"),
        names(&["validate"])
    );
}
