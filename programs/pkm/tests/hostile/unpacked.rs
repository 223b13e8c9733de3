//! `pkm unpack`: what is there afterwards, who owns it, and which locks were in force.

use std::os::unix::fs::MetadataExt;
use std::process::Output;

use igos_format::archive::CompressionFormat;

use crate::cases::honest;
use crate::given::{World, code_of};

/// Tells whether nothing can be confined here, and says so.
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
pub(crate) fn is_unconfined(output: &Output) -> bool {
    let (code, _) = code_of(output);
    let missing = code.starts_with("sandbox");
    if missing {
        println!("skipped: archives cannot be unpacked confined here: {code}");
    }
    missing
}

/// Returns the names of the fields that the document gives an answer.
fn documented() -> Vec<&'static str> {
    let document = include_str!("../../../../docs/json/pkm.md");
    let (_, section) = document.split_once("\n## `unpack`\n").expect("the heading");
    let (_, object) = section.split_once('{').expect("an object");
    let (object, _) = object.split_once('}').expect("it ends");
    let mut names: Vec<&str> = object.split(',').map(str::trim).collect();
    names.sort_unstable();
    names
}

#[test]
fn unpacked_archive_has_its_contents_and_the_locks_are_told() {
    let world = World::new();
    for format in CompressionFormat::ALL {
        fs_err::write(world.path("given"), honest(format).build()).expect("it is ours");
        let output = world.unpack();
        if is_unconfined(&output) {
            return;
        }
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let answer: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(answer["package"]["name"], "tiny");
        assert_eq!(
            (&answer["paths"], &answer["directory"]),
            (&11.into(), &"unpacked".into())
        );
        let mut fields: Vec<&String> = answer.as_object().expect("an object").keys().collect();
        fields.sort_unstable();
        assert_eq!(fields, documented());
        let mode = fs_err::metadata(world.path("unpacked"))
            .expect("it was made")
            .mode();
        assert_eq!(mode & 0o7777, 0o700);
        let measures = &answer["measures"];
        assert_eq!(measures["confinement"], "sandbox");
        assert!(measures["landlock_abi"].as_u64() > Some(0), "{measures}");
        assert!(
            measures["system_call_filter"].as_u64() > Some(0),
            "{measures}"
        );
        let read = |name: &str| fs_err::read_to_string(world.path(name)).expect("it was unpacked");
        assert_eq!(read("unpacked/bin/d"), "other");
        assert_eq!(read("unpacked/bin/b"), "content of a");
        // It is there now.
        let (code, exit) = code_of(&world.unpack());
        assert_eq!((code.as_str(), exit), ("unpack-directory", Some(4)));
        assert_eq!(read("unpacked/bin/d"), "other");
        fs_err::remove_dir_all(world.path("unpacked")).expect("it is ours");
    }
}

#[test]
fn unpacking_does_not_follow_a_link_in_the_place_of_the_archive_or_the_directory() {
    let world = World::new();
    fs_err::write(world.path("given"), honest(CompressionFormat::Zstd).build())
        .expect("it is ours");
    std::os::unix::fs::symlink("beside", world.path("unpacked")).expect("it is ours");
    let (code, exit) = code_of(&world.unpack());
    if code.starts_with("sandbox") {
        return;
    }
    assert_eq!((code.as_str(), exit), ("unpack-directory", Some(4)));
    assert_eq!(
        fs_err::read_dir(world.path("beside"))
            .expect("it is there")
            .count(),
        1
    );
    fs_err::remove_file(world.path("unpacked")).expect("it is ours");
    fs_err::rename(world.path("given"), world.path("real")).expect("it is ours");
    std::os::unix::fs::symlink("real", world.path("given")).expect("it is ours");
    let (_, exit) = code_of(&world.unpack());
    assert_ne!(exit, Some(0));
    assert!(!world.path("unpacked").exists());
}
