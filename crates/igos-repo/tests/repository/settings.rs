//! Settings of repositories, and adding and removing them.

use igos_format::trust::TopRole;
use igos_repo::repository::{
    CacheContents, CachePolicy, RepositoryName, RepositorySettings, RepositorySettingsError,
    TrustedRoot, Waiting,
};
use igos_report::Explain;
use proptest::prelude::{prop_assert_eq, proptest};

use crate::packages::{noise, package};
use crate::world::{Machine, Published};

fn name() -> RepositoryName {
    "main".parse().expect("a name")
}

fn wrong(text: &str) -> Vec<String> {
    let parsed = RepositorySettings::parse(name(), "main.toml", text);
    let wrong = parsed.expect_err("it is wrong").into_iter();
    wrong
        .map(|diagnostic| {
            let hints = diagnostic.hints.join("; ");
            format!("{}: {} [{hints}]", diagnostic.code, diagnostic.message)
        })
        .collect()
}

#[test]
fn example_of_the_document_is_understood() {
    let document = include_str!("../../../../docs/formats/repositories.d.md");
    let mut examples = document.split("```toml\n").skip(1);
    let example = examples.next().and_then(|rest| rest.split("```").next());
    let settings = RepositorySettings::parse(name(), "main.toml", example.expect("there is one"));
    let settings = settings.expect("it is sound");
    assert_eq!(
        settings.url.to_string(),
        "https://packages.example.org/igos"
    );
    assert_eq!(settings.mirrors.len(), 2);
    assert_eq!(settings.priority.0, 60);
    assert!(settings.may_provide(&"linux-lts".parse().expect("a name")));
    assert!(!settings.may_provide(&"zlib".parse().expect("a name")));
    assert_eq!(
        settings.trusted_root,
        TrustedRoot::File("main.root.json".into())
    );
    let again = RepositorySettings::parse(name(), "main.toml", &settings.to_text());
    assert_eq!(again, Ok(settings));
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    assert_eq!(
        wrong("url = \"ftp://h\"\nmirors = []\npins = [\"a b\"]\ntrusted-root-file = \"a\"\n"),
        [
            "setting-unknown: a repository has no setting `mirors` [did you mean `mirrors`?]",
            "setting-invalid: url: \"ftp://h\" is not https://HOST/PATH, http://HOST/PATH, file:///PATH or an absolute path []",
            "setting-invalid: pins: \"a b\" is not a pattern of package names such as `linux-*` []",
        ]
    );
    assert_eq!(
        wrong("url = \"/srv\"\n"),
        [
            "setting-invalid: there are neither of `trusted-root-file` and `trusted-root`: one says whom the repository is believed []"
        ]
    );
    assert_eq!(wrong("url = 1\ntrusted-root = \"\"\n").len(), 1);
}

proptest! {
    #[test]
    fn any_text_is_understood_or_refused_and_what_is_written_is_understood(
        text in "(url|mirrors|pins|priority|enabled|trusted-root(-file)?|[a-z.\"]{0,8})( ?= ?(\"(/|http://h/)?[a-z*?/ ]{0,9}\"|[0-9-]{1,6}|true|\\[[\"a-z, ]{0,9}\\])\n)?",
        more in "url = \"/srv\"\ntrusted-root = \"\"\n|.{0,40}",
    ) {
        for text in [text.clone(), format!("{more}{text}"), format!("{more}\n{text}")] {
            if let Ok(settings) = RepositorySettings::parse(name(), "main.toml", &text) {
                let again = RepositorySettings::parse(name(), "main.toml", &settings.to_text());
                prop_assert_eq!(again, Ok(settings));
            }
        }
    }
}

#[test]
fn settings_of_all_repositories_are_read_together() {
    let machine = Machine::new();
    let directory = machine.root().join("etc/igos/repositories.d");
    fs_err::create_dir_all(&directory).expect("the root is ours");
    fs_err::write(directory.join("a.toml"), "url = 1\n").expect("the root is ours");
    fs_err::write(directory.join("B.toml"), "").expect("the root is ours");
    fs_err::write(directory.join("notes.txt"), "not settings").expect("the root is ours");
    let Err(RepositorySettingsError::Invalid { diagnostics }) = machine.places().load() else {
        panic!("two files are wrong");
    };
    assert_eq!(diagnostics.len(), 2);
    assert_eq!(Machine::new().places().load().expect("there are none"), []);
}

