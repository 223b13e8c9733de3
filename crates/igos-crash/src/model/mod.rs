//! Power cuts in a model of a file system.
//!
//! The system calls of transactions are recorded ([`crate::trace::record`]) and read as effects on a disk. A case
//! cuts the power at one of them: what somebody waited for is on the disk, of everything else any part ([`cut`]). The
//! disk becomes a directory in memory ([`tree`]), on which the library recovers, in this process; the root then has to be
//! exactly as before or after the transaction that was cut off, and what was told to be done is done.
//!
//! A case is a number: the same recording and number give the same case again.

mod cut;
mod effect;
mod tree;

use std::collections::hash_map::{DefaultHasher, Entry};
use std::collections::{BTreeMap, HashMap};
use std::hash::{Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use fs_err as fs;
use igos_root::RootDir;
use igos_sysroot::{ChangeOptions, Durability, LockedSysroot};

use crate::random::Random;
use crate::trace::{Ended, Object, Program, TraceError, Warning, record};
use crate::workload::{Operation, State, StateError, Subject};
use cut::{Disk, Luck, Order, disk};
use effect::{Before, Effect, Effects};
use tree::{Maker, delete};

/// Transactions as they were recorded, to be cut off anywhere.
#[derive(Debug)]
pub struct Recorded {
    effects: Effects,
    inodes: BTreeMap<Object, u64>,
    root: Object,
    /// The root before, and after each operation.
    states: Vec<State>,
    /// Where directories are made.
    scratch: PathBuf,
    /// What was judged already: different cuts can leave the same disk.
    judged: Mutex<HashMap<u64, Result<State, String>>>,
}

/// One case, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// Its number.
    pub seed: u64,
    /// How many effects were before the cut.
    pub at: usize,
    /// Of how many.
    pub effects: usize,
    /// How many operations had begun, and how many of them were told to be done.
    pub begun: usize,
    /// See `begun`.
    pub told: usize,
    /// Which state the root was in, or what is wrong with it.
    pub found: Result<usize, String>,
}

/// What came of many cases.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// How many there were.
    pub cases: usize,
    /// How many disks of them were different.
    pub distinct: usize,
    /// After how many an operation that had begun had not happened.
    pub old: usize,
    /// After how many it had.
    pub new: usize,
    /// How many were between operations.
    pub between: usize,
    /// What was neither.
    pub losses: Vec<Case>,
}

