//! Features that a package lost: what the configuration of its last build found, and that of this one did not.
//!
//! Nothing fails when `./configure` finds a library no more: the build goes on without it, and the package does less. The
//! logs of both builds say it. Questions are read as Autoconf, Meson and CMake print them.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use fs_err as fs;
use igos_report::Diagnostic;

use super::steps::Step;

/// Longest line that is looked at as one, in bytes; no question is that long.
const LINE_MAX_BYTES: u64 = 1024;

/// Most questions that are kept of a log; that of gcc has some thousand.
const QUESTIONS_MAX: usize = 1 << 16;

/// Most features that a warning names.
const NAMED_MAX: usize = 12;

/// Answers of Autoconf that mean no.
const NO: [&str; 6] = ["no", "not found", "none", "missing", "disabled", "false"];

/// Returns what to say about the log of a build, if it lacks something that the log of an earlier one has.
pub(super) fn lost(before: &Path, now: &Path) -> io::Result<Option<Diagnostic>> {
    let before = Answers::read(fs::File::open(before)?)?;
    let now = Answers::read(fs::File::open(now)?)?;
    let lost: Vec<&str> = before.found_but_not_in(&now).collect();
    if lost.is_empty() {
        return Ok(None);
    }
    let named = lost[..lost.len().min(NAMED_MAX)].join(", ");
    let rest = match lost.len().saturating_sub(NAMED_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let message = "what the last build of this package found is not found any more";
    let warning = Diagnostic::warning("features-lost", message)
        .because(format!("{named}{rest}"))
        .hint("a dependency that the recipe should declare, perhaps: compare the two logs");
    Ok(Some(warning))
}

/// What a configuration asked, and whether it was found at least once.
#[derive(Debug, Default)]
struct Answers(BTreeMap<String, bool>);

impl Answers {
    /// Reads a log; what tests ask is left out.
    fn read(log: impl Read) -> io::Result<Self> {
        let mut log = BufReader::new(log);
        let mut answers = Answers::default();
        let mut is_wanted = false;
        let mut line = Vec::new();
        loop {
            line.clear();
            if log
                .by_ref()
                .take(LINE_MAX_BYTES)
                .read_until(b'\n', &mut line)?
                == 0
            {
                return Ok(answers);
            }
            let text = String::from_utf8_lossy(&line);
            let text = text.trim();
            if let Some(note) = text.strip_prefix("== ") {
                let step = note.split(':').next();
                is_wanted = [Step::Configure, Step::Build]
                    .iter()
                    .any(|wanted| step == Some(wanted.to_string().as_str()));
            } else if is_wanted && let Some((question, is_found)) = answer(text) {
                answers.take(question, is_found);
            }
        }
    }

    fn take(&mut self, question: &str, is_found: bool) {
        let has_room = self.0.len() < QUESTIONS_MAX;
        match self.0.get_mut(question) {
            Some(known) => *known |= is_found,
            None if has_room => {
                self.0.insert(question.to_owned(), is_found);
            }
            None => {}
        }
    }

    fn found_but_not_in<'a>(&'a self, other: &Answers) -> impl Iterator<Item = &'a str> {
        let found = self.0.iter().filter(|(_, is_found)| **is_found);
        found
            .filter(|(question, _)| other.0.get(*question) == Some(&false))
            .map(|(question, _)| question.as_str())
    }
}

/// Returns what a line asks for, and whether it was found.
fn answer(line: &str) -> Option<(&str, bool)> {
    autoconf(line)
        .or_else(|| cmake(line))
        .or_else(|| meson(line))
}

/// `checking for gzopen in -lz... yes`.
fn autoconf(line: &str) -> Option<(&str, bool)> {
    let (question, answer) = line.strip_prefix("checking for ")?.split_once("... ")?;
    let answer = answer.strip_prefix("(cached) ").unwrap_or(answer);
    Some((question, !NO.contains(&answer)))
}

/// `-- Looking for gzopen - found`, `-- Performing Test HAVE_X - Failed`, `-- Found ZLIB: /usr/lib/libz.so (found …)`,
/// `-- Could NOT find ZLIB (missing: …)`.
fn cmake(line: &str) -> Option<(&str, bool)> {
    let line = line.strip_prefix("-- ")?;
    if let Some(name) = line.strip_prefix("Could NOT find ") {
        return Some((name.split_whitespace().next()?, false));
    }
    if let Some(found) = line.strip_prefix("Found ") {
        return Some((found.split_once(':')?.0, true));
    }
    let asked = ["Looking for ", "Performing Test "];
    let question = asked.iter().find_map(|start| line.strip_prefix(start))?;
    let (question, answer) = question.rsplit_once(" - ")?;
    match answer {
        "found" | "Success" => Some((question, true)),
        "not found" | "Failed" => Some((question, false)),
        _ => None,
    }
}

