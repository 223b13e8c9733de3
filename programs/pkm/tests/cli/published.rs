//! Repositories that a root knows.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use fs_err as fs;
use igos_format::trust::UtcTime;
use igos_repo::publish::{
    Execution, KeyRing, Lifetimes, NewKeys, PublishRequest, Publisher, Waiting, new_keys,
};
use igos_report::Quiet;

use crate::world::{TestPackage, World};

/// What settings of a repository say besides its place.
pub(crate) const NOTHING_MORE: &str = "";

impl World {
    /// Publishes packages in a repository of this name; the first time, the root learns of it, with `settings` as
    /// further lines of its file. The root does not know what was published before it synchronises.
    pub(crate) fn publish(&self, name: &str, settings: &str, packages: &[&TestPackage]) {
        let repository = self.path(name);
        let keys = self.path(&format!("{name}-keys"));
        let archives: Vec<PathBuf> = packages
            .iter()
            .map(|package| self.archive(package).into())
            .collect();
        let is_new = !repository.exists();
        if is_new {
            new_keys(
                &keys,
                NewKeys::default(),
                &Lifetimes::DEFAULT,
                now(),
                Execution::Real,
            )
            .expect("the directory is new");
            fs::create_dir(&repository).expect("the directory is new");
        }
        let publisher = Publisher {
            directory: &repository,
            ring: &KeyRing::load(&[keys]).expect("the keys are sound"),
            lifetimes: &Lifetimes::DEFAULT,
            now: now(),
            // A process that another test starts has our locks too, until it executes its program.
            waiting: Waiting::Wait,
            execution: Execution::Real,
            stop: &|| false,
            reporter: &Quiet,
            jobs: NonZeroUsize::MIN,
        };
        publisher
            .publish(PublishRequest::new(archives))
            .expect("the packages fit together");
        if is_new {
            let directory = self.path("root").join("etc/igos/repositories.d");
            fs::create_dir_all(&directory).expect("the root is ours");
            let url = repository.display();
            let text =
                format!("url = \"file://{url}\"\ntrusted-root-file = \"{name}.json\"\n{settings}");
            fs::write(directory.join(format!("{name}.toml")), text).expect("the root is ours");
            fs::copy(
                repository.join("metadata/1.root.json"),
                directory.join(format!("{name}.json")),
            )
            .expect("the root is ours");
        }
    }

    /// Lets the root ask its repositories.
    pub(crate) fn sync(&self) {
        let ended = self.pkm(&["sync", "--quiet"]);
        assert_eq!(ended.code, 0, "{}{}", ended.stdout, ended.stderr);
    }
}

fn now() -> UtcTime {
    let now = jiff::Timestamp::now().as_second();
    UtcTime::from_seconds(now).expect("it is a time")
}
