//! Completion: what could stand next on the command line, told to shells that ask.
//!
//! A shell that has read what `COMPLETE=bash PROGRAM` prints (or `fish`, `zsh`) starts the program at every tab with the
//! words so far. Flags and commands come from the definition of the command line; names come from functions of the
//! program, because it alone knows what there is.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::CommandFactory;
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use clap_complete::env::CompleteEnv;

use crate::{Environment, Program};

/// The variable by which a shell asks.
const VARIABLE: &str = "COMPLETE";

/// Returns a completer for names that the program knows, given the words of the command line so far and the beginning of
/// the name. It cannot fail: where nothing is known, there is nothing to choose from.
#[must_use]
pub fn complete_names(find: fn(&CommandWords, &str) -> Vec<String>) -> ArgValueCompleter {
    ArgValueCompleter::new(move |current: &OsStr| {
        let Some(prefix) = current.to_str() else {
            return Vec::new();
        };
        let names = find(&CommandWords::of_process(), prefix);
        names.into_iter().map(CompletionCandidate::new).collect()
    })
}

/// The words of the command line that is being completed.
#[derive(Debug, Clone)]
pub struct CommandWords(Vec<OsString>);

impl CommandWords {
    fn of_process() -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "this crate alone reads the command line; a completer is given one word of it"
        )]
        let all = std::env::args_os();
        // Before the first `--` are words of the shell's own.
        CommandWords(all.skip_while(|word| word != "--").skip(1).collect())
    }

    /// Returns the value of `--NAME VALUE` or `--NAME=VALUE`, where it stands already.
    #[must_use]
    pub fn flag(&self, name: &str) -> Option<PathBuf> {
        let flag = format!("--{name}");
        let assigned = format!("--{name}=");
        let mut words = self.0.iter();
        while let Some(word) = words.next() {
            if *word == *flag.as_str() {
                return words.next().map(PathBuf::from);
            }
            if let Some(value) = word.to_str().and_then(|word| word.strip_prefix(&assigned)) {
                return Some(value.into());
            }
        }
        None
    }
}

/// Answers a shell that asks what could stand next; false if nobody asks and the program is to run.
pub(crate) fn answer<P: Program>(arguments: &[OsString], environment: &Environment) -> bool {
    if environment.variable(VARIABLE).is_none() {
        return false;
    }
    let completed = CompleteEnv::with_factory(<P as CommandFactory>::command)
        .var(VARIABLE)
        .try_complete(arguments.iter(), None);
    // A shell that we do not know has asked: it gets no answer, and the message tells why.
    completed.unwrap_or_else(|error| error.print().is_ok())
}

#[cfg(test)]
mod tests {
    use super::CommandWords;

    #[test]
    fn flag_is_found_in_both_ways_of_writing_it() {
        let words = |text: &str| CommandWords(text.split(' ').map(Into::into).collect());
        for text in [
            "pkm --root /mnt install z",
            "pkm --root=/mnt install z",
            "pkm install z --root /mnt",
        ] {
            assert_eq!(words(text).flag("root"), Some("/mnt".into()), "{text}");
        }
        assert_eq!(words("pkm install --rooted /mnt --root").flag("root"), None);
    }
}
