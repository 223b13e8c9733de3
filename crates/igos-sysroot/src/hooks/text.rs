//! The journal of hooks: what a transaction has to run and make, and what became of it.
//!
//! `docs/formats/hooks.md` describes the text. It is staged with the transaction, so that it is there exactly if the
//! transaction is in force, and is written again after every job.

use igos_format::escape::{escape, unescape};
use igos_format::{PackageName, Sha256};
use serde::Serialize;

use super::DropIn;
use super::job::{HookPolicy, Job, NewGroup, NewUser};
use crate::RecordError;
use crate::record::{Lines, body_lines};
use crate::state_text::parse_path;

/// The version of the text this program writes, and the newest it reads.
const FORMAT: u32 = 2;

/// The version that has everything but drop-in files and directories.
const FIRST: u32 = 1;

/// Longest text, in bytes; a job takes some hundred.
pub(super) const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// What became of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "state", content = "problem")]
pub enum JobState {
    /// It is still to be done, or was interrupted.
    Waiting,
    /// It was done.
    Done,
    /// It was not run, and why.
    Skipped(String),
    /// It failed, and why.
    Failed(String),
}

/// What a transaction has to run and make, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HookJournal {
    /// The number of the transaction.
    pub transaction: u64,
    /// Whether hooks and triggers are run.
    pub policy: HookPolicy,
    /// The jobs in order, and what became of each.
    pub jobs: Vec<(Job, JobState)>,
}

impl HookJournal {
    /// Returns the text.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let policy = match self.policy {
            HookPolicy::Run => "run",
            HookPolicy::Skip => "skip",
        };
        let is_newer = |(job, _): &(Job, JobState)| {
            matches!(job, Job::DropIn { .. } | Job::Directories { .. })
        };
        let format = match self.jobs.iter().any(is_newer) {
            true => FORMAT,
            false => FIRST,
        };
        let mut text = format!(
            "igos-hooks {format} {format}\ntransaction {}\npolicy {policy}\n",
            self.transaction
        );
        for (job, state) in &self.jobs {
            let state = match state {
                JobState::Waiting => "waiting -".to_owned(),
                JobState::Done => "done -".to_owned(),
                JobState::Skipped(why) => format!("skipped {}", word(why)),
                JobState::Failed(why) => format!("failed {}", word(why)),
            };
            text.push_str(&format!("{state} {}\n", line(job)));
        }
        text.push_str(&format!("end {}\n", Sha256::of(text.as_bytes())));
        text.into_bytes()
    }

    /// Reads the text, strictly.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, RecordError> {
        let mut lines = body_lines(bytes, "igos-hooks", FORMAT)?;
        let refused = |lines: &Lines<'_>, expected| RecordError::Line {
            line: lines.number() + 1,
            expected,
        };
        let transaction = lines
            .parsed("transaction")
            .ok_or_else(|| refused(&lines, "transaction NUMBER"))?;
        let policy = match lines.value("policy") {
            Some("run") => HookPolicy::Run,
            Some("skip") => HookPolicy::Skip,
            _ => return Err(refused(&lines, "policy run or policy skip")),
        };
        let mut jobs = Vec::new();
        while !lines.rest().is_empty() {
            let job = lines.next_line().and_then(parse);
            jobs.push(job.ok_or_else(|| refused(&lines, "STATE REASON JOB"))?);
        }
        let journal = HookJournal {
            transaction,
            policy,
            jobs,
        };
        if journal.to_bytes() != bytes {
            return Err(RecordError::Line {
                line: 1,
                expected: "the canonical form of this journal",
            });
        }
        Ok(journal)
    }
}

/// Escapes a text so that it is one word; the empty one is a dash, and a dash is escaped.
fn word(text: &str) -> String {
    match text {
        "" => "-".to_owned(),
        "-" => "\\x2d".to_owned(),
        text => escape(text.as_bytes()).to_string(),
    }
}

fn unword(word: &str) -> Option<String> {
    match word {
        "-" => Some(String::new()),
        "\\x2d" => Some("-".to_owned()),
        word => String::from_utf8(unescape(word).ok()?).ok(),
    }
}

