//! The pipeline as users meet it: a small tree with a chain of two generations, a profile and three tiers.
//!
//! The seed is the toolchain of the factory's tests, a shell and small tools of this machine: a run takes seconds. Only
//! `real` has a compiler, and sources that others wrote.

#[path = "../factory/debian.rs"]
mod debian;
#[path = "../factory/toolchain.rs"]
mod toolchain;
#[path = "../factory/world.rs"]
#[allow(dead_code, reason = "the tests of the factory use all of it")]
mod world;

mod changes;
mod kills;
mod people;
mod real;
mod refusals;
mod small;

use std::collections::BTreeMap;

use small::Small;
use world::{names, text};

#[test]
fn system_is_made_installed_and_proven_and_then_left_alone() {
    let Some(small) = Small::new() else { return };
    let said = small.pipeline("run --until extra");
    assert_eq!(said.code, Some(0), "{} {:#}", said.story, said.answer);
    let statuses: Vec<String> = small::statuses(&said.answer).into_values().collect();
    assert_eq!(statuses, ["done"; 14]);
    let root = small.root();
    for (path, content) in [
        ("usr/share/greeting", "hello\n"),
        ("usr/share/book", "hello, reader\n"),
        ("usr/share/shelf", "hello, reader\n"),
        ("etc/hostname", "small\n"),
        ("etc/init.d/lamp", "#!/bin/sh\n"),
    ] {
        let found = fs_err::read_to_string(root.join(path)).expect("it was installed");
        assert_eq!(found, content, "{path}");
    }
    let link = fs_err::read_link(root.join("etc/runlevels/default/lamp"));
    assert_eq!(
        link.expect("the profile starts it").to_str(),
        Some("/etc/init.d/lamp")
    );
    assert!(
        !root.join("usr/share/chisel").exists(),
        "what is only needed to build is not installed"
    );
    small.expect_chain(14);

    let again = small.pipeline("run --until extra");
    assert_eq!(again.code, Some(0), "{}", again.story);
    let statuses: Vec<String> = small::statuses(&again.answer).into_values().collect();
    assert_eq!(statuses, ["skipped"; 14], "{:#}", again.answer);
    let status = small.pipeline("status");
    assert_eq!(status.code, Some(0), "{}", status.story);
    let statuses: BTreeMap<String, String> = small::statuses(&status.answer);
    assert_eq!(statuses["extra"], "skipped");
    assert_eq!(statuses["bootloader"], "not-there");
}

#[test]
fn generations_are_compared_and_the_last_one_builds_the_system() {
    let Some(small) = Small::new() else { return };
    let said = small.pipeline("run --until chroot-tools");
    assert_eq!(said.code, Some(0), "{} {:#}", said.story, said.answer);
    let receipt = small.receipt("06-chroot-tools");
    assert!(
        receipt.contains(
            "output compared two\\x20one 1\\x20of\\x201\\x20archives\\x20have\\x20the\\x20contents\\x20of\\x20those\\x20of\\x20one,\\x200\\x20of\\x20them\\x20bit\\x20for\\x20bit\n"
        ),
        "the first was made with something else, which its archive names: {receipt}"
    );
    let told = "1 of 1 archives have the contents of those of one, 0 of them bit for bit";
    assert!(said.story.contains(told), "{}", said.story);
    let first = small.toolchain("one");
    assert_eq!(first, small.toolchain("two"));
    assert_ne!(first, small.toolchain("tiny"));
    assert!(!small.root().exists(), "nothing is installed yet");

    // The same packages, made with something that shows: the comparison names them.
    small.world.edit(
        "system/core/tools/build.sh",
        "rm -rf \"$DESTDIR/usr/share\"\n",
        "rm -rf \"$DESTDIR/usr/share\"\n    mkdir -p \"$DESTDIR/usr/share\"\n    { cat /usr/share/count || true; echo one more; } > \"$DESTDIR/usr/share/count\" 2> /dev/null\n",
    );
    let said = small.pipeline("run --until chroot-tools");
    assert_eq!(said.code, Some(1), "{:#}", said.answer);
    assert!(
        said.story.contains("generations-differ") && said.story.contains("tools has contents"),
        "{}",
        said.story
    );
    assert_eq!(small::statuses(&said.answer)["chroot-tools"], "failed");
    let toolchains = small.world.cache().join("toolchains");
    assert_eq!(
        small.toolchain("two"),
        first,
        "what was refused has no name"
    );
    assert_eq!(
        names(&["one", "tiny", "two"]),
        fs_err::read_dir(toolchains)
            .expect("there are some")
            .map(|entry| entry.expect("it can be read").file_name())
            .map(|name| name.to_string_lossy().into_owned())
            .collect()
    );
}

