//! Defects planted on purpose, to see that a machine finds them.

use std::fmt;
use std::fs::File;
use std::io::{self, Seek, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use igos_root::{Directory, set_modified};
use igos_sysroot::Mutations;
use nix::sys::stat::fstat;

/// The journal while it is written, while it is in force, and while old files are put away.
const JOURNAL_NEW: &[u8] = b"journal.new";
/// See [`JOURNAL_NEW`].
const JOURNAL: &[u8] = b"journal";
/// See [`JOURNAL_NEW`].
const JOURNAL_DONE: &[u8] = b"journal.done";

/// A defect of the order in which a transaction waits for the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Defect {
    /// None: the transaction as it is.
    None,
    /// Nothing waits for staged files and the journal before the journal gets its name.
    NoBarrier,
    /// The journal alone is waited for: staged files are not.
    JournalAlone,
    /// The journal gets its name, on disk too, before anything else is waited for.
    CommitBeforeBarrier,
    /// The directory is not waited for after the journal has got its name.
    CommitNotSynced,
    /// Staged files get their content after the barrier.
    DataAfterBarrier,
    /// The journal gets its name after the first step, which is on disk already.
    JournalAfterFirstStep,
    /// Old files and the journal go before the steps are on disk.
    SettleNotSynced,
    /// Old files are put away before the new name of the journal is on disk.
    DoneNotSynced,
}

impl Defect {
    /// All that are defects.
    pub const ALL: [Defect; 8] = [
        Defect::NoBarrier,
        Defect::JournalAlone,
        Defect::CommitBeforeBarrier,
        Defect::CommitNotSynced,
        Defect::DataAfterBarrier,
        Defect::JournalAfterFirstStep,
        Defect::SettleNotSynced,
        Defect::DoneNotSynced,
    ];

    fn name(self) -> &'static str {
        match self {
            Defect::None => "none",
            Defect::NoBarrier => "no-barrier",
            Defect::JournalAlone => "journal-alone",
            Defect::CommitBeforeBarrier => "commit-before-barrier",
            Defect::CommitNotSynced => "commit-not-synced",
            Defect::DataAfterBarrier => "data-after-barrier",
            Defect::JournalAfterFirstStep => "journal-after-first-step",
            Defect::SettleNotSynced => "settle-not-synced",
            Defect::DoneNotSynced => "done-not-synced",
        }
    }
}

impl fmt::Display for Defect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Defect {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        std::iter::once(Defect::None)
            .chain(Self::ALL)
            .find(|defect| defect.name() == text)
            .ok_or_else(|| format!("no defect is called {text}"))
    }
}

/// The real file system, changed by a transaction with a defect.
#[derive(Debug)]
pub(super) struct Planted {
    defect: Defect,
    progress: Mutex<Progress>,
}

/// How far a transaction is.
#[derive(Debug, Default)]
struct Progress {
    /// The journal is complete, or has its name, or has been replaced.
    phase: Phase,
    /// What is written late.
    late: Vec<Late>,
    /// The journal, while it is written.
    journal: Option<File>,
    /// Where the journal gets its name late.
    unnamed: Option<Directory>,
}

/// A part of a content.
#[derive(Debug)]
struct Late {
    file: File,
    offset: u64,
    bytes: Vec<u8>,
}

impl Late {
    /// Changes the file, but not its time.
    fn change(&self, change: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
        let modified = fstat(self.file.as_fd())?.st_mtime;
        change(&self.file)?;
        set_modified(self.file.as_fd(), modified)
    }
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Phase {
    #[default]
    Staging,
    Writing,
    Named,
    Done,
}

impl Planted {
    pub(super) fn new(defect: Defect) -> Self {
        Planted {
            defect,
            progress: Mutex::default(),
        }
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the journal its name where a defect kept it from it, once the step before it is on disk.
    fn name_journal(&self) -> io::Result<()> {
        let Some(state) = self.progress().unnamed.take() else {
            return Ok(());
        };
        // The kernel may write back at any time; here it does.
        state.sync_filesystem()?;
        state.rename_new(JOURNAL_NEW, &state, JOURNAL)?;
        state.sync()
    }
}

impl Mutations for Planted {
    fn create_file(&self, at: &Directory, name: &[u8]) -> io::Result<File> {
        let file = at.create_file(name)?;
        if name == JOURNAL_NEW {
            let mut progress = self.progress();
            progress.phase = Phase::Writing;
            progress.journal = Some(file.try_clone()?);
        }
        Ok(file)
    }

    fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        let mut progress = self.progress();
        if self.defect == Defect::DataAfterBarrier && progress.phase == Phase::Staging {
            let late = Late {
                file: file.try_clone()?,
                offset: file.stream_position()?,
                bytes: bytes.to_vec(),
            };
            progress.late.push(late);
        }
        file.write_all(bytes)
    }

    fn rename_new(
        &self,
        from: &Directory,
        name: &[u8],
        to: &Directory,
        other: &[u8],
    ) -> io::Result<()> {
        if name == JOURNAL_NEW && other == JOURNAL {
            let mut progress = self.progress();
            progress.phase = Phase::Named;
            if self.defect == Defect::JournalAfterFirstStep {
                progress.unnamed = Some(to.try_clone()?);
                return Ok(());
            }
        }
        if other == JOURNAL_DONE {
            self.progress().phase = Phase::Done;
        }
        from.rename_new(name, to, other)?;
        self.name_journal()
    }

    fn exchange(
        &self,
        from: &Directory,
        name: &[u8],
        to: &Directory,
        other: &[u8],
    ) -> io::Result<()> {
        from.exchange(name, to, other)?;
        self.name_journal()
    }

    fn sync_filesystem(&self, at: &Directory) -> io::Result<()> {
        let mut progress = self.progress();
        match (self.defect, progress.phase) {
            (Defect::NoBarrier | Defect::CommitBeforeBarrier, Phase::Writing)
            | (Defect::SettleNotSynced, Phase::Named) => Ok(()),
            (Defect::JournalAlone, Phase::Writing) => match &progress.journal {
                Some(journal) => journal.sync_all(),
                None => Ok(()),
            },
            (Defect::DataAfterBarrier, Phase::Writing) => {
                // Copies were made of some, so they have had their content all along; the disk has not.
                for late in &progress.late {
                    late.change(|file| file.set_len(0))?;
                }
                at.sync_filesystem()?;
                for late in progress.late.drain(..) {
                    late.change(|file| file.write_all_at(&late.bytes, late.offset))?;
                }
                Ok(())
            }
            _ => at.sync_filesystem(),
        }
    }

    fn sync(&self, at: &Directory) -> io::Result<()> {
        let progress = self.progress();
        match (self.defect, progress.phase) {
            (Defect::CommitNotSynced, Phase::Named) | (Defect::DoneNotSynced, Phase::Done) => {
                Ok(())
            }
            (Defect::CommitBeforeBarrier, Phase::Named) => {
                at.sync()?;
                at.sync_filesystem()
            }
            (Defect::JournalAfterFirstStep, Phase::Named) if progress.unnamed.is_some() => Ok(()),
            _ => at.sync(),
        }
    }
}
