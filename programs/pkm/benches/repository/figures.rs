//! How long programs ran, and how long the processor worked for them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use fs_err as fs;

/// What the kernel counts processor time in, for programs: 100 a second on every machine we know.
const TICKS_PER_SECOND: u32 = 100;

/// What each command took, by its words.
#[derive(Default)]
pub(crate) struct Figures {
    taken: BTreeMap<String, Taken>,
}

struct Taken {
    runs: u32,
    /// The shortest time on the wall.
    wall: Duration,
    /// Processor time of all runs: one run takes few of the kernel's ticks.
    processor: Duration,
}

/// When a command was started.
pub(crate) struct Start {
    wall: Instant,
    processor: Duration,
}

impl Figures {
    pub(crate) fn start(&self) -> Start {
        Start {
            processor: processor_of_children(),
            wall: Instant::now(),
        }
    }

    pub(crate) fn end(&mut self, root: &str, arguments: &[&str], start: Start) {
        let wall = start.wall.elapsed();
        let command = format!("{root}: {}", arguments.join(" "));
        let taken = self.taken.entry(command).or_insert(Taken {
            runs: 0,
            wall,
            processor: Duration::ZERO,
        });
        taken.runs += 1;
        taken.wall = taken.wall.min(wall);
        taken.processor += processor_of_children() - start.processor;
    }

    #[expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
    pub(crate) fn print(&self) {
        let milliseconds = |duration: Duration| duration.as_secs_f64() * 1000.0;
        let base = self.taken["root: --version"].wall;
        for (command, taken) in &self.taken {
            println!(
                "pkm {command:52} {:8.2} ms, {:6.2} of --version; processor {:7.1} ms",
                milliseconds(taken.wall),
                taken.wall.as_secs_f64() / base.as_secs_f64(),
                milliseconds(taken.processor / taken.runs)
            );
        }
    }
}

/// Returns the processor time of programs that were started and have ended, `cutime` and `cstime` of proc(5).
fn processor_of_children() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").expect("there is a proc file system");
    // The second field is a name in parentheses, which may have spaces.
    let (_, fields) = stat.rsplit_once(')').expect("it has a name");
    let ticks = fields.split_whitespace().skip(13).take(2);
    let ticks: u32 = ticks
        .map(|field| field.parse::<u32>().expect("it is a number"))
        .sum();
    Duration::from_secs(1) * ticks / TICKS_PER_SECOND
}
