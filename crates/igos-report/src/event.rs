//! What a running operation tells.

use serde::Serialize;

use crate::Diagnostic;

/// Identifies one task during one run of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct TaskId(pub u64);

/// What a task is about, in words of the domain.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case", tag = "task", content = "name")]
pub enum Subject {
    /// A set of tasks: "build 12 packages".
    Group(String),
    /// A file is fetched.
    Fetch(String),
    /// A package is built.
    Build(String),
    /// One step of a build: "pigz: check".
    Step(String),
    /// A source or an archive is unpacked.
    Unpack(String),
    /// An archive is written.
    Pack(String),
    /// A transaction is carried out.
    Apply(String),
    /// A hook or trigger is run.
    Hook(String),
    /// A root or a file is verified.
    Verify(String),
    /// A phase of a pipeline is carried out.
    Phase(String),
}

/// Which stream of a child a line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stream {
    /// Standard output and standard error of a build script, which share one pipe.
    Combined,
    /// Standard error alone.
    Error,
}

/// How a task ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "outcome", content = "reason")]
pub enum Outcome {
    /// It did what it was for.
    Done,
    /// There was nothing to do, and why.
    Skipped(String),
    /// It failed, and why in one line.
    Failed(String),
    /// It was dropped before it ended.
    Abandoned,
}

/// What is left of a task that consists of others, in the order of their dependencies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outlook {
    /// What is worked on.
    pub running: Vec<String>,
    /// How many could be worked on now.
    pub ready: u64,
    /// How many wait for others.
    pub waiting: u64,
    /// The chain that takes longest of what is left, the next one first.
    pub critical: Vec<String>,
    /// How long all that is left takes, as far as is known from earlier runs.
    pub remaining_seconds: u64,
    /// How many are left of which nothing is known.
    pub unknown: u64,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
pub enum Event {
    /// A task began.
    Started {
        /// The task.
        id: TaskId,
        /// The task it is part of.
        parent: Option<TaskId>,
        /// What it is about.
        subject: Subject,
    },
    /// A task advanced; `total` is absent while unknown. The unit is the task's own: bytes or items.
    Advanced {
        /// The task.
        id: TaskId,
        /// Units done.
        done: u64,
        /// Units in all.
        total: Option<u64>,
    },
    /// A child of the task printed a line.
    Output {
        /// The task.
        id: TaskId,
        /// The stream.
        stream: Stream,
        /// The line, without its end; bytes that are not UTF-8 replaced.
        line: String,
    },
    /// Something that the reader should know and that stops nothing.
    Notice {
        /// The task it concerns.
        id: Option<TaskId>,
        /// What to know.
        diagnostic: Diagnostic,
    },
    /// What is left of a task that consists of others.
    Outlook {
        /// The task.
        id: TaskId,
        /// What is left.
        #[serde(flatten)]
        outlook: Outlook,
    },
    /// A task ended.
    Finished {
        /// The task.
        id: TaskId,
        /// How.
        outcome: Outcome,
    },
}
