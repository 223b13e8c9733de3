//! The defects, as changes of what a transaction does to the file system.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

use igos_root::{Directory, set_mode};
use igos_sysroot::{Attributes, Disk, Mutations};
use rustix::fs::{Mode, OFlags};

/// The journal while it is written, and while it is in force.
const JOURNAL_NEW: &[u8] = b"journal.new";
/// See [`JOURNAL_NEW`].
const JOURNAL: &[u8] = b"journal";

/// What is wrong with a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Defect {
    /// Nothing.
    None,
    /// The journal gets its name after the first step.
    JournalLate,
    /// The journal has no name while the steps after the first nine are done.
    JournalGone,
    /// A staged file gets its content after the journal has got its name.
    ContentLate,
    /// Staged files get their mode after the journal has got its name.
    ModeLate,
    /// Recovery does not delete what was staged.
    StagingLeft,
    /// Recovery leaves a step out.
    RecoverySkips,
    /// The journal has no name while recovery does its steps.
    RecoveryForgets,
    /// What is replaced is written over instead of exchanged: one inode serves both.
    WrittenOver,
    /// What is replaced is deleted, then what is new is renamed.
    DeletedFirst,
    /// Steps that fail count as done.
    StepsIgnored,
    /// Content that cannot be written counts as written.
    WritesIgnored,
    /// A wait for the disk that fails counts as done.
    SyncsIgnored,
    /// Owner, mode and attributes that cannot be set count as set.
    AttributesIgnored,
}

impl Defect {
    /// Those that killing shows.
    pub const KILLED: [Defect; 7] = [
        Defect::JournalLate,
        Defect::JournalGone,
        Defect::ContentLate,
        Defect::ModeLate,
        Defect::StagingLeft,
        Defect::RecoverySkips,
        Defect::RecoveryForgets,
    ];
    /// Those that failing calls show.
    pub const FAILED: [Defect; 6] = [
        Defect::WrittenOver,
        Defect::DeletedFirst,
        Defect::StepsIgnored,
        Defect::WritesIgnored,
        Defect::SyncsIgnored,
        Defect::AttributesIgnored,
    ];

    /// Returns its word on command lines.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Defect::None => "none",
            Defect::JournalLate => "journal-late",
            Defect::JournalGone => "journal-gone",
            Defect::ContentLate => "content-late",
            Defect::ModeLate => "mode-late",
            Defect::StagingLeft => "staging-left",
            Defect::RecoverySkips => "recovery-skips",
            Defect::RecoveryForgets => "recovery-forgets",
            Defect::WrittenOver => "written-over",
            Defect::DeletedFirst => "deleted-first",
            Defect::StepsIgnored => "steps-ignored",
            Defect::WritesIgnored => "writes-ignored",
            Defect::SyncsIgnored => "syncs-ignored",
            Defect::AttributesIgnored => "attributes-ignored",
        }
    }

    /// Returns the defect of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Defect> {
        let all = [Defect::None].into_iter().chain(Defect::KILLED);
        all.chain(Defect::FAILED)
            .find(|defect| defect.as_str() == word)
    }
}

/// The real file system, changed with a defect.
#[derive(Debug)]
pub(super) struct Planted {
    defect: Defect,
    /// Whether an interrupted transaction is recovered.
    is_recovery: bool,
    progress: Mutex<Progress>,
}

#[derive(Debug, Default)]
struct Progress {
    /// Steps done since the journal got its name.
    steps: Option<usize>,
    /// Where the journal gets its name late.
    unnamed: Option<OwnedFd>,
    /// Where the journal is.
    state: Option<OwnedFd>,
    /// Whether it has no name for a while.
    is_away: bool,
    contents: Vec<(File, Vec<u8>)>,
    modes: Vec<(OwnedFd, u16)>,
}

