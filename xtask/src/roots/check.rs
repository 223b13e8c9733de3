//! Reads the sources of the crates that work on roots.

use std::collections::BTreeSet;
use std::path::Path;

use fs_err as fs;

use super::tables::{CRATES, ELSEWHERE, EXCEPTIONS, WORDS};
use crate::lines::{is_test_file, rust_files};
use crate::rules::RuleAnswer;
use crate::workspace::ChoreError;

/// Reads the sources of all crates that work on roots.
pub(crate) fn check(top: &Path) -> Result<RuleAnswer, ChoreError> {
    let mut files = 0;
    let mut broken = Vec::new();
    let mut used = Vec::new();
    let mut left_out = BTreeSet::new();
    for directory in CRATES.map(|name| top.join(name)) {
        for file in rust_files(&directory)? {
            if is_test_file(file.strip_prefix(&directory).unwrap_or(&file)) {
                continue;
            }
            let shown = file.strip_prefix(top).unwrap_or(&file).to_string_lossy();
            if let Some(at) = elsewhere(&shown) {
                left_out.insert(at);
                continue;
            }
            files += 1;
            let text = fs::read_to_string(&file).map_err(ChoreError::File)?;
            for (line, word) in violations(&text) {
                match exception(&shown, word) {
                    Some(at) => used.push(at),
                    None => broken.push(format!(
                        "{shown}:{line}: `{word}` takes a path; go through RootDir, or say why not in xtask/src/roots/tables.rs"
                    )),
                }
            }
        }
    }
    for (at, (file, word, _)) in EXCEPTIONS.iter().enumerate() {
        if !used.contains(&at) {
            broken.push(format!("{file}: nothing needs the exception for `{word}`"));
        }
    }
    for (at, (place, _)) in ELSEWHERE.iter().enumerate() {
        if !left_out.contains(&at) {
            broken.push(format!("{place}: there is no such file to leave out"));
        }
    }
    Ok(RuleAnswer {
        looked_at: format!(
            "{files} files work on roots, {} exceptions with reasons",
            EXCEPTIONS.len()
        ),
        broken,
    })
}

fn exception(file: &str, word: &str) -> Option<usize> {
    EXCEPTIONS
        .iter()
        .position(|(excepted, allowed, _)| *excepted == file && *allowed == word)
}

/// Tells whether nothing in a file meets a root; returns which reason says so.
fn elsewhere(file: &str) -> Option<usize> {
    ELSEWHERE
        .iter()
        .position(|(place, _)| file.starts_with(place))
}

/// Returns the words in a source that take paths, with their lines; comments and tests do not count.
fn violations(text: &str) -> Vec<(usize, &'static str)> {
    let mut found = Vec::new();
    let mut lines = (1..).zip(text.lines()).peekable();
    while let Some((number, line)) = lines.next() {
        if line == "#[cfg(test)]"
            && let Some((_, module)) = lines.next_if(|(_, next)| next.starts_with("mod "))
        {
            // A module at the top ends with the next brace in the first column.
            if module.ends_with('{') {
                lines.by_ref().find(|(_, line)| *line == "}");
            }
            continue;
        }
        let code = line.trim_start();
        if code.starts_with("//") {
            continue;
        }
        found.extend(
            WORDS
                .iter()
                .filter(|word| has_word(code, word))
                .map(|word| (number, *word)),
        );
    }
    found
}

/// Tells whether `code` has this word, and not only as the end of a longer one.
fn has_word(code: &str, word: &str) -> bool {
    let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let begins_name = word.bytes().next().is_some_and(is_of_name);
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].bytes().next_back();
        !begins_name || !before.is_some_and(is_of_name)
    })
}

#[cfg(test)]
mod tests {
    use super::{check, violations};
    use crate::workspace;

    #[test]
    fn planted_call_that_takes_a_path_is_found() {
        for planted in [
            "fs_err::write(root.shown().join(path), bytes)?;",
            "use fs_err as fs;",
            "std::fs::set_permissions(&path, mode)?;",
            "use std::fs::{self, File};",
            "use std::fs;",
            "let file = File::open(&path)?;",
            "let file = OpenOptions::new().create(true).open(path)?;",
            "if root.shown().join(\"etc\").exists() {",
            "if path.is_dir() {",
            "let found = path.symlink_metadata()?;",
            "let real = path.canonicalize()?;",
            "rustix::fs::chmod(path, mode)?;",
            "use rustix::fs::{chown, rename};",
            "use rustix::{fs, io};",
            "std::os::unix::fs::symlink(target, path)?;",
            "rusqlite::Connection::open(path)?;",
            "openat(CWD, path, flags, mode)?;",
            "let link = format!(\"/proc/self/fd/{}\", fd);",
            "let other = RootDir::open(path)?;",
            "use std::os::unix::fs::{PermissionsExt, symlink};",
            "use std::os::unix::fs::{lchown, MetadataExt};",
            "use std::os::unix::fs as unix;",
            "symlink(target, path)?;",
            "chown(path, None, None)?;",
            "let found = path.metadata()?;",
            "let target = path.read_link()?;",
            "let there = paths.iter().any(Path::exists);",
            "libc::chmod(path, mode);",
            "nix::unistd::mkfifo(path, mode)?;",
            "std::fs::hard_link(from, to)?;",
        ] {
            assert_ne!(violations(planted), [], "{planted}");
        }
    }

    #[test]
    fn calls_below_descriptors_comments_and_tests_are_no_violations() {
        let after = "#[cfg(test)]\nmod a {\n    use fs_err;\n}\n#[cfg(test)]\nmod b;\nfs_err::write(a, b)?;\n";
        assert_eq!(violations(after), [(7, "fs_err")]);
        let below =
            "parent.create_symlink(to, name)?;\nset_owner(&file, uid, gid)?;\nfchown(file)?;\n";
        assert_eq!(violations(below), []);
        let clean = "//! Not by fs_err.\nuse std::fs::File;\nlet found = root.metadata(&path)?;\n    // File::open( would\nparent.open_file(name)?;\n#[cfg(test)]\nmod tests {\n    use fs_err as fs;\n}\n";
        assert_eq!(violations(clean), []);
    }

    #[test]
    fn this_workspace_keeps_to_descriptors() {
        let answer = check(&workspace::top()).expect("the workspace can be read");
        assert_eq!(answer.broken, Vec::<String>::new());
    }
}