fn line(job: &Job) -> String {
    let mut words: Vec<String> = Vec::new();
    match job {
        Job::Group(group) => {
            words.extend([
                "group".to_owned(),
                group.name.to_string(),
                group.gid.to_string(),
            ]);
        }
        Job::User(user) => {
            words.extend([
                "user".to_owned(),
                user.name.to_string(),
                user.uid.to_string(),
                user.gid.to_string(),
                word(&user.home),
                word(&user.shell),
                word(&user.description),
            ]);
        }
        Job::DropIn { kind, files } => {
            words.push(kind.as_str().to_owned());
            words.extend(files.iter().map(|file| word(file)));
        }
        Job::Directories { paths } => {
            words.push("directories".to_owned());
            words.extend(paths.iter().map(ToString::to_string));
        }
        Job::Hook {
            package,
            version,
            operation,
            moment,
            ..
        } => words.extend([
            "hook".to_owned(),
            moment.to_string(),
            package.to_string(),
            word(version),
            word(operation),
        ]),
        Job::Trigger { name, packages, .. } => {
            let packages: Vec<&str> = packages.iter().map(PackageName::as_str).collect();
            words.extend(["trigger".to_owned(), name.to_string(), packages.join(",")]);
        }
        Job::BuiltIn { name, .. } => words.extend(["built-in".to_owned(), word(name)]),
    }
    words.extend(job.run().iter().map(|argument| word(argument)));
    words.join(" ")
}

fn parse(line: &str) -> Option<(Job, JobState)> {
    let mut words = line.split(' ');
    let (state, why) = (words.next()?, unword(words.next()?)?);
    let state = match (state, why.as_str()) {
        ("waiting", "") => JobState::Waiting,
        ("done", "") => JobState::Done,
        ("skipped", _) => JobState::Skipped(why),
        ("failed", _) => JobState::Failed(why),
        _ => return None,
    };
    let job = parse_job(&mut words)?;
    words.next().is_none().then_some((job, state))
}

fn parse_job<'a>(words: &mut impl Iterator<Item = &'a str>) -> Option<Job> {
    let kind = words.next()?;
    Some(match kind {
        "group" => Job::Group(NewGroup {
            name: words.next()?.parse().ok()?,
            gid: words.next()?.parse().ok()?,
        }),
        "user" => Job::User(NewUser {
            name: words.next()?.parse().ok()?,
            uid: words.next()?.parse().ok()?,
            gid: words.next()?.parse().ok()?,
            home: unword(words.next()?)?,
            shell: unword(words.next()?)?,
            description: unword(words.next()?)?,
        }),
        "sysusers" | "tmpfiles" => Job::DropIn {
            kind: match kind {
                "sysusers" => DropIn::Sysusers,
                _ => DropIn::Tmpfiles,
            },
            files: program(words)?,
        },
        "directories" => Job::Directories {
            paths: words.map(parse_path).collect::<Option<_>>()?,
        },
        "hook" => Job::Hook {
            moment: words.next()?.parse().ok()?,
            package: words.next()?.parse().ok()?,
            version: unword(words.next()?)?,
            operation: unword(words.next()?)?,
            run: program(words)?,
        },
        "trigger" => Job::Trigger {
            name: words.next()?.parse().ok()?,
            packages: words
                .next()?
                .split(',')
                .map(|name| name.parse().ok())
                .collect::<Option<_>>()?,
            run: program(words)?,
        },
        "built-in" => Job::BuiltIn {
            name: unword(words.next()?)?,
            run: program(words)?,
        },
        _ => return None,
    })
}

/// Takes the rest: a program and its arguments, or names.
fn program<'a>(words: &mut impl Iterator<Item = &'a str>) -> Option<Vec<String>> {
    words.map(unword).collect()
}

#[cfg(test)]
mod tests {
    use igos_format::declaration::HookMoment;
    use proptest::prelude::*;

    use super::{HookJournal, JobState};
    use crate::hooks::DropIn;
    use crate::hooks::job::{HookPolicy, Job, NewGroup, NewUser};

    const DOCUMENT: &str = include_str!("../../../../docs/formats/hooks.md");

