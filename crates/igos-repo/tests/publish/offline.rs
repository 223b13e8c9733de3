//! Offline keys of several people, none of whom has another's.

use std::path::PathBuf;

use igos_format::trust::{Json, KeyDraft, KeyId, PublicKey};
use igos_repo::publish::{
    Farewell, Need, NewKey, NewKeys, OfflineChange, OfflineError, Publication, PublishError,
    Replace, Stay,
};
use igos_repo::trust::SecretKey;
use igos_report::Explain;

use crate::support::{DAY, NOW, World, names, package, publisher, time};

/// A repository whose three root and two targets keys lie with their holders; two of each must sign.
struct Holders {
    world: World,
}

impl Holders {
    fn new() -> Self {
        let world = World::with_keys(NewKeys {
            root_keys: 3,
            root_threshold: 2,
            targets_keys: 2,
            targets_threshold: 2,
        });
        let safe = world.path("safe");
        fs_err::rename(world.keys().join("offline"), safe).expect("both are ours");
        world.publish(&[&package("a 1")]);
        Holders { world }
    }

    fn key(&self, name: &str) -> SecretKey {
        let file = self.world.path("safe").join(format!("{name}.key"));
        SecretKey::load(&file).expect("it was made")
    }

    fn file(&self) -> PathBuf {
        self.world.path("keys.draft")
    }

    /// Signs as its holder does: with the draft and the key alone.
    fn sign(&self, name: &str) {
        let mut change = OfflineChange::load(&self.file()).expect("it is sound");
        change.sign(&self.key(name)).expect("it is for this key");
        change.store(&self.file()).expect("there is room");
    }

    /// Publishes the draft with the keys that lie online.
    fn apply(&self) -> Result<Publication, PublishError> {
        self.apply_at(NOW)
    }

    fn apply_at(&self, now: i64) -> Result<Publication, PublishError> {
        let change = OfflineChange::load(&self.file())?;
        let (ring, repository) = (self.world.ring(), self.world.repository());
        publisher(&repository, &ring, now, &|| false).apply_change(change)
    }

    fn draft_renewal(&self) {
        let (ring, repository) = (self.world.ring(), self.world.repository());
        let drafted = publisher(&repository, &ring, NOW, &|| false).draft_renewal();
        let change = drafted.expect("it needs no offline key");
        change.store(&self.file()).expect("there is room");
    }

    fn draft(&self, replace: &Replace, new: &NewKey) {
        let (ring, repository) = (self.world.ring(), self.world.repository());
        let publisher = publisher(&repository, &ring, NOW, &|| false);
        let drafted = publisher.draft_replacement(replace, Farewell::Retire, new);
        let (_, change) = drafted.expect("it needs no offline key");
        change.store(&self.file()).expect("there is room");
    }

    /// Returns the key that the draft wants in addition, by the message of a refusal.
    fn refusal(&self) -> String {
        let error = self.apply().expect_err("signatures are missing");
        assert_eq!((error.code(), error.exit_code()), ("signatures-missing", 1));
        error.to_string()
    }
}

fn root_key(id: KeyId) -> Replace {
    Replace::OfRole("root".to_owned(), Some(id))
}

#[test]
fn root_and_targets_are_published_when_enough_holders_have_signed_and_not_before() {
    let holders = Holders::new();
    let mut known = holders.world.client();
    known.sync(NOW).expect("it can be read");
    let before = holders.world.files();
    holders.draft_renewal();
    for name in ["root-1", "targets-2", "targets-1"] {
        holders.refusal();
        holders.sign(name);
    }
    let first = holders.key("root-1").id();
    let mut missing = ["root-2", "root-3"].map(|name| holders.key(name).id());
    missing.sort();
    let [low, high] = missing;
    assert_eq!(
        holders.refusal(),
        format!(
            "signatures are missing: root needs 2 keys of those that root 1 names, has 1, and may be signed by {low}, {high}"
        )
    );
    assert_eq!(holders.world.files(), before, "nothing was changed");
    holders.sign("root-3");
    let publication = holders.apply().expect("two of three and two of two");
    let year = igos_repo::publish::Lifetimes::DEFAULT.root_seconds;
    assert_eq!(publication.expires["root"], time(NOW + year));
    assert!(publication.has_changed);
    for client in [&mut known, &mut holders.world.client()] {
        assert_eq!(names(&client.sync(NOW).expect("it follows")), ["a 1-1"]);
        let trusted = client.trusted().trusted().expect("it was synced");
        let root = trusted.root();
        assert_eq!((root.version, root.root.keys.contains(&first)), (2, true));
    }
    let error = holders.apply().expect_err("it is published");
    assert_eq!((error.code(), error.exit_code()), ("key-draft-outdated", 1));
}

