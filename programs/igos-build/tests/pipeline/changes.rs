//! What runs again when something changed, and what does not.

use igos_build::pipeline::Receipt;

use crate::small::{self, Small};
use crate::world::{names, text};

#[test]
fn changed_recipe_runs_exactly_the_phases_that_it_is_in_or_below() {
    let Some(small) = Small::new() else { return };
    small.pipeline("run --until extra");

    // What comes out is another: everything that sees it is built again.
    small
        .world
        .edit("system/core/greet/build.sh", "hello", "hallo");
    let said = small.pipeline("run --until extra");
    assert_eq!(said.code, Some(0), "{} {:#}", said.story, said.answer);
    let done = ["validate", "verify-sources", "core", "base", "extra"];
    assert_eq!(small::with_status(&said.answer, "done"), names(&done));
    assert_eq!(
        small::packages(&said.answer, "core", "built"),
        names(&["greet"])
    );
    assert_eq!(
        small::packages(&said.answer, "base", "built"),
        names(&["book"])
    );
    assert_eq!(
        small::packages(&said.answer, "extra", "built"),
        names(&["shelf"])
    );
    let shelf = fs_err::read_to_string(small.root().join("usr/share/shelf"));
    assert_eq!(shelf.expect("it is installed"), "hallo, reader\n");
    small.expect_chain(14);

    // What comes out is the same: nothing above it is built again, and the phases above are skipped.
    small
        .world
        .edit("system/core/lamp/build.sh", "}", "}\n# Nothing else.");
    let said = small.pipeline("run --until extra");
    assert_eq!(said.code, Some(0), "{} {:#}", said.story, said.answer);
    let done = ["validate", "verify-sources", "core-extra"];
    assert_eq!(small::with_status(&said.answer, "done"), names(&done));
    assert_eq!(
        text(&small::phase(&said.answer, "core-extra")["reason"]),
        "recipe lamp changed"
    );
    small.expect_chain(14);
}

#[test]
fn package_that_the_profile_drops_goes_and_one_that_it_adds_comes() {
    let Some(small) = Small::new() else { return };
    small.pipeline("run --until extra");
    let profile = "system/profiles/small.toml";
    small
        .world
        .edit(profile, "\"book\", \"shelf\"", "\"chisel\"");
    let said = small.pipeline("run --until extra");
    assert_eq!(said.code, Some(0), "{} {:#}", said.story, said.answer);
    let root = small.root();
    assert!(!root.join("usr/share/shelf").exists());
    assert!(!root.join("usr/share/book").exists());
    assert!(root.join("usr/share/chisel").exists());
    assert!(root.join("usr/share/greeting").exists());

    small
        .world
        .edit(profile, "hostname = \"small\"", "hostname = \"tall\"");
    let said = small.pipeline("run --until extra");
    assert_eq!(
        small::with_status(&said.answer, "done"),
        names(&["validate", "verify-sources", "config"])
    );
    let hostname = fs_err::read_to_string(root.join("etc/hostname"));
    assert_eq!(hostname.expect("it is installed"), "tall\n");
}

#[test]
fn what_a_phase_made_and_is_gone_is_made_again() {
    let Some(small) = Small::new() else { return };
    small.pipeline("run --until extra");
    let receipts = small.receipts();

    fs_err::remove_dir_all(small.root()).expect("the world is ours");
    let said = small.pipeline("run --until extra");
    assert_eq!(said.code, Some(0), "{} {:#}", said.story, said.answer);
    assert_eq!(
        text(&small::phase(&said.answer, "core")["reason"]),
        "the root has no greet"
    );
    assert!(small.root().join("usr/share/shelf").exists());

    let toolchain = small.world.cache().join("toolchains/two");
    fs_err::remove_dir_all(toolchain).expect("the world is ours");
    let said = small.pipeline("run --until extra");
    assert_eq!(
        small::with_status(&said.answer, "done"),
        names(&["chroot-tools"])
    );
    assert_eq!(small.receipts(), receipts);
}