/// `Run-time dependency zlib found: YES 1.3.1`, `Library m found: NO`, `Has header "sys/auxv.h" : YES`.
fn meson(line: &str) -> Option<(&str, bool)> {
    let (question, answer) = line.rsplit_once(": ")?;
    let question = question.trim_end();
    let question = question.strip_suffix(" found").unwrap_or(question);
    match answer.split_whitespace().next()? {
        "YES" => Some((question, true)),
        "NO" => Some((question, false)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use igos_report::Diagnostic;

    use super::{Answers, answer, lost};

    #[test]
    fn answers_are_read_as_each_build_system_prints_them() {
        for (line, expected) in [
            (
                "checking for gzopen in -lz... yes",
                Some(("gzopen in -lz", true)),
            ),
            (
                "checking for gzopen in -lz... (cached) no",
                Some(("gzopen in -lz", false)),
            ),
            ("checking for perl... /usr/bin/perl", Some(("perl", true))),
            (
                "checking for libcap >= 2.0... not found",
                Some(("libcap >= 2.0", false)),
            ),
            ("checking whether cc accepts -g... yes", None),
            ("checking for gcc", None),
            ("-- Looking for gzopen - found", Some(("gzopen", true))),
            ("-- Looking for gzopen", None),
            (
                "-- Performing Test HAVE_X - Failed",
                Some(("HAVE_X", false)),
            ),
            (
                "-- Found ZLIB: /usr/lib/libz.so (found version \"1.3\")",
                Some(("ZLIB", true)),
            ),
            (
                "-- Could NOT find ZLIB (missing: ZLIB_LIBRARY)",
                Some(("ZLIB", false)),
            ),
            (
                "Run-time dependency zlib found: YES 1.3.1",
                Some(("Run-time dependency zlib", true)),
            ),
            (
                "Run-time dependency zlib found: NO (tried pkgconfig)",
                Some(("Run-time dependency zlib", false)),
            ),
            (
                "Has header \"sys/auxv.h\" : YES",
                Some(("Has header \"sys/auxv.h\"", true)),
            ),
            ("gcc -c NOTES: NONE of it", None),
            ("", None),
        ] {
            assert_eq!(answer(line), expected, "{line}");
        }
    }

    #[test]
    fn what_was_found_and_is_not_any_more_is_lost_and_nothing_else_is() {
        let read = |log: &str| Answers::read(log.as_bytes()).expect("it is text");
        let before = read(
            "== configure: sh\nchecking for a... yes\nchecking for b... no\nchecking for c... no\nchecking for c... yes\n\
             checking for gone... yes\n== check: sh\nchecking for tested... yes\n",
        );
        let now = read(
            "== build: make\nchecking for a... no\nchecking for b... no\nchecking for c... no\nchecking for new... no\n\
             checking for tested... no\n",
        );
        let lost: Vec<&str> = before.found_but_not_in(&now).collect();
        assert_eq!(lost, ["a", "c"]);
        assert_eq!(now.found_but_not_in(&before).count(), 0);
    }

    #[test]
    fn many_losses_are_counted_and_some_named_and_bytes_that_are_no_text_do_no_harm() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let write = |name: &str, answer: &str| {
            let path = directory.path().join(name);
            let mut log = b"== configure: sh\n\xff\xfe\n".to_vec();
            log.extend(vec![b'x'; 100_000]);
            log.push(b'\n');
            for number in 0..20 {
                log.extend(format!("checking for lib{number:02}... {answer}\n").bytes());
            }
            fs_err::write(&path, log).expect("there is room");
            path
        };
        let (before, now) = (write("before", "yes"), write("now", "no"));
        let warning = lost(&before, &now)
            .expect("both are there")
            .expect("it is lost");
        assert_eq!(warning.code, "features-lost");
        let text = format!("{warning:?}");
        assert!(
            text.contains("lib00, lib01") && text.contains("lib11 and 8 more"),
            "{text}"
        );
        let none: Option<Diagnostic> = lost(&now, &before).expect("both are there");
        assert!(none.is_none());
    }
}