#[test]
fn new_root_needs_the_thresholds_of_the_old_keys_and_of_the_new_ones() {
    let holders = Holders::new();
    let mut known = holders.world.client();
    known.sync(NOW).expect("it can be read");
    // The new holder's secret key never leaves their machine.
    let newcomer = SecretKey::generate().expect("the system has random bytes");
    let newcomers = holders.world.path("safe").join("newcomer.key");
    newcomer.store(&newcomers).expect("there is room");
    let gone = holders.key("root-3").id();
    let public: PublicKey = newcomer.public();
    holders.draft(&root_key(gone), &NewKey::Public(public));
    let change = OfflineChange::load(&holders.file()).expect("it is sound");
    let [document] = change.documents().try_into().expect("the root alone");
    assert_eq!((document.old_version, document.version), (1, 2));
    let keys = &document.roles[0].keys;
    assert_eq!(keys[&gone], Stay::Goes);
    assert_eq!(keys[&newcomer.id()], Stay::Comes);
    assert_eq!(keys[&holders.key("root-1").id()], Stay::Stays);
    let needs: Vec<_> = document
        .demands
        .iter()
        .map(|one| (one.by_root, one.need))
        .collect();
    assert_eq!(needs, [(1, Need::Required), (2, Need::Required)]);
    // Two of the new keys, and one of the old.
    holders.sign("newcomer");
    holders.sign("root-1");
    assert!(
        holders
            .refusal()
            .contains("of those that root 1 names, has 1")
    );
    // Two of the old keys, and one of the new.
    holders.draft(&root_key(gone), &NewKey::Public(public));
    holders.sign("root-3");
    holders.sign("root-1");
    assert!(
        holders
            .refusal()
            .contains("of those that root 2 names, has 1")
    );
    holders.sign("newcomer");
    holders.apply().expect("two of each");
    for client in [&mut known, &mut holders.world.client()] {
        assert_eq!(names(&client.sync(NOW).expect("it follows")), ["a 1-1"]);
    }
    // The key that went signs no third root.
    holders.draft_renewal();
    let mut change = OfflineChange::load(&holders.file()).expect("it is sound");
    let error = change.sign(&holders.key("root-3")).expect_err("it went");
    assert_eq!((error.code(), error.exit_code()), ("key-signs-nothing", 1));
}

#[test]
fn online_key_is_replaced_by_a_draft_and_seals_are_signed_anew() {
    let holders = Holders::new();
    let into = holders.world.keys().join("online");
    let packages = Replace::OfRole("packages".to_owned(), None);
    let new = NewKey::Made {
        into: Some(into.clone()),
    };
    let seals = |entries: Vec<igos_format::index::IndexEntry>| -> Vec<_> {
        let keys = entries
            .into_iter()
            .map(|entry| entry.signature.expect("it is signed").key);
        keys.collect()
    };
    let old = seals(holders.world.client().sync(NOW).expect("it can be read"));
    holders.draft(&packages, &new);
    let change = OfflineChange::load(&holders.file()).expect("it is sound");
    let [document] = change.documents().try_into().expect("targets alone");
    let retired: Vec<_> = document.retired.iter().collect();
    assert_eq!(retired, [(&KeyId::from_sha256(old[0]), &Stay::Comes)]);
    holders.sign("targets-1");
    assert!(holders.refusal().contains("targets needs 2 keys"));
    holders.sign("targets-2");
    holders.apply().expect("two of two");
    let new = seals(holders.world.client().sync(NOW).expect("it follows"));
    assert_ne!(new, old);
    assert_eq!(new.len(), 1);
}

#[test]
fn new_targets_keys_help_readers_whose_root_is_old_if_old_holders_sign_too() {
    let holders = Holders::new();
    let newcomer = SecretKey::generate().expect("the system has random bytes");
    newcomer
        .store(&holders.world.path("safe").join("newcomer.key"))
        .expect("there is room");
    let gone = holders.key("targets-2").id();
    let replace = Replace::OfRole("targets".to_owned(), Some(gone));
    holders.draft(&replace, &NewKey::Public(newcomer.public()));
    let change = OfflineChange::load(&holders.file()).expect("it is sound");
    let documents = change.documents();
    let needs: Vec<_> = documents
        .iter()
        .flat_map(|document| &document.demands)
        .map(|one| (one.document.name(), one.by_root, one.need))
        .collect();
    assert_eq!(
        needs,
        [
            ("root", 1, Need::Required),
            ("targets", 2, Need::Required),
            ("targets", 1, Need::Welcome)
        ]
    );
    for name in ["root-1", "root-2", "targets-1", "newcomer"] {
        holders.sign(name);
    }
    holders.apply().expect("the lost key need not sign");
    let seen = holders.world.client().sync(NOW).expect("it follows");
    assert_eq!(names(&seen), ["a 1-1"]);
}