impl Planted {
    pub(super) fn new(defect: Defect, is_recovery: bool) -> Self {
        Planted {
            defect,
            is_recovery,
            progress: Mutex::default(),
        }
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ignores(&self, defect: Defect, result: io::Result<()>) -> io::Result<()> {
        match result {
            Err(_) if self.defect == defect => Ok(()),
            other => other,
        }
    }

    /// Does a step, and what a defect does before or after it.
    fn step(&self, at: &Directory, act: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        let mut progress = self.progress();
        if self.is_recovery {
            let number = progress.steps.unwrap_or_default();
            progress.steps = Some(number + 1);
            if self.defect == Defect::RecoverySkips && number == 1 {
                return Ok(());
            }
            if self.defect == Defect::RecoveryForgets && number == 0 {
                // The journal is in the directory above that of the slots.
                progress.state = Some(rustix::fs::openat(
                    at,
                    c"..",
                    OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
                    Mode::empty(),
                )?);
                progress.take_name()?;
            }
            return act();
        }
        let Some(number) = progress.steps else {
            return act();
        };
        progress.steps = Some(number + 1);
        self.ignores(Defect::StepsIgnored, act())?;
        for (mut file, bytes) in progress.contents.drain(..) {
            file.write_all(&bytes)?;
        }
        for (file, mode) in progress.modes.drain(..) {
            set_mode(file.as_fd(), mode)?;
        }
        if let Some(state) = progress.unnamed.take() {
            rename(&state, JOURNAL_NEW, JOURNAL)?;
        }
        if self.defect == Defect::JournalGone && number == 9 {
            progress.take_name()?;
        }
        Ok(())
    }
}

impl Progress {
    fn take_name(&mut self) -> io::Result<()> {
        if let Some(state) = &self.state {
            self.is_away = rename(state, JOURNAL, JOURNAL_NEW).is_ok();
        }
        Ok(())
    }

    fn give_name(&mut self) -> io::Result<()> {
        match &self.state {
            Some(state) if std::mem::take(&mut self.is_away) => rename(state, JOURNAL_NEW, JOURNAL),
            _ => Ok(()),
        }
    }
}

fn rename(state: &OwnedFd, from: &[u8], to: &[u8]) -> io::Result<()> {
    Ok(rustix::fs::renameat(state, from, state, to)?)
}

impl Mutations for Planted {
    fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        // One file will do; others are copied from each other while they are staged.
        if self.defect == Defect::ContentLate && bytes.starts_with(b"tool ") {
            let late = (file.try_clone()?, bytes.to_vec());
            self.progress().contents.push(late);
            return Ok(());
        }
        self.ignores(Defect::WritesIgnored, file.write_all(bytes))
    }

    fn set_attributes(&self, file: BorrowedFd<'_>, attributes: &Attributes<'_>) -> io::Result<()> {
        let mut attributes = attributes.clone();
        if self.defect == Defect::ModeLate
            && let Some(mode) = attributes.mode.take()
        {
            let file = file.try_clone_to_owned()?;
            self.progress().modes.push((file, mode));
        }
        let result = Disk.set_attributes(file, &attributes);
        self.ignores(Defect::AttributesIgnored, result)
    }

    fn rename_new(
        &self,
        from: &Directory,
        name: &[u8],
        to: &Directory,
        other: &[u8],
    ) -> io::Result<()> {
        if name == JOURNAL_NEW {
            let mut progress = self.progress();
            progress.steps = Some(0);
            let state = to.as_fd().try_clone_to_owned()?;
            if self.defect == Defect::JournalLate {
                progress.unnamed = Some(state);
                return Ok(());
            }
            progress.state = Some(state);
            return from.rename_new(name, to, other);
        }
        if name == JOURNAL {
            return from.rename_new(name, to, other);
        }
        self.step(from, || from.rename_new(name, to, other))
    }

    fn exchange(
        &self,
        from: &Directory,
        name: &[u8],
        to: &Directory,
        other: &[u8],
    ) -> io::Result<()> {
        let are_files = from.open_file(name).is_ok() && to.open_file(other).is_ok();
        self.step(from, || match self.defect {
            Defect::WrittenOver if are_files => {
                let (new, old) = (content(from, name)?, content(to, other)?);
                overwrite(to, other, &new)?;
                overwrite(from, name, &old)
            }
            Defect::DeletedFirst if are_files => {
                to.delete(other)?;
                from.rename_new(name, to, other)
            }
            _ => from.exchange(name, to, other),
        })
    }

    fn delete(&self, at: &Directory, name: &[u8]) -> io::Result<()> {
        let is_slot = name.iter().all(u8::is_ascii_digit);
        if self.defect == Defect::StagingLeft && self.is_recovery && is_slot {
            return Ok(());
        }
        at.delete(name)
    }

    fn sync_filesystem(&self, at: &Directory) -> io::Result<()> {
        if self.is_recovery {
            self.progress().give_name()?;
        }
        self.ignores(Defect::SyncsIgnored, at.sync_filesystem())
    }

    fn commit_database(&self) -> io::Result<()> {
        self.progress().give_name()
    }
}

fn content(at: &Directory, name: &[u8]) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut at.open_file(name)?, &mut bytes)?;
    Ok(bytes)
}

fn overwrite(at: &Directory, name: &[u8], bytes: &[u8]) -> io::Result<()> {
    let mut file = at.open_or_create_file(name)?;
    file.set_len(0)?;
    file.write_all(bytes)
}
