//! The whole story of one task in a file, whatever the screen shows.

use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Mutex;

use fs_err as fs;
use igos_report::{Event, Reporter};

use super::running::Running;
use crate::render::Style;

/// Writes every event that it hears into a file, the lines of children included; join it to the screen with
/// [`igos_report::Tee`].
///
/// The lines of children are written as they are: a log is read with a pager that shows control bytes.
#[derive(Debug)]
pub struct LogFile(Mutex<State>);

#[derive(Debug)]
struct State {
    running: Running,
    file: BufWriter<fs::File>,
    failure: Option<io::Error>,
}

impl LogFile {
    /// Creates the file, or empties it if it exists.
    ///
    /// # Errors
    ///
    /// Returns why the file cannot be created; the error names it.
    pub fn create(path: &Path) -> io::Result<Self> {
        let file = BufWriter::new(fs::File::create(path)?);
        Ok(LogFile(Mutex::new(State {
            running: Running::default(),
            file,
            failure: None,
        })))
    }

    /// Writes out what is still held back.
    ///
    /// # Errors
    ///
    /// Returns the first failure of all writes to the file; the lines after it are missing.
    ///
    /// # Panics
    ///
    /// Panics when another thread panicked while reporting.
    pub fn finish(self) -> io::Result<()> {
        let mut state = self
            .0
            .into_inner()
            .expect("no thread panics while it holds this lock");
        match state.failure {
            Some(failure) => Err(failure),
            None => state.file.flush(),
        }
    }
}

impl Reporter for LogFile {
    fn report(&self, event: Event) {
        let mut state = self
            .0
            .lock()
            .expect("no thread panics while it holds this lock");
        let line = match event {
            Event::Started { id, subject, .. } => Some(state.running.start(id, subject)),
            Event::Advanced { .. } | Event::Outlook { .. } => None,
            Event::Output { line, .. } => Some(line),
            Event::Notice { diagnostic, .. } => Some(Style::PLAIN.diagnostic(&diagnostic)),
            Event::Finished { id, outcome } => state.running.finish(id, &outcome),
        };
        if let (Some(line), None) = (line, &state.failure)
            && let Err(failure) = writeln!(state.file, "{}", line.trim_end())
        {
            state.failure = Some(failure);
        }
    }
}

#[cfg(test)]
mod tests {
    use igos_report::{Outcome, Stream, Subject, Task};

    use super::LogFile;

    #[test]
    fn log_file_holds_what_children_print() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("zlib.log");
        let log = LogFile::create(&path).expect("the directory is ours");
        let task = Task::start(&log, None, Subject::Build("zlib".into()));
        task.output(Stream::Combined, "make: nothing to be done".into());
        task.finish(Outcome::Done);
        log.finish().expect("the disk has room");
        let text = fs_err::read_to_string(&path).expect("the log is there");
        assert_eq!(
            text,
            "   build zlib\nmake: nothing to be done\n    done build zlib\n"
        );
    }
}