/// The model does not work.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A file or directory.
    #[error("cannot prepare a root")]
    File(#[source] io::Error),
    /// The operations cannot be traced.
    #[error("cannot record the operations")]
    Trace(#[source] TraceError),
    /// They failed.
    #[error("the operations failed: {}", .0.stderr)]
    Ended(Ended),
    /// The trace does not tell everything.
    #[error("the trace is not complete: {0:?}")]
    Incomplete(Vec<Warning>),
    /// A state without any cut.
    #[error("the root cannot be recovered where nothing was lost: {0}")]
    State(String),
}

/// Carries out operations one after another under a tracer, in a directory below `scratch`.
///
/// # Errors
///
/// Returns why they cannot be recorded.
pub fn record_operations(
    subject: &Subject,
    launcher: &Path,
    operations: &[Operation],
    scratch: &Path,
) -> Result<Recorded, ModelError> {
    let (root, marks) = (scratch.join("root"), scratch.join("marks"));
    fs::create_dir_all(root.join("var"))
        .and_then(|()| fs::create_dir_all(&marks))
        .map_err(ModelError::File)?;
    let script = scratch.join("script");
    let text = subject.script(&root, operations, &marks);
    fs::write(&script, text).map_err(ModelError::File)?;
    let mut before = Before::read(&root).map_err(ModelError::File)?;
    before.add(&marks).map_err(ModelError::File)?;
    let program = Program {
        launcher: launcher.to_owned(),
        command: vec!["/bin/sh".into(), "-e".into(), script.into_os_string()],
        environment: BTreeMap::from([("PATH".into(), "/usr/bin:/bin".into())]),
        directory: scratch.to_owned(),
        watched: vec![root.clone(), marks.clone()],
    };
    let (ended, trace) = record(&program).map_err(ModelError::Trace)?;
    if ended.code != Some(0) {
        return Err(ModelError::Ended(ended));
    }
    let object = |path: &Path| {
        let found = trace.before.get(path).copied();
        found.ok_or_else(|| ModelError::File(io::ErrorKind::NotFound.into()))
    };
    let recorded = Recorded {
        effects: Effects::of(&before, &trace, object(&marks)?),
        inodes: trace.inodes.clone(),
        root: object(&root)?,
        states: Vec::new(),
        scratch: scratch.to_owned(),
        judged: Mutex::default(),
    };
    let incomplete = |warning: &&Warning| !matches!(warning, Warning::MappedShared(_));
    let warnings: Vec<Warning> = trace.warnings.iter().filter(incomplete).cloned().collect();
    if !warnings.is_empty() {
        return Err(ModelError::Incomplete(warnings));
    }
    recorded.with_states()
}

impl Recorded {
    /// Finds out how the root was before and after each operation, with nothing lost.
    fn with_states(mut self) -> Result<Self, ModelError> {
        let effects = self.effects.effects.iter().enumerate();
        let begun = effects.filter(|(_, effect)| matches!(effect, Effect::Begun));
        let mut ends: Vec<usize> = begun.map(|(at, _)| at).collect();
        ends.push(self.effects.effects.len());
        for at in ends {
            let found = disk(&self.effects, at, Luck::All, &mut Random::new(0));
            let state = self.recover(&found, 0).map_err(ModelError::File)?;
            self.states.push(state.map_err(ModelError::State)?);
        }
        Ok(self)
    }

    /// Cuts the power once.
    ///
    /// # Errors
    ///
    /// Returns why a directory cannot be made; a loss is no error.
    pub fn case(&self, seed: u64) -> Result<Case, ModelError> {
        let mut random = Random::new(seed);
        let effects = &self.effects.effects;
        let at = self.moment(&mut random);
        let luck = match random.below(8) {
            0 => Luck::All,
            _ => Luck::Some {
                percent: [0, 10, 50, 90][random.below(4) as usize],
                order: match random.below(2) {
                    0 => Order::OfNames,
                    _ => Order::None,
                },
            },
        };
        let found = self.judge(&disk(&self.effects, at, luck, &mut random), seed)?;
        let count = |is_counted: fn(&Effect) -> bool| {
            effects[..at]
                .iter()
                .filter(|effect| is_counted(effect))
                .count()
        };
        let begun = count(|effect| matches!(effect, Effect::Begun));
        let told = count(|effect| matches!(effect, Effect::Told));
        let found = found.and_then(|state| {
            let possible = told..=begun;
            let which = possible
                .clone()
                .find(|number| self.states[*number] == state);
            which.ok_or_else(
                || match self.states.iter().position(|other| *other == state) {
                    Some(other) => format!("it is state {other}, not one of {possible:?}"),
                    None => {
                        let against = |number: usize| {
                            let lines = self.states[number].difference(&state);
                            format!("not state {number}:\n{}\n", lines.join("\n"))
                        };
                        possible.map(against).collect()
                    }
                },
            )
        });
        Ok(Case {
            seed,
            at,
            effects: effects.len(),
            begun,
            told,
            found,
        })
    }

    /// Chooses when the power is cut: often while somebody waits for the disk, seldom while contents are written, of which
    /// there are many.
    fn moment(&self, random: &mut Random) -> usize {
        let effects = &self.effects.effects;
        let waits = random.happens(30);
        loop {
            let at = random.below(effects.len() as u64 + 1) as usize;
            let is_wanted = match effects.get(at) {
                Some(Effect::Sync(..)) => true,
                Some(Effect::Inode(..)) => !waits && random.happens(20),
                _ => !waits,
            };
            if is_wanted {
                return at;
            }
        }
    }

    /// Recovers a disk, unless one like it was recovered before.
    fn judge(&self, disk: &Disk, seed: u64) -> Result<Result<State, String>, ModelError> {
        let mut hasher = DefaultHasher::new();
        disk.hash(&mut hasher);
        let digest = hasher.finish();
        let judged = || self.judged.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = judged().get(&digest) {
            return Ok(known.clone());
        }
        let found = self.recover(disk, seed).map_err(ModelError::File)?;
        Ok(match judged().entry(digest) {
            Entry::Occupied(known) => known.get().clone(),
            Entry::Vacant(place) => place.insert(found).clone(),
        })
    }

    fn recover(&self, disk: &Disk, seed: u64) -> io::Result<Result<State, String>> {
        let path = self.scratch.join(format!("case-{seed}"));
        Maker::new(disk, &self.inodes).make(self.root, &path)?;
        let found = recover(&path)
            .and_then(|()| State::read(&path).map_err(|error: StateError| crate::chain(&error)));
        delete(&path)?;
        Ok(found)
    }

    /// Cuts the power in cases `first` and following, on as many threads as asked for.
    ///
    /// # Errors
    ///
    /// Returns why the model does not work; a loss is no error.
    pub fn cases(&self, first: u64, count: u64, threads: u64) -> Result<Report, ModelError> {
        let run = |thread: u64| -> Result<Report, ModelError> {
            let mut report = Report::default();
            let mut number = thread;
            while number < count {
                report.add(self.case(first + number)?);
                number += threads;
            }
            Ok(report)
        };
        let reports: Vec<Result<Report, ModelError>> = std::thread::scope(|scope| {
            let started: Vec<_> = (0..threads)
                .map(|thread| scope.spawn(move || run(thread)))
                .collect();
            let ended = started.into_iter().map(std::thread::ScopedJoinHandle::join);
            ended
                .map(|ended| ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect()
        });
        let mut sum = Report::default();
        for report in reports {
            let report = report?;
            sum.cases += report.cases;
            sum.old += report.old;
            sum.new += report.new;
            sum.between += report.between;
            sum.losses.extend(report.losses);
        }
        sum.distinct = self
            .judged
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .len();
        sum.losses.sort_by_key(|case| case.seed);
        Ok(sum)
    }
}

impl Report {
    fn add(&mut self, case: Case) {
        self.cases += 1;
        match &case.found {
            Ok(_) if case.begun == case.told => self.between += 1,
            Ok(state) if *state == case.told => self.old += 1,
            Ok(_) => self.new += 1,
            Err(_) => self.losses.push(case),
        }
    }
}

/// Recovers a root as the next start of any program does, unless nothing was ever installed.
fn recover(root: &Path) -> Result<(), String> {
    if !root.join("var/lib/igos/packages").exists() {
        return Ok(());
    }
    let options = ChangeOptions {
        // Nothing here survives the machine anyway.
        durability: Durability::None,
        ..ChangeOptions::default()
    };
    let root = RootDir::open(root).map_err(|error| crate::chain(&error))?;
    let opened = LockedSysroot::open(root, options);
    opened.map(drop).map_err(|error| crate::chain(&error))
}