#[test]
fn root_is_offered_to_those_who_name_its_keys() {
    let published = Published::new(&[&package("zlib 1")]);
    let machine = Machine::new();
    let url = published.repository().display().to_string();
    let settings = RepositorySettings::new(
        name(),
        url.parse().expect("an address"),
        TrustedRoot::Inline(String::new()),
    );
    let client = igos_repo::repository::RepositoryClient::new(
        machine.places(),
        vec![settings.clone()],
        machine.settings.clone(),
    )
    .expect("the root is ours");
    let error = client
        .offered_root(&name(), &[])
        .expect_err("no key is named");
    assert_eq!(
        (error.code(), error.exit_code()),
        ("repository-root-other-keys", 1)
    );
    let keys = igos_repo::repository::OfferedRoot::read(&name(), published.root())
        .expect("it is sound")
        .keys();
    assert!(error.hints()[0].contains(&keys[0].to_string()));
    let root = client
        .offered_root(&name(), &keys)
        .expect("these are its keys");
    assert_eq!(root.root().role(TopRole::Root).threshold, 1);
    machine
        .places()
        .add(&settings, &root)
        .expect("the name is free");
    let again = machine.places().add(&settings, &root);
    assert_eq!(again.expect_err("it is taken").code(), "repository-exists");
    machine.sync().expect("it is sound");
    let loaded = machine.places().load_one(&name()).expect("it was added");
    machine
        .places()
        .remove(&loaded, Waiting::Refuse, &machine.reporter)
        .expect("it is ours");
    let state = machine.root().join("var/lib/igos/repositories/main");
    assert!(!state.exists());
    let gone = machine
        .places()
        .load_one(&name())
        .expect_err("it was removed");
    assert_eq!(gone.code(), "repository-unknown");
    assert!(
        !machine
            .root()
            .join("etc/igos/repositories.d/main.root.json")
            .exists()
    );
}

#[test]
fn links_in_the_root_are_not_followed() {
    let published = Published::new(&[&package("zlib 1")]);
    let machine = Machine::new();
    let outside = tempfile::tempdir().expect("a temporary directory");
    fs_err::create_dir(machine.root().join("var")).expect("the root is ours");
    fs_err::os::unix::fs::symlink(outside.path(), machine.root().join("var/lib"))
        .expect("the root is ours");
    machine.add(
        "main",
        &published.repository().display().to_string(),
        &published,
    );
    let error = machine.sync().expect_err("the state would be outside");
    assert_eq!(error.code(), "repository-directory-unusable");
    let mut entries = fs_err::read_dir(outside.path()).expect("it is there");
    assert!(entries.next().is_none());
}

#[test]
fn cache_keeps_what_its_policy_says() {
    let (old, new) = (
        package("big 1").file("usr/lib/big", noise(1, 1000)),
        package("big 2").file("usr/lib/big", noise(2, 1000)),
    );
    let published = Published::new(&[&old]);
    let machine = Machine::new();
    machine.add(
        "main",
        &published.repository().display().to_string(),
        &published,
    );
    let seal = |machine: &Machine| machine.wanted("big").seal;
    machine.sync().expect("it is sound");
    crate::download::fetch_whole(&machine, "big")
        .0
        .expect("it is there");
    let first = seal(&machine);
    published.publish(&[&new]);
    machine.sync().expect("it is sound");
    crate::download::fetch_whole(&machine, "big")
        .0
        .expect("it is there");
    let partial = machine.root().join("var/cache/igos/partial/x.part");
    fs_err::write(&partial, "left behind").expect("the root is ours");
    let contents = CacheContents::read(&machine.places()).expect("it can be read");
    assert_eq!((contents.archives.len(), contents.parts.len()), (2, 1));
    let deleted = |policy: &CachePolicy| contents.plan(policy).files.len() - 1;
    assert_eq!(deleted(&CachePolicy::Nothing), 2);
    assert_eq!(deleted(&CachePolicy::Newest(2)), 0);
    assert_eq!(deleted(&CachePolicy::Newest(1)), 1);
    assert_eq!(deleted(&CachePolicy::Current([first].into())), 1);
    contents
        .plan(&CachePolicy::Newest(1))
        .carry_out()
        .expect("the root is ours");
    let left = CacheContents::read(&machine.places()).expect("it can be read");
    let package = left.archives[0].package.as_ref().expect("it is sound");
    assert_eq!((left.archives.len(), package.seal), (1, seal(&machine)));
    assert_eq!(left.parts, []);
}
