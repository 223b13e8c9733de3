//! Flags that mean the same in every program.

use std::num::NonZeroUsize;

use clap::{Args, ValueEnum};

/// Heading under which `--help` lists the flags of this module.
const HEADING: &str = "Flags of every command";

/// A program: its command line, which holds the flags that every program has.
pub trait Program: clap::Parser {
    /// Returns the flags that every program has.
    fn globals(&self) -> &Globals;
}

/// Flags that every program has; flatten them into the command line with `#[command(flatten)]`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Globals {
    /// Print the answer as one JSON value on standard output, also when there is an error
    #[arg(long, global = true, help_heading = HEADING)]
    pub json: bool,
    /// Print warnings, errors and the answer, but no progress
    #[arg(long, short, global = true, help_heading = HEADING)]
    pub quiet: bool,
    /// Do what the plan says without asking
    #[arg(long, short, global = true, help_heading = HEADING)]
    pub yes: bool,
    /// Show the plan and change nothing
    #[arg(long, global = true, help_heading = HEADING)]
    pub dry_run: bool,
    /// Work on at most N things at a time [default: the number of processors]
    #[arg(long, short, value_name = "N", global = true, help_heading = HEADING)]
    pub jobs: Option<NonZeroUsize>,
    /// Wait while another program holds the lock, instead of ending with exit code 75
    #[arg(long, global = true, help_heading = HEADING)]
    pub wait: bool,
    /// How progress is shown on standard error
    #[arg(long, value_name = "HOW", value_enum, default_value_t = Report::Auto, global = true, help_heading = HEADING)]
    pub report: Report,
    /// When standard error is coloured
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Color::Auto, global = true, help_heading = HEADING)]
    pub color: Color,
}

impl Globals {
    /// Returns how many things to work on at a time.
    #[must_use]
    pub fn jobs(&self) -> NonZeroUsize {
        self.jobs
            .or_else(|| std::thread::available_parallelism().ok())
            .unwrap_or(NonZeroUsize::MIN)
    }
}

/// Flags of programs that may use the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
pub struct NetworkFlags {
    /// Use no network; what is not at hand is an error
    #[arg(long, global = true, help_heading = HEADING)]
    pub offline: bool,
    /// Talk to servers with all rights of this program, where a process without rights cannot be made
    #[arg(long, global = true, help_heading = HEADING)]
    pub unsafe_unconfined_downloads: bool,
}

/// How progress is shown on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Report {
    /// Bars on a terminal, lines elsewhere
    Auto,
    /// One line for each change
    Plain,
    /// One JSON object for each event, each with `"schema": 1`
    Json,
    /// Bars for what is running
    Terminal,
}

/// When standard error is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}
