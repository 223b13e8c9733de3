//! How long our files are: short rooms can be read in one sitting.

use std::fmt;
use std::path::{Path, PathBuf};

use fs_err as fs;
use igos_cli::{Exit, Render};
use serde::Serialize;

use crate::workspace::{self, ChoreError};

/// Most lines of a file, without its tests.
const FILE_MAX_LINES: usize = 500;

/// The crates with their lengths.
#[derive(Debug, Serialize)]
pub(crate) struct LinesAnswer {
    crates: Vec<Row>,
    too_long: Vec<File>,
}

#[derive(Debug, Serialize)]
struct Row {
    name: String,
    files: usize,
    /// Lines that are neither blank nor comment, without tests.
    code: usize,
    /// Lines of tests of every kind, blank ones and comments included.
    tests: usize,
    longest: Option<File>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct File {
    path: PathBuf,
    lines: usize,
}

impl Render for LinesAnswer {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        writeln!(
            out,
            "{:<14} {:>5} {:>7} {:>7}  longest file without its tests",
            "crate", "files", "code", "tests"
        )?;
        for row in &self.crates {
            let longest = row
                .longest
                .as_ref()
                .map(|file| format!("{} {}", file.lines, file.path.display()));
            writeln!(
                out,
                "{:<14} {:>5} {:>7} {:>7}  {}",
                row.name,
                row.files,
                row.code,
                row.tests,
                longest.unwrap_or_default()
            )?;
        }
        for file in &self.too_long {
            let path = file.path.display();
            writeln!(
                out,
                "{path} has {} lines without its tests, at most {FILE_MAX_LINES} are allowed",
                file.lines
            )?;
        }
        Ok(())
    }

    fn exit(&self) -> Exit {
        if self.too_long.is_empty() {
            Exit::Done
        } else {
            Exit::No
        }
    }
}

/// Counts the lines of all crates.
pub(crate) fn count(top: &Path) -> Result<LinesAnswer, ChoreError> {
    let mut answer = LinesAnswer {
        crates: Vec::new(),
        too_long: Vec::new(),
    };
    for package in workspace::packages(top)? {
        let directory = package.manifest_path.parent().unwrap_or(top).to_owned();
        let mut row = Row {
            name: package.name,
            files: 0,
            code: 0,
            tests: 0,
            longest: None,
        };
        for path in rust_files(&directory)? {
            let text = fs::read_to_string(&path).map_err(ChoreError::File)?;
            let within = path.strip_prefix(&directory).unwrap_or(&path).to_owned();
            let counted = if is_test_file(&within) {
                Counted::all_tests(&text)
            } else {
                Counted::of(&text)
            };
            row.files += 1;
            row.code += counted.code;
            row.tests += counted.tests;
            let file = File {
                path: path.strip_prefix(top).unwrap_or(&path).to_owned(),
                lines: counted.lines,
            };
            if file.lines > FILE_MAX_LINES {
                answer.too_long.push(file.clone());
            }
            if row
                .longest
                .as_ref()
                .is_none_or(|longest| longest.lines < file.lines)
            {
                row.longest = Some(file);
            }
        }
        answer.crates.push(row);
    }
    answer.crates.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(answer)
}

/// Tells whether a file, by its path within its crate, holds tests alone.
pub(crate) fn is_test_file(within: &Path) -> bool {
    let is_test_name =
        |name: &std::ffi::OsStr| name == "tests" || name == "tests.rs" || name == "benches";
    within
        .components()
        .any(|component| is_test_name(component.as_os_str()))
}

#[derive(Debug, PartialEq, Eq)]
struct Counted {
    lines: usize,
    code: usize,
    tests: usize,
}

impl Counted {
    fn all_tests(text: &str) -> Self {
        Counted {
            lines: 0,
            code: 0,
            tests: text.lines().count(),
        }
    }

    /// Counts a file whose tests, if it has any, are a module at its end.
    fn of(text: &str) -> Self {
        let lines: Vec<&str> = text.lines().collect();
        let tests_begin = lines.windows(2).position(|pair| {
            pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod ") && pair[1].ends_with('{')
        });
        let (own, tests) = lines.split_at(tests_begin.unwrap_or(lines.len()));
        let is_code =
            |line: &&&str| !line.trim().is_empty() && !line.trim_start().starts_with("//");
        Counted {
            lines: own.len(),
            code: own.iter().filter(is_code).count(),
            tests: tests.len(),
        }
    }
}

/// Returns the Rust files below a crate's directory, sorted.
pub(crate) fn rust_files(directory: &Path) -> Result<Vec<PathBuf>, ChoreError> {
    let mut found = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(&directory).map_err(ChoreError::File)? {
            let entry = entry.map_err(ChoreError::File)?;
            let kind = entry.file_type().map_err(ChoreError::File)?;
            if kind.is_dir() && entry.file_name() != "target" {
                open.push(entry.path());
            } else if kind.is_file()
                && entry
                    .path()
                    .extension()
                    .is_some_and(|extension| extension == "rs")
            {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::Counted;

    #[test]
    fn tests_blank_lines_and_comments_are_no_code() {
        let text = "//! Story.\n\nfn a() {}\n\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\n";
        assert_eq!(
            Counted::of(text),
            Counted {
                lines: 4,
                code: 1,
                tests: 4
            }
        );
        let declared = "#[cfg(test)]\nmod tests;\nfn a() {}\n";
        assert_eq!(
            Counted::of(declared),
            Counted {
                lines: 3,
                code: 3,
                tests: 0
            }
        );
        assert_eq!(
            Counted::all_tests(text),
            Counted {
                lines: 0,
                code: 0,
                tests: 8
            }
        );
    }
}
