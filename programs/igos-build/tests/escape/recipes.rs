//! Line 20: recipes whose text is the attack. Each is the honest one with one change.

use crate::quiet::say;
use crate::state::Host;
use crate::world::{Seat, World};
use crate::{Length, Test};

pub(crate) const TESTS: &[Test] = &[(
    "hostile_recipes_are_refused",
    Length::Short,
    hostile_recipes_are_refused,
)];

const HONEST: &str = "format: 1\nname: NAME\nversion: \"1\"\nrelease: 1\ntier: core\ndescription: For a test\nlicense: CC0-1.0\nbuild_style: custom\nsource:\n  - file: files/a.txt\n";
const SCRIPT: &str = "do_install() {\n    mkdir -p \"$DESTDIR/usr/share\"\n    cp a.txt \"$DESTDIR/usr/share/$PKG_NAME\"\n}\n";
const PATCH: &str = "--- a/../../../../../../tmp/igos-escape-patched\n+++ b/../../../../../../tmp/igos-escape-patched\n@@ -0,0 +1 @@\n+patched\n";

fn hostile_recipes_are_refused(world: &World) {
    // The digest of a file of the host: a recipe that could read it would be built.
    let digest = igos_format::Sha256::of(b"of the host\n");
    let url = |text: &str| format!("  - url: {text}\n    sha256: {digest}\n");
    let host_file = world.path.join("host/file").display().to_string();
    // What it is called, what is replaced, by what.
    let source = "  - file: files/a.txt\n";
    let cases: Vec<(&str, &str, String)> = vec![
        ("honest", "", String::new()),
        ("absolute-file", source, format!("  - file: {host_file}\n")),
        ("file-above", source, "  - file: ../../../../../../etc/passwd\n".into()),
        ("file-above-inside", source, "  - file: files/../../honest/files/a.txt\n".into()),
        ("file-scheme", source, url(&format!("file://{host_file}"))),
        ("option-as-url", source, url(&format!("--config={host_file}"))),
        ("option-after-url", source, url("\"https://igos-escape.example/x --output /tmp/igos-escape\"")),
        ("other-scheme", source, url("scp://igos-escape.example/x")),
        ("git-command", source, url("git+ext::sh -c touch% /tmp/igos-escape")),
        ("no-checksum", source, "  - url: https://igos-escape.example/x\n".into()),
        ("checksum-skip", source, "  - url: https://igos-escape.example/x\n    sha256: SKIP\n".into()),
        ("checksum-short", source, "  - url: https://igos-escape.example/x\n    sha256: \"00\"\n".into()),
        ("checksum-of-other", source, "  - url: https://igos-escape.example/probe\n    sha256: 1111111111111111111111111111111111111111111111111111111111111111\n".into()),
        ("patch-above", "build_style: custom\n", "build_style: custom\npatches:\n  - ../../../../etc/passwd\n".into()),
        ("patch-traversal", "build_style: custom\n", "build_style: custom\npatches:\n  - files/traversal.patch\n".into()),
        ("shell-in-name", "name: shell-in-name", "name: \"x;touch /tmp/igos-escape\"".into()),
        ("path-in-name", "name: path-in-name", "name: \"../x\"".into()),
        ("option-as-name", "name: option-as-name", "name: \"--help\"".into()),
        ("shell-in-version", "version: \"1\"", "version: \"1$(touch /tmp/igos-escape)\"".into()),
        ("path-in-version", "version: \"1\"", "version: \"../../1\"".into()),
    ];
    let (mut refused, mut wrong) = (0, Vec::new());
    for (name, from, to) in &cases {
        world.forget();
        let honest = HONEST.replace("NAME", name);
        assert!(honest.contains(from), "{name}: {from}");
        let text = match from.is_empty() {
            true => honest,
            false => honest.replace(from, to),
        };
        let directory = world.path.join("packages/core").join(name).join("files");
        fs_err::create_dir_all(&directory).expect("it is ours");
        fs_err::write(directory.join("a.txt"), "a\n").expect("it is ours");
        fs_err::write(directory.join("traversal.patch"), PATCH).expect("it is ours");
        world.recipe_of(name, &text, SCRIPT);
        let before = Host::of(world);
        let said = world.run(Seat::Nothing, &[], &["build", "--all", "--json"]);
        let differences = before.differences(world);
        let is_built = said.printed.contains("\"built\":1");
        if is_built != (*name == "honest") || !differences.is_empty() {
            wrong.push(format!("{name}: {said:?} {differences:?}"));
        }
        let code = said
            .printed
            .split("\"code\":")
            .nth(1)
            .and_then(|rest| rest.split('"').nth(1))
            .or_else(|| said.story.split("error[").nth(1)?.split(']').next())
            .unwrap_or("none");
        say(&format!("recipe {name}: exit {:?}, {code}", said.code));
        refused += usize::from(!is_built);
    }
    assert_eq!(wrong, [""; 0]);
    say(&format!("{} recipes, {refused} refused", cases.len()));
}
