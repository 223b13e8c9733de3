//! What a plan runs and makes besides files, and what became of it: the same for every command that changes something.

use std::fmt;

use igos_cli::Exit;
use igos_sysroot::{HookPolicy, HookResult, Job, JobState, Plan};
use serde::Serialize;

/// What became of hooks, triggers and accounts.
#[derive(Debug, Default, Serialize)]
pub(super) struct RanHooks {
    /// Each job that was run, in order.
    results: Vec<HookResult>,
    /// How many are left to be run, failed ones too.
    left: usize,
}

impl RanHooks {
    pub(super) fn new(results: Vec<HookResult>, left: usize) -> Self {
        RanHooks { results, left }
    }

    /// Says what failed, what was left out and what is left; nothing if all is well.
    pub(super) fn render(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        for result in &self.results {
            match &result.state {
                JobState::Failed(why) => writeln!(out, "failed: {}: {why}", result.what)?,
                _ if !result.output.is_empty() => writeln!(out, "noted: {}", result.what)?,
                _ => continue,
            }
            for line in result.output.lines() {
                writeln!(out, "  {line}")?;
            }
            if !result.output.is_empty() {
                writeln!(out, "  all that is kept of it is in /{}", result.log)?;
            }
        }
        match self.left {
            0 => Ok(()),
            1 => writeln!(out, "1 job is left; run it again with `pkm hooks run`"),
            left => writeln!(
                out,
                "{left} jobs are left; run them again with `pkm hooks run`"
            ),
        }
    }

    /// Says what was done, too.
    pub(super) fn render_all(&self, out: &mut dyn fmt::Write) -> fmt::Result {
        for result in self.results.iter().filter(|result| !result.is_failed()) {
            writeln!(out, "done: {}", result.what)?;
        }
        if self.results.is_empty() && self.left == 0 {
            writeln!(out, "nothing is left to be run")?;
        }
        self.render(out)
    }

    pub(super) fn exit(&self) -> Exit {
        if self.left > 0 { Exit::No } else { Exit::Done }
    }
}

/// Returns the sections of a plan that say what it runs and makes: title and lines.
pub(super) fn sections(plan: &Plan) -> Vec<(&'static str, Vec<String>)> {
    let lines = |is_wanted: fn(&Job) -> bool| -> Vec<String> {
        let jobs = plan.hooks.jobs.iter().filter(|job| is_wanted(job));
        jobs.map(line).collect()
    };
    let is_account = |job: &Job| job.run().is_empty();
    let accounts = ("users, groups and paths that are made", lines(is_account));
    let is_after = |job: &Job| !job.is_before() && !job.run().is_empty();
    if plan.hooks.policy == HookPolicy::Skip {
        let skipped = lines(|job| !job.run().is_empty());
        let title = "not run, because hooks and triggers are turned off";
        return vec![accounts, (title, skipped)];
    }
    vec![
        accounts,
        ("run before anything changes", lines(Job::is_before)),
        ("run afterwards, confined to the root", lines(is_after)),
    ]
}

/// Returns a job in one line, with the command.
pub(super) fn line(job: &Job) -> String {
    match job {
        Job::Group(_) | Job::User(_) | Job::DropIn { .. } | Job::Directories { .. } => {
            job.to_string()
        }
        _ => format!("{job}: {}", command(job.run())),
    }
}

/// Writes a command as a person would type it; words that need it are quoted.
fn command(words: &[String]) -> String {
    let is_plain = |word: &str| {
        !word.is_empty()
            && word
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "/._-+=:,@%".contains(c))
    };
    let quoted = words.iter().map(|word| {
        if is_plain(word) {
            word.clone()
        } else {
            format!("'{}'", word.replace('\'', r"'\''"))
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::command;

    #[test]
    fn words_that_a_shell_would_split_are_quoted() {
        let words = ["/bin/sh", "-c", "it's $x", ""].map(str::to_owned);
        assert_eq!(command(&words), r"/bin/sh -c 'it'\''s $x' ''");
    }
}
