//! What a hook prints, as much of it as is kept.

use super::JobState;

/// How much of the beginning is kept, and how much of the end, in bytes.
const KEPT_BYTES: usize = 32 * 1024;

/// The beginning and the end of what was printed.
#[derive(Debug, Default)]
pub(crate) struct Output {
    head: Vec<u8>,
    tail: Vec<u8>,
    left_out: u64,
}

impl Output {
    /// Takes up the next bytes.
    pub(crate) fn take(&mut self, bytes: &[u8]) {
        let (first, rest) = bytes.split_at(bytes.len().min(KEPT_BYTES - self.head.len()));
        self.head.extend_from_slice(first);
        self.tail.extend_from_slice(rest);
        let excess = self.tail.len().saturating_sub(KEPT_BYTES);
        self.tail.drain(..excess);
        self.left_out += excess as u64;
    }

    /// Returns everything that was kept, saying where something is left out.
    pub(crate) fn into_bytes(mut self) -> Vec<u8> {
        if self.left_out > 0 {
            let note = format!("\n[{} bytes are left out here]\n", self.left_out);
            self.head.extend_from_slice(note.as_bytes());
        }
        self.head.extend_from_slice(&self.tail);
        self.head
    }
}

/// Lines of the end of an output that messages show.
const SHOWN_LINES: usize = 12;

/// Returns the last lines, for messages.
pub(crate) fn last_lines(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(output);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n")
}

/// How a job ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) state: JobState,
    pub(super) output: Vec<u8>,
    /// What of the output is shown at once.
    pub(super) shown: String,
}

impl Ended {
    /// Returns the end of a job that printed nothing.
    pub(super) fn silently(state: JobState) -> Self {
        Ended {
            state,
            output: Vec::new(),
            shown: String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{KEPT_BYTES, Output, last_lines};

    #[test]
    fn beginning_and_end_are_kept_and_what_is_left_out_is_counted() {
        let mut output = Output::default();
        output.take(b"begin\n");
        output.take(&vec![b'.'; 3 * KEPT_BYTES]);
        output.take(b"\nend\n");
        let kept = output.into_bytes();
        let text = String::from_utf8_lossy(&kept);
        assert!(text.starts_with("begin\n...") && text.ends_with("...\nend\n"));
        assert!(text.contains(&format!("[{} bytes are left out here]", KEPT_BYTES + 11)));
        assert!(kept.len() < 2 * KEPT_BYTES + 100);
        let mut short = Output::default();
        short.take(b"a\nb\n");
        assert_eq!(last_lines(&short.into_bytes()), "a\nb");
    }
}