#[test]
fn phases_that_are_not_there_yet_end_the_run_and_say_so() {
    let Some(small) = Small::new() else { return };
    let said = small.pipeline("run --until image");
    assert_eq!(said.code, Some(4), "{:#}", said.answer);
    assert!(
        said.story.contains("phase bootloader does not exist yet"),
        "{}",
        said.story
    );
    let statuses = small::statuses(&said.answer);
    assert_eq!(
        (statuses["extra"].as_str(), statuses["bootloader"].as_str()),
        ("done", "not-there")
    );
    assert_eq!(statuses["image"], "waiting");
}

#[test]
fn dry_run_tells_every_package_with_its_time_and_changes_nothing() {
    let Some(small) = Small::new() else { return };
    // What a command makes of a cache in every case is no change of this one.
    small.pipeline("status");
    let before = small.listing();
    let said = small.pipeline("run --until extra --dry-run");
    assert_eq!(said.code, Some(0), "{} {:#}", said.story, said.answer);
    assert_eq!(small.listing(), before);
    let statuses: Vec<String> = small::statuses(&said.answer).into_values().collect();
    assert_eq!(statuses, ["planned"; 14]);
    assert_eq!(
        small::packages(&said.answer, "toolchain", "planned"),
        names(&["tools"])
    );
    assert_eq!(
        small::packages(&said.answer, "base", "planned"),
        names(&["book"])
    );

    small.pipeline("run --until extra");
    small
        .world
        .edit("system/core/greet/build.sh", "hello", "hallo");
    let before = small.listing();
    let said = small.pipeline("run --until extra --dry-run");
    assert_eq!(small.listing(), before);
    let phase = small::phase(&said.answer, "core");
    assert_eq!(text(&phase["reason"]), "recipe greet changed");
    let package = phase["packages"]
        .as_array()
        .and_then(|packages| packages.iter().find(|one| one["name"] == "greet"))
        .expect("it would be built");
    assert_eq!(package["status"], "planned");
    assert!(
        package["seconds"]
            .as_f64()
            .is_some_and(|seconds| seconds > 0.0),
        "its last build took some time: {package:#}"
    );
    assert_eq!(small::phase(&said.answer, "toolchain")["status"], "skipped");
}

#[test]
fn dry_run_of_what_was_never_built_promises_no_time() {
    let Some(small) = Small::new() else { return };
    let said = small.pipeline("run --until extra --dry-run");
    assert_eq!(said.answer["seconds"], serde_json::Value::Null);
    assert_eq!(said.answer["unknown"], 8, "{:#}", said.answer);
    let base = small::phase(&said.answer, "base");
    assert_eq!(
        (&base["seconds"], &base["unknown"]),
        (&().into(), &1.into())
    );
    let told = small.words("run --until extra --dry-run");
    for line in [
        "(unknown: 1 packages were never built here)",
        "small: unknown: 8 packages were never built here",
    ] {
        assert!(told.contains(line), "{told}");
    }

    // One package of two is known: what it took is the least that both take.
    small.pipeline("run --until extra");
    small.recipe(
        "base",
        "pen",
        "",
        "",
        "do_install() { mkdir -p \"$DESTDIR/usr/share\"; echo > \"$DESTDIR/usr/share/pen\"; }\n",
    );
    small
        .world
        .edit("system/base/book/build.sh", "reader", "writer");
    small.world.edit(
        "system/profiles/small.toml",
        "\"book\"",
        "\"book\", \"pen\"",
    );
    let said = small.pipeline("run --until extra --dry-run");
    let base = small::phase(&said.answer, "base");
    assert!(
        base["seconds"]
            .as_f64()
            .is_some_and(|seconds| seconds > 0.0),
        "{base:#}"
    );
    assert_eq!(base["unknown"], 1);
    let told = small.words("run --until extra --dry-run");
    let line = told
        .lines()
        .find(|line| line.contains(" base "))
        .expect("it is told");
    assert!(
        line.contains("(at least ") && line.ends_with(": 1 packages were never built here)"),
        "{line}"
    );
}

