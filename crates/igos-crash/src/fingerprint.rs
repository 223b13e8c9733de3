//! What of a root decides how a recovery goes on: two roots with one fingerprint are recovered alike.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use fs_err as fs;
use igos_format::Sha256;

use crate::judge::{self, STATE};

/// Returns the digest of everything in a root but times, and inode numbers: these are told by the paths that have them.
///
/// Of the database there are only the lengths of its files, because pages have times in them: `database_calls`, how often
/// the run that is stopped here has changed these files, tells its states apart.
pub(crate) fn of(root: &Path, database_calls: usize) -> io::Result<Sha256> {
    let mut lines = Vec::new();
    let mut names: BTreeMap<u64, String> = BTreeMap::new();
    let mut failed = None;
    judge::list(root, Path::new(""), &mut |at, line| {
        let found = match fs::symlink_metadata(root.join(at)) {
            Ok(found) => found,
            Err(error) => {
                failed = Some(error);
                return;
            }
        };
        let name = at.display().to_string();
        let known = names.entry(found.ino()).or_insert(name.clone()).clone();
        let is_of_database = at.parent() == Some(Path::new(STATE))
            && at
                .file_name()
                .is_some_and(|name| name.as_encoded_bytes().starts_with(b"pkm.db"));
        match is_of_database {
            true => lines.push(format!("{name} {}", found.len())),
            false => lines.push(format!("{line} {known}")),
        }
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    lines.retain(|line| !line.starts_with(&format!("{STATE}/lock ")));
    for journal in ["journal", "journal.new", "journal.done"] {
        let start = format!("{STATE}/{journal} ");
        let Some(line) = lines.iter_mut().find(|line| line.starts_with(&start)) else {
            continue;
        };
        let bytes = fs::read(root.join(STATE).join(journal))?;
        *line = format!("{start}{}", steps(&bytes, &names));
    }
    lines.push(format!("database calls {database_calls}"));
    Ok(Sha256::of(lines.join("\n").as_bytes()))
}

/// Returns the text of a journal with paths for inode numbers, and without digests: what they are of is in the tree.
fn steps(bytes: &[u8], names: &BTreeMap<u64, String>) -> String {
    let text = String::from_utf8_lossy(bytes);
    let line = |line: &str| {
        let mut words = Vec::new();
        let mut before = "";
        for word in line.split(' ') {
            let number = match before {
                "file" | "directory" | "symlink" | "special" => word.parse().ok(),
                _ => None,
            };
            words.push(match number {
                Some(number) => names.get(&number).map_or("gone", String::as_str).to_owned(),
                None if word.len() == 64 => "DIGEST".to_owned(),
                None => word.to_owned(),
            });
            before = word;
        }
        words.join(" ")
    };
    text.lines().map(line).collect::<Vec<_>>().join(" | ")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn root(text: impl Fn(&Path) -> String) -> (tempfile::TempDir, Sha256) {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let root = directory.path().to_owned();
        fs::create_dir_all(root.join(STATE).join("staging/0")).expect("it is ours");
        fs::write(root.join("file"), "text").expect("it is ours");
        fs::write(root.join("other"), "text").expect("it is ours");
        let journal = text(&root);
        fs::write(root.join(STATE).join("journal"), journal).expect("it is ours");
        let found = of(&root, 0).expect("it can be read");
        (directory, found)
    }

    fn creates(name: &str) -> impl Fn(&Path) -> String {
        move |root| {
            let inode = fs::metadata(root.join(name)).expect("it is there").ino();
            format!(
                "igos-journal 1 1\ncreate file {inode} {} 0/1 file\n",
                "a".repeat(64)
            )
        }
    }

    #[test]
    fn roots_that_differ_in_inode_numbers_and_times_alone_have_one_fingerprint() {
        let (_first, first) = root(creates("file"));
        let (_second, second) = root(creates("file"));
        assert_eq!(first, second);
    }

    #[test]
    fn whatever_decides_how_recovery_goes_on_changes_the_fingerprint() {
        let (directory, found) = root(creates("file"));
        let (_other, other) = root(creates("other"));
        assert_ne!(found, other, "the journal names another inode");
        let root = directory.path();
        let mode = std::fs::Permissions::from_mode(0o600);
        let mut before = vec![found, of(root, 1).expect("it can be read")];
        let changes: [&dyn Fn() -> io::Result<()>; 4] = [
            &|| fs::set_permissions(root.join("file"), mode.clone()),
            &|| fs::write(root.join("other"), "else"),
            &|| fs::rename(root.join("other"), root.join("third")),
            &|| fs::write(root.join(STATE).join("pkm.db-wal"), "frames"),
        ];
        for change in changes {
            change().expect("it is ours");
            let found = of(root, 0).expect("it can be read");
            assert!(!before.contains(&found));
            before.push(found);
        }
    }
}