/// Changes the draft as whoever passes it on could.
fn forge(holders: &Holders, change: impl FnOnce(&mut KeyDraft)) -> OfflineError {
    let bytes = fs_err::read(holders.file()).expect("it is there");
    let mut draft = KeyDraft::read(&bytes).expect("it is sound");
    change(&mut draft);
    OfflineChange::read(draft).expect_err("it was forged")
}

fn field<'a>(json: &'a mut Json, names: &[&str]) -> &'a mut Json {
    names.iter().fold(json, |json, name| match json {
        Json::Object(fields) => fields
            .entry((*name).to_owned())
            .or_insert(Json::Boolean(true)),
        Json::List(items) => &mut items[name.parse::<usize>().expect("it is a number")],
        _ => panic!("{name} is in neither"),
    })
}

#[test]
fn draft_that_hides_something_is_not_signed() {
    let holders = Holders::new();
    holders.draft_renewal();
    holders.sign("root-1");
    let root = |draft: &mut KeyDraft, names: &[&str], value: Json| {
        let root = draft.root.as_mut().expect("it is proposed");
        *field(&mut root.signed, names) = value;
    };
    let targets = |draft: &mut KeyDraft, names: &[&str], value: Json| {
        let targets = draft.targets.as_mut().expect("it is proposed");
        *field(&mut targets.signed, names) = value;
    };
    for (code, error) in [
        (
            "signature-bad",
            forge(&holders, |draft| {
                root(draft, &["expires"], Json::text("2099-01-01T00:00:00Z"))
            }),
        ),
        (
            "key-draft-version",
            forge(&holders, |draft| {
                root(draft, &["version"], Json::Integer(7))
            }),
        ),
        (
            "key-draft-unexpected",
            forge(&holders, |draft| {
                root(draft, &["x-other"], Json::Boolean(true))
            }),
        ),
        (
            "key-draft-unexpected",
            forge(&holders, |draft| {
                let paths = ["delegations", "roles", "0", "paths", "0"];
                targets(draft, &paths, Json::text("*/*"));
            }),
        ),
        (
            "signature-bad",
            forge(&holders, |draft| {
                *field(&mut draft.old_root.signed, &["roles", "root", "threshold"]) =
                    Json::Integer(1);
                draft
                    .old_root
                    .signatures
                    .retain(|id, _| *id == holders.key("root-1").id());
            }),
        ),
        (
            "metadata-malformed",
            forge(&holders, |draft| draft.targets = draft.root.clone()),
        ),
    ] {
        assert_eq!((error.code(), error.exit_code()), (code, 1), "{error}");
    }
}

#[test]
fn draft_that_follows_another_root_than_the_holder_knows_is_not_signed() {
    let (holders, others) = (Holders::new(), Holders::new());
    holders.draft_renewal();
    let change = OfflineChange::load(&holders.file()).expect("it is sound");
    let root = |holders: &Holders| holders.world.keys().join("online/root.json");
    change
        .test_root_file(&root(&holders))
        .expect("it is the root");
    let error = change
        .test_root_file(&root(&others))
        .expect_err("it is another");
    assert_eq!(
        (error.code(), error.exit_code()),
        ("key-draft-other-root", 1)
    );
}

#[test]
fn draft_is_published_in_time_or_not_at_all() {
    let holders = Holders::new();
    holders.draft_renewal();
    for name in ["root-1", "root-2", "targets-1", "targets-2"] {
        holders.sign(name);
    }
    let error = holders
        .apply_at(NOW + 366 * DAY)
        .expect_err("it is too late");
    assert_eq!((error.code(), error.exit_code()), ("key-draft-expired", 1));
}

#[test]
fn signatures_of_strangers_are_not_published() {
    let holders = Holders::new();
    holders.draft_renewal();
    for name in ["root-1", "root-2", "targets-1", "targets-2"] {
        holders.sign(name);
    }
    let bytes = fs_err::read(holders.file()).expect("it is there");
    let mut draft = KeyDraft::read(&bytes).expect("it is sound");
    let stranger = SecretKey::from_seed([9; 32]);
    let root = draft.root.take().expect("it is proposed");
    draft.root = Some(igos_repo::trust::countersign(root, [&stranger]));
    fs_err::write(holders.file(), draft.to_bytes()).expect("there is room");
    holders.apply().expect("those who must have signed");
    let published = holders.world.repository().join("metadata/2.root.json");
    let text = fs_err::read_to_string(published).expect("it is published");
    assert!(!text.contains(&stranger.id().to_string()));
    assert!(text.contains(&holders.key("root-1").id().to_string()));
}