#[test]
fn damaged_receipt_is_named_and_its_phase_runs_again() {
    let Some(small) = Small::new() else { return };
    small.pipeline("run --until extra");
    let receipts = small.receipts();
    let path = small.directory().join("receipts/07-core");
    let damaged = receipts["07-core"].replace("profile small", "profile smell");
    fs_err::write(&path, damaged).expect("the world is ours");
    let status = small.pipeline("status");
    assert!(
        text(&small::phase(&status.answer, "core")["reason"])
            .starts_with("its receipt is damaged: its digest is "),
        "{:#}",
        status.answer
    );
    let said = small.pipeline("run --until extra");
    assert_eq!(said.code, Some(0), "{} {:#}", said.story, said.answer);
    assert!(said.story.contains("receipt-damaged"), "{}", said.story);
    assert!(said.story.contains("receipts/07-core"), "{}", said.story);
    assert_eq!(small::with_status(&said.answer, "done"), names(&["core"]));
    assert_eq!(small.receipts(), receipts);
}

#[test]
fn receipt_of_other_rules_is_no_reason_to_skip() {
    let Some(small) = Small::new() else { return };
    small.pipeline("run --until extra");
    let receipts = small.receipts();
    for (name, text) in &receipts {
        let phase = name.split_once('-').expect("a number and a phase").1;
        let mut receipt = Receipt::parse(text).expect("it was just written");
        let rules = receipt.inputs.get("rules", phase).map(str::parse::<u32>);
        assert!(matches!(rules, Some(Ok(1..))), "{text}");
        receipt.inputs.add("rules", phase, 0);
        let path = small.directory().join("receipts").join(name);
        fs_err::write(path, receipt.text()).expect("the world is ours");
    }
    let said = small.pipeline("run --until extra");
    assert_eq!(said.code, Some(0), "{} {:#}", said.story, said.answer);
    let statuses: Vec<String> = small::statuses(&said.answer).into_values().collect();
    assert_eq!(statuses, ["done"; 14]);
    let reason = &small::phase(&said.answer, "validate")["reason"];
    assert_eq!(text(reason), "rules validate changed");
    assert_eq!(small.receipts(), receipts);
}

#[test]
fn other_build_of_equal_contents_in_the_root_is_no_reason_to_run_again() {
    let Some(small) = Small::new() else { return };
    // Core builds the chisel, and core-extra installs it.
    small.world.edit(
        "system/core/lamp/package.yml",
        "runtime: []",
        "runtime: [chisel]",
    );
    small.pipeline("run --until extra");
    let receipt = small.receipt("09-core-extra");
    assert!(receipt.contains("output installed chisel "), "{receipt}");
    // Another build of the same chisel, which a later phase that runs brings into the root.
    small
        .world
        .edit("system/core/chisel/build.sh", "}", "}\n# Nothing else.");
    small
        .world
        .edit("system/base/book/build.sh", "reader", "writer");
    let said = small.pipeline("run --until extra");
    assert_eq!(said.code, Some(0), "{} {:#}", said.story, said.answer);
    let statuses = small::statuses(&said.answer);
    assert_eq!(
        (statuses["core"].as_str(), statuses["core-extra"].as_str()),
        ("done", "skipped")
    );
    let receipts = small.receipts();
    let said = small.pipeline("run --until extra");
    let statuses: Vec<String> = small::statuses(&said.answer).into_values().collect();
    assert_eq!(statuses, ["skipped"; 14], "{:#}", said.answer);
    assert_eq!(small.receipts(), receipts);
}

#[test]
fn receipts_say_whether_tests_ran() {
    let Some(small) = Small::new() else { return };
    small.world.edit(
        "system/core/lamp/build.sh",
        "do_install()",
        "check() { :; }\ndo_install()",
    );
    small.pipeline("run --until extra");
    let [first, extra] = ["04-toolchain", "09-core-extra"].map(|name| small.receipt(name));
    assert!(first.contains("input tests one run\n"), "{first}");
    let without = "input untested one\\x20tools ";
    assert!(first.contains(without), "{first}");
    assert!(extra.contains("input tests system run\n"), "{extra}");
    assert!(!extra.contains("input untested"), "{extra}");

    small.pipeline("run --until extra --no-check");
    let extra = small.receipt("09-core-extra");
    assert!(extra.contains("input tests system skipped\n"), "{extra}");
}
