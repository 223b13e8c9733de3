//! What is done to a root while the machine is cut off: small transactions one after another, by `pkm` or by a subject
//! with a planted defect.

mod defect;
mod state;
mod subject;

use std::io;
use std::path::{Path, PathBuf};

use fs_err as fs;

use crate::scenario::TestPackage;

pub use defect::Defect;
pub use state::{State, StateError};
pub use subject::{Subject, SubjectError, run};

/// One change of a root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Installs or upgrades from archives.
    Install(Vec<PathBuf>),
    /// Removes packages.
    Remove(Vec<String>),
    /// Goes back to before a transaction.
    Rollback(u64),
    /// The administrator writes a file and has it on disk.
    Edit {
        /// Below the root.
        path: &'static str,
        /// What is in it.
        content: &'static str,
    },
}

/// Returns three packages of some twenty paths: files, links, hard links, configuration, directories that only one
/// version has, a file that becomes a directory.
#[must_use]
pub fn packages(version: u32) -> [TestPackage; 3] {
    let body = |text: &str| format!("{text} {version}\n").repeat(40);
    let text = version.to_string();
    let library = TestPackage::new("library", &text)
        .directory("usr", 0o755)
        .directory("usr/lib", 0o755)
        .file("usr/lib/libx.so.1", body("library").repeat(30), 0o755)
        .symlink("usr/lib/libx.so", "libx.so.1")
        .hard_links(&["usr/lib/one", "usr/lib/two"], &body("linked"));
    let tool = TestPackage::new("tool", &text)
        .directory("usr/bin", 0o750)
        .file("usr/bin/tool", body("tool"), 0o755)
        .configuration("etc/tool.conf", &body("plain"))
        .configuration("etc/edited.conf", &body("plain"))
        .file("usr/share/same-one", body("same"), 0o644)
        .file("usr/share/same-two", body("same"), 0o644)
        .file("usr/share/constant", "constant\n", 0o644)
        .file(
            &format!("usr/share/only-{version}/deep/file"),
            body("only"),
            0o644,
        );
    let kinds = TestPackage::new("kinds", &text);
    let kinds = match version % 2 {
        1 => kinds.file("usr/share/kind", body("a file"), 0o644),
        _ => kinds.file("usr/share/kind/inside", body("a tree"), 0o644),
    };
    [library, tool, kinds]
}

/// Writes archives into a directory, and returns what to do with them: an installation, an edit, an upgrade, a removal,
/// a rollback, and small ones between.
///
/// # Errors
///
/// Returns why an archive cannot be written.
pub fn few_operations(archives: &Path) -> io::Result<Vec<Operation>> {
    fs::create_dir_all(archives)?;
    Ok(vec![
        install(archives, &packages(1))?,
        edit("etc/edited.conf"),
        install(archives, &packages(2))?,
        install(archives, &[small(1, 1)])?,
        remove(&["kinds", "small-1"]),
        // Transactions are counted from 1, and an edit is none: what was before the removal comes back.
        Operation::Rollback(4),
        install(archives, &[small(1, 2)])?,
    ])
}

/// Writes archives into a directory, and returns what to do with them: some twenty transactions, most of them small.
///
/// # Errors
///
/// Returns why an archive cannot be written.
pub fn operations(archives: &Path) -> io::Result<Vec<Operation>> {
    fs::create_dir_all(archives)?;
    let mut operations = vec![
        install(archives, &packages(1))?,
        edit("etc/edited.conf"),
        install(archives, &packages(2))?,
    ];
    for number in 1..=4 {
        operations.push(install(archives, &[small(number, 1)])?);
    }
    operations.extend([
        remove(&["kinds"]),
        Operation::Rollback(7),
        edit("etc/tool.conf"),
        install(archives, &packages(3))?,
    ]);
    for number in 1..=4 {
        operations.push(install(archives, &[small(number, 2)])?);
    }
    operations.extend([
        remove(&["small-1", "small-2"]),
        install(archives, &packages(4))?,
        Operation::Rollback(14),
        remove(&["tool", "library", "kinds"]),
        install(archives, &[small(1, 3), small(2, 3)])?,
    ]);
    Ok(operations)
}

fn install(archives: &Path, packages: &[TestPackage]) -> io::Result<Operation> {
    let write = |package: &TestPackage| {
        let stem = package.manifest.package.file_stem();
        let path = archives.join(format!("{stem}.igos.tar.zst"));
        fs::write(&path, package.to_archive())?;
        Ok(path)
    };
    let written: io::Result<Vec<PathBuf>> = packages.iter().map(write).collect();
    Ok(Operation::Install(written?))
}

fn remove(names: &[&str]) -> Operation {
    Operation::Remove(names.iter().map(ToString::to_string).collect())
}

fn edit(path: &'static str) -> Operation {
    Operation::Edit {
        path,
        content: "mine\n",
    }
}

fn small(number: u32, version: u32) -> TestPackage {
    let content = format!("small {number} {version}\n");
    let versioned = format!("usr/share/small/{number}.d/{version}");
    TestPackage::new(&format!("small-{number}"), &version.to_string())
        .file(&format!("usr/share/small/{number}"), &content, 0o644)
        .file(&versioned, &content, 0o600)
}
