//! We follow what the reference implementation signs.

use std::path::Path;

use fs_err as fs;
use igos_format::trust::TargetFile;
use igos_repo::DirectoryBelow;
use igos_repo::trust::{Refresh, TrustedRepository};

use super::python::{python, say};
use crate::directory::DirectorySource;
use crate::forge::{Client, Forge, INDEX};

#[test]
fn we_follow_what_the_reference_implementation_signs() {
    let Some(python) = python() else { return };
    for extent in ["named", "bare"] {
        let directory = tempfile::tempdir().expect("there is room");
        say(
            python,
            "publish.py",
            &[directory.path(), Path::new(extent)],
            "",
        );
        let metadata = |state: &str| directory.path().join(state).join("metadata");
        let anchor = fs::read(metadata("1").join("1.root.json")).expect("it was made");
        let options = Client::new(&Forge::new()).options;
        let kept = directory.path().join("kept");
        let refresh = |state: &str| {
            let mut repository = TrustedRepository::open(
                DirectoryBelow::make_at(&kept).expect("it can be made"),
                &anchor,
            )
            .expect("it vouches for itself");
            let source = DirectorySource(metadata(state));
            let refresh = repository
                .refresh(&source, &options)
                .map_err(|error| error.to_string())?;
            if let Refresh::Newer(update) = refresh {
                repository.adopt(*update).expect("there is room");
            }
            let trusted = repository.trusted().expect("it was adopted");
            Ok((trusted.root().version, trusted.file(INDEX)))
        };
        assert_eq!(refresh("1"), Ok((1, Some(TargetFile::of(b"index 1")))));
        assert_eq!(refresh("2"), Ok((2, Some(TargetFile::of(b"index 2")))));
        assert_eq!(
            refresh("1"),
            Err("timestamp.json is version 1, version 2 is known already".to_owned())
        );
    }
}
