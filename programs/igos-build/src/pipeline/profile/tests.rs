//! Tests of profiles.

use std::path::Path;

use igos_report::{Explain, Place};

use super::{ImageKind, Profile, Runlevel};

fn parse(text: &str) -> Result<Profile, super::DocumentError> {
    let name = "minimal".parse().expect("a name");
    Profile::parse(Path::new("minimal.toml"), &name, text)
}

/// The example of the document.
const EXAMPLE: &str = include_str!("../../../../../docs/formats/profile.md");

#[test]
fn example_of_the_document_is_read() {
    let example = EXAMPLE
        .split("```toml\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .expect("the document has an example");
    let profile = parse(example).expect("the example is valid");
    assert_eq!(profile.image, ImageKind::Disk);
    assert_eq!(profile.hostname.as_deref(), Some("igos"));
    assert_eq!(profile.services[&Runlevel::Default].len(), 2);
    let requested: Vec<_> = profile.requested().map(ToString::to_string).collect();
    assert_eq!(
        requested.last().map(String::as_str),
        Some("linux"),
        "{requested:?}"
    );
    assert_eq!(
        profile.users.first().and_then(|user| user.shell.as_deref()),
        Some("/bin/bash")
    );
}

#[test]
fn everything_wrong_is_told_with_line_and_column() {
    let text = "format = 2\ndescription = \"\"\npackages = [\"a\", \"b c\", \"a\"]\nimage = \"root\"\nhostname = \"-x\"\n[[users]]\nname = \"u\"\nhome = \"home\"\n[services]\ndefault = [\"s\", \"s\"]\n[files]\n\"usr/a\" = \"\"\n\"etc/../b\" = \"\"\n";
    let error = parse(text).expect_err("many things are wrong");
    let places: Vec<(usize, usize)> = error
        .diagnostics()
        .into_iter()
        .filter_map(|diagnostic| match diagnostic.place {
            Some(Place::Source { span, .. }) => Some((span.line, span.column)),
            _ => None,
        })
        .collect();
    assert_eq!(
        places,
        [
            (1, 10),
            (2, 15),
            (3, 18),
            (3, 25),
            (5, 12),
            (10, 17),
            (8, 8),
            (13, 14),
            (12, 11)
        ]
    );
}

#[test]
fn people_are_let_in_by_what_can_be_understood() {
    let head = "format = 1\ndescription = \"d\"\npackages = []\nimage = \"root\"\n";
    let hash = format!("$6$salt${}", "x".repeat(86));
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPAuRGNJiMLSKuwfCzuSsfX1Oc3oosZLPRrhAN+Tt65 me";
    let good = format!(
        "{head}[[users]]\nname = \"root\"\npassword_hash = \"{hash}\"\n[[users]]\nname = \"u\"\nhome = \"/home/u\"\ngroups = [\"wheel\"]\nauthorized_keys = [\"{key}\"]\n[[users]]\nname = \"d\"\n"
    );
    let profile = parse(&good).expect("it is valid");
    let names: Vec<_> = profile
        .users
        .iter()
        .map(|user| user.name.as_str())
        .collect();
    assert_eq!(names, ["u", "d"], "root is there already");
    let fields: Vec<_> = profile
        .logins
        .iter()
        .map(|login| (login.name.as_str(), login.shadow_field()))
        .collect();
    assert_eq!(
        fields,
        [("root", Some(hash.as_str())), ("u", Some("*")), ("d", None)]
    );

    for (text, line) in [
        (
            "[[users]]\nname = \"u\"\npassword_hash = \"secret\"\n".to_owned(),
            7,
        ),
        (
            "[[users]]\nname = \"u\"\nhome = \"/home/u\"\nauthorized_keys = [\"ssh-dss x\"]\n"
                .to_owned(),
            8,
        ),
        (
            format!("[[users]]\nname = \"u\"\nauthorized_keys = [\"{key}\"]\n"),
            7,
        ),
        (
            format!("[[users]]\nname = \"u\"\nhome = \"/var/u\"\nauthorized_keys = [\"{key}\"]\n"),
            8,
        ),
        (
            format!(
                "[[users]]\nname = \"u\"\nhome = \"/home/../u\"\nauthorized_keys = [\"{key}\"]\n"
            ),
            8,
        ),
        (
            "[[users]]\nname = \"u\"\ngroups = [\"wheel\", \"wheel\"]\n".to_owned(),
            7,
        ),
        (
            "[[users]]\nname = \"root\"\nshell = \"/bin/bash\"\n".to_owned(),
            6,
        ),
    ] {
        let error = parse(&format!("{head}{text}")).expect_err("something is wrong");
        let diagnostics = error.diagnostics();
        assert_eq!(diagnostics.len(), 1, "{diagnostics:?}");
        let Some(Place::Source { span, .. }) = &diagnostics[0].place else {
            panic!("{diagnostics:?}");
        };
        assert_eq!(span.line, line, "{diagnostics:?}");
    }
}

#[test]
fn unknown_keys_and_kinds_are_refused() {
    for (text, line) in [
        (
            "format = 1\ndescription = \"d\"\npackages = []\nimage = \"root\"\ncolour = 3\n",
            5,
        ),
        (
            "format = 1\ndescription = \"d\"\npackages = []\nimage = \"usb\"\n",
            4,
        ),
        (
            "format = 1\ndescription = \"d\"\npackages = []\nimage = \"root\"\n[services]\nsingle = []\n",
            6,
        ),
    ] {
        let error = parse(text).expect_err("something is unknown");
        let diagnostics = error.diagnostics();
        let Some(Place::Source { span, .. }) = &diagnostics[0].place else {
            panic!("{diagnostics:?}");
        };
        assert_eq!(span.line, line, "{diagnostics:?}");
    }
}
