//! From the command line to the exit code.

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::sync::Mutex;

use clap::error::{ContextKind, ErrorKind};
use igos_report::{Diagnostic, Quiet, Reporter, Severity};
use igos_report::{Event, diagnose};

use crate::completion;
use crate::prompt::{self, Consent};
use crate::render::{Style, readable};
use crate::reporter::{JsonLines, Plain, Terminal};
use crate::{
    Answer, Color, Environment, Exit, Failure, Globals, Interrupt, Program, PromptError, Report,
    escape_text,
};

/// What a command may use besides its own flags.
#[derive(Debug)]
pub struct Session {
    environment: Environment,
    interrupt: Interrupt,
    story: Story,
    consent: Consent,
    is_quiet: bool,
}

impl Session {
    /// Returns who listens to the events of this run.
    #[must_use]
    pub fn reporter(&self) -> &dyn Reporter {
        match &self.story {
            Story::Quiet(notices) => notices,
            Story::Plain(plain) => plain,
            Story::Json(lines) => lines,
            Story::Terminal(terminal) => terminal,
        }
    }

    /// Returns whether the user asked to stop.
    #[must_use]
    pub fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    /// Returns the environment in which the program was started.
    #[must_use]
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Shows `diagnostic` without ending anything.
    pub fn notice(&self, diagnostic: Diagnostic) {
        self.reporter().report(Event::Notice {
            id: None,
            diagnostic,
        });
    }

    /// Shows `plan` on standard error and returns once the user agreed to it.
    ///
    /// With `--yes` the plan is shown (unless `--quiet`) and nobody is asked. The answer that counts when nothing
    /// is typed is no.
    ///
    /// # Errors
    ///
    /// [`PromptError::NobodyToAsk`] without `--yes` where there is no terminal (exit code 2: the command line
    /// lacks a word), [`PromptError::Declined`] after anything but a yes (exit code 1).
    pub fn confirm(&self, plan: &str, question: &str) -> Result<(), PromptError> {
        let ask = || {
            if self.consent == Consent::Given && !self.is_quiet {
                self.say(plan);
            }
            prompt::confirm(plan, question, self.consent, &self.interrupt)
        };
        match &self.story {
            Story::Terminal(terminal) => terminal.suspend(ask),
            Story::Quiet(_) | Story::Plain(_) | Story::Json(_) => ask(),
        }
    }

    /// Writes what a program that the user asked for prints to standard output, byte by byte as it comes.
    ///
    /// For commands that run something in front of the user; with `--json` they keep the bytes for their answer
    /// instead, as standard output gets exactly one value then.
    pub fn pass_through(&self, bytes: &[u8]) {
        let print = || {
            let mut stdout = io::stdout().lock();
            // A reader that went away has seen what it wanted; what the program does goes on.
            let _written = stdout
                .write_all(bytes)
                .and_then(|()| stdout.flush())
                .is_ok();
        };
        match &self.story {
            Story::Quiet(_) | Story::Plain(_) | Story::Json(_) => print(),
            Story::Terminal(terminal) => terminal.suspend(print),
        }
    }

    /// Shows text on standard error, for example what comes next; not with `--quiet` or `--report json`.
    pub fn say(&self, text: &str) {
        let print = || print_stderr(&escape_text(text));
        match &self.story {
            Story::Quiet(_) | Story::Json(_) => {}
            Story::Plain(_) => print(),
            Story::Terminal(terminal) => terminal.suspend(print),
        }
    }
}

/// Who listens to events.
#[derive(Debug)]
enum Story {
    Quiet(Notices),
    Plain(Plain<io::Stderr>),
    Json(JsonLines<io::Stderr>),
    Terminal(Terminal),
}

/// Shows what the user has to know, and nothing else.
#[derive(Debug)]
struct Notices(Style);

impl Reporter for Notices {
    fn report(&self, event: Event) {
        match event {
            Event::Notice { diagnostic, .. } if diagnostic.severity > Severity::Note => {
                print_stderr(&self.0.diagnostic(&diagnostic));
            }
            other => Quiet.report(other),
        }
    }
}