    fn journal() -> HookJournal {
        let name = |text: &str| text.parse().expect("a name");
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        HookJournal {
            transaction: 12,
            policy: HookPolicy::Run,
            jobs: vec![
                (
                    Job::Hook {
                        package: name("db"),
                        version: "1.2-1".to_owned(),
                        operation: "upgrade".to_owned(),
                        moment: HookMoment::PreUpgrade,
                        run: words(&["/usr/lib/db/check", "--all of it"]),
                    },
                    JobState::Done,
                ),
                (
                    Job::Group(NewGroup {
                        name: name("db"),
                        gid: 999,
                    }),
                    JobState::Done,
                ),
                (
                    Job::User(NewUser {
                        name: name("db"),
                        uid: 999,
                        gid: 999,
                        home: "/var/lib/db".to_owned(),
                        shell: "/usr/sbin/nologin".to_owned(),
                        description: String::new(),
                    }),
                    JobState::Done,
                ),
                (
                    Job::BuiltIn {
                        name: "ldconfig".to_owned(),
                        run: words(&["/usr/sbin/ldconfig"]),
                    },
                    JobState::Skipped("there is no /usr/sbin/ldconfig".to_owned()),
                ),
                (
                    Job::Trigger {
                        name: name("db-words"),
                        packages: vec![name("db"), name("db-words")],
                        run: words(&["/usr/bin/db", "-", ""]),
                    },
                    JobState::Failed("exited with code 3".to_owned()),
                ),
                (
                    Job::BuiltIn {
                        name: "font-cache".to_owned(),
                        run: words(&["/usr/bin/fc-cache", "-s"]),
                    },
                    JobState::Waiting,
                ),
            ],
        }
    }

    #[test]
    fn example_of_the_document_is_this_journal() {
        let (_, rest) = DOCUMENT
            .split_once("```hooks\n")
            .expect("the document has an example");
        let (example, _) = rest.split_once("```").expect("the example ends");
        assert_eq!(
            String::from_utf8(journal().to_bytes()).as_deref(),
            Ok(example)
        );
    }

    #[test]
    fn drop_in_files_raise_the_format_and_nothing_else_does() {
        let files = |kind, state, files: &[&str]| {
            let files = files.iter().map(|file| (*file).to_owned()).collect();
            (Job::DropIn { kind, files }, state)
        };
        let journal = HookJournal {
            transaction: 13,
            policy: HookPolicy::Run,
            jobs: vec![
                files(DropIn::Sysusers, JobState::Done, &["web.conf"]),
                files(
                    DropIn::Tmpfiles,
                    JobState::Waiting,
                    &["mail.conf", "web.conf"],
                ),
                (
                    Job::Directories {
                        paths: vec!["etc/a b".parse().expect("a path")],
                    },
                    JobState::Waiting,
                ),
            ],
        };
        let example = DOCUMENT.split("```hooks\n").nth(2).expect("a second one");
        let (example, _) = example.split_once("```").expect("the example ends");
        let bytes = journal.to_bytes();
        assert_eq!(String::from_utf8_lossy(&bytes), example);
        assert_eq!(HookJournal::read(&bytes), Ok(journal));
        let claimed = example.replace("igos-hooks 2 2", "igos-hooks 3 3");
        assert!(HookJournal::read(claimed.as_bytes()).is_err());
    }

    #[test]
    fn journal_round_trips_and_every_changed_byte_is_found() {
        let bytes = journal().to_bytes();
        assert_eq!(HookJournal::read(&bytes), Ok(journal()));
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(HookJournal::read(&changed).is_err(), "byte {at}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_would_be_written_again(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            if let Ok(journal) = HookJournal::read(&bytes) {
                prop_assert_eq!(journal.to_bytes(), bytes);
            }
        }

        #[test]
        fn any_text_survives_as_reason_and_argument(why in ".{0,20}", argument in ".{0,20}") {
            let mut journal = journal();
            let run = vec!["/bin/a".to_owned(), argument];
            let name = "a".to_owned();
            journal.jobs = vec![(Job::BuiltIn { name, run }, JobState::Failed(why))];
            prop_assert_eq!(HookJournal::read(&journal.to_bytes()), Ok(journal));
        }
    }
}
