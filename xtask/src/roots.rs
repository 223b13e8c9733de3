//! Nothing of ours touches a root but through a descriptor of it (threats note, X10).
//!
//! Clippy refuses the path functions of `std` everywhere; `fs_err` and `rustix`, which the engines use elsewhere, it
//! cannot tell apart by where they are used. So the sources of the crates that work on roots are read here: a word
//! that takes a path is a violation, unless the table of exceptions has the file, the word and the reason. An
//! exception that nothing needs any more is a violation too.

use std::fmt;
use std::path::Path;

use fs_err as fs;
use igos_cli::{Exit, Render};
use serde::Serialize;

use crate::lines::{is_test_file, rust_files};
use crate::workspace::ChoreError;

/// Crates that work on roots.
const CRATES: [&str; 3] = ["crates/igos-root", "crates/igos-sysroot", "programs/pkm"];

/// Words of calls that take a path, or that open a root.
const WORDS: [&str; 35] = [
    "fs_err",
    "std::fs::read",
    "std::fs::write",
    "std::fs::create",
    "std::fs::remove",
    "std::fs::rename",
    "std::fs::set_permissions",
    "std::fs::metadata",
    "std::fs::symlink_metadata",
    "std::fs::{",
    "std::fs;",
    "std::fs as",
    "std::os::unix::fs::symlink",
    "std::os::unix::fs::chown",
    "File::open(",
    "File::create",
    "File::options",
    "OpenOptions",
    "DirBuilder",
    ".exists()",
    ".try_exists()",
    ".is_file()",
    ".is_dir()",
    ".is_symlink()",
    ".symlink_metadata()",
    ".read_dir()",
    ".canonicalize()",
    "rustix::fs",
    "rustix::{",
    "rustix as",
    "Connection::open",
    "CWD",
    "\"/proc",
    "RootDir::open",
    "tempfile",
];

/// What is allowed all the same: the file, the word, and why.
const EXCEPTIONS: [(&str, &str, &str); 38] = [
    (
        "crates/igos-root/src/attributes.rs",
        "rustix::fs",
        "attributes of descriptors alone",
    ),
    (
        "crates/igos-root/src/delete.rs",
        "rustix::fs",
        "below open directories; a mode by the magic link of a descriptor",
    ),
    (
        "crates/igos-root/src/delete.rs",
        "\"/proc",
        "the link leads to the descriptor that is held",
    ),
    (
        "crates/igos-root/src/directory.rs",
        "rustix::fs",
        "the one place of openat2 and its siblings",
    ),
    (
        "crates/igos-root/src/lock.rs",
        "rustix::fs",
        "a lock of a descriptor",
    ),
    (
        "crates/igos-root/src/metadata.rs",
        "rustix::fs",
        "statx below an open directory",
    ),
    (
        "crates/igos-root/src/private.rs",
        "rustix::fs",
        "lists the descriptors of this process",
    ),
    (
        "crates/igos-root/src/private.rs",
        "\"/proc",
        "lists the descriptors of this process",
    ),
    (
        "crates/igos-root/src/root.rs",
        "rustix::fs",
        "opens the root itself",
    ),
    (
        "crates/igos-root/src/root.rs",
        "CWD",
        "opens the root itself: the one path from outside",
    ),
    (
        "crates/igos-sysroot/src/database/open.rs",
        "\"/proc",
        "SQLite takes paths alone; what it opened is compared by inode",
    ),
    (
        "crates/igos-sysroot/src/database/open.rs",
        "Connection::open",
        "SQLite takes paths alone; what it opened is compared by inode",
    ),
    (
        "crates/igos-sysroot/src/helper/run.rs",
        "\"/proc",
        "names the descriptor of the root for the sandbox",
    ),
    (
        "crates/igos-sysroot/src/confined.rs",
        "RootDir::open",
        "the directories that the user names to unpack into, and what a confined process sees",
    ),
    (
        "crates/igos-sysroot/src/helper/run.rs",
        "RootDir::open",
        "the system that runs, for its accounts, by descriptor",
    ),
    (
        "crates/igos-sysroot/src/hooks/confine.rs",
        "\"/proc",
        "names the descriptor of the root for the sandbox",
    ),
    (
        "crates/igos-sysroot/src/hooks/live.rs",
        "RootDir::open",
        "asks whether the root is that of this process",
    ),
    (
        "programs/pkm/src/archives.rs",
        "fs_err",
        "archives that the user names",
    ),
    (
        "programs/pkm/src/archives.rs",
        "File::open(",
        "archives that the user names",
    ),
    (
        "programs/pkm/src/cli/adopt.rs",
        "fs_err",
        "archives that the user names",
    ),
    (
        "programs/pkm/src/cli/adopt.rs",
        "File::open(",
        "archives that the user names",
    ),
    (
        "programs/pkm/src/cli/adopt.rs",
        ".is_file()",
        "archives that the user names",
    ),
    (
        "programs/pkm/src/cli/apply.rs",
        "fs_err",
        "the plan that the user names",
    ),
    (
        "programs/pkm/src/cli/apply.rs",
        "File::open(",
        "the plan that the user names",
    ),
    (
        "programs/pkm/src/cli/completion.rs",
        "RootDir::open",
        "opens the root of the command line",
    ),
    (
        "programs/pkm/src/cli/context.rs",
        "RootDir::open",
        "opens the root of the command line",
    ),
    (
        "programs/pkm/src/cli/download.rs",
        "fs_err",
        "the directory that the user names",
    ),
    (
        "programs/pkm/src/cli/install.rs",
        ".is_dir()",
        "archives that the user names",
    ),
    (
        "programs/pkm/src/cli/install_helper.rs",
        "\"/proc",
        "names a descriptor without a name in any file system",
    ),
    (
        "programs/pkm/src/cli/kernels.rs",
        "fs_err",
        "the release of the running kernel",
    ),
    (
        "programs/pkm/src/cli/kernels.rs",
        "\"/proc",
        "the release of the running kernel",
    ),
    (
        "programs/pkm/src/cli/repository_add.rs",
        "fs_err",
        "the file of keys that the user names",
    ),
    (
        "programs/pkm/src/cli/restart_services.rs",
        "\"/proc",
        "processes of the running system",
    ),
    (
        "programs/pkm/src/cli/restart_services.rs",
        "RootDir::open",
        "processes of the running system",
    ),
    (
        "programs/pkm/src/remote.rs",
        "fs_err",
        "names an archive in messages; it comes as a descriptor",
    ),
    (
        "programs/pkm/src/cli/repository_changes.rs",
        "tempfile",
        "a directory of its own, for repositories that are not trusted yet",
    ),
    (
        "programs/pkm/src/world/definition.rs",
        "fs_err",
        "the definition and the keys that the user names",
    ),
    (
        "programs/pkm/src/world/definition.rs",
        "File::open(",
        "the definition and the keys that the user names",
    ),
];