/// Runs a program: parses the command line, calls `body`, prints what it returns, and says how to end.
///
/// The answer goes to standard output and everything else to standard error. With `--json` standard output gets
/// exactly one JSON value, also after a usage error, a failure or a panic. A closed pipe ends the output quietly.
pub fn run<P: Program>(body: impl FnOnce(P, &Session) -> Result<Answer, Failure>) -> ExitCode {
    let environment = Environment::of_process();
    #[expect(
        clippy::disallowed_methods,
        reason = "this crate alone reads the command line, and here alone"
    )]
    let arguments: Vec<OsString> = std::env::args_os().collect();
    if completion::answer::<P>(&arguments, &environment) {
        return end(Exit::Done);
    }
    let program = match P::try_parse_from(&arguments) {
        Ok(program) => program,
        Err(error) => return end(usage(&error, &arguments, &environment)),
    };
    let globals = program.globals().clone();
    let style = style(globals.color, &environment);
    let session = Session {
        story: story(&globals, style),
        interrupt: Interrupt::default(),
        environment,
        consent: if globals.yes {
            Consent::Given
        } else {
            Consent::Ask
        },
        is_quiet: globals.quiet,
    };
    let result = match session.interrupt.listen() {
        Ok(()) => catch_panics(|| body(program, &session)),
        Err(source) => Err(Failure::from(SignalError { source })),
    };
    let result = match result {
        // Whatever failed after the user asked to stop failed because of that.
        Err(failure) if session.interrupt.is_set() && failure.exit != Exit::Defect => {
            Err(Failure {
                exit: Exit::Interrupted,
                ..failure
            })
        }
        other => other,
    };
    if let Story::Terminal(terminal) = &session.story {
        terminal.clear();
    }
    end(print_result(result, &globals, style))
}

/// The program cannot listen to the signals that ask it to stop.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen to signals")]
struct SignalError {
    #[source]
    source: io::Error,
}

impl igos_report::Explain for SignalError {
    fn code(&self) -> &'static str {
        "signals-unavailable"
    }
}

fn end(exit: Exit) -> ExitCode {
    ExitCode::from(exit.code())
}

fn style(color: Color, environment: &Environment) -> Style {
    let is_coloured = match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => io::stderr().is_terminal() && environment.variable("NO_COLOR").is_none(),
    };
    if is_coloured {
        Style::COLOURED
    } else {
        Style::PLAIN
    }
}

fn story(globals: &Globals, style: Style) -> Story {
    match globals.report {
        Report::Json => Story::Json(JsonLines::new(io::stderr())),
        Report::Auto | Report::Plain | Report::Terminal if globals.quiet => {
            Story::Quiet(Notices(style))
        }
        Report::Terminal => Story::Terminal(Terminal::new(style)),
        Report::Auto if io::stderr().is_terminal() => Story::Terminal(Terminal::new(style)),
        Report::Auto | Report::Plain => Story::Plain(Plain::new(io::stderr(), style)),
    }
}

/// Calls `body`; a panic becomes a failure that asks the reader to report it.
fn catch_panics(body: impl FnOnce() -> Result<Answer, Failure>) -> Result<Answer, Failure> {
    static PLACE: Mutex<Option<String>> = Mutex::new(None);
    panic::set_hook(Box::new(|information| {
        let mut place = PLACE
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        // The first panic is the cause; others, as of threads that waited for it, follow from it.
        place.get_or_insert_with(|| information.to_string());
    }));
    panic::catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|_| {
        let text = PLACE
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take()
            .unwrap_or_default();
        let diagnostic = Diagnostic::error("defect", "this program has a defect and had to stop")
            .because(text)
            .hint("report it, with these lines and the command line that led to them");
        Err(Failure::new(Exit::Defect, diagnostic))
    })
}

