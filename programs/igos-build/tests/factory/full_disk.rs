//! A full disk: the limit of one build, and a cache without room.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::world::{World, names, text};

/// A build that fills a file of 64 MiB.
const GREEDY: &str = "build() {\n    for part in 1 2 3 4 5 6 7 8; do\n        head -c 8388608 /dev/zero >> large\n    done\n    echo filled\n}\ndo_install() { :; }\n";

fn left(world: &World, directory: &str) -> Vec<String> {
    fs_err::read_dir(world.path().join(directory))
        .expect("the cache is ours")
        .map(|entry| entry.expect("it can be read").path().display().to_string())
        .collect()
}

#[test]
fn build_is_stopped_at_its_limit_of_disk_space_and_works_with_more() {
    let Some(world) = World::new() else { return };
    world.write("packages/igos.toml", "[limits]\ndisk_bytes = 16777216\n");
    // The last step waits, so that a limit which is watched from outside is seen in any case.
    let script = GREEDY.replace("    echo filled\n", "    sleep 60\n");
    world.recipe("greedy", "", &script);
    let said = world.run(&["build", "greedy"]);
    assert_eq!(said.code, Some(1), "{}", said.story);
    let report = said.package("greedy");
    assert_eq!(report["diagnostics"][0]["code"], "build-limit");
    let reason = text(&report["reason"]);
    assert_eq!(
        reason,
        "greedy failed to build: step build stopped at the limit on disk space"
    );
    let log = text(&report["log"]);
    assert!(said.told("greedy").contains(&log), "the log is named");
    assert_eq!(left(&world, "cache/work"), [""; 0]);
    assert_eq!(
        world.run(&["cache", "list"]).answer["builds"],
        serde_json::json!([])
    );

    world.write("packages/igos.toml", "[limits]\ndisk_bytes = 268435456\n");
    world.edit("packages/core/greedy/build.sh", "    sleep 60\n", "");
    let said = world.run(&["build", "greedy"]);
    assert_eq!(said.code, Some(0), "{}", said.story);
    assert_eq!(said.with_status("built"), names(&["greedy"]));
}

/// Copies the cache to a file system that has some MiB of room, runs a command there, enlarges it and runs it again.
const IN_SMALL_CACHE: &str = r#"
set -e
full=$1; cache=$2; first=$3; second=$4; free=$5
shift 5
mkdir -p "$full"
room=$(du -sm "$cache" | cut -f 1)
mount -t tmpfs -o "size=$((room + free))m,mode=755" none "$full"
cp -a "$cache/." "$full/"
code=0
"$@" > "$first" || code=$?
ls -A "$full/work" > "$first.work"
ls -A "$full/builds" > "$first.builds"
mount -o "remount,size=$((room + 512))m" "$full"
"$@" > "$second"
exit $code
"#;

/// Builds `greedy`, which installs a file of `size` bytes that cannot be compressed, with so many MiB of room, and
/// again with enough. Returns the exit code and the package of the first run; says why and returns `None` where no
/// file system can be mounted.
#[expect(clippy::print_stdout, reason = "a test that cannot run says why")]
fn in_small_cache(world: &World, size: u64, free: u64) -> Option<(Option<i32>, serde_json::Value)> {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: only root can mount a small file system");
        return None;
    }
    let script = format!(
        "do_install() {{\n    mkdir -p \"$DESTDIR/usr/share\"\n    head -c {size} /dev/urandom > \"$DESTDIR/usr/share/noise\"\n}}\n"
    );
    world.recipe("greedy", "lone", &script);
    // The toolchain and the dependency are in the cache; what fails is this build.
    assert_eq!(world.run(&["build", "lone"]).code, Some(0));
    let full = world.path().join("full");
    let (first, second) = (world.path().join("first"), world.path().join("second"));
    let builder = world.command(&["build", "greedy", "--json"]);
    #[expect(clippy::disallowed_methods, reason = "a test of a program starts it")]
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "sh", "-c", IN_SMALL_CACHE, "sh"])
        .arg(&full)
        .arg(world.cache())
        .arg(&first)
        .arg(&second)
        .arg(free.to_string())
        .arg(builder.get_program())
        .args(builder.get_args().map(|one| match one {
            one if one == world.cache().as_os_str() => full.as_os_str(),
            other => other,
        }))
        .stdin(Stdio::null());
    let ended = command.output().expect("unshare can be started");
    let story = String::from_utf8_lossy(&ended.stderr).into_owned();
    let read = |path: &Path| fs_err::read(path).unwrap_or_default();
    let (work, builds) = (
        read(&first.with_added_extension("work")),
        read(&first.with_added_extension("builds")),
    );
    let (first, second) = (read(&first), read(&second));
    if first.is_empty() {
        println!("skipped: no small file system can be mounted here: {story}");
        return None;
    }
    let code = ended.status.code();
    let answer: serde_json::Value = serde_json::from_slice(&first).expect("it is JSON");
    let packages = answer["packages"]
        .as_array()
        .unwrap_or_else(|| panic!("{answer:#} {story}"));
    let greedy = packages
        .iter()
        .find(|one| one["name"] == "greedy")
        .expect("it was asked for");
    assert_eq!(greedy["status"], "failed", "{answer:#}");
    let told = greedy.to_string();
    assert!(told.contains("greedy"), "{told}");
    assert!(told.contains("No space left on device"), "{told}");
    assert!(!text(&greedy["log"]).is_empty(), "{told}");
    let builds = String::from_utf8_lossy(&builds);
    assert_eq!(String::from_utf8_lossy(&work), "", "nothing is left");
    assert_eq!(builds.lines().count(), 1, "that of lone: {builds}");
    let answer: serde_json::Value = serde_json::from_slice(&second).expect("it is JSON");
    assert_eq!(answer["built"], 1, "{answer:#} {story}");
    assert_eq!(answer["cached"], 1, "{answer:#} {story}");
    Some((code, greedy.clone()))
}

#[test]
fn build_in_a_cache_without_room_fails_clearly_and_the_next_run_goes_on() {
    let Some(world) = World::new() else { return };
    let Some((code, greedy)) = in_small_cache(&world, 16 << 20, 4) else {
        return;
    };
    assert_eq!(code, Some(1), "{greedy:#}");
    assert_eq!(
        text(&greedy["reason"]),
        "greedy failed to build: step install exited with code 1"
    );
}

#[test]
fn archive_for_which_there_is_no_room_is_not_left_by_halves() {
    let Some(world) = World::new() else { return };
    // What the build installs fits, the archive of it does not.
    let Some((code, greedy)) = in_small_cache(&world, 12 << 20, 18) else {
        return;
    };
    assert_eq!(code, Some(4), "{greedy:#}");
    assert_eq!(
        text(&greedy["reason"]),
        "cannot write the archives of greedy"
    );
}
