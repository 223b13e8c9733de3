//! What became of the lines of drop-in files.

use igos_format::RelPath;

use crate::hooks::JobState;

/// Where a line is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The file, below the root.
    pub(super) file: RelPath,
    /// The line, counted from 1; 0 for the whole file.
    pub(super) line: usize,
}

/// Why a line was not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unmade {
    /// It is for another time or another program: at every boot, when files grow old, on a running machine.
    Elsewhere(String),
    /// It asks for something that we do not do.
    Left(String),
    /// It cannot be understood or carried out.
    Failed(String),
    /// It would give what its package does not declare.
    Refused(String),
}

/// What became of the lines of drop-in files: nothing is said of those that were carried out.
#[derive(Debug, Default)]
pub(crate) struct Report {
    failed: Vec<String>,
    left: Vec<String>,
    elsewhere: Vec<String>,
}

impl Report {
    pub(super) fn add(&mut self, place: &Place, why: &Unmade) {
        let (lines, word, why) = match why {
            Unmade::Failed(why) => (&mut self.failed, "failed", why),
            Unmade::Refused(why) => (&mut self.failed, "refused", why),
            Unmade::Left(why) => (&mut self.left, "left out", why),
            Unmade::Elsewhere(why) => (&mut self.elsewhere, "not for now", why),
        };
        let Place { file, line } = place;
        lines.push(match line {
            0 => format!("{file}: {word}: {why}\n"),
            line => format!("{file}:{line}: {word}: {why}\n"),
        });
    }

    /// Returns what became of the job.
    pub(in crate::hooks) fn state(&self) -> JobState {
        match self.failed.len() {
            0 => JobState::Done,
            1 => JobState::Failed("1 line could not be carried out".to_owned()),
            failed => JobState::Failed(format!("{failed} lines could not be carried out")),
        }
    }

    /// Returns what somebody should read: what failed and what was left out.
    pub(in crate::hooks) fn notable(&self) -> String {
        let lines = [self.failed.concat(), self.left.concat()].concat();
        lines.trim_end().to_owned()
    }

    /// Returns everything that was said, a line each.
    pub(in crate::hooks) fn into_output(self) -> Vec<u8> {
        [self.failed, self.left, self.elsewhere]
            .concat()
            .concat()
            .into_bytes()
    }
}
