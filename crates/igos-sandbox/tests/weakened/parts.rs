//! The parts of the probe, as it lists them, and what it says of each.

use std::collections::BTreeMap;

/// One way out that the probe tries.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    /// Its name.
    pub(crate) name: String,
    /// How it is made to escape.
    pub(crate) bite: Bite,
    /// Whether kernels can be without what it tries.
    pub(crate) is_optional: bool,
}

/// How a part is made to escape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Bite {
    /// By taking these locks away.
    Without(Vec<String>),
    /// By running as root of the machine, outside of a sandbox.
    RootOfHost,
    /// Not at all, for the reason that the table gives.
    Never,
}

/// Reads what `probe list` prints.
pub(crate) fn parse(list: &str) -> Vec<Part> {
    list.lines()
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            let [_, name, bite] = fields.as_slice() else {
                panic!("{line:?} has three fields");
            };
            let words: Vec<&str> = bite.split(' ').filter(|word| *word != "optional").collect();
            Part {
                name: (*name).to_owned(),
                is_optional: bite.split(' ').any(|word| word == "optional"),
                bite: match words.as_slice() {
                    ["root-of-host"] => Bite::RootOfHost,
                    [first, ..] if first.starts_with('-') => Bite::Never,
                    locks => Bite::Without(locks.iter().map(|lock| (*lock).to_owned()).collect()),
                },
            }
        })
        .collect()
}

/// Reads the lines `probe LINE NAME VERDICT: NOTE`; returns verdict and note by name.
pub(crate) fn verdicts(printed: &str) -> BTreeMap<String, (String, String)> {
    printed
        .lines()
        .filter_map(|line| {
            let (head, seen) = line.trim().split_once(": ").unwrap_or((line.trim(), ""));
            let mut words = head.trim_end_matches(':').split(' ');
            (words.next()? == "probe").then_some(())?;
            let (_, name, verdict) = (words.next()?, words.next()?, words.next()?);
            Some((name.to_owned(), (verdict.to_owned(), seen.to_owned())))
        })
        .collect()
}
