//! Copies that fail in every way: each is named and passed over, and never ends the update.

use std::path::PathBuf;

use igos_repo::repository::SyncChange;

use crate::packages::{noise, package};
use crate::server::{Answer, Asked, Server};
use crate::sync::serve;
use crate::world::{Machine, Published};

type Misbehave = fn(PathBuf, &Asked) -> Answer;

fn honest(repository: PathBuf, asked: &Asked) -> Answer {
    Published::file(&repository, &asked.path).map_or(Answer::Status(404), Answer::File)
}

/// Returns an answer that is wrong for one kind of file and right for the others.
fn wrong_for(kind: &str, repository: PathBuf, asked: &Asked, wrong: Answer) -> Answer {
    if asked.path.contains(kind) {
        wrong
    } else {
        honest(repository, asked)
    }
}

const METADATA: [(&str, Misbehave); 6] = [
    ("is missing", |_, _| Answer::Status(404)),
    ("500", |_, _| Answer::Status(500)),
    ("not to be trusted", |repository, asked| {
        wrong_for("timestamp", repository, asked, Answer::File(b"{}".to_vec()))
    }),
    ("more than", |_, _| Answer::Endless),
    ("timeout", |_, _| Answer::Silent),
    ("digest", |repository, asked| {
        match (asked.path.contains("snapshot"), honest(repository, asked)) {
            (true, Answer::File(mut bytes)) => {
                let last = bytes.len() - 1;
                bytes[last] ^= 1;
                Answer::File(bytes)
            }
            (_, answer) => answer,
        }
    }),
];

#[test]
fn copy_with_bad_metadata_is_named_and_passed_over() {
    let published = Published::new(&[&package("zlib 1.3")]);
    let good = serve(&published);
    for (reason, misbehave) in METADATA {
        let repository = published.repository();
        let bad = Server::start(move |asked| misbehave(repository.clone(), asked));
        let machine = Machine::new();
        machine.add_with("main", &bad.url(""), &published, |settings| {
            settings.mirrors = vec![good.url("").parse().expect("an address")];
        });
        let synced = machine.sync().expect("the mirror is sound");
        assert_eq!(synced.change, SyncChange::Updated, "{reason}");
        assert_eq!(synced.failed.len(), 1, "{reason}");
        let failed = synced.failed[0].to_string();
        assert!(failed.starts_with(&bad.url("")[..20]), "{failed}");
        assert!(failed.contains(reason), "{reason}: {failed}");
    }
}

#[test]
fn copy_with_a_bad_index_is_named_and_passed_over() {
    let published = Published::new(&[&package("zlib 1.3")]);
    let cases: [(&str, Misbehave); 4] = [
        ("no such file", |repository, asked| {
            wrong_for("packages.index", repository, asked, Answer::Status(404))
        }),
        ("instead of", |repository, asked| {
            wrong_for(
                "packages.index",
                repository,
                asked,
                Answer::File(b"short".to_vec()),
            )
        }),
        ("another digest", |repository, asked| {
            match (
                asked.path.contains("packages.index"),
                honest(repository, asked),
            ) {
                (true, Answer::File(mut bytes)) => {
                    bytes[40] ^= 1;
                    Answer::File(bytes)
                }
                (_, answer) => answer,
            }
        }),
        ("no end", |repository, asked| {
            wrong_for("packages.index", repository, asked, Answer::Endless)
        }),
    ];
    for (reason, misbehave) in cases {
        let repository = published.repository();
        let bad = Server::start(move |asked| misbehave(repository.clone(), asked));
        let machine = Machine::new();
        machine.add_with("main", &bad.url(""), &published, |settings| {
            let good = published.repository().display().to_string();
            settings.mirrors = vec![good.parse().expect("an address")];
        });
        let synced = machine.sync().expect("the mirror is sound");
        let failed = synced.failed[0].to_string();
        assert!(failed.contains(reason), "{reason}: {failed}");
        assert_eq!(machine.catalogue().repositories().len(), 1);
    }
}

#[test]
fn copy_with_bad_archives_is_named_and_passed_over() {
    let content = noise(1, 300_000);
    let published = Published::new(&[&package("big 1").file("usr/lib/big", content)]);
    let cases: [(&str, Misbehave); 6] = [
        ("no such file", |repository, asked| {
            wrong_for("archives/", repository, asked, Answer::Status(404))
        }),
        ("503", |repository, asked| {
            wrong_for("archives/", repository, asked, Answer::Status(503))
        }),
        ("instead of", |repository, asked| {
            wrong_for(
                "archives/",
                repository,
                asked,
                Answer::File(b"short".to_vec()),
            )
        }),
        ("no end", |repository, asked| {
            wrong_for("archives/", repository, asked, Answer::Endless)
        }),
        ("timeout", |repository, asked| {
            wrong_for("archives/", repository, asked, Answer::Silent)
        }),
        ("with the digest", |repository, asked| {
            match (asked.path.contains("archives/"), honest(repository, asked)) {
                (true, Answer::File(mut bytes)) => {
                    bytes[200_000] ^= 1;
                    Answer::File(bytes)
                }
                (_, answer) => answer,
            }
        }),
    ];
    for (reason, misbehave) in cases {
        let repository = published.repository();
        let bad = Server::start(move |asked| misbehave(repository.clone(), asked));
        let machine = Machine::new();
        machine.add_with("main", &bad.url(""), &published, |settings| {
            let good = published.repository().display().to_string();
            settings.mirrors = vec![good.parse().expect("an address")];
        });
        machine.sync().expect("its metadata is sound");
        let (archive, told) = crate::download::fetch_whole(&machine, "big");
        let archive = archive.expect("the mirror is sound");
        assert_eq!(
            archive.len() as u64,
            machine.wanted("big").location.size_bytes
        );
        assert!(
            told.iter().any(|told| told.contains(reason)),
            "{reason}: {told:?}"
        );
    }
}
