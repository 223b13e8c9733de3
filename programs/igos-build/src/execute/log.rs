//! The log of one build: every byte in a file, every line as an event, the last lines in memory.

use std::collections::VecDeque;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use fs_err as fs;
use igos_report::{Stream, Task};

/// How many lines a failure shows.
const TAIL_LINES: usize = 20;
/// Longest line that is shown or kept, in bytes; the file has all of it.
const LINE_MAX_BYTES: usize = 4096;

/// The log of one build.
#[derive(Debug)]
pub(crate) struct BuildLog {
    path: PathBuf,
    file: BufWriter<fs::File>,
    failure: Option<io::Error>,
    pending: Vec<u8>,
    tail: VecDeque<String>,
}

impl BuildLog {
    /// Creates the file, or empties it.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        Ok(BuildLog {
            path: path.to_owned(),
            file: BufWriter::new(fs::File::create(path)?),
            failure: None,
            pending: Vec::new(),
            tail: VecDeque::new(),
        })
    }

    /// Returns the file.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Takes what a step printed and reports the lines that are complete.
    pub(crate) fn take(&mut self, bytes: &[u8], task: &Task<'_>) {
        self.write(bytes);
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let room = LINE_MAX_BYTES.saturating_sub(self.pending.len());
            self.pending
                .extend_from_slice(&piece[..piece.len().min(room)]);
            if piece.ends_with(b"\n") {
                self.end_line(task);
            }
        }
    }

    /// Ends the line of a step that stopped in the midst of one.
    pub(crate) fn flush_line(&mut self, task: &Task<'_>) {
        if !self.pending.is_empty() {
            self.write(b"\n");
            self.end_line(task);
        }
    }

    /// Writes a line of our own.
    pub(crate) fn note(&mut self, line: &str) {
        self.write(format!("== {line}\n").as_bytes());
    }

    /// Returns the last lines.
    pub(crate) fn tail(&self) -> Vec<String> {
        self.tail.iter().cloned().collect()
    }

    /// Forgets the last lines, at the beginning of a step.
    pub(crate) fn forget_tail(&mut self) {
        self.tail.clear();
    }

    /// Brings everything to the file; returns the first failure of all writes to it.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        match self.failure.take() {
            Some(failure) => Err(failure),
            None => self.file.flush(),
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        if self.failure.is_none()
            && let Err(failure) = self.file.write_all(bytes)
        {
            self.failure = Some(failure);
        }
    }

    fn end_line(&mut self, task: &Task<'_>) {
        let text = String::from_utf8_lossy(&self.pending);
        // What a carriage return overwrites was progress; the last state counts.
        let line = text
            .trim_end()
            .rsplit('\r')
            .next()
            .unwrap_or_default()
            .to_owned();
        self.pending.clear();
        if self.tail.len() == TAIL_LINES {
            self.tail.pop_front();
        }
        self.tail.push_back(line.clone());
        task.output(Stream::Combined, line);
    }
}

#[cfg(test)]
mod tests {
    use igos_report::{Event, Recorder, Subject, Task};

    use super::{BuildLog, LINE_MAX_BYTES, TAIL_LINES};

    #[test]
    fn log_file_has_every_byte_and_the_tail_the_last_lines() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let recorder = Recorder::default();
        let task = Task::start(&recorder, None, Subject::Step("zlib: build".into()));
        let mut log =
            BuildLog::create(&directory.path().join("log")).expect("the directory is ours");
        log.take(b"first\nsec", &task);
        log.take(b"ond\n10%\r100%\nlast", &task);
        log.flush_line(&task);
        assert_eq!(log.tail(), ["first", "second", "100%", "last"]);
        for number in 0..TAIL_LINES {
            log.take(format!("line {number}\n").as_bytes(), &task);
        }
        assert_eq!(log.tail().first().map(String::as_str), Some("line 0"));
        log.take(&vec![b'x'; 10 * LINE_MAX_BYTES], &task);
        log.take(b"\n", &task);
        assert_eq!(log.tail().last().map(String::len), Some(LINE_MAX_BYTES));
        log.finish().expect("the disk has room");
        let written = fs_err::read(log.path()).expect("the log is there");
        assert!(written.starts_with(b"first\nsecond\n10%\r100%\nlast\nline 0\n"));
        let lines = recorder
            .events()
            .into_iter()
            .filter(|event| matches!(event, Event::Output { .. }));
        assert_eq!(lines.count(), 5 + TAIL_LINES);
    }
}
