//! The smallest program on this crate: it greets, and fails in all the ways that programs can.

use std::fmt;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Parser, Subcommand};
use igos_cli::{Answer, Exit, Failure, Globals, Program, Render, Session};
use igos_report::{Diagnostic, Outcome, Subject, Task};
use serde::Serialize;

/// Greet, and fail in all the ways that programs can
#[derive(Debug, Parser)]
#[command(name = "smallest", version)]
struct Smallest {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Greet somebody
    Greet {
        /// Whom to greet
        name: String,
        /// How often
        #[arg(long, default_value_t = 1)]
        times: usize,
    },
    /// Ask before greeting
    Ask,
    /// Say no, with a place in a text
    Refuse,
    /// Have a defect
    Panic,
    /// Wait until interrupted
    Wait,
}

impl Program for Smallest {
    fn globals(&self) -> &Globals {
        &self.globals
    }
}

/// What the program answers.
#[derive(Debug, Serialize)]
struct Greeting {
    name: String,
    #[serde(skip)]
    times: usize,
}

impl Render for Greeting {
    fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        (0..self.times).try_for_each(|_| writeln!(out, "hello {}", self.name))
    }
}

fn main() -> ExitCode {
    igos_cli::run(dispatch)
}

fn dispatch(smallest: Smallest, session: &Session) -> Result<Answer, Failure> {
    match smallest.command {
        Command::Greet { name, times } => Ok(Greeting { name, times }.into()),
        Command::Ask => {
            session.confirm("the plan:\n  greet the world\n", "Greet it?")?;
            Ok(Greeting {
                name: "world".into(),
                times: 1,
            }
            .into())
        }
        Command::Refuse => {
            let text = "name: zlib\nverison: 1\n";
            let diagnostic = Diagnostic::error("key-unknown", "there is no key `verison`")
                .at_source("zlib/package.yml", text, 11..18)
                .because("the format is 1")
                .hint("did you mean `version`?");
            Err(Failure::new(Exit::No, diagnostic))
        }
        Command::Panic => panic!("this cannot happen"),
        Command::Wait => {
            let task = Task::start(session.reporter(), None, Subject::Group("waiting".into()));
            // A bound, so that a lost signal fails the test instead of hanging it.
            let end = Instant::now() + Duration::from_secs(60);
            while !session.interrupt().is_set() && Instant::now() < end {
                std::thread::sleep(Duration::from_millis(5));
            }
            task.finish(Outcome::Skipped("interrupted".into()));
            session.interrupt().check()?;
            Ok(Greeting {
                name: "nobody".into(),
                times: 1,
            }
            .into())
        }
    }
}