#[test]
fn every_phase_says_what_it_does() {
    let Some(small) = Small::new() else { return };
    let listed = small.pipeline("list").answer;
    let phases = listed["phases"].as_array().expect("a list");
    assert_eq!(phases.len(), 21);
    for one in phases {
        let explained = small.pipeline(&format!("explain {}", text(&one["phase"])));
        assert_eq!(explained.code, Some(0), "{}", explained.story);
        assert_eq!(explained.answer["summary"], one["summary"]);
        for field in ["does", "inputs", "outputs", "check"] {
            assert!(!text(&explained.answer[field]).is_empty(), "{one:#}");
        }
    }
    assert_eq!(small.pipeline("explain nothing").code, Some(2));
}

#[test]
fn archives_of_all_phases_are_published_on_request() {
    let Some(small) = Small::new() else { return };
    let keys = small.world.path().join("keys");
    let keys = keys.display();
    let repository = small.world.path().join("repository");
    let made = small.world.run(&["key", "new", &keys.to_string()]);
    assert_eq!(made.code, Some(0), "{}", made.story);
    let said = small.pipeline("run --until publish");
    assert_eq!(said.code, Some(1), "{:#}", said.answer);
    assert!(
        said.story.contains("nobody said which repository"),
        "{}",
        said.story
    );
    let run = format!(
        "run --until publish --repository {} --keys {keys}",
        repository.display()
    );
    let said = small.pipeline(&run);
    assert_eq!(said.code, Some(0), "{} {:#}", said.story, said.answer);
    assert_eq!(
        small::with_status(&said.answer, "done"),
        names(&["publish"])
    );
    assert!(
        small
            .receipt("21-publish")
            .contains("output repository packages 6\n"),
        "{}",
        small.receipt("21-publish")
    );
}

#[test]
fn graph_and_schedule_are_drawn_with_every_recipe() {
    let Some(small) = Small::new() else { return };
    let draw = || {
        let [graph, schedule] =
            ["graph.svg", "schedule.svg"].map(|name| small.world.path().join(name));
        let arguments = format!(
            "list --profile small --graph {} --schedule {}",
            graph.display(),
            schedule.display()
        );
        let said = small.pipeline(&arguments);
        assert_eq!(said.code, Some(0), "{}", said.story);
        [graph, schedule].map(|path| fs_err::read_to_string(path).expect("it was drawn"))
    };
    let [graph, schedule] = draw();
    for name in ["greet", "chisel", "lamp", "book", "shelf", "profile-small"] {
        assert!(
            graph.contains(&format!(">{name}</text>")),
            "{name}: {graph}"
        );
        assert!(
            schedule.contains(&format!("<title>{name} of phase ")),
            "{name}: {schedule}"
        );
    }
    assert_eq!(graph.matches("<path ").count(), 3, "as many needs");
    assert!(schedule.contains("(a guess)"));
    small.pipeline("run --until extra");
    let [again, schedule] = draw();
    assert_eq!(again, graph);
    assert!(!schedule.contains("(a guess)"), "{schedule}");
}

#[test]
fn story_of_a_run_tells_what_is_left() {
    let Some(small) = Small::new() else { return };
    let mut command = small.command("run --until extra");
    let output = command
        .args(["--report", "json"])
        .output()
        .expect("the program is built with the tests");
    let story = String::from_utf8(output.stderr).expect("JSON is text");
    let events: Vec<serde_json::Value> = story
        .lines()
        .map(|line| serde_json::from_str(line).expect("each line is one value"))
        .collect();
    let outlooks: Vec<_> = events
        .iter()
        .filter(|event| event["event"] == "outlook")
        .collect();
    assert!(outlooks.len() >= 12, "two for each package: {story}");
    assert!(
        outlooks
            .iter()
            .any(|one| one["running"] == serde_json::json!(["tools"])),
        "it is told when a build begins, too: {story}"
    );
    let last = outlooks.last().expect("there are some");
    assert_eq!((&last["ready"], &last["waiting"]), (&0.into(), &0.into()));
    let phases = events
        .iter()
        .filter(|event| event["event"] == "started" && event["subject"]["task"] == "phase");
    assert_eq!(phases.count(), 14);
}