/// Prints help, version or what is wrong with the command line.
fn usage(error: &clap::Error, arguments: &[OsString], environment: &Environment) -> Exit {
    let before_end = arguments.iter().take_while(|argument| *argument != "--");
    let is_json = before_end.clone().any(|argument| argument == "--json");
    let text = error.render().to_string();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let shown = if is_json {
                format!("{}\n", serde_json::json!({ "help": text }))
            } else {
                text
            };
            print_stdout(&shown).unwrap_or_else(|failure| {
                report_lost_answer(failure, style(Color::Auto, environment))
            })
        }
        _ => {
            print_stderr(&escape_text(&text));
            let message = text
                .lines()
                .next()
                .unwrap_or_default()
                .trim_start_matches("error: ")
                .to_owned();
            let failure = Failure::usage(message);
            let failure = match error
                .get(ContextKind::SuggestedSubcommand)
                .or(error.get(ContextKind::SuggestedArg))
            {
                Some(suggestion) => failure.hint(format!("did you mean `{suggestion}`?")),
                None => failure,
            };
            if is_json {
                print_stdout(&format!("{}\n", failure.to_json())).unwrap_or(Exit::Usage);
            }
            Exit::Usage
        }
    }
}

fn print_result(result: Result<Answer, Failure>, globals: &Globals, style: Style) -> Exit {
    let (exit, text) = match result {
        // Whether it can be written shows before anything of it is: there is one value, whatever happens.
        Ok(answer) if globals.json => match answer.write_json(&mut io::sink()) {
            Ok(()) => {
                return match print_json(&answer) {
                    Ok(()) => answer.exit(),
                    Err(failure) => report_lost_answer(failure, style),
                };
            }
            Err(error) => {
                let diagnostic =
                    Diagnostic::error("defect", "the answer cannot be written as JSON");
                let failure = Failure::new(Exit::Defect, diagnostic.because(error.to_string()));
                print_failure(&failure, globals, style);
                (failure.exit, format!("{}\n", failure.to_json()))
            }
        },
        Ok(answer) => (answer.exit(), escape_text(&answer.to_text()).into_owned()),
        Err(failure) => {
            print_failure(&failure, globals, style);
            let json = if globals.json {
                format!("{}\n", failure.to_json())
            } else {
                String::new()
            };
            (failure.exit, json)
        }
    };
    match print_stdout(&text) {
        Ok(_) => exit,
        Err(failure) => report_lost_answer(failure, style),
    }
}

fn print_failure(failure: &Failure, globals: &Globals, style: Style) {
    if globals.report == Report::Json {
        let lines = JsonLines::new(io::stderr());
        for diagnostic in &failure.diagnostics {
            lines.report(Event::Notice {
                id: None,
                diagnostic: diagnostic.clone(),
            });
        }
        return;
    }
    let (shown, cut) = readable(&failure.diagnostics);
    for diagnostic in shown {
        print_stderr(&style.diagnostic(diagnostic));
    }
    for note in cut {
        print_stderr(&style.diagnostic(&note));
    }
}

fn print_stderr(text: &str) {
    // Nobody to tell: standard error is closed or full.
    let _told = io::stderr().lock().write_all(text.as_bytes()).is_ok();
}

/// Standard output did not take the answer.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the answer to standard output")]
struct OutputError {
    #[source]
    source: io::Error,
}

impl igos_report::Explain for OutputError {
    fn code(&self) -> &'static str {
        "output-failed"
    }
}

/// Writes to standard output; a reader that went away is not a failure: it has seen what it wanted.
fn print_stdout(text: &str) -> Result<Exit, OutputError> {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(text.as_bytes());
    heard(written.and_then(|()| stdout.flush())).map(|()| Exit::Done)
}

fn print_json(answer: &Answer) -> Result<(), OutputError> {
    let mut stdout = io::BufWriter::new(io::stdout().lock());
    let written = answer.write_json(&mut stdout).map_err(io::Error::from);
    heard(
        written
            .and_then(|()| stdout.write_all(b"\n"))
            .and_then(|()| stdout.flush()),
    )
}

/// Whoever does not listen any more misses nothing.
fn heard(written: io::Result<()>) -> Result<(), OutputError> {
    match written {
        Err(source) if source.kind() != io::ErrorKind::BrokenPipe => Err(OutputError { source }),
        _ => Ok(()),
    }
}

fn report_lost_answer(error: OutputError, style: Style) -> Exit {
    print_stderr(&style.diagnostic(&diagnose(&error)));
    Exit::Unfinished
}