/// What breaks the rule.
#[derive(Debug, Serialize)]
pub(crate) struct RootsAnswer {
    files: usize,
    exceptions: usize,
    broken: Vec<String>,
}

impl Render for RootsAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        for broken in &self.broken {
            writeln!(out, "{broken}")?;
        }
        writeln!(
            out,
            "{} files work on roots, {} exceptions with reasons, {} violations",
            self.files,
            self.exceptions,
            self.broken.len()
        )
    }

    fn exit(&self) -> Exit {
        if self.broken.is_empty() {
            Exit::Done
        } else {
            Exit::No
        }
    }
}

/// Reads the sources of all crates that work on roots.
pub(crate) fn check(top: &Path) -> Result<RootsAnswer, ChoreError> {
    let mut files = 0;
    let mut broken = Vec::new();
    let mut used = Vec::new();
    for directory in CRATES.map(|name| top.join(name)) {
        for file in rust_files(&directory)? {
            if is_test_file(file.strip_prefix(&directory).unwrap_or(&file)) {
                continue;
            }
            files += 1;
            let text = fs::read_to_string(&file).map_err(ChoreError::File)?;
            let shown = file.strip_prefix(top).unwrap_or(&file).to_string_lossy();
            for (line, word) in violations(&text) {
                match exception(&shown, word) {
                    Some(at) => used.push(at),
                    None => broken.push(format!(
                        "{shown}:{line}: `{word}` takes a path; go through RootDir, or say why not in xtask/src/roots.rs"
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
    Ok(RootsAnswer {
        files,
        exceptions: EXCEPTIONS.len(),
        broken,
    })
}

fn exception(file: &str, word: &str) -> Option<usize> {
    EXCEPTIONS
        .iter()
        .position(|(excepted, allowed, _)| *excepted == file && *allowed == word)
}

/// Returns the words in a source that take paths, with their lines; comments and the tests at its end do not count.
fn violations(text: &str) -> Vec<(usize, &'static str)> {
    let lines: Vec<&str> = text.lines().collect();
    let tests_begin = lines
        .windows(2)
        .position(|pair| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod "));
    let own = &lines[..tests_begin.unwrap_or(lines.len())];
    let mut found = Vec::new();
    for (number, line) in (1..).zip(own) {
        let code = line.trim_start();
        if code.starts_with("//") {
            continue;
        }
        found.extend(
            WORDS
                .iter()
                .filter(|word| code.contains(**word))
                .map(|word| (number, *word)),
        );
    }
    found
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
        ] {
            assert_ne!(violations(planted), [], "{planted}");
        }
    }

    #[test]
    fn calls_below_descriptors_comments_and_tests_are_no_violations() {
        let clean = "//! Not by fs_err.\nuse std::fs::File;\nlet found = root.metadata(&path)?;\n    // File::open( would\nparent.open_file(name)?;\n#[cfg(test)]\nmod tests {\n    use fs_err as fs;\n}\n";
        assert_eq!(violations(clean), []);
    }

    #[test]
    fn this_workspace_keeps_to_descriptors() {
        let answer = check(&workspace::top()).expect("the workspace can be read");
        assert_eq!(answer.broken, Vec::<String>::new());
    }
}
